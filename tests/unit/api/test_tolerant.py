"""An old replica reads an object that was written under a newer schema: words it does not know do not stop it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from msgspec import inspect

from gitops import api
from gitops.api.gitsync import DriftMode, Mode
from gitops.api.meta import Word
from gitops.api.operation import MutexMode
from gitops.api.structural import schema_of

KINDS = (api.WorkerPool, api.Worker, api.GitSync, api.Operation)
NEW = "FromANewerVersion"


def words(schema: Any, path: str = "") -> Iterator[str]:
    """The paths of all fields that hold one of several words."""
    if "enum" in schema:
        yield path
    for name, below in schema.get("properties", {}).items():
        yield from words(below, f"{path}/{name}")
    if isinstance(schema.get("items"), dict):
        yield from words(schema["items"], f"{path}/*")


FIELDS = [(kind, path) for kind in KINDS for path in words(schema_of(kind))]


def filled(path: str, value: Any) -> Any:
    """Data in which a value stands at a path, and nothing else."""
    for part in reversed(path.split("/")[1:]):
        value = [value] if part == "*" else {part: value}
    return value


def test_there_are_such_fields() -> None:
    paths = {path for _, path in FIELDS}
    assert {"/spec/mode", "/spec/podSecurity", "/spec/architectures/*", "/spec/mutex/mode"} <= paths


@pytest.mark.parametrize(("kind", "path"), FIELDS, ids=[f"{kind.__name__}{path}" for kind, path in FIELDS])
def test_a_word_of_a_newer_schema_is_read(kind: type[msgspec.Struct], path: str) -> None:
    data = filled(path, NEW)
    try:
        msgspec.convert(data, kind)
    except msgspec.ValidationError as error:
        # What else the object needs is missing here; of the word nothing is said.
        assert "missing required field" in str(error), error  # noqa: PT017


@pytest.mark.parametrize("cls", [Mode, DriftMode, MutexMode])
def test_an_unknown_word_stays_itself_and_is_none_of_ours(cls: type[Word]) -> None:
    found = msgspec.convert(NEW, cls)
    assert found not in list(cls)
    assert msgspec.json.decode(msgspec.json.encode(found)) == NEW


def test_no_field_is_a_literal() -> None:
    def inner(kind: Any) -> Iterator[Any]:
        yield kind
        for name in ("type", "item_type", "value_type"):
            below = getattr(kind, name, None)
            if isinstance(below, inspect.Type):
                yield from inner(below)
        for below in getattr(kind, "types", ()):
            yield from inner(below)
        for field in getattr(kind, "fields", ()):
            yield from inner(field.type)

    for kind in KINDS:
        for found in inner(inspect.type_info(kind)):
            assert not isinstance(found, inspect.LiteralType)
            if isinstance(found, inspect.EnumType):
                assert issubclass(found.cls, Word)
