"""The order of the output: kustomize's legacy order, first in first out, or the one `sortOptions` gives."""

from __future__ import annotations

from typing import Any

from gitops import errors
from gitops.build.config import KIND_ORDER, sort_text
from gitops.build.identity import Gvk
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource

LEGACY, FIFO = "legacy", "fifo"


def arrange(resources: list[Resource], kustomization: Kustomization) -> list[Resource]:
    """The resources in output order; without `sortOptions`, `kubectl kustomize` uses the legacy order.

    Raises:
        BuildError: `sortOptions` names no known order.
    """
    options: dict[str, Any] | None = kustomization.data.get("sortOptions")
    if options is None:
        return _legacy(resources, KIND_ORDER)
    chosen, legacy = options.get("order", ""), options.get("legacySortOptions")
    if chosen not in (LEGACY, FIFO):
        raise errors.BuildError(
            f"sortOptions: the order must be {LEGACY} or {FIFO}", location=kustomization.at("/sortOptions/order")
        )
    if chosen == FIFO:
        if legacy is not None:
            raise errors.BuildError(
                "sortOptions: legacySortOptions needs the order legacy",
                location=kustomization.at("/sortOptions/legacySortOptions"),
            )
        return resources
    if legacy is None:
        return _legacy(resources, KIND_ORDER)
    first, last = legacy.get("orderFirst") or [], legacy.get("orderLast") or []
    places = {kind: i - len(first) for i, kind in enumerate(first)} | {kind: 1 + i for i, kind in enumerate(last)}
    return _legacy(resources, places)


def _legacy_text(gvk: Gvk) -> str:
    """A kind as kustomize prints it, which is what it sorts by within a kind."""
    return ".".join((gvk.kind or "[noKind]", gvk.version or "[noVer]", gvk.group or "[noGrp]"))


def _legacy(resources: list[Resource], places: dict[str, int]) -> list[Resource]:
    def key(resource: Resource) -> tuple[int, str, str]:
        now = resource.identity
        gvk = now.gvk
        return (
            places.get(gvk.kind, 0),
            sort_text(gvk),
            f"{_legacy_text(gvk)}|{now.namespace or '~X'}|{now.name or '~N'}",
        )

    return sorted(resources, key=key)
