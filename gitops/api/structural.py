"""Structs -> structural OpenAPI schemas, the form that a CustomResourceDefinition demands.

No `$ref`, no nullable, no `default`: a default that the server writes into the object would show up as a difference
between Git and the cluster. Defaults live in the Structs, and the descriptions say them.
Rules of the form: https://kubernetes.io/docs/tasks/extend-kubernetes/custom-resources/custom-resource-definitions/
"""

from __future__ import annotations

from enum import Enum
from typing import Any

import msgspec
from msgspec import inspect

Schema = dict[str, Any]

_CONSTRAINTS = {
    inspect.StrType: (("min_length", "minLength"), ("max_length", "maxLength"), ("pattern", "pattern")),
    inspect.IntType: (("ge", "minimum"), ("le", "maximum")),
    inspect.FloatType: (("ge", "minimum"), ("le", "maximum")),
    inspect.ListType: (("min_length", "minItems"), ("max_length", "maxItems")),
    inspect.DictType: (("min_length", "minProperties"), ("max_length", "maxProperties")),
}


def schema_of(struct: type[msgspec.Struct]) -> Schema:
    """The structural schema of a Struct, descriptions, bounds and patterns included.

    Raises:
        TypeError: the Struct holds a type that a structural schema cannot express.
    """
    return _schema(inspect.type_info(struct))


def _schema(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.Metadata(type=inner, extra_json_schema=extra):
            extra = extra or {}
            if extra.get("x-kubernetes-int-or-string"):
                return {"anyOf": [{"type": "integer"}, {"type": "string"}], **extra}
            return {**_schema(inner), **extra}
        case inspect.StructType():
            return _object(kind)
        case inspect.UnionType(types=types):
            return _optional(types)
        case inspect.DictType(value_type=inspect.AnyType()):
            return {"type": "object"}
        case inspect.DictType(value_type=value):
            return {"type": "object", "additionalProperties": _schema(value), **_bounds(kind)}
        case inspect.ListType(item_type=item):
            return {"type": "array", "items": _schema(item), **_bounds(kind)}
        case _:
            return _scalar(kind)


def _scalar(kind: inspect.Type) -> Schema:
    match kind:
        case inspect.StrType():
            return {"type": "string", **_bounds(kind)}
        case inspect.BoolType():
            return {"type": "boolean"}
        case inspect.IntType():
            return {"type": "integer", "format": "int64", **_bounds(kind)}
        case inspect.FloatType():
            return {"type": "number", **_bounds(kind)}
        case inspect.EnumType(cls=cls):
            return {"type": "string", "enum": [str(member.value) for member in cls]}
        case inspect.LiteralType(values=values):
            # The empty string stands for "not set" in a Struct; nobody writes it.
            return {"type": "string", "enum": [value for value in values if value != ""]}
        case _:
            raise TypeError(f"no structural schema for {kind!r}")


def _optional(types: tuple[inspect.Type, ...]) -> Schema:
    kinds = [kind for kind in types if not isinstance(kind, inspect.NoneType)]
    if len(kinds) != 1:
        raise TypeError(f"a structural schema has no unions: {types!r}")
    return _schema(kinds[0])


def _bounds(kind: inspect.Type) -> Schema:
    names = _CONSTRAINTS.get(type(kind), ())
    return {name: value for attribute, name in names if (value := getattr(kind, attribute)) is not None}


def _object(kind: inspect.StructType) -> Schema:
    properties = {field.encode_name: _field(field) for field in kind.fields}
    required = [field.encode_name for field in kind.fields if field.required]
    return {"type": "object", "properties": properties} | ({"required": required} if required else {})


def _field(field: inspect.Field) -> Schema:
    schema = _schema(field.type)
    default = _plain_default(field)
    description = schema.get("description", "")
    if default is not None and "default" not in description.lower():
        schema["description"] = f"{description}. Default: {default}" if description else f"Default: {default}"
    return schema


def _plain_default(field: inspect.Field) -> str | None:
    """The default as a person writes it; None if there is none worth a word."""
    match field.default:
        case Enum() as member:
            return str(member.value)
        case bool() as flag:
            return "true" if flag else None
        case str() | int() | float() as scalar:
            return str(scalar) if scalar else None
        case msgspec.Struct() as struct:
            text = msgspec.json.encode(struct).decode()
            return None if text == "{}" else text
        case _:
            return None
