"""The repository of a GitSync, opened with what its Secrets and ConfigMaps hold now."""

from __future__ import annotations

from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from gitops import api, errors
from gitops.api.gitsync import Verification
from gitops.git import credentials, github, site
from gitops.git.exchange import Limits
from gitops.git.mirror import Mirror
from gitops.objects import Manifest
from gitops.ports.objects import Objects, Resource
from gitops.ports.repository import Repository
from gitops.report.redact import Redactor
from gitops.source import signers
from gitops_cli._wiring import CONFIG_MAPS, SECRETS

FETCH_MEMORY = 256 << 20
"""Bytes a fetch may unpack at a time; mapped files do not count."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mirrors:
    """The mirrors of this process: where they are, what masks their secrets, the tokens of GitHub Apps.

    `files`: file:// may be read. On a person's machine that is the person's disk; in the program it is the pod's, to
    which whoever writes GitSyncs has no other right.
    """

    directory: Path
    redactor: Redactor
    files: bool
    tokens: github.Tokens
    limits: Limits


def mirrors(directory: Path, redactor: Redactor, *, files: bool = True) -> Mirrors:
    """A person's mirrors: any source, in this process."""
    tokens = github.Tokens(learned=redactor.add)
    return Mirrors(directory=directory, redactor=redactor, files=files, tokens=tokens, limits=Limits())


def guarded(directory: Path, redactor: Redactor, *, files: bool) -> Mirrors:
    """The program's mirrors: no repository may take the memory of the process that also follows logs."""
    return replace(mirrors(directory, redactor, files=files), limits=Limits(memory=FETCH_MEMORY))


@asynccontextmanager
async def repository(objects: Objects, sync: api.GitSync, place: Mirrors) -> AsyncIterator[Repository]:
    """The mirror of a GitSync's repository.

    Raises:
        ConfigError: file:// where it is not allowed; a Secret or ConfigMap it names is missing, or holds no
            credentials, certificates or keys.
        ClusterDenied: the account may not read them.
    """
    source = sync.spec.source
    if source.url.strip().startswith("file:") and not place.files:
        raise errors.ConfigError(
            f"GitSync {sync.metadata.namespace}/{sync.metadata.name} may not read {source.url}",
            cause="file:// is the disk of the program's own pod",
            hint="serve the repository over https or ssh; or start the program with --allow-file-sources",
        )
    named = _Named(objects, sync.metadata.namespace)
    found = site.site(
        source.url,
        credentials=await _login(named, source.credentials, place.redactor),
        ca=await named.key(source.ca.name, source.ca.key) if source.ca else "",
        proxy=await _proxy(named, source.proxy, place.redactor),
    )
    async with Mirror(
        place.directory,
        found,
        scope=f"{sync.metadata.namespace}/{sync.metadata.name}",
        verify=await _policy(named, source.verify),
        tokens=place.tokens,
        limits=place.limits,
    ) as mirror:
        yield mirror


async def _login(named: _Named, reference: api.LocalReference | None, redactor: Redactor) -> credentials.Login | None:
    if reference is None:
        return None
    login = credentials.from_secret(await named.secret(reference.name))
    redactor.add(*login.secrets)
    return login


async def _proxy(named: _Named, reference: api.LocalReference | None, redactor: Redactor) -> site.Proxy | None:
    if reference is None:
        return None
    proxy = site.Proxy.from_secret(await named.secret(reference.name))
    redactor.add(proxy.password)
    return proxy


async def _policy(named: _Named, wanted: Verification | None) -> signers.Policy | None:
    if wanted is None:
        return None
    if wanted.secret:
        data = await named.secret(wanted.secret.name)
        files = {key: value.decode("utf-8", "replace") for key, value in data.items()}
        return signers.policy(wanted.mode, files, where=f"Secret {wanted.secret.name}")
    name = wanted.config_map.name if wanted.config_map else ""
    return signers.policy(wanted.mode, await named.config_map(name), where=f"ConfigMap {name}")


@dataclass(frozen=True, slots=True)
class _Named:
    """The objects beside a GitSync."""

    objects: Objects
    namespace: str

    async def secret(self, name: str) -> Mapping[str, bytes]:
        found = await self._get(SECRETS, name)
        return {key: b64decode(value) for key, value in (found.get("data") or {}).items()}

    async def config_map(self, name: str) -> Mapping[str, str]:
        found = await self._get(CONFIG_MAPS, name)
        return {key: str(value) for key, value in (found.get("data") or {}).items()}

    async def key(self, name: str, key: str) -> str:
        data = await self.config_map(name)
        if key not in data:
            raise errors.ConfigError(
                f"ConfigMap {self.namespace}/{name} has no key {key!r}",
                cause=f"its keys: {', '.join(sorted(data)) or 'none'}",
            )
        return data[key]

    async def _get(self, resource: Resource, name: str) -> Manifest:
        found = await self.objects.get(resource, self.namespace, name)
        if found is None:
            raise errors.ConfigError(
                f"{resource.kind} {self.namespace}/{name} does not exist",
                cause="the GitSync names it",
                hint="gitops install makes it; or create it by hand",
            )
        return found
