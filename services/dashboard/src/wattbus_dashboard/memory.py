"""Keeps the chart's last day over a restart: a file in the state folder, and not worth a fault."""

import logging
from collections.abc import Mapping
from datetime import datetime
from pathlib import Path

from pydantic import AwareDatetime, BaseModel, FiniteFloat, ValidationError

from wattbus_dashboard.picture import Load

log = logging.getLogger(__name__)


class _KeptLoad(BaseModel):
    at: AwareDatetime
    house_w: FiniteFloat
    stations_w: FiniteFloat
    planned_w: FiniteFloat | None = None
    pv_w: FiniteFloat | None = None


class _Kept(BaseModel):
    loads: tuple[_KeptLoad, ...]


class Memory:
    """The file of one site."""

    def __init__(self, state_dir: Path, site: str) -> None:
        self._path = state_dir / f"chart-{site}.json"
        self._saved: dict[datetime, Load] = {}

    def load(self) -> dict[datetime, Load]:
        """Return what was kept, in the order of time; nothing if there is no such file."""
        try:
            kept = _Kept.model_validate_json(self._path.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, ValidationError) as error:
            log.warning("%s cannot be read; the chart begins empty: %s", self._path, error)
            return {}
        return {
            one.at: Load(one.house_w, one.stations_w, one.planned_w, one.pv_w)
            for one in sorted(kept.loads, key=lambda one: one.at)
        }

    def save(self, loads: Mapping[datetime, Load]) -> None:
        """Keep these if they are news; a disk that is full is told and costs nothing else."""
        if loads == self._saved:
            return
        kept = _Kept(
            loads=tuple(
                _KeptLoad(
                    at=at, house_w=load.house_w, stations_w=load.stations_w,
                    planned_w=load.planned_w, pv_w=load.pv_w,
                )
                for at, load in loads.items()
            )
        )  # fmt: skip
        unfinished = self._path.with_suffix(".new")
        try:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            unfinished.write_text(kept.model_dump_json(exclude_none=True))
            unfinished.replace(self._path)
        except OSError as error:
            log.warning("the chart of the last day was not kept: %s", error)
            return
        self._saved = dict(loads)
