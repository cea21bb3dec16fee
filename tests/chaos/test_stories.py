"""Thousands of stories on a cluster in memory: workers die, connections break, nodes go, people change their minds.

Each story follows from its number. To hear one that failed: `python -m tests.chaos.stories NUMBER`.
"""

from __future__ import annotations

import asyncio
import json
import os

import pytest

from gitops import worker
from tests.chaos.stories import invariants, loop
from tests.chaos.stories.node import Life
from tests.chaos.stories.plot import LABELS, Incident, Job, Plot, plot
from tests.chaos.stories.story import Story

STORIES = 10 * int(os.environ.get("GITOPS_FUZZ_EXAMPLES") or 200)
CHAPTER = 100


@pytest.mark.parametrize("chapter", range(STORIES // CHAPTER))
def test_property_no_story_breaks_a_rule(chapter: int) -> None:
    for number in range(chapter * CHAPTER, (chapter + 1) * CHAPTER):
        broken = invariants.broken(loop.tell(Story.of(plot(number))))
        assert not broken, f"story {number}: {broken}"


@pytest.mark.parametrize("after", [False, True])
@pytest.mark.parametrize("label", [*LABELS, "fetch", "send"])
def test_a_process_dies_at_every_point(label: str, after: bool) -> None:  # noqa: FBT001
    """Stories in which it really died there, and not only should have."""
    died = 0
    for number in range(12000):
        story = plot(number)
        if not any((one.label, one.after) == (label, after) for found in story.deaths.values() for one in found):
            continue
        told = loop.tell(Story.of(story))
        assert not invariants.broken(told), number
        died += any(process.line.died_at == (label, after) for process in told.processes)
        if died == 2:
            return
    pytest.fail(f"nobody ever died {'after' if after else 'before'} {label}")


POOL = {
    "timeouts": {"unschedulable": "20s", "imagePull": "20s", "starting": "20s", "run": "2m", "grace": "10s"},
    "maxOperations": 1,
    "retry": {"attempts": 3, "delay": "5s"},
}

DEPLOY = {"name": "deploy", "mode": "exclusive"}


def job(name: str, *lives: Life, at: float = 1.0, **spec: object) -> Job:
    return Job(name=name, at=at, spec={"idempotent": False, **spec}, lives=[*lives, Life(), Life(), Life()])


KNOWN = {
    "a create carried out late, when its pod is done": [
        job("late", Life(lines=(0.5,))),
        Incident(at=0.5, what="late", much=0.3),
    ],
    "a create carried out late, after a cancel": [
        job("late", Life(placed=0.0, started=0.0, end="never")),
        Incident(at=0.5, what="late", much=0.3),
        Incident(at=5, what="cancel"),
    ],
    "a create carried out late, and another process looks after its pod": [
        job("late", Life(lines=(0.5,) * 12)),
        Incident(at=0.5, what="late", much=0.3),
        Incident(at=4, what="kill"),
        Incident(at=5, what="start"),
    ],
    "a mutex of an operation that is deleted while its create may be carried out late": [
        job("one", Life(placed=0.0, started=0.0, lines=(0.5,) * 60), mutex=DEPLOY),
        job("two", Life(lines=(0.5,) * 60), at=2.0, mutex=DEPLOY),
        Incident(at=0.5, what="late", much=0.3),
        Incident(at=0.6, what="second"),
        Incident(at=4, what="delete operation"),
        # The place is free for the other process only.
        Incident(at=5, what="commit", which=4),
    ],
    "an operation that fails in the queue, and nobody has heard yet that it was deleted": [
        job("one", Life()),
        Incident(at=0.5, what="suspend"),
        Incident(at=2, what="lag", much=1.0),
        Incident(at=3, what="delete operation"),
        Incident(at=3.1, what="remove pool"),
    ],
    "clocks that run out while nothing is heard of the pod": [
        job("stale", Life(placed=14.0, started=0.3, lines=(10.0,) * 8)),
        Incident(at=13, what="cut"),
        Incident(at=40, what="mend"),
    ],
    "a place that is taken although its operation rests": [
        job("full", Life(lines=(0.5,) * 12)),
        job("next", Life(lines=(0.5,) * 12), at=2.0),
        Incident(at=3, what="full"),
        Incident(at=30, what="empty"),
    ],
}


@pytest.mark.parametrize("name", KNOWN)
def test_a_story_that_once_ended_badly(name: str) -> None:
    jobs = [step for step in KNOWN[name] if isinstance(step, Job)]
    incidents = [step for step in KNOWN[name] if isinstance(step, Incident)]
    told = loop.tell(Story.of(Plot(number=0, jobs=jobs, incidents=incidents, pool=POOL)))
    assert not invariants.broken(told)


def test_long_looks_leave_most_of_the_time_to_logs(monkeypatch: pytest.MonkeyPatch) -> None:
    """With thousands of operations a look through all of them takes long, and something changes all the time."""
    looks: list[float] = []

    def look(service: worker.Service, _: object) -> None:
        looks.append(1.0)
        current = asyncio.get_running_loop()
        assert isinstance(current, loop.VirtualLoop)
        current.work(1.0)
        current.call_later(0.1, service.roster.wake.set)

    monkeypatch.setattr(worker.Service, "_admit", look)
    loop.tell(_a_while(100))
    assert 15 <= len(looks) <= 25


async def _a_while(seconds: float) -> None:
    story = Story(Plot(number=0, jobs=[], incidents=[], pool=POOL))
    await story.cluster.furnish()
    story.start(0)
    await asyncio.sleep(seconds)


@pytest.mark.parametrize("number", range(11, 4000, 997))
def test_a_story_is_the_same_told_twice(number: int) -> None:
    assert _trace(plot(number)) == _trace(plot(number))


def _trace(plot_: Plot) -> str:
    told = loop.tell(Story.of(plot_))
    asked = [process.line.asked for process in told.processes]
    ends = {name: [(end.at, end.status) for end in found] for name, found in told.ends.items()}
    return json.dumps([asked, ends])
