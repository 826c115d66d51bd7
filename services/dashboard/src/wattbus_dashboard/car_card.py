"""The card of one car: how it stands, why, and the buttons that ask for something else."""

from functools import partial

from wattbus_contract.facts import Mode
from wattbus_contract.requests import ModeRequest
from wattbus_dashboard.car_view import CarView
from wattbus_dashboard.elements import Box, Text, set_prop
from wattbus_dashboard.goal_dialog import open_goal_dialog
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.words import Words


class CarCard:
    """Built once for a station; `show` sets what has changed."""

    def __init__(self, hub: Hub, words: Words, station: str, *, is_compact: bool) -> None:
        self._words = words
        self._station = station
        self._hub = hub
        self._last: CarView | None = None
        title_id = f"car-{station}"
        with Box("article", "card car", aria_labelledby=title_id, data_station=station) as card:
            self._card = card
            with Box("header", "car-head"):
                with Box("div"):
                    self._title = Text("h3", id=title_id)
                    self._subtitle = Text("p", classes="soft small")
                self._status = Text("span", classes="pill")
            with Box("div", "car-figures"):
                with Box("p", "big"):
                    self._soc = Text("span", classes="soc")
                    self._target = Text("span", classes="soft small")
                self._power = Text("p", classes="power")
            with Box("div", "bar", role="progressbar", aria_valuemin=0, aria_valuemax=100) as bar:
                self._bar = bar
                self._fill = Box("div", "fill")
                self._tick = Box("div", "tick")
            self._reason = Text("p", classes="reason")
            with Box("div", "modes", role="group") as modes:
                self._modes = modes
                self._buttons = {mode: self._mode_button(mode) for mode in Mode}
            self._departure = self._weekly = self._current = None
            if not is_compact:
                with Box("dl", "facts"):
                    self._departure = self._fact(words.departure)
                    self._weekly = self._fact(words.weekly)
                    self._current = self._fact(words.max_current)
            with Box("div", "car-foot"):
                self._change = Text("button", words.change, "plain", type="button")
                self._change.on("click", lambda: open_goal_dialog(hub, words, station), args=[])
                self._wish = Text("p", classes="wish small", role="status")

    def show(self, car: CarView) -> None:
        """Set what differs from before."""
        if car == self._last:
            return
        words = self._words
        set_prop(self._card, "data-tone", car.tone)
        self._title.text = car.title
        self._subtitle.text = car.subtitle
        self._status.text = car.status
        self._soc.text = car.soc
        self._target.text = car.target
        self._power.text = car.power
        self._reason.text = car.reason
        set_prop(self._reason, "lang", car.reason_language)
        set_prop(self._bar, "aria-label", f"{words.soc}, {car.title}")
        soc_percent = car.soc_percent
        set_prop(self._bar, "aria-valuenow", None if soc_percent is None else round(soc_percent))
        set_prop(self._bar, "aria-valuetext", words.soc_unknown if soc_percent is None else car.soc)
        set_prop(self._fill, "style", f"width: {soc_percent or 0:.1f}%")
        tick = car.target_percent
        set_prop(self._tick, "style", f"left: {tick:.1f}%" if tick is not None else "display: none")
        set_prop(self._modes, "aria-label", f"{words.mode}, {car.title}")
        set_prop(self._change, "aria-label", words.change_of.format(name=car.title))
        for mode, button in self._buttons.items():
            set_prop(button, "aria-pressed", "true" if mode.value == car.mode else "false")
        for element, text in (
            (self._departure, car.departure),
            (self._weekly, car.weekly),
            (self._current, car.max_current),
        ):
            if element is not None:
                element.text = text
        self._wish.text = car.wish.text
        set_prop(self._wish, "data-tone", car.wish.tone or None)
        self._last = car

    def _mode_button(self, mode: Mode) -> Text:
        words = self._words
        text = {Mode.SMART: words.mode_smart, Mode.NOW: words.mode_now, Mode.OFF: words.mode_off}
        hint = {
            Mode.SMART: words.mode_smart_hint,
            Mode.NOW: words.mode_now_hint,
            Mode.OFF: words.mode_off_hint,
        }
        button = Text(
            "button", text[mode], type="button", title=hint[mode], data_mode=mode.value,
            aria_pressed="false",
        )  # fmt: skip
        button.on("click", partial(self._ask, mode), args=[])
        return button

    def _ask(self, mode: Mode) -> None:
        self._hub.ask_station(self._station, ModeRequest(mode=mode))

    def _fact(self, label: str) -> Text:
        with Box("div"):
            Text("dt", label)
            return Text("dd")
