"""The fields of a pod that lint knows are those of Kubernetes' API."""

from __future__ import annotations

import re

import pytest
from kubernetes.client import models

from gitops.lint import podfields
from tests.unit.lint.trees import POOL, WORKER, findings, tree


def kubernetes() -> dict[str, dict[str, str]]:
    """The same table, from the models of the Python client."""
    found: dict[str, dict[str, str]] = {}
    pending = ["V1PodSpec"]
    while pending:
        name = pending.pop()
        kind = name.replace("V1", "")
        if kind in found:
            continue
        model = getattr(models, name)
        found[kind] = {}
        for attribute, typed in model.openapi_types.items():
            below = re.search(r"[A-Za-z]*V1\w+", typed)
            found[kind][model.attribute_map[attribute]] = below[0].replace("V1", "") if below else ""
            pending += [below[0]] if below else []
    return found


def test_the_table_is_that_of_kubernetes() -> None:
    ours = podfields.types()
    theirs = kubernetes()
    # An older client knows fewer; of what it knows nothing is missing here.
    assert {kind: {name: ours[kind].get(name) for name in fields} for kind, fields in theirs.items()} == theirs


def test_a_template_has_metadata_and_spec_and_nothing_else() -> None:
    source = tree(pool=POOL + "  podTemplate:\n    speck: {nodeSelector: {disk: fast}}\n", worker=WORKER)
    [one] = findings(source)
    assert (str(one.location), one.code.code, one.hint) == ("pool.yaml:11:5", "GW108", "did you mean spec?")


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("PodSpec", "nodeSelector"),
        ("Container", "env"),
        ("Volume", "emptyDir"),
        ("NodeAffinity", "requiredDuringSchedulingIgnoredDuringExecution"),
    ],
)
def test_well_known_fields_are_there(kind: str, field: str) -> None:
    assert field in podfields.types()[kind]
