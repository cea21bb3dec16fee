"""A GitSync that is deleted: what it owns goes or stays, what stops that, and how it is said."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest

from gitops import api, errors
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions
from gitops.sync import consent, finalize, status
from gitops.testing.objects import Call
from tests.unit.reconcile.test_loop import never_healthy
from tests.unit.reconcile.turns import NAME, Dev
from tests.unit.sync.passes import HOME, config_map, namespace_of, pool

KEEP = {"gitops-worker.io/prune": "disabled"}
INVENTORY = ("ConfigMap", HOME, "dev-inventory")


def dev_of(*manifests: Manifest, **spec: Any) -> Dev:
    dev = Dev()
    dev.push(*manifests)
    dev.create(**{"deletionPolicy": "Delete", **spec})
    return dev


def left(dev: Dev) -> set[tuple[str, str, str]]:
    return {
        (one["kind"], one["metadata"].get("namespace", ""), one["metadata"]["name"])
        for _, one in dev.objects.store.all()
    } - {("Namespace", "", "default"), ("Namespace", "", HOME)}


def kept(manifest: Manifest) -> Manifest:
    return {**manifest, "metadata": {**manifest["metadata"], "annotations": KEEP}}


def worker(name: str = "main") -> Manifest:
    metadata = {"name": name, "namespace": HOME}
    return {
        "apiVersion": api.API_VERSION,
        "kind": "Worker",
        "metadata": metadata,
        "spec": {"pools": ["p"], "image": "i"},
    }


def make(dev: Dev, manifest: Manifest) -> None:
    kind = dev.objects.server.kind(manifest["apiVersion"], manifest["kind"])
    dev.objects.server.create(kind, manifest, manager="kubectl")


async def test_what_it_owns_goes_in_reverse_and_nothing_else() -> None:
    dev = dev_of(namespace_of("team"), config_map("a"), pool("p"))
    make(dev, config_map("theirs"))
    async with dev.running():
        dev.annotate(consent.ANNOTATION, "GitSync/dev, namespace/team")
        dev.writes()
        dev.delete()
        await dev.advance(1)
        assert left(dev) == {("ConfigMap", HOME, "theirs")}
    deleted = [(kind, name) for verb, kind, name in dev.writes() if verb == "delete"]
    assert deleted == [
        ("WorkerPool", "p"),
        ("ConfigMap", "a"),
        ("Namespace", "team"),
        ("ConfigMap", "dev-inventory"),
    ]


async def test_the_finalizer_is_there_before_anything_is_written_and_follows_the_policy() -> None:
    dev = dev_of(config_map("a"))
    async with dev.running():
        first, second, *_ = dev.writes()
        assert (first, second[1]) == (("replace", "GitSync", NAME), "GitSync")
        assert dev.manifest["metadata"]["finalizers"] == [finalize.FINALIZER]
        await dev.advance(60)
        assert dev.writes() == []
        dev.change(deletionPolicy="Orphan")
        await dev.advance(1)
        assert dev.manifest["metadata"]["finalizers"] == []


async def test_by_default_nothing_is_held_and_everything_stays() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        assert "finalizers" not in dev.manifest["metadata"]
        dev.delete()
        await dev.advance(60)
        assert left(dev) == {("ConfigMap", HOME, "a"), INVENTORY}
        # Made again, it owns what it owned: what left Git meanwhile is deleted.
        dev.push(config_map("b"))
        dev.create()
        await dev.advance(1)
        assert left(dev) == {("ConfigMap", HOME, "b"), INVENTORY, ("GitSync", HOME, NAME)}


async def test_foreign_finalizers_stay_and_a_sync_they_hold_is_followed_no_more() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    found = dev.manifest
    found["metadata"]["finalizers"] = ["example.org/theirs"]
    dev.objects.server.replace(status.GIT_SYNCS, found, manager="kubectl")
    async with dev.running():
        dev.change(deletionPolicy="Delete")
        await dev.advance(1)
        assert dev.manifest["metadata"]["finalizers"] == ["example.org/theirs", finalize.FINALIZER]
        dev.delete()
        await dev.advance(1)
        assert dev.manifest["metadata"]["finalizers"] == ["example.org/theirs"]
        assert dev.data("a") is None
        dev.push(config_map("a"))
        await dev.advance(120)
        assert dev.data("a") is None


MANY = [config_map(f"c{i}") for i in range(5)]


async def test_more_than_the_budget_is_refused_until_the_sync_is_named() -> None:
    dev = dev_of(*MANY, namespace_of("team"))
    async with dev.running():
        dev.delete()
        dev.writes()
        await dev.advance(120)
        assert dev.ready == ("False", "Refused")
        assert dev.condition("Stalled")["status"] == "True"
        words = dev.condition("Ready")["message"]
        assert "6 of 6 authored objects would go, the budget is 2 or 20 %" in words
        assert "deletes Namespace team and all that is in it" in words
        assert f"-n {HOME} dev {consent.ANNOTATION}=gitsync/dev,namespace/team" in words
        assert [one for one in dev.writes() if one[0] == "delete"] == []
        assert len(left(dev)) == 8

        dev.annotate(consent.ANNOTATION, "gitsync/dev")
        await dev.advance(1)
        words = dev.condition("Ready")["message"]
        assert "authored objects would go" not in words
        assert f"{consent.ANNOTATION}=gitsync/dev,namespace/team" in words  # what was agreed already stays

        dev.annotate(consent.ANNOTATION, "gitsync/dev,namespace/team")
        await dev.advance(1)
        assert left(dev) == set()


async def test_a_pool_is_named_for_its_namespace_and_is_drained_first() -> None:
    dev = dev_of(pool("p"))
    async with dev.running():
        operation = {
            "apiVersion": api.API_VERSION,
            "kind": "Operation",
            "metadata": {"name": "o", "namespace": HOME},
            "spec": {"pool": "p"},
        }
        make(dev, operation)
        kind = dev.objects.server.kind(api.API_VERSION, "Operation")
        running = {"status": {"phase": "Running", "claim": {"worker": "w"}}}
        dev.objects.server.patch_status(kind, HOME, "o", running)
        dev.delete()
        await dev.advance(31)
        assert ("WorkerPool", HOME, "p") not in left(dev)  # admits nothing any more
        assert dev.ready == ("False", "TimedOut")
        assert "operations still run: 1 in WorkerPool" in dev.condition("Ready")["message"]
        assert dev.condition("Stalled") == {}
        dev.objects.server.patch_status(kind, HOME, "o", {"status": {"phase": "Succeeded"}})
        await dev.advance(60)
        assert left(dev) == {("Operation", HOME, "o")}


async def test_what_is_to_be_kept_stays_and_is_nobodys_any_more() -> None:
    dev = dev_of(config_map("a"), kept(config_map("b")))
    async with dev.running():
        dev.delete()
        await dev.advance(1)
        assert left(dev) == {("ConfigMap", HOME, "b")}


async def test_a_namespace_with_something_kept_in_it_is_refused() -> None:
    dev = dev_of(namespace_of("team"), kept(config_map("b", namespace="team")))
    async with dev.running():
        dev.annotate(consent.ANNOTATION, "namespace/team")
        dev.delete()
        await dev.advance(1)
        assert dev.ready == ("False", "Refused")
        assert "ConfigMap team/b is to be kept" in dev.condition("Ready")["message"]
        assert consent.ANNOTATION not in dev.condition("Ready")["message"]


@pytest.mark.parametrize(("spec", "word"), [({"suspend": True}, "suspended"), ({"mode": "report"}, "mode: report")])
async def test_a_sync_that_may_not_write_waits_and_orphan_frees_it(spec: dict[str, Any], word: str) -> None:
    dev = dev_of(config_map("a"))
    async with dev.running():
        dev.change(**spec)
        await dev.advance(1)
        dev.delete()
        await dev.advance(120)
        assert dev.ready == ("False", "DeletionHeld")
        assert word in dev.condition("Ready")["message"]
        assert dev.status["observedGeneration"] == dev.manifest["metadata"]["generation"]
        assert dev.data("a") is not None
        dev.writes()
        await dev.advance(300)
        assert dev.writes() == []
        dev.change(deletionPolicy="Orphan")
        await dev.advance(1)
        assert not dev.exists
        assert left(dev) == {("ConfigMap", HOME, "a"), INVENTORY}


async def test_a_suspended_one_goes_on_when_it_is_resumed() -> None:
    dev = dev_of(config_map("a"))
    async with dev.running():
        dev.change(suspend=True)
        dev.delete()
        await dev.advance(1)
        dev.change(suspend=False)
        await dev.advance(1)
        assert left(dev) == set()


RBAC = "rbac.authorization.k8s.io"


def bound(name: str, *rules: dict[str, Any]) -> Iterator[Manifest]:
    subject = {"kind": "ServiceAccount", "name": "main", "namespace": HOME}
    yield {"apiVersion": f"{RBAC}/v1", "kind": "ClusterRole", "metadata": {"name": name}, "rules": list(rules)}
    yield {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": name},
        "subjects": [subject],
    }


def account(name: str) -> Manifest:
    return {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": HOME}}


def program(name: str) -> Manifest:
    labels = {"app.kubernetes.io/name": "gitops-worker", "app.kubernetes.io/component": "reconciler"}
    pod = {"metadata": {"labels": labels}, "spec": {"serviceAccountName": name}}
    spec = {"replicas": 0, "selector": {"matchLabels": labels}, "template": pod}
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": metadata, "spec": spec}


STATUS = {"apiGroups": [api.GROUP], "resources": ["gitsyncs/status"], "verbs": ["patch"]}
OTHER = {"apiGroups": ["example.org"], "resources": ["things"], "verbs": ["*"]}


@pytest.mark.parametrize(
    ("owned", "named"),
    [
        ([worker()], "Worker.gitops-worker.io home/main"),
        ([namespace_of(HOME)], "Namespace home"),
        ([account("main")], "ServiceAccount home/main"),
        ([program("main")], "Deployment.apps home/main"),
        (list(bound("needed", STATUS)), f"ClusterRole.{RBAC} needed; ClusterRoleBinding.{RBAC} needed"),
    ],
)
async def test_a_sync_that_owns_its_reconciler_refuses(owned: list[Manifest], named: str) -> None:
    dev = dev_of(config_map("a"), *owned)
    if owned != [worker()]:
        make(dev, worker())
    async with dev.running():
        before = left(dev)
        dev.annotate(consent.ANNOTATION, "gitsync/dev,namespace/home")
        dev.delete()
        await dev.advance(120)
        assert dev.ready == ("False", "OwnsReconciler")
        words = dev.condition("Ready")["message"]
        assert f"what its own reconciler runs on: {named}" in words
        assert "`gitops uninstall dev` removes it from outside" in words
        assert left(dev) == before


@pytest.mark.parametrize("owned", [account("other"), *bound("more", OTHER)])
async def test_what_the_reconciler_does_not_run_on_may_go(owned: Manifest) -> None:
    dev = dev_of(config_map("a"), owned)
    make(dev, worker())
    async with dev.running():
        dev.delete()
        await dev.advance(1)
        assert left(dev) == {("Worker", HOME, "main")}


async def test_the_account_a_sync_names_is_what_it_runs_on() -> None:
    dev = dev_of(config_map("a"), account("applier"), serviceAccount={"name": "applier"})
    async with dev.running():
        dev.delete()
        await dev.advance(1)
        assert dev.ready == ("False", "OwnsReconciler")


async def test_git_is_not_asked() -> None:
    dev = dev_of(config_map("a"))
    async with dev.running():
        dev.failure = errors.ConfigError("no such Secret")
        dev.delete()
        await dev.advance(1)
        assert left(dev) == set()


async def test_a_turn_that_waits_is_not_waited_for() -> None:
    """The Deployment never becomes healthy: the turn would last for half a minute more."""
    dev = dev_of(never_healthy())
    async with dev.running():
        await dev.advance(5)
        assert dev.condition("Reconciling")["reason"] == "Applying"
        dev.delete()
        await dev.advance(1)
        assert left(dev) == set()


async def test_a_sync_in_its_own_repository_goes_by_its_finalizer() -> None:
    source = {"url": "https://git.example/r"}
    itself = {
        "apiVersion": api.API_VERSION,
        "kind": "GitSync",
        "metadata": {"name": NAME, "namespace": HOME},
        "spec": {"source": source, "interval": "1m", "deletionPolicy": "Delete"},
    }
    dev = dev_of(config_map("a"), itself)
    async with dev.running():
        assert dev.ready == ("True", "Applied")
        await dev.advance(60)
        assert dev.manifest["metadata"]["finalizers"] == [finalize.FINALIZER]
        dev.delete()
        await dev.advance(1)
        assert left(dev) == set()


async def test_another_object_of_the_same_name_is_not_deleted() -> None:
    dev = dev_of(config_map("a"))
    kind = dev.objects.server.kind("v1", "ConfigMap")

    def swap(call: Call) -> None:
        if (call.verb, call.name) == ("delete", "a"):
            dev.objects.before.clear()
            dev.objects.server.delete(kind, HOME, "a", DeleteOptions())
            make(dev, config_map("a", {"of": "somebody else"}))

    async with dev.running():
        dev.objects.before.append(swap)
        dev.delete()
        await dev.advance(0)
        assert dev.data("a") == {"of": "somebody else"}
        assert dev.ready == ("False", "PlanStale")


async def test_progress_is_a_condition() -> None:
    dev = dev_of(config_map("a"), config_map("b"))
    said: list[tuple[str, str]] = []

    def listen(call: Call) -> None:
        if (call.verb, call.kind) == ("delete", "ConfigMap"):
            said.append((dev.condition("Reconciling").get("message", ""), dev.condition("Ready").get("reason", "")))

    async with dev.running():
        dev.objects.before.append(listen)
        dev.delete()
        await dev.advance(1)
        assert set(said) == {("deleting 2 objects", "Deleting")}


class Killed(Exception):
    """The program ends between two requests."""


@pytest.mark.parametrize("side", ["before", "after"])
async def test_killed_at_any_request_the_next_run_finishes(side: str) -> None:
    place, killed = 0, True
    while killed:
        place += 1
        dev = dev_of(namespace_of("team"), *MANY, config_map("in", namespace="team"), kept(config_map("k")), pool("p"))
        make(dev, config_map("theirs"))
        async with dev.running():
            dev.annotate(consent.ANNOTATION, "gitsync/dev,namespace/team")
        dev.delete()
        count, killed = 0, False

        def hook(_: Call, at: int = place) -> None:
            nonlocal count, killed
            count += 1
            if count == at:
                killed = True
                raise Killed

        hooks = getattr(dev.objects, side)
        hooks.append(hook)
        async with dev.running():
            await dev.advance(1)
        hooks.clear()
        async with dev.running():
            await dev.advance(1)
        assert left(dev) == {("ConfigMap", HOME, "theirs"), ("ConfigMap", HOME, "k")}, f"killed {side} request {place}"
    assert place > 20


async def test_a_sync_that_another_one_prunes_says_there_what_it_waits_for() -> None:
    """One authored object in one repository, three in the other: the budget of the second holds."""
    child = {
        "apiVersion": api.API_VERSION,
        "kind": "GitSync",
        "metadata": {"name": "child", "namespace": HOME},
        "spec": {
            "source": {"url": "https://git.example/r", "path": "child"},
            "interval": "1m",
            "deletionPolicy": "Delete",
        },
    }
    dev = Dev()
    inside = {"child/objects.json": json.dumps(MANY[:3]).encode()}
    dev.repository.push({"objects.json": json.dumps([config_map("a"), child]).encode(), **inside})
    dev.create()
    async with dev.running():
        await dev.advance(10)
        assert dev.ready == ("True", "Applied")
        assert dev.data("c0")
        dev.repository.push({"objects.json": json.dumps([config_map("a")]).encode(), **inside})
        await dev.advance(120)
        assert dev.ready == ("False", "TimedOut")
        words = dev.condition("Ready")["message"]
        assert f"GitSync.gitops-worker.io home/child: being deleted, finalizers: {finalize.FINALIZER}" in words
        assert f"-n {HOME} child {consent.ANNOTATION}=gitsync/child" in words
        assert dev.data("c0")
        found = dev.objects.server.get(status.GIT_SYNCS, HOME, "child")
        assert found is not None
        found["metadata"]["annotations"] = {consent.ANNOTATION: "gitsync/child"}
        dev.objects.server.replace(status.GIT_SYNCS, found, manager="kubectl")
        await dev.advance(180)
        assert dev.ready == ("True", "Applied")
        assert left(dev) == {("ConfigMap", HOME, "a"), INVENTORY, ("GitSync", HOME, NAME)}
