"""The chart with its sentence and its table."""

from nicegui import ui
from nicegui.element import Element

from wattbus_dashboard.chart import Drawing
from wattbus_dashboard.elements import Box, Text, set_prop
from wattbus_dashboard.hub import Hub
from wattbus_dashboard.words import Words


class ChartPanel:
    """Built once; `show` draws anew what has changed. The table is filled while it is open."""

    def __init__(self, hub: Hub, words: Words) -> None:
        self._hub = hub
        self._words = words
        self._drawn: Drawing | None = None
        self._tabulated: Drawing | None = None
        self._is_open = False
        self._chart: ui.echart | None = None
        with Box("section", "card chart", aria_labelledby="chart-title"):
            Text("h2", words.chart, id="chart-title")
            self._empty = Text("p", classes="soft")
            self._frame: Element = Box("div", "chart-frame", role="img")
            with Box("details") as details:
                Text("summary", words.chart_table)
                with Box(
                    "div", "scroll", tabindex="0", role="region", aria_label=words.chart_table
                ):
                    self._table: Element = Box("table")
            details.on("toggle", self._toggled, js_handler="event => emit(event.target.open)")
        self._details = details

    def show(self) -> None:
        """Draw what is new."""
        drawing = self._hub.drawing(self._words)
        if self._drawn is None:
            self._empty.text = "" if drawing is not None else self._words.chart_empty
        if drawing is not None and drawing is not self._drawn:
            self._draw(drawing)
        if self._is_open and self._tabulated is not self._drawn and self._drawn is not None:
            self._tabulate(self._drawn)

    def _draw(self, drawing: Drawing) -> None:
        if self._chart is None:
            with self._frame:
                self._chart = ui.echart(drawing.options, renderer="svg")
        else:
            with self._chart.props.suspend_updates():
                self._chart.props["options"] = drawing.options
            self._chart.update()
        set_prop(self._frame, "aria-label", drawing.summary)
        self._drawn = drawing

    def _toggled(self, event: object) -> None:
        self._is_open = bool(getattr(event, "args", False))
        self.show()

    def _tabulate(self, drawing: Drawing) -> None:
        self._table.clear()
        with self._table:
            Text("caption", drawing.summary)
            with Box("thead"), Box("tr"):
                for name in drawing.head:
                    Text("th", name, scope="col")
            with Box("tbody"):
                for row in drawing.rows:
                    with Box("tr"):
                        Text("th", row[0], scope="row")
                        for cell in row[1:]:
                            Text("td", cell)
        self._tabulated = drawing
