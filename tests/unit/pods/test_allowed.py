"""What an operation may ask for beyond its pool."""

from __future__ import annotations

from typing import Any

import pytest

from gitops.pods import allowed, render
from tests.unit.pods.test_render import container, launch

OWN: dict[str, Any] = {
    "image": "tools:1",
    "imagePullSecrets": ["registry"],
    "resources": {"requests": {"cpu": "500m", "memory": "1Gi"}, "limits": {"cpu": "1"}},
}
ALLOW: dict[str, Any] = {
    "images": ["registry.example/team/*", "busybox:1"],
    "imagePullSecrets": ["team"],
    "serviceAccounts": ["deployer"],
    "urls": ["https://files.example/releases/"],
    "resources": {"cpu": "4", "nvidia.com/gpu": 1},
}


@pytest.mark.parametrize(
    ("asked", "refused"),
    [
        ({}, ""),
        ({"image": "tools:1", "serviceAccount": "linux", "imagePullSecrets": ["registry"]}, ""),
        ({"image": "tools:2"}, "image tools:2 (allowed: tools:1)"),
        ({"serviceAccount": "admin"}, "serviceAccount admin (allowed: linux)"),
        ({"imagePullSecrets": ["other"]}, "imagePullSecrets other (allowed: registry)"),
        ({"resources": {"requests": {"cpu": "100m"}}}, ""),
        ({"resources": {"requests": {"cpu": 1}}}, ""),
        ({"resources": {"requests": {"cpu": "1001m"}}}, "resources.requests.cpu 1001m (at most 1)"),
        ({"resources": {"limits": {"cpu": "2"}}}, "resources.limits.cpu 2 (at most 1)"),
        ({"resources": {"requests": {"memory": "1025Mi"}}}, "resources.requests.memory 1025Mi (at most 1Gi)"),
        # The pool sets no limit of memory: to set one is to ask for less.
        ({"resources": {"limits": {"memory": "8Gi"}}}, ""),
        ({"resources": {"limits": {"memory": "512Mi"}}}, "memory 1Gi is requested, and the limit is 512Mi"),
        ({"resources": {"limits": {"nvidia.com/gpu": 1}}}, "the pool has no nvidia.com/gpu"),
    ],
)
def test_without_allow_only_the_pools_own(asked: dict[str, Any], refused: str) -> None:
    made = launch(OWN, **asked)
    found = allowed.refusals(made.operation, made.pool)
    assert (refused in "; ".join(found)) if refused else found == []


@pytest.mark.parametrize(
    ("asked", "ok"),
    [
        ({"image": "registry.example/team/a:1"}, True),
        ({"image": "registry.example/team/a@sha256:00"}, True),
        ({"image": "registry.example/team/a/b:1"}, False),
        ({"image": "registry.example/teams/a:1"}, False),
        ({"image": "evil.example/registry.example/team/a:1"}, False),
        ({"image": "busybox:12"}, False),
        ({"image": "busybox:1", "serviceAccount": "deployer", "imagePullSecrets": ["team"]}, True),
        ({"resources": {"requests": {"cpu": "4"}, "limits": {"cpu": "4", "nvidia.com/gpu": 1}}}, True),
        ({"resources": {"requests": {"cpu": "4"}}}, False),
        ({"resources": {"limits": {"cpu": "4001m"}}}, False),
    ],
)
def test_with_allow_what_it_names(asked: dict[str, Any], *, ok: bool) -> None:
    made = launch({**OWN, "allow": ALLOW}, **asked)
    assert (allowed.refusals(made.operation, made.pool) == []) is ok


def test_everything_refused_is_named_at_once() -> None:
    made = launch(OWN, image="x", serviceAccount="y", resources={"requests": {"cpu": 9}})
    message = allowed.named(allowed.refusals(made.operation, made.pool), "linux")
    for part in ("pool linux", "image x", "serviceAccount y", "resources.requests.cpu 9", "spec.allow"):
        assert part in message


def test_what_is_asked_for_takes_the_place_of_the_pools() -> None:
    pod = render.pod(
        launch(
            OWN,
            image="busybox:1",
            serviceAccount="deployer",
            imagePullSecrets=["team", "registry"],
            resources={"requests": {"cpu": "1"}, "limits": {"memory": "2Gi"}},
        )
    )
    assert pod["spec"]["serviceAccountName"] == "deployer"
    assert pod["spec"]["imagePullSecrets"] == [{"name": "registry"}, {"name": "team"}]
    assert container(pod)["image"] == "busybox:1"
    assert container(pod)["resources"] == {
        "requests": {"cpu": "1", "memory": "1Gi"},
        "limits": {"cpu": "1", "memory": "2Gi"},
    }
