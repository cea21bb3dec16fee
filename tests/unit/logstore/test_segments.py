"""Which segments are read, whatever a process that died, or does not know that it was replaced, left behind."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops.logstore import segments
from gitops.logstore.growing import Growing
from gitops.logstore.retention import Kept, Retention
from gitops.logstore.segments import Segment
from gitops.runner import frames

RANGES = st.lists(st.tuples(st.integers(1, 60), st.integers(0, 30)), max_size=12, unique=True)


def of(first: int, last: int) -> Segment:
    return Segment(first=first, last=last, arrived=1_700_000_000_000 + first)


def test_a_name_says_what_is_in_it_and_sorts_by_it() -> None:
    one = Segment(first=17, last=4711, arrived=1_700_000_000_123)
    assert one.name == "000000000017-000000004711-1700000000123"
    assert segments.parse(one.name) == one
    assert [segments.parse(name) for name in ("end", "", f"{one.name}.tmp", "1-2-3")] == [None] * 4
    assert of(2, 3).name < of(10, 11).name < of(10, 200).name < of(1000, 1001).name


@given(RANGES)
def test_property_reading_on_reaches_every_frame_there_is(ranges: list[tuple[int, int]]) -> None:
    found = [of(first, first + more) for first, more in ranges]
    kept = [segment for segment in found if segment not in segments.superseded(found)]
    for which in (found, kept):
        last, seen, steps = 0, set[int](), 0
        while segment := segments.after(which, last):
            assert segment.last > last
            seen |= set(range(max(segment.first, last + 1), segment.last + 1))
            last, steps = segment.last, steps + 1
        assert seen == {number for each in found for number in range(each.first, each.last + 1)}
        assert steps <= len(which)


def test_of_two_that_begin_alike_the_longer_is_read() -> None:
    found = [of(1, 10), of(11, 15), of(11, 40), of(41, 50)]
    assert segments.after(found, 10) == of(11, 40)
    assert segments.superseded(found) == [of(11, 15)]


def test_what_is_in_memory_is_stored_in_pieces_each_with_its_time() -> None:
    growing, decoder = Growing(), frames.Decoder()
    for number in range(1, 5):
        growing.add(decoder.feed(b"%d|o|0|%s\n" % (number, b"x" * 100)), 1000 + number)
    segment, data = growing.beginning(150)
    assert (segment, data.count(b"\n")) == (Segment(first=1, last=2, arrived=1001), 3)
    growing.seal(segment)
    assert growing.unsaved
    rest, data = growing.beginning(10_000)
    assert (rest, data[:6], growing.after(3)) == (Segment(first=3, last=4, arrived=1003), b"@1003\n", data[-107:])
    growing.keep(rest)
    assert (growing.unsaved, growing.stored, growing.kept) == (False, 4, rest)


def test_the_oldest_go_first_until_the_rest_fits() -> None:
    logs = [Kept(name=name, written=age, bytes=size) for name, age, size in (("a", 10, 5), ("b", 30, 5), ("c", 20, 5))]
    assert Retention(seconds=100, bytes=10).doomed(logs, now=50) == ["a"]
    assert Retention(seconds=35, bytes=10**6).doomed(logs, now=50) == ["a"]
    assert Retention(seconds=100, bytes=4).doomed(logs, now=50) == ["b", "c", "a"]
    assert Retention(seconds=100, bytes=15).doomed(logs, now=50) == []
