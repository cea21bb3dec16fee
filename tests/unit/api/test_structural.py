from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest

from gitops.api import crds, structural


def walk(schema: dict[str, Any], path: str = "") -> Iterator[tuple[str, dict[str, Any]]]:
    yield path, schema
    for name, below in schema.get("properties", {}).items():
        yield from walk(below, f"{path}/{name}")
    for part in ("items", "additionalProperties"):
        if isinstance(schema.get(part), dict):
            yield from walk(schema[part], f"{path}/*")


NODES = [(kind.name + path, node) for kind in crds.KINDS for path, node in walk(crds.schema(kind))]


def test_every_node_is_structural() -> None:
    for path, node in NODES:
        assert not {"$ref", "nullable", "oneOf", "allOf", "not"} & set(node), path
        assert node.get("type") or node.get("x-kubernetes-int-or-string"), path


def test_the_server_never_writes_a_default_into_an_object() -> None:
    assert [path for path, node in NODES if "default" in node] == []


def test_every_field_people_write_is_described() -> None:
    silent = [
        path
        for path, node in NODES
        if path.count("/") > 1
        and "/spec/" in path
        and not path.endswith("*")
        and "/podTemplate/" not in path
        and not node.get("description")
    ]
    assert silent == []


def test_a_default_stands_in_the_description() -> None:
    pool = crds.schema(crds.KINDS[0])["properties"]["spec"]["properties"]
    assert pool["maxOperations"]["description"].endswith("Default: 10")
    assert pool["podSecurity"]["description"].endswith("Default: baseline")
    assert pool["serviceAccount"]["properties"]["create"]["description"].endswith("Default: true")


def test_the_empty_value_of_a_choice_is_not_offered() -> None:
    pool = crds.schema(crds.KINDS[0])["properties"]["spec"]["properties"]
    assert pool["imagePullPolicy"]["enum"] == ["Always", "IfNotPresent", "Never"]


def test_a_union_has_no_structural_schema() -> None:
    class Both(msgspec.Struct):
        field: int | str

    with pytest.raises(TypeError, match="no unions"):
        structural.schema_of(Both)


def test_every_kind_has_ready_or_phase_as_its_first_column_and_age_as_its_last() -> None:
    for kind in crds.KINDS:
        columns = crds.crd(kind)["spec"]["versions"][0]["additionalPrinterColumns"]
        assert columns[0]["name"] in {"Ready", "Phase"}
        assert columns[-1]["name"] == "Age"
