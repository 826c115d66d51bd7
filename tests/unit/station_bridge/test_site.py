from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from wattbus_contract.base import Body, MessageId, Reason
from wattbus_contract.control import LimitOutcome, LimitResult, SetLimit
from wattbus_contract.facts import ConnectorStatus, Control, StationEvent, StationState
from wattbus_contract.topics import TopicSpec
from wattbus_station_bridge import assembly, settings
from wattbus_station_bridge.alarms import Alarms
from wattbus_station_bridge.control.journal import Journal
from wattbus_station_bridge.desk import Desk, Pending
from wattbus_station_bridge.memory import Memory
from wattbus_station_bridge.reports import Reports
from wattbus_station_bridge.site import Site
from wattbus_station_bridge.stations.reading import (
    StationReading,
    StationTraits,
    StationUnreachable,
)
from wattbus_station_bridge.stations.worker import Order, StationWorker, backoff_s

POWER_W = 7400.0
START_AT = datetime(2025, 1, 15, tzinfo=UTC)
TRAITS = StationTraits(
    name="car", control=Control.SWITCH, phases=(1,), voltage_v=230, min_current_a=POWER_W / 230,
    max_current_a=POWER_W / 230, current_step_a=POWER_W / 230, max_power_w=POWER_W,
    battery_capacity_wh=46_300, charging_efficiency=1.0, car_name=None,
)  # fmt: skip


class RecordingAnnouncer:
    """Keeps what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, Body]] = []

    def keep(self, spec: TopicSpec, body: Body, **ids: str) -> bool:
        self.say(spec, body, **ids)
        return True

    def say(self, _: TopicSpec, body: Body, **ids: Any) -> None:
        self.said.append((str(ids.get("station", "")), body))

    def repeat(self) -> None:
        """Nothing is lost here."""


class WaitingWorker(StationWorker):
    """Keeps orders until a test lets the station take them."""

    def __init__(self) -> None:
        self.orders: list[Order] = []

    def order(self, order: Order) -> None:
        self.orders.append(order)


class Bench:
    """A site whose stations, time and answers are in the test's hands."""

    def __init__(
        self,
        folder: Path,
        *names: str,
        is_guarded: bool = True,
        solar: bool = False,
        more: str = "",
    ) -> None:
        text = "[site]\nfuse_power_w = 11000\npoll_interval_s = 1\nfailsafe_after_s = 60\n"
        text += "".join(f'[[station]]\nid = "{name}"\nurl = "http://x"\n' for name in names)
        if solar:
            text += f'[base_load]\nsource = "station:{names[0]}"\n'
            text += f'[solar]\nsource = "station:{names[0]}"\n'
        (folder / "site.toml").write_text(text + more)
        file = settings.load_site_file(folder / "site.toml", {})
        desks = assembly.make_desks(file, {})
        self.now_s = 1000.0
        self.seq = 0
        self.house_w = 1000.0
        self.pv_w: float | None = None
        self.announcer = RecordingAnnouncer()
        self.alarms = Alarms()
        self.journal = Journal(folder / "journal")
        peaks = assembly.make_peaks(file, Memory(folder))
        reports = Reports(file, desks, self.announcer, peaks)  # type: ignore[arg-type]  # the same methods
        self.site = Site(
            file, desks, reports, self.journal, self.alarms, is_guarded=is_guarded,
            monotonic_s=lambda: self.now_s,
        )  # fmt: skip
        self.workers = {name: WaitingWorker() for name in names}
        for name, desk in desks.items():
            desk.worker = self.workers[name]

    def desk(self, name: str) -> Desk:
        return self.site.desks[name]

    def poll(self, name: str, offered_w: float, power_w: float | None = None) -> None:
        """Let a poll of a station be answered."""
        self.now_s += 0.01
        reading = StationReading(
            at=START_AT + timedelta(seconds=self.now_s), traits=TRAITS, is_plugged_in=True,
            connector_status=ConnectorStatus.SUSPENDED_EVSE, energy_register_wh=0.0,
            power_w=offered_w if power_w is None else power_w, offered_limit_w=offered_w,
            soc_percent=50.0, house_load_w=self.house_w, pv_power_w=self.pv_w,
        )  # fmt: skip
        self.site.on_reading(name, reading, 0.001)

    def command(self, name: str, limit_w: float) -> None:
        """Let an accepted limit arrive."""
        self.seq += 1
        limit = SetLimit(
            epoch=1, instance="s1", valid_for_s=60, reason=Reason(code="test", text="test"),
            limit_w=limit_w,
        )  # fmt: skip
        message = MessageId(source="scheduler", boot_id="b", seq=self.seq)
        self.site.command(self.desk(name), Pending(message, limit), self.now_s + 60)

    def take_orders(self, name: str, error: Exception | None = None) -> list[float]:
        """Let a station take its newest order, as its worker would; returns the levels ordered."""
        orders, self.workers[name].orders = self.workers[name].orders, []
        for order in orders[-1:]:
            try:
                self.site.before_apply(name, order)
            except OSError as refusal:
                self.site.on_applied(name, order, refusal)
            else:
                self.site.on_applied(name, order, error)
        return [order.level_w for order in orders]

    def results(self) -> list[tuple[LimitOutcome, str]]:
        """Return the answers to limits: outcome and code."""
        return [
            (body.outcome, body.reason.code)
            for _, body in self.announcer.said
            if isinstance(body, LimitResult)
        ]

    def events(self, name: str) -> list[str]:
        """Return the kinds of a station's events."""
        return [
            body.kind.value
            for station, body in self.announcer.said
            if isinstance(body, StationEvent) and station == name
        ]


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path, "car1", "car2")


def test_a_limit_is_answered_only_once_the_station_has_taken_it(bench: Bench) -> None:
    bench.poll("car1", 0)

    bench.command("car1", POWER_W)
    assert bench.results() == []
    bench.take_orders("car1")

    assert bench.results() == [(LimitOutcome.APPLIED, "applied")]


def test_a_limit_is_not_taken_for_held_because_of_a_reading_before_the_last_order(
    bench: Bench,
) -> None:
    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")
    bench.poll("car1", POWER_W)
    bench.command("car1", 0)
    bench.take_orders("car1")

    # The newest reading still says that it offers 7400 W.
    bench.command("car1", POWER_W)

    assert bench.take_orders("car1") == [POWER_W]


def test_after_a_failed_order_nothing_is_taken_for_held(bench: Bench) -> None:
    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1", StationUnreachable("timed out"))
    assert bench.results()[-1] == (LimitOutcome.FAILED, "station-failed")

    # It may have taken the order before it fell silent.
    bench.command("car1", 0)

    assert bench.take_orders("car1") == [0]


def test_a_newer_limit_answers_the_older_one(bench: Bench) -> None:
    bench.poll("car1", 0)

    bench.command("car1", POWER_W)
    bench.command("car1", 0)

    assert bench.results()[0] == (LimitOutcome.REFUSED, "superseded")


def test_a_station_rises_only_when_the_other_has_confirmed_that_it_went_down(
    bench: Bench,
) -> None:
    bench.poll("car1", 0)
    bench.poll("car2", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")
    bench.poll("car1", POWER_W)

    bench.command("car1", 0)
    bench.command("car2", POWER_W)
    assert bench.take_orders("car2") == []
    bench.take_orders("car1")
    assert bench.take_orders("car2") == []
    bench.poll("car1", 0)

    bench.poll("car2", 0)
    assert bench.take_orders("car2") == [POWER_W]
    assert "guard-entered" not in bench.events("car2")


def test_an_order_that_may_still_be_under_way_counts(bench: Bench) -> None:
    bench.poll("car1", 0)
    bench.poll("car2", 0)
    bench.command("car1", POWER_W)
    bench.command("car1", 0)

    # The first order may have reached the station by now, whatever was ordered since.
    bench.command("car2", POWER_W)

    assert bench.take_orders("car2") == []


def test_a_station_that_fell_silent_counts_with_what_it_could_draw(bench: Bench) -> None:
    bench.poll("car1", 0)
    bench.poll("car2", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")
    bench.poll("car1", POWER_W)
    for failures in (1, 2):
        bench.site.on_failure("car1", StationUnreachable("gone"), failures)

    bench.command("car2", POWER_W)

    assert bench.take_orders("car2") == []
    assert bench.desk("car2").is_guarded


def test_with_the_guard_off_both_would_charge(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "car1", "car2", is_guarded=False)
    bench.poll("car1", 0)
    bench.poll("car2", 0)

    bench.command("car1", POWER_W)
    bench.command("car2", POWER_W)

    assert bench.take_orders("car1") == [POWER_W]
    assert bench.take_orders("car2") == [POWER_W]


def test_a_load_rise_is_met_at_the_poll_that_shows_it(bench: Bench) -> None:
    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")
    bench.poll("car1", POWER_W)

    bench.house_w = 4000.0
    bench.poll("car2", 0)

    assert bench.take_orders("car1") == [0]
    assert bench.events("car1")[-2:] == ["guard-entered", "limit-applied"]


def test_a_limit_that_runs_out_gives_way_to_the_fail_safe(bench: Bench) -> None:
    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")
    bench.poll("car1", POWER_W)

    bench.now_s += 60
    bench.site.tick()

    assert bench.take_orders("car1") == [0]
    assert bench.events("car1").count("failsafe-entered") == 2


def test_a_limit_that_an_earlier_process_sent_is_not_sent_again(tmp_path: Path) -> None:
    Journal(tmp_path / "journal").record("car1", 1, 1)
    bench = Bench(tmp_path, "car1")
    bench.poll("car1", 0)

    bench.command("car1", POWER_W)
    bench.take_orders("car1")

    assert bench.results() == [(LimitOutcome.FAILED, "station-failed")]


def test_without_a_journal_stations_go_down_but_not_up(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> bool:
        raise OSError("no space")

    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")
    bench.poll("car1", POWER_W)
    monkeypatch.setattr(bench.journal, "record", fail)

    bench.command("car1", 0)
    bench.take_orders("car1")
    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    bench.take_orders("car1")

    assert [outcome for outcome, _ in bench.results()] == [
        LimitOutcome.APPLIED,
        LimitOutcome.APPLIED,
        LimitOutcome.FAILED,
    ]
    assert "journal" in bench.alarms.text


def test_a_station_that_does_not_obey_is_told_less_and_less_often(bench: Bench) -> None:
    bench.poll("car1", 0)
    bench.command("car1", POWER_W)
    told = len(bench.take_orders("car1"))

    for _ in range(58):
        bench.now_s += 0.99
        bench.poll("car1", 0)
        told += len(bench.take_orders("car1"))

    # After 1, 2, 4, 8, 16 and 32 s.
    assert 5 <= told <= 8


def test_figures_of_the_site_file_overrule_those_of_the_station(tmp_path: Path) -> None:
    bench = Bench(tmp_path, "car1")
    table = bench.desk("car1").table
    bench.desk("car1").table = table.model_copy(update={"max_power_w": 3680.0})

    bench.poll("car1", 0)
    info = bench.desk("car1").told_traits

    assert info == replace(TRAITS, max_power_w=3680.0)


def test_pauses_double_up_to_a_bound_and_half_of_them_is_jitter() -> None:
    assert [backoff_s(n, 1.0, lambda: 1.0) for n in (1, 2, 3, 7, 8, 99)] == [1, 2, 4, 60, 60, 60]
    assert backoff_s(3, 1.0, lambda: 0.0) == 2
    assert backoff_s(1, 300.0, lambda: 1.0) == 300


def states_said(bench: Bench) -> int:
    return sum(isinstance(body, StationState) for _, body in bench.announcer.said)


def test_a_state_in_which_only_time_is_new_is_said_no_more_often_than_it_must(
    tmp_path: Path,
) -> None:
    bench = Bench(tmp_path, "car1")
    bench.poll("car1", 0.0)
    bench.poll("car1", 0.0)
    said = states_said(bench)

    bench.now_s += 3.0
    bench.poll("car1", 0.0)
    assert states_said(bench) == said

    bench.now_s += 3.0
    bench.poll("car1", 0.0)
    assert states_said(bench) == said + 1, "before the last one expires"

    bench.now_s += 1.0
    bench.poll("car1", 0.0, power_w=100.0)
    assert states_said(bench) == said + 2, "power is news"
