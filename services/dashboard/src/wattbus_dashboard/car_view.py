"""One station with its car as the page shows it: texts ready to be laid out."""

from collections.abc import Sequence
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from wattbus_contract.base import Reason
from wattbus_contract.control import PlanSlot, RequestOutcome
from wattbus_contract.facts import ConnectorStatus, Mode
from wattbus_contract.weekly import Weekday, WeeklyDeparture
from wattbus_dashboard import formats
from wattbus_dashboard.picture import Picture, Station, Wish
from wattbus_dashboard.sentences_sv import in_swedish
from wattbus_dashboard.slots import covering
from wattbus_dashboard.words import Words

SILENT_AFTER_S = 30.0
ANSWER_WITHIN_S = 5.0
WISH_SHOWN_S = 12.0


@dataclass(frozen=True, slots=True)
class WishView:
    """What became of the newest wish; `tone` is `waiting`, `good`, `bad` or empty."""

    text: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Said:
    """A sentence, and in which language it is."""

    text: str
    language: str


@dataclass(frozen=True, slots=True)
class CarView:
    """One station. `tone` is `charging`, `waiting`, `away`, `alarm` or `silent`."""

    station: str
    title: str
    subtitle: str
    status: str
    tone: str
    power: str
    soc: str
    soc_percent: float | None
    target: str
    target_percent: float | None
    mode: str
    departure: str
    weekly: str
    max_current: str
    reason: str
    reason_language: str
    wish: WishView


def car_view(
    picture: Picture, station_id: str, words: Words, zone: ZoneInfo, now_s: float
) -> CarView:
    """Return one station's part; `now_s` is the monotonic time."""
    station = picture.stations[station_id]
    info, goal = station.info, station.goal
    title = (info.car_name or info.name) if info is not None else station_id
    reason = _reason(picture, station_id)
    said = sentence(reason.text, words) if reason is not None else Said(words.no_reason, words.code)
    soc_percent = _soc_percent(station)
    status, tone = _standing(station, words, now_s)
    departure = goal.departure_at if goal is not None else None
    return CarView(
        station=station_id,
        title=title,
        subtitle=info.name if info is not None and info.car_name else station_id,
        status=status,
        tone=tone,
        power=formats.power(_power_w(station), words),
        soc=formats.percent(soc_percent, words) if soc_percent is not None else formats.NOTHING,
        soc_percent=soc_percent,
        target=words.target.format(percent=formats.percent(goal.target_soc_percent, words))
        if goal is not None
        else words.unknown,
        target_percent=goal.target_soc_percent if goal is not None else None,
        mode=goal.mode.value if goal is not None else "",
        departure=formats.day_time(departure, zone, words) if departure else words.no_departure,
        weekly=weekly_text(goal.weekly if goal is not None else None, words),
        max_current=_max_current(station, words),
        reason=said.text,
        reason_language=said.language,
        wish=wish_view(picture.wishes.get(station_id), words, now_s),
    )


def sentence(text: str, words: Words) -> Said:
    """Return what another service says, in the page's language where that is known."""
    if words.code == "sv" and (translated := in_swedish(text)) is not None:
        return Said(translated, "sv")
    return Said(text, "en")


def wish_view(wish: Wish | None, words: Words, now_s: float) -> WishView:
    """Return what to say about a wish: nothing once it is old."""
    if wish is None or now_s - wish.asked_s > WISH_SHOWN_S:
        return WishView()
    if wish.answer is None:
        if now_s - wish.asked_s > ANSWER_WITHIN_S:
            return WishView(words.no_answer.format(seconds=f"{ANSWER_WITHIN_S:g}"), "bad")
        return WishView(words.asked, "waiting")
    if wish.answer.outcome is RequestOutcome.ACCEPTED:
        return WishView(words.accepted.format(text=wish.answer.reason.text), "good")
    return WishView(words.refused.format(text=wish.answer.reason.text), "bad")


def _power_w(station: Station) -> float:
    if station.reading is not None:
        return station.reading.power_active_import_w
    return station.state.power_active_import_w if station.state is not None else 0.0


def _soc_percent(station: Station) -> float | None:
    if station.reading is not None and station.reading.soc_percent is not None:
        return station.reading.soc_percent
    return station.state.soc_percent if station.state is not None else None


def _is_silent(station: Station, now_s: float) -> bool:
    return station.heard_s is None or now_s - station.heard_s > SILENT_AFTER_S


def _standing(station: Station, words: Words, now_s: float) -> tuple[str, str]:
    """Return what is said of a station, and its tone."""
    state = station.state
    troubles = (
        (state is not None and not state.is_reachable, words.lost, "alarm"),
        (_is_silent(station, now_s), words.silent, "silent"),
        (
            state is not None and state.connector_status is ConnectorStatus.FAULTED,
            words.faulted,
            "alarm",
        ),
        (state is not None and state.is_failsafe, words.failsafe, "alarm"),
        (state is not None and state.is_guarded, words.guarded, "alarm"),
        (_power_w(station) > 0, words.charging, "charging"),
        (_is_plugged_in(station), words.waiting, "waiting"),
    )
    for is_so, text, tone in troubles:
        if is_so:
            return text, tone
    return words.away, "away"


def _is_plugged_in(station: Station) -> bool:
    if station.reading is not None:
        return station.reading.is_plugged_in
    return station.state is not None and station.state.is_plugged_in


def weekly_text(weekly: Sequence[WeeklyDeparture] | None, words: Words) -> str:
    """Return `Mon-Fri 07:00, Sat 09:30 (100 %)`."""
    parts = []
    for departure in weekly or ():
        text = f"{_days_text(departure.days, words)} {departure.departure_time:%H:%M}"
        if departure.target_soc_percent is not None:
            text += f" ({formats.percent(departure.target_soc_percent, words)})"
        parts.append(text)
    return ", ".join(parts) or words.no_weekly


def _days_text(days: Sequence[Weekday], words: Words) -> str:
    """Return the days, three or more in a row as a span."""
    numbers = sorted({tuple(Weekday).index(day) for day in days})
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    texts = []
    for run in runs:
        names = [words.days[number] for number in run]
        texts.append(f"{names[0]}\N{EN DASH}{names[-1]}" if len(run) > 2 else ", ".join(names))
    return ", ".join(texts)


def _max_current(station: Station, words: Words) -> str:
    if station.goal is not None and station.goal.max_current_a is not None:
        return formats.current(station.goal.max_current_a, words)
    if station.info is None:
        return words.unknown
    most = formats.current(station.info.max_current_a, words)
    return words.max_current_none.format(most=most)


def _reason(picture: Picture, station_id: str) -> Reason | None:
    """Return why a station does what it does, from whoever decides it."""
    station = picture.stations[station_id]
    state = station.state
    mode = station.goal.mode if station.goal is not None else Mode.SMART
    is_alarming = state is not None and (
        not state.is_reachable or state.is_failsafe or state.is_guarded
    )
    if (is_alarming or mode is not Mode.SMART) and state is not None and state.reason is not None:
        return state.reason
    if station.limit is not None:
        return station.limit.reason
    slot = _planned_slot(picture, station_id)
    return slot.reason if slot is not None else None


def _planned_slot(picture: Picture, station_id: str) -> PlanSlot | None:
    if picture.plan is None or picture.now is None:
        return None
    for plan in picture.plan.stations:
        if plan.station == station_id:
            return covering(plan.slots, picture.now)
    return None
