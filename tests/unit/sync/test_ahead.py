"""Asking early changes when a sync reads, and neither what it reads nor how often."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from gitops import errors
from gitops.plan.settle import Header, Rules
from gitops.sync import story
from gitops.sync.ahead import FRESH, Ahead
from gitops.testing.clock import settle
from gitops.testing.objects import failing
from tests.unit.sync.passes import HOME, Passes, config_map, namespace_of, wanted

DESIRED = wanted([*(config_map(name) for name in "abc"), namespace_of("team")])
HEADER = Header(name="sync", namespace=HOME, revision="r2")


async def applied() -> Passes:
    run = Passes()
    await run.sync(DESIRED)
    run.requests()
    return run


def begin(run: Passes) -> Ahead:
    return Ahead(run.objects, run.clock, name="sync", namespace=HOME)


async def plan(run: Passes, ahead: Ahead | None) -> story.Planned:
    return await story.plan(run.means, DESIRED, header=HEADER, rules=Rules(force=True), ahead=ahead)


def asked(run: Passes) -> Counter[tuple[str, str, str]]:
    return Counter((call.verb, call.kind, call.name) for call in run.requests())


async def test_the_same_plan_for_the_same_requests_most_of_them_made_before() -> None:
    run = await applied()
    run.edit("b", data={"a": "changed"})
    later = await plan(run, None)
    late = asked(run)
    ahead = begin(run)
    await settle()
    early = asked(run)
    assert ("list", "ConfigMap", "") in early
    planned = await plan(run, ahead)
    assert early + asked(run) == late
    assert planned.plan.digest == later.plan.digest
    assert [one.ref.name for one in planned.plan.changes] == ["b"]


async def test_after_a_long_fetch_everything_is_read_anew() -> None:
    run = await applied()
    ahead = begin(run)
    await settle()
    run.edit("b", data={"a": "changed meanwhile"})
    await run.clock.advance(FRESH)
    planned = await plan(run, ahead)
    assert [one.ref.name for one in planned.plan.changes] == ["b"]


async def test_a_refusal_is_told_to_who_needs_the_answer_as_if_asked_then() -> None:
    run = await applied()
    run.objects.before.append(failing(errors.ClusterDenied("no"), verb="list", times=9))
    ahead = begin(run)
    await settle()
    with pytest.raises(errors.ClusterDenied):
        await plan(run, ahead)


async def test_nothing_is_left_of_what_nobody_wanted() -> None:
    run = await applied()
    before = asyncio.all_tasks()
    ahead = begin(run)
    await settle()
    await ahead.close()
    assert asyncio.all_tasks() == before
