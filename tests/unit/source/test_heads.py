from __future__ import annotations

import pytest

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.source import Revision, heads

A, B, C = "a" * 40, "b" * 40, "c" * 40
ADVERTISED = {
    "HEAD": A,
    "refs/heads/main": A,
    "refs/heads/release": B,
    "refs/tags/v1": C,
    "refs/tags/v1^{}": B,
    "refs/pull/7/head": C,
}


def test_a_branch_and_a_tag_of_one_name_are_told_apart() -> None:
    advertised = {"refs/heads/v1": A, "refs/tags/v1": B}
    assert heads.find(advertised, Reference(branch="v1"), where="x").commit == A
    assert heads.find(advertised, Reference(tag="v1"), where="x").commit == B


def test_an_annotated_tag_is_peeled() -> None:
    assert heads.find(ADVERTISED, Reference(tag="v1"), where="x") == Revision(commit=B, reference="v1")


@pytest.mark.parametrize(
    ("reference", "hint"),
    [
        (Reference(branch="releas"), "did you mean 'release'?"),
        (Reference(branch="zzz"), "it has main, release"),
        (Reference(tag="V1"), "it has v1"),
    ],
)
def test_a_missing_name_offers_what_is_there(reference: Reference, hint: str) -> None:
    with pytest.raises(errors.RevisionNotFound) as caught:
        heads.find(ADVERTISED, reference, where="https://git/x")
    assert caught.value.hint == hint
    assert "https://git/x" in caught.value.message


def test_an_empty_repository_is_said_so() -> None:
    with pytest.raises(errors.RevisionNotFound) as caught:
        heads.find({}, Reference(branch="main"), where="x")
    assert (caught.value.cause, caught.value.hint) == ("the server has no branch at all", "push it first")


def test_following_nothing_is_a_mistake() -> None:
    with pytest.raises(errors.ConfigError, match="follows nothing"):
        heads.find(ADVERTISED, Reference(), where="x")


def test_the_reference_at_the_commit_is_fetched_first() -> None:
    first, *_ = heads.attempts(ADVERTISED, Revision(commit=A, reference="main"))
    assert first == (f"+refs/heads/main:{heads.FETCHED}",)


def test_a_commit_behind_its_branch_is_looked_for_there_then_everywhere() -> None:
    behind = Revision(commit="d" * 40, reference="main")
    assert heads.attempts(ADVERTISED, behind) == (
        (f"+refs/heads/main:{heads.FETCHED}",),
        heads.ALL,
        (f"+{behind.commit}:{heads.FETCHED}",),
    )


def test_a_bare_commit_is_fetched_by_a_name_that_stands_at_it() -> None:
    first, *_ = heads.attempts(ADVERTISED, Revision(commit=B))
    assert first == (f"+refs/heads/release:{heads.FETCHED}",)
