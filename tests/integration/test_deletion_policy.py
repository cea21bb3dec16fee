"""`deletionPolicy` on a real API server: killed at every request, and the program itself with its own account."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import replace
from typing import Any

import msgspec
import pytest

from gitops import api
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions
from gitops.reconcile import finalize as last
from gitops.sync import consent, finalize, status
from gitops.sync.means import Means
from tests.cluster import ports
from tests.cluster.bare import BareApiServer
from tests.integration import syncing
from tests.integration.desk import ROOT, Desk, ran
from tests.integration.test_faults import Gate, Killed
from tests.integration.test_verbs import SETTINGS, installed, kinds

pytestmark = pytest.mark.integration
__all__ = ["installed", "kinds"]

RBAC = "rbac.authorization.k8s.io"


def config_map(namespace: str, name: str, **annotations: str) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "annotations": annotations}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": "1"}}


def owned(home: str, other: str) -> list[Manifest]:
    role = {"apiVersion": f"{RBAC}/v1", "kind": "Role", "metadata": {"name": "r", "namespace": other}, "rules": []}
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "r", "namespace": other},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "r"},
        "subjects": [{"kind": "ServiceAccount", "name": "pat", "namespace": other}],
    }
    account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": "pat", "namespace": other}}
    maps = [config_map(where, f"c{i}") for where in (home, other) for i in range(12)]
    return [role, binding, account, *maps, config_map(other, "kept", **{"gitops-worker.io/prune": "disabled"})]


async def _killed_at(bare: BareApiServer, place: int) -> bool:
    """Whether the deletion came to its end before that place."""
    home, other = syncing.fresh("ending"), syncing.fresh("ending-other")
    async with syncing.connected(bare.kubeconfig, home) as sync:
        objects = sync.means.objects
        namespaces = await objects.resource("v1", "Namespace")
        for name in (home, other):
            await objects.create(namespaces, syncing.namespace_of(name))
        maps = await objects.resource("v1", "ConfigMap")
        await objects.create(maps, config_map(other, "theirs"))
        await sync.apply(owned(home, other))
        await objects.create(status.GIT_SYNCS, git_sync(home))
        await objects.delete(status.GIT_SYNCS, home, "it", options=DeleteOptions())
        gate = Gate(objects, place, _die)
        try:
            await _turn(replace(sync.means, objects=gate), home)
        except (Killed, BaseExceptionGroup):
            finished = False
        else:
            finished = True
        await _turn(sync.means, home)
        assert await objects.get(status.GIT_SYNCS, home, "it") is None
        left = {one["metadata"]["name"] for where in (home, other) for one in (await objects.list(maps, where)).items}
        assert left == {"theirs", "kept"}
        for kind in ("Role", "RoleBinding"):
            assert not (await objects.list(await objects.resource(f"{RBAC}/v1", kind), other)).items
    return finished


def git_sync(namespace: str) -> Manifest:
    metadata = {
        "name": "it",
        "namespace": namespace,
        "finalizers": [finalize.FINALIZER],
        "annotations": {consent.ANNOTATION: "gitsync/it"},
    }
    spec = {"source": {"url": "https://git.example.com/nowhere"}, "deletionPolicy": "Delete"}
    return {"apiVersion": api.API_VERSION, "kind": "GitSync", "metadata": metadata, "spec": spec}


async def _die() -> None:
    raise Killed


async def _turn(means: Means, namespace: str) -> None:
    @asynccontextmanager
    async def on_behalf(_: api.GitSync) -> AsyncIterator[Means]:
        yield means

    found = await means.objects.get(status.GIT_SYNCS, namespace, "it")
    if found is not None:
        verdict = await last.run(means, msgspec.convert(found, api.GitSync), on_behalf)
        assert verdict is None, verdict


async def test_killed_at_every_request_the_next_turn_finishes(kinds: BareApiServer) -> None:
    places = await syncing.at_every_place(lambda place: _killed_at(kinds, place))
    assert places > len(owned("any", "other"))


@contextmanager
def reconciling(desk: Desk, worker: str = "worker") -> Iterator[None]:
    """The program itself, under the account that an installation gives it."""
    groups = ("system:serviceaccounts", f"system:serviceaccounts:{desk.namespace}")
    account = desk.server.user(f"system:serviceaccount:{desk.namespace}:{worker}", groups=groups)
    (port,) = ports.free(1)
    environment = {
        **os.environ,
        "KUBECONFIG": str(account),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cmd")]),
    }
    options = ("--worker", worker, "--mirrors", str(desk.cache / "mirrors"), "--port", str(port))
    with (desk.cache.parent / "reconciler.log").open("ab") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "gitops_cli", "run", "reconciler", *options, "-n", desk.namespace],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=30)


def until(desk: Desk, name: str, reason: str, *, seconds: float = 60) -> str:
    """Wait for the reason of the Ready condition; gives its message."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        ready = ready_of(desk.get("gitsync", name))
        if ready.get("reason") == reason:
            return str(ready["message"])
        time.sleep(0.2)
    pytest.fail(f"{name} is {ready_of(desk.get('gitsync', name))}")


def ready_of(sync: Manifest) -> dict[str, Any]:
    found = (sync.get("status") or {}).get("conditions") or ()
    return next((dict(one) for one in found if one["type"] == "Ready"), {})


def hold(desk: Desk) -> None:
    """Let `main` be held. Nothing makes its Deployment available here: a turn of it would wait for minutes."""
    change = json.dumps({"spec": {"deletionPolicy": "Delete"}})
    desk.server.kubectl("patch", "gitsync", "main", "-n", desk.namespace, "--type=merge", "-p", change)
    deadline = time.monotonic() + 60
    while desk.get("gitsync", "main")["metadata"].get("finalizers") != [finalize.FINALIZER]:
        assert time.monotonic() < deadline, desk.get("gitsync", "main")
        time.sleep(0.2)


def second(desk: Desk, name: str) -> None:
    """Another GitSync of the namespace, of a folder with three ConfigMaps."""
    folder = desk.clone / name
    folder.mkdir()
    for colour in ("red", "green", "blue"):
        (folder / f"{colour}.yaml").write_text(SETTINGS.format(colour=colour).replace("settings", f"{name}-{colour}"))
    (folder / "kustomization.yaml").write_text(
        f"namespace: {desk.namespace}\nresources: [red.yaml, green.yaml, blue.yaml]\n"
    )
    desk.push(name)
    made = desk.get("gitsync", "main")
    source = {**made["spec"]["source"], "path": name}
    metadata = {"name": name, "namespace": desk.namespace}
    spec = {"source": source, "deletionPolicy": "Delete"}
    desk.server.apply([{"apiVersion": api.API_VERSION, "kind": "GitSync", "metadata": metadata, "spec": spec}])


def test_the_program_deletes_what_a_sync_owns_and_not_what_it_runs_on(installed: Desk) -> None:
    second(installed, "extra")
    delete = ("delete", "gitsync", "-n", installed.namespace)
    with reconciling(installed):
        until(installed, "extra", "Applied")
        assert installed.get("gitsync", "extra")["metadata"]["finalizers"] == [finalize.FINALIZER]
        installed.server.kubectl(*delete, "extra", "--wait=false")
        refused = until(installed, "extra", "Refused")
        assert "3 of 3 authored objects would go" in refused
        assert installed.exists("configmap", "extra-red")
        command = refused.partition("to agree: kubectl ")[2].partition(";")[0]
        installed.server.kubectl(*command.split())
        ran(installed.gitops("wait", "extra", "-n", installed.namespace, "--for", "deleted", "--timeout", "60s"), 0)
        assert not installed.exists("gitsync", "extra")
        assert not installed.exists("configmap", "extra-red")
        assert not installed.exists("configmap", "extra-inventory")

        hold(installed)
        installed.server.kubectl(*delete, "main", "--wait=false")
        words = until(installed, "main", "OwnsReconciler")
        assert f"Namespace {installed.namespace}" in words
        assert installed.exists("deployment", "worker")
        late = ran(installed.gitops("sync", "main", "-n", installed.namespace, "--no-wait"), 5)
        assert "is being deleted" in late.errors
        named = ("--consent", "namespace/gitops-worker", "--consent", "workerpool/linux")
        ran(installed.sync("uninstall", *named, "--timeout", "60s"), 0)
        assert not installed.exists("namespace", installed.namespace)


def test_uninstall_without_any_reconciler_is_not_held_by_the_finalizer(installed: Desk) -> None:
    with reconciling(installed):
        hold(installed)
    named = ("--consent", "namespace/gitops-worker", "--consent", "workerpool/linux")
    ran(installed.sync("uninstall", *named, "--timeout", "60s"), 0)
    assert not installed.exists("namespace", installed.namespace)
