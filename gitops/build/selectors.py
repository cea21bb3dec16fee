"""Label selectors as Kubernetes writes them: `a=b,c!=d,e in (f, g),!h`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping

from gitops import errors
from gitops.build.files import Where

MAX_LENGTH = 4_000
"""Characters of one selector."""

Test = Callable[[Mapping[str, str]], bool]

_SET = re.compile(r"(?P<key>[^\s!=,()]+)\s+(?P<op>in|notin)\s+\((?P<values>[^()]*)\)")
_ORDER = re.compile(r"(?P<key>[^\s!=,()<>]+)\s*(?P<op>[<>])\s*(?P<value>-?\d+)")
_EQUAL = re.compile(r"(?P<key>[^\s!=,()]+)\s*(?P<op>==|=|!=)\s*(?P<value>[^\s!=,()]*)")
_EXISTS = re.compile(r"(?P<not>!?)\s*(?P<key>[^\s!=,()]+)")


def parse(selector: str, at: Where) -> Test:
    """A test for labels.

    Raises:
        BuildError: the selector is not valid.
    """
    tests = [_requirement(part.strip(), selector, at) for part in _split(selector, at)]
    return lambda labels: all(test(labels) for test in tests)


def _split(selector: str, at: Where) -> list[str]:
    """The requirements: parts between commas that are not in parentheses."""
    if not selector.strip():
        return []
    if len(selector) > MAX_LENGTH:
        raise errors.BuildError(f"the selector has more than {MAX_LENGTH} characters", location=at())
    return re.split(r",(?![^(]*\))", selector)


def _requirement(text: str, selector: str, at: Where) -> Test:
    if found := _SET.fullmatch(text):
        values = {value.strip() for value in found["values"].split(",")}
        key = found["key"]
        if found["op"] == "in":
            return lambda labels: key in labels and labels[key] in values
        return lambda labels: key not in labels or labels[key] not in values
    if found := _ORDER.fullmatch(text):
        return _ordered(found["key"], found["op"], int(found["value"]))
    if found := _EQUAL.fullmatch(text):
        name, value = found["key"], found["value"]
        if found["op"] == "!=":
            return lambda labels: name not in labels or labels[name] != value
        return lambda labels: name in labels and labels[name] == value
    if found := _EXISTS.fullmatch(text):
        wanted, present = found["key"], not found["not"]
        return lambda labels: (wanted in labels) is present
    raise errors.BuildError(f"the selector {selector!r} is not valid", cause=f"at {text!r}", location=at())


def _ordered(key: str, op: str, limit: int) -> Test:
    def test(labels: Mapping[str, str]) -> bool:
        value = labels.get(key, "")
        if not re.fullmatch(r"-?\d+", value):
            return False
        return int(value) > limit if op == ">" else int(value) < limit

    return test
