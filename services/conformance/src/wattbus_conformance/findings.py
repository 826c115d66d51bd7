"""Verdicts: what held, what did not, what was expected and what was seen instead."""

from dataclasses import dataclass, field
from enum import StrEnum

from wattbus_conformance.points import BY_ID, POINTS, Level, Point


class Outcome(StrEnum):
    """How a point came out; `untried` where an earlier failure, or the set-up, stood in the way."""

    HOLDS = "holds"
    FAILS = "fails"
    UNTRIED = "untried"


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict on one point, from one scene."""

    point: Point
    outcome: Outcome
    expected: str
    seen: str
    scene: str


@dataclass(slots=True)
class Findings:
    """Collects one scene's verdicts; the first failure of a point stays."""

    scene: str
    found: dict[str, Finding] = field(default_factory=dict)

    def judge(self, point_id: str, holds: bool, *, expected: str, seen: str) -> bool:
        """Note whether a point holds, and return it."""
        earlier = self.found.get(point_id)
        if earlier is None or earlier.outcome is Outcome.HOLDS:
            outcome = Outcome.HOLDS if holds else Outcome.FAILS
            self.found[point_id] = Finding(BY_ID[point_id], outcome, expected, seen, self.scene)
        return holds

    def leave_untried(self, point_ids: tuple[str, ...], why: str) -> None:
        """Note points that were not judged, and why."""
        for point_id in point_ids:
            if point_id not in self.found:
                self.found[point_id] = Finding(
                    BY_ID[point_id], Outcome.UNTRIED, "to be tried", why, self.scene
                )


def merge(all_findings: list[Findings]) -> list[Finding]:
    """Return one verdict a point, in the catalogue's order: one failure beats all."""
    rank = {Outcome.FAILS: 0, Outcome.HOLDS: 1, Outcome.UNTRIED: 2}
    merged = []
    for point in POINTS:
        found = [f.found[point.id] for f in all_findings if point.id in f.found]
        if found:
            merged.append(min(found, key=lambda finding: rank[finding.outcome]))
    return merged


def is_conforming(findings: list[Finding], *, is_strict: bool = False) -> bool:
    """Tell whether every MUST point holds (with `is_strict`, every SHOULD point too)."""
    counted = [f for f in findings if is_strict or f.point.level is Level.MUST]
    return bool(findings) and all(finding.outcome is Outcome.HOLDS for finding in counted)
