"""Shows a picture as it changes: a live panel in a terminal, lines elsewhere."""

import time
from collections import deque
from collections.abc import Iterable
from contextlib import AbstractContextManager
from types import TracebackType

from rich.console import Console
from rich.live import Live

from wattbus_console.course_lines import CourseLines
from wattbus_console.day_view import day_view
from wattbus_console.picture import Picture
from wattbus_console.rendering.day_chart import columns_per_hour
from wattbus_console.rendering.live import live_panel
from wattbus_console.views import currency_of, site_view
from wattbus_contract.codec import Decoded

REDRAW_EVERY_S = 0.1
KEPT_EVENTS = 20
MOST_WIDTH = 124
FRAME_WIDTH = 4


class Screen(AbstractContextManager["Screen"]):
    """Draws on a console; `footer` tells how to end it."""

    def __init__(self, console: Console, picture: Picture, footer: str) -> None:
        self._console = console
        self._picture = picture
        self._footer = footer
        self._lines = CourseLines(is_full=not console.is_terminal)
        self._events: deque[str] = deque(maxlen=KEPT_EVENTS)
        self._drawn_s = float("-inf")
        self._live = (
            Live(console=console, auto_refresh=False, redirect_stderr=False)
            if console.is_terminal
            else None
        )

    def __enter__(self) -> "Screen":
        if self._live is not None:
            self._live.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._live is not None:
            self._draw()
            self._live.stop()

    def tell(self, messages: Iterable[Decoded]) -> None:
        """Show what follows from messages that the picture has taken."""
        for message in messages:
            for line in self._lines.lines(message, self._picture):
                self.note(line)
        if time.monotonic() - self._drawn_s >= REDRAW_EVERY_S:
            self._draw()

    def note(self, line: str) -> None:
        """Show a line of what has happened."""
        self._events.append(line)
        if self._live is None:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _draw(self) -> None:
        if self._live is None:
            return
        self._drawn_s = time.monotonic()
        width = min(self._console.width, MOST_WIDTH)
        panel = live_panel(
            site_view(self._picture),
            day_view(self._picture, columns_per_hour(width - FRAME_WIDTH)),
            currency_of(self._picture),
            list(self._events),
            width=width,
            height=self._console.height,
            footer=self._footer,
        )
        self._live.update(panel, refresh=True)
