"""How scenes are played: on which broker, with which scheduler, and how patiently."""

import threading
from dataclasses import dataclass
from pathlib import Path

from wattbus_conformance.broker import BrokerAccess, OwnBroker
from wattbus_conformance.process import Launcher


@dataclass(frozen=True)
class StageSettings:
    """How a scene is played. `react_s` is how soon what was said must have its effect.

    `patience` multiplies every deadline, for slow machines, but no time of mere watching.
    `poll_s` is the time between readings.
    `own_broker` is the broker behind `access` where it may be restarted.
    """

    access: BrokerAccess
    launcher: Launcher
    folder: Path
    cancelled: threading.Event
    patience: float = 1.0
    react_s: float = 2.0
    start_s: float = 15.0
    poll_s: float = 0.2
    own_broker: OwnBroker | None = None
