"""Runs the writer in a process of its own, so that it decodes and syncs while we receive.

Python runs one thread at a time: in one process, receiving and writing would share one core.
"""

import logging
import multiprocessing
import signal
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from multiprocessing.connection import Connection, wait
from multiprocessing.context import ForkContext, SpawnContext
from multiprocessing.process import BaseProcess
from pathlib import Path

from wattbus_logger.folder_lock import FolderInUse, FolderLock
from wattbus_logger.recovery import recover
from wattbus_logger.writer import Arrived, Writer, Written

log = logging.getLogger(__name__)

IDLE_S = 1.0
START_TIMEOUT_S = 300.0
"""A start without checkpoint reads the whole of today's files."""
END_TIMEOUT_S = 10.0


class WriterFailed(RuntimeError):  # noqa: N818 - says what happened
    """The writer's process could not start, or has ended."""


@dataclass(frozen=True, slots=True)
class Problem:
    """Word from the writer while it cannot finish a batch, or when a problem is over."""

    text: str


class WriterProcess:
    """The other end of the writer: `send` batches, `poll` and `receive` what became of them.

    Starts by forking where that is possible: before any thread exists. Raises WriterFailed.
    """

    def __init__(self, folder: Path, retry_s: float) -> None:
        context: ForkContext | SpawnContext
        if sys.platform == "linux":
            context = multiprocessing.get_context("fork")
        else:
            context = multiprocessing.get_context("spawn")
        self._connection, writers_end = context.Pipe()
        # Nothing is ever sent on it: it breaks when this process ends, however it ends.
        writers_lifeline, self._lifeline = context.Pipe(duplex=False)
        ours = (self._connection, self._lifeline)
        self._process: BaseProcess = context.Process(
            target=_run,
            args=(writers_end, writers_lifeline, ours, folder, retry_s),
            name="writer",
        )
        self._process.start()
        writers_end.close()
        writers_lifeline.close()
        if not self._connection.poll(START_TIMEOUT_S):
            raise WriterFailed("the writer has not come up")
        problem = self.receive()
        if isinstance(problem, Problem) and problem.text:
            raise WriterFailed(problem.text)

    @property
    def pid(self) -> int | None:
        """The process id of the writer."""
        return self._process.pid

    def send(self, messages: Sequence[Arrived]) -> None:
        """Hand over a batch; each is answered by one Written, in order."""
        try:
            self._connection.send(messages)
        except OSError as error:
            raise WriterFailed("the writer's process has ended") from error

    def poll(self, timeout_s: float) -> bool:
        """Wait until there is word from the writer."""
        return self._connection.poll(timeout_s)

    def receive(self) -> Written | Problem:
        """Return the next word from the writer; WriterFailed if it has ended."""
        try:
            word: Written | Problem = self._connection.recv()
        except (EOFError, OSError) as error:
            raise WriterFailed("the writer's process has ended") from error
        return word

    def end(self) -> None:
        """Let it finish and wait for it; a hanging disk is not waited for."""
        self._lifeline.close()
        self._process.join(END_TIMEOUT_S)
        if self._process.is_alive():
            log.warning("the writer still waits for the disk; ends it")
            self._process.kill()
            self._process.join()
        self._connection.close()


def _run(
    connection: Connection,
    lifeline: Connection,
    receivers: tuple[Connection, Connection],
    folder: Path,
    retry_s: float,
) -> None:
    # A forked process has these too, and they would never break.
    for one in receivers:
        one.close()
    # Ctrl-C reaches all processes of a terminal; this one ends when the receiver hangs up.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        lock = FolderLock(folder)
        store, intake = recover(folder, datetime.now().astimezone().date())
    except (FolderInUse, OSError) as error:
        connection.send(Problem(str(error)))
        return
    writer = Writer(store, intake)
    try:
        connection.send(Problem(""))
        _serve(connection, lifeline, writer, retry_s)
    except (EOFError, BrokenPipeError, ConnectionResetError):
        log.debug("the receiver has hung up")
    finally:
        writer.close()
        lock.release()


def _serve(connection: Connection, lifeline: Connection, writer: Writer, retry_s: float) -> None:
    """Write what comes until the lifeline breaks, which shows as EOFError."""
    told = ""
    while True:
        ready = wait([connection, lifeline], IDLE_S)
        if connection in ready:
            writer.take(connection.recv())
            while (written := writer.commit()) is None:
                told = _tell(connection, writer.problem, told)
                if wait([lifeline], retry_s):
                    raise EOFError
            told = written.problem
            connection.send(written)
        elif ready:
            raise EOFError
        writer.keep_folder()
        told = _tell(connection, writer.problem, told)


def _tell(connection: Connection, problem: str, told: str) -> str:
    if problem != told:
        connection.send(Problem(problem))
    return problem
