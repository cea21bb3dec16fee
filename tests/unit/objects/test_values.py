"""Quantities, conditions, inventories."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.objects import conditions, inventory, quantity
from gitops.ref import ResourceRef


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("1000m", "1"),
        ("1.0", 1),
        ("0.25Gi", "256Mi"),
        ("1024Mi", "1Gi"),
        ("1e3", "1k"),
        ("1E3", "1000"),
        (".5", "500m"),
        ("5.", 5),
        ("1000n", "1u"),
        ("1Ei", "1024Pi"),
        (0.1, "100m"),
        ("-1", "-1000m"),
        ("+1", "1"),
        ("1E", "1000P"),
    ],
)
def test_the_same_value_in_another_spelling(one: Any, other: Any) -> None:
    assert quantity.equal(one, other)
    assert quantity.equal(other, one)


@pytest.mark.parametrize(("one", "other"), [("1", "1001m"), ("1G", "1Gi"), ("0.1", "0.10000000000000001")])
def test_another_value(one: Any, other: Any) -> None:
    assert not quantity.equal(one, other)


@pytest.mark.parametrize("value", ["", "x", "1 Gi", "1ki", "1KiB", "1e", True, None, [], "1e9999", "\u0661"])
def test_no_quantity(value: Any) -> None:
    assert quantity.parse(value) is None
    assert not quantity.equal(value, value)


@given(st.integers(-(10**18), 10**18), st.sampled_from(["", "k", "M", "G"]))
def test_property_a_suffix_is_a_factor(number: int, suffix: str) -> None:
    factor = {"": 1, "k": 10**3, "M": 10**6, "G": 10**9}[suffix]
    assert quantity.parse(f"{number}{suffix}") == Decimal(number) * factor


def test_a_quantity_is_known_by_its_place() -> None:
    assert quantity.is_place("cpu", "limits")
    assert quantity.is_place("sizeLimit", "emptyDir")
    assert quantity.is_place("value", "target")
    assert not quantity.is_place("value", "env")


def _condition(status: str, **more: Any) -> dict[str, Any]:
    return {"type": "Ready", "status": status, "reason": "R", "message": "m", **more}


def test_a_condition_keeps_its_time_until_its_status_changes() -> None:
    first = conditions.put([], _condition("True"), now="t1")
    again = conditions.put(first, _condition("True", message="other"), now="t2")
    assert again == [_condition("True", message="other", lastTransitionTime="t1")]
    assert conditions.put(again, _condition("False"), now="t3")[0]["lastTransitionTime"] == "t3"
    assert conditions.is_true(first, "Ready")
    assert not conditions.is_true(first, "Stalled")
    assert conditions.drop(first, "Ready") == []


def test_a_message_fits_into_a_condition() -> None:
    (found,) = conditions.put([], _condition("True", message="x" * 40_000), now="t")
    assert len(found["message"]) == conditions.MESSAGE_LIMIT


NAMES = st.text("abcdefghij0123456789.-", min_size=1, max_size=30)
REFS = st.builds(
    ResourceRef,
    group=st.sampled_from(["", "apps", "rbac.authorization.k8s.io"]),
    kind=st.sampled_from(["ConfigMap", "ClusterRole", "WorkerPool"]),
    namespace=st.sampled_from(["", "home", "team-a"]),
    name=NAMES | st.just("system:node_reader_x"),
)


@given(st.dictionaries(REFS, st.tuples(st.sampled_from(["v1", "v1alpha1"]), REFS), max_size=12))
def test_property_an_inventory_is_read_back_as_written(content: dict[ResourceRef, tuple[str, ResourceRef]]) -> None:
    entries = {ref: inventory.Entry(version=version, authored=authored) for ref, (version, authored) in content.items()}
    made = inventory.Inventory(entries=entries, revision="main@sha1:1")
    written = inventory.shards(made, name="dev", namespace="home")
    assert inventory.read(written) == made


def test_an_inventory_is_split_before_an_object_is_too_large() -> None:
    refs = [ResourceRef("", "ConfigMap", "namespace-" + "n" * 50, f"{i:06}-" + "x" * 200) for i in range(6000)]
    made = inventory.Inventory(entries={ref: inventory.Entry(version="v1", authored=ref) for ref in refs}, revision="r")
    written = inventory.shards(made, name="dev", namespace="home")
    assert len(written) > 1
    assert all(len(one["data"]["entries"]) < 1_000_000 for one in written)
    assert [one["metadata"]["name"] for one in written][:2] == ["dev-inventory", "dev-inventory-1"]
    assert inventory.read(written) == made


def test_no_inventory_is_an_empty_one() -> None:
    assert inventory.read([]) == inventory.Inventory()
    assert len(inventory.shards(inventory.Inventory(), name="dev", namespace="home")) == 1


def test_a_long_name_still_makes_a_label() -> None:
    names = ["a" * 63, "a" * 64, "a" * 200, "a" * 52 + "." + "b" * 20]
    labels = [inventory.label(name) for name in names]
    assert all(len(one) <= 63 and one[-1].isalnum() for one in labels)
    assert len(set(labels)) == len(names)
