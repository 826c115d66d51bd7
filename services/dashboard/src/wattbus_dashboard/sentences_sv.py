"""The sentences of scheduler and bridge in Swedish; what is not known here stays as it is."""

import re
from functools import lru_cache

_PRICE = r"(-?[\d.]+ \S+)"
_WHEN = r"((?:\w{3} )?[\d:]+ to [\d:]+)"
_AT = r"((?:\w{3} )?[\d:]+)"
_SPAN = r"(\d+ (?:h|min)(?: \d+ min)?)"
_POWER = r"(-?[\d.]+ kW)"

_SENTENCES = (
    (r"charging: mode now asks for it at once", "laddar: läget Nu ber om det genast"),
    (
        r"charging: the departure has passed and the car is here",
        "laddar: avfärden har passerat och bilen är kvar",
    ),
    (
        r"charging: at once up to the minimum of (\S+) %",
        "laddar: genast upp till minsta nivån {0} %",
    ),
    (r"charging: at once, as the strategy now says", "laddar: genast, som strategin now säger"),
    (
        r"charging: no price is known, and the time is needed",
        "laddar: inget pris är känt, och tiden behövs",
    ),
    (rf"charging: {_PRICE} is among the cheapest", "laddar: {0} hör till det billigaste"),
    (
        rf"charging: {_PRICE} is among the cheapest {_SPAN}",
        "laddar: {0} hör till de billigaste {1}",
    ),
    (
        rf"charging: on at {_PRICE} without a break, {_WHEN} costs {_PRICE} in all",
        "laddar: vidare för {0} utan avbrott, {1} kostar {2} i snitt",
    ),
    (
        rf"charging: {_PRICE}, as the cheaper times are shared with other cars",
        "laddar: {0}, eftersom de billigare tiderna delas med andra bilar",
    ),
    (
        rf"charging: from the roof, selling it would bring {_PRICE}",
        "laddar: från taket, att sälja det skulle ge {0}",
    ),
    (
        rf"charging: (\d+) % from the roof, so that it costs {_PRICE}",
        "laddar: {0} % från taket, så att det kostar {1}",
    ),
    (
        rf"charging: {_PRICE}, weighed with more than the price",
        "laddar: {0}, vägt mot mer än priset",
    ),
    (
        rf"charging: {_PRICE}, so that there are fewer starts",
        "laddar: {0}, för att få färre starter",
    ),
    (
        r"charging: on until the target of (\S+) % is reached",
        "laddar: vidare tills målet {0} % är nått",
    ),
    (
        rf"charging: house load {_POWER} is among the lowest {_SPAN}",
        "laddar: husets last {0} hör till de lägsta {1}",
    ),
    (rf"charging: {_PRICE} is below {_PRICE}", "laddar: {0} är under {1}"),
    (
        rf"charging: {_PRICE} is in the cheapest (\d+)% of the day",
        "laddar: {0} hör till dygnets billigaste {1} %",
    ),
    (rf"waiting: {_WHEN} is {_PRICE} cheaper", "väntar: {0} är {1} billigare"),
    (
        rf"waiting: {_WHEN} costs the same, with fewer starts",
        "väntar: {0} kostar lika mycket, med färre starter",
    ),
    (
        rf"waiting: {_WHEN} fits better with the other cars and needs fewer starts",
        "väntar: {0} passar bättre med de andra bilarna och ger färre starter",
    ),
    (rf"waiting: {_WHEN} needs fewer starts", "väntar: {0} ger färre starter"),
    (
        rf"waiting: {_WHEN} is better, weighed with more than the price",
        "väntar: {0} är bättre, vägt mot mer än priset",
    ),
    (r"waiting: nothing more is planned", "väntar: inget mer är planerat"),
    (r"waiting: nothing is planned for this time", "väntar: inget är planerat för den här tiden"),
    (r"waiting: no price is known here", "väntar: inget pris är känt här"),
    (
        rf"waiting: no price is known here; charging is planned (?:from )?{_WHEN}",
        "väntar: inget pris är känt här; laddning är planerad {0}",
    ),
    (
        rf"waiting: the house uses {_POWER} less from {_WHEN}",
        "väntar: huset drar {0} mindre {1}",
    ),
    (
        rf"waiting: {_PRICE} is above {_PRICE}, the cheapest (\d+)% of the day",
        "väntar: {0} är över {1}, gränsen för dygnets billigaste {2} %",
    ),
    (rf"waiting: {_PRICE} is not below {_PRICE}", "väntar: {0} är inte under {1}"),
    (
        rf"waiting: other cars take {_POWER} beside the house's {_POWER}",
        "väntar: andra bilar tar {0} utöver husets {1}",
    ),
    (r"waiting: no car is plugged in", "väntar: ingen bil är inkopplad"),
    (rf"waiting: the car comes at {_AT}", "väntar: bilen kommer {0}"),
    (rf"away: the car leaves at {_AT}", "borta: bilen åker {0}"),
    (r"off: mode off forbids charging", "av: läget Av förbjuder laddning"),
    (r"done: target (\S+) % reached", "klart: målet {0} % är nått"),
    (
        (
            rf"paused: house load {_POWER} leaves {_POWER} under the {_POWER} fuse, "
            rf"the charger needs {_POWER}"
        ),
        "pausad: husets last {0} lämnar {1} under säkringens {2}, laddaren behöver {3}",
    ),
    (
        rf"paused: {_PRICE} is above the cap of {_PRICE}",
        "pausad: {0} är över pristaket {1}",
    ),
    (r"somebody has switched charging off", "någon har stängt av laddningen"),
    (
        r"the car has what it was to be charged to",
        "bilen har vad den skulle laddas till",
    ),
    (r"somebody wants the car charged at once", "någon vill ha bilen laddad genast"),
    (r"no scheduler commands", "ingen planerare styr"),
    (r"as the scheduler wishes", "som planeraren vill"),
    (r"nothing is known of the station yet", "inget är känt om stationen än"),
    (
        r"the main fuse leaves less than the station should have",
        "huvudsäkringen lämnar mindre än stationen borde få",
    ),
)
_TAILS = (
    (rf" before {_AT}", " före {0}"),
    (r"; at once would cost the same", "; genast skulle kosta lika mycket"),
    (r"; at once would cost (\S+ \S+) more", "; genast skulle kosta {0} mer"),
    (r"([:,]) other cars", "{0} andra bilar"),
    (r"([:,]) emissions", "{0} utsläpp"),
    (r"([:,]) the month's peak", "{0} månadens effekttopp"),
    (r"([:,]) the battery's wear", "{0} batteriets slitage"),
    (r", but somebody allows at most (\S+) A", ", men någon tillåter högst {0} A"),
)
_DAYS = dict(
    zip(
        ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun"),
        ("mån", "tis", "ons", "tor", "fre", "lör", "sön"),
        strict=True,
    )
)


@lru_cache(maxsize=1024)
def in_swedish(sentence: str) -> str | None:
    """Return a sentence in Swedish, None where it is not known."""
    rest, tail = sentence, ""
    while (whole := _translated(rest)) is None:
        cut = _without_tail(rest)
        if cut is None:
            return None
        rest, tail = cut[0], cut[1] + tail
    return whole + tail


def _translated(sentence: str) -> str | None:
    for pattern, template in _SENTENCES:
        match = re.fullmatch(pattern, sentence)
        if match is not None:
            return template.format(*map(_localised, match.groups()))
    return None


def _without_tail(sentence: str) -> tuple[str, str] | None:
    """Return what stands before the last addition, and that addition in Swedish."""
    for pattern, template in _TAILS:
        match = re.search(f"{pattern}$", sentence)
        if match is not None:
            return sentence[: match.start()], template.format(*map(_localised, match.groups()))
    return None


def _localised(part: str) -> str:
    """Return a figure with a decimal comma, a span with `till`, a day by its Swedish name."""
    text = re.sub(r"(?<=\d)\.(?=\d)", ",", part).replace(" to ", " till ")
    return re.sub(r"^(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun)\b", lambda day: _DAYS[day[0]], text)
