"""Mending every kind of field: what was mended is right, and nothing else was touched."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.api import crds
from gitops.api.structural import Schema
from gitops.lint import codes
from gitops.lint.finding import Finding
from gitops.lint.mend import mend
from gitops.source.tree import MemoryTree
from tests.unit.lint.trees import findings, tree

API_VERSION = "gitops-worker.io/v1alpha1"
FOREIGN = {
    ("v1", "ConfigMap"): ["data/a", "binaryData/a", "metadata/labels/a", "metadata/annotations/a"],
    ("v1", "Secret"): ["data/a", "stringData/a"],
    ("v1", "Service"): ["spec/selector/app", "spec/ports/0/port", "spec/ports/0/targetPort"],
    ("v1", "PersistentVolume"): ["spec/capacity/storage", "spec/nodeAffinity"],
    ("storage.k8s.io/v1", "StorageClass"): ["parameters/a", "allowVolumeExpansion"],
    ("apps/v1", "Deployment"): [
        "spec/replicas",
        "spec/paused",
        "spec/selector/matchLabels/app",
        "spec/template/metadata/labels/app",
        "spec/template/spec/nodeSelector/disk",
        "spec/template/spec/containers/0/name",
        "spec/template/spec/containers/0/image",
        "spec/template/spec/containers/0/args/0",
        "spec/template/spec/containers/0/env/0/value",
        "spec/template/spec/containers/0/ports/0/containerPort",
        "spec/template/spec/containers/0/resources/limits/cpu",
        "spec/template/spec/volumes/0/configMap/defaultMode",
    ],
}
TEXTS = [
    *("yes", "No", "OFF", "y", "true", "False"),
    *("0", "-1", "7", "90", "010", "00", "0x1F", "+5", "1e3", "1.10", "-0.5", "0o17"),
    *("2024-01-01", "2024-01-01T10:00:00Z", "2099-12-31"),
    *("9007199254740993", "9223372036854775807", "1234567890123456789012345678901234567890"),
    *("5m", "30s", "1Gi", "linux", "~"),
]


def leaves(schema: Schema, path: str) -> Iterator[str]:
    """The paths of all fields that hold one value."""
    kind = schema.get("type")
    if kind == "object":
        for name, below in schema.get("properties", {}).items():
            yield from leaves(below, f"{path}/{name}")
        if isinstance(schema.get("additionalProperties"), dict):
            yield from leaves(schema["additionalProperties"], f"{path}/a")
    elif kind == "array":
        yield from leaves(schema["items"], f"{path}/0")
    else:
        yield path


FIELDS = FOREIGN | {
    (API_VERSION, kind.name): list(leaves(crds.schema(kind)["properties"]["spec"], "spec")) for kind in crds.KINDS
}


@st.composite
def objects(draw: st.DrawFn) -> str:
    """A file of one object, some of whose fields hold what may be read in two ways; each line has a comment."""
    api_version, kind = draw(st.sampled_from(sorted(FIELDS)))
    chosen = draw(st.lists(st.sampled_from(FIELDS[api_version, kind]), min_size=1, max_size=6, unique=True))
    value: dict[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": {"name": "a"}}
    for path in chosen:
        mark = draw(st.sampled_from(["", "", "", "&x", "!!str"]))
        put(value, path.split("/"), f"{mark} {draw(st.sampled_from(TEXTS))}".strip())
    return "".join(f"{line}  # {number}\n" for number, line in enumerate(written(value, "")))


def put(value: dict[str, Any], path: list[str], text: str) -> None:
    for part in path[:-1]:
        value = value.setdefault(part, {})
    value[path[-1]] = text


def written(value: dict[str, Any], indent: str) -> Iterator[str]:
    """A tree in block style; the key 0 stands for the one item of a list."""
    for key, below in value.items():
        name = "-" if key == "0" else f"{key}:"
        if isinstance(below, dict):
            yield indent + name
            yield from written(below, indent + "  ")
        else:
            yield f"{indent}{name} {below}"


def mended(source: MemoryTree, found: tuple[Finding, ...]) -> str:
    return {**source.files, **mend(found, source.read)}["object.yaml"].decode()


READING = ("GW00", "GW101", "GW103", "GW104", "GW11")
"""What a field allows, and how it is read; what pools and images mean together is seen once their fields are right."""


def placed(found: tuple[Finding, ...], shift: int) -> set[tuple[int, str]]:
    """Line and code of what was found in the object."""
    return {
        (one.location.line + shift, one.code.code)
        for one in found
        if one.location and one.location.file == "object.yaml" and one.code is not codes.NO_SCHEMA
        if one.code.code.startswith(READING)
    }


@given(objects())
def test_property_what_is_mended_is_right_and_nothing_else_is_touched(text: str) -> None:
    source = tree(object=text)
    before = findings(source)
    after = mended(source, before)
    again = findings(tree(object=after))
    added = after.count("\n") - text.count("\n")
    mends = [one.location for one in before if one.edits and one.location and one.code is not codes.NO_SCHEMA]
    touched = {where.line + added for where in mends}

    assert not [one for one in again if one.edits]
    assert placed(again, 0) <= placed(before, added)
    assert not {line for line, _ in placed(again, 0)} & touched
    kept = after.splitlines()[added:]
    assert [line.partition("#")[2] for line in kept] == [line.partition("#")[2] for line in text.splitlines()]
    assert {n for n, (old, new) in enumerate(zip(text.splitlines(), kept, strict=True), 1 + added) if old != new} == (
        touched
    )


def pool(spec: str) -> MemoryTree:
    return tree(
        pool=f"apiVersion: {API_VERSION}\nkind: WorkerPool\nmetadata: {{name: a}}\nspec: {{image: a:1, {spec}}}"
    )


@pytest.mark.parametrize(
    ("spec", "code", "message", "hint", "better"),
    [
        (
            "timeouts: {run: 90}",
            "GW115",
            "90 is no string, and Kubernetes wants one here",
            "quotes would not do: what is wanted is hours, minutes and seconds: 30s, 5m, 1h30m",
            "",
        ),
        ("timeouts: {queued: 0}", "GW115", "0 is no string, and Kubernetes wants one here", "write 0s", "0s"),
        (
            "timeouts: {run: 010}",
            "GW115",
            "010 is no string, and Kubernetes wants one here",
            "quotes would not do: what is wanted is hours, minutes and seconds: 30s, 5m, 1h30m",
            "",
        ),
        (
            "imagePullPolicy: no",
            "GW104",
            "spec.imagePullPolicy cannot be 'no'",
            "one of: Always, IfNotPresent, Never",
            "",
        ),
        ("egress: {mode: off}", "GW104", "spec.egress.mode cannot be 'off'", "one of: open, restricted", ""),
        (
            "maxOperations: 010",
            "GW112",
            "010 is read as the octal number 8",
            "write 10 if that is meant, 8 for what is read now",
            "",
        ),
        ("maxOperations: yes", "GW103", "spec.maxOperations must be an integer, not the string 'yes'", "", ""),
        (
            "allow: {resources: {memory: 9223372036854775807}}",
            "GW114",
            "9223372036854775807 is beyond 2^53: some programs change its last digits",
            'write "9223372036854775807"',
            '"9223372036854775807"',
        ),
        (
            "serviceAccount: {annotations: {role: 090}}",
            "GW112",
            "090 is read as the number 90",
            'write "090"',
            '"090"',
        ),
    ],
)
def test_a_field_is_mended_only_to_what_it_allows(spec: str, code: str, message: str, hint: str, better: str) -> None:
    [found] = [one for one in findings(pool(spec)) if one.code.code not in {"GW116", "GW202", "GW502"}]
    assert (found.code.code, found.message, found.hint) == (code, message, hint)
    assert [one.text for one in found.edits] == [better][: bool(better)]


def test_a_label_or_encoded_value_that_quotes_do_not_mend_is_left_alone() -> None:
    secret = "apiVersion: v1\nkind: Secret\nmetadata: {name: a, labels: {v: -1}}\ndata: {a: 90, b: 1234}\n"
    found = findings(tree(secret=secret))
    assert [(str(one.location), bool(one.edits)) for one in found] == [
        ("secret.yaml:3:33", False),
        ("secret.yaml:4:11", False),
        ("secret.yaml:4:18", True),
    ]
    assert found[1].hint == "quotes would not do: what is wanted is base64 (in a Secret, `stringData` takes plain text)"


def test_what_an_alias_repeats_is_reported_and_not_mended() -> None:
    text = (
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, labels: &l {v: 1.10}}\ndata: {a: &x no, b: *x, c: no}\n"
    )
    source = tree(object=text)
    found = findings(source)
    assert [bool(one.edits) for one in found] == [False, False, True]
    assert mended(source, found) == text.replace("c: no", 'c: "no"')
