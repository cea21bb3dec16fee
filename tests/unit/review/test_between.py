"""One rendering against another, without a cluster; and where a path of live stands in Git."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.merge import jsonpatch
from gitops.objects import Manifest, ref_of
from gitops.plan import compare
from gitops.plan.budget import Budget
from gitops.plan.change import Action, Desired, Guard
from gitops.plan.settle import Header, Rules
from gitops.review import outcome, places
from gitops.review.between import between, matched

HEADER = Header(name="it", namespace="shop", revision="main@sha1:1")


def config(name: str, namespace: str = "shop", **data: Any) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": namespace},
        "data": data,
    }


def wanted(*manifests: Manifest) -> tuple[Desired, ...]:
    return tuple(Desired(manifest=one, ref=ref_of(one), authored=ref_of(one)) for one in manifests)


def actions(before: tuple[Desired, ...], after: tuple[Desired, ...], **rules: Any) -> dict[str, Action]:
    plan, _ = between(before, after, header=HEADER, rules=Rules(**rules))
    return {one.ref.name: one.action for one in plan.changes}


def test_what_comes_changes_and_goes() -> None:
    before = wanted(config("same"), config("old"), config("moved", colour="blue"))
    after = wanted(config("same"), config("new"), config("moved", colour="red"))
    assert actions(before, after) == {"new": Action.CREATE, "moved": Action.UPDATE, "old": Action.DELETE}


def test_a_field_that_goes_is_removed() -> None:
    plan, live = between(wanted(config("a", x="1", y="2")), wanted(config("a", x="1")), header=HEADER, rules=Rules())
    (change,) = plan.changes
    assert change.patch == ({"op": "remove", "path": "/data/y"},)
    after = outcome.predicted(change, live[change.ref])
    assert after is not None
    assert after["data"] == {"x": "1"}


def test_the_guards_of_a_plan_hold() -> None:
    before = wanted(*(config(f"c{number}") for number in range(10)))
    assert set(actions(before, before[:5]).values()) == {Action.REFUSE}
    plan, _ = between(before, before[:5], header=HEADER, rules=Rules(budget=Budget(count=5)))
    assert plan.refused == ()
    plan, _ = between(before, (), header=HEADER, rules=Rules(budget=Budget(count=10)))
    assert {one.guard for one in plan.refused} == {Guard.EMPTY}


def test_objects_of_another_namespace_are_the_same_ones() -> None:
    dev, production = wanted(config("a", "dev", x="1")), wanted(config("a", "production", x="1"))
    plan, _ = between(matched(dev, production), production, header=HEADER, rules=Rules())
    (change,) = plan.changes
    assert change.patch == ({"op": "replace", "path": "/metadata/namespace", "value": "production"},)


def test_a_name_that_is_there_twice_is_not_guessed() -> None:
    before = wanted(config("a", "one"), config("a", "two"))
    after = wanted(config("a", "three"))
    assert matched(before, after) == before


VALUES = st.dictionaries(st.sampled_from("abcdef"), st.text(max_size=3), max_size=4)


@given(
    st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES), st.dictionaries(st.sampled_from(["x", "y", "z"]), VALUES)
)
def test_carried_out_one_rendering_is_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    old = wanted(*(config(name, **data) for name, data in before.items()))
    new = wanted(*(config(name, **data) for name, data in after.items()))
    rules = Rules(remove=True, budget=Budget(count=10))
    plan, live = between(old, new, header=HEADER, rules=rules)
    found = {ref: compare.visible(one) for ref, one in outcome.after(live, plan.changes).items()}
    assert found == {one.ref: one.manifest for one in new}
    for change in plan.changes:
        if change.action is Action.UPDATE:
            ahead = outcome.predicted(change, live[change.ref])
            assert jsonpatch.apply(change.inverse, ahead) == compare.visible(live[change.ref])


CONTAINERS = [{"name": "web", "image": "a"}, {"name": "log", "image": "b"}]
POD: dict[str, Any] = {"spec": {"containers": CONTAINERS, "args": ["x", "y"]}}
SHOWN = {"spec": {"containers": [{"name": "mesh"}, *CONTAINERS], "args": ["z", "y", "x"]}}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/spec/containers/1/image", "/spec/containers/0/image"),
        ("/spec/containers/2/image", "/spec/containers/1/image"),
        ("/spec/containers/0/image", "/spec/containers"),
        ("/spec/args/1", "/spec/args/1"),
        ("/spec/args/0", "/spec/args"),
        ("/spec/gone/deeper", "/spec"),
        ("", ""),
    ],
)
def test_a_path_of_live_is_found_in_git_by_name(path: str, found: str) -> None:
    assert places.pointer(path, shown=SHOWN, wanted=POD) == found
