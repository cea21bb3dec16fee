"""The pass as a whole, over a cluster in memory."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest

from gitops import errors
from gitops.objects import ref_of
from gitops.plan.change import Action, Desired
from gitops.ports.objects import DeleteOptions
from gitops.sync import events, inventories, story
from gitops.testing.objects import Call, failing
from tests.unit.sync.passes import HOME, Passes, config_map, namespace_of, pool, wanted


async def test_create_then_nothing_then_update_then_prune() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("b"), namespace_of("team")]))
    assert run.names() == {"a", "b"}
    run.requests()

    outcome = await run.sync(wanted([config_map("a"), config_map("b"), namespace_of("team")]))
    assert (outcome.moved, outcome.deleted) == (0, 0)
    assert {call.verb for call in run.requests()} == {"get", "list"}

    outcome = await run.sync(
        wanted([config_map("a", {"a": "2"}), config_map("b"), namespace_of("team")]), revision="r2"
    )
    assert (outcome.moved, outcome.deleted) == (1, 0)
    assert run.get("a")["data"] == {"a": "2"}

    outcome = await run.sync(wanted([config_map("a", {"a": "2"}), namespace_of("team")]), revision="r3")
    assert (outcome.moved, outcome.deleted) == (0, 1)
    assert run.names() == {"a"}
    owned = await run.inventory()
    assert {ref.name for ref in owned.entries} == {"a", "team"}
    assert owned.revision == "r3"


async def test_a_no_op_needs_one_list_a_kind_and_namespace_and_the_inventory() -> None:
    run = Passes()
    desired = wanted([*(config_map(f"c{i}") for i in range(50)), *(namespace_of(f"n{i}") for i in range(5))])
    await run.sync(desired)
    run.requests()
    await run.sync(desired)
    assert sorted((call.verb, call.kind) for call in run.requests()) == [
        ("list", "ConfigMap"),  # the inventory
        ("list", "ConfigMap"),
        ("list", "Namespace"),
    ]


async def test_a_first_apply_dry_runs_and_writes_each_object_once_and_polls_none() -> None:
    run = Passes()
    await run.sync(wanted([config_map(f"c{i}") for i in range(20)]))
    calls = run.requests()
    assert sum(1 for call in calls if call.verb == "apply" and call.dry_run) == 20
    assert sum(1 for call in calls if call.verb == "apply" and not call.dry_run) == 20
    assert sum(1 for call in calls if call.verb == "get") == 0


async def test_a_field_of_another_manager_refuses_only_its_object() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("b")]))
    run.edit("a", data={"a": "theirs"})
    outcome = await run.sync(wanted([config_map("a"), config_map("b", {"a": "2"})]), revision="r2")
    assert outcome.moved == 1
    assert run.get("a")["data"] == {"a": "theirs"}
    assert run.get("b")["data"] == {"a": "2"}
    assert (await run.inventory()).revision == "r1"

    planned = await run.plan(wanted([config_map("a"), config_map("b", {"a": "2"})]), revision="r2", force=True)
    (change,) = planned.plan.changes
    assert [(one.path, one.manager) for one in change.taken] == [(".data.a", "kubectl-edit")]
    await story.carry_out(run.means, planned)
    assert run.get("a")["data"] == {"a": "1"}
    assert (await run.inventory()).revision == "r2"


async def test_what_was_refused_never_becomes_ours() -> None:
    run = Passes()
    theirs = config_map("theirs", {"a": "theirs"})
    run.objects.server.create(run.kind("v1", "ConfigMap"), theirs, manager="kubectl-create")
    await run.sync(wanted([config_map("a"), config_map("theirs")]))
    assert {ref.name for ref in (await run.inventory()).entries} == {"a"}
    await run.sync(wanted([config_map("a")]), revision="r2")
    assert run.names() == {"a", "theirs"}


async def test_a_blocked_plan_writes_nothing() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), namespace_of("team")]))
    run.requests()
    with pytest.raises(errors.Refused) as raised:
        await run.sync(wanted([config_map("a", {"a": "2"}), config_map("new")]), revision="r2")
    assert "consent by naming namespace/team" in str(raised.value)
    assert "--consent" in raised.value.hint
    assert run.writes() == []

    await run.sync(wanted([config_map("a")]), revision="r3", consent=frozenset({"namespace/team"}))
    assert "team" not in run.names("Namespace")


async def test_an_empty_configuration_deletes_nothing() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("b")]))
    with pytest.raises(errors.Refused, match="desired set is empty") as raised:
        await run.sync([], revision="r2", consent=frozenset({"configmap/a"}))
    assert run.names() == {"a", "b"}
    assert raised.value.cause.startswith("ConfigMap home/a and 1 more: ")


async def test_what_the_server_would_refuse_stops_everything_before_the_first_write() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    run.requests()
    refusal = errors.ObjectInvalid("cannot apply ConfigMap home/b", cause="data: Invalid")

    def refuse(call: Call) -> None:
        if call.verb == "apply" and call.name == "b":
            raise refusal

    run.objects.before.append(refuse)
    with pytest.raises(errors.ObjectInvalid, match="data: Invalid"):
        await run.sync(wanted([config_map("a", {"a": "2"}), config_map("b")]), revision="r2")
    assert run.writes() == []


async def test_a_stage_is_verified_before_any_of_it_is_written() -> None:
    """Objects in a namespace that is itself only planned are dry-run once it is there."""
    run = Passes()

    def refuse(call: Call) -> None:
        if call.verb == "apply" and call.name == "bad":
            raise errors.ObjectInvalid("cannot apply", cause="spec.x: Required value")

    run.objects.before.append(refuse)
    inside = [config_map(name, namespace="team") for name in ("good", "bad")]
    with pytest.raises(errors.ObjectInvalid, match="ConfigMap team/bad would be refused, nothing of its stage"):
        await run.sync(wanted([namespace_of("team"), *inside]))
    assert [name for verb, _, name in run.writes() if verb == "apply"] == ["team"]
    assert run.names() == set()

    run.objects.before.clear()
    await run.sync(wanted([namespace_of("team"), *inside]))
    assert run.names() == {"good", "bad"}


def thirty() -> list[Desired]:
    """New, changed and unchanged objects in three namespaces, and some that leave."""
    some = [namespace_of("n1"), namespace_of("n2")]
    some += [config_map(f"n1-{i}", {"v": str(i)}, namespace="n1") for i in range(9)]
    some += [config_map(f"n2-{i}", {"v": str(i)}, namespace="n2") for i in range(9)]
    some += [config_map(f"home-{i}", {"v": "new"}) for i in range(10)]
    return wanted(some)


async def prepared() -> Passes:
    run = Passes()
    old = [namespace_of("n1"), *(config_map(f"n1-{i}", {"v": "old"}, namespace="n1") for i in range(4))]
    old += [config_map(f"gone-{i}") for i in range(3)] + [config_map(f"home-{i}") for i in range(3)]
    await run.sync(wanted(old))
    run.requests()
    return run


CONSENT = frozenset({"configmap/gone-0", "configmap/gone-1", "configmap/gone-2"})


class Killed(BaseException):
    """The process ends here."""


async def _killed_at(place: int, *, answered: bool) -> Passes:
    run = await prepared()
    seen = 0

    def kill(call: Call) -> None:
        nonlocal seen
        seen += 1
        if seen == place:
            raise Killed

    (run.objects.after if answered else run.objects.before).append(kill)
    with pytest.raises((Killed, BaseExceptionGroup)):
        await run.sync(thirty(), revision="r2", consent=CONSENT)
    run.objects.after.clear()
    run.objects.before.clear()
    return run


async def _assert_nothing_orphaned(run: Passes) -> None:
    """Whatever is ours in the cluster is in the inventory, at every moment."""
    owned = set((await run.inventory()).entries)
    for kind in ("ConfigMap", "Namespace"):
        for item in run.objects.server.list(run.kind("v1", kind)).items:
            applied = any(one["operation"] == "Apply" for one in item["metadata"].get("managedFields") or ())
            assert not applied or ref_of(item) in owned


@pytest.mark.parametrize("answered", [False, True])
async def test_killed_at_every_request_the_next_run_finishes(*, answered: bool) -> None:
    whole = await prepared()
    await whole.sync(thirty(), revision="r2", consent=CONSENT)
    total = len(whole.requests())
    assert total > 60
    for place in range(1, total + 1):
        run = await _killed_at(place, answered=answered)
        await _assert_nothing_orphaned(run)
        await run.sync(thirty(), revision="r2", consent=CONSENT)
        owned = await run.inventory()
        assert set(owned.entries) == {one.ref for one in thirty()}
        assert owned.revision == "r2"
        assert run.names() == {one.ref.name for one in thirty() if one.ref.kind == "ConfigMap"}
        run.requests()
        again = await run.sync(thirty(), revision="r2", consent=CONSENT)
        assert (again.moved, again.deleted, run.writes()) == (0, 0, [])


async def test_every_lost_answer_of_a_write_is_driven_to_a_definite_end() -> None:
    """The write was carried out, or was not, and nobody told us: the same pass finds out and goes on."""
    count = len([None for call in (await _calls()) if call.verb not in {"get", "list"}])
    for place in range(count):
        for after in (True, False):
            run = await prepared()
            left = [place]
            (run.objects.after if after else run.objects.before).append(_losing(left))
            await run.sync(thirty(), revision="r2", consent=CONSENT)
            assert left[0] < 0
            assert set((await run.inventory()).entries) == {one.ref for one in thirty()}


async def _calls() -> list[Call]:
    run = await prepared()
    await run.sync(thirty(), revision="r2", consent=CONSENT)
    return [call for call in run.requests() if not call.dry_run]


def _losing(left: list[int]) -> Callable[[Call], None]:
    def lose(call: Call) -> None:
        if call.verb in {"get", "list"} or call.dry_run:
            return
        left[0] -= 1
        if left[0] == -1:
            lost = errors.ClusterUnavailable("the answer was lost")
            lost.ambiguous = True
            raise lost

    return lose


async def test_a_create_that_somebody_else_made_is_no_success_of_ours() -> None:
    run = Passes()
    desired = wanted([config_map("a", {"a": "1"})])
    planned = await run.plan(desired)
    run.objects.server.create(run.kind("v1", "ConfigMap"), config_map("a", {"b": "theirs"}), manager="other")
    with pytest.raises(errors.PlanStale, match="ConfigMap home/a: exists now"):
        await story.carry_out(run.means, planned)


async def test_an_object_changed_between_plan_and_write_names_the_path() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a", {"a": "1", "b": "1"})]))
    planned = await run.plan(wanted([config_map("a", {"a": "2", "b": "1"})]), revision="r2")
    run.edit("a", data={"a": "theirs", "b": "1"})
    with pytest.raises(errors.PlanStale, match="moved at /data/a since the plan"):
        await story.carry_out(run.means, planned)
    assert run.get("a")["data"]["a"] == "theirs"


async def test_a_field_taken_between_plan_and_write_is_not_taken_back_unseen() -> None:
    """The plan says nothing of b: to force it back with a would do more than was reviewed."""
    run = Passes()
    await run.sync(wanted([config_map("a", {"a": "1", "b": "1"})]))
    run.edit("a", data={"a": "theirs", "b": "1"})
    planned = await run.plan(wanted([config_map("a", {"a": "1", "b": "1"})]), revision="r2", force=True)
    run.edit("a", data={"a": "theirs", "b": "theirs"})
    with pytest.raises(errors.PlanStale, match="would change otherwise than planned at /data/b"):
        await story.carry_out(run.means, planned)


async def test_a_value_taken_back_is_the_one_that_was_reviewed() -> None:
    """The patch would be the same; what it takes away would not."""
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    run.edit("a", data={"a": "theirs"})
    planned = await run.plan(wanted([config_map("a")]), revision="r2", force=True)
    run.edit("a", data={"a": "theirs, newer"})
    with pytest.raises(errors.PlanStale, match="moved at /data/a since the plan"):
        await story.carry_out(run.means, planned)
    assert run.get("a")["data"] == {"a": "theirs, newer"}


async def test_a_change_elsewhere_in_the_object_does_not_make_the_plan_stale() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    planned = await run.plan(wanted([config_map("a", {"a": "2"})]), revision="r2")
    run.edit("a", data={"a": "1", "more": "theirs"})
    await story.carry_out(run.means, planned)
    assert run.get("a")["data"] == {"a": "2", "more": "theirs"}


@pytest.mark.parametrize("again", [False, True])
async def test_an_object_deleted_between_plan_and_write_is_not_made_again(*, again: bool) -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    planned = await run.plan(wanted([config_map("a", {"a": "2"})]), revision="r2")
    kind = run.kind("v1", "ConfigMap")
    run.objects.server.delete(kind, HOME, "a", DeleteOptions())
    if again:
        run.objects.server.create(kind, config_map("a"), manager="other")
    with pytest.raises(errors.PlanStale, match="was deleted"):
        await story.carry_out(run.means, planned)


async def test_an_object_made_again_under_a_deletion_survives() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("b")]))
    planned = await run.plan(wanted([config_map("a")]), revision="r2")
    kind = run.kind("v1", "ConfigMap")
    run.objects.server.delete(kind, HOME, "b", DeleteOptions())
    run.objects.server.create(kind, config_map("b", {"new": "1"}), manager="other")
    with pytest.raises(errors.PlanStale, match="made again"):
        await story.carry_out(run.means, planned)
    assert run.get("b")["data"] == {"new": "1"}


async def test_two_syncs_at_once_of_one_name_do_no_harm() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    desired = wanted([config_map(f"c{i}") for i in range(5)])
    results = await asyncio.gather(*(run.sync(desired, revision="r2") for _ in range(2)), return_exceptions=True)
    for one in results:
        several = one.errors if isinstance(one, errors.SeveralErrors) else (one,)
        for error in several:
            assert not isinstance(error, BaseException) or isinstance(error, errors.VersionConflict | errors.PlanStale)
    await run.sync(desired, revision="r2")
    assert set((await run.inventory()).entries) == {one.ref for one in desired}
    assert run.names() == {one.ref.name for one in desired}


async def test_fields_others_wrote_with_our_value_become_ours_again() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    run.edit("a", data={"a": "theirs"})
    run.edit("a", data={"a": "1"})
    planned = await run.plan(wanted([config_map("a")]))
    (change,) = planned.plan.changes
    assert (change.action, change.patch) == (Action.UPDATE, ())
    assert "become ours again" in change.why
    await story.carry_out(run.means, planned)
    assert (await run.plan(wanted([config_map("a")]))).plan.changes == ()
    await run.sync(wanted([config_map("a", {"b": "2"})]), revision="r2", force=True)
    assert run.get("a")["data"]["b"] == "2"


async def test_an_object_being_deleted_is_made_again_when_it_is_gone() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    kind = run.kind("v1", "ConfigMap")
    found = run.get("a")
    found["metadata"]["finalizers"] = ["example.org/hold"]
    run.objects.server.replace(kind, found, manager="other")
    run.objects.server.delete(kind, HOME, "a", DeleteOptions())

    planned = await run.plan(wanted([config_map("a")]), revision="r2")
    (change,) = planned.plan.changes
    assert change.action is Action.CREATE
    assert "being deleted" in change.why
    run.patience = 3.0
    with pytest.raises(errors.TimedOut, match=r"finalizers: example\.org/hold"):
        await story.carry_out(run.means, planned)

    def release(event: events.Event) -> None:
        if isinstance(event, events.Waiting):
            held = run.get("a")
            held["metadata"].pop("finalizers")
            run.objects.server.replace(kind, held, manager="other")

    run.patience = 60.0
    planned = await run.plan(wanted([config_map("a")]), revision="r2")
    means = run.means
    await story.carry_out(type(means)(objects=means.objects, clock=means.clock, report=release), planned)
    assert run.get("a")["metadata"]["uid"] != change.uid


async def test_rights_given_by_the_plan_itself_are_waited_for() -> None:
    run = Passes()
    role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "r", "namespace": HOME}}
    binding = {
        "apiVersion": "rbac.authorization.k8s.io/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "r", "namespace": HOME},
        "roleRef": {"kind": "Role", "name": "r"},
    }
    denied = [3]

    def deny(call: Call) -> None:
        if call.kind != "ConfigMap" or call.name != "a" or call.verb != "apply":
            return
        bound = run.objects.store.get(("rbac.authorization.k8s.io", "RoleBinding", HOME, "r"))
        if bound is None or denied[0] > 0:
            denied[0] -= bound is not None
            raise errors.ClusterDenied("cannot apply ConfigMap home/a", cause='User "us" cannot patch')

    run.objects.before.append(deny)
    await run.sync(wanted([{**role, "rules": []}, binding, config_map("a")]))
    assert run.names() == {"a"}
    order = [kind for verb, kind, _ in run.writes() if verb == "apply"]
    assert order == ["Role", "RoleBinding", "ConfigMap"]


async def test_rights_that_never_come_stop_the_stage_with_a_denial() -> None:
    run = Passes()

    def deny(call: Call) -> None:
        if call.verb == "apply" and call.name == "a":
            raise errors.ClusterDenied("cannot apply ConfigMap home/a", cause='User "us" cannot patch')

    run.objects.before.append(deny)
    planned = await run.plan(wanted([config_map("a"), config_map("b")]))
    assert [(one.ref.name, one.verified) for one in planned.plan.changes] == [("a", False), ("b", True)]
    with pytest.raises(errors.ClusterDenied, match=r'would be refused.*User "us" cannot patch'):
        await story.carry_out(run.means, planned)
    assert run.names() == set()


async def test_a_kind_nobody_serves_names_the_object() -> None:
    run = Passes()
    with pytest.raises(errors.ConfigError, match=r"the cluster knows no Widget in example\.org/v1"):
        await run.plan(wanted([{"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}}]))


async def test_a_refused_read_blocks_and_is_told_as_a_denial() -> None:
    run = Passes()
    denied = errors.ClusterDenied("cannot list Secret in namespace home", cause='User "us" cannot list')
    for verb in ("get", "list"):
        run.objects.before.append(failing(denied, verb=verb, kind="Secret", times=100))
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "s", "namespace": HOME}, "data": {}}
    with pytest.raises(errors.ClusterDenied, match=r"nothing was written.*Secret home/s: cannot be read"):
        await run.sync(wanted([secret, config_map("a")]))
    assert run.names() == set()


async def test_an_unhealthy_object_holds_the_deletions_back() -> None:
    run = Passes(patience=5.0)
    await run.sync(wanted([config_map("a"), config_map("b")]))
    deployment = {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": HOME},
        "spec": {"replicas": 1},
    }
    with pytest.raises(errors.TimedOut, match=r"Deployment\.apps home/d: 0 of 1"):
        await run.sync(wanted([config_map("a"), deployment]), revision="r2")
    assert run.names() == {"a", "b"}
    assert (await run.inventory()).revision == "r1"
    # Nothing is written by the second pass, and it is still not called done.
    with pytest.raises(errors.TimedOut, match=r"Deployment\.apps home/d: 0 of 1"):
        await run.sync(wanted([config_map("a"), deployment]), revision="r2")


async def test_a_removed_pool_is_drained_even_if_a_pass_broke_off_after_its_deletion() -> None:
    run = Passes(patience=5.0)
    first = pool("gpu")
    inside = wanted([namespace_of("gpu-ops"), config_map("c", namespace="gpu-ops")], authored=first)
    await run.sync([*wanted([first, config_map("a")]), *inside])
    operation = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Operation",
        "metadata": {"name": "o", "namespace": HOME},
        "spec": {"pool": "gpu"},
    }
    kind = run.kind("gitops-worker.io/v1alpha1", "Operation")
    run.objects.server.create(kind, operation, manager="cli")
    run.objects.server.patch_status(kind, HOME, "o", {"status": {"phase": "Running", "claim": {"worker": "w"}}})
    for _ in range(2):
        with pytest.raises(errors.TimedOut, match=r"1 in WorkerPool\.gitops-worker\.io home/gpu"):
            await run.sync(wanted([config_map("a")]), revision="r2", consent=frozenset({"workerpool/gpu"}))
        assert "gpu-ops" in run.names("Namespace")
    run.objects.server.patch_status(kind, HOME, "o", {"status": {"phase": "Succeeded"}})
    await run.sync(wanted([config_map("a")]), revision="r2", consent=frozenset({"workerpool/gpu"}))
    assert "gpu-ops" not in run.names("Namespace")
    assert {ref.name for ref in (await run.inventory()).entries} == {"a"}


async def test_a_superseded_hash_goes_when_nothing_running_refers_to_it() -> None:
    run = Passes()
    old, new = config_map("runner-0123456789"), config_map("runner-abcdefghij")
    await run.sync(wanted([old, config_map("a")]))
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "op", "namespace": HOME},
        "spec": {"volumes": [{"name": "runner", "configMap": {"name": "runner-0123456789"}}]},
    }
    run.objects.server.create(run.kind("v1", "Pod"), pod, manager="worker")
    outcome = await run.sync(wanted([new, config_map("a")]), revision="r2")
    assert {str(ref): why for ref, why in outcome.lingering.items()} == {
        "ConfigMap home/runner-0123456789": "Pod home/op refers to it"
    }
    assert run.names() == {"runner-0123456789", "runner-abcdefghij", "a"}
    found = await story.find_drift(run.means, wanted([new, config_map("a")]), name="sync", namespace=HOME)
    assert [ref.name for ref in found.leftover] == ["runner-0123456789"]

    run.objects.server.patch_status(run.kind("v1", "Pod"), HOME, "op", {"status": {"phase": "Succeeded"}})
    outcome = await run.sync(wanted([new, config_map("a")]), revision="r2")
    assert (outcome.deleted, outcome.lingering) == (1, {})
    assert run.names() == {"runner-abcdefghij", "a"}


async def test_a_superseded_hash_stays_if_nobody_may_see_the_pods() -> None:
    run = Passes()
    await run.sync(wanted([config_map("x-0123456789"), config_map("a")]))
    denied = errors.ClusterDenied("cannot list Pod", cause="no right")
    run.objects.before.append(failing(denied, verb="list", kind="Pod"))
    outcome = await run.sync(wanted([config_map("x-abcdefghij"), config_map("a")]), revision="r2")
    assert list(outcome.lingering.values()) == ["nobody may say which pods use it: no right"]


async def test_a_queued_operation_keeps_what_it_refers_to() -> None:
    run = Passes()
    await run.sync(wanted([pool("p"), config_map("env-0123456789")]))
    operation = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Operation",
        "metadata": {"name": "o", "namespace": HOME},
        "spec": {"pool": "p", "env": [{"name": "A", "configMap": {"name": "env-0123456789", "key": "a"}}]},
    }
    run.objects.server.create(run.kind("gitops-worker.io/v1alpha1", "Operation"), operation, manager="cli")
    outcome = await run.sync(wanted([pool("p"), config_map("env-abcdefghij")]), revision="r2")
    assert list(outcome.lingering.values()) == ["Operation home/o refers to it"]


async def test_a_large_inventory_is_in_shards_and_whole_at_every_moment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gitops.objects.inventory.SHARD_BYTES", 120)
    run = Passes()
    few, many = (
        wanted([config_map(f"c{i:02}") for i in range(0, 40, 2)]),
        wanted([config_map(f"c{i:02}") for i in range(40)]),
    )
    await run.sync(few)
    total = len(run.requests())
    assert len((await inventories.load(run.objects, name="sync", namespace=HOME)).shards) > 3
    for place in range(1, 2 * total + 60):
        once = Passes()
        await once.sync(few)
        seen = [0]

        def kill(_: Call, seen: list[int] = seen, place: int = place) -> None:
            seen[0] += 1
            if seen[0] == place:
                raise Killed

        once.objects.after.append(kill)
        try:
            await once.sync(many, revision="r2")
            finished = True
        except (Killed, BaseExceptionGroup):
            finished = False
        once.objects.after.clear()
        await _assert_nothing_orphaned(once)
        await once.sync(few, revision="r3", consent=frozenset(f"configmap/c{i:02}" for i in range(40)))
        await _assert_nothing_orphaned(once)
        assert set((await once.inventory()).entries) == {one.ref for one in few}
        if finished:
            break


async def test_a_server_that_has_no_room_for_us_ends_the_pass_and_the_next_one_finishes() -> None:
    """429 or 503 until the client gave up, at every request: nothing was carried out, and nothing is lost."""
    whole = await prepared()
    await whole.sync(thirty(), revision="r2", consent=CONSENT)
    total = len(whole.requests())
    for place in range(1, total + 1, 3):
        run = await prepared()
        left = [place]

        def busy(call: Call, left: list[int] = left) -> None:
            left[0] -= 1
            if left[0] <= 0:
                raise errors.ClusterUnavailable(f"cannot {call.verb}", cause="429 Too Many Requests")

        run.objects.before.append(busy)
        with pytest.raises((errors.ClusterUnavailable, errors.SeveralErrors)) as raised:
            await run.sync(thirty(), revision="r2", consent=CONSENT)
        assert raised.value.retry
        run.objects.before.clear()
        await _assert_nothing_orphaned(run)
        await run.sync(thirty(), revision="r2", consent=CONSENT)
        assert set((await run.inventory()).entries) == {one.ref for one in thirty()}


async def test_a_webhook_that_refuses_dry_runs_stops_everything_before_the_first_write() -> None:
    run = Passes()
    cause = 'admission webhook "w.example.org" does not support dry run'

    def refuse(call: Call) -> None:
        if call.verb == "apply" and call.name == "b" and call.dry_run:
            raise errors.ObjectInvalid("cannot apply ConfigMap home/b", cause=cause)

    run.objects.before.append(refuse)
    with pytest.raises(errors.ObjectInvalid, match="does not support dry run"):
        await run.sync(wanted([config_map("a"), config_map("b")]))
    assert run.writes() == []
    assert run.names() == set()
