"""Keeping secrets and control characters out of everything that leaves the program.

Both work on finished text, at the edge: whatever route a value took, it is masked where it would become visible.
"""

from __future__ import annotations

import base64
import re
from collections.abc import Iterable
from urllib.parse import quote

MASK = "***"
SHORTEST = 4
"""Shorter values are not masked: they would blot out ordinary words and give themselves away by it."""

# C0 and C1 controls except tab and newline, and the characters that reorder or hide text (CVE-2021-42574); the joiners
# U+200C and U+200D stay, some scripts cannot be written without them.
CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u2069\ufeff\ud800-\udfff]")


class Redactor:
    """Knows this run's secret values, and masks them raw, in base64 and as part of a URL."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        self._forms: set[str] = set()
        self._pattern: re.Pattern[str] | None = None
        self.add(*secrets)

    def add(self, *secrets: str) -> None:
        """Mask these too from now on; each line of a value of several lines counts for itself."""
        for secret in secrets:
            lines = {line.strip() for line in secret.splitlines()}
            for value in {secret, secret.strip(), *lines}:
                if len(value) >= SHORTEST:
                    self._forms.update(_forms(value))
        ordered = sorted(self._forms, key=len, reverse=True)
        self._pattern = re.compile("|".join(map(re.escape, ordered))) if ordered else None

    def clean(self, text: str) -> str:
        """The text with every known secret masked."""
        return self._pattern.sub(MASK, text) if self._pattern else text


def _forms(value: str) -> set[str]:
    """A value raw, as part of a URL, and in base64 at each of the three offsets it can have in a longer text."""
    data = value.encode("utf-8", "surrogateescape")
    whole = base64.b64encode(data).decode()
    forms = {value, quote(data, safe=""), whole, whole.rstrip("=")}
    for offset in range(3):
        coded = base64.b64encode(b"\0" * offset + data).decode().rstrip("=")
        # The first and last characters mix with their neighbours, so only what the value alone decides is searched.
        start = -(-offset * 8 // 6)
        end = (offset + len(data)) * 8 // 6
        if end - start >= 2 * SHORTEST:
            forms |= {coded[start:end], coded[start:end].replace("+", "-").replace("/", "_")}
    return forms


def plain(text: str) -> str:
    """Text from a repository, a cluster or a server without the characters that could steer a terminal."""
    return CONTROL.sub("\N{REPLACEMENT CHARACTER}", text)
