"""Patterns of kustomizations: Go's meaning, and a price for what they could cost."""

from __future__ import annotations

import time

import pytest

from gitops.build import patterns


@pytest.mark.parametrize(
    ("pattern", "matches", "others"),
    [
        ("web.*", ("web", "web-1"), ("a-web",)),
        ("web|db", ("web", "db"), ("web-db",)),
        ("^web$", ("web",), ("web2",)),
        ("(?i)WEB", ("web",), ("db",)),
        ("(?U)w.*", ("web",), ("db",)),
        ("[[:alpha:]]+-[[:digit:]]", ("web-1",), ("web-x",)),
        (r"\Aweb\z", ("web",), ("web\n", "webz")),
        (r"a\\z", (r"a\z",), ("a",)),
        (r"\w+", ("web",), ("é",)),
        (r"a\.b", ("a.b",), ("a-b",)),
        ("(?P<name>web)", ("web",), ("db",)),
    ],
)
def test_a_pattern_means_what_it_means_in_go(pattern: str, matches: tuple[str, ...], others: tuple[str, ...]) -> None:
    regex = patterns.whole(pattern).regex
    assert [text for text in (*matches, *others) if regex.match(text)] == list(matches)


@pytest.mark.parametrize(
    ("pattern", "words"),
    [
        ("[", "unterminated|bad escape"),
        (r"(a)\1", "no syntax"),
        ("(?=a)", "no syntax"),
        ("a*+", "no syntax"),
        ("a{,5}", "no syntax"),
        ("(a+)+", "repeats a group"),
        ("(a|b)*", "repeats a group"),
        ("(a{0,9}){0,9}", "repeats a group"),
        (".*.*.*.*", "more than 3 times"),
        ("a?" * 30, "too many choices"),
        ("(a|b)" * 30, "too many choices"),
        ("a" * 1001, "longer than 1000"),
    ],
)
def test_what_is_refused_says_why(pattern: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        patterns.whole(pattern)


@pytest.mark.parametrize(
    ("pattern", "text"), [(".*.*.*b", "a" * 250), ("a?" * 16 + "a" * 16, "a" * 15), ("a*a*b", "a" * 2000)]
)
def test_the_price_covers_the_time(pattern: str, text: str) -> None:
    found = patterns.whole(pattern)
    before = time.process_time()
    found.regex.match(text)
    # A step is a microsecond on the machine it was weighed on; ten times that on any.
    assert time.process_time() - before < found.steps(text) * 1e-5 + 0.005
