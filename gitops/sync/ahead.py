"""Reading what a sync owns while its configuration is still being fetched and built.

What was applied last is most of what will be compared, so these LISTs can be on their way before it is known what is
wanted now: they wait for the network and the API server, and a build for neither.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Sequence

from gitops import errors
from gitops.objects import api_version_of, inventory
from gitops.ports.clock import Clock
from gitops.ports.objects import Listing, Objects, Resource
from gitops.sync import inventories

FRESH = 10.0
"""Seconds. After a fetch that took longer everything is read anew: a plan made from old answers would only be stale."""
_Question = tuple[Resource, str, str]


class Ahead:
    """Asks early; each answer is given once, and is the server's own, refusals included. Close it in any case."""

    def __init__(self, objects: Objects, clock: Clock, *, name: str, namespace: str) -> None:
        self._objects = objects
        self._clock = clock
        self._began = clock.monotonic()
        self._asked: dict[_Question, asyncio.Task[Listing]] = {}
        self._walk = asyncio.create_task(self._ask_for_all(name, namespace))

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "") -> Listing:
        """What was asked early, or the answer of now. Raises what `Objects.list` does."""
        question = (resource, namespace, labels)
        if question not in self._asked and self._fresh():
            await self._walk
        task = self._asked.pop(question, None)
        if task is not None and self._fresh():
            return await task
        if task is not None:
            await _end(task)
        return await self._objects.list(resource, namespace, labels=labels)

    async def close(self) -> None:
        """Withdraw every question whose answer was not wanted."""
        await _end(self._walk, *self._asked.values())
        self._asked.clear()

    def _fresh(self) -> bool:
        return self._clock.monotonic() - self._began < FRESH

    async def _ask_for_all(self, name: str, namespace: str) -> None:
        first = inventories.question(name, namespace)
        try:
            owned = inventories.stored(name, await asyncio.shield(self._ask(first))).inventory
            for question in await self._questions(owned):
                self._ask(question)
        except errors.GitOpsError:
            return  # whoever needs it asks again, and is told

    def _ask(self, question: _Question) -> asyncio.Task[Listing]:
        resource, namespace, labels = question
        task = asyncio.create_task(self._objects.list(resource, namespace, labels=labels))
        self._asked[question] = task
        return task

    async def _questions(self, owned: inventory.Inventory) -> Sequence[_Question]:
        """One for each kind and namespace with more than one object; a single one is read by its name."""
        groups = Counter(
            (api_version_of(ref.group, entry.version), ref.kind, ref.namespace) for ref, entry in owned.entries.items()
        )
        found = []
        for (version, kind, namespace), number in groups.items():
            if number > 1:
                found.append((await self._objects.resource(version, kind), namespace, ""))
        return found


async def _end(*tasks: asyncio.Task[None] | asyncio.Task[Listing]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
