"""Scene: the clock jumps back, messages grow fields, come as garbage, late or twice."""

import time

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings
from wattbus_conformance.scenes.scene import Scene
from wattbus_conformance.site import Say, instant
from wattbus_conformance.stage import Stage
from wattbus_contract import topics
from wattbus_contract.facts import StationEvent, StationEventKind

CAR = "car1"
DIGEST_S = 0.25
"""Time for one piece of garbage to do its damage."""
LATE_S = 1.5
"""Time in which old readings come again after each new one."""


def play(stage: Stage, findings: Findings) -> None:
    """Disturb a scheduler that charges in the cheapest hour."""
    stage.begin(stage.subject)
    stage.run(0.5)
    as_before_w = stage.limit_w(CAR)
    stage.set_clock(instant(scenery.NIGHT))
    stage.require(
        lambda: stage.is_charging(CAR),
        stage.settings.react_s,
        "it did not charge in the cheapest hour",
    )
    _clock_jumps_back(stage, findings, as_before_w)
    _unknown_fields(stage, findings)
    _garbage(stage, findings)
    _late_readings(stage, findings)


def _clock_jumps_back(stage: Stage, findings: Findings, as_before_w: float | None) -> None:
    stage.site.at = instant(scenery.EVENING)
    event = StationEvent(
        at=stage.site.at, kind=StationEventKind.CLOCK_RESET, text="the station's clock fell back"
    )
    stage.say(Say(topics.STATION_EVENT, event, {"station": CAR}), *stage.site.readings())
    shown = "none" if as_before_w is None else f"{as_before_w:.0f} W"
    findings.judge(
        "clock-back",
        stage.reaches(lambda: stage.limit_w(CAR) == as_before_w),
        expected=f"limit {shown}, as when the clock showed 20:00 for the first time",
        seen=stage.told(CAR),
    )
    stage.set_clock(instant(scenery.NIGHT))
    findings.judge(
        "clock-back",
        stage.reaches(lambda: stage.is_charging(CAR)),
        expected="charging when the clock reaches the cheapest hour again",
        seen=stage.told(CAR),
    )


def _unknown_fields(stage: Stage, findings: Findings) -> None:
    car = stage.site.stations[CAR]
    stage.grown = {"colour": "blue", "nested": {"a": [1, None]}, "of_version_2": 1e300}
    car.is_plugged_in = False
    findings.judge(
        "unknown-fields",
        stage.reaches(lambda: stage.is_told_to_pause(CAR)),
        expected="limit 0: every message has fields of a later version now, and the car is gone",
        seen=stage.told(CAR),
    )
    stage.grown = {}
    car.is_plugged_in = True
    stage.require(lambda: stage.is_charging(CAR), stage.settings.react_s, "it did not charge again")


def garbage(site_id: str) -> list[tuple[str, str, bytes]]:
    """Return what is thrown at a scheduler: a name, a topic and a payload each."""
    station = {"station": CAR}
    meter = topics.METER.topic(site_id, **station)
    goal = topics.GOAL.topic(site_id, **station)
    price = topics.PRICE.topic(site_id)
    lease = topics.LEASE_STATE.topic(site_id)
    head = '{"schema":"%s","sent_at":"2025-01-15T12:00:00Z","source":"stranger","boot_id":"x",'
    slot = '{"start_at":%s,"duration_s":3600,"price_per_kwh":%s}'
    prices = head % "price/1" + '"seq":1,"currency":"SEK","unit":"SEK/kWh","provider":"x","slots":'
    reading = head % "meter/1" + (
        '"seq":2,"at":%s,"connector_status":"Charging","is_plugged_in":true,"mode":"smart",'
        '"is_failsafe":false,"power_active_import_w":0,"energy_active_import_register_wh":%s,'
        '"offered_limit_w":0,"soc_percent":%s}'
    )
    at, later = '"2025-01-16T00:00:00Z"', '"2025-02-01T00:00:00Z"'
    return [
        ("empty payload", meter, b""),
        ("no JSON", meter, b"charging please"),
        ("cut JSON", price, prices.encode()),
        ("JSON of another kind", meter, b'["meter", 1, null]'),
        ("a bare number", goal, b"7"),
        ("null", lease, b"null"),
        ("not UTF-8", meter, b"\xff\xfe\x00{\x80}"),
        ("zero bytes", price, b"\x00" * 64),
        ("NaN as a price", price, (prices + "[" + slot % (later, "NaN") + "]}").encode()),
        ("no slots field", price, (head % "price/1" + '"seq":3}').encode()),
        ("slots of a wrong type", price, (prices + '"cheap"}').encode()),
        ("a slot without a time", price, (prices + "[" + slot % ("null", "0.1") + "]}").encode()),
        ("NaN as state of charge", meter, (reading % (at, "0", "NaN")).encode()),
        ("infinite energy", meter, (reading % (at, "Infinity", "20")).encode()),
        ("text as state of charge", meter, (reading % (at, "0", '"full"')).encode()),
        ("no instant", meter, (reading % ('"yesterday"', "0", "20")).encode()),
        ("a mode nobody knows", goal, (head % "goal/1" + '"seq":4,"mode":"fast"}').encode()),
        ("a lease of a wrong type", lease, (head % "lease-state/1" + '"epoch":"x"}').encode()),
        ("a limit result of nothing", topics.LIMIT_RESULT.topic(site_id, **station), b"{}"),
        ("an unknown station", topics.METER.topic(site_id, station="ghost"), b'{"at":1}'),
        ("an event of nothing", topics.STATION_EVENT.topic(site_id, **station), b"{}"),
        ("deeply nested", price, b"[" * 20_000 + b"]" * 20_000),
        ("1 MB", meter, b"x" * 1_000_000),
        ("1 MB of JSON", price, b'{"slots":"' + b"9" * 1_000_000 + b'"}'),
    ]  # fmt: skip


def _garbage(stage: Stage, findings: Findings) -> None:
    child, since = stage.children[stage.subject], stage.recording.mark()
    killed_by = disturbed_by = None
    for name, topic, payload in garbage(stage.site_id):
        stage.bus.say(topic, payload)
        stage.until(lambda: not child.is_running, DIGEST_S)
        if not child.is_running:
            killed_by = killed_by or f"{name} on {topic}"
            break
        if not stage.is_charging(CAR):
            disturbed_by = disturbed_by or f"{name} on {topic}"
    stage.site.stations[CAR].is_plugged_in = False
    reacts = stage.reaches(lambda: stage.is_told_to_pause(CAR))
    if killed_by is not None:
        seen = f"it ended after: {killed_by}"
    elif disturbed_by is not None:
        seen = f"its decision changed after: {disturbed_by}"
    else:
        seen = f"{len(stage.recording.limits(since))} limits meanwhile"
    findings.judge(
        "garbage",
        killed_by is None and disturbed_by is None and reacts,
        expected="unchanged limits meanwhile, and limit 0 when the car leaves after it",
        seen=f"{seen}; {stage.told(CAR)}",
    )


def _late_readings(stage: Stage, findings: Findings) -> None:
    """Say again what was said when the car was away: twice, then as a bridge that has restarted."""
    car, react_s = stage.site.stations[CAR], stage.settings.react_s
    car.is_plugged_in = False
    stage.require(lambda: stage.is_told_to_pause(CAR), react_s, "it did not pause without a car")
    mark = len(stage.spooled)
    stage.set_clock(stage.site.at)
    old = stage.spooled[mark:]
    car.is_plugged_in = True
    for when in ("of this run of the bridge", "of the bridge's last run"):
        stage.require(lambda: _is_at_work(stage), react_s, "it did not charge again")
        stage.late = old
        findings.judge(
            "late-readings",
            stage.stays(lambda: stage.is_charging(CAR), LATE_S),
            expected=f"charging; that the car is away is said by old readings only, {when}",
            seen=stage.told(CAR),
        )
        stage.late = []
        stage.restart_bridge()
    stage.require(lambda: _is_at_work(stage), react_s, "it did not charge again")
    car.is_plugged_in = False
    findings.judge(
        "late-readings",
        stage.reaches(lambda: stage.is_told_to_pause(CAR)),
        expected="limit 0 as soon as new readings of the restarted bridge say that the car is away",
        seen=stage.told(CAR),
    )


def _is_at_work(stage: Stage) -> bool:
    return stage.lease.is_held_by(stage.subject, time.monotonic()) and stage.is_charging(CAR)


SCENE = Scene(
    "noise",
    ("clock-back", "unknown-fields", "garbage", "late-readings"),
    lambda: scenery.site({CAR: scenery.switched()}),
    play,
)
