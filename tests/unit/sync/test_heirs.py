"""An object that moves from one inventory to another: the first lets go of it."""

from __future__ import annotations

from dataclasses import replace

import msgspec
import pytest

from gitops import api, errors
from gitops.objects import Manifest, inventory
from gitops.plan.change import Action
from gitops.plan.settle import Header, Rules
from gitops.sync import inventories, remove, status, story
from tests.unit.sync.passes import HOME, Passes, config_map, namespace_of, wanted


async def apply(run: Passes, *manifests: Manifest, name: str = "other", namespace: str = "default") -> story.Planned:
    """A pass of another inventory."""
    header = Header(name=name, namespace=namespace, revision="r1")
    planned = await story.plan(run.means, wanted(manifests), header=header, rules=Rules(consent=frozenset()))
    await story.carry_out(run.means, planned)
    return planned


async def test_what_another_inventory_has_too_is_let_go_of() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("moved")]))
    await apply(run, config_map("moved"))
    planned = await run.plan(wanted([config_map("a")]))
    (change,) = planned.plan.changes
    assert (change.action, change.why) == (Action.KEEP, "let go of: inventory default/other has it too")
    await story.carry_out(run.means, planned)
    assert run.names() == {"a", "moved"}
    assert {ref.name for ref in (await run.inventory()).entries} == {"a"}
    assert (await run.plan(wanted([config_map("a")]))).plan.changes == ()


async def test_it_counts_against_no_budget_and_its_namespace_stays() -> None:
    run = Passes()
    inside = [config_map(f"c{i}", namespace="team") for i in range(4)]
    await run.sync(wanted([config_map("a"), namespace_of("team"), *inside]))
    await apply(run, *inside)
    refused = (await run.plan(wanted([config_map("a")]), consent=frozenset({"namespace/team"}))).plan.refused
    assert [str(one.ref) for one in refused] == ["Namespace team"]
    assert "has it too" in refused[0].why
    await apply(run, namespace_of("team"), *inside)
    await run.sync(wanted([config_map("a")]))
    assert len((await run.inventory()).entries) == 1
    assert run.get("c0", namespace="team")


async def test_without_the_right_to_look_everywhere_those_beside_it_count() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("here"), config_map("there")]))
    await apply(run, config_map("here"), namespace=HOME)
    await apply(run, config_map("there"))
    run.objects.before.append(_only_at_home)
    await run.sync(wanted([config_map("a")]))
    run.objects.before.clear()
    assert run.names() == {"a", "here"}


def _only_at_home(call: object) -> None:
    verb, kind, namespace = (getattr(call, name) for name in ("verb", "kind", "namespace"))
    if (verb, kind, namespace) == ("list", "ConfigMap", ""):
        raise errors.ClusterDenied("no")


async def test_nobody_is_asked_while_nothing_leaves() -> None:
    run = Passes()
    await run.sync(wanted([config_map("a")]))
    run.requests()
    await run.plan(wanted([config_map("a")]))
    assert [call.namespace for call in run.requests() if call.verb == "list"].count("") == 0


async def test_a_removal_lets_go_of_it_too() -> None:
    run = Passes()
    source = {"url": "https://git.example.com/x"}
    metadata = {"name": "sync", "namespace": HOME}
    made = {"apiVersion": api.API_VERSION, "kind": "GitSync", "metadata": metadata, "spec": {"source": source}}
    run.objects.server.create(status.GIT_SYNCS, made)
    await run.sync(wanted([config_map("a"), config_map("moved")]))
    await apply(run, config_map("moved"))
    found = run.objects.server.get(status.GIT_SYNCS, HOME, "sync")
    sync = msgspec.convert(found, api.GitSync)
    removal = await remove.plan(run.means, sync, name="sync", namespace=HOME, consent=frozenset())
    await remove.carry_out(run.means, removal, definitions=False)
    assert run.names() == {"moved"}


@pytest.mark.parametrize("name", ["a", "a-inventory", "x-1"])
def test_the_name_of_an_inventory_is_in_those_of_its_shards(name: str) -> None:
    assert {inventory.name_of(inventory.shard_name(name, index)) for index in (0, 1, 12)} == {name}


async def test_the_first_request_of_the_heir_is_enough() -> None:
    """Its inventory is written before anything else is: from then on the object is safe."""
    run = Passes()
    await run.sync(wanted([config_map("a"), config_map("moved")]))
    header = Header(name="other", namespace="default", revision="r1")
    planned = await story.plan(run.means, wanted([config_map("moved")]), header=header, rules=Rules())
    stored = replace(planned.stored.inventory, entries=planned.plan.entries)
    await inventories.save(run.objects, planned.stored, stored, name="other", namespace="default")
    await run.sync(wanted([config_map("a")]))
    assert run.names() == {"a", "moved"}


async def test_taking_what_another_inventory_goes_on_applying_is_said() -> None:
    run = Passes()
    await apply(run, config_map("shared"))
    mine = config_map("shared")
    mine["data"] = {"colour": "mine"}
    (change,) = (await run.plan(wanted([mine]))).plan.changes
    assert change.action is Action.UPDATE
    assert change.why == (
        "is in the inventory default/other as well: until one of the two lets go of it, each undoes the other"
    )
    await run.sync(wanted([mine]))
    assert (await run.plan(wanted([mine]))).plan.changes == ()
