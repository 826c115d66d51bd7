"""Bars out of block characters, with eighths of a cell."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.text import Text

RISING = " ▁▂▃▄▅▆▇█"
GROWING = " ▏▎▍▌▋▊▉█"
EMPTY = "grey23"


@dataclass(frozen=True, slots=True)
class Layer:
    """A part of a column: from its foot to `top`, in the chart's unit."""

    top: float
    style: str


def columns_chart(
    columns: Sequence[Sequence[Layer]], height: int, bottom: float, top: float
) -> list[Text]:
    """Return `height` lines, the highest first, with one cell a column.

    The layers of a column stand on each other, their tops rising; what does not fit is cut off.
    """
    scale = height / (top - bottom) if top > bottom else 0.0
    lines = []
    for row in range(height - 1, -1, -1):
        line = Text()
        for layers in columns:
            tops = [((layer.top - bottom) * scale - row, layer.style) for layer in layers]
            line.append(*_cell(tops))
        lines.append(line)
    return lines


def _cell(tops: Sequence[tuple[float, str]]) -> tuple[str, str]:
    """Return character and style of one cell; tops are in cells above its foot."""
    reaching = [(top, style) for top, style in tops if top > 1 / 16]
    if not reaching:
        return " ", ""
    lower, style = reaching[0]
    eighths = round(min(lower, 1.0) * 8)
    if eighths == 8 or len(reaching) == 1:
        return RISING[eighths], style
    # A cell has two colours: the part below in front, the part above as its background.
    upper, upper_style = reaching[1]
    if upper >= 0.5:
        return RISING[eighths], f"{style} on {upper_style}"
    return RISING[eighths], style


def level_bar(share: float, width: int, style: str, mark: float | None = None) -> Text:
    """Return a lying bar, 0 to 1 over `width` cells, with a mark where the target is."""
    share = min(max(share, 0.0), 1.0)
    eighths = round(share * width * 8)
    full, part = divmod(eighths, 8)
    cells = "█" * full + (GROWING[part] if part else "")
    bar = Text(cells.ljust(width), style=f"{style} on {EMPTY}")
    if mark is None:
        return bar
    at = min(int(mark * width), width - 1)
    ground = style if at < full else EMPTY
    return Text.assemble(bar[:at], ("│", f"bold white on {ground}"), bar[at + 1 :])
