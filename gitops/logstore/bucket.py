"""A bucket of an S3-compatible object store, through `obstore` (an optional part of the installation).

Its blocking calls run in threads of our own: its asynchronous ones resolve futures from threads that Python does not
know, and a process that exits at that moment is aborted.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from gitops import errors

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, S3Config, S3Credential

_T = TypeVar("_T")

THREADS = 2
"""Each costs an arena of memory; two at once write far more than a worker reads."""
TIMEOUT = timedelta(seconds=20)
"""For one request: what waits for it is at most a segment."""
CREDENTIALS_FOR = timedelta(minutes=5)
"""How long credentials read from files are used before they are read again: their Secret may have changed."""
KEY_ID, KEY, TOKEN = "AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"
_CODE = re.compile(r"<Code>([^<]{1,100})</Code>")
_MESSAGE = re.compile(r"<Message>([^<]{1,300})</Message>")

_TOLD = (
    (r"InvalidCertificate\(\s*(\w+)", "its certificate is not trusted: {0}"),
    (r"kind: Timeout|TimedOut|operation timed out", "no answer in time"),
    (r"dns error", "its name cannot be resolved"),
    (r'message: "([^"]{1,200})"', "no connection: {0}"),
)
"""What happened, in the words of a library three layers down, and in ours."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Which bucket, and how to get in.

    `credentials` is a directory with files named as the environment variables (a mounted Secret); None: whatever the
    pod's account, its environment or its machine gives. `ca` is a file of PEM certificates trusted besides the
    system's.
    """

    bucket: str
    prefix: str = ""
    endpoint: str = ""
    region: str = ""
    credentials: Path | None = None
    ca: Path | None = None


@dataclass(frozen=True, slots=True)
class Item:
    """One object of a listing: `written` in seconds since 1970, by the store's clock."""

    key: str
    written: float
    bytes: int


class Bucket:
    """Objects by key."""

    def __init__(self, store: ObjectStore, name: str) -> None:
        self._store = store
        self._name = name
        self._threads = ThreadPoolExecutor(THREADS, thread_name_prefix="bucket")

    async def put(self, key: str, data: bytes) -> None:
        """Write an object, whole or not at all.

        Raises:
            LogStoreUnavailable: as every method here.
        """
        await self._call("write", lambda: self._store.put(key, data, use_multipart=False))

    async def get(self, key: str) -> bytes | None:
        """An object's content; None if there is none."""
        try:
            return await self._call("read", lambda: bytes(self._store.get(key).bytes()))
        except FileNotFoundError:
            return None

    async def list(self, folder: str, *, after: str = "") -> list[Item]:
        """Objects below a folder, in the order of their keys; those whose key comes `after`, if it is given."""

        def listed() -> list[Item]:
            batches = self._store.list(folder or None, offset=after or None)
            return [
                Item(item["path"], item["last_modified"].timestamp(), item["size"])
                for batch in batches
                for item in batch
            ]

        return sorted(await self._call("list", listed), key=lambda item: item.key)

    async def delete(self, keys: Sequence[str]) -> None:
        """Delete objects; those that are not there are none to delete."""
        for key in keys:
            try:
                await self._call("delete from", lambda key=key: self._store.delete(key))  # type: ignore[misc]
            except FileNotFoundError:
                continue

    async def _call(self, verb: str, blocking: Callable[[], _T]) -> _T:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an optional part, a quarter of a second to load

        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, blocking)
        except BaseError as error:
            raise errors.LogStoreUnavailable(
                f"cannot {verb} the log store {self._name}", cause=_words(str(error)), hint=_hint(str(error))
            ) from None

    def close(self) -> None:
        """Let the threads go; does not wait for a request under way."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def connect(settings: Settings) -> Bucket:
    """The bucket; nothing is asked of it yet.

    Raises:
        ConfigError: `obstore` is not installed; credentials or certificates cannot be read; the settings do not fit.
    """
    try:
        from obstore.exceptions import BaseError  # noqa: PLC0415 - an optional part
        from obstore.store import S3Store  # noqa: PLC0415
    except ImportError as error:
        raise errors.ConfigError(
            "a log store in a bucket needs the package obstore", hint="pip install 'gitops-worker[s3]'"
        ) from error
    config: S3Config = {"region": settings.region or "us-east-1"}
    client: ClientConfig = {"timeout": TIMEOUT, "connect_timeout": timedelta(seconds=5)}
    if settings.endpoint:
        config["endpoint"] = settings.endpoint.rstrip("/")
        client["allow_http"] = settings.endpoint.startswith("http://")
    if settings.ca:
        client["root_certificate"] = _read(settings.ca)
    provider = _credentials(settings.credentials) if settings.credentials else None
    if provider:
        provider()
    try:
        store = S3Store(
            settings.bucket,
            prefix=settings.prefix or None,
            config=config,
            client_options=client,
            # We try again ourselves, and say so; a queue inside the library would hide an outage for three minutes.
            retry_config={"max_retries": 2, "retry_timeout": TIMEOUT},
            credential_provider=provider,
        )
    except (BaseError, ValueError) as error:
        raise errors.ConfigError(f"the log store {settings.bucket} cannot be used", cause=_words(str(error))) from None
    where = f" at {settings.endpoint}" if settings.endpoint else ""
    return Bucket(store, f"s3://{'/'.join(part for part in (settings.bucket, settings.prefix) if part)}{where}")


def _credentials(folder: Path) -> Callable[[], S3Credential]:
    def read() -> S3Credential:
        found: Mapping[str, str] = {
            name: _read(folder / name) for name in (KEY_ID, KEY, TOKEN) if name != TOKEN or (folder / name).exists()
        }
        return {
            "access_key_id": found[KEY_ID],
            "secret_access_key": found[KEY],
            "token": found.get(TOKEN) or None,
            "expires_at": datetime.now(UTC) + CREDENTIALS_FOR,
        }

    return read


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise errors.ConfigError(
            f"cannot read {path}",
            cause=why or "",
            hint=f"the Secret of the log store needs the keys {KEY_ID} and {KEY}" if path.name in {KEY_ID, KEY} else "",
        ) from error


def _words(text: str) -> str:
    """What an error says, without what it repeats of the request: a refused signature is quoted in full."""
    code, message = _CODE.search(text), _MESSAGE.search(text)
    if code:
        return f"{code[1]}: {message[1]}" if message else code[1]
    for pattern, told in _TOLD:
        if found := re.search(pattern, text):
            return told.format(*found.groups())
    return text.partition("\n")[0][:300]


def _hint(text: str) -> str:
    if "NoSuchBucket" in text:
        return "make the bucket; it is never made by this program"
    if any(code in text for code in ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch", "403")):
        return "it takes the rights to list the bucket, and to get, put and delete objects in it"
    return ""
