"""What became of the values, for a person and as JSON. Values themselves are never in it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Final

from gitops import api
from gitops.convert import secrecy
from gitops.convert.chart import Fate
from gitops.convert.conversion import Conversion
from gitops.convert.entries import Entry
from gitops.convert.notices import Notice
from gitops.location import Location

_TITLES: Final = {
    Fate.CARRIED: "carried over",
    Fate.NOT_YET: "not yet",
    Fate.MEANINGLESS: "without meaning here",
    Fate.CREDENTIAL: "credentials",
    Fate.UNKNOWN: "unknown to the chart",
}


def summary(made: Conversion) -> str:
    """One line: how many values, and what became of them."""
    counts = {fate: sum(entry.fate is fate for entry in made.entries) for fate in Fate}
    parts = [f"{title} {counts[fate]}" for fate, title in _TITLES.items() if counts[fate]]
    return f"{len(made.entries)} values: {', '.join(parts) or 'nothing is set'}"


def lines(made: Conversion) -> Iterator[str]:
    """The whole report: decisions first, then Secrets to make, then every value."""
    yield summary(made)
    yield from _section("Know or decide", [_notice(notice) for notice in made.notices])
    if made.needed:
        yield from _section("Secrets to make (values are copied nowhere)", [_needed(one) for one in made.needed])
        where = f"namespace {made.names.operations} is there after the first apply"
        yield f"  A file for each value, no line break after it; {where}:"
        yield from (f"    {command}" for command in secrecy.commands(made.needed))
    yield from _entries(made, Fate.UNKNOWN)
    yield from _reasons(made, Fate.NOT_YET)
    yield from _reasons(made, Fate.MEANINGLESS)
    yield from _entries(made, Fate.CARRIED)


def _entries(made: Conversion, fate: Fate) -> Iterator[str]:
    arrow = " -> " if fate is Fate.CARRIED else ": "
    texts = [f"{_at(one.location)}{one.path}{arrow if one.words else ''}{one.words}" for one in _of(made, fate)]
    yield from _section(_TITLES[fate].capitalize(), texts)


def _reasons(made: Conversion, fate: Fate) -> Iterator[str]:
    """Values with the same reason together, the reason once."""
    found: dict[str, list[str]] = {}
    for one in _of(made, fate):
        found.setdefault(one.words, []).append(f"  {_at(one.location)}{one.path}")
    yield from _section(
        _TITLES[fate].capitalize(), [line for words, paths in found.items() for line in (words, *paths)]
    )


def _of(made: Conversion, fate: Fate) -> list[Entry]:
    return [entry for entry in made.entries if entry.fate is fate]


def document(made: Conversion) -> dict[str, Any]:
    """The report as JSON data."""
    return {
        "apiVersion": api.API_VERSION,
        "kind": "ImportReport",
        "objects": [{"kind": one.kind, "name": one.name} for one in (made.pool, made.worker)],
        "namespace": made.names.namespace,
        "operationsNamespace": made.names.operations,
        "values": [
            {"path": one.path, "fate": one.fate.value, "words": one.words, **_place(one.location)}
            for one in made.entries
        ],
        "notices": [
            {"text": one.text, **({"path": one.path} if one.path else {}), **_place(one.location)}
            for one in made.notices
        ],
        "secrets": [
            {
                "path": one.path,
                "namespace": one.namespace,
                "name": one.secret,
                "key": one.key,
                "user": one.user,
                **_place(one.location),
            }
            for one in made.needed
        ],
        "commands": list(secrecy.commands(made.needed)),
    }


def _section(title: str, texts: list[str]) -> Iterator[str]:
    if texts:
        yield ""
        yield f"{title}:"
        yield from (f"  {text}" for text in texts)


def _notice(notice: Notice) -> str:
    return f"{_at(notice.location)}{f'{notice.path} ' if notice.path else ''}{notice.text}"


def _needed(one: secrecy.Needed) -> str:
    user = f"read by {one.user}" if one.user else "nothing here reads it yet"
    return f"{_at(one.location)}{one.path} -> Secret {one.namespace}/{one.secret}, key {one.key}: {user}"


def _at(location: Location | None) -> str:
    return f"{location}  " if location else ""


def _place(location: Location | None) -> dict[str, Any]:
    if location is None:
        return {}
    return {"location": {"file": location.file, "line": location.line, "column": location.column}}
