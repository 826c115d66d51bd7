"""The smaller parts of the page: notices, figures, saving, schedulers, services."""

from collections.abc import Sequence

from nicegui import events
from nicegui.element import Element

from wattbus_dashboard.elements import FORM_TO_PYTHON, Box, Text, set_prop
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.panel_views import (
    LeagueRow,
    SavingView,
    SchedulerView,
    ServiceView,
    StrategyChoice,
)
from wattbus_dashboard.views import FigureView, Notice, PageView
from wattbus_dashboard.words import Words


class NoticeList:
    """What is missing and what to do; read out when it changes."""

    def __init__(self) -> None:
        self._box: Element = Box("div", "notices", role="status")
        self._last: tuple[Notice, ...] = ()

    def show(self, notices: tuple[Notice, ...]) -> None:
        """Show these and no others."""
        if notices == self._last:
            return
        self._box.clear()
        with self._box:
            for notice in notices:
                with Box("div", "notice", data_alarm="true" if notice.is_alarm else None):
                    Text("p", notice.text, "notice-text")
                    with Box("p", "small"):
                        for number, part in enumerate(notice.remedy.split("`")):
                            Text("code" if number % 2 else "span", part)
        self._last = notices


class FigureRow:
    """The figures of the site at one glance."""

    def __init__(self) -> None:
        self._box: Element = Box("dl", "figures")
        self._parts: list[tuple[Text, Text, Element]] = []

    def show(self, figures: tuple[FigureView, ...]) -> None:
        """Set what has changed."""
        if len(self._parts) != len(figures):
            self._build(figures)
        for figure, (value, note, fill) in zip(figures, self._parts, strict=True):
            value.text = figure.value
            note.text = figure.note
            share = figure.share
            set_prop(fill, "style", f"width: {100 * share:.1f}%" if share is not None else None)
            set_prop(fill, "data-high", "true" if share is not None and share > 0.9 else None)

    def _build(self, figures: tuple[FigureView, ...]) -> None:
        self._box.clear()
        self._parts = []
        with self._box:
            for figure in figures:
                with Box("div", "figure"):
                    Text("dt", figure.label)
                    value = Text("dd", classes="figure-value")
                    note = Text("dd", classes="soft small")
                    with Box("dd", "thin-bar", aria_hidden="true"):
                        fill = Box("div", "fill")
                self._parts.append((value, note, fill))


class SavingPanel:
    """What charging has saved."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._last: tuple[SavingView, ...] | None = None
        with Box("section", "card", aria_labelledby="saving-title"):
            Text("h2", words.saving, id="saving-title")
            self._box: Element = Box("div")

    def show(self, savings: tuple[SavingView, ...]) -> None:
        """Show these."""
        if savings == self._last:
            return
        self._box.clear()
        with self._box:
            if not savings:
                Text("p", self._words.saving_none, "soft")
            with Box("dl", "savings"):
                for saving in savings:
                    with Box("div"):
                        Text("dt", saving.label)
                        Text("dd", saving.saving, "figure-value")
                        Text("dd", saving.note, "soft small")
        self._last = savings


class SchedulerPanel:
    """Who commands, who waits, how they compare, and the choice of a strategy."""

    def __init__(self, hub: Hub, words: Words) -> None:
        self._hub = hub
        self._words = words
        self._last: tuple[object, ...] | None = None
        self._last_choice: StrategyChoice | None = None
        with Box("section", "card", aria_labelledby="schedulers-title"):
            Text("h2", words.schedulers, id="schedulers-title")
            self._note = Text("p", classes="soft")
            self._box: Element = Box("div")
            self._form: Element = Box("div")
            self._wish = Text("p", classes="wish small", role="status")

    def show(self, view: PageView) -> None:
        """Set what has changed."""
        self._note.text = view.command_note
        shown = view.schedulers, view.league, view.league_since
        if shown != self._last:
            self._box.clear()
            with self._box:
                self._tabulate(view.schedulers)
                self._league(view.league, view.league_since)
            self._last = shown
        if view.choice != self._last_choice:
            self._form.clear()
            if view.choice.names:
                with self._form:
                    self._choice(view.choice)
            self._last_choice = view.choice
        self._wish.text = view.site_wish.text
        set_prop(self._wish, "data-tone", view.site_wish.tone or None)

    def _tabulate(self, schedulers: tuple[SchedulerView, ...]) -> None:
        words = self._words
        if not schedulers:
            return
        head = (words.instance, words.role, words.strategy, words.expected_cost)
        rows = [(one.instance, one.role, one.strategy, one.expected_cost) for one in schedulers]
        _table(words.schedulers, head, rows)

    def _league(self, league: tuple[LeagueRow, ...], since: str) -> None:
        words = self._words
        if not league:
            return
        Text("h3", words.league, "sub")
        Text("p", since, "soft small")
        head = (words.instance, words.energy, words.cost, words.league_shortfall)
        rows = [
            (f"{row.instance} ({row.strategy})", row.energy, row.cost, row.shortfall)
            for row in league
        ]
        _table(words.league, head, rows)

    def _choice(self, choice: StrategyChoice) -> None:
        words = self._words
        with Box("form", "choice") as form:
            with Box("label", "field"):
                Text("span", words.strategy_choose)
                with Box("select", name="strategy"):
                    Text("option", words.strategy_default, value="",
                         selected=not choice.chosen or None)  # fmt: skip
                    for name in choice.names:
                        Text("option", name, value=name, selected=(name == choice.chosen) or None)
            Text("button", words.strategy_apply, "plain", type="submit")
        form.on("submit", self._apply, js_handler=FORM_TO_PYTHON)

    def _apply(self, event: events.GenericEventArguments) -> None:
        name = str(dict(event.args).get("strategy", ""))
        if self._last_choice is not None and name in {"", *self._last_choice.names}:
            self._hub.ask_strategy(name)


class ServicePanel:
    """The health of every service."""

    def __init__(self, words: Words) -> None:
        self._words = words
        self._last: tuple[ServiceView, ...] | None = None
        with Box("section", "card", aria_labelledby="services-title"):
            Text("h2", words.services, id="services-title")
            self._box: Element = Box("ul", "services")

    def show(self, services: tuple[ServiceView, ...]) -> None:
        """Show these."""
        if services == self._last:
            return
        self._box.clear()
        with self._box:
            for service in services:
                with Box("li", data_tone=service.tone):
                    Box("span", "dot", aria_hidden="true")
                    Text("span", service.name, "service-name")
                    Text("span", service.state, "service-state")
                    Text("span", service.version, "soft small")
                    if service.detail:
                        Text("span", service.detail, "service-detail soft small")
        self._last = services


def _table(caption: str, head: tuple[str, ...], rows: Sequence[tuple[str, ...]]) -> None:
    with (
        Box("div", "scroll", tabindex="0", role="group", aria_label=caption),
        Box("table"),
    ):
        Text("caption", caption, "hidden")
        with Box("thead"), Box("tr"):
            for name in head:
                Text("th", name, scope="col")
        with Box("tbody"):
            for row in rows:
                with Box("tr"):
                    Text("th", row[0], scope="row")
                    for cell in row[1:]:
                        Text("td", cell)
