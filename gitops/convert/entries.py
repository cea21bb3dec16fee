"""What became of each value in the file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from gitops import yaml
from gitops.convert import chart
from gitops.convert.chart import Fate
from gitops.convert.values import Values
from gitops.location import Location

_TEMPLATE: Final = "scriptPods.podTemplate."
_FLAT: Final = ("scriptPods.affinity", "scriptPods.tolerations", "scriptPods.securityContext")


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """`words`: for what was carried over the field of ours, else why it was not, and what to do instead."""

    path: str
    fate: Fate
    location: Location | None
    words: str


def known(values: Values) -> Iterator[Entry]:
    """The chart's own values that the file sets."""
    template = values.flag(f"{_TEMPLATE}enabled")
    for row in chart.ROWS:
        if not values.given(row.path) or (row.fate is Fate.CREDENTIAL and not _filled(values, row.path)):
            continue
        ignored = _ignored(row.path, template=template)
        fate, words = (Fate.MEANINGLESS, ignored) if ignored else (row.fate, row.words)
        yield Entry(path=row.path, fate=fate, location=values.location(row.path), words=words)


def _filled(values: Values, path: str) -> bool:
    raw = values.raw(path)
    return raw is not None and yaml.plain(raw) != ""


def _ignored(path: str, *, template: bool) -> str:
    """Why the chart itself ignores a value (its script pod template stands instead of the flat settings)."""
    if template and path in _FLAT:
        return f"the chart ignores it: {_TEMPLATE}enabled is true, and podSpec stands instead"
    inside = path.startswith(_TEMPLATE) and path != f"{_TEMPLATE}enabled"
    return f"the chart ignores it: {_TEMPLATE}enabled is false" if inside and not template else ""
