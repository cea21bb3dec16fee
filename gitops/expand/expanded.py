"""What expansion takes beside the manifests, and what it gives."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from gitops.location import Location
from gitops.objects import Manifest
from gitops.ref import ResourceRef

Locate = Callable[[ResourceRef, str], Location | None]
"""The place in Git of a field (JSON Pointer) of an authored object, for errors; None if Git does not hold it."""


def _nowhere(_ref: ResourceRef, _pointer: str) -> Location | None:
    return None


@dataclass(frozen=True, slots=True, kw_only=True)
class Context:
    """`runner`: the files of the in-pod runner by name (`gitops.runner.files()`)."""

    runner: Mapping[str, bytes]
    locate: Locate = _nowhere


@dataclass(frozen=True, slots=True, kw_only=True)
class Expanded:
    """One object to apply, and who it is; `authored` is the object in Git it comes from, which may be itself."""

    manifest: Manifest
    ref: ResourceRef
    authored: ResourceRef
