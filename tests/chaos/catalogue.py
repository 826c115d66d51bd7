"""All faults by name, in the order in which they are run: faults first, negative controls last."""

from chaos.faults import brokers, clocks, loggers, networks, processes, rivals
from chaos.run import Fault

ALL: tuple[Fault, ...] = tuple(
    sorted(
        (
            *processes.FAULTS,
            *brokers.FAULTS,
            *loggers.FAULTS,
            *networks.FAULTS,
            *clocks.FAULTS,
            *rivals.FAULTS,
        ),
        key=lambda fault: fault.must_break is not None,
    )
)
FAULTS = {fault.name: fault for fault in ALL}
