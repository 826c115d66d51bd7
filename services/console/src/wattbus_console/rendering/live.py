"""The live course: the site's line, each car with its bars, the day's charts, what has happened."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from wattbus_console.day_view import DayView
from wattbus_console.rendering import palette
from wattbus_console.rendering.bars import level_bar
from wattbus_console.rendering.day_chart import day_chart
from wattbus_console.views import CarView, SiteView, kw

BAR_WIDTH = 40
CAR_LINES = 6
FRAME_LINES = 11
LEAST_CHART = 4
MOST_CHART = 16
SHOWN_EVENTS = 3


def live_panel(
    site: SiteView,
    day: DayView,
    currency: str,
    events: Sequence[str],
    *,
    width: int,
    height: int,
    footer: str,
) -> Panel:
    """Return the whole picture for a terminal of this size, in characters."""
    room = height - 1 - FRAME_LINES - CAR_LINES * len(site.cars)
    parts: list[RenderableType] = [_fuse_line(site, width), Text("")]
    for car in site.cars:
        parts += [_car(car, width), Text("")]
    if room >= LEAST_CHART:
        parts.append(day_chart(day, currency, min(MOST_CHART, room)))
    parts += [_one_line(event, palette.QUIET) for event in events[-SHOWN_EVENTS:]]
    title = Text.assemble(
        (" Wattbus ", "bold"), f"· {site.name} · ", (site.clock, palette.NOW), " "
    )
    subtitle = f" strategy {site.strategy} · {site.pace} · {footer} "
    return Panel(
        Group(*parts), title=title, subtitle=Text(subtitle, palette.QUIET), width=width,
        title_align="left", subtitle_align="left", border_style=palette.QUIET, padding=(0, 1),
    )  # fmt: skip


def _fuse_line(site: SiteView, width: int) -> Text:
    price = Text.assemble(("price ", palette.QUIET), (site.price, "bold"))
    if site.house_w is None:
        return price
    total_w = site.house_w + site.stations_w
    line = Text.assemble(
        price,
        ("    house ", palette.QUIET), kw(site.house_w),
        (" + car ", palette.QUIET), kw(site.stations_w),
        (" = ", palette.QUIET), (kw(total_w), "bold"),
    )  # fmt: skip
    if site.fuse_w is not None:
        is_over = total_w > site.fuse_w * 1.0001
        line.append(f" of {site.fuse_w / 1000:g} kW", palette.ALARM if is_over else palette.QUIET)
    line.no_wrap = True
    line.truncate(width - 4)
    return line


def _car(car: CarView, width: int) -> Group:
    bar_width = max(10, min(BAR_WIDTH, width - 46))
    bars = Table.grid(padding=(0, 1), expand=True)
    for column_width in (9, bar_width, 8):
        bars.add_column(width=column_width, no_wrap=True)
    bars.add_column(ratio=1, no_wrap=True, overflow="ellipsis")
    soc, target = car.soc_percent, car.target_percent
    soc_text = f"{soc:.1f} %" if soc is not None else "unknown"
    goal = f"of {target:g} % by {car.departure}" if target is not None else ""
    bars.add_row(
        Text("battery", palette.QUIET),
        level_bar((soc or 0) / 100, bar_width, palette.GOOD, (target or 0) / 100 or None),
        Text(soc_text, "bold"),
        Text(goal, palette.QUIET),
    )
    bars.add_row(
        Text("to target", palette.QUIET),
        level_bar(car.progress, bar_width, palette.HOUSE),
        Text(f"{car.progress:.0%}", "bold"),
        Text(f"{car.energy} for {car.cost}", palette.QUIET),
    )
    most_w = car.max_power_w or max(car.power_w, 1.0)
    bars.add_row(
        Text("power", palette.QUIET),
        level_bar(car.power_w / most_w, bar_width, "yellow3"),
        Text(kw(car.power_w), "bold"),
        Text(f"plan {car.planned}", palette.QUIET),
    )
    style = palette.ALARM if car.is_alarming else palette.GOOD if car.is_charging else "bold"
    head = Text.assemble((car.title, "bold"), "  ", (car.status, style))
    return Group(head, bars, _one_line(car.reason, "italic"))


def _one_line(text: str, style: str) -> Text:
    return Text(text, style=style, no_wrap=True, overflow="ellipsis")
