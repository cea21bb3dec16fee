"""JSON Patch: the public conformance cases (origin: tests/data/json-patch.ORIGIN.md), and what an error says."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from gitops.merge import jsonpatch

DATA = Path(__file__).parents[2] / "data"
CASES: list[dict[str, Any]] = [
    case
    for name in ("json-patch.json", "json-patch-spec.json")
    for case in json.loads((DATA / name).read_text())
    if "patch" in case and not case.get("disabled")
]


@pytest.mark.parametrize("case", CASES, ids=[str(i) for i in range(len(CASES))])
def test_case(case: dict[str, Any]) -> None:
    def applied() -> Any:
        jsonpatch.check(case["patch"])
        return jsonpatch.apply(case["patch"], case["doc"])

    if "error" in case:
        with pytest.raises(jsonpatch.DoesNotFit):
            applied()
    else:
        before = json.dumps(case["doc"])
        assert applied() == case.get("expected", case["doc"])
        assert json.dumps(case["doc"]) == before


def test_an_error_names_the_operation_and_shows_no_value() -> None:
    secret = {"data": {"password": "hunter2"}}
    with pytest.raises(jsonpatch.DoesNotFit) as caught:
        jsonpatch.apply([{"op": "replace", "path": "/data/user", "value": "hunter3"}], secret)
    assert str(caught.value) == "operation 0: `replace` finds no place for, or nothing at, /data/user"


def test_copies_that_double_are_refused() -> None:
    ops = [{"op": "copy", "from": "/a", "path": f"/a/{i}"} for i in range(30)]
    with pytest.raises(jsonpatch.DoesNotFit, match="copied more than"):
        jsonpatch.apply(ops, {"a": {}})
