"""What a commit message says in its trailers: the `Key: value` lines of its last paragraph.

Consent is read from here, so the rule is strict: the paragraph counts only if every line of it is a trailer or the
indented continuation of one, and a message's first paragraph is its title, never trailers.
"""

from __future__ import annotations

import re

TRAILER = re.compile(r"^([A-Za-z0-9][A-Za-z0-9-]*)[ \t]*:[ \t]*(.*)$")
Trailers = tuple[tuple[str, str], ...]


def trailers(message: str) -> Trailers:
    """The trailers of a commit message in their order; a key may come more than once."""
    paragraphs = [part for part in re.split(r"\n[ \t]*\n", message.replace("\r\n", "\n").strip("\n")) if part.strip()]
    if len(paragraphs) < 2:  # noqa: PLR2004
        return ()
    found: list[tuple[str, str]] = []
    for line in paragraphs[-1].strip("\n").split("\n"):
        match = TRAILER.match(line)
        if match is not None:
            found.append((match[1], match[2].strip()))
        elif line[:1] in {" ", "\t"} and found:
            key, value = found[-1]
            found[-1] = (key, f"{value} {line.strip()}")
        else:
            return ()
    return tuple(found)


def subject(message: str) -> str:
    """The title: the first paragraph's first line."""
    return message.strip().partition("\n")[0].strip()
