"""What `gitops operation list` and `run --wait` say of an operation that waits."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any, cast

import pytest

from gitops import api
from gitops.api.operation import Claim, Mutex, OperationSpec, OperationStatus, Phase
from gitops.api.workerpool import WorkerPoolSpec
from gitops_cli import _accompany, _queue
from gitops_cli._accompany import Company, Readable


def waiting(name: str, pool: str = "linux", *, mutex: str = "", claim: bool = False) -> api.Operation:
    return api.Operation(
        metadata=api.Metadata(name=name, namespace="ci", uid=name, creation_timestamp="2026-01-01T00:00:00Z"),
        spec=OperationSpec(pool=pool, script="x", mutex=Mutex(name=mutex) if mutex else None),
        status=OperationStatus(phase=Phase.RUNNING if claim else "", claim=Claim(worker="w") if claim else None),
    )


def pool(name: str = "linux", *, suspended: bool = False) -> api.WorkerPool:
    return api.WorkerPool(
        metadata=api.Metadata(name=name, namespace="ci"), spec=WorkerPoolSpec(image="x", suspended=suspended)
    )


def places(*pools: api.WorkerPool, operations: list[api.Operation]) -> dict[str, str]:
    return _queue.places(operations, {(one.metadata.namespace, one.metadata.name): one for one in pools})


def test_the_place_in_the_queue_and_who_has_the_mutex() -> None:
    operations = [waiting("run", mutex="db", claim=True), waiting("a", mutex="db"), waiting("b")]
    assert places(pool(), operations=operations) == {
        "a": "1 of 2 in the queue, mutex db: operation run",
        "b": "2 of 2 in the queue",
    }


def test_what_waits_for_nothing_that_comes_is_said() -> None:
    operations = [waiting("a"), waiting("b", "none")]
    assert places(pool(suspended=True), operations=operations) == {
        "a": "1 of 1 in the queue, the pool is suspended",
        "b": "there is no pool none",
    }
    assert _queue.places(operations, None)["b"] == "1 of 1 in the queue"


async def test_who_stays_with_an_operation_that_waits_is_told_why(monkeypatch: pytest.MonkeyPatch) -> None:
    answers, notes = ["2 of 2 in the queue", "2 of 2 in the queue", "1 of 1 in the queue", ""], list[str]()
    readable = Readable()

    async def wait(*_: Any) -> str:
        if not answers:
            readable.see(waiting("a", claim=True))
            return "1 of 1 in the queue, but nobody wants to know any more"
        return answers.pop(0)

    monkeypatch.setattr(_queue, "wait", wait)
    monkeypatch.setattr(_accompany, "WAITING", 0.001)
    monkeypatch.setattr(_accompany, "LONGEST", 0.001)
    shell = SimpleNamespace(console=SimpleNamespace(note=notes.append))
    company = Company(
        shell=cast(Any, shell),
        connection=cast(Any, None),
        operation=waiting("a"),
        follow=False,
        output="name",
        script_code=False,
    )
    await asyncio.wait_for(_accompany.say_waits(company, readable), 10)
    assert notes == ["operation a waits: 2 of 2 in the queue", "operation a waits: 1 of 1 in the queue"]
