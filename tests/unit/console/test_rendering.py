"""Views laid out for the terminal."""

from rich.console import Console, RenderableType

from unit.console.pictures import HOUR, MIDNIGHT, default_day, reading
from wattbus_console.day_view import day_view
from wattbus_console.picture import Picture
from wattbus_console.plan_view import plan_views
from wattbus_console.rendering.bars import Layer, columns_chart, level_bar
from wattbus_console.rendering.day_chart import columns_per_hour, day_chart
from wattbus_console.rendering.live import live_panel
from wattbus_console.rendering.plan_table import plan_table
from wattbus_console.views import site_view

EVENING = MIDNIGHT + 22.25 * HOUR


def shown(renderable: RenderableType, width: int = 80) -> str:
    console = Console(width=width, record=True, force_terminal=False, file=None, quiet=False)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def live(picture: Picture, width: int, height: int) -> str:
    panel = live_panel(
        site_view(picture),
        day_view(picture, columns_per_hour(width - 4)),
        "SEK",
        ["[Wed 22:00] car1 charging 7.40 kW"],
        width=width,
        height=height,
        footer="Ctrl-C ends it",
    )
    return shown(panel, width)


def test_a_bar_is_as_long_as_its_share() -> None:
    assert level_bar(0.5, 10, "green").plain == "█████     "
    assert level_bar(0.55, 10, "green").plain == "█████▌    "
    assert level_bar(-1, 4, "green").plain == "    "
    assert level_bar(7, 4, "green").plain == "████"


def test_the_target_is_marked_within_the_bar() -> None:
    assert level_bar(0.2, 10, "green", mark=0.8).plain == "██      │ "
    assert level_bar(1.0, 10, "green", mark=1.0).plain == "█████████│"


def test_columns_grow_in_eighths_of_a_line() -> None:
    lines = columns_chart([[Layer(8, "a")], [Layer(5, "a")], [Layer(0, "a")]], 2, 0, 8)

    assert [line.plain for line in lines] == ["█▂ ", "██ "]


def test_two_layers_share_a_cell() -> None:
    (line,) = columns_chart([[Layer(4, "blue"), Layer(8, "green")]], 1, 0, 8)

    assert line.plain == "▄"
    assert line.spans[0].style == "blue on green"


def test_a_chart_without_extent_is_empty() -> None:
    assert [line.plain for line in columns_chart([[Layer(1, "a")]], 2, 0, 0)] == [" ", " "]


def test_the_plan_marks_the_chosen_hours_and_says_why() -> None:
    (view,) = plan_views(default_day())

    lines = shown(plan_table(view), 90).splitlines()

    chosen = [line for line in lines if line.startswith("●")]
    assert [line.split()[1] for line in chosen] == [
        "02:00-03:00", "03:00-04:00", "22:00-23:00", "23:00-24:00",
    ]  # fmt: skip
    assert "32.00 öre" in chosen[2]
    assert "charging: cheap" in chosen[2]
    assert "27.78 kWh for 13.73 kr; target 80 % is reached Thu 00:00" in "\n".join(lines)


def test_the_live_view_fits_a_small_terminal() -> None:
    picture = default_day(reading(MIDNIGHT), reading(EVENING, soc_percent=50, power_w=7400))

    lines = live(picture, 80, 24).splitlines()

    assert len(lines) <= 24
    assert max(len(line) for line in lines) <= 80
    text = "\n".join(lines)
    for word in ("Wed 15 Jan 22:15", "50.0 %", "32.00 öre/kWh", "9.27 kW", "of 11 kW", "▲ now"):
        assert word in text


def test_the_live_view_leaves_the_charts_out_where_there_is_no_room() -> None:
    picture = default_day(reading(MIDNIGHT), reading(EVENING, power_w=7400))

    text = live(picture, 60, 16)

    assert len(text.splitlines()) <= 16
    assert "▲ now" not in text


def test_the_live_view_waits_for_the_first_value() -> None:
    assert "waiting for the first meter value" in live(Picture(), 80, 24)


def test_the_fuse_is_drawn_above_the_load() -> None:
    picture = default_day(reading(MIDNIGHT), reading(EVENING, power_w=7400))

    text = shown(day_chart(day_view(picture, 3), "SEK", 12))

    assert "    11 ──" in text


def test_negative_prices_scale_the_chart_below_zero() -> None:
    picture = default_day(reading(MIDNIGHT))
    assert picture.price is not None
    slots = list(picture.price.slots)
    slots[3] = slots[3].model_copy(update={"price_per_kwh": -0.50})
    picture.price = picture.price.model_copy(update={"slots": tuple(slots)})

    text = shown(day_chart(day_view(picture, 3), "SEK", 12))

    assert "   -50 " in text
