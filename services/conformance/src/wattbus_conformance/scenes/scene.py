"""What a scene is: a site, the points it settles, and how it is played."""

from collections.abc import Callable
from dataclasses import dataclass

from wattbus_conformance.findings import Findings
from wattbus_conformance.site import ScriptedSite
from wattbus_conformance.stage import Stage


@dataclass(frozen=True)
class Scene:
    """A scripted course of events. `points` are those that it settles and no other scene does."""

    name: str
    points: tuple[str, ...]
    build: Callable[[], ScriptedSite]
    play: Callable[[Stage, Findings], None]
    restarts_broker: bool = False
