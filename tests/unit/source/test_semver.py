from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.source import Revision, heads, semver

# Precedence: the examples of semver.org, §11.
ORDER = [
    "1.0.0-alpha",
    "1.0.0-alpha.1",
    "1.0.0-alpha.beta",
    "1.0.0-beta",
    "1.0.0-beta.2",
    "1.0.0-beta.11",
    "1.0.0-rc.1",
    "1.0.0",
    "2.0.0",
    "2.1.0",
    "2.1.1",
    "2.10.0",
]

# What npm's documentation of ranges says they stand for, and what this program adds to it.
RANGES = [
    (">=1.2.0 <2", ["1.2.0", "1.9.9"], ["1.1.9", "2.0.0", "2.0.0-rc.1", "1.5.0-rc.1"]),
    (">=1.2.0, <2", ["1.2.0", "v1.9.9"], ["2.0.0"]),
    (">= 1.2.0,< 2", ["1.2.0"], ["2.0.0"]),
    ("^1.2.3", ["1.2.3", "1.9.0"], ["1.2.2", "2.0.0"]),
    ("^0.2.3", ["0.2.3", "0.2.9"], ["0.3.0"]),
    ("^0.0.3", ["0.0.3"], ["0.0.4"]),
    ("^0.0", ["0.0.0", "0.0.9"], ["0.1.0"]),
    ("^0", ["0.0.0", "0.9.9"], ["1.0.0"]),
    ("^1.x", ["1.0.0", "1.5.0"], ["2.0.0"]),
    ("~1.2.3", ["1.2.3", "1.2.9"], ["1.3.0"]),
    ("~1.2", ["1.2.0"], ["1.3.0", "1.1.0"]),
    ("~1", ["1.0.0", "1.9.0"], ["2.0.0"]),
    ("1.x", ["1.0.0", "1.9.9"], ["2.0.0", "0.9.0"]),
    ("1.2.*", ["1.2.0"], ["1.3.0"]),
    ("1.2", ["1.2.0", "1.2.7"], ["1.3.0"]),
    ("=1.2.3", ["1.2.3", "v1.2.3", "1.2.3+build"], ["1.2.4"]),
    ("*", ["0.0.0", "9.9.9"], ["1.0.0-a"]),
    (">1.2", ["1.3.0"], ["1.2.9"]),
    (">1", ["2.0.0"], ["1.9.9"]),
    ("<=1.2", ["1.2.9", "0.1.0"], ["1.3.0"]),
    ("<=1.2.3", ["1.2.3"], ["1.2.4"]),
    (">1.2.3", ["1.2.4"], ["1.2.3"]),
    ("<1.2", ["1.1.9"], ["1.2.0"]),
    ("!=1.2 1.x", ["1.1.0", "1.3.0"], ["1.2.0", "1.2.9"]),
    ("1.2 - 1.4", ["1.2.0", "1.4.9"], ["1.5.0", "1.1.0"]),
    ("1.2.3 - 2.3.4", ["1.2.3", "2.3.4"], ["2.3.5"]),
    ("1.x || >=3.1 <4", ["1.0.0", "3.1.0"], ["2.0.0", "3.0.9", "4.0.0"]),
    (">*", [], ["1.0.0"]),
    ("<*", [], ["1.0.0"]),
    (">=1.2.0-0 <2", ["1.2.0-alpha", "1.5.0-rc.1", "1.5.0"], ["2.0.0-rc.1", "1.1.0"]),
    (">=1.2.0-beta.2 <1.3", ["1.2.0-beta.2", "1.2.0-beta.11", "1.2.0-rc"], ["1.2.0-beta", "1.2.0-alpha.9"]),
    (">1.2.0-beta", ["1.2.0-beta.0", "1.2.0"], ["1.2.0-beta"]),
    ("<2.0.0-rc.1", ["2.0.0-beta", "1.0.0"], ["2.0.0-rc.1", "2.0.0"]),
    ("1.x || 2.0.0-rc.1", ["1.0.0", "2.0.0-rc.1"], ["1.0.0-rc.1", "2.0.0"]),
]


def test_precedence_is_that_of_the_specification() -> None:
    keys = [semver.precedence(version) for version in ORDER]
    assert sorted(keys, key=lambda key: key or ((), ())) == keys
    assert len(set(keys)) == len(ORDER)


@pytest.mark.parametrize(("text", "inside", "outside"), RANGES)
def test_what_a_range_holds(text: str, inside: list[str], outside: list[str]) -> None:
    parsed = semver.parse(text)
    assert [version for version in inside if not parsed.admits(version)] == []
    assert [version for version in outside if parsed.admits(version)] == []


@pytest.mark.parametrize("text", ["", "newest", ">=", "1.2.3.4", "1.2.3 ||", "^^1", ">=1.2.0;<2", "1.2-rc.1"])
def test_what_is_no_range_is_said_so(text: str) -> None:
    with pytest.raises(errors.ConfigError, match="not a range"):
        semver.parse(text)


@pytest.mark.parametrize("tag", ["1.2", "v1", "release-1.2.3", "01.2.3", "1.2.3-", "latest", "1.2.3.4"])
def test_a_tag_that_is_no_version_is_passed_over(tag: str) -> None:
    assert not semver.parse("*").admits(tag)


def test_the_newest_of_a_range_by_precedence_not_by_name() -> None:
    tags = ["v1.9.0", "v1.10.0", "1.2.0", "v2.0.0", "v1.11.0-rc.1", "nightly"]
    assert semver.newest(tags, semver.parse("^1")) == "v1.10.0"
    assert semver.newest(tags, semver.parse(">=1.0.0-0 <2")) == "v1.11.0-rc.1"
    assert semver.newest(tags, semver.parse("3.x")) is None


def test_a_server_is_read_by_range() -> None:
    advertised = {"refs/tags/v1.2.0": "a" * 40, "refs/tags/v1.3.0": "b" * 40, "refs/tags/v1.3.0^{}": "c" * 40}
    found = heads.find(advertised, Reference(semver=">=1.2.0 <2"), where="x")
    assert found == Revision(commit="c" * 40, reference="v1.3.0")
    with pytest.raises(errors.RevisionNotFound) as caught:
        heads.find(advertised, Reference(semver="2.x"), where="x")
    assert str(caught.value) == "no tag in x is a version in '2.x': the highest of its versions is v1.3.0"


numbers = st.tuples(*[st.integers(0, 4)] * 3)
pres = st.sampled_from(["", "-alpha", "-alpha.1", "-rc.2", "-rc.11"])
versions = st.builds(lambda three, pre: ".".join(map(str, three)) + pre, numbers, pres)


@given(versions, versions)
def test_property_comparators_part_all_versions_in_two(version: str, bound: str) -> None:
    """With pre-releases let in, each version is either below a bound, or equal to it, or above."""
    base, _, pre = bound.partition("-")
    bound = f"{base}-{pre or '0'}"
    held = [semver.parse(f"{operator}{bound}").admits(version) for operator in ("<", "=", ">")]
    assert held.count(True) == 1
    assert semver.parse(f">={bound}").admits(version) == (held[1] or held[2])
    assert semver.parse(f"<={bound}").admits(version) == (held[0] or held[1])
    assert semver.parse(f"!={bound}").admits(version) != held[1]


@given(st.lists(versions, max_size=8), numbers, st.sampled_from(["^", "~", ">=", "<", "=", ""]), st.integers(1, 3))
def test_property_the_newest_is_in_the_range_and_none_in_it_is_newer(
    tags: list[str], three: tuple[int, int, int], operator: str, parts: int
) -> None:
    wanted = semver.parse(operator + ".".join(map(str, three[:parts])))
    found = semver.newest(tags, wanted)
    inside = [tag for tag in tags if wanted.admits(tag)]
    assert (found in inside) if inside else found is None
    for tag in inside:
        assert semver.precedence(tag) <= semver.precedence(found or "")  # type: ignore[operator]
        assert "-" not in tag


@given(versions, numbers, st.sampled_from(["^", "~"]), st.integers(1, 3))
def test_property_tilde_and_caret_keep_what_they_say(
    version: str, three: tuple[int, int, int], operator: str, parts: int
) -> None:
    text = operator + ".".join(map(str, three[:parts]))
    if not semver.parse(text).admits(version):
        return
    got = tuple(int(part) for part in version.split("-", maxsplit=1)[0].split("."))
    assert got >= (*three[:parts], 0, 0, 0)[:3]
    kept = next((index for index, number in enumerate(three[:parts]) if number), parts - 1)
    same = kept + 1 if operator == "^" else min(parts, 2)
    assert got[:same] == three[:same]
