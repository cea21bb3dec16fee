"""Which nodes a pod may run on."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.pods import allowed, render
from tests.unit.pods.test_render import launch

OS = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}


def arch(*values: str) -> dict[str, Any]:
    return {"key": "kubernetes.io/arch", "operator": "In", "values": list(values)}


def terms(pool: dict[str, Any], **operation: Any) -> Any:
    affinity = render.pod(launch(pool, **operation))["spec"]["affinity"]
    return affinity["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"]


def with_terms(*alternatives: dict[str, Any]) -> dict[str, Any]:
    required = {"nodeSelectorTerms": list(alternatives)}
    affinity = {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": required}}
    return {"podTemplate": {"spec": {"affinity": affinity, "nodeSelector": {"disk": "fast"}}}}


@pytest.mark.parametrize(
    ("pool", "operation", "wanted"),
    [
        ({}, {}, ["amd64", "arm64"]),
        ({"architectures": ["arm64"]}, {}, ["arm64"]),
        ({}, {"platform": "linux/arm64"}, ["arm64"]),
        ({"architectures": ["arm64", "amd64"]}, {"platform": "linux/amd64"}, ["amd64"]),
    ],
)
def test_a_pod_goes_where_the_runner_runs(pool: dict[str, Any], operation: dict[str, Any], wanted: list[str]) -> None:
    assert terms(pool, **operation) == [{"matchExpressions": [OS, arch(*wanted)]}]


def test_the_template_pins_beside_it_and_never_instead() -> None:
    zone = {"key": "zone", "operator": "In", "values": ["a"]}
    pool = {**with_terms({"matchExpressions": [zone]}, {"matchFields": [zone]}), "architectures": ["arm64"]}
    assert terms(pool) == [
        {"matchExpressions": [zone, OS, arch("arm64")]},
        {"matchFields": [zone], "matchExpressions": [OS, arch("arm64")]},
    ]
    assert render.pod(launch(pool))["spec"]["nodeSelector"] == {"disk": "fast"}


def test_what_the_template_asks_for_already_is_not_said_twice() -> None:
    assert terms(with_terms({"matchExpressions": [arch("arm64"), OS]})) == [{"matchExpressions": [arch("arm64"), OS]}]
    both = with_terms({"matchExpressions": [arch("arm64", "amd64")]})
    assert terms(both, platform="linux/arm64") == [{"matchExpressions": [arch("arm64", "amd64"), OS, arch("arm64")]}]


def test_an_alternative_that_matches_nothing_goes_on_matching_nothing() -> None:
    assert terms(with_terms({})) == [{}]


def test_a_platform_the_pool_does_not_have_is_refused() -> None:
    one = launch({"architectures": ["amd64"]}, platform="linux/arm64")
    assert allowed.refusals(one.operation, one.pool) == ["platform linux/arm64 (allowed: linux/amd64)"]
    same = launch({"architectures": ["amd64"]}, platform="linux/amd64")
    assert allowed.refusals(same.operation, same.pool) == []
