"""The log store of `gitops run`, from its command line."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Protocol

from gitops import errors
from gitops.api import duration
from gitops.logstore import DirectoryStore, Retention, SegmentedStore, bucket
from gitops.objects import quantity
from gitops.ports.clock import Clock
from gitops.ports.logstore import LogStore


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What the command line says about logs."""

    log_directory: str
    log_bucket: str
    log_endpoint: str
    log_region: str
    log_credentials: str
    log_authority: str
    log_max_age: str
    log_max_bytes: str


NAMES = tuple(field.name for field in fields(Options))


class Kept(LogStore, Protocol):
    """A log store that somebody looks after."""

    async def sweep(self) -> int:
        """Remove what the retention no longer keeps; how many logs that were."""
        ...

    async def check(self) -> None:
        """Whether it can be used.

        Raises:
            LogStoreUnavailable: it cannot.
        """
        ...


def open_store(chosen: Options, clock: Clock) -> Kept:
    """The log store; a bucket is not asked yet.

    Raises:
        ConfigError: an option is wrong, or names a file that cannot be read.
    """
    most = quantity.parse(chosen.log_max_bytes)
    if most is None:
        raise errors.ConfigError(f"--log-max-bytes: not a quantity: {chosen.log_max_bytes!r}", hint="write 500Mi, 10Gi")
    retention = Retention(seconds=duration.seconds(chosen.log_max_age), bytes=int(most))
    if not chosen.log_bucket:
        return DirectoryStore(Path(chosen.log_directory), clock, retention=retention)
    name, _, prefix = chosen.log_bucket.partition("/")
    settings = bucket.Settings(
        bucket=name,
        prefix=prefix,
        endpoint=chosen.log_endpoint,
        region=chosen.log_region,
        credentials=Path(chosen.log_credentials) if chosen.log_credentials else None,
        ca=Path(chosen.log_authority) if chosen.log_authority else None,
    )
    return SegmentedStore(bucket.connect(settings), clock, retention=retention)
