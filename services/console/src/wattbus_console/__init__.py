"""The wattbus command: run everything on one machine, watch, ask, report."""
