"""The command `wattbus-conformance`: holds any scheduler against the contract, point by point."""

import argparse
import os
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from contextlib import ExitStack
from functools import partial
from pathlib import Path

from wattbus_conformance.broker import BrokerAccess, NoBroker, OwnBroker, find_files
from wattbus_conformance.bus import BusError
from wattbus_conformance.findings import Finding, Findings, Outcome, is_conforming
from wattbus_conformance.points import BY_ID, POINTS
from wattbus_conformance.process import CannotStart, CommandLauncher, ImageLauncher, Launcher
from wattbus_conformance.report import catalogue_text, json_report, text_report
from wattbus_conformance.runner import run, scenes_for
from wattbus_conformance.settings import StageSettings

CONFORMS, DOES_NOT_CONFORM, CANNOT_RUN, INTERRUPTED = 0, 1, 2, 130

EXAMPLES = """examples:
  wattbus-conformance --command "wattbus-scheduler"
  wattbus-conformance --command "python docs/examples/scheduler-minimal.py"
  wattbus-conformance --image my-scheduler --env MY_SETTING=7
  wattbus-conformance --command "node index.mjs" --only lease-fenced --only fuse-two
  wattbus-conformance --list

The scheduler is told where to connect by WATTBUS_MQTT_HOST, _PORT, _USERNAME, _PASSWORD,
_PASSWORD_FILE and _CLIENT_ID, and its site by WATTBUS_SITE. Exit status: 0 when every MUST point
holds, 1 when not, 2 when the suite could not run.
"""


def parser() -> argparse.ArgumentParser:
    """Return the parser of the command line."""
    whole = argparse.ArgumentParser(
        prog="wattbus-conformance",
        description="Runs a scheduler, in any language, against a scripted bridge on a real "
        "broker and says point by point what holds.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    subject = whole.add_mutually_exclusive_group()
    subject.add_argument("--command", help="the scheduler's command line (no shell)")
    subject.add_argument("--image", help="the scheduler's image, for docker run")
    whole.add_argument(
        "--env",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="a setting for the scheduler; may be repeated",
    )
    whole.add_argument("--list", action="store_true", help="list all points and end")
    whole.add_argument(
        "--only",
        action="append",
        default=[],
        metavar="POINT",
        help="try only this point, or all that begin so; may be repeated",
    )
    whole.add_argument("--strict", action="store_true", help="SHOULD points count, too")
    whole.add_argument("--json", action="store_true", help="print JSON")
    whole.add_argument("--jobs", type=int, default=4, help="scenes at a time (default: 4)")
    whole.add_argument(
        "--patience",
        type=float,
        default=1.0,
        metavar="FACTOR",
        help="multiplies every deadline, for slow machines (default: 1)",
    )
    whole.add_argument(
        "--keep", type=Path, metavar="FOLDER", help="keep the schedulers' output there"
    )
    whole.add_argument("--broker-host", help="a broker that runs (default: start one)")
    whole.add_argument("--broker-port", type=int, default=1883)
    whole.add_argument(
        "--secrets",
        type=Path,
        metavar="FOLDER",
        help="with --broker-host: holds scheduler/password and station-bridge/password",
    )
    return whole


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the suite; returns the exit status."""
    whole = parser()
    parsed = whole.parse_args(arguments)
    if parsed.list:
        print(catalogue_text())
        return CONFORMS
    if parsed.command is None and parsed.image is None:
        whole.error("give --command or --image (or --list)")
    if parsed.broker_host is not None and parsed.secrets is None:
        whole.error("--broker-host needs --secrets")
    if parsed.jobs < 1 or not parsed.patience > 0:
        whole.error("--jobs must be at least 1 and --patience above 0")
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        return _run(parsed, _selected(parsed.only, whole), _launcher(parsed, whole))
    except (NoBroker, BusError, CannotStart) as error:
        print(f"wattbus-conformance: {error}", file=sys.stderr)
        return CANNOT_RUN
    except KeyboardInterrupt:
        print("wattbus-conformance: interrupted", file=sys.stderr)
        return INTERRUPTED


def _selected(only: list[str], whole: argparse.ArgumentParser) -> list[str]:
    chosen = []
    for wanted in only:
        matching = [wanted] if wanted in BY_ID else [i for i in BY_ID if i.startswith(wanted)]
        if not matching:
            whole.error(f"--only {wanted}: no such point; --list shows them all")
        chosen += matching
    return chosen or [point.id for point in POINTS]


def _launcher(parsed: argparse.Namespace, whole: argparse.ArgumentParser) -> Launcher:
    settings = {}
    for pair in parsed.env:
        name, sign, value = pair.partition("=")
        if not sign or not name:
            whole.error(f"--env {pair}: give NAME=VALUE")
        settings[name] = value
    if parsed.image is not None:
        return ImageLauncher(parsed.image, settings)
    os.environ.update(settings)
    return CommandLauncher(parsed.command)


def _run(parsed: argparse.Namespace, point_ids: list[str], launcher: Launcher) -> int:
    began_s = time.monotonic()
    with (
        tempfile.TemporaryDirectory(prefix="wattbus-conformance-") as scratch,
        ExitStack() as at_the_end,
    ):
        folder = parsed.keep or Path(scratch)
        folder.mkdir(parents=True, exist_ok=True)
        broker_files = partial(find_files, Path.cwd())
        own = None
        if parsed.broker_host is None:
            own = OwnBroker(Path(scratch) / "broker", broker_files())
            at_the_end.callback(own.stop)
            own.start()
            access = own.access
        else:
            access = BrokerAccess(parsed.broker_host, parsed.broker_port, parsed.secrets)
        settings = StageSettings(
            access, launcher, folder, threading.Event(), patience=parsed.patience, own_broker=own
        )
        findings = run(scenes_for(point_ids), settings, broker_files, parsed.jobs, _say_progress)
    findings = [finding for finding in findings if finding.point.id in point_ids]
    duration_s = time.monotonic() - began_s
    _print(findings, duration_s, parsed)
    return CONFORMS if is_conforming(findings, is_strict=parsed.strict) else DOES_NOT_CONFORM


def _print(findings: list[Finding], duration_s: float, parsed: argparse.Namespace) -> None:
    if parsed.json:
        print(json_report(findings, duration_s, is_strict=parsed.strict))
    else:
        print(text_report(findings, duration_s))


def _say_progress(findings: Findings) -> None:
    if not sys.stderr.isatty():
        return
    failed = [f.point.id for f in findings.found.values() if f.outcome is Outcome.FAILS]
    print(f"scene {findings.scene}: {', '.join(failed) or 'ok'}", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main())
