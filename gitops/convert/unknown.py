"""Keys the chart does not have: Helm takes them without a word, so a typing error is a setting that never worked."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import Any, Final

from gitops.convert import chart
from gitops.convert.chart import Fate
from gitops.convert.entries import Entry
from gitops.convert.values import Values

_INSIDE: Final = frozenset(
    ".".join(row.path.split(".")[:depth]) for row in chart.ROWS for depth in range(1, row.path.count(".") + 1)
)
"""Every path that has rows below it."""
_CHART_1: Final = "a key of chart 1, which knew deployment targets only"
_SUBCHART: Final = "values of a parent chart? Give the part below this key"


def unknown(values: Values) -> Iterator[Entry]:
    """The keys that mean nothing to the chart, each with what may have been meant."""
    yield from _below(values.root, "")


def _below(mapping: dict[str, Any], above: str) -> Iterator[Entry]:
    for key, value in mapping.items():
        path = f"{above}{key}"
        if "." in key:
            yield _entry(path, value, "Helm does not split keys: write it nested")
        elif path in chart.CHART_1:
            yield _entry(path, value, _CHART_1)
        elif path in chart.BY_PATH:
            if path.endswith("ffinity") and isinstance(value, dict):
                yield from _affinity(value, path)
        elif path not in _INSIDE:
            yield _entry(path, value, _hint(path, key, value))
        elif isinstance(value, dict):
            yield from _below(value, f"{path}.")


def _affinity(affinity: dict[str, Any], path: str) -> Iterator[Entry]:
    for kind, terms in affinity.items():
        if kind not in chart.AFFINITY:
            yield _entry(f"{path}.{kind}", terms, _close(kind, list(chart.AFFINITY)))
            continue
        for term in terms if isinstance(terms, dict) else ():
            if term in chart.AFFINITY:
                yield _entry(f"{path}.{kind}.{term}", terms[term], f"did you mean {path}.{term}?")
            elif term not in chart.AFFINITY[kind]:
                yield _entry(f"{path}.{kind}.{term}", terms[term], _close(term, list(chart.AFFINITY[kind])))


def _hint(path: str, key: str, value: Any) -> str:
    if path == key and isinstance(value, dict) and {"agent", "scriptPods"} & set(value):
        return _SUBCHART
    above = path.removesuffix(key)
    beside = {known.removeprefix(above).split(".")[0] for known in chart.BY_PATH if known.startswith(above)}
    close = _close(key, sorted(beside), above)
    if close:
        return close
    elsewhere = [known for known in (*_INSIDE, *chart.BY_PATH) if known.rpartition(".")[2] == key]
    nearest = sorted(elsewhere, key=lambda name: (name.count("."), name))[:2]
    return f"did you mean {' or '.join(nearest)}?" if nearest else ""


def _close(key: str, known: list[str], above: str = "") -> str:
    folded = [name for name in known if name.lower() == key.lower()]
    found = folded or difflib.get_close_matches(key, known, n=1, cutoff=0.7)
    return f"did you mean {above}{found[0]}?" if found else ""


def _entry(path: str, value: Any, words: str) -> Entry:
    return Entry(path=path, fate=Fate.UNKNOWN, location=getattr(value, "at", None), words=words)
