"""Rules of every limit, the sum of verdicts, and what people and machines are shown."""

import json
from typing import Any

import pytest

from wattbus_conformance import scenery
from wattbus_conformance.findings import Findings, Outcome, is_conforming, merge
from wattbus_conformance.main import main
from wattbus_conformance.points import BY_ID, POINTS, Level
from wattbus_conformance.recording import Heard, Recording, hear
from wattbus_conformance.report import json_report, text_report
from wattbus_conformance.rules import POINTS as RULES
from wattbus_conformance.rules import judge_limits
from wattbus_conformance.runner import scenes_for
from wattbus_conformance.scenes import SCENES

STATIONS = {"car1": scenery.switched(), "car2": scenery.with_current()}


def limit(
    *, station: str = "car1", seq: int = 1, is_retained: bool = False,
    expires_in_s: float | None = 60, **changes: Any,
) -> Heard:  # fmt: skip
    body = {
        "schema": "limit/1", "sent_at": "2025-01-15T12:00:00Z", "source": "a", "boot_id": "b",
        "seq": seq, "epoch": 8, "instance": "a", "valid_for_s": 60, "limit_w": 7400.0,
        "reason": {"code": "cheap", "text": "cheap"},
    } | changes  # fmt: skip
    return hear(
        f"wattbus/v1/home/station/{station}/limit/set", json.dumps(body).encode(),
        is_retained=is_retained, qos=1, expires_in_s=expires_in_s, at_s=0.0,
    )  # fmt: skip


def judged(*heard: Heard) -> dict[str, Outcome]:
    findings = Findings("test")
    judge_limits(Recording(list(heard)), STATIONS, {"a"}, [], findings)
    return {name: finding.outcome for name, finding in findings.found.items()}


def failing(*heard: Heard) -> set[str]:
    return {name for name, outcome in judged(*heard).items() if outcome is Outcome.FAILS}


def test_right_limits_break_no_rule() -> None:
    heard = [limit(seq=1), limit(seq=2, limit_w=0), limit(seq=3, station="car2", limit_w=2000)]

    outcomes = judged(*heard)

    assert outcomes == dict.fromkeys(RULES, Outcome.HOLDS)


def test_rules_stay_untried_where_no_limit_was_heard() -> None:
    assert judged() == dict.fromkeys(RULES, Outcome.UNTRIED)


@pytest.mark.parametrize(
    ("heard", "point"),
    [
        ([limit(valid_for_s="long")], "limit-valid"),
        ([limit(limit_w=None)], "limit-valid"),
        ([limit(instance="somebody")], "limit-epoch"),
        ([limit(seq=4), limit(seq=3, limit_w=0)], "limit-sequence"),
        ([limit(is_retained=True)], "limit-not-retained"),
        ([limit(reason={"code": "cheap", "text": " "})], "limit-reason"),
        ([limit(reason=None)], "limit-reason"),
        ([limit(reason={"code": "Not A Code", "text": "x"})], "limit-reason"),
        ([limit(expires_in_s=None)], "limit-expiry"),
        ([limit(expires_in_s=600)], "limit-expiry"),
        ([limit(limit_w=3700)], "station-switch"),
        ([limit(station="car2", limit_w=1000)], "station-current"),
        ([limit(station="car2", limit_w=None, limit_a=5)], "station-current"),
    ],
)
def test_wrong_limit_breaks_exactly_its_rule(heard: list[Heard], point: str) -> None:
    assert failing(*heard) == {point}


def test_redelivery_of_the_same_message_is_no_old_sequence() -> None:
    assert failing(limit(seq=4), limit(seq=4)) == set()


def a_verdict(point: str, outcome: str, scene: str = "one") -> Findings:
    findings = Findings(scene)
    if outcome == "untried":
        findings.leave_untried((point,), "why not")
    else:
        findings.judge(point, outcome == "holds", expected="this", seen="that")
    return findings


def test_one_failure_beats_all_and_what_held_once_was_tried() -> None:
    scenes = [a_verdict("limit-epoch", o) for o in ("untried", "holds", "fails", "holds")]

    assert [f.outcome for f in merge(scenes)] == [Outcome.FAILS]
    assert [f.outcome for f in merge(scenes[:2])] == [Outcome.HOLDS]


def test_first_failure_of_a_point_stays() -> None:
    findings = a_verdict("mode-off", "fails")

    findings.judge("mode-off", True, expected="this", seen="later")

    assert findings.found["mode-off"].outcome is Outcome.FAILS


@pytest.mark.parametrize(
    ("point", "outcome", "conforms", "conforms_strictly"),
    [
        ("mode-off", "holds", True, True),
        ("mode-off", "fails", False, False),
        ("mode-off", "untried", False, False),
        ("price-change", "fails", True, False),
    ],
)
def test_must_points_decide_and_should_points_only_when_strict(
    point: str, outcome: str, conforms: bool, conforms_strictly: bool
) -> None:
    findings = merge([a_verdict(point, outcome)])

    assert is_conforming(findings) is conforms
    assert is_conforming(findings, is_strict=True) is conforms_strictly


def test_nothing_tried_is_not_conforming() -> None:
    assert not is_conforming([])


def test_every_point_is_settled_by_a_scene_or_a_rule() -> None:
    settled = [point for scene in SCENES for point in scene.points] + list(RULES)

    assert sorted(settled) == sorted(BY_ID)
    assert len(POINTS) == len(BY_ID)


def test_only_the_scenes_that_settle_a_point_are_played() -> None:
    assert [scene.name for scene in scenes_for(["mode-off"])] == ["wishes"]
    assert [scene.name for scene in scenes_for(["limit-reason"])] == ["quiet"]


def test_report_shows_what_was_expected_and_seen_where_a_point_fails() -> None:
    findings = merge([a_verdict("mode-off", "fails"), a_verdict("mode-now", "holds")])

    text = text_report(findings, 3.0)

    assert "FAIL  mode-off" in text
    assert "expected: this" in text
    assert "seen:     that [scene one]" in text
    assert text.endswith("does not conform: 1 of 2 MUST points hold (3 s)")


def test_json_report_says_the_same_to_machines() -> None:
    document = json.loads(
        json_report(merge([a_verdict("mode-off", "fails")]), 3.0, is_strict=False)
    )

    assert document["conforms"] is False
    assert document["points"][0]["outcome"] == "fails"
    assert document["points"][0]["level"] == Level.MUST


def test_excerpt_leaves_the_envelope_out_and_survives_garbage() -> None:
    assert "schema" not in limit().excerpt
    assert '"limit_w": 7400.0' in limit().excerpt
    for payload in (b"\xff\x00", b"[" * 100_000, b""):
        heard = hear("x", payload, is_retained=True, qos=1, expires_in_s=None, at_s=0)
        assert len(heard.excerpt) < 400


def test_list_names_every_point(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--list"]) == 0

    assert [line.split()[0] for line in capsys.readouterr().out.splitlines()] == list(BY_ID)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        ([], "--command or --image"),
        (["--command", "x", "--only", "nonsense"], "nonsense"),
        (["--command", "x", "--broker-host", "h"], "--secrets"),
        (["--command", "x", "--env", "novalue"], "novalue"),
        (["--command", "x", "--patience", "0"], "--patience"),
    ],
)
def test_wrong_arguments_end_with_one_line_that_names_them(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(arguments)

    assert ended.value.code == 2
    assert named in capsys.readouterr().err
