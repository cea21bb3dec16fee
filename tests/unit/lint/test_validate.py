from __future__ import annotations

import copy
from typing import Any

import jsonschema
import pytest

from gitops.api import crds, schemas
from gitops.lint import validate
from gitops.location import Location

POOL: dict[str, Any] = {
    "apiVersion": "gitops-worker.io/v1alpha1",
    "kind": "WorkerPool",
    "metadata": {"name": "linux", "namespace": "ci"},
    "spec": {"image": "worker-tools:1"},
}
SYNC: dict[str, Any] = {
    "apiVersion": "gitops-worker.io/v1alpha1",
    "kind": "GitSync",
    "metadata": {"name": "config"},
    "spec": {"source": {"url": "https://git.example/config.git"}},
}


def changed(base: dict[str, Any], pointer: str, value: Any) -> dict[str, Any]:
    manifest = copy.deepcopy(base)
    *path, last = pointer.split("/")[1:]
    node = manifest
    for part in path:
        node = node.setdefault(part, {})
    node[last] = value
    return manifest


def said(manifest: dict[str, Any]) -> list[tuple[str, str, str]]:
    return [(found.pointer, found.message, found.hint) for found in validate.violations(manifest)]


def test_a_good_object_has_no_findings() -> None:
    assert said(POOL) == []
    assert said(SYNC) == []


@pytest.mark.parametrize(
    ("pointer", "value", "message", "hint"),
    [
        ("/spec/maxOperation", 3, "unknown field spec.maxOperation", "did you mean maxOperations?"),
        ("/spec/MaxOperations", 3, "unknown field spec.MaxOperations", "did you mean maxOperations?"),
        ("/spec/maxOperations", 0, "spec.maxOperations must be at least 1, not 0", ""),
        ("/spec/maxOperations", 20000, "spec.maxOperations must be at most 10000, not 20000", ""),
        (
            "/spec/maxOperations",
            "3",
            "spec.maxOperations must be an integer, not the string '3'",
            "write it without quotes",
        ),
        ("/spec/suspended", None, "spec.suspended must be a boolean, not null", ""),
        ("/spec/image", 3, "spec.image must be a string, not the integer 3", "write it in quotes"),
        ("/spec/image", "", "spec.image must not be empty", ""),
        ("/spec/rbac", [], "spec.rbac must be a mapping, not a list", ""),
        ("/spec/imagePullSecrets", {}, "spec.imagePullSecrets must be a list, not a mapping", ""),
        ("/spec/podSecurity", "none", "spec.podSecurity cannot be 'none'", "one of: baseline, privileged, restricted"),
        (
            "/spec/timeouts/run",
            "5 minutes",
            "spec.timeouts.run does not allow '5 minutes'",
            "hours, minutes and seconds: 30s, 5m, 1h30m",
        ),
        (
            "/spec/timeouts/run",
            "5m\n",
            "spec.timeouts.run does not allow '5m\\n'",
            "hours, minutes and seconds: 30s, 5m, 1h30m",
        ),
        (
            "/spec/namespace",
            "a\n",
            "spec.namespace does not allow 'a\\n'",
            "lower-case letters, digits and -, at most 63, with a letter or digit at both ends",
        ),
        (
            "/spec/timeouts/run",
            "٣m",
            "spec.timeouts.run does not allow '٣m'",
            "hours, minutes and seconds: 30s, 5m, 1h30m",
        ),
        (
            "/spec/resources/requests",
            {"cpu": 0.5},
            "spec.resources.requests.cpu cannot be the number 0.5",
            "write it in quotes: '0.5', or in smaller units: 500m",
        ),
        ("/metadata/label", {}, "unknown field metadata.label", "did you mean labels?"),
        (
            "/metadata/labels",
            {"a": True},
            "metadata.labels.a must be a string, not the boolean true",
            "write it in quotes",
        ),
        ("/kind", "WorkerPol", "gitops-worker.io has no kind WorkerPol", "did you mean WorkerPool?"),
        (
            "/apiVersion",
            "gitops-worker.io/v1",
            "unknown version gitops-worker.io/v1",
            "write gitops-worker.io/v1alpha1",
        ),
    ],
)
def test_what_is_said_of_a_wrong_field(pointer: str, value: Any, message: str, hint: str) -> None:
    [(_, told, hinted)] = said(changed(POOL, pointer, value))
    assert (told, hinted) == (message, hint)


def test_a_missing_field_is_named_with_what_it_means() -> None:
    [(pointer, message, hint)] = said(changed(POOL, "/spec", {}))
    assert (pointer, message) == ("/spec", "spec.image is missing")
    assert "Image in which the scripts" in hint


def test_all_errors_come_at_once() -> None:
    manifest = changed(POOL, "/spec", {"maxOperations": 0, "podSecurity": "none", "suspend": True})
    assert len(said(manifest)) == 4


def test_a_rule_across_fields_points_at_the_field_to_blame() -> None:
    manifest = changed(POOL, "/spec/rbac", {"profile": "none", "targetNamespaces": ["apps"]})
    [(pointer, message, _)] = said(manifest)
    assert pointer == "/spec/rbac/profile"
    assert message == "rules, clusterRules and targetNamespaces need profile: custom"


def test_a_rule_is_silent_about_a_value_of_a_wrong_type() -> None:
    [(pointer, _, _)] = said(changed(POOL, "/spec/rbac", {"profile": "custom", "rules": "all"}))
    assert pointer == "/spec/rbac/rules"


def test_a_protected_field_of_a_pod_template_is_refused_whatever_else_is_wrong_in_it() -> None:
    template = {"spec": {"restartPolicy": "Always", "containers": [{"name": "operation"}, {"name": "operation"}]}}
    messages = [message for _, message, _ in said(changed(POOL, "/spec/podTemplate", template))]
    assert "spec.podTemplate.spec.containers holds 'operation' twice" in messages
    assert any(message.startswith("a pod template cannot set restartPolicy") for message in messages)


def test_a_pod_template_keeps_what_only_kubernetes_knows() -> None:
    template = {"spec": {"runtimeClassName": "kata", "containers": [{"name": "operation", "envFrom": []}]}}
    assert said(changed(POOL, "/spec/podTemplate", template)) == []


def test_credentials_in_a_url_are_refused_without_being_repeated() -> None:
    [(_, message, hint)] = said(changed(SYNC, "/spec/source/url", "https://me:geheim@git.example/config.git"))
    assert "geheim" not in message + hint


def test_the_error_carries_place_and_identity() -> None:
    places = {"/spec": Location("pool.yaml", 5, 3), "/spec/maxOperation": Location("pool.yaml", 7, 3)}
    [error] = validate.validate(changed(POOL, "/spec/maxOperation", 1), places.get)
    assert str(error) == "pool.yaml:7:3: unknown field spec.maxOperation"
    assert str(error.ref) == "WorkerPool.gitops-worker.io ci/linux"


def test_a_missing_field_is_placed_at_the_object_that_lacks_it() -> None:
    places = {"": Location("pool.yaml", 1, 1), "/spec": Location("pool.yaml", 5, 1)}
    [error] = validate.validate(changed(POOL, "/spec", {"maxOperations": 2}), places.get)
    assert error.location == Location("pool.yaml", 5, 1)


def test_other_kinds_are_left_to_the_server() -> None:
    assert validate.validate({"apiVersion": "v1", "kind": "Secret", "what": 1}, lambda _: None) == ()


@pytest.mark.parametrize("kind", crds.KINDS, ids=lambda kind: kind.name)
def test_the_json_schema_is_one(kind: crds.Kind) -> None:
    jsonschema.Draft202012Validator.check_schema(schemas.json_schema(kind))


def test_the_json_schema_and_the_validator_agree_on_an_unknown_field() -> None:
    [pool] = [kind for kind in crds.KINDS if kind.name == "WorkerPool"]
    validator = jsonschema.Draft202012Validator(schemas.json_schema(pool))
    assert list(validator.iter_errors(POOL)) == []
    assert list(validator.iter_errors(changed(POOL, "/spec/maxOperation", 3)))
