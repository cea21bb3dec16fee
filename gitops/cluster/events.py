"""The Events port as events.k8s.io/v1 objects.

The same happening to the same object is one Event, whose series counts how often it came. Only the counts 1, 2, 4, 8
and so on are written: a loop that fails every second costs a dozen writes an hour and not 3,600.
"""

from __future__ import annotations

import hashlib
import logging
from collections import OrderedDict
from dataclasses import dataclass
from datetime import datetime

from gitops.errors import ClusterError
from gitops.objects import Manifest
from gitops.ports.clock import Clock
from gitops.ports.events import Happening
from gitops.ports.objects import Objects, Resource

EVENTS = Resource(group="events.k8s.io", version="v1", kind="Event", plural="events", namespaced=True)
_FORGET = 3600.0
"""Seconds after which the same happening is a new Event; the server keeps Events for an hour by default."""
_REMEMBER = 1000
_NOTE_LIMIT = 1024  # bytes: validation of events.k8s.io/v1
_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class _Told:
    event: Manifest
    since: float
    count: int = 1


class ServerEvents:
    """Writes Events as `component`, running in pod `instance`."""

    def __init__(self, objects: Objects, clock: Clock, *, component: str, instance: str) -> None:
        self._objects = objects
        self._clock = clock
        self._component = f"gitops-worker.io/{component}"
        self._instance = instance
        self._told: OrderedDict[str, _Told] = OrderedDict()

    async def tell(self, regarding: Manifest, happening: Happening) -> None:
        """See `gitops.ports.events.Events`."""
        key = _key(regarding, happening)
        told = self._told.get(key)
        if told and self._clock.monotonic() - told.since < _FORGET:
            told.count += 1
            if told.count & (told.count - 1):
                return
            told.event["series"] = {"count": told.count, "lastObservedTime": _micro(self._clock.now())}
        else:
            told = _Told(self._event(regarding, happening, key), self._clock.monotonic())
            self._told[key] = told
            self._told.move_to_end(key)
            while len(self._told) > _REMEMBER:
                self._told.popitem(last=False)
        try:
            await self._objects.apply(EVENTS, told.event, force=True)
        except ClusterError as error:
            _LOG.warning("an event was not recorded: %s", error, extra={"reason": error.reason})

    def _event(self, regarding: Manifest, happening: Happening, key: str) -> Manifest:
        metadata = regarding["metadata"]
        now = self._clock.now()
        reference = {
            "apiVersion": regarding["apiVersion"],
            "kind": regarding["kind"],
            "namespace": metadata.get("namespace"),
            "name": metadata["name"],
            "uid": metadata.get("uid"),
            "resourceVersion": metadata.get("resourceVersion"),
        }
        return {
            "apiVersion": EVENTS.api_version,
            "kind": EVENTS.kind,
            "metadata": {
                "name": f"{metadata['name'][:200]}.{key[:10]}{int(now.timestamp()):x}",
                # An Event of a cluster-scoped object lies in `default`.
                "namespace": metadata.get("namespace") or "default",
            },
            "eventTime": _micro(now),
            "reportingController": self._component,
            "reportingInstance": self._instance[:128],
            "regarding": {name: value for name, value in reference.items() if value},
            "type": happening.severity,
            "reason": happening.reason,
            "action": happening.action,
            "note": _clipped(happening.note),
        }


def _key(regarding: Manifest, happening: Happening) -> str:
    metadata = regarding["metadata"]
    who = (regarding["kind"], metadata.get("namespace") or "", metadata["name"], metadata.get("uid") or "")
    what = (happening.reason, happening.action, happening.severity, happening.note)
    return hashlib.sha256("\0".join((*who, *what)).encode()).hexdigest()


def _clipped(note: str) -> str:
    raw = note.encode()
    return note if len(raw) <= _NOTE_LIMIT else raw[: _NOTE_LIMIT - 4].decode("utf-8", "ignore") + " ..."


def _micro(when: datetime) -> str:
    return when.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
