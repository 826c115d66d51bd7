"""The chart as options of ECharts; for who cannot see it, a sentence and a table beside it."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from wattbus_contract.money import price_text
from wattbus_dashboard import chart_words
from wattbus_dashboard.chart_data import COLUMN_S, ChartData
from wattbus_dashboard.words import Words

FONT = "Roboto, system-ui, sans-serif"
FUSE_AT_SHARE = 0.92
"""How high in the chart the fuse stands."""

Options = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Drawing:
    """What is drawn, said and tabulated."""

    options: Options
    summary: str
    head: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]


def drawing(data: ChartData, currency: str, words: Words, zone: ZoneInfo) -> Drawing:
    """Return the chart of a site in one language. Colours are the page's CSS variables."""
    factor, unit = _price_unit(currency)
    options: Options = {
        "animation": False,
        # Instants are given as if the site's clock were UTC: the browser may stand elsewhere.
        "useUTC": True,
        "aria": {"enabled": False},
        "textStyle": {"fontFamily": FONT},
        "grid": {"left": 8, "right": 8, "top": 72, "bottom": 4, "containLabel": True},
        "legend": {
            "top": 0, "left": 0, "itemWidth": 12, "itemHeight": 8, "itemGap": 14,
            "icon": "roundRect",
            "textStyle": {"color": "var(--ink-soft)", "fontSize": 12},
            "inactiveColor": "var(--line)",
        },
        "tooltip": {
            "trigger": "axis", "confine": True, "backgroundColor": "var(--card)",
            "borderColor": "var(--line)", "textStyle": {"color": "var(--ink)", "fontSize": 13},
            "axisPointer": {"lineStyle": {"color": "var(--ink-soft)"}, "label": {"show": False}},
        },
        "xAxis": {
            "type": "time",
            "min": _local_ms(data.columns[0].start_at, zone),
            "max": _local_ms(data.columns[-1].start_at + timedelta(seconds=COLUMN_S), zone),
            "axisLine": {"lineStyle": {"color": "var(--line)"}},
            "axisTick": {"show": False},
            "splitLine": {"show": False},
            "axisLabel": {
                "color": "var(--ink-soft)", "fontSize": 12, "margin": 10, "hideOverlap": True,
                "alignMinLabel": "left", ":formatter": _label_js(words),
            },
        },
        "yAxis": [
            {**_axis("kW", "left", has_lines=True), **_up_to_fuse(data.fuse_w)},
            _axis(unit, "right", has_lines=False),
        ],
        "series": _series(data, words, zone, factor, unit),
    }  # fmt: skip
    return Drawing(
        options,
        chart_words.summary(data, currency, words, zone),
        chart_words.head(data, words, unit),
        tuple(chart_words.rows(data, words, zone, factor)),
    )


def _price_unit(currency: str) -> tuple[float, str]:
    """Return by what a price is multiplied to be quoted, and in which unit."""
    figure, _, unit = price_text(1.0, currency).partition(" ")
    return float(figure), unit


def _local_ms(instant: datetime, zone: ZoneInfo) -> int:
    return round(instant.astimezone(zone).replace(tzinfo=UTC).timestamp() * 1000)


def _label_js(words: Words) -> str:
    days = json.dumps([words.days[(number + 6) % 7] for number in range(7)])
    return (
        "value => { const at = new Date(value); const two = n => String(n).padStart(2, '0');"
        f" return at.getUTCHours() || at.getUTCMinutes()"
        " ? two(at.getUTCHours()) + ':' + two(at.getUTCMinutes())"
        f" : {days}[at.getUTCDay()]; }}"
    )


def _up_to_fuse(fuse_w: float | None) -> Options:
    """The fuse is the measure of all powers, so it is always in the picture."""
    if not fuse_w:
        return {}
    top_kw = fuse_w / 1000 / FUSE_AT_SHARE
    return {":max": f"extent => Math.ceil(Math.max(extent.max, {top_kw:.3f}))"}


def _axis(name: str, side: str, *, has_lines: bool) -> Options:
    return {
        "type": "value",
        "name": name,
        "nameTextStyle": {"color": "var(--ink-soft)", "align": side, "padding": 0},
        "nameGap": 20,
        "position": side,
        # The top of the left axis is the fuse's and no round number.
        "axisLabel": {"color": "var(--ink-soft)", "fontSize": 12, "showMaxLabel": not has_lines},
        "splitLine": {"show": has_lines, "lineStyle": {"color": "var(--line)"}},
        "splitNumber": 4,
    }


def _series(
    data: ChartData, words: Words, zone: ZoneInfo, factor: float, unit: str
) -> list[Options]:
    times = [_local_ms(column.start_at, zone) for column in data.columns]
    end = _local_ms(data.columns[-1].start_at + timedelta(seconds=COLUMN_S), zone)

    def points(
        values: list[float | None], below: list[float | None] | None = None
    ) -> list[list[float | None]]:
        """Give instant, height, and the value itself for the tooltip."""
        bases = below or [None] * len(values)
        found: list[list[float | None]] = [
            [at, None, None]
            if value is None
            else [at, round(value + (base or 0.0), 3), round(value, 3)]
            for at, value, base in zip(times, values, bases, strict=True)
        ]
        # The last step, too, has a width.
        return [*found, [end, *found[-1][1:]]]

    columns = data.columns
    price = [_times(column.price_per_kwh, factor) for column in columns]
    house = [_times(column.house_w, 1e-3) for column in columns]
    expected = [_times(column.expected_house_w, 1e-3) for column in columns]
    either = [kw if kw is not None else e for kw, e in zip(house, expected, strict=True)]
    # What chargers draw stands on top of the house, to be held against the fuse.
    actual = points([_times(column.actual_w or None, 1e-3) for column in columns], house)
    planned = points([_times(column.planned_w or None, 1e-3) for column in columns], either)
    series = [
        _line(words.chart_actual, actual, "var(--accent)", opacity=0.85, z=3, width=0),
        _line(words.chart_house, points(house), "var(--house)", opacity=1, z=4, width=0),
        {
            **_line(words.chart_planned, planned, "var(--accent)", opacity=0.16, z=1, width=1.5),
            "itemStyle": {
                "color": "var(--accent-soft)",
                "borderColor": "var(--accent)",
                "borderWidth": 1,
            },
        },
        _line(
            words.chart_house_expected,
            points(expected),
            "var(--house-soft)",
            opacity=1,
            z=4,
            width=0,
        ),
        {
            **_line(words.chart_price, points(price), "var(--price)", opacity=0, z=5, width=2),
            "yAxisIndex": 1,
        },
    ]
    if data.has_solar:
        pv = points([_times(column.pv_w, 1e-3) for column in columns])
        expected_pv = points([_times(column.expected_pv_w, 1e-3) for column in columns])
        ahead = _line(words.chart_solar_expected, expected_pv, "var(--solar)", z=5, width=2)
        ahead["lineStyle"]["type"] = "dashed"
        ahead["itemStyle"] = {
            "color": "var(--card)", "borderColor": "var(--solar)", "borderWidth": 1,
        }  # fmt: skip
        series += [_line(words.chart_solar, pv, "var(--solar)", z=5, width=2), ahead]
    for one in series:
        digits_unit = unit if one.get("yAxisIndex") else "kW"
        one["tooltip"] = {":valueFormatter": _value_js(digits_unit, words)}
    marks: list[Options] = [
        {
            "xAxis": _local_ms(data.now, zone),
            "label": {"formatter": words.chart_now, "position": "end"},
        }
    ]
    if data.fuse_w is not None:
        marks.append(
            {
                "yAxis": data.fuse_w / 1000,
                "label": {"formatter": words.chart_fuse, "position": "insideStartTop"},
                "lineStyle": {"color": "var(--alarm)", "type": "dashed", "width": 1.5},
            }
        )
    series[1]["markLine"] = {
        "symbol": "none",
        "silent": True,
        "animation": False,
        "label": {"color": "var(--ink-soft)", "fontSize": 12},
        "lineStyle": {"color": "var(--ink-soft)", "type": "solid", "width": 1},
        "data": marks,
    }
    return series


def _times(value: float | None, factor: float) -> float | None:
    return None if value is None else value * factor


def _line(
    name: str,
    points: list[list[float | None]],
    colour: str,
    *,
    opacity: float = 0,
    z: int,
    width: float,
) -> Options:
    return {
        "name": name,
        "type": "line",
        "step": "end",
        "symbol": "none",
        "data": points,
        "z": z,
        "color": colour,
        "lineStyle": {"color": colour, "width": width},
        "areaStyle": {"color": colour, "opacity": opacity, "origin": "start"} if opacity else None,
        "encode": {"x": 0, "y": 1, "tooltip": [2]},
        "emphasis": {"disabled": True},
    }


def _value_js(unit: str, words: Words) -> str:
    digits = 2 if unit == "kW" else 1
    return (
        f"value => value == null ? '\N{EN DASH}' : value.toFixed({digits})"
        f".replace('.', {json.dumps(words.decimal)}) + ' ' + {json.dumps(unit)}"
    )
