"""Where adapters are built and joined to the stories; the only place of the command line that knows both.

Imported by the commands that talk to a cluster, and only when they run.
"""

from __future__ import annotations

import asyncio
import os
from base64 import b64decode
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from gitops import api, cluster, errors, runner
from gitops.git import credentials as logins
from gitops.git import site
from gitops.git.mirror import Mirror
from gitops.objects import Manifest
from gitops.plan.change import Desired
from gitops.ports.objects import Objects, Resource
from gitops.ports.repository import Repository
from gitops.report.redact import Redactor
from gitops.source import Tree
from gitops.sync import desired, events
from gitops.sync.means import Means
from gitops_cli._shell import Shell

SECRETS = Resource(group="", version="v1", kind="Secret", plural="secrets", namespaced=True)
CONFIG_MAPS = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)


@asynccontextmanager
async def connected(shell: Shell, *, component: str = "cli") -> AsyncIterator[cluster.Cluster]:
    """The cluster the global options name."""
    config = cluster.load(kubeconfig=shell.settings.kubeconfig, context=shell.settings.context)
    async with cluster.connect(config, component=component) as connection:
        yield connection


def means(shell: Shell, connection: cluster.Cluster, *, patience: float = 300.0, loud: bool = False) -> Means:
    """What a pass by a person works with; `loud` tells each step on stderr."""
    from gitops_cli import _progress

    async def who() -> str:
        try:
            return (await connection.access.whoami())[0]
        except errors.GitOpsError:
            return "unknown"  # an old server, or no right to ask: no reason to fail after everything is written

    report = _progress.reporter(shell.console) if loud else events.silent
    return Means(objects=connection.objects, clock=connection.clock, report=report, patience=patience, who=who)


def cache() -> Path:
    """Where mirrors are kept: `GITOPS_CACHE`, else the user's cache directory."""
    named = os.environ.get("GITOPS_CACHE")
    if named:
        return Path(named)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "gitops-worker"


async def render(tree: Tree, path: str) -> tuple[Desired, ...]:
    """Build, validate and expand on a thread, so that nothing else waits for it."""
    return await asyncio.to_thread(desired.render, tree, path, runner=runner.files())


@asynccontextmanager
async def repository(
    objects: Objects, sync: api.GitSync, directory: Path, redactor: Redactor
) -> AsyncIterator[Repository]:
    """The mirror of a GitSync's repository, with the credentials its Secret holds now.

    Raises:
        ConfigError: the Secret or ConfigMap it names is missing or holds no credentials or certificates.
        ClusterDenied: the account may not read them.
    """
    source = sync.spec.source
    namespace = sync.metadata.namespace
    credentials = None
    if source.credentials:
        found = await _named(objects, SECRETS, namespace, source.credentials.name)
        credentials = logins.from_secret(_decoded(found))
        redactor.add(*credentials.secrets)
    ca = ""
    if source.ca:
        bundle = await _named(objects, CONFIG_MAPS, namespace, source.ca.name)
        ca = _key(bundle, source.ca.key, namespace)
    where = site.site(source.url, credentials=credentials, ca=ca)
    async with Mirror(directory, where, scope=f"{namespace}/{sync.metadata.name}") as mirror:
        yield mirror


async def _named(objects: Objects, resource: Resource, namespace: str, name: str) -> Manifest:
    found = await objects.get(resource, namespace, name)
    if found is None:
        raise errors.ConfigError(
            f"{resource.kind} {namespace}/{name} does not exist",
            cause="the GitSync names it",
            hint="gitops install makes it; or create it by hand",
        )
    return found


def _decoded(secret: Manifest) -> Mapping[str, bytes]:
    return {key: b64decode(value) for key, value in (secret.get("data") or {}).items()}


def _key(bundle: Manifest, key: str, namespace: str) -> str:
    data = bundle.get("data") or {}
    if key not in data:
        raise errors.ConfigError(
            f"ConfigMap {namespace}/{bundle['metadata']['name']} has no key {key!r}",
            cause=f"its keys: {', '.join(sorted(data)) or 'none'}",
        )
    return str(data[key])
