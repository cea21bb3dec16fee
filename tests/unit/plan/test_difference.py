"""The patch maker: exact, invertible, small."""

from typing import Any

import jsonpatch
from hypothesis import given
from hypothesis import strategies as st

from gitops.merge import difference
from gitops.plan import compare

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 3) | st.text("ab/~\n", max_size=2),
    lambda below: st.lists(below, max_size=4) | st.dictionaries(st.sampled_from(["a", "b/", "~c", "name"]), below),
    max_leaves=12,
)


def same(one: Any, other: Any) -> bool:
    return not difference.diff(one, other)


@given(JSON, JSON)
def test_property_patch_leads_from_one_to_the_other(before: Any, after: Any) -> None:
    assert same(jsonpatch.apply_patch(before, difference.diff(before, after)), after)


@given(JSON, JSON)
def test_property_reverse_patch_leads_back(before: Any, after: Any) -> None:
    there = jsonpatch.apply_patch(before, difference.diff(before, after))

    assert same(jsonpatch.apply_patch(there, difference.diff(after, before)), before)


@given(JSON, JSON)
def test_property_every_test_holds_before(before: Any, after: Any) -> None:
    _, tests = difference.diff_with_tests(before, after)

    assert all(same(compare.at(before, test["path"]), test["value"]) for test in tests)


@given(JSON)
def test_property_nothing_differs_from_itself(value: Any) -> None:
    assert difference.diff(value, value) == []


def test_true_is_not_one() -> None:
    assert difference.diff({"a": True}, {"a": 1}) == [{"op": "replace", "path": "/a", "value": 1}]


def test_an_item_inserted_in_front_is_one_operation() -> None:
    before = [{"name": "b", "image": "1"}, {"name": "c", "image": "1"}]

    assert difference.diff(before, [{"name": "a"}, *before]) == [{"op": "add", "path": "/0", "value": {"name": "a"}}]


def test_a_change_inside_a_named_item_is_a_patch_inside_it_though_others_moved() -> None:
    before = [{"name": "a"}, {"name": "b", "image": "1"}]

    patch, tests = difference.diff_with_tests(before, [{"name": "b", "image": "2"}])

    assert patch == [{"op": "remove", "path": "/0"}, {"op": "replace", "path": "/0/image", "value": "2"}]
    assert [test["path"] for test in tests] == ["/0", "/1/image"]
