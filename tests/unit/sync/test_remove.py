"""Removing a sync: what is ours and nothing else, killed before or after any request and done again."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gitops import api, errors
from gitops.objects import Manifest
from gitops.sync import remove, status
from gitops.testing.objects import Call
from tests.unit.sync import passes
from tests.unit.sync.passes import HOME, Passes

OURS = {"app.kubernetes.io/managed-by": "gitops-worker"}
SECRET = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "git", "namespace": HOME, "labels": OURS}}
BUNDLE = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "git-ca", "namespace": HOME, "labels": OURS}}
FOREIGN = passes.config_map("foreign")


def sync_object(name: str = "sync") -> Manifest:
    source = {
        "url": "https://git.example.com/x",
        "credentials": {"name": "git"},
        "ca": {"name": "git-ca", "key": "ca.crt"},
    }
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": api.API_VERSION, "kind": "GitSync", "metadata": metadata, "spec": {"source": source}}


WORKER = {
    "apiVersion": api.API_VERSION,
    "kind": "Worker",
    "metadata": {"name": "main", "namespace": HOME},
    "spec": {"pools": ["linux"], "image": "i"},
}


def lease(name: str) -> Manifest:
    return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": {"name": name, "namespace": HOME}}


async def installed(*more: Manifest) -> Passes:
    """A sync that owns two ConfigMaps, a worker and a namespace, beside what is not its own."""
    found = Passes()
    for one in (SECRET, BUNDLE, FOREIGN, sync_object(), lease("main-worker"), lease("other-worker"), *more):
        found.objects.server.create(found.kind(one["apiVersion"], one["kind"]), dict(one))
    owned = [passes.config_map("a"), passes.config_map("b"), passes.namespace_of("extra"), WORKER]
    await found.sync(passes.wanted(owned))
    found.requests()
    return found


async def uninstall(found: Passes, *consent: str) -> int:
    """As the command does it: with the GitSync if it is still there."""
    item = found.objects.server.get(status.GIT_SYNCS, HOME, "sync")
    sync = None if item is None else msgspec.convert(item, api.GitSync)
    removal = await remove.plan(found.means, sync, name="sync", namespace=HOME, consent=frozenset(consent))
    return await remove.carry_out(found.means, removal, definitions=False)


def left(found: Passes) -> set[tuple[str, str]]:
    return {(one["kind"], one["metadata"]["name"]) for _, one in found.objects.store.all()}


async def test_everything_of_ours_goes_and_nothing_else() -> None:
    found = await installed()
    before = left(found)

    await uninstall(found, "namespace/extra")

    assert left(found) == before - {
        ("ConfigMap", "a"),
        ("ConfigMap", "b"),
        ("ConfigMap", "git-ca"),
        ("ConfigMap", "sync-inventory"),
        ("GitSync", "sync"),
        ("Lease", "main-worker"),
        ("Worker", "main"),
        ("Namespace", "extra"),
        ("Secret", "git"),
    }


async def test_a_namespace_wants_consent_and_nothing_goes_without() -> None:
    found = await installed()
    before = left(found)

    with pytest.raises(errors.Refused) as refused:
        await uninstall(found)

    assert "namespace/extra" in str(refused.value)
    assert refused.value.hint == "--dry-run shows all of it; consent with --consent NAME"
    assert left(found) == before
    assert not any(call.verb == "replace" for call in found.requests())


async def test_credentials_of_others_stay() -> None:
    found = await installed(sync_object("other"))

    await uninstall(found, "namespace/extra")

    assert {("Secret", "git"), ("ConfigMap", "git-ca"), ("GitSync", "other")} <= left(found)


async def test_a_secret_a_person_made_stays() -> None:
    found = await installed()
    secrets = found.kind("v1", "Secret")
    mine = found.objects.server.get(secrets, HOME, "git")
    assert mine is not None
    del mine["metadata"]["labels"]
    found.objects.server.replace(secrets, mine, manager="kubectl")

    await uninstall(found, "namespace/extra")

    assert ("Secret", "git") in left(found)


async def test_a_namespace_with_another_sync_in_it_is_refused() -> None:
    found = Passes()
    for one in (sync_object(), sync_object("other")):
        found.objects.server.create(status.GIT_SYNCS, one)
    await found.sync(passes.wanted([passes.namespace_of(HOME), passes.config_map("a")]))
    before = left(found)

    with pytest.raises(errors.Refused, match="other"):
        await uninstall(found, f"namespace/{HOME}")

    assert left(found) == before


async def test_what_is_never_pruned_keeps_its_namespace() -> None:
    found = Passes()
    found.objects.server.create(status.GIT_SYNCS, sync_object())
    kept = passes.config_map("kept", namespace="extra")
    kept["metadata"]["annotations"] = {"gitops-worker.io/prune": "disabled"}
    await found.sync(passes.wanted([passes.namespace_of("extra"), kept]))

    with pytest.raises(errors.Refused, match="kept"):
        await uninstall(found, "namespace/extra")


class Killed(Exception):
    """The program ends between two requests."""


def killing(at: int) -> Any:
    count = 0

    def hook(_: Call) -> None:
        nonlocal count
        count += 1
        if count == at:
            raise Killed

    return hook


@pytest.mark.parametrize("side", ["before", "after"])
async def test_killed_at_any_request_the_next_run_finishes(side: str) -> None:
    whole = await installed()
    await uninstall(whole, "namespace/extra")
    expected, count = left(whole), len(whole.requests())
    for at in range(1, count + 1):
        found = await installed()
        hooks = getattr(found.objects, side)
        hooks.append(killing(at))
        with pytest.raises((Killed, BaseExceptionGroup)):
            await uninstall(found, "namespace/extra")
        hooks.clear()
        if ("ConfigMap", "sync-inventory") in left(found):
            await uninstall(found, "namespace/extra")
        assert left(found) == expected, f"killed {side} request {at} of {count}"
