"""The promises about control: one holder an epoch, no stale limit, none sent twice, the fuse."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import pairwise

from chaos.evidence import Evidence, LimitCall, PowerSample, Sighting
from chaos.house import FUSE_A, POLL_INTERVAL_S
from chaos.verdict import Verdict

LEASE, RESULT, SET_LIMIT = "/lease/state", "/limit/result", "/limit/set"
REACTION_S = 0.35
"""From a poll that shows more load to a station that has gone down: two requests and a tick."""
EPSILON_A = 0.01
Interval = tuple[float, float]


def judge_control(
    evidence: Evidence,
    bridge: str,
    unguarded: Sequence[Interval],
    *,
    slower_s: float = 0.0,
    is_disturbed: bool = False,
) -> Verdict:
    """Judge a whole run. `unguarded` are times in which the bridge could not reach its stations,
    `slower_s` is what the network adds to its reaction; `is_disturbed` means that stations forgot
    limits or answers were lost, so that a limit had to be said again.
    """
    verdict = Verdict()
    leases = evidence.sent(bridge, LEASE)
    judge_leases(leases, verdict)
    judge_results(
        leases, evidence.sent(bridge, RESULT), evidence.received(bridge, SET_LIMIT), verdict
    )
    judge_calls(list(evidence.calls), verdict, is_disturbed=is_disturbed)
    judge_power(sorted(evidence.samples, key=lambda s: s.at_s), unguarded, verdict, slower_s)
    return verdict


def judge_leases(leases: Sequence[Sighting], verdict: Verdict) -> None:
    """At most one holder an epoch, and epochs never fall."""
    holders: defaultdict[int, set[str]] = defaultdict(set)
    for lease in leases:
        holders[lease.body["epoch"]].add(lease.body.get("holder") or "")
    epochs = [lease.body["epoch"] for lease in leases]
    by_boot: dict[str, list[int]] = defaultdict(list)
    for lease in leases:
        by_boot[lease.body["boot_id"]].append(lease.body["epoch"])
    most = max((len(names - {""}) for names in holders.values()), default=0)
    falls = sum(after < before for before, after in pairwise(epochs))
    boots = list(by_boot.values())
    falls += sum(min(after) <= max(before) for before, after in pairwise(boots))
    verdict.figures["epochs"] = len(holders)
    verdict.at_most("one holder an epoch", "holders_of_one_epoch", most, 1)
    verdict.at_most("epochs rise", "epochs_fallen", falls, 0)


def judge_results(
    leases: Sequence[Sighting],
    results: Sequence[Sighting],
    limits: Sequence[Sighting],
    verdict: Verdict,
) -> None:
    """No limit is applied that was not the holder's when it came in; none twice.

    A lease counts from when the bridge announced it: what came in before may still be applied.
    """
    came_in_s: dict[tuple[str, int], float] = {}
    for limit in limits:
        came_in_s.setdefault((limit.body["boot_id"], limit.body["seq"]), limit.at_s)
    stale = unknown = 0
    for result in results:
        if result.body["outcome"] != "applied":
            continue
        command = result.body["command"]
        limit_s = came_in_s.get((command["boot_id"], command["seq"]))
        if limit_s is None:
            unknown += 1
            continue
        lease = _in_force(leases, limit_s)
        rightful = None if lease is None else (lease.body["epoch"], lease.body.get("holder"))
        stale += (result.body["epoch"], result.body["instance"]) != rightful
    outcomes = Counter(result.body["outcome"] for result in results)
    reasons = Counter(
        result.body["reason"]["code"] for result in results if result.body["outcome"] == "refused"
    )
    verdict.figures["limits_applied"] = outcomes["applied"]
    verdict.figures["limits_refused"] = ", ".join(f"{n} {code}" for code, n in reasons.items())
    verdict.at_most("0 stale limits applied", "stale_applied", stale, 0)
    verdict.expect("observers saw all", unknown == 0, f"{unknown} limits came in unseen")
    applied = Counter(
        (r.body["command"]["boot_id"], r.body["command"]["seq"])
        for r in results
        if r.body["outcome"] == "applied"
    )
    again = sum(times - 1 for times in applied.values())
    verdict.at_most("no limit twice", "applied_twice", again, 0)


def judge_calls(calls: Sequence[LimitCall], verdict: Verdict, *, is_disturbed: bool) -> None:
    """No limit reaches a station again through a later process of the bridge, or without need."""
    first_life: dict[tuple[str, int, int], tuple[str, int]] = {}
    before: dict[str, LimitCall] = {}
    across = again = 0
    for call in calls:
        known, before[call.station] = before.get(call.station), call
        if call.command is None:
            continue
        key = (call.station, *call.command)
        is_new = known is None or known.command != call.command
        life = (call.bridge, call.life)
        across += is_new and first_life.setdefault(key, life) != life
        again += (
            known is not None
            and not is_new
            and known.status == 200
            and (known.bridge, known.life) == life
            and known.limit_w == call.limit_w
        )
    verdict.figures["limit_calls"] = len(calls)
    verdict.at_most("no (epoch, seq) twice", "sent_by_two_processes", across, 0)
    verdict.figures["said_again"] = again
    if not is_disturbed:
        verdict.expect(
            "no (epoch, seq) twice", again == 0, f"{again} limits were said to a station again"
        )


def judge_power(
    samples: Sequence[PowerSample],
    unguarded: Sequence[Interval],
    verdict: Verdict,
    slower_s: float = 0.0,
) -> None:
    """Only a load that has just risen leads above the fuse, until a poll has shown it.

    Nobody commands the house, or when a car is plugged in. While the bridge is away, and until it
    has answered what rose meanwhile, nobody guards the fuse.
    """
    reaction_s = POLL_INTERVAL_S + REACTION_S + slower_s
    worst_a = commanded_a = latest_s = 0.0
    risen_s = float("-inf")
    for before, sample in pairwise(samples):
        if _has_risen(before, sample):
            risen_s = sample.at_s
        over_a = max(sample.site_a) - FUSE_A
        if over_a <= EPSILON_A:
            continue
        worst_a = max(worst_a, over_a)
        if _is_within(sample.at_s, unguarded):
            continue
        since_rise_s = sample.at_s - risen_s
        if since_rise_s > reaction_s:
            commanded_a = max(commanded_a, over_a)
        else:
            latest_s = max(latest_s, since_rise_s)
    verdict.figures["power_samples"] = len(samples)
    verdict.figures["highest_a"] = round(max((max(s.site_a) for s in samples), default=0.0), 2)
    verdict.figures["over_fuse_a"] = round(worst_a, 2)
    verdict.figures["reaction_s"] = round(latest_s, 3)
    verdict.at_most("Σ power ≤ fuse", "unanswered_over_fuse_a", commanded_a, 0)


def _has_risen(before: PowerSample, sample: PowerSample) -> bool:
    """Whether the house has risen or a car was plugged in."""
    house_rose = any(
        now > then + EPSILON_A for then, now in zip(before.house_a, sample.house_a, strict=True)
    )
    return house_rose or sample.plugged > before.plugged


def _in_force(leases: Sequence[Sighting], at_s: float) -> Sighting | None:
    """Return the lease that was announced last before an instant."""
    earlier = [lease for lease in leases if lease.at_s <= at_s]
    return earlier[-1] if earlier else None


def _is_within(at_s: float, intervals: Sequence[Interval]) -> bool:
    return any(since_s <= at_s <= until_s for since_s, until_s in intervals)
