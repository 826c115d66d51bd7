"""The station simulator under sequences of raw requests: any bytes, any type, any order.

Its OpenAPI description is held by schemathesis beside its other tests; here nothing is described.
"""

import json
from collections.abc import Iterator
from itertools import count

from flask.testing import FlaskClient
from hypothesis import strategies as st

from fuzz.effort import explore
from fuzz.mutations import INSTANTS, NUMBERS, OTHERS, RAW, TEXTS
from wattbus_simulator.app import create_app
from wattbus_simulator.household import build_household
from wattbus_simulator.scenario import load_scenario
from wattbus_simulator.world import World

KEYS = ("charging", "discharging", "limit_w", "limit_a", "connected", "soc_percent", "on", "")
TYPES = (
    "application/json", "application/json; charset=utf-16", "text/plain", "", "\u00e4",
    "application/x-www-form-urlencoded", "multipart/form-data; boundary=x", "application/xml",
)  # fmt: skip


def new_client() -> FlaskClient:
    """A simulator whose clock moves a bit with every look at it."""
    ticks: Iterator[int] = count()
    household = build_household(load_scenario("three-cars"))
    return create_app(World(household, lambda: next(ticks) / 4, "fuzz")).test_client()


def bodies() -> st.SearchStrategy[bytes]:
    values = st.sampled_from((*NUMBERS, *TEXTS, *INSTANTS, *OTHERS, "on", "off"))
    documents = st.dictionaries(st.sampled_from(KEYS), values, max_size=3).map(json.dumps)
    spliced = st.tuples(st.sampled_from(KEYS), st.sampled_from(RAW)).map(
        lambda pair: f'{{"{pair[0]}": {pair[1]}}}'
    )
    texts = st.one_of(documents, spliced)
    return st.one_of(texts.map(lambda text: text.encode(errors="surrogatepass")), st.binary())


def test_no_sequence_of_requests_breaks_the_simulator() -> None:
    rules = sorted(str(rule) for rule in new_client().application.url_map.iter_rules())
    ids = st.sampled_from(("car1", "car2", "car9", "..", "%00", "\u00e4", "x" * 3000))
    paths = st.tuples(st.sampled_from(rules), ids).map(
        lambda pair: "/".join(
            pair[1] if part.startswith("<") else part for part in pair[0].split("/")
        )
    )
    requests = st.tuples(
        st.sampled_from(("GET", "POST", "POST", "PUT", "PUT", "PATCH", "DELETE")),
        paths, bodies(), st.sampled_from(TYPES),
    )  # fmt: skip

    def check(sequence: list[tuple[str, str, bytes, str]]) -> None:
        client = new_client()
        for method, path, body, content_type in sequence:
            answer = client.open(
                path, method=method, data=body, headers={"Content-Type": content_type}
            )
            assert answer.status_code < 500, (method, path, body, content_type)

        assert client.put("/stations/car1/limit", json={"limit_w": 0}).status_code == 200
        assert client.get("/stations/car1").json["limit_w"] == 0

    explore(check, st.lists(requests, min_size=1, max_size=15), examples=60)
