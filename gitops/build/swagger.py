"""What a definition of OpenAPI v2 looks like: enough to tell one from a file that is something else.

`crds` takes such definitions, and its name makes people list CustomResourceDefinitions, which kustomize refuses.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import Any

Check = Callable[[Any], bool]
Problem = tuple[str, str]
"""A field, as a path of names, and what it must be."""


def _text(value: Any) -> bool:
    return isinstance(value, str)


def _flag(value: Any) -> bool:
    return isinstance(value, bool)


def _count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _texts(value: Any) -> bool:
    return isinstance(value, list) and all(map(_text, value))


_TEXT, _FLAG, _COUNT, _NUMBER = (
    (_text, "text"),
    (_flag, "true or false"),
    (_count, "a whole number"),
    (_number, "a number"),
)
_PLAIN: dict[str, tuple[Check, str]] = {
    **dict.fromkeys(("id", "description", "format", "title", "pattern", "discriminator"), _TEXT),
    **dict.fromkeys(("nullable", "exclusiveMaximum", "exclusiveMinimum", "uniqueItems", "readOnly"), _FLAG),
    **dict.fromkeys(("maximum", "minimum", "multipleOf"), _NUMBER),
    **dict.fromkeys(("maxLength", "minLength", "maxItems", "minItems", "maxProperties", "minProperties"), _COUNT),
    "type": (lambda value: _text(value) or _texts(value), "text or a list of texts"),
    "enum": (lambda value: isinstance(value, list), "a list"),
    "required": (_texts, "a list of texts"),
    "externalDocs": (lambda value: isinstance(value, dict), "a mapping"),
}
_SCHEMA = frozenset(("not",))
_SCHEMA_OR_FLAG = frozenset(("additionalProperties", "additionalItems"))
_SCHEMAS = frozenset(("allOf", "anyOf", "oneOf"))
_NAMED = frozenset(("properties", "patternProperties", "definitions"))


def problems(definitions: Any) -> Iterator[Problem]:
    """What makes the content of a file no definitions by name, as `crds` takes them."""
    if not isinstance(definitions, dict):
        yield "", "a mapping of definitions by name"
        return
    for name, definition in definitions.items():
        if definition is None:
            continue
        if not isinstance(definition, dict):
            yield name, "a mapping with a Schema"
            continue
        for field, value in definition.items():
            if field.lower() == "schema":
                yield from _schema(value, f"{name}.{field}")
            elif field.lower() == "dependencies" and value is not None and not _texts(value):
                yield f"{name}.{field}", "a list of texts"


def _schema(schema: Any, path: str) -> Iterator[Problem]:
    if schema is None:
        return
    if not isinstance(schema, dict):
        yield path, "a mapping"
        return
    for field, value in schema.items():
        if value is not None:
            yield from _field(field, value, f"{path}.{field}")


def _field(field: str, value: Any, path: str) -> Iterator[Problem]:
    if field in _PLAIN:
        fits, what = _PLAIN[field]
        if not fits(value):
            yield path, what
    elif field in _SCHEMA or (field in _SCHEMA_OR_FLAG and not _flag(value)):
        yield from _schema(value, path)
    elif field in _SCHEMAS or (field == "items" and isinstance(value, list)):
        if not isinstance(value, list):
            yield path, "a list of schemas"
            return
        for item in value:
            yield from _schema(item, path)
    elif field in _NAMED:
        yield from _schemas(value, path)
    elif field == "items" and isinstance(value, dict):
        yield from _schema(value, path)


def _schemas(value: Any, path: str) -> Iterator[Problem]:
    if not isinstance(value, Mapping):
        yield path, "a mapping of schemas by name"
        return
    for name, schema in value.items():
        yield from _schema(schema, f"{path}.{name}")
