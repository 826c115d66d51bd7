"""The dialog in which a person changes the goal of a car."""

from collections.abc import Mapping
from typing import Any

from nicegui import events, ui

from wattbus_dashboard import goal_form
from wattbus_dashboard.elements import FORM_TO_PYTHON, Box, Text
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.picture import zone_of
from wattbus_dashboard.words import Words


def open_goal_dialog(hub: Hub, words: Words, station: str) -> None:
    """Open it with the goal of now; what changes meanwhile does not overwrite what is typed."""
    _GoalDialog(hub, words, station).open()


class _GoalDialog:
    def __init__(self, hub: Hub, words: Words, station: str) -> None:
        self._hub = hub
        self._words = words
        self._station = station
        self._goal = hub.picture.station(station).goal
        self._zone = zone_of(hub.picture)
        info = hub.picture.station(station).info
        self._name = (info.car_name or info.name) if info is not None else station

    def open(self) -> None:
        """Build and show it; it is gone from the page when it closes."""
        words = self._words
        title_id = f"goal-{self._station}"
        with ui.dialog().props(f'aria-labelledby="{title_id}"') as dialog:
            self._dialog = dialog
            with Box("form", "card goal") as form:
                Text("h2", words.goal_title.format(name=self._name), id=title_id)
                self._fields()
                self._problem = Text("p", classes="wish small", role="alert")
                with Box("div", "buttons"):
                    cancel = Text("button", words.cancel, "plain", type="button")
                    Text("button", words.save, "main", type="submit")
        cancel.on("click", dialog.close, args=[])
        form.on("submit", self._submit, js_handler=FORM_TO_PYTHON)
        dialog.on("hide", dialog.delete)
        dialog.open()

    def _fields(self) -> None:
        words, goal = self._words, self._goal
        target = f"{goal.target_soc_percent:g}" if goal is not None else ""
        current = f"{goal.max_current_a:g}" if goal is not None and goal.max_current_a else ""
        zone = self._zone.key.replace("_", " ")
        _field("target", words.goal_target, "number", target, min="0", max="100", step="any",
               required=True, autofocus=True)  # fmt: skip
        _field("departure", words.goal_departure, "datetime-local",
               goal_form.departure_text(goal, self._zone),
               hint=words.goal_departure_hint.format(zone=zone))  # fmt: skip
        _field("max_current", words.goal_max_current, "number", current, min="0", step="any",
               hint=words.goal_max_current_hint)  # fmt: skip
        with Box("fieldset", "week"):
            Text("legend", words.goal_weekly)
            Text("p", words.goal_weekly_hint, "soft small")
            for number, day in enumerate(goal_form.day_fields(goal)):
                name = words.days[number]
                with Box("div", "week-day"):
                    Text("span", name, aria_hidden="true")
                    Box("input", name=f"time-{day.day}", type="time", defaultValue=day.time,
                        aria_label=words.goal_day_time.format(day=name))  # fmt: skip
                    Box("input", name=f"target-{day.day}", type="number", min="0", max="100",
                        step="any", defaultValue=day.target, placeholder="%",
                        aria_label=words.goal_day_target.format(day=name))  # fmt: skip

    def _submit(self, event: events.GenericEventArguments) -> None:
        fields: Mapping[str, str] = {str(k): str(v) for k, v in dict(event.args).items()}
        try:
            wish = goal_form.wish_of(fields, self._goal, self._zone)
        except goal_form.BadForm as error:
            self._problem.text = self._words.bad_value.format(text=str(error))
            return
        if wish is None:
            self._problem.text = self._words.nothing_changed
            return
        self._hub.ask_station(self._station, wish)
        self._dialog.close()


def _field(name: str, label: str, kind: str, value: str, *, hint: str = "", **props: Any) -> None:
    with Box("label", "field"):
        Text("span", label)
        # Not `value`: the browser would lose what is typed whenever the page is refreshed.
        Box("input", name=name, type=kind, defaultValue=value, **props)
        if hint:
            Text("span", hint, "soft small")
