"""Paths that stand for many."""

from __future__ import annotations

import pytest

from gitops.objects import fieldpattern

OBJECT = {
    "metadata": {"annotations": {"example.org/owner": "x"}},
    "spec": {"replicas": 1, "containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]},
}


@pytest.mark.parametrize(
    ("text", "pointer", "covered"),
    [
        (".spec.replicas", "/spec/replicas", True),
        (".spec", "/spec/replicas", True),
        (".spec.replicas", "/spec", False),
        (".spec.replicas", "/spec/replicasX", False),
        ("/spec/replicas", "/spec/replicas", True),
        (".metadata.annotations.*", "/metadata/annotations/example.org~1owner", True),
        (".metadata.annotations.*", "/metadata/annotations", False),
        (".metadata.annotations['example.org/owner']", "/metadata/annotations/example.org~1owner", True),
        (".spec.containers[name=b].image", "/spec/containers/1/image", True),
        (".spec.containers[name=b].image", "/spec/containers/0/image", False),
        (".spec.containers[name=c].image", "/spec/containers/0/image", False),
        (".spec.containers[0]", "/spec/containers/0/image", True),
        ("/spec/containers/*/image", "/spec/containers/1/image", True),
        ("/spec/containers/*/image", "/spec/containers/1/name", False),
    ],
)
def test_covers(text: str, pointer: str, *, covered: bool) -> None:
    assert fieldpattern.covers(fieldpattern.parse(text), pointer, OBJECT) is covered
