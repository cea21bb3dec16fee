"""Who starts when: priorities, turns, mutexes."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import api
from gitops.worker import admit, mutexes

NOW = datetime(2026, 1, 1, 1, 0, tzinfo=UTC)


def operation(name: str, minute: int = 0, *, pool: str = "linux", claimed: bool = False, **spec: Any) -> api.Operation:
    metadata = {"name": name, "uid": name, "creationTimestamp": f"2026-01-01T00:{minute:02}:00Z"}
    status = {"claim": {"worker": "w"}, "phase": "Running"} if claimed else {}
    body = {"metadata": metadata, "spec": {"pool": pool, "script": "x", **spec}, "status": status}
    return msgspec.convert(body, api.Operation)


def pool(name: str, room: int = 10, **spec: Any) -> api.WorkerPool:
    body = {"metadata": {"name": name}, "spec": {"image": "i", "maxOperations": room, **spec}}
    return msgspec.convert(body, api.WorkerPool)


def started(operations: list[api.Operation], *pools: api.WorkerPool) -> list[str]:
    taken = list(mutexes.holds(operations, ()))
    queue = admit.queue(operations, live=())
    return [one.metadata.name for one in queue.start(pools or (pool("linux"),), {}, taken)]


def test_the_higher_priority_goes_first_then_the_older() -> None:
    found = [operation("a", 3), operation("b", 1), operation("c", 5, priority=2), operation("d", 0, priority=-1)]
    assert started(found) == ["c", "b", "a", "d"]
    assert started(found, pool("linux", 2)) == ["c", "b"]


def test_pools_take_turns() -> None:
    burst = [operation(f"a{number}", number) for number in range(4)]
    others = [operation(f"b{number}", 30 + number, pool="other") for number in range(2)]
    assert started([*burst, *others], pool("linux"), pool("other")) == ["a0", "b0", "a1", "b1", "a2", "a3"]


def test_who_waits_for_a_mutex_takes_no_place() -> None:
    db: dict[str, Any] = {"mutex": {"name": "db"}}
    found = [operation("first", 0, **db), operation("second", 1, **db), operation("free", 2)]
    assert started(found, pool("linux", 2)) == ["first", "free"]


def test_readers_share_and_do_not_starve_a_writer() -> None:
    read: dict[str, Any] = {"mutex": {"name": "db", "mode": "shared"}}
    write: dict[str, Any] = {"mutex": {"name": "db"}}
    held = operation("reading", 0, claimed=True, **read)
    assert started([held, operation("r1", 1, **read), operation("r2", 2, **read)]) == ["r1", "r2"]
    assert started([held, operation("r1", 1, **read), operation("w", 2, **write), operation("r2", 3, **read)]) == ["r1"]


def test_a_mutex_is_one_over_all_pools_and_a_suspended_pool_does_not_block_it() -> None:
    db: dict[str, Any] = {"mutex": {"name": "db"}}
    found = [operation("a", 0, pool="still", **db), operation("b", 1, **db)]
    assert started(found, pool("linux"), pool("still")) == ["a"]
    assert started(found, pool("linux"), pool("still", suspended=True)) == ["b"]


def test_a_pod_holds_on_until_it_is_proven_finished() -> None:
    labels = {"gitops-worker.io/operation": "gone", "gitops-worker.io/attempt": "1"}
    pod: dict[str, Any] = {
        "metadata": {
            "name": "op-gone-1",
            "namespace": "ops",
            "labels": labels,
            "annotations": {"gitops-worker.io/mutex": "exclusive db"},
            "deletionTimestamp": "2026-01-01T00:00:00Z",
        },
        "spec": {"nodeName": "n"},
        "status": {"phase": "Running", "containerStatuses": [{"name": "operation", "state": {"running": {}}}]},
    }
    mutex = operation("b", mutex={"name": "db", "mode": "shared"}).spec.mutex
    assert mutex is not None
    held = mutexes.in_the_way(mutex, "b", mutexes.holds((), [pod]))
    assert held is not None
    assert held.who == "pod ops/op-gone-1"
    pod["status"]["containerStatuses"][0]["state"] = {"terminated": {"exitCode": 0}}
    assert mutexes.in_the_way(mutex, "b", mutexes.holds((), [pod])) is None


@pytest.mark.parametrize(("wait", "reason"), [("30m", "MutexTimeout"), ("", "QueueTimeout"), ("2h", "QueueTimeout")])
def test_waiting_for_a_mutex_has_an_end_that_names_the_holder(wait: str, reason: str) -> None:
    holder = mutexes.hold(operation("other", mutex={"name": "db"}))
    waiting = operation("me", mutex={"name": "db", "wait": wait})
    ended = admit.refuse(waiting, pool("linux"), now=NOW, why_not="", holder=holder)
    assert ended is not None
    assert ended.reason == reason
    assert "operation other has it (exclusive)" in ended.message


def test_a_wait_that_is_over_means_nothing_to_who_only_waits_for_a_place() -> None:
    waiting = operation("me", mutex={"name": "db", "wait": "1m"})
    assert admit.refuse(waiting, pool("linux", timeouts={"queued": "3h"}), now=NOW, why_not="") is None


MUTEX = st.one_of(
    st.none(),
    st.builds(
        lambda name, mode: {"name": name, "mode": mode}, st.sampled_from("ab"), st.sampled_from(["shared", "exclusive"])
    ),
)


@given(
    asked=st.lists(st.tuples(MUTEX, st.integers(0, 3), st.sampled_from(["linux", "other"])), max_size=12),
    rooms=st.tuples(st.integers(1, 3), st.integers(1, 3)),
    ends=st.randoms(use_true_random=False),
)
def test_property_mutexes_hold_and_everything_gets_its_turn(
    asked: list[Any], rooms: tuple[int, int], ends: Any
) -> None:
    waiting = {
        str(number): operation(str(number), minute, pool=where, **({"mutex": mutex} if mutex else {}))
        for number, (mutex, minute, where) in enumerate(asked)
    }
    pools = (pool("linux", rooms[0]), pool("other", rooms[1]))
    running: dict[str, api.Operation] = {}
    while waiting:
        taken = [one for one in map(mutexes.hold, running.values()) if one is not None]
        inside = admit.running(one.spec.pool for one in running.values())
        new = admit.queue(waiting.values(), live=()).start(pools, inside, taken)
        assert new or running
        for one in new:
            running[one.metadata.uid] = waiting.pop(one.metadata.uid)
        for name, room in zip(("linux", "other"), rooms, strict=True):
            assert sum(one.spec.pool == name for one in running.values()) <= room
        held = [one for one in map(mutexes.hold, running.values()) if one is not None]
        for mine in held:
            for other in held:
                assert mine is other or mine.mutex != other.mutex or mutexes.compatible(mine.mode, other.mode)
        del running[ends.choice(sorted(running))]
