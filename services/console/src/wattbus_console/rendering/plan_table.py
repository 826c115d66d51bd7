"""The plan as a table: every slot with price, house load under the fuse, choice and reason."""

from rich.console import Group
from rich.table import Table
from rich.text import Text

from wattbus_console.plan_view import PlanRow, PlanView
from wattbus_console.rendering import palette
from wattbus_contract.money import price_text

LOAD_BAR = 12


def plan_table(view: PlanView) -> Group:
    """Return the table with the plan's sum below."""
    table = Table(box=None, padding=(0, 1), header_style=palette.QUIET, pad_edge=False, expand=True)
    table.add_column("", width=1)
    table.add_column("time", justify="right", no_wrap=True)
    table.add_column("price", justify="right", no_wrap=True)
    table.add_column(_load_title(view), width=LOAD_BAR + 6)
    # A reason that is cut off would leave the question open; it goes on in the next line.
    table.add_column("why", ratio=1)
    for row in view.rows:
        _add(table, row, view)
    head = Text.assemble(
        ("The plan for ", "bold"), (view.station, "bold"), (f", strategy {view.strategy}", "bold")
    )
    foot = Text.assemble(
        ("charges ", palette.QUIET), (view.chosen, f"bold {palette.CAR}"),
        (f"\n{view.outcome}", palette.QUIET),
    )  # fmt: skip
    return Group(head, table, foot)


def _load_title(view: PlanView) -> str:
    return "house+car" + (f" of {view.fuse_w / 1000:g} kW" if view.fuse_w is not None else "")


def _add(table: Table, row: PlanRow, view: PlanView) -> None:
    is_chosen = row.limit_w > 0
    style = palette.CAR if is_chosen else ""
    price = row.price_per_kwh
    table.add_row(
        Text("●" if is_chosen else "", palette.CAR),
        Text(row.when, style),
        Text(
            price_text(price, view.currency).removesuffix("/kWh") if price is not None else "-",
            style,
        ),
        _load_bar(row, view),
        Text(row.reason, style or palette.QUIET),
    )


def _load_bar(row: PlanRow, view: PlanView) -> Text:
    if row.house_w is None:
        return Text("-", palette.QUIET)
    fuse_w = max(view.fuse_w or row.house_w + row.limit_w, 1.0)
    house = _cells(row.house_w / fuse_w)
    car = _cells((row.house_w + row.limit_w) / fuse_w) - house
    return Text.assemble(
        ("█" * house, palette.HOUSE),
        ("█" * car, palette.CAR),
        ("░" * (LOAD_BAR - house - car), "grey23"),
        (f" {(row.house_w + row.limit_w) / 1000:5.2f}", palette.QUIET),
    )


def _cells(share: float) -> int:
    """Return how much of the bar a share takes; a house that feeds in takes nothing."""
    return round(min(max(share, 0.0), 1.0) * LOAD_BAR)
