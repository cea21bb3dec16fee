"""The client against a server that misbehaves, one way at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from gitops import cluster, errors
from gitops.cluster.http import Limits
from gitops.cluster.reflector import Patience
from gitops.cluster.retry import Retry
from gitops.cluster.settings import Bearer, ClusterConfig, TokenFile
from gitops.ports.objects import DeleteOptions, Resource
from gitops.ports.watch import Gone, Put, Synced, WatchEvent
from gitops.testing import stub
from gitops.testing.clock import FakeClock
from gitops.testing.stub import Stub

PODS = Resource(group="", version="v1", kind="Pod", plural="pods", namespaced=True)
QUICK = Patience(silence=0.3, quick=0.0, first=0.01, most=0.05)
WAIT = 10


def pod(name: str, version: int) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "resourceVersion": str(version)}}


def listing(version: int, *names: str) -> dict[str, Any]:
    items = [{"metadata": {"name": name, "resourceVersion": str(version)}} for name in names]
    return {"kind": "PodList", "metadata": {"resourceVersion": str(version)}, "items": items}


@asynccontextmanager
async def client(
    server: Stub, *, clock: FakeClock | None = None, patience: Patience = QUICK, bearer: Bearer = None, **limits: Any
) -> AsyncIterator[cluster.Cluster]:
    config = ClusterConfig(server=server.url, origin="a test", bearer=bearer)
    async with cluster.connect(
        config, component="test", clock=clock, patience=patience, limits=Limits(**limits)
    ) as connected:
        yield connected


@pytest.fixture
async def server() -> AsyncIterator[Stub]:
    async with Stub() as made:
        yield made


def watches(server: Stub) -> list[str]:
    return [seen.query["resourceVersion"] for seen in server.requests if seen.query.get("watch") == "1"]


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(WAIT):
        while not true():  # noqa: ASYNC110 - what is waited for happens in another task, which knows nothing of us
            await asyncio.sleep(0.01)


async def take(events: AsyncIterator[WatchEvent], count: int) -> list[tuple[type[WatchEvent], list[str]]]:
    out: list[tuple[type[WatchEvent], list[str]]] = []
    async with asyncio.timeout(WAIT):
        while len(out) < count:
            event = await anext(events)
            items = event.items if isinstance(event, Synced) else [event.object]
            out.append((type(event), [item["metadata"]["name"] for item in items]))
    return out


async def test_who_asks_is_in_every_request(server: Stub) -> None:
    server.on(stub.json(listing(1)))
    async with client(server) as connected:
        await connected.objects.list(PODS)
    assert server.requests[0].headers["User-Agent"] == "gitops/0.1.0 (test)"


async def test_a_watch_asks_for_bookmarks_and_ends_at_a_random_time(server: Stub) -> None:
    server.on(stub.json(listing(5)), watch=False)
    server.on(stub.events(then=stub.hang), watch=True)
    patience = replace(QUICK, silence=WAIT)
    async with client(server, patience=patience) as connected:
        for _ in range(5):
            async with aclosing(connected.watch.watch(PODS, "n", labels="a=b")) as events:
                await take(events, 1)
                following = asyncio.ensure_future(anext(events))
                await until(lambda: "watch" in server.requests[-1].query)
                following.cancel()
                await asyncio.gather(following, return_exceptions=True)
    asked = [seen for seen in server.requests if seen.query.get("watch")]
    assert all(seen.query["allowWatchBookmarks"] == "true" and seen.query["labelSelector"] == "a=b" for seen in asked)
    seconds = {int(seen.query["timeoutSeconds"]) for seen in asked}
    assert len(seconds) > 1
    assert all(240 <= second <= 360 for second in seconds)


async def test_a_clean_close_goes_on_from_the_last_version(server: Stub) -> None:
    server.on(stub.json(listing(5, "a")), watch=False)
    server.on(
        stub.events(("ADDED", pod("b", 7)), ("BOOKMARK", pod("", 9))),
        stub.events(("DELETED", pod("b", 12))),
        stub.events(then=stub.hang),
        watch=True,
    )
    async with client(server) as connected, aclosing(connected.watch.watch(PODS)) as events:
        assert await take(events, 3) == [(Synced, ["a"]), (Put, ["b"]), (Gone, ["b"])]
        assert watches(server) == ["5", "9"]


@pytest.mark.parametrize("form", ["status", "event", "list-too"])
async def test_gone_means_a_new_list(server: Stub, form: str) -> None:
    gone = stub.status_object(410, "Expired", "too old resource version")
    expired = stub.status(410, "Expired", "too old resource version")
    server.on(
        stub.json(listing(5, "a")), *([expired] if form == "list-too" else []), stub.json(listing(9, "b")), watch=False
    )
    first = stub.events(("ERROR", gone)) if form == "event" else expired
    server.on(first, stub.events(then=stub.hang), watch=True)
    async with client(server) as connected, aclosing(connected.watch.watch(PODS)) as events:
        assert await take(events, 2) == [(Synced, ["a"]), (Synced, ["b"])]
        following = asyncio.ensure_future(anext(events))
        await until(lambda: watches(server) == ["5", "9"])
        following.cancel()
        await asyncio.gather(following, return_exceptions=True)


async def test_a_quick_empty_close_is_taken_for_gone_and_is_no_tight_loop(server: Stub) -> None:
    server.on(stub.json(listing(5, "a")), watch=False)
    server.on(stub.events(), watch=True)
    clock = FakeClock(eager=True)
    patience = replace(QUICK, quick=2.0, first=0.2, most=30.0)
    async with (
        client(server, clock=clock, patience=patience) as connected,
        aclosing(connected.watch.watch(PODS)) as events,
    ):
        assert await take(events, 12) == [(Synced, ["a"])] * 12
    pauses = clock.slept
    assert len(pauses) >= 11
    assert 0 < pauses[0] <= 0.2
    assert max(pauses) <= 30
    assert sum(pauses[8:]) > 4 * 0.3 * 30 * 0.9


async def test_a_silent_stall_is_noticed_and_resumed(server: Stub) -> None:
    server.on(stub.json(listing(5, "a")), watch=False)
    server.on(
        stub.events(("ADDED", pod("b", 6)), then=stub.hang),
        stub.events(("ADDED", pod("c", 7)), then=stub.hang),
        watch=True,
    )
    async with client(server) as connected, aclosing(connected.watch.watch(PODS)) as events:
        assert await take(events, 3) == [(Synced, ["a"]), (Put, ["b"]), (Put, ["c"])]
        assert watches(server) == ["5", "6"]


@pytest.mark.parametrize("ending", [stub.break_off, None], ids=["reset", "cut-line"])
async def test_a_broken_stream_loses_nothing(server: Stub, ending: stub.Ending | None) -> None:
    whole = b'{"type":"ADDED","object":{"metadata":{"name":"b","resourceVersion":"6"}}}\n'
    server.on(stub.json(listing(5, "a")), watch=False)
    server.on(
        stub.stream([whole, whole[:20]], then=ending),
        stub.events(("ADDED", pod("c", 7)), then=stub.hang),
        watch=True,
    )
    async with client(server) as connected, aclosing(connected.watch.watch(PODS)) as events:
        assert await take(events, 3) == [(Synced, ["a"]), (Put, ["b"]), (Put, ["c"])]
        assert watches(server)[:2] == ["5", "6"]


async def test_an_event_in_many_pieces_is_one_event(server: Stub) -> None:
    big = b'{"type":"ADDED","object":{"metadata":{"name":"b","resourceVersion":"6"},"x":"' + b"y" * 500_000 + b'"}}\n'
    pieces = [big[start : start + 999] for start in range(0, len(big), 999)]
    server.on(stub.json(listing(5)), watch=False)
    server.on(stub.stream(pieces, then=stub.hang), watch=True)
    async with client(server) as connected, aclosing(connected.watch.watch(PODS)) as events:
        assert await take(events, 2) == [(Synced, []), (Put, ["b"])]


async def test_a_bookmark_is_a_sign_of_life_and_nothing_else(server: Stub) -> None:
    signs: list[None] = []
    server.on(stub.json(listing(5)), watch=False)
    bookmarks = [("BOOKMARK", pod("", 6)), ("BOOKMARK", pod("", 7))]
    server.on(stub.events(*bookmarks, ("ADDED", pod("b", 8)), then=stub.hang), watch=True)
    async with client(server) as connected:
        watching = connected.watch.watch(PODS, heard=lambda: signs.append(None))
        async with aclosing(watching) as events:
            assert await take(events, 2) == [(Synced, []), (Put, ["b"])]
    # The list, the watch's answer, and each of its three lines.
    assert len(signs) == 5


@pytest.mark.parametrize("where", ["list", "watch", "event"])
async def test_retry_after_is_honoured(server: Stub, where: str) -> None:
    busy = stub.status(429, "TooManyRequests", "try later", retry_after="7")
    server.on(*([busy] if where == "list" else []), stub.json(listing(5, "a")), watch=False)
    first = {
        "list": stub.events(("ADDED", pod("b", 6)), then=stub.hang),
        "watch": busy,
        "event": stub.events(("ERROR", stub.status_object(500, "InternalError", "etcdserver: leader changed"))),
    }[where]
    server.on(first, stub.events(("ADDED", pod("b", 6)), then=stub.hang), watch=True)
    clock = FakeClock(eager=True)
    async with client(server, clock=clock) as connected, aclosing(connected.watch.watch(PODS)) as events:
        assert await take(events, 2) == [(Synced, ["a"]), (Put, ["b"])]
    if where != "event":
        assert sum(clock.slept) >= 7
    assert set(watches(server)) == {"5"}


async def test_a_watch_that_is_forbidden_says_so(server: Stub) -> None:
    words = 'pods is forbidden: User "u" cannot watch resource "pods" in API group "" at the cluster scope'
    server.on(stub.json(listing(5)), watch=False)
    server.on(stub.status(403, "Forbidden", words), watch=True)
    async with client(server) as connected, aclosing(connected.watch.watch(PODS)) as events:
        await take(events, 1)
        with pytest.raises(errors.ClusterDenied, match="cannot watch resource"):
            await anext(events)


async def test_reads_are_tried_again_but_not_for_ever(server: Stub) -> None:
    server.on(
        stub.status(500, "InternalError", "oops"), stub.reset(), stub.status(503, "x", "y"), stub.json(listing(1))
    )
    clock = FakeClock(eager=True)
    async with client(server, clock=clock) as connected:
        assert (await connected.objects.list(PODS)).resource_version == "1"
        server.on(stub.status(500, "InternalError", "oops"))
        with pytest.raises(errors.ClusterUnavailable, match="cannot list Pod in namespace n: oops") as caught:
            await connected.objects.list(PODS, "n")
    assert not caught.value.ambiguous
    assert len(server.requests) == 4 + 5


@pytest.mark.parametrize("failure", [stub.status(500, "InternalError", "oops"), stub.reset()], ids=["500", "reset"])
async def test_a_write_with_an_unclear_answer_is_not_repeated(server: Stub, failure: stub.Behaviour) -> None:
    server.on(failure)
    async with client(server, clock=FakeClock(eager=True)) as connected:
        with pytest.raises(errors.ClusterUnavailable) as caught:
            await connected.objects.create(PODS, pod("a", 1))
    assert caught.value.ambiguous
    assert len(server.requests) == 1


async def test_a_write_that_was_turned_away_is_repeated_and_holds_back_others_of_its_kind(server: Stub) -> None:
    server.on(stub.status(429, "TooManyRequests", "x", retry_after="3"), stub.json(pod("a", 1), 201), method="POST")
    server.on(stub.json(listing(1)), method="GET")
    clock = FakeClock()
    async with client(server, clock=clock) as connected:
        first = asyncio.ensure_future(connected.objects.create(PODS, pod("a", 1)))
        await until(lambda: bool(clock.slept))
        second = asyncio.ensure_future(connected.objects.create(PODS, pod("b", 1)))
        await connected.objects.list(PODS)  # reads go on
        assert [seen.method for seen in server.requests] == ["POST", "GET"]
        await clock.advance(2.9)
        assert len(server.requests) == 2
        await clock.advance(5)
        async with asyncio.timeout(WAIT):
            await asyncio.gather(first, second)
    assert [seen.method for seen in server.requests] == ["POST", "GET", "POST", "POST"]


async def test_a_long_retry_after_is_the_callers_to_wait(server: Stub) -> None:
    server.on(stub.status(429, "TooManyRequests", "x", retry_after="600"))
    async with client(server, clock=FakeClock(eager=True)) as connected:
        with pytest.raises(errors.ClusterUnavailable) as caught:
            await connected.objects.list(PODS)
    assert caught.value.retry_after == 600
    assert len(server.requests) == 1


async def test_no_answer_in_time(server: Stub) -> None:
    server.on(stub.silent())
    async with client(server, answer=0.1, retry=Retry(attempts=2, first=0.01)) as connected:
        with pytest.raises(errors.ClusterUnavailable, match="no answer in time"):
            await connected.objects.list(PODS)
    assert len(server.requests) == 2


async def test_a_slow_answer_is_still_an_answer(server: Stub) -> None:
    server.on(stub.slow(0.3, stub.json(listing(4))))
    async with client(server) as connected:
        assert (await connected.objects.list(PODS)).resource_version == "4"


async def test_a_list_whose_cursor_expired_is_read_in_one_go(server: Stub) -> None:
    first = listing(5, "a")
    first["metadata"]["continue"] = "cursor"
    server.on(stub.json(first), stub.status(410, "Expired", "cursor"), stub.json(listing(6, "a", "b")))
    async with client(server) as connected:
        found = await connected.objects.list(PODS)
    assert [item["metadata"]["name"] for item in found.items] == ["a", "b"]
    assert [(seen.query.get("limit"), seen.query.get("continue")) for seen in server.requests] == [
        ("500", None),
        ("500", "cursor"),
        (None, None),
    ]


async def test_pages_are_put_together(server: Stub) -> None:
    first = listing(5, "a")
    first["metadata"]["continue"] = "cursor"
    server.on(stub.json(first), stub.json(listing(5, "b")))
    async with client(server) as connected:
        found = await connected.objects.list(PODS)
    assert [(item["metadata"]["name"], item["kind"]) for item in found.items] == [("a", "Pod"), ("b", "Pod")]


async def test_a_rotated_token_is_read_again(server: Stub, tmp_path: Path) -> None:
    path, valid = tmp_path / "token", "one"
    path.write_text("one\n")
    server.on(stub.guarded(lambda: valid, stub.json(listing(1))))
    async with client(server, bearer=TokenFile(str(path))) as connected:
        await connected.objects.list(PODS)
        valid = "two"
        with pytest.raises(errors.ClusterDenied, match="does not accept our credentials"):
            await connected.objects.list(PODS)
        path.write_text("two\n")
        await connected.objects.list(PODS)
    assert [seen.headers["Authorization"] for seen in server.requests] == ["Bearer one"] * 2 + ["Bearer two"]


async def test_followed_logs_leave_room_for_requests(server: Stub) -> None:
    server.on(stub.json(listing(1)), path="/pods")
    server.on(stub.stream([b"line\n"], then=stub.hang), path="/log")
    async with client(server, patience=replace(QUICK, silence=WAIT), connections=1) as connected:
        followers = [connected.logs.read("n", f"p{number}", "c") for number in range(150)]
        async with asyncio.timeout(WAIT):
            assert await asyncio.gather(*(anext(follower) for follower in followers)) == [b"line\n"] * 150
            await connected.objects.list(PODS)
        for follower in followers:
            await follower.aclose()


async def test_a_log_that_falls_silent_breaks_off(server: Stub) -> None:
    server.on(stub.stream([b"one\n"], then=stub.hang), path="/log")
    async with client(server) as connected, aclosing(connected.logs.read("n", "p", "c")) as chunks:
        assert await anext(chunks) == b"one\n"
        with pytest.raises(errors.ClusterUnavailable, match=r"silent for 0\.3 s"):
            await anext(chunks)
    assert server.requests[0].query == {"container": "c", "follow": "true"}
    assert server.requests[0].headers["Accept-Encoding"] == "identity"


async def test_a_log_that_is_reset_breaks_off_and_one_that_ends_ends(server: Stub) -> None:
    server.on(stub.stream([b"one\n"], then=stub.break_off), stub.stream([b"one\n", b"two\n"]), path="/log")
    async with client(server) as connected:
        with pytest.raises(errors.ClusterUnavailable, match="broke"):
            _ = [chunk async for chunk in connected.logs.read("n", "p", "c")]
        assert b"".join([chunk async for chunk in connected.logs.read("n", "p", "c")]) == b"one\ntwo\n"


@pytest.mark.parametrize(
    ("answer", "kind"),
    [
        (stub.status(404, "NotFound", 'pods "p" not found', name="p", kind="pods"), errors.ObjectMissing),
        (stub.status(400, "BadRequest", 'container "c" in pod "p" is waiting to start'), errors.ObjectInvalid),
    ],
)
async def test_a_log_that_is_not_there(server: Stub, answer: stub.Behaviour, kind: type[errors.ClusterError]) -> None:
    server.on(answer)
    async with client(server) as connected:
        with pytest.raises(kind):
            await anext(connected.logs.read("n", "p", "c"))


async def test_a_server_that_is_not_there() -> None:
    async with Stub() as gone:
        pass
    clock = FakeClock(eager=True)
    async with client(gone, clock=clock) as connected:
        with pytest.raises(errors.ClusterUnavailable, match="Connection refused") as caught:
            await connected.objects.delete(PODS, "n", "a", options=DeleteOptions())
    assert not caught.value.ambiguous
    assert caught.value.hint == "the address comes from a test"
    assert len(clock.slept) == 4
