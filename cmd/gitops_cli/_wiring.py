"""Where adapters are built and joined to the stories; the only place of the command line that knows both.

Imported by the commands that talk to a cluster, and only when they run.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

from gitops import api, cluster, errors
from gitops.api import duration
from gitops.plan.change import Desired
from gitops.ports.objects import Resource
from gitops.source import Tree
from gitops.sync import desired, events
from gitops.sync.means import Means
from gitops_cli import _builds, _render
from gitops_cli._shell import Shell

SECRETS = Resource(group="", version="v1", kind="Secret", plural="secrets", namespaced=True)
NAMESPACES = Resource(group="", version="v1", kind="Namespace", plural="namespaces", namespaced=False)
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


@asynccontextmanager
async def on_behalf(connection: cluster.Cluster, sync: api.GitSync) -> AsyncIterator[Means]:
    """What a turn of the reconciler works with: its own rights, or those of the account the GitSync names."""
    account = sync.spec.service_account
    patience = float(duration.seconds(sync.spec.timeout))
    if account is None:
        yield Means(objects=connection.objects, clock=connection.clock, patience=patience)
        return
    # The server adds the groups of a service account itself.
    user = f"system:serviceaccount:{sync.metadata.namespace}:{account.name}"
    config = replace(connection.config, impersonate=cluster.Impersonation(user=user))
    async with cluster.connect(config, component="reconciler", clock=connection.clock) as other:
        yield Means(objects=other.objects, clock=other.clock, patience=patience)


async def cluster_id(connection: cluster.Cluster) -> str:
    """What tells this cluster from every other: the UID of its namespace kube-system; empty without the right to know.

    An address would not do: the same cluster has several, and another may have it tomorrow.
    """
    try:
        found = await connection.objects.get(NAMESPACES, "", "kube-system")
    except errors.ClusterDenied:
        return ""
    return str(found["metadata"]["uid"]) if found else ""


def cache() -> Path:
    """Where mirrors are kept: `GITOPS_CACHE`, else the user's cache directory."""
    return _builds.home()


async def render(tree: Tree, path: str, places: desired.Places | None = None) -> tuple[Desired, ...]:
    """`_render.encoded` on a thread, so that nothing else waits for it."""
    return _render.decoded(await asyncio.to_thread(_render.encoded, tree, path, places))
