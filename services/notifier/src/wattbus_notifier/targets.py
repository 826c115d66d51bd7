"""Where messages go: one Apprise service a URL, and what it said when it failed."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass

import apprise

from wattbus_contract.broker_settings import BadSetting
from wattbus_notifier.occurrences import Notice

URLS = "WATTBUS_NOTIFIER_URLS"


@dataclass(frozen=True)
class Target:
    """One receiver; `name` shows neither password nor token."""

    name: str
    service: apprise.NotifyBase

    def send(self, notice: Notice) -> str | None:
        """Send and wait; return what went wrong, or None."""
        capture = apprise.LogCapture(  # type: ignore[no-untyped-call]  # Apprise leaves it untyped
            level=logging.WARNING, fmt="%(message)s"
        )
        with capture as said:
            is_sent = self.service.notify(
                title=notice.title,
                body=notice.text,
                notify_type=apprise.NotifyType(notice.urgency.value),
            )
            if is_sent:
                return None
            lines = said.getvalue().split("\n")
        return " ".join(line.strip() for line in lines if line.strip()) or "it gave no reason"


def targets_of(urls: Sequence[str]) -> list[Target]:
    """Return one target a URL; BadSetting names the URL by its number, since it holds secrets."""
    found = []
    for number, url in enumerate(urls, start=1):
        service = apprise.Apprise.instantiate(url)
        if service is None:
            kind = url.split("://")[0] if "://" in url else "no kind"
            raise BadSetting(
                f"{URLS}: number {number} of {len(urls)} ({kind}) is no URL that Apprise knows or "
                "lacks a part; see https://github.com/caronc/apprise/wiki"
            )
        found.append(Target(f"{number} ({service.service_name})", service))
    return found
