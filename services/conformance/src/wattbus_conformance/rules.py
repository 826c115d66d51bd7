"""What must hold of every limit in every scene, judged from the recording alone."""

from collections.abc import Mapping

from wattbus_conformance.findings import Findings
from wattbus_conformance.recording import Heard, HeardLimit, Recording
from wattbus_conformance.station import EPSILON_W
from wattbus_contract import topics
from wattbus_contract.facts import Control, StationInfo

POINTS = (
    "limit-valid", "limit-epoch", "limit-sequence", "limit-not-retained", "limit-reason",
    "limit-expiry", "station-switch", "station-current",
)  # fmt: skip

EXPECTED = {
    "limit-valid": "limit/1 as the contract has it",
    "limit-epoch": "the epoch of lease/state, and the instance's own client id",
    "limit-sequence": "a seq in the envelope that rises with every message of a boot_id",
    "limit-not-retained": "no retain flag on limit/set",
    "limit-reason": "reason with a code of a-z 0-9 - and a text",
    "limit-expiry": "a message expiry (MQTT 5) of at most valid_for_s",
    "station-switch": "limit 0, or at least the station's max_power_w",
    "station-current": "limit 0, or from min_current_a up",
}


def judge_limits(
    recording: Recording,
    stations: Mapping[str, StationInfo],
    instances: set[str],
    misled: list[HeardLimit],
    findings: Findings,
) -> None:
    """Judge every rule; what no limit was heard for stays untried.

    `misled` are limits of the lease's holder that were refused for their epoch.
    """
    heard = recording.of(topics.SET_LIMIT)
    if not heard:
        findings.leave_untried(POINTS, "no limit was heard")
        return
    limits = recording.limits()
    broken: dict[str, list[Heard]] = {
        "limit-valid": [h for h in heard if h.problem is not None and not _lacks_reason(h)],
        "limit-reason": [h for h in heard if _lacks_reason(h)]
        + [x.heard for x in limits if not x.limit.reason.text.strip()],
        "limit-not-retained": [h for h in heard if h.is_retained],
        "limit-epoch": [x.heard for x in misled]
        + [x.heard for x in limits if x.limit.instance not in instances],
        "limit-sequence": _out_of_sequence(limits),
        "limit-expiry": [x.heard for x in limits if not _expires_in_time(x)],
    }
    for control, point in (
        (Control.SWITCH, "station-switch"),
        (Control.CURRENT, "station-current"),
    ):
        of_kind = [x for x in limits if _has_control(stations.get(x.station), control)]
        if of_kind:
            broken[point] = [x.heard for x in of_kind if not _is_possible(stations[x.station], x)]
    for point, wrong in broken.items():
        seen = (
            f"{len(wrong)} of {len(heard)} not so, the first: {_shown(wrong[0])}" if wrong else ""
        )
        findings.judge(
            point, not wrong, expected=EXPECTED[point], seen=seen or f"all {len(heard)} so"
        )
    findings.leave_untried(POINTS, "no limit for such a station was heard")


def _shown(heard: Heard) -> str:
    problem = f" ({heard.problem.field}: {heard.problem.reason})" if heard.problem else ""
    return heard.excerpt + problem


def _lacks_reason(heard: Heard) -> bool:
    return heard.problem is not None and heard.problem.field.startswith("reason")


def _out_of_sequence(limits: list[HeardLimit]) -> list[Heard]:
    newest: dict[str, HeardLimit] = {}
    wrong = []
    for limit in limits:
        last = newest.get(limit.boot_id)
        # The very same message once more is a redelivery of MQTT, no new command.
        is_repeated = last is not None and last.heard.payload == limit.heard.payload
        if last is not None and limit.seq <= last.seq and not is_repeated:
            wrong.append(limit.heard)
        newest[limit.boot_id] = limit
    return wrong


def _expires_in_time(limit: HeardLimit) -> bool:
    expires_in_s = limit.heard.expires_in_s
    return expires_in_s is not None and expires_in_s <= limit.limit.valid_for_s + 1


def _has_control(info: StationInfo | None, control: Control) -> bool:
    return info is not None and info.control is control


def _is_possible(info: StationInfo, heard: HeardLimit) -> bool:
    per_ampere_w = info.voltage_v * len(info.phases)
    limit_a, limit_w = heard.limit.limit_a, heard.limit.limit_w
    asked_w = limit_w if limit_w is not None else (limit_a or 0.0) * per_ampere_w
    if asked_w == 0:
        return True
    if info.control is Control.SWITCH:
        return asked_w >= info.max_power_w - EPSILON_W
    return asked_w >= info.min_current_a * per_ampere_w - EPSILON_W
