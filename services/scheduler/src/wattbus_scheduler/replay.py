"""Decides a recorded day again: the same messages must give the same decisions."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TextIO

from wattbus_contract import control
from wattbus_contract.codec import Decoded
from wattbus_contract.requests import StrategyWish
from wattbus_scheduler.controller import LimitDecided, PlanMade, no_other
from wattbus_scheduler.recording import (
    BadRecording,
    Incarnation,
    RecordedLimit,
    Recording,
    read_recording,
)
from wattbus_scheduler.settings import SchedulerSettings
from wattbus_scheduler.shell import controller_of
from wattbus_scheduler.strategies import STRATEGIES, strategy_named
from wattbus_scheduler.wire import plan_message
from wattbus_scheduler.wording import power_text

__all__ = ["BadRecording", "decide_again", "differences", "replay"]

MOST_SHOWN = 10


def replay(path: Path, strategy: str | None, settings: SchedulerSettings, out: TextIO) -> int:
    """Print how many decisions are the same, or with `strategy` what that one decides.

    Returns 0 if all are the same, 1 if not. Raises BadRecording if nobody decided anything.
    """
    recording = read_recording(path)
    if not recording.incarnations:
        raise BadRecording(f"{path}: no scheduler has published a plan in it")
    if recording.unreadable:
        out.write(f"{recording.unreadable} lines could not be read and were left out\n")
    is_same = True
    for incarnation in recording.incarnations:
        name = f"{incarnation.client_id} ({incarnation.boot_id})"
        if strategy is not None:
            out.write(f"{name} with strategy {strategy}:\n")
            out.writelines(_course(decide_again(recording, incarnation, strategy, settings)))
            continue
        again = decide_again(recording, incarnation, None, settings)
        equal, different = differences(recording, incarnation, again)
        is_same = is_same and not different
        out.write(f"{name}: {equal} decisions equal, {len(different)} different\n")
        out.writelines(f"  {line}\n" for line in different[:MOST_SHOWN])
    return 0 if is_same else 1


def decide_again(
    recording: Recording,
    incarnation: Incarnation,
    strategy: str | None,
    settings: SchedulerSettings,
) -> list[PlanMade | LimitDecided]:
    """Return what a fresh controller decides on the messages that the process had.

    Without a `strategy` it is that of the process, or what people asked for meanwhile.
    What was retained when it announced itself (or, if that was not recorded, before its first
    decision) is fed as the snapshot, everything later as live.
    """
    cause = incarnation.first_cause
    first = recording.index_of(cause) if cause is not None else None
    if first is None:
        raise BadRecording(f"{incarnation.client_id}: what led to its first plan was not recorded")
    if incarnation.announced_index is not None:
        first = min(first, incarnation.announced_index)
    own = strategy or own_strategy(recording, incarnation)
    strategy_named(own)
    controller = controller_of(settings.model_copy(update={"strategy": own}))
    if strategy is not None:
        controller.planner_named = no_other
    for message in _retained(recording.messages[:first]):
        controller.handle(message)
    controller.complete_snapshot()
    decided: list[PlanMade | LimitDecided] = []
    for message in recording.messages[first : incarnation.last_index + 1]:
        decided.extend(controller.handle(message))
    return decided


def differences(
    recording: Recording, incarnation: Incarnation, again: list[PlanMade | LimitDecided]
) -> tuple[int, list[str]]:
    """Return how many recorded decisions came out the same, and a line for each that did not."""
    equal, different = 0, []
    plans = [
        plan_message(made, incarnation.client_id) for made in again if isinstance(made, PlanMade)
    ]
    for number in range(max(len(plans), len(incarnation.plans))):
        then, now = _nth(incarnation.plans, number), _nth(plans, number)
        if then is not None and now is not None and _as_sent(then) == _as_sent(now):
            equal += 1
        elif then is not None or now is None or _must_have_decided(recording, incarnation, now):
            different.append(f"plan {number + 1}: then {_plan_text(then)}, now {_plan_text(now)}")
    limits = {_recorded(made): None for made in again if isinstance(made, LimitDecided)}
    for limit in incarnation.limits:
        if limit in limits:
            equal += 1
        else:
            different.append(f"then but not now: {_limit_text(limit)}")
    different.extend(
        f"now but not then: {_limit_text(limit)}"
        for limit in limits
        if limit not in incarnation.limits and _was_commanding(recording, incarnation, limit)
    )
    return equal, different


def own_strategy(recording: Recording, incarnation: Incarnation) -> str:
    """Return the strategy of a process's settings: the first that people had not asked for.

    If it followed their wishes all the time, it does not matter.
    """
    for plan in incarnation.plans:
        cause = recording.index_of(plan.caused_by) if plan.caused_by is not None else None
        if cause is None or plan.strategy != _wished(recording.messages[: cause + 1]):
            return plan.strategy
    return incarnation.plans[0].strategy


def _wished(messages: Sequence[Decoded]) -> str:
    """Return the strategy that people asked for last, of those that can be asked for."""
    for message in reversed(messages):
        if isinstance(message.body, StrategyWish):
            strategy = message.body.strategy
            if strategy in STRATEGIES or not strategy:
                return strategy
    return ""


def _retained(messages: list[Decoded]) -> Iterator[Decoded]:
    """Yield the newest message of every retained topic."""
    newest = {
        (message.topic.spec.name, tuple(message.topic.ids.values())): message
        for message in messages
        if message.topic.spec.is_retained
    }
    yield from newest.values()


def _was_commanding(recording: Recording, incarnation: Incarnation, limit: RecordedLimit) -> bool:
    """Tell whether a limit had to be sent: the lease was held, and the first limits were out."""
    index = recording.index_of(limit.caused_by)
    if index is None or not incarnation.limits:
        return False
    first_sent = min(incarnation.limits.values())
    return incarnation.has_handled(recording, index) and any(
        max(start, first_sent) < index < (end if end >= 0 else incarnation.last_index)
        for start, end in incarnation.held
    )


def _must_have_decided(recording: Recording, incarnation: Incarnation, plan: control.Plan) -> bool:
    index = recording.index_of(plan.caused_by) if plan.caused_by is not None else None
    return index is None or incarnation.has_planned(recording, index)


def _as_sent(plan: control.Plan) -> str:
    return plan.model_dump_json(exclude_none=True, exclude={"strategies"})


def _recorded(made: LimitDecided) -> RecordedLimit:
    return RecordedLimit(
        made.station_id,
        round(made.limit_w, 3),
        made.reason.code.value,
        made.reason.text,
        made.decided_at,
        made.caused_by,
    )


def _nth(plans: list[control.Plan], number: int) -> control.Plan | None:
    return plans[number] if number < len(plans) else None


def _plan_text(plan: control.Plan | None) -> str:
    if plan is None:
        return "none"
    return f"at {plan.planned_at:%Y-%m-%d %H:%M:%S}Z for {plan.expected_cost:.4f}"


def _limit_text(limit: RecordedLimit) -> str:
    at = f"{limit.decided_at:%Y-%m-%d %H:%M:%S}Z"
    return f"{at} {limit.station} {power_text(limit.limit_w)} ({limit.text})"


def _course(decided: list[PlanMade | LimitDecided]) -> Iterator[str]:
    for made in decided:
        if isinstance(made, LimitDecided):
            yield f"  {_limit_text(_recorded(made))}\n"
