"""A field of an expanded object leads to the field of ours that decides it."""

from __future__ import annotations

from typing import Any

import pytest

from gitops import expand
from gitops.api import API_VERSION
from gitops.expand import causes
from gitops.objects import fieldpath, ref_of

CONTEXT = expand.Context(runner={"start": b"#!/bin/sh\n"})
WORKER = {
    "apiVersion": API_VERSION,
    "kind": "Worker",
    "metadata": {"name": "main", "namespace": "ci"},
    "spec": {"pools": ["linux"], "image": "worker:1", "replicas": 1, "topology": "split"},
}
POOL = {
    "apiVersion": API_VERSION,
    "kind": "WorkerPool",
    "metadata": {"name": "linux", "namespace": "ci", "labels": {"team": "blue"}},
    "spec": {"image": "tools:1", "podSecurity": "restricted", "serviceAccount": {"annotations": {"a": "b"}}},
}


def found(kind: str, pointer: str) -> list[tuple[str, str]]:
    manifests: list[dict[str, Any]] = [WORKER, POOL]
    [item, *_] = [
        one
        for one in expand.expand(manifests, context=CONTEXT)
        if one.manifest["kind"] == kind and fieldpath.value_at(one.manifest, pointer) is not None
    ]
    return [(ref.kind, path) for ref, path in causes.causes(manifests, item, pointer, context=CONTEXT)]


@pytest.mark.parametrize(
    ("kind", "pointer", "first"),
    [
        ("Deployment", "/spec/template/spec/containers/0/image", ("Worker", "/spec/image")),
        ("Namespace", "/metadata/labels/pod-security.kubernetes.io~1enforce", ("WorkerPool", "/spec/podSecurity")),
        ("Namespace", "/metadata/labels/team", ("WorkerPool", "/metadata/labels/team")),
        ("ServiceAccount", "/metadata/annotations/a", ("WorkerPool", "/spec/serviceAccount/annotations/a")),
        ("Deployment", "/metadata/namespace", ("Worker", "/metadata/namespace")),
    ],
)
def test_the_deciding_field_comes_first(kind: str, pointer: str, first: tuple[str, str]) -> None:
    assert found(kind, pointer)[0] == first


def test_a_name_made_of_two_fields_leads_to_both() -> None:
    assert set(found("Namespace", "/metadata/name")) >= {
        ("WorkerPool", "/metadata/name"),
        ("WorkerPool", "/metadata/namespace"),
    }


def test_what_is_always_the_same_has_no_cause() -> None:
    assert found("NetworkPolicy", "/spec/policyTypes/0") == []


def test_a_field_left_to_its_default_has_no_cause_but_one_that_repeats_the_default_has() -> None:
    manifests = [{**WORKER, "spec": {"pools": ["linux"], "image": "worker:1"}}, POOL]
    [item] = [one for one in expand.expand(manifests, context=CONTEXT) if one.manifest["kind"] == "Deployment"]
    assert causes.causes(manifests, item, "/spec/replicas", context=CONTEXT) == ()
    repeated = [{**WORKER, "spec": {"pools": ["linux"], "image": "worker:1", "replicas": 1}}, POOL]
    again = causes.causes(repeated, item, "/spec/replicas", context=CONTEXT)
    assert [(ref_of(WORKER), "/spec/replicas")] == list(again)
