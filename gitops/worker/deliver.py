"""Files from URLs, brought into the pod whose runner waits for them.

Any worker may bring any file at any time: the pod says what is missing, takes each file once, and only whole. So a
worker that dies leaves nothing to be put right, and the next one just asks the pod again.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import AsyncIterator, Sequence

from gitops import errors
from gitops.pods import delivery, marks
from gitops.pods.delivery import Fetched
from gitops.pods.outcome import GaveUp
from gitops.ports.download import Terms
from gitops.ports.podexec import exit_code
from gitops.worker.live import Live
from gitops.worker.persist import Backoff
from gitops.worker.station import Station

log = logging.getLogger(__name__)

LONGEST = 15.0
"""Seconds between two tries at the most, unless the server asks for more patience."""
MOST_WISHED = 120.0


async def deliver(station: Station, live: Live, files: Sequence[Fetched]) -> GaveUp | None:
    """Bring every file; None when all are there, else why they never will be. Tried for as long as nobody cancels.

    `live.trouble` says meanwhile what the last try came to.
    """
    backoff = Backoff(station.ports.clock, longest=LONGEST)
    while True:
        wish = 0.0
        try:
            for number in await _missing(station, live, len(files)):
                await _bring(station, live, files[number])
                live.trouble = ""
                backoff.reset()
        except errors.DownloadRefused as error:
            return GaveUp(reason="FilesInvalid", message=_words(error))
        except errors.DownloadUnavailable as error:
            live.trouble, wish = str(error), min(error.retry_after, MOST_WISHED)
        except errors.ClusterError as error:
            if exit_code(error) == delivery.UNWRITTEN:
                return GaveUp(
                    reason="FilesNotWritten", message=f"a file from a URL could not be written: {error.cause}"
                )
            live.trouble = str(error)
        else:
            return None
        log.info("files of %s: %s", live.uid, live.trouble)
        live.changed.set()
        await backoff.pause(wish)


async def _missing(station: Station, live: Live, count: int) -> list[int]:
    found = b""
    async for part in station.ports.exec.run(*_where(live), delivery.missing(count)):
        found += part
    return [int(line) for line in found.split() if int(line) < count]


async def _bring(station: Station, live: Live, one: Fetched) -> None:
    allow = live.pool.spec.allow
    try:
        address = one.address
    except ValueError as error:
        raise errors.DownloadRefused(f"cannot fetch {one.shown}", cause=str(error)) from None
    terms = Terms(allow=allow.urls, authority=await _authority(station, live), limit=delivery.limit(allow))
    async with station.ports.downloads.open(address, terms) as chunks:
        await station.ports.exec.send(*_where(live), delivery.receive(one), _blocks(one, chunks))
    log.info("fetched %s for %s", one.shown, live.uid)


async def _blocks(one: Fetched, chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The file as the runner takes it; its end is said only if it is the file that was meant."""
    digest, size = hashlib.sha256(), 0
    async for chunk in chunks:
        digest.update(chunk)
        size += len(chunk)
        yield delivery.block(chunk)
    if digest.hexdigest() != one.digest:
        raise errors.DownloadRefused(
            f"what {one.shown} gives is not the file that was meant",
            cause=f"its digest is sha256:{digest.hexdigest()} ({size} bytes), expected was sha256:{one.digest}",
        )
    yield delivery.END


async def _authority(station: Station, live: Live) -> bytes:
    """The certificates the pool's scripts trust, for the worker trusts the same for them; empty: the system's."""
    wanted = live.pool.spec.ca
    if wanted is None:
        return b""
    namespace = live.pool_namespace
    found = await station.ports.objects.get(station.kinds.config_maps, namespace, wanted.name)
    text = ((found or {}).get("data") or {}).get(wanted.key)
    if not text:
        raise errors.DownloadUnavailable(
            "cannot read the pool's ca", cause=f"ConfigMap {namespace}/{wanted.name} has no key {wanted.key}"
        )
    return str(text).encode()


def _where(live: Live) -> tuple[str, str, str]:
    assert live.pod is not None  # noqa: S101 - files are brought only into a pod that was seen
    metadata = live.pod["metadata"]
    return metadata["namespace"], metadata["name"], marks.CONTAINER


def _words(error: errors.GitOpsError) -> str:
    return "; ".join(part for part in (str(error), error.hint) if part)
