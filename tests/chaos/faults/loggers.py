"""A logger that is killed, hangs, is away for thousands of messages, or cannot write."""

import time
from pathlib import Path

from chaos.logbook import read_logbook
from chaos.mounted import set_writable
from chaos.run import Fault
from chaos.scene import READY_TIMEOUT_S, Scene
from chaos.senders import Flood
from chaos.system import LOGGER, Options

PER_SECOND = 200
BACKLOG = 10_000
DISK_BYTES = 24 * 2**20
ENDLESS = 1_000_000
ENDS_WITHIN_S = 3.0
HANGS_S = 0.4
ROOT = frozenset({"root"})
SYS_INTERVAL_S = 30.0
"""Mosquitto tells its figures every 10 s."""
NOT_MISSING = "0 missing"
DEFAULT_QUEUE: dict[str, str | None] = {"max_queued_messages": None, "max_queued_bytes": None}
SMALL_DISK = Options(disk_bytes=DISK_BYTES)


def kill_logger(scene: Scene) -> None:
    """Kill the logger under load: with its disk hanging, at any moment, or without its writer."""
    flood = Flood(scene, ENDLESS, PER_SECOND)
    ways = ["hanging", "whole", "main", scene.random.choice(["hanging", "whole", "main"])]
    scene.random.shuffle(ways)
    kills = len(ways)
    for way in ways:
        scene.pass_time(0.3, 1.2)
        if way == "hanging":
            # What was received is not on disk by then.
            scene.system.pause_children(LOGGER)
            time.sleep(HANGS_S)
        scene.system.kill(LOGGER, is_whole=way != "main")
        scene.pass_time(0.0, 0.5)
        scene.restart(LOGGER)
    restarted_s = time.monotonic()
    scene.happened(f"killed {kills} times", scene.system[LOGGER].starts == kills + 1)
    scene.expect_recovery(restarted_s)
    scene.happened(f"{flood.end()} values of a second sender, {PER_SECOND} a second")


def overflow(scene: Scene) -> None:
    """Keep the logger away for more messages than the broker's queue holds, and see who tells."""
    pile_up_messages(scene)
    scene.wait(
        lambda: any("has dropped" in detail for detail in scene.logger_health),
        "the logger says that the broker has dropped messages",
        SYS_INTERVAL_S,
    )
    scene.happened("the logger told that the broker has dropped messages")


def pause_logger(scene: Scene) -> None:
    """Let the logger hang under load."""
    flood = Flood(scene, ENDLESS, PER_SECOND)
    scene.pass_time(0.5, 1.5)
    scene.system.pause(LOGGER)
    time.sleep(0.3)
    rows = scene.newest_row_count()
    scene.pass_time(3.0, 5.0)
    scene.happened("no row was written meanwhile", scene.newest_row_count() == rows)
    scene.system.resume(LOGGER)
    resumed_s = time.monotonic()
    scene.expect_recovery(resumed_s)
    scene.happened(f"{flood.end()} values of a second sender")


def pile_up(scene: Scene) -> None:
    """Keep the logger away for 10,000 messages."""
    restarted_s = pile_up_messages(scene)
    scene.wait(lambda: is_caught_up(scene), "the logger catches up", READY_TIMEOUT_S)
    scene.verdict.figures["catch_up_s"] = round(time.monotonic() - restarted_s, 2)
    scene.expect_recovery(restarted_s)


def pile_up_messages(scene: Scene) -> float:
    """Let messages pile up while the logger is away; returns when it has come back."""
    scene.system.kill(LOGGER)
    taken = Flood(scene, BACKLOG, 0).wait()
    waiting = taken - sum(row[0] == "flood" for row in read_logbook(scene.system.data).rows)
    scene.happened(f"{waiting} messages were sent without it", waiting >= BACKLOG)
    restarted_s = time.monotonic()
    scene.restart(LOGGER)
    return restarted_s


def fill_disk(scene: Scene) -> None:
    """Leave the logger without room in the middle of its work, and then give it room again."""
    flood = Flood(scene, ENDLESS, PER_SECOND)
    scene.pass_time(0.3, 1.0)
    filler = scene.system.data / "filler"
    left_bytes = scene.random.randrange(100_000)
    error = fill(filler, left_bytes)
    scene.happened(f"the disk was full: {error}")
    scene.wait(
        lambda: any("No space left" in detail for detail in scene.logger_health),
        "the logger says that it has no room",
        20,
    )
    rows = scene.newest_row_count()
    scene.pass_time(1.0, 2.0)
    scene.happened("the logger said so and wrote nothing", scene.newest_row_count() == rows)
    filler.unlink()
    freed_s = time.monotonic()
    scene.expect_recovery(freed_s)
    scene.happened(f"{flood.end()} values of a second sender")


def make_read_only(scene: Scene) -> None:
    """Start the logger on a disk that is read-only, and make that writable again."""
    flood = Flood(scene, ENDLESS, PER_SECOND)
    scene.pass_time(0.3, 1.0)
    scene.system.kill(LOGGER)
    set_writable(scene.system.data, is_writable=False)
    scene.system.begin(LOGGER)
    scene.wait(lambda: _log_says(scene, "Read-only file system"), "the logger says why", 20)
    scene.happened("the logger says that its disk is read-only")
    is_running = scene.system.lives_on(LOGGER, ENDS_WITHIN_S)
    set_writable(scene.system.data, is_writable=True)
    freed_s = time.monotonic()
    if not is_running:
        # As a supervisor does with a service that has ended.
        scene.system.begin(LOGGER)
    scene.expect_recovery(freed_s)
    scene.happened(f"{flood.end()} values of a second sender")


def fill(path: Path, left_bytes: int) -> str:
    """Fill a file system but for some bytes; returns what the system said."""
    with path.open("wb", buffering=0) as file:
        for size in (2**20, 2**12, 1):
            while True:
                try:
                    file.write(b"\0" * size)
                except OSError as error:
                    said = error.strerror or str(error)
                    break
        file.truncate(max(0, file.tell() - left_bytes))
    return said


def is_caught_up(scene: Scene) -> bool:
    """Whether all that other senders have sent is on the logger's disk."""
    book = read_logbook(scene.system.data)
    return scene.others_sent <= book.rows.keys() | book.quarantined.keys()


def _log_says(scene: Scene, words: str) -> bool:
    return words in scene.system[LOGGER].service.log_file.read_text(errors="replace")


FAULTS = (
    Fault("logger-kill", "kill -9 of the logger under load", kill_logger),
    Fault("logger-pause", "SIGSTOP and SIGCONT of the logger under load", pause_logger),
    Fault("logger-backlog", "10,000 messages while the logger is away", pile_up),
    Fault("logger-disk-full", "no room on the logger's disk", fill_disk, SMALL_DISK, ROOT),
    Fault(
        "logger-disk-read-only", "the logger's disk is read-only", make_read_only, SMALL_DISK, ROOT
    ),
    Fault(
        "without-ack",
        "logger-kill with a logger that acknowledges at once",
        kill_logger,
        Options(without={LOGGER: "ack"}),
        must_break=NOT_MISSING,
    ),
    Fault(
        "without-clean-start",
        "logger-kill with a logger that begins a new session",
        kill_logger,
        Options(without={LOGGER: "clean-start"}),
        must_break=NOT_MISSING,
    ),
    Fault(
        "without-queue",
        "logger-backlog with Mosquitto's own queue of 1000",
        overflow,
        Options(broker_instead=DEFAULT_QUEUE),
        must_break=NOT_MISSING,
        leaves_alarm=True,
    ),
)
