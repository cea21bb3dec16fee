"""How hot an object is: corrections are spaced, counted and end in a fight, whatever the other side does."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from gitops.plan import heat

START = datetime(2026, 1, 1, tzinfo=UTC)
SEEN = heat.Seen(path="/spec/replicas", manager="hpa")
MINUTE = timedelta(minutes=1)


def test_the_first_correction_comes_at_once() -> None:
    assert heat.judge({"a": SEEN}, [], now=START, interval=60).due == ("a",)


def test_the_next_waits_and_is_due_when_its_time_has_come() -> None:
    known = [heat.Heat(object="a", count=3, at=START)]
    early = heat.judge({"a": SEEN}, known, now=START + 3 * MINUTE, interval=60)
    assert (early.due, early.waiting) == ((), {"a": START + 4 * MINUTE})
    assert heat.judge({"a": SEEN}, known, now=START + 4 * MINUTE, interval=60).due == ("a",)


def test_after_the_limit_it_is_a_fight_with_the_one_who_wrote_last() -> None:
    known = [heat.Heat(object="a", count=heat.LIMIT, at=START, manager="old")]
    (fight,) = heat.judge({"a": SEEN}, known, now=START + timedelta(days=30), interval=60).fights
    assert (fight.manager, fight.path, fight.count) == ("hpa", "/spec/replicas", heat.LIMIT)


def test_an_object_that_stays_as_it_should_cools() -> None:
    known = [heat.Heat(object="a", count=4, at=START)]
    assert heat.judge({}, known, now=START + timedelta(minutes=59), interval=60).known == tuple(known)
    assert heat.judge({}, known, now=START + timedelta(minutes=61), interval=60).known == ()


def test_a_slow_look_does_not_cool_what_it_could_not_see() -> None:
    known = [heat.Heat(object="a", count=4, at=START)]
    assert heat.judge({}, known, now=START + timedelta(hours=3), interval=3600).known == tuple(known)


def test_the_hottest_are_remembered() -> None:
    known = tuple(heat.Heat(object=f"o{number}", count=2, at=START) for number in range(heat.ROOM))
    judged = heat.Judged(due=("new",), waiting={}, known=known)
    kept = heat.corrected(judged, {"new": SEEN}, now=START + MINUTE)
    assert len(kept) == heat.ROOM
    assert "new" not in {one.object for one in kept}


@given(st.integers(1, 10_000))
def test_property_a_pause_is_capped_and_never_gets_shorter(count: int) -> None:
    pause = heat.delay(count)
    assert timedelta(seconds=heat.FIRST) <= pause <= timedelta(seconds=heat.LONGEST)
    assert heat.delay(count + 1) >= pause


Looks = st.lists(st.tuples(st.integers(1, 5_000), st.booleans()), max_size=80)


@given(Looks, st.sampled_from([5, 60, 900, 7200]))
def test_property_whatever_the_other_side_does_corrections_are_few_and_far_between(
    looks: list[tuple[int, bool]], interval: int
) -> None:
    """Looks at any times, drift at any of them: the rules hold for every sequence."""
    known: tuple[heat.Heat, ...] = ()
    now = START
    writes: list[datetime] = []
    for seconds, differs in looks:
        now += timedelta(seconds=seconds)
        seen = {"a": SEEN} if differs else {}
        judged = heat.judge(seen, known, now=now, interval=interval)
        hot = known[0].count if known else 0
        if judged.due:
            assert hot < heat.LIMIT
            if judged.known:
                assert now - judged.known[0].at >= heat.delay(judged.known[0].count)
            writes.append(now)
        elif differs:
            assert bool(judged.waiting) is not bool(judged.fights)
        known = heat.corrected(judged, seen, now=now)
        assert all(one.count <= heat.LIMIT for one in known)
    for first, later in zip(writes, writes[heat.LIMIT :], strict=False):
        assert later - first > heat.cooling(interval) - timedelta(seconds=1)


@given(st.integers(5, 300))
def test_property_a_writer_who_never_rests_is_corrected_a_handful_of_times_for_ever(interval: int) -> None:
    known: tuple[heat.Heat, ...] = ()
    now, writes = START, 0
    for _ in range(2_000):
        judged = heat.judge({"a": SEEN}, known, now=now, interval=interval)
        writes += len(judged.due)
        known = heat.corrected(judged, {"a": SEEN}, now=now)
        now += timedelta(seconds=interval)
    assert writes == heat.LIMIT
