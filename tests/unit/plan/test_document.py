"""A plan as a document: bound to what it does, and without a secret in it."""

from __future__ import annotations

import base64
import json
from dataclasses import replace
from typing import Any

import jsonpatch
import msgspec
import pytest

from gitops import errors
from gitops.api.plan import PlanDocument, PlanSource
from gitops.objects import Manifest
from gitops.plan import compare, document, secrecy
from gitops.plan.change import Plan, Taken
from gitops.plan.draft import draft
from gitops.plan.settle import Header, Prediction, Rules, settle
from gitops.report import plans
from tests.unit.plan import made

SALT = "salt"


def _plan(wanted: Manifest, live: Manifest | None = None, **prediction: Any) -> Plan:
    one = made.desired(wanted)
    held = made.inventory_of(one)
    items = draft([one], made.world(live) if live else {}, held)
    predicted = Prediction(object=made.applied(wanted), **prediction)
    header = Header(name="dev", namespace="home", revision="r2")
    return settle(items, {one.ref: predicted}, held, header=header, rules=Rules(force=True))


def _saved(plan: Plan) -> PlanDocument:
    made_now = document.document(plan, PlanSource(sync="dev"), salt=SALT, force=True, consent=["b", "a"])
    return msgspec.json.decode(msgspec.json.encode(made_now), type=PlanDocument)


def test_a_saved_plan_is_the_plan_made_again() -> None:
    live = made.applied(made.config_map())
    plan = _plan(made.config_map(data={"a": "2"}), live)
    saved = _saved(plan)
    document.assert_same(saved, plan)
    assert (saved.consent, saved.force, saved.digest) == (["a", "b"], True, plan.digest)
    (change,) = saved.changes
    assert jsonpatch.apply_patch(compare.visible(live), change.patch)["data"] == {"a": "2"}
    after = jsonpatch.apply_patch(compare.visible(live), change.patch)
    assert jsonpatch.apply_patch(after, change.inverse) == compare.visible(live)


def test_status_may_move_and_the_server_may_answer_by_now() -> None:
    live = made.applied(made.config_map())
    saved = _saved(_plan(made.config_map(data={"a": "2"}), live))
    moved = _plan(made.config_map(data={"a": "2"}), {**live, "metadata": {**live["metadata"], "resourceVersion": "9"}})
    document.assert_same(saved, replace(moved, changes=tuple(replace(one, verified=False) for one in moved.changes)))


@pytest.mark.parametrize(
    ("wanted", "live", "words"),
    [
        (made.config_map(data={"a": "2"}), made.config_map(data={"a": "0"}), "moved at /data/a"),
        (made.config_map(data={"a": "3"}), made.config_map(), "moved at /data/a"),
        (made.config_map(data={"a": "2", "b": "x"}), made.config_map(), "would change at /data/b too"),
        (made.config_map(data={"a": "2"}), None, "the plan says update, now it would be create"),
        (made.config_map(), made.config_map(), "needs no change any more"),
    ],
)
def test_what_moved_is_named(wanted: Manifest, live: Manifest | None, words: str) -> None:
    saved = _saved(_plan(made.config_map(data={"a": "2"}), made.applied(made.config_map())))
    now = _plan(wanted, made.applied(live) if live else None)
    with pytest.raises(errors.PlanStale, match=f"ConfigMap home/a: {words}"):
        document.assert_same(saved, now)


def test_another_object_of_the_same_name_is_another() -> None:
    live = made.applied(made.config_map())
    saved = _saved(_plan(made.config_map(data={"a": "2"}), live))
    with pytest.raises(errors.PlanStale, match="deleted and made again"):
        document.assert_same(saved, _plan(made.config_map(data={"a": "2"}), made.applied(made.config_map(), uid="new")))


def test_a_field_taken_back_now_that_was_not_in_the_plan() -> None:
    live = made.applied(made.config_map())
    wanted = made.config_map(data={"a": "2"})
    taken = (Taken(path=".data.a", manager="x"),)
    with pytest.raises(errors.PlanStale, match="is not what was reviewed"):
        document.assert_same(_saved(_plan(wanted, live)), _plan(wanted, live, taken=taken))


def test_a_change_that_was_not_in_the_plan() -> None:
    empty = replace(_plan(made.config_map(), made.applied(made.config_map())), changes=())
    with pytest.raises(errors.PlanStale, match="would change now, and is not in the plan"):
        document.assert_same(_saved(empty), _plan(made.config_map()))


CANARY = base64.b64encode(b"canary-secret").decode()
OTHER = base64.b64encode(b"other-secret").decode()
COPY = "kubectl.kubernetes.io/last-applied-configuration"


def _annotated(data: dict[str, str], value: str) -> Manifest:
    found = made.secret(data)
    return {**found, "metadata": {**found["metadata"], "annotations": {COPY: value}}}


@pytest.mark.parametrize(
    ("wanted", "live"),
    [
        (made.secret({"a": CANARY}), None),
        (made.secret({"a": CANARY}), made.secret({"a": OTHER})),
        (made.secret({"a": CANARY, "b": OTHER}), made.secret({"c": CANARY})),
        (made.secret({}), made.secret({"a": CANARY})),
        (_annotated({"a": CANARY}, f"x{CANARY}"), made.secret({"a": CANARY})),
        (_annotated({"a": CANARY}, f"x{OTHER}"), _annotated({"a": CANARY}, f"x{CANARY}")),
        ({**made.secret({"a": CANARY}), "immutable": True}, made.secret({"a": OTHER})),
    ],
)
def test_no_secret_value_is_in_any_form_of_a_plan(wanted: Manifest, live: Manifest | None) -> None:
    plan = _plan(wanted, made.applied(live) if live else None)
    assert plan.changes
    outputs = [msgspec.json.encode(_saved(plan)).decode(), "\n".join(plans.lines(_saved(plan)))]
    assert all(hidden not in text for text in outputs for hidden in (CANARY, OTHER, "canary-secret", "other-secret"))


def test_a_stale_plan_of_a_secret_does_not_quote_it() -> None:
    saved = _saved(_plan(made.secret({"a": CANARY}), made.applied(made.secret({"a": OTHER}))))
    with pytest.raises(errors.PlanStale) as raised:
        document.assert_same(
            saved, _plan(made.secret({"a": CANARY, "b": OTHER}), made.applied(made.secret({"a": OTHER})))
        )
    assert str(raised.value).startswith("Secret home/s: would change at /data/b too")


def test_equal_values_have_equal_masks_within_a_plan_and_others_in_the_next() -> None:
    plan = _plan(made.secret({"a": CANARY, "b": CANARY, "c": OTHER}), made.applied(made.secret({"a": OTHER})))
    masks = {op["path"]: op["value"] for op in secrecy.patch(plan.changes[0], plan.changes[0].patch, "one")}
    assert masks["/data/b"] == masks["/data/a"] != masks["/data/c"]
    again = {op["path"]: op["value"] for op in secrecy.patch(plan.changes[0], plan.changes[0].patch, "two")}
    assert not set(masks.values()) & set(again.values())


def test_the_text_says_old_and_new_and_keeps_control_characters_out() -> None:
    live = made.applied(made.config_map(data={"a": "1", "gone": "x"}))
    text = "\n".join(plans.lines(_saved(_plan(made.config_map(data={"a": "2\x1b[31m"}), live))))
    assert "~ ConfigMap home/a  [base/x.yaml:3:1]" in text
    assert 'replace /data/a  "1" -> "2' in text
    assert 'remove  /data/gone  "x"' in text
    assert "\x1b" not in text
    assert "1 to update, 0 unchanged." in text


def test_a_document_is_json_all_the_way() -> None:
    assert json.loads(msgspec.json.encode(_saved(_plan(made.config_map()))))["kind"] == "Plan"


@pytest.mark.parametrize("name", ["patch", "inverse", "tests"])
def test_a_plan_that_shows_something_else_is_refused(name: str) -> None:
    saved = _saved(_plan(made.config_map(data={"a": "2"}), made.applied(made.config_map())))
    (change,) = saved.changes
    document.assert_shown(saved, msgspec.structs.replace(saved, digest="another", expires="2030-01-01T00:00:00Z"))
    passing = msgspec.structs.replace(change, resource_version="9", verified=not change.verified, why="x")
    document.assert_shown(saved, msgspec.structs.replace(saved, changes=[passing]))
    edited = msgspec.structs.replace(saved, changes=[msgspec.structs.replace(change, **{name: []})])
    with pytest.raises(errors.Refused, match=f"ConfigMap home/a: the file shows another '{name}'"):
        document.assert_shown(edited, saved)
