"""Shows verdicts: a table for people, JSON for machines."""

import json
import textwrap

from wattbus_conformance.findings import Finding, Outcome, is_conforming
from wattbus_conformance.points import POINTS, Level

WIDTH = 100
SIGNS = {Outcome.HOLDS: "ok  ", Outcome.FAILS: "FAIL", Outcome.UNTRIED: "--  "}


def catalogue_text() -> str:
    """Return all points with level and sentence."""
    width = max(len(point.id) for point in POINTS)
    return "\n".join(f"{p.id:<{width}}  {p.level.value:<6}  {p.sentence}" for p in POINTS)


def text_report(findings: list[Finding], duration_s: float) -> str:
    """Return the verdicts point by point, with what was expected and seen where one fails."""
    width = max((len(finding.point.id) for finding in findings), default=0)
    lines: list[str] = []
    for finding in findings:
        point = finding.point
        sign = SIGNS[finding.outcome]
        lines.append(f"{sign}  {point.id:<{width}}  {point.level.value:<6}  {point.sentence}")
        if finding.outcome is Outcome.FAILS:
            lines += _indented("expected: " + finding.expected)
            lines += _indented(f"seen:     {finding.seen} [scene {finding.scene}]")
        elif finding.outcome is Outcome.UNTRIED:
            lines += _indented(f"not tried: {finding.seen} [scene {finding.scene}]")
    return "\n".join([*lines, "", _summary(findings, duration_s)])


def json_report(findings: list[Finding], duration_s: float, *, is_strict: bool) -> str:
    """Return the verdicts as one JSON document."""
    document = {
        "conforms": is_conforming(findings, is_strict=is_strict),
        "duration_s": round(duration_s, 1),
        "points": [
            {
                "id": finding.point.id,
                "level": finding.point.level.value,
                "sentence": finding.point.sentence,
                "outcome": finding.outcome.value,
                "expected": finding.expected,
                "seen": finding.seen,
                "scene": finding.scene,
            }
            for finding in findings
        ],
    }
    return json.dumps(document, indent=2, ensure_ascii=False)


def _summary(findings: list[Finding], duration_s: float) -> str:
    parts = []
    for level in Level:
        of_level = [f for f in findings if f.point.level is level]
        held = sum(f.outcome is Outcome.HOLDS for f in of_level)
        if of_level:
            parts.append(f"{held} of {len(of_level)} {level.value} points hold")
    verdict = "conforms" if is_conforming(findings) else "does not conform"
    return f"{verdict}: {', '.join(parts)} ({duration_s:.0f} s)"


def _indented(text: str) -> list[str]:
    shown = text if len(text) < 900 else text[:900] + "…"
    return textwrap.wrap(
        shown, WIDTH, initial_indent=" " * 6, subsequent_indent=" " * 16, break_on_hyphens=False
    )
