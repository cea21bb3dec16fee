"""Noise: what we applied and nobody touched shows no change, no drift, and is not written again."""

from __future__ import annotations

import asyncio
import base64
import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops import runner
from gitops.git import checkout
from gitops.plan import compare, predict
from gitops.plan.change import Action, Guard
from gitops.plan.settle import Header, Rules
from gitops.sync import desired, story
from tests.cluster.bare import BareApiServer
from tests.integration import syncing

pytestmark = pytest.mark.integration

CA_BUNDLE = base64.b64encode(b"-----BEGIN CERTIFICATE-----\n-----END CERTIFICATE-----\n").decode()
ROOT = Path(__file__).parents[2]
CONTROLLERS = (
    "clusterrole-aggregation-controller",
    "cronjob-controller",
    "daemonset-controller",
    "deployment-controller",
    "disruption-controller",
    "endpoints-controller",
    "endpointslice-controller",
    "horizontal-pod-autoscaler-controller",
    "job-controller",
    "namespace-controller",
    "persistentvolume-binder-controller",
    "persistentvolumeclaim-protection-controller",
    "replicaset-controller",
    "resourcequota-controller",
    "serviceaccount-controller",
    "statefulset-controller",
    "validatingadmissionpolicy-status-controller",
)


@pytest.fixture(scope="module")
def spoken(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareApiServer]:
    with BareApiServer(tmp_path_factory.mktemp("spoken"), controllers=CONTROLLERS) as server:
        yield server


async def test_every_kind_is_quiet_after_an_apply(spoken: BareApiServer) -> None:
    name = syncing.fresh("noise")
    manifests = syncing.kinds(name)
    user = spoken.user(name, groups=("system:masters",))
    async with syncing.connected(user, name) as sync:
        planned, outcome = await sync.apply(manifests)
        assert {one.action for one in planned.plan.changes} == {Action.CREATE}
        assert outcome.moved == len(manifests)
        await asyncio.sleep(3)  # controllers speak

        again = await sync.plan(manifests)
        assert [(str(one.ref), one.patch, one.why) for one in again.plan.changes] == []
        assert again.plan.unchanged == len(manifests)
        found = await sync.drift(manifests)
        assert [(str(one.ref), one.path, one.manner, one.desired, one.live) for one in found.drifts] == []
        assert found.compared == len(manifests)

        versions = {ref: one["metadata"]["resourceVersion"] for ref, one in again.live.objects.items()}
        since = dt.datetime.now(dt.UTC)
        planned, outcome = await sync.apply(manifests)
        assert (outcome.moved, outcome.deleted) == (0, 0)
        after = await sync.plan(manifests)
    moved = {
        ref
        for ref, one in after.live.objects.items()
        # Controllers may still write status.
        if one["metadata"]["resourceVersion"] != versions[ref] and "status" not in one
    }
    assert moved == set()
    requests = spoken.audit(user=name, since=since)
    assert {one.verb for one in requests} <= {"get", "list"}


async def test_spellings_and_gaps_the_server_fills_are_quiet_too(spoken: BareApiServer) -> None:
    name = syncing.fresh("spell")
    manifests = syncing.kinds(name, syncing.SPELLINGS)
    async with syncing.connected(spoken.kubeconfig, name) as sync:
        await sync.apply(manifests)
        await asyncio.sleep(2)
        again = await sync.plan(manifests)
        assert [(str(one.ref), one.patch, one.why) for one in again.plan.changes] == []
        assert again.plan.unchanged == len(manifests)
        found = await sync.drift(manifests)
        assert [(str(one.ref), one.path, one.manner, one.desired, one.live) for one in found.drifts] == []
        assert (await sync.apply(manifests))[1].moved == 0
        # Whoever may not ask the server is told of what only it can know, and of nothing else.
        live = again.live
    told = {
        (one.ref.kind, op["path"].rpartition("/")[2])
        for one in live.desired
        for op in compare.compare(live.objects[one.ref], predict.predict(one.manifest, live.objects[one.ref]))
    }
    assert told == {("Deployment", "imagePullPolicy"), ("Deployment", "terminationMessagePath")}


async def test_what_somebody_changed_is_drift_though_the_server_is_asked(spoken: BareApiServer) -> None:
    """Beside a default of the server's in the same object, and beside a value that both agree on."""
    name = syncing.fresh("asked")
    manifests = syncing.kinds(name, syncing.SPELLINGS)
    async with syncing.connected(spoken.kubeconfig, name) as sync:
        await sync.apply(manifests)
        spoken.kubectl("scale", "deployment/d", "-n", name, "--replicas=3")
        change = '{"spec": {"limits": [{"type": "Container", "default": {"cpu": "2"}}]}}'
        spoken.kubectl("patch", "limitrange/l", "-n", name, "--type=merge", "-p", change)
        found = await sync.drift(manifests)
        newer = await sync.drift(
            [{**one, "data": {"a": "new"}} if one["kind"] == "ConfigMap" else one for one in manifests]
        )
    assert {(one.ref.kind, one.path) for one in found.drifts if one.ref.kind == "Deployment"} == {
        ("Deployment", "/spec/replicas")
    }
    limits = [one for one in found.drifts if one.ref.kind == "LimitRange"]
    assert limits
    assert {owner.manager for one in limits for owner in one.owners} == {"kubectl-patch"}
    assert ("ConfigMap", "/data/a") in {(one.ref.kind, one.path) for one in newer.drifts}


async def test_what_others_inject_where_they_may_is_no_noise(spoken: BareApiServer) -> None:
    """A CA bundle in our webhooks, an autoscaler's replicas where Git names none, a restart."""
    name = syncing.fresh("inject")
    manifests = syncing.kinds(name)
    plain = next(one for one in manifests if one["kind"] == "Deployment")
    del plain["spec"]["replicas"]
    async with syncing.connected(spoken.kubeconfig, name) as sync:
        await sync.apply(manifests)
        hook = [{"op": "add", "path": "/webhooks/0/clientConfig/caBundle", "value": CA_BUNDLE}]
        options = ("--type=json", "--field-manager=cert-manager-cainjector", "-p", json.dumps(hook))
        spoken.kubectl("patch", "validatingwebhookconfiguration", f"{name}-checks", *options)
        spoken.kubectl("scale", "deployment/plain", "-n", name, "--replicas=2")
        spoken.kubectl("rollout", "restart", "deployment/plain", "-n", name)
        spoken.kubectl("annotate", "configmap/config", "-n", name, "note=theirs")
        again = await sync.plan(manifests)
        assert [(str(one.ref), one.patch, one.why) for one in again.plan.changes] == []
        found = await sync.drift(manifests)
        assert [(str(one.ref), one.path, one.desired, one.live) for one in found.drifts] == []


async def test_offline_the_predictor_alone_finds_no_difference(spoken: BareApiServer) -> None:
    name = syncing.fresh("offline")
    manifests = syncing.kinds(name)
    async with syncing.connected(spoken.kubeconfig, name) as sync:
        await sync.apply(manifests)
        await asyncio.sleep(2)
        live = (await sync.plan(manifests)).live
    noise = [
        (str(one.ref), patch)
        for one in live.desired
        if (patch := compare.compare(live.objects[one.ref], predict.predict(one.manifest, live.objects[one.ref])))
    ]
    unowned = [str(one.ref) for one in live.desired if not predict.owns_all(one.manifest, live.objects[one.ref])]
    assert noise == []
    assert unowned == []


async def test_a_quota_that_is_used_up_is_said_by_the_plan(spoken: BareApiServer) -> None:
    name = syncing.fresh("quota")
    hard = {"apiVersion": "v1", "kind": "ResourceQuota", "metadata": {"name": "few", "namespace": name}}
    hard["spec"] = {"hard": {"count/secrets": "1"}}
    spoken.apply([syncing.namespace_of(name), hard])
    reached = "--for=jsonpath={.status.hard.count/secrets}=1"
    spoken.kubectl("wait", "resourcequota/few", "-n", name, reached, "--timeout=60s")
    secrets = [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": each, "namespace": name}, "data": {"a": "MQ=="}}
        for each in ("one", "two")
    ]
    async with syncing.connected(spoken.kubeconfig, name) as sync:
        await sync.apply(secrets[:1])
        (refused,) = (await sync.plan(secrets)).plan.refused
    assert (refused.ref.name, refused.guard) == ("two", Guard.INVALID)
    assert "exceeded quota: few" in refused.why


@pytest.mark.parametrize("overlay", ["dev", "production"])
async def test_our_own_overlays_are_quiet_after_an_apply(spoken: BareApiServer, overlay: str) -> None:
    opened = checkout.open_path(str(ROOT / "overlays" / overlay), describe=False)
    wanted = desired.render(opened.tree, opened.path, runner=runner.files())
    home = next(one.ref.namespace for one in wanted if one.ref.kind == "Worker")
    async with syncing.connected(spoken.kubeconfig, home) as sync:
        header = Header(name=overlay, namespace=home, revision="main@sha1:1")
        planned = await story.plan(sync.means, wanted, header=header, rules=Rules())
        assert planned.plan.blocked == ()
        await story.carry_out(sync.means, planned, healthy=False)
        await asyncio.sleep(2)
        again = await story.plan(sync.means, wanted, header=header, rules=Rules())
        assert [(str(one.ref), one.patch, one.why) for one in again.plan.changes] == []
        assert again.plan.unchanged == len(wanted)
        found = await story.find_drift(sync.means, wanted, name=overlay, namespace=home)
        assert [(str(one.ref), one.path, one.desired, one.live) for one in found.drifts] == []
        unowned = [str(one.ref) for one in wanted if not predict.owns_all(one.manifest, again.live.objects[one.ref])]
        assert unowned == []
