"""Messages really leave through Apprise, each once, and a failure says why without the password."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from fixtures.broker_process import BrokerProcess, free_port
from fixtures.letter_box import LetterBox, letter_box
from fixtures.sessions import make_session, running
from fixtures.told_site import ToldSite
from wattbus_contract import topics
from wattbus_contract.broker_settings import BadSetting
from wattbus_contract.facts import StationEventKind
from wattbus_notifier.main import main
from wattbus_notifier.memory import load_told, save_told
from wattbus_notifier.occurrences import Notice, Urgency
from wattbus_notifier.outgoing import RETRY_AFTER_S, Outgoing
from wattbus_notifier.settings import NotifierSettings
from wattbus_notifier.shell import Notifier, subscriptions
from wattbus_notifier.targets import targets_of

NOTICE = Notice("title", "text", Urgency.WARNING)


@pytest.fixture
def box() -> Iterator[LetterBox]:
    with letter_box() as found:
        yield found


@contextmanager
def notifying(broker: BrokerProcess, site: str, settings: NotifierSettings) -> Iterator[None]:
    """Run a notifier for a site."""
    own_status = topics.SERVICE_STATUS.topic(site, user="notifier", client="notifier")
    filters = subscriptions(site, own_status)
    session = make_session(broker, "notifier", site, *filters, is_durable=False)
    notifier = Notifier(session, settings, targets_of(settings.read_urls()))
    must_stop = threading.Event()

    def work() -> None:
        while not must_stop.is_set():
            notifier.step()

    thread = threading.Thread(target=work)
    with running(session):
        thread.start()
        try:
            yield
        finally:
            must_stop.set()
            thread.join()


def test_what_happens_on_the_bus_arrives_once(
    broker: BrokerProcess, site: str, box: LetterBox, tmp_path: Path
) -> None:
    settings = NotifierSettings(urls=box.url, settle_s=0.2, state_dir=tmp_path)
    with ToldSite(broker, site) as told, notifying(broker, site, settings):
        told.say_all()
        for _ in range(3):
            told.say_example(topics.STATION_STATE, instead={"is_reachable": False}, station="car1")
        box.wait_for("Station car1 does not answer")
        told.say_example(
            topics.STATION_EVENT, instead={"kind": StationEventKind.TARGET_REACHED}, station="car2"
        )

        letter = box.wait_for("Station car2 has finished charging")

    assert letter["message"] == "The car has 36 %."
    assert letter["type"] == "success"
    assert box.titles.count("Station car1 does not answer") == 1


def test_a_restart_tells_nothing_again(
    broker: BrokerProcess, site: str, box: LetterBox, tmp_path: Path
) -> None:
    settings = NotifierSettings(urls=box.url, settle_s=0.2, state_dir=tmp_path)
    lost, failsafe = {"is_reachable": False}, {"is_failsafe": True}
    with ToldSite(broker, site) as told:
        told.say_all()
        told.say_example(topics.STATION_STATE, instead=lost, station="car1")
        with notifying(broker, site, settings):
            box.wait_for("Station car1 does not answer")
        with notifying(broker, site, settings):
            # What comes after it would have been told has come.
            told.say_example(topics.STATION_STATE, instead=failsafe, station="car2")
            box.wait_for("Station car2 is in fail-safe mode")

    assert box.titles == ["Station car1 does not answer", "Station car2 is in fail-safe mode"]


def test_a_notifier_with_nobody_to_tell_says_so(broker: BrokerProcess, site: str) -> None:
    with ToldSite(broker, site) as told, notifying(broker, site, NotifierSettings()):
        told.say_all()

        told.bridge.wait_for(
            lambda m: (
                "/service/notifier/" in m.topic
                and "WATTBUS_NOTIFIER_URLS" in m.json.get("detail", "")
                and m.json["health"] == "degraded"
            )
        )


def test_a_message_that_was_refused_is_sent_again_later_and_only_where_it_failed(
    box: LetterBox,
) -> None:
    clock = [0.0]
    with letter_box() as other:
        outgoing = Outgoing(targets_of([box.url, other.url]), lambda: clock[0])
        box.is_closed = True
        outgoing.put(NOTICE)
        for _ in range(4):
            outgoing.send_one()
        assert (box.refused, other.titles) == (1, ["title"])
        assert outgoing.problem is not None

        box.is_closed = False
        clock[0] = RETRY_AFTER_S[0]
        for _ in range(4):
            outgoing.send_one()

        assert (box.titles, other.titles) == (["title"], ["title"])
        assert outgoing.problem is None


def test_a_message_that_is_always_refused_is_given_up(box: LetterBox) -> None:
    clock = [0.0]
    outgoing = Outgoing(targets_of([box.url]), lambda: clock[0])
    box.is_closed = True
    outgoing.put(NOTICE)

    for _ in range(20):
        outgoing.send_one()
        clock[0] += max(RETRY_AFTER_S)

    assert box.refused == len(RETRY_AFTER_S) + 1


def test_the_test_message_arrives(
    box: LetterBox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("WATTBUS_NOTIFIER_URLS", box.url)
    monkeypatch.setenv("WATTBUS_NOTIFIER_LANGUAGE", "sv")

    assert main(["test"]) == 0

    assert box.titles == ["Wattbus: provmeddelande"]
    assert capsys.readouterr().out == "target 1 (JSON): sent\n"


def test_the_test_message_says_what_went_wrong_and_no_password(
    box: LetterBox, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    nobody = f"json://anna:correct-horse@127.0.0.1:{free_port()}/box"
    box.is_closed = True
    monkeypatch.setenv("WATTBUS_NOTIFIER_URLS", f"{box.url} {nobody}")

    assert main(["test"]) == 1

    refused, unreachable = capsys.readouterr().out.splitlines()
    assert "503" in refused
    assert "onnection error" in unreachable
    assert "correct-horse" not in refused + unreachable


@pytest.mark.parametrize("urls", ["", "nonsense", "foo://secret-token", "mailto://"])
def test_a_url_that_is_none_is_named_by_its_number_and_not_shown(
    urls: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WATTBUS_NOTIFIER_URLS", urls)

    with pytest.raises(BadSetting) as caught:
        main(["test"])

    assert "WATTBUS_NOTIFIER_URLS" in str(caught.value)
    assert "secret-token" not in str(caught.value)


def test_urls_come_from_a_file_and_from_the_environment(tmp_path: Path) -> None:
    file = tmp_path / "urls"
    file.write_text("# mine\njson://one\n\n  json://two json://three\n")

    settings = NotifierSettings(urls="json://zero", urls_file=file)

    assert settings.read_urls() == ("json://zero", "json://one", "json://two", "json://three")
    assert "json" not in repr(settings)


def test_an_empty_variable_is_no_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("URLS", "URLS_FILE", "STATE_DIR", "LOW_PRICE_PER_KWH"):
        monkeypatch.setenv(f"WATTBUS_NOTIFIER_{name}", "")

    assert NotifierSettings().low_price_per_kwh is None
    assert NotifierSettings().read_urls() == ()


@pytest.mark.parametrize("text", ["", "{", '{"a": 1}', "[1]"])
def test_a_damaged_memory_is_an_empty_one(tmp_path: Path, text: str) -> None:
    (tmp_path / "told.json").write_text(text)

    assert load_told(tmp_path) == ()


def test_what_was_told_is_kept(tmp_path: Path) -> None:
    save_told(tmp_path / "new", {"b", "a"})

    assert load_told(tmp_path / "new") == ("a", "b")
