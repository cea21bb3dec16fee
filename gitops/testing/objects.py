"""The Objects port in memory; `FakeServer` has the rules."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from gitops.errors import GitOpsError
from gitops.objects import Manifest
from gitops.ports.clock import Clock
from gitops.ports.objects import Applied, DeleteOptions, Listing, Resource
from gitops.testing.clock import FakeClock
from gitops.testing.server import FakeServer
from gitops.testing.store import Store, copy

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """One request as it reached the cluster: what tests count and fail."""

    verb: str
    kind: str
    namespace: str
    name: str
    dry_run: bool = False
    body: Mapping[str, Any] | None = None


Hook = Callable[[Call], None]


class FakeObjects:
    """A cluster in memory.

    `calls` lists the requests. Each hook in `before` sees a call first and may raise in the server's stead; each in
    `after` may raise though the call was carried out, as a lost answer does. `server` acts as somebody else would:
    its methods are no requests of ours.
    """

    def __init__(self, *, clock: Clock | None = None, namespaces: Iterable[str] = ("default",)) -> None:
        self.server = FakeServer(clock or FakeClock(), namespaces)
        self.calls: list[Call] = []
        self.before: list[Hook] = []
        self.after: list[Hook] = []

    @property
    def store(self) -> Store:
        """What the cluster holds."""
        return self.server.store

    def serve(self, resource: Resource) -> None:
        """Serve another kind."""
        self.server.serve(resource)

    async def resource(self, api_version: str, kind: str) -> Resource:
        """See `gitops.ports.objects.Objects`."""
        return self.server.kind(api_version, kind)

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """See `gitops.ports.objects.Objects`."""
        call = Call(verb="get", kind=resource.kind, namespace=namespace, name=name)
        return self._carry_out(call, lambda: self.server.get(resource, namespace, name))

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "") -> Listing:
        """See `gitops.ports.objects.Objects`."""
        call = Call(verb="list", kind=resource.kind, namespace=namespace, name="")
        return self._carry_out(call, lambda: self.server.list(resource, namespace, labels, fields))

    async def apply(
        self, resource: Resource, manifest: Manifest, *, dry_run: bool = False, force: bool = False
    ) -> Applied:
        """See `gitops.ports.objects.Objects`."""
        call = _call("apply", resource, manifest, dry_run=dry_run)
        return self._carry_out(call, lambda: self.server.apply(resource, copy(manifest), dry_run=dry_run, force=force))

    async def create(self, resource: Resource, manifest: Manifest, *, within: float | None = None) -> Manifest:
        """See `gitops.ports.objects.Objects`. In memory everything is sent and carried out at once."""
        del within
        call = _call("create", resource, manifest)
        return self._carry_out(call, lambda: self.server.create(resource, copy(manifest)))

    async def replace(self, resource: Resource, manifest: Manifest) -> Manifest:
        """See `gitops.ports.objects.Objects`."""
        call = _call("replace", resource, manifest)
        return self._carry_out(call, lambda: self.server.replace(resource, copy(manifest)))

    async def patch_status(self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """See `gitops.ports.objects.Objects`."""
        call = Call(verb="patch_status", kind=resource.kind, namespace=namespace, name=name, body=patch)
        body = copy(dict(patch))
        return self._carry_out(call, lambda: self.server.patch_status(resource, namespace, name, body))

    async def delete(self, resource: Resource, namespace: str, name: str, *, options: DeleteOptions) -> bool:
        """See `gitops.ports.objects.Objects`."""
        call = Call(verb="delete", kind=resource.kind, namespace=namespace, name=name)
        return self._carry_out(call, lambda: self.server.delete(resource, namespace, name, options))

    def _carry_out(self, call: Call, act: Callable[[], _Answer]) -> _Answer:
        self.calls.append(call)
        for hook in tuple(self.before):
            hook(call)
        answer = act()
        for hook in tuple(self.after):
            hook(call)
        return answer


def failing(error: GitOpsError, *, verb: str = "", kind: str = "", times: int = 1) -> Hook:
    """A hook that raises `error` for the first `times` matching calls; an empty verb or kind matches any."""
    left = times

    def hook(call: Call) -> None:
        nonlocal left
        if left and verb in {"", call.verb} and kind in {"", call.kind}:
            left -= 1
            raise error

    return hook


def _call(verb: str, resource: Resource, manifest: Manifest, *, dry_run: bool = False) -> Call:
    metadata = manifest.get("metadata") or {}
    return Call(
        verb=verb,
        kind=resource.kind,
        namespace=metadata.get("namespace") or "",
        name=metadata.get("name") or metadata.get("generateName") or "",
        dry_run=dry_run,
        body=manifest,
    )
