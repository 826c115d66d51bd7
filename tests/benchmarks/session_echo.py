"""What the session costs: hears a meter value, decodes it and answers with a limit, no more."""

import sys
from pathlib import Path

from wattbus_contract import topics
from wattbus_contract.base import Reason
from wattbus_contract.broker_settings import BrokerSettings
from wattbus_contract.codec import decode
from wattbus_contract.control import SetLimit
from wattbus_contract.session import MqttSession

REASON = Reason(code="cheapest-slot", text="22:00 is among the 4 cheapest hours before departure")


def main(port: int, password_file: str, site: str) -> None:
    """Answer each meter value on the station's `limit/set` until the process is ended."""
    session = MqttSession(
        BrokerSettings(host="127.0.0.1", port=port, password_file=Path(password_file)),
        user="scheduler",
        site=site,
        version="bench",
        subscriptions=[topics.METER.filter(site)],
        is_durable=False,
    )
    session.start()
    while True:
        incoming = session.receive()
        if incoming is None:
            continue
        message = decode(incoming.topic, incoming.payload)
        session.publish(
            topics.SET_LIMIT,
            SetLimit(
                epoch=1,
                instance=session.client_id,
                valid_for_s=60,
                limit_w=7400.0,
                reason=REASON,
                caused_by=message.message_id,
            ),
            station=message.topic.station,
        )
        session.ack(incoming)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3])
