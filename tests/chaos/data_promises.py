"""The promises about data: what was polled or sent is logged or quarantined, once and whole."""

from collections import Counter
from collections.abc import Collection

from chaos.evidence import Evidence, Poll
from chaos.logbook import Logbook, RowId
from chaos.verdict import Verdict

SHOWN = 3
SPOOLED_WITHIN_S = 1.0
"""After so long a reading is in the bridge's spool; a kill -9 before that is as if it came earlier.
"""


def judge_data(
    evidence: Evidence, book: Logbook, bridge: str, others: Collection[RowId] = ()
) -> Verdict:
    """Compare what independent observers saw on the wire with what is on the logger's disk.

    Sent is every reading that the bridge has certainly taken from a station, and every meter value
    that has left it; `others` are messages of other senders that the broker has acknowledged.
    """
    verdict = Verdict()
    published_ids = {s.message_id for s in evidence.meters(bridge)}
    kept = book.rows.keys() | book.quarantined.keys()
    missing_ids = (published_ids | set(others)) - kept

    answered = list(evidence.polls)
    polls = [poll for poll in answered if poll.bridge == bridge]
    unspooled = _unspooled(polls, book)
    owed = [poll for poll in polls if poll.is_taken and poll not in unspooled]
    taken = Counter((poll.station, poll.at) for poll in owed)
    missing_polls = taken - book.instants
    seen = Counter((poll.station, poll.at) for poll in answered)
    bridge_rows = _without(book, others)
    stowaways = bridge_rows - seen

    verdict.figures |= {
        "polled": len(polls),
        "taken": taken.total(),
        "killed_before_spooled": len(unspooled),
        "published": len(published_ids),
        "others_sent": len(others),
        "logged": book.rows.total(),
        "quarantined": book.quarantined.total(),
    }
    verdict.at_most("0 missing", "missing", len(missing_ids), 0)
    verdict.at_most("0 missing", "missing_polls", missing_polls.total(), 0)
    verdict.at_most("0 duplicate", "duplicates", book.duplicates, 0)
    verdict.at_most("0 torn", "torn", len(book.torn), 0)
    verdict.at_most("nothing that nobody sent", "stowaways", stowaways.total(), 0)
    if missing_ids:
        verdict.broken["0 missing"] += f", for instance {sorted(missing_ids)[:SHOWN]}"
    if book.torn:
        verdict.broken["0 torn"] += f", for instance {book.torn[:SHOWN]}"
    verdict.expect("something was sent", len(taken) > 0, "no reading was taken at all")
    return verdict


def _unspooled(polls: list[Poll], book: Logbook) -> list[Poll]:
    """Return the readings that were lost with a process of the bridge right after it read them."""
    last_s: dict[int, float] = {}
    for poll in polls:
        last_s[poll.life] = max(poll.answered_s, last_s.get(poll.life, 0.0))
    newest = max(last_s, default=0)
    return [
        poll
        for poll in polls
        if poll.life != newest
        and poll.answered_s > last_s[poll.life] - SPOOLED_WITHIN_S
        and (poll.station, poll.at) not in book.instants
    ]


def _without(book: Logbook, others: Collection[RowId]) -> Counter[tuple[str, str]]:
    if not others:
        return Counter(book.instants)
    # Other senders name stations of their own.
    return Counter({key: n for key, n in book.instants.items() if not key[0].startswith("flood")})
