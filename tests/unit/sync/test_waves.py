"""Waves and dependencies: what is written when, and what is not."""

from __future__ import annotations

from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.plan.change import Desired
from gitops.source.tree import MemoryTree
from gitops.sync import desired, story
from gitops.testing.objects import Call
from gitops.yaml import dump_all
from tests.unit.sync.passes import HOME, Passes

WAVE = "gitops-worker.io/wave"
AFTER = "gitops-worker.io/depends-on"


def made(name: str, kind: str = "ConfigMap", *, value: str = "1", **marks: str) -> Manifest:
    names = {"wave": WAVE, "after": AFTER, "prune": "gitops-worker.io/prune"}
    metadata: dict[str, Any] = {"name": name, "namespace": HOME}
    if marks:
        metadata["annotations"] = {names[key]: one for key, one in marks.items()}
    if kind == "ConfigMap":
        return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": {"a": value}}
    spec = {"replicas": 1, "selector": {"matchLabels": {"v": value}}}
    return {"apiVersion": "apps/v1", "kind": kind, "metadata": metadata, "spec": spec}


def rendered(*manifests: Manifest) -> tuple[Desired, ...]:
    files = {"kustomization.yaml": b"resources: [all.yaml]\n", "all.yaml": dump_all(manifests).encode()}
    return desired.render(MemoryTree(files), "", runner={})


def applied(run: Passes) -> list[str]:
    return [name for verb, _, name in run.writes() if verb == "apply"]


def make_healthy(run: Passes, name: str) -> None:
    status = {"replicas": 1, "updatedReplicas": 1, "readyReplicas": 1, "availableReplicas": 1, "observedGeneration": 1}
    conditions = [
        {"type": "Available", "status": "True"},
        {"type": "Progressing", "status": "True", "reason": "NewReplicaSetAvailable"},
    ]
    kind = run.kind("apps/v1", "Deployment")
    run.objects.server.patch_status(kind, HOME, name, {"status": {**status, "conditions": conditions}})


async def test_waves_and_dependencies_are_written_in_order() -> None:
    run = Passes()
    wanted = rendered(
        made("late", wave="5"), made("z"), made("a", after="configmap/z"), made("early", wave="-5"), made("m")
    )
    await run.sync(wanted)
    order = applied(run)
    assert (order[0], order[-2:]) == ("early", ["a", "late"])
    assert set(order[1:3]) == {"m", "z"}


async def test_the_next_wave_waits_until_the_one_before_is_healthy() -> None:
    """Even if nobody waits for the whole, and even if this pass wrote nothing of the wave before."""
    run = Passes(patience=5.0)
    wanted = rendered(made("d", "Deployment"), made("late", wave="1"))
    for _ in range(2):
        planned = await run.plan(wanted)
        with pytest.raises(errors.TimedOut, match=r"Deployment\.apps home/d: 0 of 1") as raised:
            await story.carry_out(run.means, planned, healthy=False)
        assert "ConfigMap home/late and what comes after it were not written" in raised.value.hint
        assert "late" not in run.names()
    make_healthy(run, "d")
    await run.sync(wanted)
    assert run.names() == {"late"}


async def test_a_dependency_waits_for_that_object_alone() -> None:
    run = Passes(patience=5.0)
    wanted = rendered(made("slow", "Deployment"), made("db", "Deployment"), made("user", after="deployment/db"))

    def start(call: Call) -> None:
        if (call.verb, call.name) == ("apply", "db") and not call.dry_run:
            make_healthy(run, "db")

    run.objects.after.append(start)
    with pytest.raises(errors.TimedOut, match=r"Deployment\.apps home/slow"):
        await run.sync(wanted)
    assert run.names() == {"user"}


async def test_all_waves_are_verified_before_the_first_is_written() -> None:
    run = Passes()

    def refuse(call: Call) -> None:
        if call.verb == "apply" and call.name == "late":
            raise errors.ObjectInvalid("cannot apply", cause="data: Invalid")

    run.objects.before.append(refuse)
    with pytest.raises(errors.ObjectInvalid):
        await run.sync(rendered(made("a"), made("late", wave="1")))
    assert run.writes() == []


async def test_what_left_git_is_deleted_the_other_way_round() -> None:
    run = Passes()
    await run.sync(rendered(made("keep"), made("first", wave="-1"), made("mid"), made("user", after="configmap/mid")))
    run.requests()
    consent = frozenset({"configmap/first", "configmap/mid", "configmap/user"})
    await run.sync(rendered(made("keep")), revision="r2", consent=consent)
    assert [name for verb, _, name in run.writes() if verb == "delete"] == ["user", "mid", "first"]


@pytest.mark.parametrize(
    ("manifests", "words", "place"),
    [
        (
            (made("a", after="configmap/b"), made("b", after="configmap/a")),
            "a circle: ConfigMap home/a depends on ConfigMap home/b depends on ConfigMap home/a",
            ("all.yaml", 7),
        ),
        ((made("a", wave="x"),), "'x' is no wave", ("all.yaml", 7)),
        ((made("a"), made("b", after="secret/gone")), "'secret/gone' is not there", ("all.yaml", 15)),
    ],
)
def test_what_cannot_be_ordered_is_refused_with_its_place(
    manifests: tuple[Manifest, ...], words: str, place: tuple[str, int]
) -> None:
    with pytest.raises(errors.ConfigError) as raised:
        rendered(*manifests)
    assert words in raised.value.message
    assert raised.value.location is not None
    assert (raised.value.location.file, raised.value.location.line) == place


async def test_what_is_annotated_stays_when_it_leaves_git() -> None:
    run = Passes()
    await run.sync(rendered(made("a"), made("stays", prune="disabled")))
    outcome = await run.sync(rendered(made("a")), revision="r2")
    assert outcome.deleted == 0
    assert run.names() == {"a", "stays"}
    assert "stays" in {ref.name for ref in (await run.inventory()).entries}
