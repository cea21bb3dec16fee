"""The worker against a cluster in memory: one operation's way, and everything that can cross it."""

from __future__ import annotations

import asyncio
import itertools
from collections import Counter
from collections.abc import AsyncGenerator, Sequence

import pytest

from gitops import errors
from gitops.ports.objects import DeleteOptions
from gitops.testing.logstore import FakeLogStore
from gitops.testing.objects import Call, failing
from gitops.worker.unanswered import UNANSWERED
from tests.unit.worker.kubelet import HOME, OPS, Cluster, Pod, end_all, rest, stop

STARTED, FINISHED = "2026-01-01T00:00:00.000Z", "2026-01-01T00:00:10.000Z"


@pytest.fixture
async def cluster() -> AsyncGenerator[Cluster, None]:
    made = Cluster()
    yield made
    await end_all()


async def echo(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.play("hello", "world")


async def hold(pod: Pod) -> None:
    await asyncio.sleep(0)
    await pod.run()
    pod.say("begun")


async def test_an_operation_runs_once_and_takes_six_requests(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    task = cluster.start()
    await rest()
    made = await cluster.submit()
    cluster.objects.calls.clear()
    await cluster.pass_time(1)
    assert (await cluster.status())["phase"] == "Running"
    uid = made["metadata"]["uid"]
    await cluster.pods[f"op-{uid}-1"].end()
    await cluster.pass_time(1)
    calls = Counter((call.verb, call.kind) for call in cluster.objects.calls)
    # Two of the pod's status writes and the reads are the node's and the test's own. The log is the sixth request.
    assert calls["patch_status", "Operation"] == 3
    assert calls["create", "Pod"] == calls["delete", "Pod"] == len(cluster.logs.reads) == 1
    assert calls["get", "Pod"] == 0
    status = await cluster.status()
    assert (status["phase"], status["exitCode"], status["reason"]) == ("Succeeded", 0, "Succeeded")
    assert status["log"] == {**status["log"], "lines": 1, "missing": 0, "complete": True}
    assert status["conditions"][0]["type"] == "Finished"
    assert cluster.starts == [f"op-{uid}-1"]
    assert await cluster.objects.get(await cluster.kind("Pod"), OPS, f"op-{uid}-1") is None
    assert [line[:9] for line in cluster.log(uid)] == [b"1|o|0|beg", b'2|x|0|{"v']
    assert len(cluster.services[0].live) == 0
    await stop(task)


async def test_a_failed_script_is_told_with_its_exit_code(cluster: Cluster) -> None:
    async def fail(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.play("oops", code=3)

    cluster.behaviour = fail
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(1)
    status = await cluster.status()
    assert (status["phase"], status["reason"], status["exitCode"]) == ("Failed", "ScriptFailed", 3)


async def test_no_more_than_the_pool_allows_oldest_first(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish(maxOperations=2)
    cluster.start()
    await rest()
    for name in ("a", "b", "c"):
        await cluster.submit(name)
        await cluster.pass_time(2)
    assert len(cluster.starts) == 2
    assert "claim" not in await cluster.status("c")
    await cluster.pods[cluster.starts[0]].end()
    await cluster.pass_time(2)
    assert len(cluster.starts) == 3
    assert len(cluster.services[0].live) == 2


async def test_a_suspended_pool_starts_nothing_and_the_queue_has_a_clock(cluster: Cluster) -> None:
    await cluster.furnish(suspended=True, timeouts={"queued": "1m"})
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(50)
    assert cluster.starts == []
    await cluster.pass_time(20)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "QueueTimeout")
    assert "suspended" in status["message"]


async def test_a_pool_that_does_not_exist_is_waited_for_then_named(cluster: Cluster) -> None:
    await cluster.furnish()
    cluster.start()
    await cluster.submit(pool="windows")
    await cluster.pass_time(30)
    assert await cluster.status() == {}
    await cluster.pass_time(40)
    assert (await cluster.status())["reason"] == "PoolNotFound"


async def test_what_waits_in_a_pool_that_is_removed_fails_at_once(cluster: Cluster) -> None:
    await cluster.furnish(suspended=True)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(5)
    kind = await cluster.kind("WorkerPool")
    pool = await cluster.objects.get(kind, HOME, "linux")
    assert pool is not None
    options = DeleteOptions(uid=pool["metadata"]["uid"])
    await cluster.objects.delete(kind, HOME, "linux", options=options)
    await cluster.pass_time(6)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "PoolRemoved")
    assert cluster.starts == []


async def test_what_the_pool_does_not_allow_is_refused_before_any_pod(cluster: Cluster) -> None:
    await cluster.furnish()
    cluster.start()
    await cluster.submit(image="evil:1")
    await cluster.pass_time(2)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "NotAllowed")
    assert "image evil:1 (allowed: busybox:1)" in status["message"]
    assert cluster.starts == []


async def test_a_pool_without_its_expansion_says_what_to_run(cluster: Cluster) -> None:
    await cluster.furnish()
    await cluster.delete("ConfigMap", "gitops-runner-0123456789ab", OPS)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(3)
    pool = await cluster.objects.get(await cluster.kind("WorkerPool"), HOME, "linux")
    assert pool is not None
    ready = pool["status"]["conditions"][0]
    assert (ready["status"], ready["reason"]) == ("False", "RunnerMissing")
    assert "gitops sync" in ready["message"]
    assert cluster.starts == []
    await cluster.make("ConfigMap", "gitops-runner-0123456789ab", OPS)
    await cluster.pass_time(8)
    assert len(cluster.starts) == 1
    pool = await cluster.objects.get(await cluster.kind("WorkerPool"), HOME, "linux")
    assert pool is not None
    assert pool["status"]["conditions"][0]["status"] == "True"
    main = await cluster.objects.get(await cluster.kind("Worker"), HOME, "main")
    assert main is not None
    assert main["status"]["conditions"][0]["reason"] == "Serving"


async def test_a_killed_worker_is_replaced_and_the_log_is_whole(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    task = cluster.start("one")
    made = await cluster.submit()
    await cluster.pass_time(2)
    uid = made["metadata"]["uid"]
    pod = cluster.pods[f"op-{uid}-1"]
    await stop(task)
    pod.say("while nobody listened")
    cluster.store.lose()
    cluster.start("two")
    await cluster.pass_time(2)
    pod.say("the end")
    await pod.end()
    await cluster.pass_time(2)
    status = await cluster.status()
    assert (status["phase"], status["log"]["complete"], status["claim"]["worker"]) == ("Succeeded", True, "one")
    assert cluster.log(uid)[:3] == [b"1|o|0|begun", b"2|o|6|while nobody listened", b"3|o|28|the end"]
    assert len(cluster.starts) == 1


async def test_a_broken_log_connection_is_taken_up_where_it_stopped(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    made = await cluster.submit()
    await cluster.pass_time(2)
    pod = next(iter(cluster.pods.values()))
    for number in range(5):
        cluster.logs.break_off(OPS, pod.name, "operation")
        pod.say(f"line {number}")
        await cluster.pass_time(6)
    await pod.end()
    await cluster.pass_time(2)
    status = await cluster.status()
    assert status["log"] == {**status["log"], "complete": True, "lines": 6}
    assert sum(line.endswith(b"|line 2") for line in cluster.log(made["metadata"]["uid"])) == 1


@pytest.mark.parametrize("known", [True, False], ids=["owed", "killed"])
async def test_a_log_that_its_runtime_has_not_written_to_the_end_is_read_again(
    cluster: Cluster, *, known: bool
) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    made = await cluster.submit()
    await cluster.pass_time(2)
    pod = next(iter(cluster.pods.values()))
    key = (OPS, pod.name, "operation")
    pod.say("one", "two")
    cluster.logs.end(*key)
    ended = {"exitCode": 0 if known else 137, "startedAt": "2026-01-01T00:00:05Z", "reason": "Completed"}
    pod.lines += [b"three"]
    message = pod.record() if known else ""
    await pod.container(terminated={**ended, "message": message})
    await cluster.pass_time(0.1)
    cluster.logs.write(*key, b"4|o|14|three\n" + (b"5|x|20|%s\n" % message.encode() if known else b""))
    await cluster.pass_time(5)
    log = (await cluster.status())["log"]
    assert sum(b"|o|" in line for line in cluster.log(made["metadata"]["uid"])) == 4
    assert (log["missing"], log["complete"]) == (0, known)


async def test_lines_rotated_away_are_counted_as_missing(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    task = cluster.start()
    await cluster.submit()
    await cluster.pass_time(2)
    await stop(task)
    pod = next(iter(cluster.pods.values()))
    pod.say("lost", "lost too")
    cluster.logs.rotate(OPS, pod.name, "operation")
    pod.say("seen")
    cluster.start("two")
    await cluster.pass_time(2)
    await pod.end()
    await cluster.pass_time(2)
    log = (await cluster.status())["log"]
    assert (log["missing"], log["complete"]) == (2, False)


async def test_lines_rotated_away_are_fetched_from_the_spool(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    task = cluster.start()
    made = await cluster.submit()
    await cluster.pass_time(2)
    await stop(task)
    pod = next(iter(cluster.pods.values()))
    pod.say("lost", "lost too")
    cluster.logs.rotate(OPS, pod.name, "operation")
    pod.say("seen")
    cluster.exec.answer = lambda _pod, _command: b"2|o|6|lost\n3|o|11|lost too\n4|o|20|seen\n"
    cluster.start("two")
    await cluster.pass_time(2)
    await pod.end()
    await cluster.pass_time(2)
    log = (await cluster.status())["log"]
    assert (log["missing"], log["complete"], log["lines"]) == (0, True, 4)
    assert cluster.exec.commands == [
        ("/bin/sh", "/opt/gitops/runner/start", "--replay", "2", "--spool", "/opt/gitops/spool")
    ]
    assert len(cluster.log(made["metadata"]["uid"])) == 5


async def test_the_spool_is_asked_until_the_api_server_is_back(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    task = cluster.start()
    await cluster.submit()
    await cluster.pass_time(2)
    await stop(task)
    pod = next(iter(cluster.pods.values()))
    pod.say("lost", "lost too")
    cluster.logs.rotate(OPS, pod.name, "operation")
    pod.say("seen")

    def answer(_pod: str, _command: Sequence[str]) -> bytes:
        if len(cluster.exec.commands) < 8:
            raise errors.ClusterUnavailable("cannot run /bin/sh", cause="Connection refused")
        return b"2|o|6|lost\n3|o|11|lost too\n4|o|20|seen\n"

    cluster.exec.answer = answer
    cluster.start("two")
    await cluster.pass_time(40)
    await pod.end()
    await cluster.pass_time(2)
    log = (await cluster.status())["log"]
    assert (log["missing"], log["complete"], log["lines"]) == (0, True, 4)
    assert len(cluster.exec.commands) == 8


async def test_deleting_an_operation_ends_its_pod_and_keeps_its_log(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    made = await cluster.submit()
    await cluster.pass_time(2)
    await cluster.delete("Operation", "build")
    await cluster.pass_time(20)
    assert await cluster.objects.get(await cluster.kind("Pod"), OPS, cluster.starts[0]) is None
    assert cluster.log(made["metadata"]["uid"]) == [b"1|o|0|begun"]
    assert len(cluster.services[0].live) == 0


async def test_the_cancel_annotation_ends_a_running_operation(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(2)
    operation = await cluster.operation()
    assert operation is not None
    operation["metadata"]["annotations"] = {"gitops-worker.io/cancel": "by ann"}
    await cluster.objects.replace(await cluster.kind("Operation"), operation)
    await cluster.pass_time(20)
    status = await cluster.status()
    assert (status["phase"], status["message"]) == ("Cancelled", "cancelled: by ann")


async def test_an_image_refused_for_good_fails_within_25_seconds(cluster: Cluster) -> None:
    words = "Back-off pulling image: ErrImagePull: reg/x:1: not found"

    async def refuse(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.status(phase="Pending", startTime="2026-01-01T00:00:00Z")
        await pod.container(waiting={"reason": "ErrImagePull", "message": words})

    cluster.behaviour = refuse
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    for _ in range(25):
        await cluster.pass_time(1)
    status = await cluster.status()
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "ImageRefused", words)
    assert await cluster.objects.get(await cluster.kind("Pod"), OPS, cluster.starts[0]) is None


@pytest.mark.parametrize("second", ["beside", "after"])
async def test_whoever_sees_the_pod_go_knows_why_it_was_given_up(cluster: Cluster, second: str) -> None:
    """Another replica may hear of the deletion first, and the one that deleted may be killed before it reports."""

    async def refuse(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.container(waiting={"reason": "ErrImagePull", "message": "reg/x:1: not found"})

    cluster.behaviour = refuse
    await cluster.furnish()
    first, pods = cluster.start("one"), await cluster.kind("Pod")
    await rest()
    await cluster.submit()
    killed = False

    def die(call: Call) -> None:
        nonlocal killed
        if call.verb == "delete" and call.kind == "Pod" and not killed:
            killed = True
            first.cancel()
            cluster.objects.server.delete(pods, OPS, cluster.starts[0], DeleteOptions(grace_seconds=0))

    cluster.objects.before.append(die)
    if second == "beside":
        cluster.start("two", store=FakeLogStore(cluster.clock))
    for _ in range(30):
        await cluster.pass_time(1)
    assert killed
    if second == "after":
        assert (await cluster.status())["phase"] == "Finishing"
        cluster.start("two")
        await cluster.pass_time(30)
    status = await cluster.status()
    assert (status["phase"], status["reason"], status["message"]) == ("Failed", "ImageRefused", "reg/x:1: not found")
    assert len(cluster.starts) == 1


async def test_waiting_for_a_node_is_explained_within_25_seconds(cluster: Cluster) -> None:
    async def nowhere(pod: Pod) -> None:
        await asyncio.sleep(0)
        why = {
            "type": "PodScheduled",
            "status": "False",
            "reason": "Unschedulable",
            "message": "0/2 nodes: 2 too small",
        }
        await pod.status(phase="Pending", conditions=[why])

    cluster.behaviour = nowhere
    await cluster.furnish(resources={"requests": {"cpu": "64"}}, timeouts={"unschedulable": "2m"})
    cluster.start()
    await cluster.submit()
    for _ in range(24):
        await cluster.pass_time(1)
    status = await cluster.status()
    assert status["reason"] == "Unschedulable"
    assert status["message"] == "no node fits (the pod needs cpu 64): 0/2 nodes: 2 too small"
    for _ in range(10):
        await cluster.pass_time(13)
    assert (await cluster.status())["phase"] == "Failed"


async def test_a_pod_deleted_by_someone_is_told_so(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(2)
    await cluster.delete("Pod", cluster.starts[0], OPS)
    await cluster.pass_time(20)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Unknown", "PodLost")


@pytest.mark.parametrize("carried_out", [True, False])
async def test_a_lost_answer_to_the_create_starts_no_second_pod(cluster: Cluster, carried_out: bool) -> None:  # noqa: FBT001
    cluster.behaviour = echo
    await cluster.furnish()
    sent: list[float] = []

    def lose(call: Call) -> None:
        if call.verb == "create" and call.kind == "Pod":
            sent.append(cluster.clock.monotonic())
            if len(sent) < 4:
                error = errors.ClusterUnavailable("the answer was lost")
                error.ambiguous = True
                raise error

    (cluster.objects.after if carried_out else cluster.objects.before).append(lose)
    cluster.start()
    await cluster.submit()
    for _ in range(5):
        await cluster.pass_time(2)
    if not carried_out:
        assert (await cluster.status())["reason"] == "CreateUnanswered"
        for _ in range(90):
            await cluster.pass_time(2)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert len(cluster.starts) == 1
    # What may still be carried out has no second one beside it.
    assert len(sent) == (1 if carried_out else 4)
    assert all(later - earlier >= UNANSWERED for earlier, later in itertools.pairwise(sent))


async def test_rights_that_spread_slowly_are_waited_for(cluster: Cluster) -> None:
    cluster.behaviour = echo
    await cluster.furnish()

    def deny(call: Call) -> None:
        if call.verb == "create" and call.kind == "Pod" and cluster.clock.monotonic() < 15:
            raise errors.ClusterDenied("cannot create pods", cause="User cannot create resource pods")

    cluster.objects.before.append(deny)
    cluster.start()
    await cluster.submit()
    for _ in range(12):
        await cluster.pass_time(2)
    assert (await cluster.status())["phase"] == "Succeeded"


async def test_what_nobody_expected_of_one_operation_ends_neither_it_nor_the_worker(cluster: Cluster) -> None:
    cluster.behaviour = echo
    await cluster.furnish()
    left = [1]

    def confuse(call: Call) -> None:
        if call.verb == "create" and call.kind == "Pod" and left[0]:
            left[0] -= 1
            raise TypeError("an answer of another shape")

    cluster.objects.before.append(confuse)
    task = cluster.start()
    await cluster.submit()
    for _ in range(50):  # whether the pod was created is not known: a minute
        await cluster.pass_time(2)
    assert not task.done()
    assert (await cluster.status())["phase"] == "Succeeded"
    assert len(cluster.starts) == 1


async def test_an_admission_refusal_is_named(cluster: Cluster) -> None:
    await cluster.furnish()

    def refuse(call: Call) -> None:
        if call.verb == "create" and call.kind == "Pod":
            raise errors.ObjectInvalid(
                "cannot create pod", cause='pods "x" is forbidden: violates PodSecurity "restricted"'
            )

    cluster.objects.before.append(refuse)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(3)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Failed", "PodSecurityRefused")
    assert 'violates PodSecurity "restricted"' in status["message"]


async def test_what_the_api_server_does_not_take_for_long_is_said(cluster: Cluster) -> None:
    await cluster.furnish()
    full = [True]

    def refuse(call: Call) -> None:
        if full[0] and call.verb == "create" and call.kind == "Pod":
            raise errors.ObjectInvalid("cannot create pod", cause="exceeded quota: team, requested: pods=1")

    cluster.objects.before.append(refuse)
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(5)
    assert (await cluster.status())["reason"] == "Claimed"
    for _ in range(5):
        await cluster.pass_time(5)
    status = await cluster.status()
    assert (status["phase"], status["reason"]) == ("Starting", "QuotaExceeded")
    assert status["message"] == "exceeded quota: team, requested: pods=1"
    told = [happening for ref, happening in cluster.events.told if ref.kind == "Operation"]
    assert [(one.reason, one.severity) for one in told] == [("QuotaExceeded", "Warning")]
    full[0] = False
    for _ in range(3):
        await cluster.pass_time(5)
    pod = next(iter(cluster.pods.values()))
    await pod.run()
    await pod.end()
    await cluster.pass_time(1)
    assert (await cluster.status())["phase"] == "Succeeded"
    assert 20_000 < cluster.services[0].roster.figures.pending["linux", "QuotaExceeded"] < 45_000


async def test_the_api_server_goes_and_comes_back(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(2)
    away = [True]

    def gone(call: Call) -> None:
        if away[0]:
            error = errors.ClusterUnavailable("connection refused")
            error.ambiguous = call.verb in {"patch_status", "delete"}
            raise error

    pod = next(iter(cluster.pods.values()))
    pod.say("more")
    await pod.end()
    cluster.objects.before.append(gone)
    await cluster.pass_time(40)
    away[0] = False
    await cluster.pass_time(15)
    assert (await cluster.status())["phase"] == "Succeeded"


async def test_two_workers_do_no_harm(cluster: Cluster) -> None:
    cluster.behaviour = echo
    await cluster.furnish()
    cluster.start("one")
    cluster.start("two", store=FakeLogStore(cluster.clock))
    for number in range(6):
        await cluster.submit(f"op{number}")
    for _ in range(10):
        await cluster.pass_time(5)
    assert len(cluster.starts) == len(set(cluster.starts)) == 6
    for number in range(6):
        assert (await cluster.status(f"op{number}"))["phase"] == "Succeeded"


async def test_the_revision_is_that_of_the_claim(cluster: Cluster) -> None:
    cluster.behaviour = hold
    await cluster.furnish()
    await cluster.make("GitSync", "main", spec={"source": {"url": "https://git/x"}})
    resource = await cluster.kind("GitSync")
    await cluster.objects.patch_status(resource, HOME, "main", {"status": {"lastAppliedRevision": "main@sha1:aaa"}})
    cluster.start()
    await rest()
    await cluster.submit()
    await cluster.pass_time(2)
    await cluster.objects.patch_status(resource, HOME, "main", {"status": {"lastAppliedRevision": "main@sha1:bbb"}})
    await next(iter(cluster.pods.values())).end()
    await cluster.pass_time(2)
    assert (await cluster.status())["revision"] == "main@sha1:aaa"


async def test_readiness_hears_that_a_watch_went_silent(cluster: Cluster) -> None:
    await cluster.furnish()
    cluster.start()
    await cluster.pass_time(1)
    service = cluster.services[0]
    assert service.waiting_for() == []
    await cluster.clock.advance(149)
    await cluster.submit(pool="windows")
    await cluster.pass_time(5)
    silent = service.waiting_for()
    assert [line.partition(":")[0] for line in silent if "operations" in line] == []
    assert "the watch of workers: nothing was heard of it for" in silent[-1]
    assert service.ready


async def test_figures_tell_pending_time_by_reason_and_the_lag_of_logs(cluster: Cluster) -> None:
    async def wait_for_a_node(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.status(
            phase="Pending", conditions=[{"type": "PodScheduled", "status": "False", "reason": "Unschedulable"}]
        )

    cluster.behaviour = wait_for_a_node
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(12)
    service = cluster.services[0]
    pod = next(iter(cluster.pods.values()))
    await pod.run()
    pod.say("begun")
    await cluster.pass_time(7)
    assert service.roster.figures.pending["linux", "Unschedulable"] == pytest.approx(12000, abs=1500)
    assert service.log_lag() == {"linux": 7.0}
    await pod.end()
    await cluster.pass_time(1)
    assert service.log_lag() == {"linux": 0.0}


async def test_usage_is_added_up_in_the_pools_status_once_whatever_answers_are_lost(cluster: Cluster) -> None:
    async def use(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.run()
        await pod.end(cpuMs=5000, memoryPeak=1 << 20, started=STARTED, finished=FINISHED)

    cluster.behaviour = use
    await cluster.furnish(maxOperations=50)
    cluster.start()
    await rest()
    kind = await cluster.kind("WorkerPool")

    async def runs() -> int:
        pool = await cluster.objects.get(kind, HOME, "linux")
        assert pool is not None
        return sum(entry["runs"] for entry in (pool.get("status") or {}).get("usage") or ())

    for number in range(3):
        await cluster.submit(f"op-{number}")
    await cluster.pass_time(31)
    assert await runs() == 3
    assert (await cluster.status("op-0"))["usage"] == {"cpuSeconds": 5.0, "memoryPeakBytes": 1 << 20}
    await cluster.submit("op-3")
    await cluster.pass_time(5)
    lost = errors.ClusterUnavailable("the answer was lost")
    cluster.objects.after.append(failing(lost, verb="patch_status", kind="WorkerPool"))
    await cluster.pass_time(30)
    await cluster.submit("op-4")
    await cluster.pass_time(70)
    assert await runs() == 5


async def test_a_pod_that_its_node_prepares_costs_no_write_in_the_first_minute(cluster: Cluster) -> None:
    async def prepare(pod: Pod) -> None:
        await asyncio.sleep(0)
        await pod.container(waiting={"reason": "ContainerCreating"})

    cluster.behaviour = prepare
    await cluster.furnish()
    cluster.start()
    await cluster.submit()
    await cluster.pass_time(2)
    cluster.objects.calls.clear()
    for _ in range(5):
        await cluster.pass_time(10)
    assert [call.verb for call in cluster.objects.calls if call.kind == "Operation"] == []
    await cluster.pass_time(12)
    assert (await cluster.status())["reason"] == "ContainerCreating"
