"""Almost-valid messages: the contract's own examples, damaged in one to three places.

Everything is drawn from a `random.Random`, so that a seed gives the same messages to a process, and
hypothesis can drive and shrink the same damage with `st.randoms()`.
"""

import json
from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

from wattbus_contract import topics
from wattbus_contract.examples import IDS, example_payload
from wattbus_contract.topics import TopicSpec

Path = tuple[str | int, ...]

INSTANTS = (
    "0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59.999999Z",
    "9999-12-31T23:59:59-12:00", "1970-01-01T00:00:00Z", "2025-01-15T24:00:00Z",
    "2025-02-30T00:00:00Z", "2025-01-15T12:00:60Z", "2025-01-15T12:00:00", "2025-01-15",
    "2025-10-26T02:30:00+02:00", "99999-01-01T00:00:00Z", "yesterday", "",
)  # fmt: skip
NUMBERS = (
    0, -1, 1, -0.0, 5e-324, 1e-300, 1e-9, 1e6, 1e9, -1e9, 1e15, 1e300, 1.7976931348623157e308,
    2**31, 2**53 - 1, 2**53, 2**63, 2**64, -(2**63), 31_622_400.0, 86_400, 100.0, 100.00000001,
)  # fmt: skip
TEXTS = (
    "", " ", "\x00", "\n", "a\r\nb", "\u2028", "\ufeff", "\u202egnp.exe", "é", "e\u0301",
    "\U0001f50c" * 40, "ﬀ", "Ⅷ", "٣", "x" * 33, "x" * 2001, "x" * 100_000, "NaN", "null", "true",
    "1", "../../etc/passwd", "/etc/localtime", "=cmd|'/c calc'!A1", '","', '"', "\\", "%s%n{0}",
    "Europe/Atlantis", "UTC", "+", "#", "$SYS", "wattbus/v1", "car1\n", "CAR1", "-", "car9",
    "scheduler", "scheduler-b", "station-bridge",
)  # fmt: skip
OTHERS: tuple[Any, ...] = (None, True, False, [], {}, [[]], [None], {"": None}, {"a": {"b": []}})
RAW = (
    # What json.dumps would not write: put in as it stands.
    "NaN", "Infinity", "-Infinity", "1e400", "-1e400", "1e-400", "0" * 50 + "1", "0x10", "1_000",
    "1.", ".5", "+1", "9" * 400, "9" * 5000, "-" + "9" * 5000, "0." + "1" * 5000, "1e99999999999",
    '"\\ud800"', '"\\udc00\\ud800"', '"\\u0000"', '"\\x"', '"\t"', "'x'", "undefined", "True", "//",
    "[" * 150 + "]" * 150, "[" * 500 + "]" * 500, '{"a":' * 500 + "1" + "}" * 500,
    "[" + "0," * 20_000 + "0]", "{" + '"a":1,' * 5_000 + '"a":1}',
)  # fmt: skip
BYTES = (
    b"", b"\x00", b"\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80",
    b"\xf4\x90\x80\x80",
    b"\n", b"{", b"}", b'"', b",", b"\\", b"\x1b[2J", b" " * 10_000, b"[" * 10_000, b"\x80" * 100,
)  # fmt: skip
ODD_IDS = ("ä", "car 1", "CAR1", "x" * 33, "\U0001f50c", "a.b", "$SYS", " ")
PLACE = "\ue000place\ue000"
PLACE_JSON = json.dumps(PLACE)
FIRST_SEQ = 1_000_000
FIRST_SENT_AT = datetime(2100, 1, 1, tzinfo=UTC)
"""After anything that a process of today has sent."""


class Mutator:
    """Gives damaged messages, each later than the one before, so that none is an old one."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self._count = 0

    def payload(self, spec: TopicSpec) -> bytes:
        """Return a damaged message of a kind; a few are undamaged, some are of another kind."""
        random = self.random
        kind = random.random()
        if kind < 0.05:
            return json.dumps(self._example(spec)).encode()
        if kind < 0.08:
            return json.dumps(self._example(random.choice(topics.ALL))).encode()
        if kind < 0.12:
            return random.randbytes(random.choice((0, 1, 2, 10, 100, 5000)))
        damaged: Any = self._example(spec)
        splices: list[str] = []
        for _ in range(random.choice((1, 1, 1, 2, 3))):
            damaged = random.choice(DAMAGES)(random, damaged, splices)
        text = json.dumps(damaged, ensure_ascii=random.random() < 0.5)
        for raw in splices:
            text = (
                text.replace(PLACE_JSON, raw, 1)
                if PLACE_JSON in text
                else (text.replace(f'"{PLACE}"', raw, 1))
            )
        encoded = text.encode(errors="surrogatepass")
        return _damaged_bytes(random, encoded) if random.random() < 0.1 else encoded

    def topic(self, spec: TopicSpec, site: str, stations: tuple[str, ...]) -> str:
        """Return a topic for a kind: mostly a real one, sometimes with ids that cannot be or are
        nobody's.
        """
        ids = {name: IDS[name] for name in spec.id_names}
        if "station" in ids:
            ids["station"] = self.random.choice(stations)
        if self.random.random() < 0.05 and ids:
            odd = self.random.choice(ODD_IDS)
            return f"{topics.ROOT}/{site}/" + spec.pattern.format(**dict.fromkeys(ids, odd))
        if self.random.random() < 0.1:
            # One that nobody has, each time another: who remembers them all grows.
            self._count += 1
            ids = dict.fromkeys(ids, f"x{self._count}")
        return spec.topic(site, **ids)

    def _example(self, spec: TopicSpec) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(example_payload(spec))
        self._count += 1
        if "seq" in document:
            document["seq"] = FIRST_SEQ + self._count
            sent_at = FIRST_SENT_AT + timedelta(milliseconds=self._count)
            document["sent_at"] = sent_at.isoformat().replace("+00:00", "Z")
            if self.random.random() < 0.1:
                document["boot_id"] = f"boot-{self._count}"
        return document


def _paths(value: Any, here: Path = ()) -> list[Path]:
    """Every place in a document below its top."""
    found: list[Path] = []
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for key, inner in items:
        found.append((*here, key))
        if isinstance(inner, dict | list):
            found.extend(_paths(inner, (*here, key)))
    return found


def _parent(document: Any, path: Path) -> Any:
    for key in path[:-1]:
        document = document[key]
    return document


def _somewhere(random: Random, document: Any) -> tuple[Any, Any] | None:
    """A container in the document and one of its keys; None where nothing is left."""
    paths = _paths(document) if isinstance(document, dict | list) else []
    if not paths:
        return None
    path = random.choice(paths)
    return _parent(document, path), path[-1]


def _drop(random: Random, document: Any, _: list[str]) -> Any:
    if place := _somewhere(random, document):
        del place[0][place[1]]
    return document


def _rename(random: Random, document: Any, _: list[str]) -> Any:
    place = _somewhere(random, document)
    if place and isinstance(place[0], dict):
        parent, key = place
        names = (
            key.upper(),
            f" {key}",
            f"{key}\x00",
            key.replace("_", "-"),
            key[:-1],
            "",
            "\u017f" + key,
        )
        parent[random.choice(names)] = parent.pop(key)
    return document


def _replace(random: Random, document: Any, _: list[str]) -> Any:
    if place := _somewhere(random, document):
        pool = random.choice((NUMBERS, NUMBERS, TEXTS, INSTANTS, OTHERS))
        place[0][place[1]] = deepcopy(random.choice(pool))
    return document


def _exaggerate(random: Random, document: Any, _: list[str]) -> Any:
    """Replace a value by another one of the same type, at or past the edge of what may be."""
    if place := _somewhere(random, document):
        parent, key = place
        value = parent[key]
        if isinstance(value, bool):
            parent[key] = not value
        elif isinstance(value, int | float):
            parent[key] = random.choice(NUMBERS)
        elif isinstance(value, str):
            parent[key] = random.choice(INSTANTS if str(key).endswith("at") else TEXTS)
        elif isinstance(value, list):
            parent[key] = value * random.choice((0, 2, 50))
    return document


def _add(random: Random, document: Any, _: list[str]) -> Any:
    if isinstance(document, dict):
        pool = random.choice((NUMBERS, TEXTS, OTHERS))
        document[
            random.choice(("colour", "at", "limit_a", "__class__", "", "seq", "departure_at"))
        ] = deepcopy(random.choice(pool))
    return document


def _splice(random: Random, document: Any, splices: list[str]) -> Any:
    if place := _somewhere(random, document):
        place[0][place[1]] = PLACE
        splices.append(random.choice(RAW))
    return document


def _repeat_key(random: Random, document: Any, splices: list[str]) -> Any:
    """Give a key twice, with two values: readers differ in which one they take."""
    if isinstance(document, dict) and document:
        key = random.choice(list(document))
        again = json.dumps({key: random.choice(random.choice((NUMBERS, TEXTS, OTHERS)))})[1:-1]
        document["zz"] = PLACE
        splices.append(f"0,{again}")
    return document


def _wrap(random: Random, document: Any, _: list[str]) -> Any:
    return random.choice(([document], {"payload": document}, json.dumps(document), [document] * 3))


DAMAGES: tuple[Callable[[Random, Any, list[str]], Any], ...] = (
    _drop, _rename, _replace, _replace, _exaggerate, _exaggerate, _exaggerate, _add, _splice,
    _repeat_key, _wrap,
)  # fmt: skip


def _damaged_bytes(random: Random, encoded: bytes) -> bytes:
    at = random.randrange(len(encoded) + 1)
    kind = random.randrange(4)
    if kind == 0:
        return encoded[:at]
    if kind == 1:
        return encoded[:at] + random.choice(BYTES) + encoded[at:]
    if kind == 2:
        return encoded + encoded
    flipped = bytearray(encoded or b"\0")
    flipped[min(at, len(flipped) - 1)] ^= 1 << random.randrange(8)
    return bytes(flipped)
