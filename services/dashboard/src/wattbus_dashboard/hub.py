"""What all open pages share: the picture, views of it made once, and wishes sent to the bus."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, field

from wattbus_contract import topics
from wattbus_contract.base import Body
from wattbus_contract.codec import Decoded
from wattbus_contract.requests import GoalRequest, ModeRequest, StrategyRequest
from wattbus_dashboard.bus import BusReader
from wattbus_dashboard.chart import Drawing, drawing
from wattbus_dashboard.chart_data import chart_data
from wattbus_dashboard.picture import Picture, currency_of, zone_of
from wattbus_dashboard.views import PageView, page_view
from wattbus_dashboard.words import Words

CHART_EVERY_S = 1.0


@dataclass(slots=True)
class _Made:
    """Something made for one language, and of which version of the picture."""

    version: int
    at_s: float
    page: PageView | None = None
    drawing: Drawing | None = None


@dataclass(slots=True)
class Hub:
    """Lives in the event loop; only `receive` may be called through it from the bus's thread."""

    bus: BusReader | None = None
    picture: Picture = field(default_factory=Picture)
    _pages: dict[str, _Made] = field(default_factory=dict)
    _drawings: dict[str, _Made] = field(default_factory=dict)

    def receive(self, messages: Sequence[Decoded], is_connected: bool) -> None:
        """Take what the bus's thread has read."""
        now_s = time.monotonic()
        self.picture.set_connected(is_connected=is_connected)
        self.picture.apply_all(messages, now_s)
        self.picture.forget_old_shadows(now_s)

    def page(self, words: Words) -> PageView:
        """Return the page in a language; made anew when there is news or time has passed."""
        now_s = time.monotonic()
        made = self._pages.get(words.code)
        if made is None or made.version != self.picture.version or now_s - made.at_s > 1:
            made = _Made(self.picture.version, now_s, page=page_view(self.picture, words, now_s))
            self._pages[words.code] = made
        assert made.page is not None  # noqa: S101 - for the type checker
        return made.page

    def drawing(self, words: Words) -> Drawing | None:
        """Return the chart in a language, None before there is anything to draw."""
        now_s = time.monotonic()
        made = self._drawings.get(words.code)
        is_old = made is None or (
            made.version != self.picture.chart_version and now_s - made.at_s >= CHART_EVERY_S
        )
        if made is None or is_old:
            data = chart_data(self.picture)
            drawn = None
            if data is not None:
                drawn = drawing(data, currency_of(self.picture), words, zone_of(self.picture))
            made = _Made(self.picture.chart_version, now_s, drawing=drawn)
            self._drawings[words.code] = made
        return made.drawing

    def ask_station(self, station: str, wish: ModeRequest | GoalRequest) -> None:
        """Send a wish for a station."""
        spec = topics.MODE_REQUEST if isinstance(wish, ModeRequest) else topics.GOAL_REQUEST
        self._ask(station, spec, wish, station=station)

    def ask_strategy(self, name: str) -> None:
        """Send the wish for a strategy; an empty name leaves it to the scheduler."""
        self._ask(None, topics.STRATEGY_REQUEST, StrategyRequest(strategy=name))

    def _ask(self, key: str | None, spec: topics.TopicSpec, wish: Body, **ids: str) -> None:
        if self.bus is not None:
            message = self.bus.ask(spec, wish, **ids)
            self.picture.note_wish(key, message, time.monotonic())
