"""Everything has an explanation, and every example is valid."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from gitops import errors
from gitops.api import crds
from gitops.api.structural import Schema
from gitops.lint import codes, validate
from gitops.lint.code import Code
from gitops.report import explain, fields, reasons

ROOT = Path(__file__).parents[3]


def paths(schema: Schema, above: str) -> Iterator[str]:
    for name, below in schema.get("properties", {}).items():
        yield f"{above}.{name}"
        yield from paths(below.get("items", below), f"{above}.{name}")


TOPICS = [topic for kind in crds.KINDS for topic in paths(crds.schema(kind)["properties"]["spec"], f"{kind.name}.spec")]


@pytest.mark.parametrize("topic", TOPICS)
def test_every_field_has_an_example_that_is_valid(topic: str) -> None:
    field = fields.find(topic)
    manifest: dict[str, Any] = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": field.kind.name,
        "metadata": {"name": "linux"},
        **fields.example(field),
    }
    # The example shows one field in its place; others that are needed there are not part of it.
    alone = {codes.MISSING_FIELD, codes.FIELDS_DISAGREE, codes.PROTECTED}
    assert [one.message for one in validate.violations(manifest) if one.code not in alone] == []


@pytest.mark.parametrize("kind", [kind.name for kind in crds.KINDS])
def test_the_example_of_a_kind_is_whole(kind: str) -> None:
    assert list(validate.violations(fields.example(fields.find(kind)))) == []


def test_a_field_is_told_with_type_default_limits_and_example() -> None:
    text = "\n".join(explain.lines("workerpool.spec.timeouts.run"))
    assert text == (
        "WorkerPool.spec.timeouts.run  (gitops-worker.io/v1alpha1)\n\n"
        "  The script runs\n"
        "  type:      string\n"
        "  required:  no\n"
        "  default:   6h\n"
        "  form:      hours, minutes and seconds: 30s, 5m, 1h30m\n"
        "  limit:     number of characters: at least 2\n"
        "  limit:     number of characters: at most 32\n\n"
        "Example:\n  spec:\n    timeouts:\n      run: 6h"
    )


@pytest.mark.parametrize("topic", ["wp.spec.image", "pools.SPEC.image", "WorkerPool.spec.Image"])
def test_spelling_and_short_names_do_not_matter(topic: str) -> None:
    if topic.startswith("pools"):
        with pytest.raises(errors.ConfigError, match="nothing is known"):
            explain.lines(topic)
    else:
        assert explain.lines(topic)[0].startswith("WorkerPool.spec.image ")


@pytest.mark.parametrize(
    ("topic", "hint"),
    [
        ("workerpool.spec.timeout", "did you mean timeouts?"),
        ("workrpool.spec.image", "did you mean workerpool.spec.image?"),
        ("ClusterDenid", "did you mean ClusterDenied?"),
        ("image-not-pined", "did you mean image-not-pinned?"),
        ("workerpool.spec.imag.tag", "did you mean image?"),
        ("workerpool.spec.podTemplate.spec.nodeSelector", "kubectl explain pod.spec.nodeSelector"),
        ("workerpool.spec.podTemplate.spec.containers.env", "kubectl explain pod.spec.containers.env"),
        ("worker.metadata.labels", "kubectl explain pod.metadata.labels"),
    ],
)
def test_an_unknown_topic_is_answered_with_the_nearest(topic: str, hint: str) -> None:
    with pytest.raises(errors.ConfigError) as raised:
        explain.lines(topic)
    assert raised.value.hint == hint


def test_a_scalar_has_no_fields() -> None:
    with pytest.raises(errors.ConfigError, match=r"WorkerPool.spec.image has no fields.*type string"):
        explain.lines("workerpool.spec.image.tag")


@pytest.mark.parametrize("code", codes.ALL, ids=lambda one: one.code)
def test_every_code_is_told_with_wrong_and_right(code: Code) -> None:
    text = "\n".join(explain.lines(code.code))
    assert "Wrong:" in text
    assert "Right:" in text
    assert code.wrong != code.right


def test_every_error_is_explained() -> None:
    for kind in explain.kinds_of_error():
        assert len(explain.lines(kind.reason)) > 2


def said() -> Iterator[str]:
    """The reasons written in the source: `reason="X"`, {"reason": "X"} and _failed("X", …)."""
    folders = ("pods", "worker", "reconcile", "sync")
    for path in sorted(path for folder in folders for path in (ROOT / "gitops" / folder).glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            match node:
                case ast.keyword(arg="reason", value=ast.Constant(value=str(word))) if word:
                    yield word
                case ast.Call(func=ast.Name(id="_failed"), args=[ast.Constant(value=str(word)), *_]):
                    yield word
                case ast.Dict(keys=keys, values=values):
                    for key, value in zip(keys, values, strict=True):
                        if isinstance(key, ast.Constant) and key.value == "reason" and isinstance(value, ast.Constant):
                            yield str(value.value)


def test_every_reason_the_program_gives_is_explained() -> None:
    known = {one.name for one in reasons.ALL} | {kind.reason for kind in explain.kinds_of_error()}
    found = {word for word in said() if word[0].isupper()}
    assert len(found) > 20
    assert found - known == set()
