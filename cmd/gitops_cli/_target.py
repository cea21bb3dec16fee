"""What a verb works on: a GitSync of the cluster, or a directory (at a commit) with an inventory of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

import msgspec

from gitops import api, cluster, errors
from gitops.api.gitsync import Reference
from gitops.api.plan import PlanSource
from gitops.git import checkout
from gitops.plan.change import Desired
from gitops.plan.settle import Header, Rules
from gitops.ports.repository import Repository
from gitops.report.documents import Locate, nowhere
from gitops.source import Revision, Tree, heads
from gitops.sync import consent, finalize, status
from gitops.sync.ahead import Ahead
from gitops.sync.desired import Places
from gitops_cli import _beside, _sources, _wiring
from gitops_cli._shell import Shell

PREFIX = "gitsync/"
"""Before a name: a GitSync is meant, whatever directories there are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """Everything Git wants of one inventory, and what may be done to get there. `sync` is set for a GitSync.

    `locate` finds fields in Git; the first question costs a build.
    """

    desired: tuple[Desired, ...]
    header: Header
    rules: Rules
    source: PlanSource
    sync: api.GitSync | None = None
    locate: Locate = nowhere
    ahead: Ahead | None = None
    """What was asked of the cluster meanwhile; `story.plan` takes and closes it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What the command line names: `argument` is a GitSync or PATH[@REV]; the rest refines it."""

    argument: str = ""
    sync: str = ""
    inventory: str = ""
    revision: str = ""
    """For a GitSync: this revision (as `str(Revision)`) instead of what its reference points at now."""
    applied: bool = False
    """For a GitSync: the revision last applied."""
    either: bool = False
    """The verb takes a GitSync as well as a directory: what may be both is refused."""
    consent: frozenset[str] = frozenset()
    force: bool = False
    ahead: bool = False
    """A plan follows: ask the cluster for what the sync owns while Git is read and built."""
    beside: _beside.Beside | None = None
    """Who renders `argument` already, if it is a directory."""


async def find(shell: Shell, connection: cluster.Cluster, asked: Asked) -> Target:
    """Resolve and render.

    Raises:
        ConfigError: no such directory, no such GitSync, nothing applied yet, or the configuration is wrong.
        SourceError: Git.
    """
    is_directory = await meant(shell, connection, asked.argument) if asked.either else is_path(asked.argument)
    if asked.sync or not is_directory:
        target = await _of_sync(shell, connection, asked)
    else:
        target = await _of_path(shell, connection, asked)
    rules = replace(target.rules, force=asked.force, consent=target.rules.consent | asked.consent)
    return replace(target, rules=rules)


def is_path(argument: str) -> bool:
    """The argument names a directory here, not a GitSync."""
    return not argument.startswith(PREFIX) and (_is_certainly_path(argument) or Path(argument).is_dir())


def _is_certainly_path(argument: str) -> bool:
    return "/" in argument or "@" in argument or argument in {".", ".."}


async def meant(shell: Shell, connection: cluster.Cluster, argument: str) -> bool:
    """Whether a directory is meant, by an argument that may name a GitSync as well.

    Raises:
        ConfigError: there is a directory of this name here and a GitSync of this name in the cluster.
    """
    if not is_path(argument) or _is_certainly_path(argument):
        return is_path(argument)
    with suppress(errors.ClusterDenied):
        if await exists(shell, connection, argument):
            raise errors.ConfigError(
                f"{argument} is a directory here, and a GitSync of the cluster",
                hint=f"write ./{argument} for the directory, {PREFIX}{argument} for the GitSync",
            )
    return True


def _namespace(shell: Shell, connection: cluster.Cluster) -> str:
    return shell.settings.namespace or connection.config.namespace or "default"


async def git_sync(shell: Shell, connection: cluster.Cluster, name: str) -> api.GitSync:
    """A GitSync by name, or as `gitsync/NAME`; without -n the namespace is found by its name if only one has it.

    Raises:
        ConfigError: there is none, or several.
    """
    name = name.removeprefix(PREFIX)
    if not shell.settings.namespace:
        listing = await connection.objects.list(status.GIT_SYNCS)
        found = [one for one in listing.items if one["metadata"]["name"] == name]
        if len(found) == 1:
            return msgspec.convert(found[0], api.GitSync)
        if len(found) > 1:
            where = ", ".join(sorted(one["metadata"]["namespace"] for one in found))
            raise errors.ConfigError(f"several GitSyncs are named {name}", cause=where, hint="choose one with -n")
        known = ", ".join(sorted(f"{one['metadata']['namespace']}/{one['metadata']['name']}" for one in listing.items))
    else:
        one = await connection.objects.get(status.GIT_SYNCS, shell.settings.namespace, name)
        if one is not None:
            return msgspec.convert(one, api.GitSync)
        known = ""
    raise errors.ConfigError(
        f"no GitSync {name!r}",
        cause=f"there are: {known}" if known else "",
        hint="name a GitSync, or a directory (./name)",
    )


def refuse_leaving(sync: api.GitSync | None) -> None:
    """Nothing is written for a GitSync that is being deleted: what it owns may be going at this moment.

    Raises:
        Refused: it is.
    """
    if sync is not None and finalize.is_leaving(sync):
        raise errors.Refused(
            f"GitSync {sync.metadata.namespace}/{sync.metadata.name} is being deleted",
            hint=f"gitops wait {sync.metadata.name} --for deleted, and make it again",
        )


async def exists(shell: Shell, connection: cluster.Cluster, name: str) -> bool:
    """Whether there is a GitSync of this name, in the namespace of -n or in any."""
    where, name = shell.settings.namespace, name.removeprefix(PREFIX)
    try:
        if where:
            return await connection.objects.get(status.GIT_SYNCS, where, name) is not None
        listing = await connection.objects.list(status.GIT_SYNCS)
    except (errors.KindUnknown, errors.ObjectMissing):
        return False  # not even the definition is there
    return any(one["metadata"]["name"] == name for one in listing.items)


async def _of_sync(shell: Shell, connection: cluster.Cluster, asked: Asked) -> Target:
    sync = await git_sync(shell, connection, asked.sync or asked.argument)
    owner = (sync.metadata.name, sync.metadata.namespace)
    async with _asking(connection, asked, *owner) as ahead, opened(shell, connection, sync) as mirror:
        revision = await _revision(mirror, sync, asked)
        await mirror.fetch(revision)
        tree = await mirror.tree(revision)
        shell.source = tree
        locate = Places(tree, sync.spec.source.path)
        desired = await _wiring.render(tree, sync.spec.source.path, locate)
        agreed = await consent.of_commits(mirror, revision, applied=sync.status.last_applied_revision)
    header = Header(name=sync.metadata.name, namespace=sync.metadata.namespace, revision=str(revision))
    rules = consent.rules_of(sync, agreed)
    source = PlanSource(sync=sync.metadata.name, path=sync.spec.source.path, revision=str(revision))
    return Target(desired=desired, header=header, rules=rules, source=source, sync=sync, locate=locate, ahead=ahead)


@asynccontextmanager
async def _asking(connection: cluster.Cluster, asked: Asked, name: str, namespace: str) -> AsyncIterator[Ahead | None]:
    """Ask for what this inventory holds; withdrawn if Git is not to be read, or holds nothing that can be built."""
    ahead = None
    if asked.ahead and namespace:
        ahead = Ahead(connection.objects, connection.clock, name=name, namespace=namespace)
    try:
        yield ahead
    except BaseException:
        if ahead is not None:
            await ahead.close()
        raise


@asynccontextmanager
async def opened(shell: Shell, connection: cluster.Cluster, sync: api.GitSync) -> AsyncIterator[Repository]:
    """The user's own mirror of a GitSync's repository."""
    mirrors = _sources.mirrors(_wiring.cache() / "mirrors", shell.redactor)
    async with _sources.repository(connection.objects, sync, mirrors) as mirror:
        yield mirror


async def newest(shell: Shell, connection: cluster.Cluster, name: str) -> tuple[api.GitSync, Revision, Tree]:
    """A GitSync, what its reference points at now, and the files of that."""
    sync = await git_sync(shell, connection, name)
    async with opened(shell, connection, sync) as mirror:
        revision = await mirror.resolve(sync.spec.source.ref)
        await mirror.fetch(revision)
        return sync, revision, await mirror.tree(revision)


async def _revision(mirror: Repository, sync: api.GitSync, asked: Asked) -> Revision:
    if asked.revision:
        return await _at(mirror, sync, asked.revision)
    if not asked.applied:
        return await mirror.resolve(sync.spec.source.ref)
    if not sync.status.last_applied_revision:
        raise errors.ConfigError(
            f"GitSync {sync.metadata.name} has not applied anything yet", hint=f"gitops sync {sync.metadata.name}"
        )
    return Revision.parse(sync.status.last_applied_revision)


async def _at(mirror: Repository, sync: api.GitSync, text: str) -> Revision:
    """A revision as printed, a branch, a tag, or a commit by its first digits; `~n` behind it is n before it."""
    if "sha1:" in text:
        return Revision.parse(text)
    name, tilde, back = text.partition("~")
    found = await _by_name(mirror, sync, name)
    if not tilde:
        return found
    await mirror.fetch(found)
    return await mirror.named(f"{found.commit}~{back}")


async def _by_name(mirror: Repository, sync: api.GitSync, name: str) -> Revision:
    if len(name) == 40 and set(name) <= set("0123456789abcdef"):  # noqa: PLR2004  # hex digits of SHA-1
        return await mirror.resolve(Reference(commit=name))
    try:
        return await mirror.resolve(Reference(branch=name))
    except errors.RevisionNotFound as no_branch:
        with suppress(errors.RevisionNotFound):
            return await mirror.resolve(Reference(tag=name))
        if heads.COMMITS.fullmatch(name):
            await mirror.fetch(await mirror.resolve(sync.spec.source.ref))
            return await mirror.named(name)
        raise no_branch from None


async def _of_path(shell: Shell, connection: cluster.Cluster, asked: Asked) -> Target:
    opened_path = checkout.open_path(asked.argument)
    shell.source = opened_path.tree
    name = asked.inventory or (opened_path.path or opened_path.root.name).rpartition("/")[2] or "default"
    async with _asking(connection, asked, name, shell.settings.namespace) as ahead:
        desired, locate = await _rendered(opened_path, asked.beside)
    namespace = shell.settings.namespace or _home(desired) or _namespace(shell, connection)
    revision = "" if opened_path.revision is None or opened_path.dirty else str(opened_path.revision)
    return Target(
        desired=desired,
        header=Header(name=name, namespace=namespace, revision=revision),
        rules=Rules(),
        source=PlanSource(path=asked.argument, revision=revision),
        locate=locate,
        ahead=ahead,
    )


async def _rendered(opened_path: checkout.Opened, beside: _beside.Beside | None) -> tuple[tuple[Desired, ...], Locate]:
    found = await asyncio.to_thread(beside.rendering) if beside else None
    if beside and found is not None:
        return found, beside.place
    places = Places(opened_path.tree, opened_path.path)
    return await _wiring.render(opened_path.tree, opened_path.path, places), places


def _home(desired: tuple[Desired, ...]) -> str:
    """The namespace of the Worker, if the configuration has just one."""
    homes = {one.ref.namespace for one in desired if one.ref.group == api.GROUP and one.ref.kind == "Worker"}
    return homes.pop() if len(homes) == 1 else ""
