"""The doctor: what is well is said to be, and each thing that is not comes with what to do."""

from dataclasses import replace
from datetime import timedelta

import pytest

from unit.console import pictures
from unit.console.pictures import HOUR, MIDNIGHT, default_day, message
from wattbus_console.diagnosis import Finding, Heard, Verdict, diagnose, disk
from wattbus_console.picture import Picture
from wattbus_contract import topics
from wattbus_contract.codec import Decoded
from wattbus_contract.control import LeaseState
from wattbus_contract.service import Health, ServiceStatus, Status

WELL = Heard(skews_s={"station-bridge": 0.02}, silence_s={"car1": 0.3})


def status(user: str, *, is_up: bool = True, detail: str = "", client: str = "") -> Decoded:
    """Return what a service says of itself; with a detail it is not well."""
    return message(
        topics.SERVICE_STATUS,
        ServiceStatus(
            status=Status.UP if is_up else Status.DOWN,
            health=Health.DEGRADED if detail else Health.OK,
            version="0.1.0",
            connection=1,
            started_at=MIDNIGHT,
            detail=detail,
        ),
        user=user,
        client=client or user,
    )


def lease(holder: str | None) -> Decoded:
    return message(
        topics.LEASE_STATE, LeaseState(epoch=1, ttl_s=15, bridge_boot_id="boot", holder=holder)
    )


def a_site(*more: Decoded) -> Picture:
    """A site that is well, and then what `more` says."""
    return default_day(
        *(status(user) for user in ("station-bridge", "scheduler", "logger")),
        pictures.reading(MIDNIGHT),
        pictures.state(),
        lease("scheduler"),
        *more,
    )


def of(findings: list[Finding], subject: str) -> Finding:
    (found,) = [finding for finding in findings if finding.subject == subject]
    return found


def test_a_site_that_is_well_has_nothing_to_mend() -> None:
    findings = diagnose(a_site(), WELL)

    assert {finding.verdict for finding in findings} == {Verdict.OK}
    assert [finding.remedy for finding in findings if finding.remedy] == []
    assert [finding.subject for finding in findings] == [
        *("station-bridge", "scheduler", "logger", "site", "car1"),
        *("clocks", "prices", "house load", "command"),
    ]


def test_an_empty_bus_lacks_everything() -> None:
    findings = diagnose(Picture(), Heard({}, {}))

    assert {finding.verdict for finding in findings} == {Verdict.FAILURE}
    assert all(finding.remedy for finding in findings)


@pytest.mark.parametrize(
    ("said", "subject", "verdict", "text"),
    [
        (status("logger", is_up=False, detail="killed"), "logger", Verdict.FAILURE, "killed"),
        (status("logger", detail="disk full"), "logger", Verdict.WARNING, "disk full"),
        (
            status("scheduler", detail="no prices", client="b"),
            "scheduler (b)",
            Verdict.WARNING,
            "no prices",
        ),
        (
            pictures.state(is_reachable=False, text="connection refused"),
            "car1",
            Verdict.FAILURE,
            "connection refused",
        ),
        (pictures.state(is_failsafe=True), "car1", Verdict.WARNING, "fail-safe"),
        (lease(None), "command", Verdict.FAILURE, "no scheduler holds the lease"),
        (pictures.plan(shortfall_wh=500), "command", Verdict.WARNING, "car1"),
        (pictures.reading(MIDNIGHT + 60 * HOUR), "prices", Verdict.FAILURE, "none is known"),
        (pictures.reading(MIDNIGHT + 60 * HOUR), "house load", Verdict.FAILURE, "none is known"),
    ],
)
def test_what_is_not_well_is_told_with_what_to_do(
    said: Decoded, subject: str, verdict: Verdict, text: str
) -> None:
    found = of(diagnose(a_site(said), WELL), subject)

    assert found.verdict is verdict
    assert text in found.text
    assert found.remedy


def test_prices_that_end_soon_are_a_warning() -> None:
    picture = a_site()
    assert picture.price is not None
    last = picture.price.slots[-1]
    picture.now = last.start_at + timedelta(seconds=last.duration_s) - HOUR

    assert of(diagnose(picture, WELL), "prices").verdict is Verdict.WARNING


def test_a_clock_that_is_off_is_named_with_its_side() -> None:
    heard = replace(WELL, skews_s={"station-bridge": -40.0, "scheduler": 0.1})

    found = of(diagnose(a_site(), heard), "clocks")

    assert found.verdict is Verdict.WARNING
    assert "station-bridge is 40 s ahead" in found.text


@pytest.mark.parametrize("silence_s", [{}, {"car1": 300.0}])
def test_a_station_without_meter_values_is_found(silence_s: dict[str, float]) -> None:
    found = of(diagnose(a_site(), replace(WELL, silence_s=silence_s)), "car1")

    assert (found.verdict, found.text) == (
        Verdict.FAILURE,
        "is reachable, but no meter value comes",
    )


@pytest.mark.parametrize(
    ("free_mib", "verdict"),
    [(20, Verdict.FAILURE), (200, Verdict.WARNING), (20_000, Verdict.OK)],
)
def test_the_disk_is_judged_by_what_is_free(free_mib: int, verdict: Verdict) -> None:
    assert disk("data", free_mib * 2**20).verdict is verdict
