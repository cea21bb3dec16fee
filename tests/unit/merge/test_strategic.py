"""Strategic merge on plain data; agreement with kubectl on whole overlays is tested in tests/golden."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from gitops.merge import schema, strategic

CONTAINERS = {"containers": [{"name": "a", "image": "a:1"}, {"name": "b", "image": "b:1"}]}


def _merged(base: Any, patch: Any, type_name: str = "PodSpec") -> Any:
    return strategic.merge(copy.deepcopy(base), copy.deepcopy(patch), schema.builtin(), type_name)


def test_lists_merge_by_key_new_items_first() -> None:
    merged = _merged(CONTAINERS, {"containers": [{"name": "c"}, {"name": "b", "image": "b:2"}]})
    assert merged["containers"] == [{"name": "c"}, {"name": "b", "image": "b:2"}, {"name": "a", "image": "a:1"}]


def test_without_a_schema_lists_are_replaced() -> None:
    assert _merged(CONTAINERS, {"containers": [{"name": "c"}]}, "") == {"containers": [{"name": "c"}]}


def test_null_deletes() -> None:
    assert _merged({"a": 1, "b": {"c": 2, "d": 3}}, {"a": None, "b": {"c": None}}) == {"b": {"d": 3}}


@pytest.mark.parametrize(
    ("patch", "expected"),
    [
        ({"containers": [{"name": "a", "$patch": "delete"}]}, [{"name": "b", "image": "b:1"}]),
        ({"containers": [{"$patch": "replace"}, {"name": "c"}]}, [{"name": "c"}]),
        ({"$patch": "replace", "containers": []}, []),
    ],
)
def test_directives(patch: Any, expected: Any) -> None:
    assert _merged(CONTAINERS, patch)["containers"] == expected


def test_a_patch_can_delete_the_whole() -> None:
    assert _merged(CONTAINERS, {"$patch": "delete"}) is None


def test_ports_merge_by_number_and_protocol() -> None:
    base = {"ports": [{"containerPort": 53, "protocol": "TCP"}, {"containerPort": 53, "protocol": "UDP"}]}
    merged = _merged(base, {"ports": [{"containerPort": 53, "protocol": "UDP", "name": "dns"}]}, "Container")
    assert {"containerPort": 53, "protocol": "UDP", "name": "dns"} in merged["ports"]
    assert {"containerPort": 53, "protocol": "TCP"} in merged["ports"]


def test_a_patch_of_another_shape_says_where() -> None:
    with pytest.raises(strategic.MergeError) as caught:
        _merged(CONTAINERS, {"containers": {"name": "a"}})
    assert caught.value.path == ("containers",)
    assert caught.value.message == "the patch has a mapping where the object has a list"


def test_an_unknown_directive_is_refused() -> None:
    with pytest.raises(strategic.MergeError, match="unknown patch directive"):
        _merged({"a": {"b": 1}}, {"a": {"$patch": "remove"}})


def test_an_openapi_document_teaches_new_kinds() -> None:
    document = {
        "definitions": {
            "Widget": {
                "properties": {
                    "spec": {
                        "type": "object",
                        "properties": {
                            "parts": {
                                "type": "array",
                                "items": {"type": "object"},
                                "x-kubernetes-patch-strategy": "merge",
                                "x-kubernetes-patch-merge-key": "id",
                            }
                        },
                    }
                },
                "x-kubernetes-group-version-kind": [{"group": "example.org", "version": "v1", "kind": "Widget"}],
            }
        }
    }
    taught = schema.from_openapi(document)
    name = taught.type_of("example.org/v1", "Widget")
    merged = strategic.merge(
        {"spec": {"parts": [{"id": "a", "n": 1}]}}, {"spec": {"parts": [{"id": "a", "m": 2}]}}, taught, name
    )
    assert merged == {"spec": {"parts": [{"id": "a", "n": 1, "m": 2}]}}
