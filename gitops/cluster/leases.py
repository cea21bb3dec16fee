"""Leader election on a Lease: of several replicas one works, and another takes over when it falls silent.

As client-go does it, a rival's expiry is judged by our own clock from the moment we saw its last renewal, so clocks
that differ between nodes do no harm. The work is cancelled `duration - deadline` seconds before anybody else may begin.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gitops.errors import ClusterUnavailable, ObjectExists, ObjectMissing, VersionConflict
from gitops.objects import Manifest
from gitops.ports.clock import Clock
from gitops.ports.objects import Objects, Resource

LEASES = Resource(group="coordination.k8s.io", version="v1", kind="Lease", plural="leases", namespaced=True)
_RELEASE_SECONDS = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """Seconds: how long a lease holds, after how long without a renewal we stop, and how often we renew or ask."""

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0


class Election:
    """Stands for one Lease as `identity`, which must be unique among the replicas (the pod's name)."""

    def __init__(
        self,
        objects: Objects,
        clock: Clock,
        *,
        namespace: str,
        name: str,
        identity: str,
        terms: Terms | None = None,
    ) -> None:
        self._objects = objects
        self._clock = clock
        self._place = (namespace, name)
        self._identity = identity
        self._terms = terms or Terms()
        self._holds = False
        self._mine: Manifest | None = None
        self._renewed = 0.0
        self._seen: tuple[str, float] = ("", 0.0)
        self.holder = ""
        """Who leads, as far as we know."""

    @property
    def leading(self) -> bool:
        """Whether we hold the lease, by our own clock."""
        return self._holds and self._clock.monotonic() - self._renewed < self._terms.deadline

    async def run(self, work: Callable[[], Awaitable[None]]) -> None:
        """Wait for the lease, work while it holds, give it back; returns when the work returns.

        If the lease is lost the work is cancelled, awaited, and begun again when the lease comes back. On cancellation
        the work ends first, then the lease is released, so that a successor need not wait for its expiry.

        Raises:
            ClusterDenied: the account may not use Leases.
        """
        while True:
            while not await self._try():
                await self._clock.sleep(self._terms.retry * random.uniform(1.0, 1.2))  # noqa: S311 - spreads rivals
            try:
                if await self._lead(work):
                    return
            finally:
                await self._release()

    async def _lead(self, work: Callable[[], Awaitable[None]]) -> bool:
        """Work until it is done (True) or the lease is lost (False)."""
        working = asyncio.ensure_future(work())
        keeping = asyncio.ensure_future(self._keep())
        try:
            await asyncio.wait({working, keeping}, return_when=asyncio.FIRST_COMPLETED)
            if working.done():
                working.result()
                return True
            keeping.result()
            return False
        finally:
            keeping.cancel()
            working.cancel()
            await asyncio.gather(working, keeping, return_exceptions=True)

    async def _keep(self) -> None:
        while self.leading:
            left = self._terms.deadline - (self._clock.monotonic() - self._renewed)
            await self._clock.sleep(min(self._terms.retry, left))
            if self.leading:
                # A renewal that gets no answer must not outlast the deadline either.
                await self._renew(self._terms.deadline - (self._clock.monotonic() - self._renewed))

    async def _renew(self, left: float) -> None:
        renewing = asyncio.ensure_future(self._try())
        expiring = asyncio.ensure_future(self._clock.sleep(left))
        try:
            await asyncio.wait({renewing, expiring}, return_when=asyncio.FIRST_COMPLETED)
            if renewing.done():
                renewing.result()
        finally:
            for task in (renewing, expiring):
                task.cancel()
            await asyncio.gather(renewing, expiring, return_exceptions=True)

    async def _try(self) -> bool:
        """Take or renew the lease; False if it is another's, or the server gave no clear answer."""
        asked = self._clock.monotonic()
        try:
            return await self._claim(asked)
        except (VersionConflict, ObjectExists, ObjectMissing):
            # Somebody wrote it: a rival, or we ourselves with an answer that was lost. Look who holds it.
            self._mine = None
        except ClusterUnavailable:
            return False
        try:
            return await self._claim(asked)
        except (VersionConflict, ObjectExists, ObjectMissing, ClusterUnavailable):
            return False

    async def _claim(self, asked: float) -> bool:
        lease = self._mine
        if lease is None:
            lease = await self._objects.get(LEASES, *self._place)
            if lease is not None and not self._is_free(lease):
                self._holds = False
                return False
        self._mine = None
        self._mine = await self._write(lease)
        # Counted from before the request: the server may have taken its time.
        self._holds, self._renewed, self.holder = True, asked, self._identity
        return True

    def _is_free(self, lease: Manifest) -> bool:
        spec = lease.get("spec") or {}
        version = lease["metadata"]["resourceVersion"]
        if version != self._seen[0]:
            self._seen = (version, self._clock.monotonic())
        self.holder = spec.get("holderIdentity") or ""
        lasts = float(spec.get("leaseDurationSeconds") or self._terms.duration)
        return self.holder in {"", self._identity} or self._clock.monotonic() >= self._seen[1] + lasts

    async def _write(self, lease: Manifest | None) -> Manifest:
        now = _micro(self._clock.now())
        spec: dict[str, Any] = dict((lease or {}).get("spec") or {})
        if spec.get("holderIdentity") != self._identity:
            spec["leaseTransitions"] = int(spec.get("leaseTransitions") or 0) + (1 if lease else 0)
            spec["acquireTime"] = now
        spec |= {
            "holderIdentity": self._identity,
            "leaseDurationSeconds": round(self._terms.duration),
            "renewTime": now,
        }
        if lease is None:
            metadata = dict(zip(("namespace", "name"), self._place, strict=True))
            made = {"apiVersion": LEASES.api_version, "kind": LEASES.kind, "metadata": metadata, "spec": spec}
            return await self._objects.create(LEASES, made)
        return await self._objects.replace(LEASES, {**lease, "spec": spec})

    async def _release(self) -> None:
        lease, self._mine, self._holds = self._mine, None, False
        if lease is None:
            return
        spec = {
            **lease["spec"],
            "holderIdentity": "",
            "leaseDurationSeconds": 1,
            "renewTime": _micro(self._clock.now()),
        }
        with contextlib.suppress(ClusterUnavailable, VersionConflict, ObjectMissing, TimeoutError):
            async with asyncio.timeout(_RELEASE_SECONDS):
                await self._objects.replace(LEASES, {**lease, "spec": spec})


def _micro(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
