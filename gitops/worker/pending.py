"""Why a pod waits for its node: what scheduler, nodes and autoscaler say, asked only when it takes long."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from gitops import errors
from gitops.objects import Manifest
from gitops.pods import autoscaler, mounting, scheduling
from gitops.pods.stage import Progress, Stage
from gitops.worker.roster import Roster
from gitops.worker.station import Station

log = logging.getLogger(__name__)

AGAIN = (15.0, 40.0, 120.0)
"""Seconds between one explanation and the next; the last one goes on."""
NODES_FRESH = 30.0
"""Seconds for which one listing of the nodes serves all pods that wait."""


async def explain(station: Station, roster: Roster, pod: Manifest, progress: Progress) -> Progress:
    """The progress of a pod without a node with everything that can be found out; as it is if nothing can."""
    verdict = autoscaler.verdict(await _events(station, pod))
    offered = scheduling.offers(pod, await _nodes(station, roster))
    words = [progress.message, offered, verdict.words if verdict is not None else ""]
    message = "; ".join(part for part in words if part)
    if verdict is None or not verdict.helps:
        return replace(progress, message=message)
    return replace(progress, stage=Stage.SCALING, reason="ScalingUp", message=message)


async def prepares(station: Station, pod: Manifest) -> Progress | None:
    """What keeps a pod that has a node from getting ready, as its kubelet tells it; None if it tells nothing."""
    return mounting.explain(await _events(station, pod), pod["metadata"]["namespace"])


async def _events(station: Station, pod: Manifest) -> Sequence[Manifest]:
    metadata = pod["metadata"]
    mine = f"involvedObject.uid={metadata.get('uid')}"
    try:
        listing = await station.ports.objects.list(station.kinds.events, metadata["namespace"], fields=mine)
    except errors.ClusterError as error:
        log.warning("events of %s cannot be read: %s", metadata["name"], error)
        return ()
    return listing.items


async def _nodes(station: Station, roster: Roster) -> Sequence[Manifest]:
    now = station.ports.clock.monotonic()
    if now - roster.nodes_at >= NODES_FRESH:
        roster.nodes_at = now
        try:
            roster.nodes = (await station.ports.objects.list(station.kinds.nodes)).items
        except errors.ClusterError as error:
            log.warning("nodes cannot be listed: %s", error)
            roster.nodes = ()
    return roster.nodes
