"""The languages there are, and which of them a person gets."""

from wattbus_dashboard.words import Words
from wattbus_dashboard.words_en import EN
from wattbus_dashboard.words_sv import SV

LANGUAGES = {words.code: words for words in (EN, SV)}


def choose(wanted: str | None, accept_language: str) -> Words:
    """Return the language that was chosen before, else the browser's first that we speak."""
    if wanted in LANGUAGES:
        return LANGUAGES[wanted]
    for part in _by_weight(accept_language):
        code = part.split("-")[0].lower()
        if code in LANGUAGES:
            return LANGUAGES[code]
    return EN


def _by_weight(accept_language: str) -> list[str]:
    """Return the tags of an Accept-Language header, the most wanted first (RFC 9110, 12.5.4)."""
    weighted = []
    for part in accept_language.split(","):
        tag, _, weight = part.strip().partition(";q=")
        try:
            weighted.append((float(weight or 1), tag.strip()))
        except ValueError:
            continue
    return [tag for weight, tag in sorted(weighted, key=lambda item: -item[0]) if tag and weight]
