"""The page: builds what is seen and, four times a second, sets what has changed."""

from nicegui import ui

from wattbus_dashboard.car_card import CarCard
from wattbus_dashboard.chart_panel import ChartPanel
from wattbus_dashboard.elements import Box, Text, set_prop
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.panels import (
    FigureRow,
    NoticeList,
    SavingPanel,
    SchedulerPanel,
    ServicePanel,
)
from wattbus_dashboard.views import PageView
from wattbus_dashboard.words import Words

REFRESH_EVERY_S = 0.25
REFRESH_MANY_EVERY_S = 0.5
MANY_FROM = 31
"""So many cars that the browser gets more time between two updates."""
COMPACT_FROM = 9
"""So many cars that each gets a small card."""


class Page:
    """One open page: laid out at once, afterwards it keeps itself up to date."""

    def __init__(self, hub: Hub, words: Words, other: Words, *, has_login: bool) -> None:
        self._hub = hub
        self._words = words
        self._cards: dict[str, CarCard] = {}
        self._last: PageView | None = None
        ui.page_title(words.title)
        Text("a", words.skip, "skip", href="#cars")
        with Box("header", "top"):
            with Box("div", "top-site"):
                self._name = Text("h1")
                with Box("p", "top-clock"):
                    self._clock = Text("span")
                    self._pace = Text("span", classes="pace")
            with Box("nav", "top-links", aria_label=words.title):
                Text("a", other.name, href=f"/?lang={other.code}", lang=other.code)
                if has_login:
                    Text("a", words.log_out, href="/logout")
        with Box("main"):
            self._notices = NoticeList()
            self._figures = FigureRow()
            with Box("section", "cars", id="cars", aria_labelledby="cars-title", tabindex="-1"):
                Text("h2", words.cars, id="cars-title")
                self._grid = Box("div", "grid")
            self._chart = ChartPanel(hub, words)
            with Box("div", "columns"):
                self._savings = SavingPanel(words)
                self._schedulers = SchedulerPanel(hub, words)
                self._services = ServicePanel(words)
        self._refresh_words()
        self._timer = ui.timer(REFRESH_EVERY_S, self.refresh)

    def refresh(self) -> None:
        """Set what has changed since the last time."""
        self._refresh_words()
        is_many = len(self._cards) >= MANY_FROM
        self._timer.interval = REFRESH_MANY_EVERY_S if is_many else REFRESH_EVERY_S
        # Not before the browser has the rest: the chart's library is as large as all else.
        self._chart.show()

    def _refresh_words(self) -> None:
        view = self._hub.page(self._words)
        if view is not self._last:
            self._name.text = view.name
            self._clock.text = view.clock
            self._pace.text = view.pace
            self._notices.show(view.notices)
            self._figures.show(view.figures)
            self._show_cars(view)
            self._savings.show(view.savings)
            self._schedulers.show(view)
            self._services.show(view.services)
            self._last = view

    def _show_cars(self, view: PageView) -> None:
        stations = [car.station for car in view.cars]
        if list(self._cards) != stations:
            is_compact = len(stations) >= COMPACT_FROM
            self._grid.clear()
            self._cards = {}
            set_prop(self._grid, "data-compact", "true" if is_compact else None)
            with self._grid:
                for station in stations:
                    self._cards[station] = CarCard(
                        self._hub, self._words, station, is_compact=is_compact
                    )
        for car in view.cars:
            self._cards[car.station].show(car)
