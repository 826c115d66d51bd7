"""The day as two charts over one axis of hours: the price, and the load under the fuse."""

from rich.console import Group
from rich.text import Text

from wattbus_console.day_view import Column, DayView
from wattbus_console.rendering import palette
from wattbus_console.rendering.bars import Layer, columns_chart
from wattbus_contract.money import price_text

MARGIN = 7
HEADROOM = 1.15


def columns_per_hour(width: int) -> int:
    """Return how many columns an hour gets in a terminal of this width."""
    return max(1, min(6, (width - MARGIN - 1) // 24))


def day_chart(view: DayView, currency: str, height: int) -> Group:
    """Return both charts; `height` lines for the two together, axis and titles not counted."""
    if not view.columns:
        return Group(Text("waiting for the first meter value …", style=palette.QUIET))
    price_height = max(2, height * 2 // 5)
    return Group(
        _title("price", _price_legend(currency)),
        *_price_chart(view, currency, price_height),
        _title("load", _load_legend(view)),
        *_load_chart(view, max(2, height - price_height)),
        _axis(view.columns),
        _now_line(view.columns),
    )


def _title(name: str, legend: Text) -> Text:
    return Text.assemble((name.rjust(MARGIN - 1), "bold"), " ", legend)


def _price_legend(currency: str) -> Text:
    unit = price_text(0, currency).split(" ", 1)[1]
    return Text.assemble(
        (f"{unit}  ", palette.QUIET), ("▇", palette.CAR), (" charging planned", palette.QUIET)
    )


def _load_legend(view: DayView) -> Text:
    legend = Text.assemble(
        ("kW  ", palette.QUIET),
        ("▇", palette.HOUSE),
        (" house  ", palette.QUIET),
        ("▇", palette.CAR),
        (" car  ", palette.QUIET),
        ("▇", palette.HOUSE_AHEAD),
        (" expected", palette.QUIET),
    )
    if view.fuse_w is not None:
        legend.append("  ─", palette.FUSE)
        legend.append(f" fuse {view.fuse_w / 1000:g} kW", palette.QUIET)
    return legend


def _price_chart(view: DayView, currency: str, height: int) -> list[Text]:
    prices = [c.price_per_kwh for c in view.columns if c.price_per_kwh is not None]
    if not prices:
        return [Text(" " * MARGIN + "no prices known", style=palette.QUIET)]
    bottom, top = min(0.0, *prices), max(prices) or 1.0
    columns = [
        [Layer(c.price_per_kwh, _price_style(c))] if c.price_per_kwh is not None else []
        for c in view.columns
    ]
    lines = columns_chart(columns, height, bottom, top)
    labels = {0: _price_number(top, currency), height - 1: _price_number(bottom, currency)}
    return [_labelled(labels.get(row, ""), line) for row, line in enumerate(lines)]


def _price_number(price: float, currency: str) -> str:
    return price_text(price, currency).split(" ", 1)[0].split(".")[0]


def _price_style(column: Column) -> str:
    if column.is_planned or (column.chargers_w > 0 and (column.is_past or column.is_now)):
        return palette.CAR
    return palette.PRICE_PAST if column.is_past else palette.PRICE


def _load_chart(view: DayView, height: int) -> list[Text]:
    highest = max(c.house_w + c.chargers_w for c in view.columns)
    top = max(highest, (view.fuse_w or 0.0) * HEADROOM, 1.0)
    lines = columns_chart([_load_layers(c) for c in view.columns], height, 0.0, top)
    labels = {height - 1: "0"}
    if view.fuse_w is not None:
        row = height - 1 - min(height - 1, int(view.fuse_w / top * height))
        labels[row] = f"{view.fuse_w / 1000:g}"
        lines[row] = _with_fuse(lines[row])
    return [_labelled(labels.get(row, ""), line) for row, line in enumerate(lines)]


def _load_layers(column: Column) -> list[Layer]:
    is_known = column.is_past or column.is_now
    house = palette.HOUSE if is_known else palette.HOUSE_AHEAD
    car = palette.CAR if is_known else palette.CAR_AHEAD
    layers = [Layer(column.house_w, house)]
    if column.chargers_w > 0:
        layers.append(Layer(column.house_w + column.chargers_w, car))
    return layers


def _with_fuse(line: Text) -> Text:
    """Draw the fuse where nothing reaches it."""
    drawn = Text()
    for index, character in enumerate(line.plain):
        if character == " ":
            drawn.append("─", palette.FUSE)
        else:
            drawn.append_text(line[index])
    return drawn


def _labelled(label: str, line: Text) -> Text:
    return Text.assemble((label.rjust(MARGIN - 1), palette.QUIET), " ", line)


def _axis(columns: tuple[Column, ...]) -> Text:
    cells = [" "] * (len(columns) + 2)
    room_at = 0
    for index, column in enumerate(columns):
        if column.label and index >= room_at:
            cells[index : index + 2] = column.label
            room_at = index + 3
    return Text(" " * MARGIN + "".join(cells).rstrip(), style=palette.QUIET)


def _now_line(columns: tuple[Column, ...]) -> Text:
    now = next((index for index, column in enumerate(columns) if column.is_now), None)
    if now is None:
        return Text("")
    return Text(" " * (MARGIN + now) + "▲ now", style=palette.NOW)
