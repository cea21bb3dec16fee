"""Reading and writing Kubernetes objects.

Every write goes under the one field manager; the adapter's User-Agent says which half of the program asked.
All methods raise `ClusterUnavailable` and `ClusterDenied` beside what they name.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from gitops.objects import Manifest

CARRIED_OUT_WITHIN = 45.0
"""Seconds after which a create is certainly not carried out any more: up to 10 on its way, 30 that the server is given
for it, and 5 for a storage that is slow.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One kind as the server serves it; `group` is empty for the core group."""

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool

    @property
    def api_version(self) -> str:
        """`v1`, or `group/version`."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing:
    """All objects of a kind at one resourceVersion; each item carries its apiVersion and kind."""

    items: Sequence[Manifest]
    resource_version: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Applied:
    """The object as the server has (or, for a dry run, would have) it; `created` if it was not there before."""

    object: Manifest
    created: bool


class Lists(Protocol):
    """The part of `Objects` that reading in bulk needs."""

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "") -> Listing:
        """As `Objects.list`."""
        ...


class Objects(Protocol):
    """Objects of a cluster."""

    async def resource(self, api_version: str, kind: str) -> Resource:
        """How the server serves a kind; discovery is asked once a group and again only for a kind not found.

        Raises:
            KindUnknown: the server serves no such kind.
        """
        ...

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """The object, read consistently from storage; None if it does not exist."""
        ...

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "") -> Listing:
        """All objects of the kind in the namespace (all namespaces if empty) that match both selectors.

        `fields` is one `path=value`; which paths there are is the kind's: `metadata.name`, an event's
        `involvedObject.uid`.
        """
        ...

    async def apply(
        self, resource: Resource, manifest: Manifest, *, dry_run: bool = False, force: bool = False
    ) -> Applied:
        """Server-side apply with strict field validation. uid and resourceVersion in the manifest are preconditions.

        Raises:
            FieldConflict: another manager owns a field, and `force` is false.
            VersionConflict: a precondition does not hold.
            ObjectInvalid: validation or admission refuses it.
            ObjectMissing: its namespace does not exist.
        """
        ...

    async def create(self, resource: Resource, manifest: Manifest, *, within: float | None = None) -> Manifest:
        """POST.

        With `within` it is on its way after so many seconds or not sent at all, which is unavailable and not ambiguous;
        and what is not carried out `CARRIED_OUT_WITHIN` seconds after that is never carried out.

        Raises:
            ObjectExists: there is one of that name.
            ObjectInvalid: validation or admission refuses it.
        """
        ...

    async def replace(self, resource: Resource, manifest: Manifest) -> Manifest:
        """PUT; the manifest's resourceVersion is a precondition.

        Raises:
            VersionConflict: the object has moved.
            ObjectMissing: it is gone.
        """
        ...

    async def patch_status(self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """Merge patch on the status subresource; `metadata.resourceVersion` and `metadata.uid` in it are preconditions.

        Raises:
            VersionConflict: the object has moved.
            ObjectMissing: it is gone.
        """
        ...

    async def delete(self, resource: Resource, namespace: str, name: str, *, options: DeleteOptions) -> bool:
        """Delete; False if it did not exist.

        Raises:
            VersionConflict: a precondition does not hold.
        """
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class DeleteOptions:
    """Preconditions and manner of a delete; an empty uid means none, `grace_seconds` None the object's own."""

    uid: str = ""
    resource_version: str = ""
    grace_seconds: int | None = None
    propagation: str = "Background"
