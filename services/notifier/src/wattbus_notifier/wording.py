"""The messages' sentences, in English and Swedish: title and text of each."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from wattbus_contract.money import price_text
from wattbus_notifier.settings import Language

Sentences = tuple[str, str]
WEEKDAYS = {
    "en": ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
    "sv": ("mån", "tis", "ons", "tors", "fre", "lör", "sön"),
}


@dataclass(frozen=True)
class Wording:
    """How things are said at one site; `now` is its clock."""

    language: Language
    zone: ZoneInfo
    currency: str
    now: datetime | None = None

    def shortfall(
        self, station: str, target_soc_percent: float, departure_at: datetime, missing_wh: float
    ) -> Sentences:
        """Say that a car will not have its target."""
        at, missing = self.clock(departure_at), self.number(missing_wh / 1000, 1)
        target = self.number(target_soc_percent, 0)
        if self.language == "sv":
            return (
                f"{station} når inte målet",
                f"Till {at} blir det inte {target} %: {missing} kWh fattas.",
            )
        return (
            f"{station} will not reach its target",
            f"It will not have {target} % by {at}: {missing} kWh are missing.",
        )

    def offline(self, station: str) -> Sentences:
        """Say that a station does not answer."""
        if self.language == "sv":
            return f"{station} svarar inte", "Laddstationen kan varken läsas av eller styras."
        return f"{station} does not answer", "The station can neither be read nor controlled."

    def bridge_down(self, site: str) -> Sentences:
        """Say that nothing is heard of any station."""
        if self.language == "sv":
            return (
                f"{site}: ingen laddstation hörs",
                "station-bridge är inte igång eller inte ansluten.",
            )
        return (
            f"{site}: no station is heard of",
            "station-bridge is not running, or not connected.",
        )

    def failsafe(self, station: str, limit_w: float) -> Sentences:
        """Say that nobody commands a station."""
        limit = self.number(limit_w / 1000, 1)
        if self.language == "sv":
            return (
                f"{station} är i felsäkert läge",
                f"Ingen planerare styr den; den får ta {limit} kW.",
            )
        return (
            f"{station} is in fail-safe mode",
            f"No scheduler commands it; it may draw {limit} kW.",
        )

    def finished(self, station: str, soc_percent: float | None) -> Sentences:
        """Say that a car has its target."""
        soc = None if soc_percent is None else self.number(soc_percent, 0)
        if self.language == "sv":
            text = "Bilen har nått sitt mål." if soc is None else f"Bilen har {soc} %."
            return f"{station} är färdigladdad", text
        text = "The car has its target." if soc is None else f"The car has {soc} %."
        return f"{station} has finished charging", text

    def low_price(self, lowest_per_kwh: float, start_at: datetime, end_at: datetime) -> Sentences:
        """Say that electricity is extraordinarily cheap."""
        price = price_text(lowest_per_kwh, self.currency)
        span = f"{self.clock(start_at)}-{self.clock(end_at)}"
        if self.language == "sv":
            return "Ovanligt billig el", f"{span}: ner till {price.replace('.', ',')}."
        return "Electricity is unusually cheap", f"{span}: down to {price}."

    def trial(self, site: str) -> Sentences:
        """Say that messages arrive."""
        if self.language == "sv":
            return "Wattbus: provmeddelande", f"Meddelanden från {site} kommer fram."
        return "Wattbus: test message", f"Messages from {site} arrive."

    def clock(self, instant: datetime) -> str:
        """Return the local `07:00`, with the weekday in front where it is not within a day."""
        local = instant.astimezone(self.zone)
        is_far = self.now is not None and abs(instant - self.now) >= timedelta(days=1)
        day = f"{WEEKDAYS[self.language][local.weekday()]} " if is_far else ""
        return f"{day}{local:%H:%M}"

    def number(self, value: float, digits: int) -> str:
        """Return a number with the language's decimal sign."""
        text = f"{value:.{digits}f}"
        return text.replace(".", ",") if self.language == "sv" else text
