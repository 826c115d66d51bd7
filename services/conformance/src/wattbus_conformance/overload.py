"""Watches how long the limits in force could exceed the fuse."""

from dataclasses import dataclass

from wattbus_conformance.site import ScriptedSite


@dataclass(slots=True)
class OverloadWatch:
    """The longest stretch in which house and limits together exceeded a fuse, in wall seconds."""

    longest_s: float = 0.0
    worst: str = ""
    _since_s: float | None = None

    def reset(self) -> None:
        """Forget what was seen; an overload that goes on counts from now."""
        self.longest_s, self.worst, self._since_s = 0.0, "", None

    def look(self, site: ScriptedSite, now_s: float) -> None:
        """Note how the site stands."""
        over_w = site.overload_w()
        if over_w == 0:
            self._since_s = None
            return
        if self._since_s is None:
            self._since_s = now_s
        lasted_s = now_s - self._since_s
        if lasted_s >= self.longest_s:
            self.longest_s = lasted_s
            limits = ", ".join(
                f"{name} none" if station.limit_w is None else f"{name} {station.limit_w:.0f} W"
                for name, station in site.stations.items()
            )
            self.worst = (
                f"{over_w:.0f} W too much for {lasted_s:.1f} s: house {site.house_load_w:.0f} W, "
                f"limits {limits}, fuse {site.info.max_power_w:.0f} W"
            )
