"""How a scheduler commands: the lease, the plan, limits and what became of them."""

from enum import StrEnum
from typing import Annotated, Literal

from pydantic import ConfigDict, Field, model_validator

from wattbus_contract.base import (
    MAX_INTEGER,
    Body,
    BootId,
    CurrentA,
    DurationS,
    EnergyWh,
    Id,
    LimitW,
    Many,
    MessageId,
    Percent,
    Reason,
    Seq,
    Text,
    UtcInstant,
)

Epoch = Annotated[
    int, Field(ge=0, le=MAX_INTEGER, description="Rises by one with each grant of the lease.")
]
Cost = Annotated[float, Field(description="In the site's currency.")]


class PlanSlot(Body):
    """What a plan holds for one station in one slot; `expected_cost` in the site's currency."""

    start_at: UtcInstant
    duration_s: DurationS
    limit_w: LimitW
    reason: Reason
    expected_energy_wh: EnergyWh
    expected_cost: Cost


class StationPlan(Body):
    """The plan of one station, from now to the end of what is known."""

    station: Id
    slots: Many[PlanSlot]
    target_soc_percent: Percent
    expected_energy_wh: EnergyWh
    expected_cost: Cost
    shortfall_wh: EnergyWh = 0.0
    target_reached_at: UtcInstant | None = None


class Plan(Body):
    """All stations' plans as one scheduler sees them at `planned_at` (site time).

    `strategies` are those that the scheduler can be asked for with `request/strategy`.
    """

    planned_at: UtcInstant
    strategy: Text
    instance: Id
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    stations: Many[StationPlan]
    expected_cost: Cost
    lower_bound: Annotated[Cost, Field(description="No plan costs less.")] | None = None
    caused_by: MessageId | None = None
    strategies: Many[Id] | None = None


class SetLimit(Body):
    """One limit for one station: a level, to be repeated before `valid_for_s` has passed.

    Exactly one of `limit_w` and `limit_a` (per phase) is given; 0 pauses. Accepted only from the
    holder of the lease, with the current epoch and an envelope `seq` above the last accepted one.
    """

    model_config = ConfigDict(
        json_schema_extra={"oneOf": [{"required": ["limit_w"]}, {"required": ["limit_a"]}]}
    )

    epoch: Epoch
    instance: Id
    valid_for_s: Annotated[float, Field(gt=0, le=3600)]
    reason: Reason
    limit_w: LimitW | None = None
    limit_a: CurrentA | None = None
    strategy: Text | None = None
    decided_at: UtcInstant | None = None
    caused_by: MessageId | None = None

    @model_validator(mode="after")
    def _has_exactly_one_limit(self) -> "SetLimit":
        if (self.limit_w is None) == (self.limit_a is None):
            raise ValueError("exactly one of limit_w and limit_a must be given")
        return self


class LimitOutcome(StrEnum):
    """What became of a limit."""

    APPLIED = "applied"
    REFUSED = "refused"
    FAILED = "failed"


class LimitResult(Body):
    """The bridge's answer to one `SetLimit`; `command` names that message."""

    at: UtcInstant | None = None
    command: MessageId
    epoch: Epoch
    instance: Id
    outcome: LimitOutcome
    reason: Reason
    applied_limit_w: LimitW | None = None


class LeaseAction(StrEnum):
    """What a scheduler may ask of the lease."""

    ACQUIRE = "acquire"
    RENEW = "renew"
    HANDOVER = "handover"
    RELEASE = "release"


class LeaseRequest(Body):
    """A wish about the lease; all but `acquire` need `epoch`, `handover` also `successor`.

    An instance that waits in the shadow repeats its `acquire`, so the holder knows its successors.
    """

    model_config = ConfigDict(
        json_schema_extra={
            "allOf": [
                {
                    "if": {"properties": {"action": {"enum": ["renew", "handover", "release"]}}},
                    "then": {"required": ["epoch"]},
                },
                {
                    "if": {"properties": {"action": {"const": "handover"}}},
                    "then": {"required": ["successor"]},
                },
            ]
        }
    )

    action: LeaseAction
    instance: Id
    nonce: BootId
    epoch: Epoch | None = None
    successor: Id | None = None

    @model_validator(mode="after")
    def _names_what_it_needs(self) -> "LeaseRequest":
        if self.action is not LeaseAction.ACQUIRE and self.epoch is None:
            raise ValueError(f"epoch must be given for {self.action.value}")
        if self.action is LeaseAction.HANDOVER and self.successor is None:
            raise ValueError("successor must be given for handover")
        return self


class LeaseState(Body):
    """Who may command; `nonce` echoes the request that was granted."""

    epoch: Epoch
    ttl_s: DurationS
    bridge_boot_id: BootId
    holder: Id | None = None
    nonce: BootId | None = None


class RequestOutcome(StrEnum):
    """What became of a person's wish."""

    ACCEPTED = "accepted"
    REFUSED = "refused"


class Response(Body):
    """The bridge's answer to a `request/…` message; one that is of the site has no `station`."""

    request: Literal["mode", "goal", "strategy"]
    station: Id | None = None
    outcome: RequestOutcome
    reason: Reason
    request_source: Id | None = None
    request_seq: Seq | None = None
