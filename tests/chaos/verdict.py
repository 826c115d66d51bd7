"""What a run has come to: its figures, and which promises it broke."""

import json
from dataclasses import dataclass, field

Figure = float | int | str | bool | None


@dataclass(slots=True)
class Verdict:
    """Figures by name, and for each broken promise a sentence with what was found."""

    figures: dict[str, Figure] = field(default_factory=dict)
    broken: dict[str, str] = field(default_factory=dict)

    def expect(self, promise: str, holds: bool, found: str) -> None:
        """Note whether a promise was kept; the first word about a broken one stays."""
        if not holds:
            self.broken.setdefault(promise, found)

    def at_most(self, promise: str, name: str, value: float, limit: float) -> None:
        """Note a figure that must not be above a limit."""
        value = round(value, 3)
        self.figures[name] = value
        self.expect(promise, value <= limit, f"{name} is {value:g}, promised are at most {limit:g}")

    def take(self, other: "Verdict") -> None:
        """Take over the figures and broken promises of a part."""
        self.figures |= other.figures
        for promise, found in other.broken.items():
            self.broken.setdefault(promise, found)


def as_line(run: str, seed: int, verdict: Verdict, **more: object) -> str:
    """Return a run as one line of JSON."""
    document = {"run": run, "seed": seed, **more, "broken": verdict.broken, **verdict.figures}
    return json.dumps(document, ensure_ascii=False)
