"""Keys that are no strings: numbers, dates, `true`, nothing at all.

Kubernetes has none, but manifests are written with them, and kustomize makes them: it writes the labels, annotations
and data that it adds without quotes, so that a key `8080` is a number. It carries them along and refuses, in the end,
an object that still has one anywhere but at its root.
"""

from __future__ import annotations

import functools
from collections.abc import Iterator
from typing import Any

from gitops.yaml.scalars import Dialect, is_null, resolve
from gitops.yaml.tracked import Unquoted

_MERGE = "<<"
_FIRST = frozenset("0123456789+-.~<tTfFnN")
"""What a text that is read as no string begins with."""

MAX_DEPTH = 1_000
"""Levels looked into; whatever is deeper cannot be written anyway."""


def reads_otherwise(key: str) -> bool:
    """Whether a key, written without quotes in a manifest, is no string, or the merge key."""
    return not key or (key[0] in _FIRST and _resolved_otherwise(key))


@functools.lru_cache(maxsize=4096)
def _resolved_otherwise(key: str) -> bool:
    try:
        return key == _MERGE or resolve(key, Dialect.MANIFEST) is not key
    except ValueError:
        return True


def made(key: str) -> str:
    """A key as kustomize makes it: `Unquoted` if it then is no string."""
    return Unquoted(key) if reads_otherwise(key) else str(key)


def unquoted_below(value: Any, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Unquoted]]:
    """Every unquoted key below the root of a value, and every null one, with the path of the mapping it is in."""
    if len(path) > MAX_DEPTH:
        return
    if isinstance(value, dict):
        for key, item in value.items():
            if isinstance(key, Unquoted) and (path or is_null(resolve(key, Dialect.MANIFEST))):
                yield path, key
            if isinstance(item, dict | list):
                yield from unquoted_below(item, (*path, str(key)))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            if isinstance(item, dict | list):
                yield from unquoted_below(item, (*path, str(index)))
