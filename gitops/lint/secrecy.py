"""The secret values written in the files looked at: findings quote lines, and these must not be seen in them."""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Iterable, Iterator

from gitops.yaml.scan import Scan

_DATA = re.compile(r"^(/items/\d+)?/(data|stringData)/[^/]+$")
_LITERAL = re.compile(r"^/secretGenerator/\d+/literals/\d+$")


def values(scans: Iterable[Scan]) -> Iterator[str]:
    """Values of Secrets, as written and decoded, and of the literals of secret generators."""
    for scanned in scans:
        for one in scanned.scalars:
            if scanned.headers[one.document][1] in {"Secret", "SecretList", "List"} and _DATA.match(one.pointer):
                yield one.text
                yield from _decoded(one.text)
            elif _LITERAL.match(one.pointer):
                yield one.text.partition("=")[2].strip("\"'")


def _decoded(text: str) -> Iterator[str]:
    try:
        yield base64.b64decode("".join(text.split()), validate=True).decode("utf-8")
    except (binascii.Error, UnicodeDecodeError):
        return
