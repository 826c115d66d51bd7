"""Runs faults against the real system; one line of JSON a run, exit status 1 if a promise broke."""

import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
from pathlib import Path
from types import FrameType
from typing import Any

from chaos.catalogue import ALL, FAULTS
from chaos.run import Fault, Outcome, run_fault
from chaos.summary import markdown
from chaos.verdict import as_line
from fixtures.broker_process import ROOT, find_mosquitto

EXAMPLES = """examples:
  make chaos
  make chaos ARGS="broker-kill scheduler-swap --seed 7"
  make chaos ARGS="--seeds 5"
  make chaos ARGS="--list"
"""


def main() -> int:
    """Run the named faults, or all, with one seed after the other."""
    arguments = _arguments()
    if arguments.list:
        for fault in ALL:
            sys.stdout.write(f"{fault.name:<28}{fault.what}\n")
        return 0
    mosquitto = find_mosquitto()
    if mosquitto is None:
        sys.exit("Mosquitto is missing; install it with: sudo apt-get install mosquitto")
    # Ends like Ctrl-C, so that all processes are ended.
    signal.signal(signal.SIGTERM, _interrupt)
    results = ROOT / "chaos-results"
    results.mkdir(exist_ok=True)
    faults = [FAULTS[name] for name in arguments.names] or list(ALL)
    bad: list[str] = []
    runs: list[dict[str, Any]] = []
    with (results / "runs.jsonl").open("a") as file:
        for seed in range(arguments.seed, arguments.seed + arguments.seeds):
            for fault in faults:
                line, is_good = _run(fault, seed, mosquitto, results, must_keep=arguments.keep)
                file.write(line + "\n")
                file.flush()
                sys.stdout.write(line + "\n")
                sys.stdout.flush()
                runs.append(json.loads(line))
                if not is_good:
                    bad.append(f"{fault.name} (seed {seed})")
    (results / "summary.md").write_text(markdown(runs))
    sys.stderr.write(f"{markdown(runs)}written: {results}/runs.jsonl and summary.md beside it\n")
    if bad:
        sys.stderr.write(f"not as promised: {', '.join(bad)}\n")
    return 1 if bad else 0


def _run(
    fault: Fault, seed: int, mosquitto: str, results: Path, *, must_keep: bool
) -> tuple[str, bool]:
    if (reason := fault.missing()) is not None:
        is_ci = os.environ.get("CI", "").lower() in {"1", "true", "yes"}
        verdict_line = f'{{"run": "{fault.name}", "seed": {seed}, "skipped": "{reason}"}}'
        return verdict_line, not is_ci
    folder = Path(tempfile.mkdtemp(prefix=f"chaos-{fault.name}-"))
    try:
        outcome = run_fault(fault, seed, folder, mosquitto)
        if must_keep or not outcome.is_good:
            _keep(folder, results / f"{fault.name}-{seed}")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return line_of(outcome), outcome.is_good


def line_of(outcome: Outcome) -> str:
    """Return a run's outcome as one line of JSON."""
    more: dict[str, object] = {"ok": outcome.is_good, "took_s": round(outcome.took_s, 1)}
    if outcome.fault.must_break is not None:
        more["must_break"] = outcome.fault.must_break
    return as_line(outcome.fault.name, outcome.seed, outcome.verdict, **more)


def _keep(folder: Path, target: Path) -> None:
    shutil.rmtree(target, ignore_errors=True)
    # Passwords are of no use any more, and logs tell what happened.
    shutil.copytree(folder, target, ignore=shutil.ignore_patterns("secrets", "auth"))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="make chaos",
        description=__doc__,
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("names", nargs="*", metavar="FAULT", help="all without any; see --list")
    parser.add_argument("--seed", type=int, default=1, help="of the first round (1)")
    parser.add_argument("--seeds", type=int, default=1, help="how many rounds (1)")
    parser.add_argument(
        "--keep", action="store_true", help="keep logs, data and messages of good runs, too"
    )
    parser.add_argument("--list", action="store_true", help="name the faults and end")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - FAULTS.keys():
        parser.error(f"no fault {', '.join(sorted(unknown))}; see --list")
    return arguments


def _interrupt(_signal: int, _frame: FrameType | None) -> None:
    raise KeyboardInterrupt


if __name__ == "__main__":
    sys.exit(main())
