"""The planner's benchmark figures become rows of the table and a picture."""

from pathlib import Path

from benchmarks.growth_plot import draw_planner_growth
from benchmarks.table import markdown

RECORDED = {
    "above_bound_percent": 0.01,
    "starts": 3,
    "seconds": 0.1,
    "times_the_relaxation": 9.0,
}
RANDOM = {
    "worst_above_bound_percent": 0.05,
    "mean_starts_per_car": 1.2,
    "p99_s": 0.3,
    "times_the_relaxation": 30.0,
}


def test_figures_of_the_planner_are_rows_beside_their_bars() -> None:
    planner = {
        "recorded": [{"name": "A", "cars": 2, "only_cost": RECORDED, "calm": RECORDED}],
        "random": [{"cars": 5, "slots": 96, "only_cost": RANDOM, "calm": RANDOM}],
        "closed_loop": {"above_hindsight_percent": 1.0, "fuse_violations": 0},
    }

    table = markdown({"planner": planner})

    assert "| plan, A: above the bound; starts a car | 0.010 %; calm 0.010 %, 1.50 |" in table
    assert "| plan, random 5 x 96: processor time | 0.300 s | relaxation | 30 | ≤ 5 |" in table
    assert "| plan in a closed loop: cost, fuse violations | 1.0 %, 0 |" in table


def test_growth_is_drawn(tmp_path: Path) -> None:
    growth = [{"cars": n, "slots": n, "seconds": n, "relaxation_s": n / 9} for n in (1, 10, 100)]
    picture = tmp_path / "growth.png"

    draw_planner_growth({"growth": growth, "growth_in_slots": growth}, picture)

    assert picture.read_bytes().startswith(b"\x89PNG")
