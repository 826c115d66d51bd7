"""Plays scenes, several at a time, and collects their verdicts."""

import logging
import threading
import uuid
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

from wattbus_conformance import rules
from wattbus_conformance.broker import NoBroker, OwnBroker
from wattbus_conformance.bus import BusError
from wattbus_conformance.findings import Finding, Findings, merge
from wattbus_conformance.process import CannotStart
from wattbus_conformance.scenes import SCENES
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.settings import StageSettings
from wattbus_conformance.stage import Cancelled, SceneEnded, Stage

log = logging.getLogger(__name__)


def scenes_for(point_ids: Sequence[str]) -> tuple[Scene, ...]:
    """Return the scenes that settle the points; rules of every limit need but the quiet one."""
    wanted = set(point_ids)
    return tuple(
        scene
        for scene in SCENES
        if wanted & set(scene.points) or (wanted & set(rules.POINTS) and scene.name == "quiet")
    )


def run(
    scenes: Sequence[Scene],
    settings: StageSettings,
    broker_files: Callable[[], Path],
    at_once: int,
    report: Callable[[Findings], None],
) -> list[Finding]:
    """Play the scenes and return one verdict a point.

    A scene that restarts its broker gets one of its own, unless the broker is somebody else's.
    `report` is told each scene's verdicts as it ends. Raises what makes the suite itself fail:
    NoBroker, BusError, CannotStart.
    """
    found: list[Findings] = []
    lock = threading.Lock()

    def play(scene: Scene) -> None:
        findings = _play_scene(scene, settings, broker_files)
        with lock:
            found.append(findings)
            report(findings)

    with ThreadPoolExecutor(at_once, thread_name_prefix="scene") as pool:
        try:
            for future in [pool.submit(play, scene) for scene in scenes]:
                future.result()
        except (KeyboardInterrupt, NoBroker, BusError, CannotStart):
            settings.cancelled.set()
            pool.shutdown(cancel_futures=True)
            raise
    return merge(found)


def _play_scene(
    scene: Scene, settings: StageSettings, broker_files: Callable[[], Path]
) -> Findings:
    if not scene.restarts_broker or settings.own_broker is None:
        shared = replace(settings, own_broker=None)
        return _play(scene, shared)
    broker = OwnBroker(settings.folder / f"broker-{scene.name}", broker_files())
    try:
        broker.start()
        return _play(scene, replace(settings, access=broker.access, own_broker=broker))
    finally:
        broker.stop()


def _play(scene: Scene, settings: StageSettings) -> Findings:
    findings = Findings(scene.name)
    site_id = f"conformance-{uuid.uuid4().hex[:12]}"
    with Stage(scene.name, scene.build(), settings, site_id) as stage:
        why = "the scene ended before"
        try:
            scene.play(stage, findings)
        except SceneEnded as ended:
            why = str(ended)
        except Cancelled:
            why = "cancelled"
        findings.leave_untried(scene.points, why)
        rules.judge_limits(
            stage.recording,
            {name: station.info for name, station in stage.site.stations.items()},
            set(stage.children),
            stage.misled,
            findings,
        )
    return findings
