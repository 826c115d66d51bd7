"""A short part of `make chaos`: faults with their promises, and controls that break them."""

from pathlib import Path

import pytest

from chaos.__main__ import line_of
from chaos.catalogue import ALL, FAULTS
from chaos.run import run_fault

SEED = 1
PATIENCE = 3.0
"""`make chaos` measures the promised times; here a neighbour may take the processor away."""
SHORT = ("broker-and-bridge", "logger-kill", "rival-zombie", "without-ack", "without-fence")


@pytest.mark.slow
@pytest.mark.parametrize("name", SHORT)
def test_promises_are_kept_and_controls_break_them(
    name: str, mosquitto: str, tmp_path: Path
) -> None:
    outcome = run_fault(FAULTS[name], SEED, tmp_path, mosquitto, patience=PATIENCE)

    assert outcome.is_good, line_of(outcome)


def test_every_fault_has_a_name_of_its_own() -> None:
    assert len(FAULTS) == len(ALL)
