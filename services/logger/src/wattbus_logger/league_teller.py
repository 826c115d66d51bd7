"""Tells the league now and then: to the folder, and to who publishes it."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from wattbus_contract.accounts import League
from wattbus_logger.league import ShadowLeague
from wattbus_logger.league_file import write_league

log = logging.getLogger(__name__)

EVERY_S = 60.0


@dataclass(slots=True)
class LeagueTeller:
    """`word` returns the league at most once a minute, at a session's end, and if it has changed.

    The file can be told again from `events.jsonl`, so a disk that refuses it stops nothing.
    """

    monotonic_s: Callable[[], float] = time.monotonic
    _told: League | None = None
    _due_s: float = float("-inf")

    def word(
        self, league: ShadowLeague, currency: str, folder: Path, *, is_urgent: bool
    ) -> League | None:
        """Return the league if it is to be published now, after it was written."""
        now_s = self.monotonic_s()
        if now_s < self._due_s and not is_urgent:
            return None
        table = league.table(currency)
        if table is None or table == self._told:
            return None
        self._told, self._due_s = table, now_s + EVERY_S
        try:
            write_league(folder, table)
        except OSError as error:
            log.warning("cannot write the league: %s", error)
        return table
