"""How long to look: a moment in `make test`, WATTBUS_FUZZ_S seconds a test in `make fuzz`."""

import os
import time
from collections.abc import Callable
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

FUZZ_S = float(os.environ.get("WATTBUS_FUZZ_S") or 0)
ROUND = 100
PHASES = tuple(Phase) if FUZZ_S else (Phase.generate,)
"""To make an example smaller can take minutes, in which `make test` would not say what failed."""


def explore(check: Callable[..., None], *drawn: st.SearchStrategy[Any], examples: int) -> None:
    """Run a check on drawn examples: always the same few, or other ones until the time is over."""
    deadline_s = time.monotonic() + FUZZ_S
    while True:
        run = settings(
            max_examples=ROUND if FUZZ_S else examples,
            deadline=None,
            derandomize=not FUZZ_S,
            phases=PHASES,
            suppress_health_check=list(HealthCheck),
        )(given(*drawn)(check))
        run()
        if time.monotonic() >= deadline_s:
            return
