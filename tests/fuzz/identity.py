"""What a message is known by: all with the same identity are one message that came again."""

import json

from wattbus_contract import topics


def identity(topic: str, payload: bytes) -> str:
    """Return role, source, boot_id and seq where they can be read, else the message itself."""
    try:
        document = json.loads(payload)
        sender = topics.parse(topic)
        role = None if sender is None else (sender.ids.get("user"), sender.spec.publishers[0])
        return repr((role, document["source"], document["boot_id"], document["seq"]))
    except (ValueError, KeyError, TypeError, RecursionError):
        return repr((topic, payload))


def takes_away(topic: str, payload: bytes) -> bool:
    """Tell whether this only takes a retained message away, so that there is nothing to record."""
    known = topics.parse(topic)
    return not payload and known is not None and known.spec.is_retained
