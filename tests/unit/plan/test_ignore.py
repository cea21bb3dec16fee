"""Ignore rules: what they hide, what they leave to others, and that they end."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.api.gitsync import IgnoredObjects, IgnoreRule
from gitops.objects import Manifest
from gitops.plan import drift, ignore, predict
from tests.unit.plan import made

TODAY = "2026-06-15"
HPA = "kube-controller-manager"


def rules(*paths: str, expires: str = "2026-12-31", **objects: Any) -> tuple[ignore.Rule, ...]:
    about = IgnoredObjects(**{"kind": "ConfigMap", **objects})
    one = IgnoreRule(objects=about, paths=list(paths), owner="team", reason="theirs", expires=expires)
    return ignore.rules_of([one])


def edited(data: dict[str, str], fields: dict[str, Any]) -> Manifest:
    """`a` and `b` are in Git; somebody else owns `fields`."""
    ours: dict[str, Any] = {f"f:{key}": {} for key in ("a", "b") if f"f:{key}" not in fields}
    return made.live(
        made.config_map(data=data), made.entry({"f:data": ours}), made.entry({"f:data": fields}, "edit", "Update")
    )


WANTED = made.config_map(data={"a": "1", "b": "1"})


def sorted_(live: Manifest, *found: ignore.Rule, today: str = TODAY) -> ignore.Sorted:
    one = made.desired(WANTED)
    drifts = drift.find([one], made.world(live))
    return ignore.sort(drifts, found, desired={one.ref: WANTED}, live=made.world(live), today=today)


def test_a_rule_hides_its_path_and_no_other() -> None:
    live = edited({"a": "2", "b": "2"}, {"f:a": {}, "f:b": {}})
    found = sorted_(live, *rules(".data.a"))
    assert [one.path for one in found.drifts] == ["/data/b"]
    assert [(one.drift.path, one.rule.owner) for one in found.ignored] == [("/data/a", "team")]
    assert found.expired == ()


@pytest.mark.parametrize(
    ("objects", "hidden"),
    [
        ({"name": "a"}, True),
        ({"name": "a*"}, True),
        ({"name": "b"}, False),
        ({"namespace": "elsewhere"}, False),
        ({"group": ""}, True),
        ({"group": "apps"}, False),
        ({"kind": "Secret"}, False),
    ],
)
def test_a_rule_is_about_its_objects(objects: dict[str, str], *, hidden: bool) -> None:
    found = sorted_(edited({"a": "2", "b": "1"}, {"f:a": {}}), *rules(".data.a", **objects))
    assert bool(found.ignored) is hidden
    assert bool(found.drifts) is not hidden


def test_a_removed_field_is_hidden_too() -> None:
    live = made.live(made.config_map(data={"b": "1"}), made.entry({"f:data": {"f:b": {}}}))
    assert sorted_(live, *rules(".data.*")).drifts == ()


def test_a_missing_object_is_never_hidden() -> None:
    one = made.desired(WANTED)
    found = ignore.sort(drift.find([one], {}), rules(".data"), desired={one.ref: WANTED}, live={}, today=TODAY)
    assert len(found.drifts) == 1


@pytest.mark.parametrize(("today", "holds"), [("2026-12-30", True), ("2026-12-31", True), ("2027-01-01", False)])
def test_a_rule_holds_through_its_last_day_and_is_named_from_then_on(today: str, *, holds: bool) -> None:
    live = edited({"a": "2", "b": "1"}, {"f:a": {}})
    found = sorted_(live, *rules(".data.a"), today=today)
    assert bool(found.ignored) is holds
    assert [(rule.owner, count) for rule, count in found.expired] == ([] if holds else [("team", 1)])
    assert [one.path for one in found.drifts] == ([] if holds else ["/data/a"])


def test_an_expired_rule_is_named_though_nothing_differs() -> None:
    found = sorted_(edited({"a": "1", "b": "1"}, {}), *rules(".data.a"), today="2027-01-01")
    assert [count for _, count in found.expired] == [0]


def left(wanted: Manifest, live: Manifest, *found: ignore.Rule, today: str = TODAY) -> tuple[Manifest, list[str]]:
    (one,), paths = ignore.leave([made.desired(wanted)], made.world(live), found, today=today)
    return one.manifest, [f"{at.path} {at.manager}" for at in paths]


def test_a_plan_leaves_what_others_own_and_applies_what_nobody_else_does() -> None:
    live = edited({"a": "2", "b": "0"}, {"f:a": {}})
    manifest, told = left(WANTED, live, *rules(".data.*"))
    assert manifest["data"] == {"b": "1"}
    assert told == ["/data/a edit"]
    assert predict.predict(manifest, live)["data"] == {"a": "2", "b": "1"}
    assert WANTED["data"] == {"a": "1", "b": "1"}


def test_a_plan_leaves_nothing_when_the_rule_has_expired() -> None:
    manifest, told = left(WANTED, edited({"a": "2", "b": "1"}, {"f:a": {}}), *rules(".data.*"), today="2027-01-01")
    assert (manifest, told) == (WANTED, [])


def test_an_object_that_is_not_there_is_made_as_git_says() -> None:
    (one,), told = ignore.leave([made.desired(WANTED)], {}, rules(".data.*"), today=TODAY)
    assert (one.manifest, told) == (WANTED, ())


APPS = "apps/v1"
CONTAINERS = [{"name": "main", "image": "i:1"}, {"name": "side", "image": "s:1"}]


def deployment(containers: list[dict[str, Any]], replicas: int = 2) -> Manifest:
    spec = {"replicas": replicas, "template": {"spec": {"containers": containers}}}
    return made.of_kind("Deployment", api_version=APPS, spec=spec)


def test_replicas_are_left_to_an_autoscaler() -> None:
    scaled = made.entry({"f:spec": {"f:replicas": {}}}, HPA, "Update", subresource="scale")
    manifest, told = left(
        deployment(CONTAINERS),
        made.live(deployment(CONTAINERS, 7), scaled),
        *rules(".spec.replicas", kind="Deployment"),
    )
    assert "replicas" not in manifest["spec"]
    assert told == [f"/spec/replicas {HPA}"]


def test_a_field_of_one_container_is_left_and_the_container_keeps_its_name() -> None:
    fields: dict[str, Any] = {'k:{"name":"main"}': {"f:image": {}}, 'k:{"name":"side"}': {"f:image": {}}}
    theirs = made.entry({"f:spec": {"f:template": {"f:spec": {"f:containers": fields}}}}, "updater", "Update")
    path = ".spec.template.spec.containers[name=main].image"
    manifest, told = left(
        deployment([{**CONTAINERS[0], "tty": True}, CONTAINERS[1]]),
        made.live(deployment(CONTAINERS), theirs),
        *rules(path, kind="Deployment"),
    )
    assert manifest["spec"]["template"]["spec"]["containers"] == [{"name": "main", "tty": True}, CONTAINERS[1]]
    assert told == ["/spec/template/spec/containers/0/image updater"]


def test_part_of_a_value_merged_as_one_cannot_be_left() -> None:
    wanted = made.of_kind("Thing", spec={"whole": {"a": 1, "b": 2}})
    theirs = made.entry({"f:spec": {"f:whole": {}}}, "edit", "Update")
    assert left(wanted, made.live(wanted, theirs), *rules(".spec.whole.a", kind="Thing")) == (wanted, [])
    manifest, _ = left(wanted, made.live(wanted, theirs), *rules(".spec.whole", kind="Thing"))
    assert "spec" not in manifest
