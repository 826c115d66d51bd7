"""Other clients on the broker that are not part of the system: a flood, a zombie, a greedy one."""

import os
import sys
from pathlib import Path

from chaos import flood
from chaos.scene import Scene
from fixtures.broker_process import ROOT
from wattbus_console.processes.child import Child, Service, log_tail

END_TIMEOUT_S = 60.0


class Sender:
    """A script of ours that runs beside the system, straight on the broker."""

    def __init__(self, scene: Scene, module: str, user: str, *arguments: str) -> None:
        self._log_file = scene.folder / "logs" / f"{module}.log"
        system = scene.system
        command = (
            sys.executable, "-m", f"chaos.{module}", str(system.broker.port),
            str(system.broker.password_file(user)), *arguments,
        )  # fmt: skip
        environment = {**os.environ, "PYTHONPATH": str(ROOT / "tests"), "PYTHONUNBUFFERED": "1"}
        self.child = Child(Service(module, command, environment, self._log_file, scene.folder))

    def end(self) -> str:
        """Ask it to end; returns the last of what it has said. RuntimeError if it failed."""
        self.child.terminate()
        return self.wait()

    def wait(self) -> str:
        """Wait until it has ended by itself; RuntimeError if it failed."""
        is_over = self.child.wait(END_TIMEOUT_S)
        self.child.finish()
        said = log_tail(self._log_file)
        if not is_over or self.child.exit_status:
            raise RuntimeError(f"a sender of ours has failed: {said}")
        return said


class Flood:
    """Meter values of a second sender, whose numbers the logger owes as soon as they are taken."""

    def __init__(self, scene: Scene, count: int, per_second: float) -> None:
        self._scene = scene
        self._out: Path = scene.folder / "flood.txt"
        self._sender = Sender(
            scene, "flood", "station-bridge", str(count), str(per_second), str(self._out)
        )

    def wait(self) -> int:
        """Wait until all is sent; returns how many the broker took."""
        self._sender.wait()
        return self._take()

    def end(self) -> int:
        """Stop sending; returns how many the broker took."""
        self._sender.end()
        return self._take()

    def _take(self) -> int:
        numbers = [int(line) for line in self._out.read_text().split()]
        self._scene.others_sent |= {(flood.SOURCE, flood.BOOT_ID, n) for n in numbers}
        return len(numbers)
