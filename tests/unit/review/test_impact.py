"""What a change means for running work, in a class and a sentence."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.api import crds
from gitops.api.meta import GROUP
from gitops.plan.change import Action, Change, Stage
from gitops.ref import ResourceRef
from gitops.review import impact
from gitops.review.impact import Impact

POOL = ResourceRef(group=GROUP, kind="WorkerPool", namespace="ci", name="linux")
WORKER = ResourceRef(group=GROUP, kind="Worker", namespace="ci", name="main")


def change(ref: ResourceRef, action: Action = Action.UPDATE, **more: Any) -> Change:
    authored = more.pop("authored", ref)
    return Change(ref=ref, api_version="v1", action=action, stage=Stage.REST, authored=authored, **more)


def update(ref: ResourceRef, path: str, old: Any, new: Any, **more: Any) -> Change:
    patch = ({"op": "replace", "path": path, "value": new},)
    return change(ref, patch=patch, tests=({"op": "test", "path": path, "value": old},), **more)


def only(found: Change) -> impact.Effect:
    (effect,) = impact.effects(found)
    return effect


def ref(kind: str, group: str = "", name: str = "web") -> ResourceRef:
    return ResourceRef(group=group, kind=kind, namespace="shop", name=name)


@pytest.mark.parametrize(
    ("found", "expected", "words"),
    [
        (
            update(POOL, "/spec/resources/requests/cpu", "100m", "200m"),
            Impact.NEXT_OPERATION,
            "operation pods requests cpu 100m → 200m on pool linux: new operations only",
        ),
        (
            update(POOL, "/spec/image", "tools:1", "tools:2"),
            Impact.NEXT_OPERATION,
            "image tools:1 → tools:2 on pool linux: new operations only",
        ),
        (
            update(POOL, "/spec/maxOperations", 4, 8),
            Impact.NEXT_OPERATION,
            "at most 4 → 8 operations at a time on pool linux; running operations go on",
        ),
        (
            update(POOL, "/spec/allow/urls", [], ["https://h/"]),
            Impact.NEXT_OPERATION,
            'what the worker fetches for operations of pool linux changes ([] → ["https://h/"]): new operations only',
        ),
        (
            update(POOL, "/spec/suspended", False, True),  # noqa: FBT003
            Impact.NEXT_OPERATION,
            "pool linux admits nothing more; running operations finish",
        ),
        (
            update(POOL, "/spec/namespace", "a", "b"),
            Impact.DESTRUCTIVE,
            "operations of pool linux move to another namespace (a → b); the old one is deleted with all in it",
        ),
        (
            update(WORKER, "/spec/image", "w:1", "w:2"),
            Impact.RESTART,
            "image of worker main w:1 → w:2: the program restarts, running operations go on",
        ),
        (update(WORKER, "/spec/replicas", 1, 2), Impact.NONE, "worker main: replicas 1 → 2"),
        (
            update(ref("Deployment", "apps"), "/spec/replicas", 2, 0),
            Impact.NONE,
            "Deployment web: replicas 2 → 0: every pod of it stops",
        ),
        (
            update(ref("Deployment", "apps"), "/spec/template/spec/containers/0/image", "a", "b"),
            Impact.RESTART,
            "containers image a → b: the pods of web are replaced",
        ),
        (update(ref("Deployment", "apps"), "/metadata/labels/team", "a", "b"), Impact.NONE, "only describes"),
        (
            update(ref("Widget", "example.com"), "/spec/size", 1, 2),
            Impact.NONE,
            "what follows is up to the controller of Widget",
        ),
    ],
)
def test_each_path_has_a_class_and_a_sentence(found: Change, expected: Impact, words: str) -> None:
    effect = only(found)
    assert (effect.impact, effect.words) == (expected, words)


def test_the_programs_own_deployment_says_that_operations_go_on() -> None:
    found = update(ref("Deployment", "apps", "main"), "/spec/template/spec/x", 1, 2, authored=WORKER)
    assert only(found).impact is Impact.RESTART
    assert "running operations go on" in only(found).words


def test_a_removed_pool_says_what_happens_to_its_work() -> None:
    effect = only(change(POOL, Action.DELETE))
    assert effect.impact is Impact.DESTRUCTIVE
    for part in ("admits nothing more", "running operations finish", "PoolRemoved", "namespace is deleted"):
        assert part in effect.words


def test_what_goes_with_a_pool_says_so() -> None:
    space = ResourceRef(group="", kind="Namespace", namespace="", name="ci-linux-ops")
    effect = only(change(space, Action.DELETE, authored=POOL))
    assert effect.words == "namespace ci-linux-ops is deleted with all in it (belongs to pool linux)"


def test_superseded_objects_harm_nothing() -> None:
    assert only(change(ref("ConfigMap"), Action.DELETE, superseded=True)).impact is Impact.NONE


@pytest.mark.parametrize("action", [Action.KEEP, Action.REFUSE])
def test_what_is_not_done_has_no_effect(action: Action) -> None:
    assert impact.effects(change(POOL, action)) == ()


def test_values_of_secrets_are_in_no_sentence() -> None:
    found = update(ref("Secret"), "/data/word", "b2xk", "bmV3")
    assert not {"b2xk", "bmV3"} & set(only(found).words.split())


def test_the_worst_decides() -> None:
    found = [only(update(POOL, "/spec/image", "a", "b")), only(change(POOL, Action.DELETE))]
    assert impact.worst(found) is Impact.DESTRUCTIVE
    assert impact.worst([]) is Impact.NONE


@pytest.mark.parametrize("kind", [kind for kind in crds.KINDS if kind.name in {"WorkerPool", "Worker"}])
def test_every_field_of_our_kinds_is_in_the_table(kind: crds.Kind) -> None:
    """A field that is added later must be classed: nothing of `spec` falls through to the words for strangers."""
    target = ResourceRef(group=GROUP, kind=kind.name, namespace="ci", name="x")
    for field in crds.schema(kind)["properties"]["spec"]["properties"]:
        effect = only(update(target, f"/spec/{field}", "a", "b"))
        assert effect.words != "nothing that runs is touched", field
        assert effect.impact is not Impact.NONE or field in {"replicas", "commitRules"}, field
