"""The table of the benchmarks' figures, each beside its limit and its bar."""

from collections.abc import Iterator
from typing import Any

Row = tuple[str, str, str, str, str]


def markdown(figures: dict[str, Any]) -> str:
    """Return the figures as a Markdown table; benchmarks that were not run are left out."""
    lines = [
        "| what | measured | limit in the same run | ratio | bar |",
        "| --- | --- | --- | --- | --- |",
    ]
    lines += [f"| {' | '.join(row)} |" for row in _rows(figures)]
    return "\n".join(lines) + "\n"


def _rows(figures: dict[str, Any]) -> Iterator[Row]:
    if session := figures.get("session"):
        yield (
            "round trip through the session, p99",
            f"{session['session_p99_ms']:.2f} ms (p50 {session['session_p50_ms']:.2f} ms)",
            f"bare paho echo {session['bare_p99_ms']:.2f} ms (p50 {session['bare_p50_ms']:.2f} ms)",
            f"{session['ratio_p99']:.2f}",
            "",
        )
    for count, latency in _stations(figures, "latency"):
        yield (
            f"meter value to limit, p99, {count}",
            f"{latency['limit_p99_ms']:.2f} ms (p50 {latency['limit_p50_ms']:.2f} ms)",
            f"bare paho echo {latency['echo_p99_ms']:.2f} ms (p50 {latency['echo_p50_ms']:.2f} ms)",
            f"{latency['p99_ratio']:.2f}",
            "≤ 3",
        )
    for count, bridge in _stations(figures, "bridge"):
        yield (
            f"polls a second, {count}",
            f"{bridge['bridge_polls_per_s']:.0f}",
            f"bare requests loop {bridge['bare_polls_per_s']:.0f}",
            f"{bridge['ratio']:.2f}",
            "≥ 0.7",
        )
    for count, logger in _stations(figures, "logger"):
        yield (
            f"rows a second on disk, {count}",
            f"{logger['logger_rows_per_s']:.0f}",
            f"bare paho subscriber {logger['bare_messages_per_s']:.0f}",
            f"{logger['ratio']:.2f}",
            "≥ 0.7",
        )
    for name, size in figures.get("sizes", {}).get("services", {}).items():
        resident, idle = size["resident_mb"], size["idle_cpu_percent"]
        yield (f"{name}: memory", f"{resident:.0f} MB", "", "", "< 120 MB")
        yield (f"{name}: idle processor", f"{idle:.2f} %", "", "", "< 2 %")
    if planner := figures.get("planner"):
        yield from _planner(planner)
    for case in figures.get("starts", {}).get("cases", []):
        name, cars = case["name"], case["cars"]
        best = f"best found {case['found']}, proven at least {case['at_least']}"
        yield (f"starts, {name}, {cars} cars", f"{case['planned']}", best, "", "")
    if startup := figures.get("startup"):
        yield ("`make demo` to the first row", f"{startup['first_row_s']:.1f} s", "", "", "< 5 s")
    for count, page in _stations(figures, "dashboard"):
        yield (
            f"meter value to screen, p95, {count} at 1 Hz",
            f"{page['to_screen_p95_ms']:.0f} ms (p50 {page['to_screen_p50_ms']:.0f} ms)",
            "", "", "≤ 500 ms",
        )  # fmt: skip
        yield (f"dashboard: frame, p95, {count}", f"{page['frame_p95_ms']:.0f} ms", "", "", "")
        yield (
            f"dashboard: first page, {count}",
            f"{page['first_page_s']:.2f} s",
            "",
            "",
            "≤ 1.5 s",
        )
    if dashboard := figures.get("dashboard"):
        yield ("dashboard: memory", f"{dashboard['memory_mb']:.0f} MB", "", "", "≤ 200 MB")


def _planner(planner: dict[str, Any]) -> Iterator[Row]:
    for line in [*planner["recorded"], *planner["random"]]:
        name = line.get("name") or f"random {line['cars']} x {line['slots']}"
        bare, calm = line["only_cost"], line["calm"]
        above = [
            one.get("worst_above_bound_percent", one.get("above_bound_percent"))
            for one in (bare, calm)
        ]
        starts = calm.get("mean_starts_per_car", calm.get("starts", 0) / line["cars"])
        seconds = calm.get("p99_s", calm.get("seconds"))
        yield (
            f"plan, {name}: above the bound; starts a car",
            f"{above[0]:.3f} %; calm {above[1]:.3f} %, {starts:.2f}",
            "computed bound",
            "",
            "≤ 0.1 %; ≤ 0.5 %, 1.2",
        )
        ratio = f"{calm['times_the_relaxation']:.0f}"
        yield (f"plan, {name}: processor time", f"{seconds:.3f} s", "relaxation", ratio, "≤ 5")
    for line in planner.get("near_full", []):
        calm, name = line["calm"], f"{line['cars']} x {line['slots']} near full"
        middle, worst = calm["median_above_bound_percent"], calm["worst_above_bound_percent"]
        yield (
            f"plan, {name}: above the bound; starts a car",
            f"median {middle:.1f} %, worst {worst:.1f} %; {calm['mean_starts_per_car']:.2f}",
            "bound of energy alone",
            "",
            "",
        )
    loop = planner["closed_loop"]
    yield (
        "plan in a closed loop: cost, fuse violations",
        f"{loop['above_hindsight_percent']:.1f} %, {loop['fuse_violations']}",
        "hindsight",
        "",
        "0 violations",
    )


def _stations(figures: dict[str, Any], name: str) -> Iterator[tuple[str, dict[str, float]]]:
    for count, values in figures.get(name, {}).get("stations", {}).items():
        yield f"{count} station{'' if count == '1' else 's'}", values
