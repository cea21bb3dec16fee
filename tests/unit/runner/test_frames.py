"""The frame codec: any cut, any re-reading, no line lost or doubled."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops.runner import frames, record


def log(count: int, start: int = 1) -> bytes:
    return b"".join(b"%d|o|%d|line %d\n" % (seq, seq * 10, seq) for seq in range(start, start + count))


@given(st.lists(st.integers(1, 40), max_size=60), st.integers(1, 50))
def test_a_chunk_may_end_anywhere(cuts: list[int], count: int) -> None:
    decoder, data, seen = frames.Decoder(), log(count), []
    for cut in [*cuts, len(data)]:
        seen += decoder.feed(data[:cut])
        data = data[cut:]
    assert [frame.seq for frame in seen] == list(range(1, count + 1))
    assert decoder.missing == 0


@given(st.lists(st.tuples(st.integers(0, 60), st.integers(0, 900)), max_size=8))
def test_reading_again_from_any_earlier_point_doubles_nothing(breaks: list[tuple[int, int]]) -> None:
    whole, decoder, seen = log(50), frames.Decoder(), []
    for _, upto in breaks:
        seen += decoder.feed(whole[:upto])
        decoder.restart()
    seen += decoder.feed(whole)
    assert [frame.seq for frame in seen] == list(range(1, 51))


def test_a_skipped_number_is_counted() -> None:
    decoder = frames.Decoder()
    decoder.feed(log(3))
    assert [frame.seq for frame in decoder.feed(log(2, start=8))] == [8, 9]
    assert decoder.missing == 4


def test_a_heartbeat_tells_of_frames_not_seen() -> None:
    decoder = frames.Decoder()
    assert decoder.feed(b"7|h|0|\n") == []
    assert (decoder.last, decoder.heard) == (0, 7)


def test_what_is_no_frame_is_kept_once_and_bounded() -> None:
    decoder = frames.Decoder()
    for _ in range(3):
        assert decoder.feed(b"sh: uname: not found\n") == []
    decoder.feed(b"x" * 9000 + b"\n")
    assert decoder.foreign.startswith(b"sh: uname: not found\nxxx")
    assert len(decoder.foreign) == frames.FOREIGN_LIMIT


def test_a_line_without_end_is_given_up() -> None:
    decoder = frames.Decoder()
    decoder.feed(b"y" * (frames.LONGEST + 1))
    assert [frame.seq for frame in decoder.feed(b"\n" + log(1))] == [1]


def test_escapes_become_the_bytes_again() -> None:
    frame = frames.parse(rb"1|o|0|a\\b\r\x00\xff")
    assert frame is not None
    assert frame.payload == b"a\\b\r\x00\xff\n"
    assert frames.unescape(rb"\\x41\\r") == rb"\x41\r"


def test_a_person_reads_the_output_and_the_remarks() -> None:
    decoder = frames.Decoder()
    seen = decoder.feed(b"1|o|0|one\n2|E|4|tw\n3|e|6|o\n4|s|8|a remark\n5|x|8|{}\n")
    assert frames.render(seen) == b"one\ntwo\nrunner: a remark\n"


def test_a_termination_message_of_the_kubelets_is_no_record() -> None:
    assert record.read("OCI runtime create failed") is None
    assert record.read('{"version":1}') is None
    found = record.read('{"version":1,"exitCode":3,"later":true}')
    assert found is not None
    assert found.exit_code == 3
