"""What lives, read as Git speaks of it; and what is not there yet only because a namespace is new."""

from __future__ import annotations

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.plan.change import Action
from gitops.ports.objects import Resource
from gitops.sync import story
from gitops.testing.objects import failing
from tests.unit.sync.passes import HOME, Passes, config_map, namespace_of, wanted

POLICY: Manifest = {
    "apiVersion": "admissionregistration.k8s.io/v1",
    "kind": "ValidatingAdmissionPolicy",
    "metadata": {"name": "p", "namespace": HOME},
    "spec": {},
}


async def test_a_kind_of_the_cluster_is_in_no_namespace_whatever_kustomize_wrote() -> None:
    run = Passes()
    await run.sync(wanted([POLICY, config_map("a")]))
    assert {str(ref) for ref in (await run.inventory()).entries} == {
        "ConfigMap home/a",
        "ValidatingAdmissionPolicy.admissionregistration.k8s.io p",
    }
    assert (await run.plan(wanted([POLICY, config_map("a")]))).plan.changes == ()
    await run.sync(wanted([config_map("a")]))
    assert run.names("ValidatingAdmissionPolicy", "admissionregistration.k8s.io/v1") == set()


def scaler(name: str, version: str) -> Manifest:
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": f"autoscaling/{version}", "kind": "HorizontalPodAutoscaler", "metadata": metadata}


async def test_each_object_is_read_in_the_version_git_has_it_in() -> None:
    run = Passes()
    kind = "HorizontalPodAutoscaler"
    resource = Resource(group="autoscaling", version="v1", kind=kind, plural=f"{kind.lower()}s", namespaced=True)
    run.objects.serve(resource)
    both = wanted([scaler("old", "v1"), scaler("new", "v2")])
    await story.carry_out(run.means, await run.plan(both), healthy=False)
    planned = await run.plan(both)
    assert {ref.name: one["apiVersion"] for ref, one in planned.live.objects.items()} == {
        "old": "autoscaling/v1",
        "new": "autoscaling/v2",
    }
    assert planned.plan.changes == ()
    # What left Git is read in a version Git still has.
    (gone,) = (await run.plan(both[:1])).plan.changes
    assert (gone.action, gone.ref.name) == (Action.DELETE, "new")


POD: Manifest = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "namespace": "team"},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
MISSING = 'pods "p" is forbidden: error looking up service account team/default: serviceaccount "default" not found'


async def test_a_pod_waits_for_the_account_that_a_new_namespace_gets() -> None:
    run = Passes()
    planned = await run.plan(wanted([namespace_of("team"), POD]))
    run.objects.before.append(failing(errors.ObjectInvalid("cannot apply", cause=MISSING), kind="Pod", times=3))
    await story.carry_out(run.means, planned, healthy=False)
    assert run.get("p", "Pod", namespace="team")


async def test_but_not_for_ever_and_for_no_other_account() -> None:
    for cause in (MISSING, MISSING.replace("default", "robot")):
        run = Passes()
        planned = await run.plan(wanted([namespace_of("team"), POD]))
        run.objects.before.append(failing(errors.ObjectInvalid("no", cause=cause), kind="Pod", times=1000))
        with pytest.raises(errors.ObjectInvalid, match="not found"):
            await story.carry_out(run.means, planned, healthy=False)
        assert run.clock.monotonic() == pytest.approx(10 if cause == MISSING else 0, abs=1)
