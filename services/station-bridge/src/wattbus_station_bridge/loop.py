"""The main loop: one message after the other, and what has to happen as time passes."""

import logging
import threading
import time
from collections.abc import Callable

from wattbus_contract.service import Health
from wattbus_contract.session import MqttSession, SessionDead
from wattbus_station_bridge.inbox import Inbox
from wattbus_station_bridge.lease_desk import LeaseDesk
from wattbus_station_bridge.site import Site

log = logging.getLogger(__name__)

TICK_S = 0.1
"""How late a fail-safe or the end of a lease may be noticed."""
SAVE_EVERY_S = 10.0


def run(
    *,
    session: MqttSession,
    site: Site,
    inbox: Inbox,
    lease_desk: LeaseDesk,
    save: Callable[[], None],
    stop: threading.Event,
) -> None:
    """Work until `stop` is set. Raises SessionDead when the process cannot go on."""
    # The first connection takes what was announced before it from paho's queue.
    announced = 1
    ticked_s = saved_s = float("-inf")
    while not stop.is_set():
        incoming = session.receive(TICK_S)
        if incoming is not None:
            inbox.handle(incoming)
            session.ack(incoming)
        if session.is_connected and session.connection != announced:
            announced = session.connection
            site.repeat_facts()
        now_s = time.monotonic()
        if now_s - ticked_s < TICK_S:
            continue
        ticked_s = now_s
        with site.lock:
            lease_desk.tick(now_s)
            site.tick()
        _report_health(session, site)
        if now_s - saved_s >= SAVE_EVERY_S:
            saved_s = now_s
            save()
        if site.alarms.crash is not None:
            raise SessionDead(f"a thread has ended: {site.alarms.crash}")


def _report_health(session: MqttSession, site: Site) -> None:
    lost = site.lost_stations()
    text = None
    if lost:
        shown = ", ".join(lost[:5]) + (", …" if len(lost) > 5 else "")
        text = f"{len(lost)} station(s) do not answer: {shown}"
    site.alarms.trouble("stations", text)
    detail = site.alarms.text
    session.set_health(Health.DEGRADED if detail else Health.OK, detail)
