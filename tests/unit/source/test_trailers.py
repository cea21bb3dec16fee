from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.source import trailers

CONSENT = ("Gitops-Consent", "WorkerPool/windows")


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        ("Title\n\nGitops-Consent: WorkerPool/windows\n", (CONSENT,)),
        ("Title\n\nbody\n\nGitops-Consent:WorkerPool/windows\nSigned-off-by: A", (CONSENT, ("Signed-off-by", "A"))),
        ("Title\r\n\r\nGitops-Consent: WorkerPool/windows\r\n", (CONSENT,)),
        ("Title\n \t\nK: one\n  two\nK: three\n\n\n", (("K", "one two"), ("K", "three"))),
        ("Gitops-Consent: WorkerPool/windows", ()),
        ("Title\n\nGitops-Consent: WorkerPool/windows\n\nmore words", ()),
        ("Title\n\nWe write Gitops-Consent: x\nand so on", ()),
        ("Title\n\nK: v\nnot a trailer", ()),
        ("Title\n\n  indented: first", ()),
        ("", ()),
    ],
)
def test_only_a_whole_last_paragraph_counts(message: str, expected: trailers.Trailers) -> None:
    assert trailers.trailers(message) == expected


@given(st.text())
def test_any_message_is_read(message: str) -> None:
    for key, value in trailers.trailers(message):
        assert key
        assert "\n" not in value
    assert "\n" not in trailers.subject(message)


def test_the_subject_is_the_first_line() -> None:
    assert trailers.subject("\n\nTitle  \nmore\n\nbody") == "Title"
