"""The geometry of the bar charts of the report's page: where each bar, line and word stands."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

WIDTH, HEIGHT = 900.0, 240.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 8.0, 14.0, 26.0
MOST_LABELS = 16
BAR_SHARE = 0.72
WIDEST_BAR = 56.0
STEPS = (1, 2, 2.5, 5, 10)


@dataclass(frozen=True, slots=True)
class Part:
    """One coloured piece of a bar; `kind` names its colour."""

    kind: str
    value: float


@dataclass(frozen=True, slots=True)
class Group:
    """What stands above one label: parts on top of each other, a mark across them, its words."""

    label: str
    parts: Sequence[Part]
    words: str
    mark: float | None = None


@dataclass(frozen=True, slots=True)
class Box:
    """A rectangle in the drawing."""

    kind: str
    x: float
    y: float
    width: float
    height: float


@dataclass(frozen=True, slots=True)
class Bar:
    """A group in the drawing."""

    boxes: list[Box]
    mark: Box | None
    hit: Box
    words: str


@dataclass(frozen=True, slots=True)
class Word:
    """A label in the drawing."""

    x: float
    y: float
    text: str


@dataclass(frozen=True, slots=True)
class Chart:
    """A drawing of `width` by `height`, ready to be written as SVG."""

    title: str
    unit: str
    width: float
    height: float
    left: float
    right: float
    bars: list[Bar]
    lines: list[Word]
    labels: list[Word]
    zero_y: float


def bar_chart(title: str, groups: Sequence[Group], unit: str, height: float = HEIGHT) -> Chart:
    """Lay out bars from left to right; values below zero hang from the line."""
    highest = max((_top(group) for group in groups), default=0.0)
    lowest = min((_bottom(group) for group in groups), default=0.0)
    step = _step(max(highest, 0.0) - min(lowest, 0.0))
    top = max(step, math.ceil(highest / step - 1e-9) * step)
    bottom = min(0.0, math.floor(lowest / step + 1e-9) * step)
    scale = (height - TOP - BOTTOM) / (top - bottom)

    def y_of(value: float) -> float:
        return round(TOP + (top - value) * scale, 2)

    pitch = (WIDTH - LEFT - RIGHT) / max(1, len(groups))
    width = min(WIDEST_BAR, pitch * BAR_SHARE)
    every = math.ceil(len(groups) / MOST_LABELS)
    bars, labels = [], []
    for number, group in enumerate(groups):
        middle = LEFT + pitch * (number + 0.5)
        hit = Box("hit", round(middle - pitch / 2, 2), TOP, round(pitch, 2), height - TOP - BOTTOM)
        bars.append(_bar(group, width, hit, y_of))
        if number % every == 0:
            labels.append(Word(round(middle, 2), height - 8, group.label))
    decimals = max(0, -math.floor(math.log10(step))) if step < 1 else 0
    if round(step * 10**decimals) != step * 10**decimals:
        decimals += 1
    lines = [
        Word(LEFT - 8, y_of(bottom + number * step), f"{bottom + number * step:.{decimals}f}")
        for number in range(round((top - bottom) / step) + 1)
    ]
    return Chart(
        title, unit, WIDTH, height, LEFT, WIDTH - RIGHT, bars, lines, labels, y_of(0.0)
    )  # fmt: skip


def _bar(group: Group, width: float, hit: Box, y_of: Callable[[float], float]) -> Bar:
    middle = hit.x + hit.width / 2
    boxes = []
    above = below = 0.0
    for part in group.parts:
        base = above if part.value >= 0 else below
        high, low = max(base, base + part.value), min(base, base + part.value)
        if part.value >= 0:
            above += part.value
        else:
            below += part.value
        y = y_of(high)
        x = round(middle - width / 2, 2)
        boxes.append(Box(part.kind, x, y, round(width, 2), round(y_of(low) - y, 2)))
    mark = None
    if group.mark is not None:
        across = min(hit.width * 0.96, width * 1.25)
        mark = Box("mark", round(middle - across / 2, 2), y_of(group.mark), round(across, 2), 0)
    return Bar(boxes, mark, hit, group.words)


def _top(group: Group) -> float:
    return max(sum(part.value for part in group.parts if part.value > 0), group.mark or 0.0)


def _bottom(group: Group) -> float:
    return min(sum(part.value for part in group.parts if part.value < 0), group.mark or 0.0)


def _step(span: float) -> float:
    """Return a round step that divides the span into three to six."""
    if span <= 0:
        return 1.0
    power = 10.0 ** math.floor(math.log10(span / 4))
    return next(power * step for step in STEPS if power * step >= span / 5 - 1e-12)
