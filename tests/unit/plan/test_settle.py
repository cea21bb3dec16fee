"""From objects and predictions to a plan: every item, every guard."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from gitops.objects import Manifest, inventory
from gitops.plan import order
from gitops.plan.budget import Budget
from gitops.plan.change import Action, Change, Desired, Guard, Plan, Stage, Taken
from gitops.plan.draft import Differs, Leaving, Missing, Same, Stranger, Surplus, draft
from gitops.plan.settle import Header, Prediction, Rules, settle
from gitops.ref import ResourceRef
from tests.unit.plan import made

HEADER = Header(name="dev", namespace="home", revision="r2")
CRD = "apiextensions.k8s.io/v1"


def _plan(
    wanted: list[Desired],
    *live: Manifest,
    owned: inventory.Inventory | None = None,
    predictions: Mapping[ResourceRef, Prediction] | None = None,
    **rules: Any,
) -> Plan:
    held = owned or inventory.Inventory()
    items = draft(wanted, made.world(*live), held)
    return settle(items, predictions or {}, held, header=HEADER, rules=Rules(**rules))


def _only(plan: Plan) -> Change:
    (change,) = plan.changes
    return change


def _surplus(*live: Manifest, authored: Manifest | None = None, **rules: Any) -> Plan:
    """A plan in which these leave, beside ten that stay."""
    stay = [made.desired(made.config_map(f"stay-{i}")) for i in range(10)]
    leave = [made.desired(one, authored) for one in live]
    applied = [made.applied(one.manifest) for one in [*stay, *leave]]
    return _plan(stay, *applied, owned=made.inventory_of(*stay, *leave), **rules)


def test_each_object_gets_its_item() -> None:
    owned = made.desired(made.config_map("same"))
    wanted = [owned, *(made.desired(made.config_map(name)) for name in ("missing", "differs", "leaving"))]
    pool = made.of_kind("WorkerPool", "p")
    wanted.append(made.desired(made.config_map("stranger"), pool))
    live = [
        made.applied(made.config_map("same")),
        made.applied(made.config_map("differs", {"a": "2"})),
        made.applied(made.config_map("leaving"), deletionTimestamp=made.TIME),
        made.applied(made.config_map("stranger")),
        made.applied(made.config_map("surplus")),
    ]
    held = made.inventory_of(owned, made.desired(made.config_map("surplus")), made.desired(made.config_map("gone")))
    assert [type(one) for one in draft(wanted, made.world(*live), held)] == [
        Same,
        Missing,
        Differs,
        Leaving,
        Stranger,
        Surplus,
    ]


def test_a_new_object_is_created_whole() -> None:
    wanted = made.desired(made.config_map())
    change = _only(_plan([wanted], predictions={wanted.ref: Prediction(object=wanted.manifest)}))
    assert (change.action, change.verified, change.uid) == (Action.CREATE, True, "")
    assert change.patch == ({"op": "add", "path": "", "value": wanted.manifest},)
    assert str(change.location) == "base/x.yaml:3:1"


def test_what_could_not_be_asked_is_marked() -> None:
    wanted = made.desired(made.config_map())
    change = _only(_plan([wanted], predictions={wanted.ref: Prediction(unverified="namespace home is only planned")}))
    assert (change.action, change.verified, change.why) == (Action.CREATE, False, "namespace home is only planned")


def test_an_update_carries_patch_inverse_tests_uid_and_version() -> None:
    wanted = made.desired(made.config_map(data={"a": "2", "b": "x"}))
    live = made.applied(made.config_map(data={"a": "1", "c": "y"}))
    predicted = made.applied(wanted.manifest)
    change = _only(
        _plan([wanted], live, owned=made.inventory_of(wanted), predictions={wanted.ref: Prediction(object=predicted)})
    )
    assert (change.action, change.uid, change.resource_version) == (Action.UPDATE, "uid-a", "7")
    assert change.patch == (
        {"op": "replace", "path": "/data/a", "value": "2"},
        {"op": "remove", "path": "/data/c"},
        {"op": "add", "path": "/data/b", "value": "x"},
    )
    assert change.tests == (
        {"op": "test", "path": "/data/a", "value": "1"},
        {"op": "test", "path": "/data/c", "value": "y"},
    )
    assert [op["op"] for op in change.inverse] == ["replace", "remove", "add"]


def test_a_default_only_the_server_knows_is_no_change() -> None:
    wanted = made.desired(made.of_kind("Thing", spec={"list": [{"a": 1}]}))
    live = made.live(made.of_kind("Thing", spec={"list": [{"a": 1, "d": 2}]}), made.entry({"f:spec": {"f:list": {}}}))
    plan = _plan([wanted], live, owned=made.inventory_of(wanted), predictions={wanted.ref: Prediction(object=live)})
    assert (plan.changes, plan.unchanged) == ((), 1)


def test_an_object_that_was_not_ours_says_so() -> None:
    wanted = made.desired(made.config_map())
    live = made.live(made.config_map(), made.entry({"f:data": {"f:a": {}}}, "kubectl-create", "Update"))
    predicted = made.applied(made.config_map())
    change = _only(_plan([wanted], live, predictions={wanted.ref: Prediction(object=predicted)}))
    assert (change.action, change.patch, change.why) == (Action.UPDATE, (), "exists already and becomes ours")
    unasked = _plan([wanted], live, predictions={wanted.ref: Prediction(unverified="no right")})
    assert (unasked.changes, unasked.unchanged) == ((), 1)


def test_a_field_of_another_manager_is_refused_unless_forced() -> None:
    wanted = made.desired(made.config_map(data={"a": "2"}))
    live = made.live(made.config_map(), made.entry({"f:data": {"f:a": {}}}, "kubectl-edit", "Update"))
    prediction = Prediction(
        object=made.applied(wanted.manifest), taken=(Taken(path=".data.a", manager="kubectl-edit"),)
    )
    plan = _plan([wanted], live, owned=made.inventory_of(wanted), predictions={wanted.ref: prediction})
    change = _only(plan)
    assert (change.action, change.guard) == (Action.REFUSE, Guard.CONFLICT)
    assert ".data.a is owned by kubectl-edit" in change.why
    assert (plan.blocked, plan.writes) == ((), ())
    forced = _plan([wanted], live, owned=made.inventory_of(wanted), predictions={wanted.ref: prediction}, force=True)
    assert _only(forced).action is Action.UPDATE


@pytest.mark.parametrize(
    ("prediction", "guard"),
    [
        (Prediction(error="data: Invalid"), Guard.INVALID),
        (Prediction(error="attempting to grant", denied=True), Guard.DENIED),
    ],
)
def test_what_the_server_refuses_blocks_the_plan(prediction: Prediction, guard: Guard) -> None:
    wanted = made.desired(made.config_map())
    for live in ([], [made.applied(made.config_map(data={"a": "0"}))]):
        plan = _plan([wanted], *live, predictions={wanted.ref: prediction})
        assert [(one.action, one.guard, one.why) for one in plan.blocked] == [(Action.REFUSE, guard, prediction.error)]


def test_a_replacement_needs_its_name() -> None:
    wanted = made.desired(made.config_map(data={"a": "2"}))
    live = made.applied(made.config_map())
    prediction = {wanted.ref: Prediction(immutable="data: field is immutable")}
    change = _only(_plan([wanted], live, predictions=prediction))
    assert (change.action, change.guard) == (Action.REFUSE, Guard.IMMUTABLE)
    assert "consent by naming configmap/a" in change.why
    agreed = _only(_plan([wanted], live, predictions=prediction, consent=frozenset({"configmap/a"})))
    assert (agreed.action, agreed.uid) == (Action.REPLACE, "uid-a")


def test_somebody_elses_object_is_not_taken_by_an_expansion() -> None:
    pool = made.of_kind("WorkerPool", "p")
    wanted = made.desired(made.config_map(), pool)
    change = _only(_plan([wanted], made.live(made.config_map())))
    assert (change.action, change.guard) == (Action.REFUSE, Guard.STRANGER)
    labels = {"app.kubernetes.io/managed-by": "gitops-worker"}
    handed_over = made.live(made.config_map(labels=labels))
    assert isinstance(draft([wanted], made.world(handed_over), inventory.Inventory())[0], Differs)


def test_what_cannot_be_read_is_refused_not_guessed() -> None:
    wanted = made.desired(made.secret({"a": "eA=="}))
    items = draft([wanted], {}, inventory.Inventory(), unreadable={wanted.ref: "no right to list secrets"})
    change = _only(settle(items, {}, inventory.Inventory(), header=HEADER, rules=Rules()))
    assert (change.guard, change.why) == (Guard.DENIED, "cannot be read: no right to list secrets")


def test_content_of_a_namespace_that_is_being_deleted_is_made_again_with_it() -> None:
    namespace = made.of_kind("Namespace", "home", namespace="")
    wanted = [made.desired(namespace), made.desired(made.config_map())]
    live = [made.applied(namespace, deletionTimestamp=made.TIME), made.applied(made.config_map())]
    plan = _plan(wanted, *live, owned=made.inventory_of(*wanted))
    assert [(one.action, one.uid) for one in plan.changes] == [(Action.CREATE, "uid-home"), (Action.CREATE, "uid-a")]


def test_a_deletion_is_bound_to_the_object_that_was_seen() -> None:
    change = _only(_surplus(made.config_map("old")))
    assert (change.action, change.uid, change.why) == (Action.DELETE, "uid-old", "left Git")


@pytest.mark.parametrize(
    "manifest",
    [
        made.of_kind("Namespace", "old", namespace=""),
        made.of_kind("PersistentVolumeClaim", "old"),
        made.of_kind("Secret", "old"),
        made.of_kind("CustomResourceDefinition", "old.example.org", api_version=CRD, namespace=""),
    ],
)
def test_precious_objects_need_naming(manifest: Manifest) -> None:
    name = f"{manifest['kind'].lower()}/{manifest['metadata']['name']}"
    change = _only(_surplus(manifest))
    assert (change.action, change.guard) == (Action.REFUSE, Guard.DELETION)
    assert f"consent by naming {name}" in change.why
    assert _only(_surplus(manifest, consent=frozenset({name}))).action is Action.DELETE
    assert _only(_surplus(manifest, consent=frozenset({"secret/other"}))).action is Action.REFUSE


def test_naming_a_pool_covers_its_expansion() -> None:
    pool = made.of_kind("WorkerPool", "gpu")
    inside = [made.of_kind("Namespace", "gpu-ops", namespace=""), made.config_map("runner")]
    refused = _surplus(*inside, authored=pool)
    assert {one.guard for one in refused.changes} == {Guard.DELETION}
    assert "consent by naming workerpool/gpu" in refused.changes[0].why
    agreed = _surplus(*inside, authored=pool, consent=frozenset({"workerpool/gpu"}))
    assert {one.action for one in agreed.changes} == {Action.DELETE}


def test_more_than_the_budget_needs_naming() -> None:
    few, many = ([made.config_map(f"old-{i}") for i in range(count)] for count in (2, 3))
    assert {one.action for one in _surplus(*few).changes} == {Action.DELETE}
    plan = _surplus(*many)
    assert {one.guard for one in plan.changes} == {Guard.DELETION}
    assert "3 of 13 authored objects would go, the budget is 2 or 20 %" in plan.changes[0].why
    names = frozenset(f"configmap/old-{i}" for i in range(3))
    assert {one.action for one in _surplus(*many, consent=names).changes} == {Action.DELETE}
    assert {one.action for one in _surplus(*many, budget=Budget(count=3)).changes} == {Action.DELETE}
    assert {one.action for one in _surplus(*many, budget=Budget(count=0, percent=50)).changes} == {Action.DELETE}


def test_an_expansion_counts_once_even_when_half_of_it_is_gone_already() -> None:
    pools = [made.of_kind("WorkerPool", f"p{i}") for i in range(3)]
    stay = [made.desired(made.config_map(f"stay-{i}")) for i in range(5)]
    leave = [made.desired(made.config_map(f"of-{one['metadata']['name']}"), one) for one in pools]
    held = made.inventory_of(*stay, *leave, *(made.desired(one) for one in pools))
    live = [made.applied(one.manifest) for one in [*stay, *leave]]
    plan = _plan(stay, *live, owned=held)
    assert {one.guard for one in plan.changes} == {Guard.DELETION}
    assert "3 of 8 authored objects" in plan.changes[0].why


def test_a_part_of_an_expansion_that_goes_is_no_deletion_of_its_pool() -> None:
    pool = made.of_kind("WorkerPool", "p")
    stay = made.desired(pool)
    leave = [made.desired(made.config_map(f"part-{i}"), pool) for i in range(5)]
    live = [made.applied(pool), *(made.applied(one.manifest) for one in leave)]
    plan = _plan([stay], *live, owned=made.inventory_of(stay, *leave))
    assert {one.action for one in plan.changes} == {Action.DELETE}


@pytest.mark.parametrize(
    ("old", "new"),
    [("env-0123456789", "env-abcdefghij"), ("gitops-runner-0123456789ab", "gitops-runner-ba9876543210")],
)
def test_superseded_hashes_need_no_budget(old: str, new: str) -> None:
    wanted = [made.desired(made.config_map(new))]
    leave = [made.desired(made.config_map(old))]
    live = [made.applied(made.config_map(name)) for name in (old, new)]
    plan = _plan(wanted, *live, owned=made.inventory_of(*leave, *wanted), budget=Budget(count=0, percent=0))
    assert [(one.action, one.superseded, one.why) for one in plan.changes] == [(Action.DELETE, True, "superseded")]


def test_a_secret_that_only_looks_hashed_is_not_superseded() -> None:
    change = _only(_surplus(made.secret({}, "token-0123456789")))
    assert (change.action, change.superseded) == (Action.REFUSE, False)


@pytest.mark.parametrize(
    ("manifest", "rules", "why"),
    [
        (made.config_map("x", annotations={"gitops-worker.io/prune": "disabled"}), {}, "annotated"),
        (made.config_map("x"), {"prune": False}, "pruning is off"),
        (
            made.of_kind("CustomResourceDefinition", "workers.gitops-worker.io", api_version=CRD, namespace=""),
            {"consent": frozenset({"customresourcedefinition/workers.gitops-worker.io"})},
            "never pruned",
        ),
    ],
)
def test_some_things_stay_and_stay_ours(manifest: Manifest, rules: dict[str, Any], why: str) -> None:
    plan = _surplus(manifest, **rules)
    change = _only(plan)
    assert change.action is Action.KEEP
    assert why in change.why
    assert change.ref in plan.entries
    assert plan.writes == plan.refused == ()


def test_what_keeps_a_pool_keeps_its_expansion() -> None:
    pool = made.of_kind("WorkerPool", "gpu", annotations={"gitops-worker.io/prune": "disabled"})
    pool["metadata"]["annotations"] = pool.pop("annotations")
    inside = made.of_kind("Namespace", "gpu-ops", namespace="")
    stay = made.desired(made.config_map("stay"))
    held = made.inventory_of(stay, made.desired(pool), made.desired(inside, pool))
    live = [made.applied(one) for one in (stay.manifest, pool, inside)]
    plan = _plan([stay], *live, owned=held, consent=frozenset({"workerpool/gpu"}))
    assert {one.action for one in plan.changes} == {Action.KEEP}
    assert "WorkerPool home/gpu is annotated" in next(one.why for one in plan.changes if one.ref.kind == "Namespace")


@pytest.mark.parametrize(
    ("kept", "why"), [(True, "is to be kept: annotated"), (False, "ConfigMap home/in is still wanted")]
)
def test_a_namespace_does_not_take_along_what_stays(why: str, *, kept: bool) -> None:
    marks = {"gitops-worker.io/prune": "disabled"} if kept else {}
    inside, space = made.config_map("in", annotations=marks), made.of_kind("Namespace", "home", namespace="")
    stay = made.desired(made.of_kind("ConfigMap", "stay", namespace="other") if kept else inside)
    held = made.inventory_of(stay, made.desired(inside), made.desired(space))
    live = [made.applied(one) for one in (stay.manifest, inside, space)]
    plan = _plan([stay], *live, owned=held, consent=frozenset({"namespace/home"}))
    refused = next(one for one in plan.changes if one.ref.kind == "Namespace")
    assert (refused.action, refused.guard) == (Action.REFUSE, Guard.HOLDS)
    assert why in refused.why


def test_an_object_already_being_deleted_needs_no_consent() -> None:
    old = made.of_kind("Namespace", "old", namespace="")
    stay = [made.desired(made.config_map())]
    live = [made.applied(old, deletionTimestamp=made.TIME), made.applied(made.config_map())]
    plan = _plan(stay, *live, owned=made.inventory_of(*stay, made.desired(old)))
    assert _only(plan).action is Action.DELETE


def test_an_empty_configuration_deletes_nothing_whatever_is_agreed_to() -> None:
    old = made.desired(made.config_map())
    plan = _plan([], made.applied(made.config_map()), owned=made.inventory_of(old), consent=frozenset({"configmap/a"}))
    assert _only(plan).guard is Guard.EMPTY
    assert plan.entries.keys() == {old.ref}


def test_a_refusal_makes_nothing_ours() -> None:
    wanted = made.desired(made.config_map(data={"a": "2"}))
    live = made.live(made.config_map(), made.entry({"f:data": {"f:a": {}}}, "kubectl-edit", "Update"))
    taken = {wanted.ref: Prediction(object=live, taken=(Taken(path=".data.a", manager="kubectl-edit"),))}
    assert _plan([wanted], live, predictions=taken).entries == {}
    assert _plan([wanted], live, predictions=taken, owned=made.inventory_of(wanted)).entries.keys() == {wanted.ref}


def test_writes_come_in_order_and_deletions_in_reverse_after_them() -> None:
    rbac = "rbac.authorization.k8s.io/v1"
    wanted = [
        made.of_kind("Deployment", api_version="apps/v1"),
        made.of_kind("RoleBinding", api_version=rbac),
        made.config_map(),
        made.of_kind("Role", api_version=rbac),
        made.of_kind("Namespace", namespace=""),
    ]
    stay = [made.desired(made.config_map(f"stay-{i}")) for i in range(10)]
    old = [made.config_map("old"), made.of_kind("Deployment", "old", api_version="apps/v1")]
    held = made.inventory_of(*stay, *(made.desired(one) for one in old))
    live = [made.applied(one) for one in [*old, *(one.manifest for one in stay)]]
    plan = _plan([*map(made.desired, wanted), *stay], *live, owned=held)
    assert [(one.ref.kind, one.action) for one in plan.changes] == [
        ("Namespace", Action.CREATE),
        ("Role", Action.CREATE),
        ("RoleBinding", Action.CREATE),
        ("ConfigMap", Action.CREATE),
        ("Deployment", Action.CREATE),
        ("Deployment", Action.DELETE),
        ("ConfigMap", Action.DELETE),
    ]
    assert [one.stage for one in plan.changes[:4]] == list(Stage)


def test_the_digest_names_what_a_plan_does() -> None:
    one, other = (_plan([made.desired(made.config_map(data={"a": value}))]) for value in ("1", "2"))
    assert one.digest != other.digest
    assert one.digest == _plan([made.desired(made.config_map())]).digest


def test_unknown_kinds_come_last() -> None:
    known, unknown = (ResourceRef("", kind, "n", "x") for kind in ("Service", "Widget"))
    assert order.apply_key(known) < order.apply_key(unknown)
    assert order.together(known) != order.together(unknown)
