"""Plain data against a structural schema: every violation, not only the first."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from gitops.api import meta
from gitops.api.structural import Schema
from gitops.lint import codes
from gitops.lint.code import Code

_TYPES: Mapping[str, tuple[type, ...]] = {
    "object": (dict,),
    "array": (list,),
    "string": (str,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
}
_SHOWN = 60
WORDS: Mapping[str, bool] = dict.fromkeys(("yes", "y", "on"), True) | dict.fromkeys(("no", "n", "off"), False)
"""Words, in lower case, that YAML 1.1 reads as booleans and Kubernetes' YAML as strings."""
_PLAIN = {"boolean": re.compile("true|false"), "integer": re.compile("0|-?[1-9][0-9]*")}
"""Strings that are what is wanted as soon as their quotes are gone."""


@dataclass(frozen=True, slots=True)
class Violation:
    """`pointer` is the JSON Pointer of the value that is wrong (for a missing field: of the object that lacks it)."""

    pointer: str
    message: str
    hint: str = ""
    code: Code = codes.WRONG_VALUE

    @property
    def malformed(self) -> bool:
        """The value is of another type altogether: rules that would look into it make no sense."""
        return self.code is codes.WRONG_TYPE


def violations(value: Any, schema: Schema, pointer: str = "") -> Iterator[Violation]:
    """Everything in the value that the schema does not allow, in the order of the document."""
    name = dotted(pointer)
    if schema.get("x-kubernetes-int-or-string"):
        yield from _int_or_string(value, schema, pointer)
        return
    if not _is(value, schema["type"]):
        said = "null" if value is None else f"{_name_of(value)} {_shown(value)}".strip()
        hint = _type_hint(value, schema["type"])
        yield Violation(pointer, f"{name} must be {_article(schema['type'])}, not {said}", hint, code=codes.WRONG_TYPE)
        return
    match value:
        case dict():
            yield from _object(value, schema, pointer)
        case list():
            yield from _array(value, schema, pointer)
        case str():
            yield from _string(value, schema, pointer)
        case bool():
            pass
        case _:
            yield from _number(value, schema, pointer)


def dotted(pointer: str) -> str:
    """A JSON Pointer as people write field paths: `spec.pools[0]`."""
    parts = [part.replace("~1", "/").replace("~0", "~") for part in pointer.split("/")[1:]]
    text = "".join(f"[{part}]" if part.isdigit() else f".{part}" for part in parts)
    return text.removeprefix(".") or "the object"


def below(pointer: str, key: str) -> str:
    """The pointer of a field of the object at `pointer`."""
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def nearest(word: str, known: Sequence[str]) -> str:
    """What to say about a word that is none of those known."""
    close = difflib.get_close_matches(word, known, n=1, cutoff=0.6)
    folded = [name for name in known if name.lower() == word.lower()]
    if folded or close:
        return f"did you mean {(folded or close)[0]}?"
    return f"known here: {', '.join(sorted(known))}" if known else ""


def _is(value: Any, kind: str) -> bool:
    if isinstance(value, bool):
        return kind == "boolean"
    if kind == "integer" and isinstance(value, float):
        return value.is_integer()
    return isinstance(value, _TYPES[kind])


def _object(value: dict[str, Any], schema: Schema, pointer: str) -> Iterator[Violation]:
    properties: Mapping[str, Schema] = schema.get("properties", {})
    extra = schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            words = properties.get(name, {}).get("description", "")
            yield Violation(pointer, f"{dotted(below(pointer, name))} is missing", words, code=codes.MISSING_FIELD)
    limit = schema.get("maxProperties")
    if limit is not None and len(value) > limit:
        yield Violation(pointer, f"{dotted(pointer)} has {len(value)} entries, at most {limit} are allowed")
    for key, item in value.items():
        where = below(pointer, key)
        if key in properties:
            yield from violations(item, properties[key], where)
        elif extra:
            yield from violations(item, extra, where)
        elif properties and not schema.get("x-kubernetes-preserve-unknown-fields"):
            hint = nearest(key, list(properties))
            yield Violation(where, f"unknown field {dotted(where)}", hint, code=codes.UNKNOWN_FIELD)


def _array(value: list[Any], schema: Schema, pointer: str) -> Iterator[Violation]:
    name = dotted(pointer)
    if len(value) < schema.get("minItems", 0):
        yield Violation(pointer, f"{name} needs at least {schema['minItems']}, and has {len(value)}")
    if len(value) > schema.get("maxItems", len(value)):
        yield Violation(pointer, f"{name} has {len(value)} entries, at most {schema['maxItems']} are allowed")
    for index, item in enumerate(value):
        yield from violations(item, schema["items"], f"{pointer}/{index}")
    yield from _repeated(value, schema, pointer)


def _repeated(value: list[Any], schema: Schema, pointer: str) -> Iterator[Violation]:
    """Sets hold a value once; maps written as lists hold a key once."""
    keys = schema.get("x-kubernetes-list-map-keys")
    if schema.get("x-kubernetes-list-type") not in {"set", "map"}:
        return
    seen: set[str] = set()
    for index, item in enumerate(value):
        named = [item.get(key) for key in keys] if keys and isinstance(item, dict) else [item]
        identity = repr(named)
        if identity in seen:
            said = ", ".join(_shown(part) for part in named)
            yield Violation(f"{pointer}/{index}", f"{dotted(pointer)} holds {said} twice")
        seen.add(identity)


def _string(value: str, schema: Schema, pointer: str) -> Iterator[Violation]:
    name = dotted(pointer)
    if "enum" in schema and value not in schema["enum"]:
        hint = f"one of: {', '.join(schema['enum'])}"
        yield Violation(pointer, f"{name} cannot be {_shown(value)}", hint)
    elif len(value) < schema.get("minLength", 0):
        yield Violation(pointer, f"{name} must not be empty" if not value else f"{name} is too short: {_shown(value)}")
    elif len(value) > schema.get("maxLength", len(value)):
        yield Violation(pointer, f"{name} has {len(value)} characters, at most {schema['maxLength']} are allowed")
    elif "pattern" in schema and not _compiled(schema["pattern"]).search(value):
        hint = meta.IN_WORDS.get(schema["pattern"], f"it must match {schema['pattern']}")
        yield Violation(pointer, f"{name} does not allow {_shown(value)}", hint)


def _number(value: float, schema: Schema, pointer: str) -> Iterator[Violation]:
    low, high = schema.get("minimum"), schema.get("maximum")
    if low is not None and value < low:
        yield Violation(pointer, f"{dotted(pointer)} must be at least {low}, not {value}")
    if high is not None and value > high:
        yield Violation(pointer, f"{dotted(pointer)} must be at most {high}, not {value}")


def _int_or_string(value: Any, schema: Schema, pointer: str) -> Iterator[Violation]:
    if isinstance(value, str):
        yield from _string(value, schema, pointer)
    elif isinstance(value, float):
        hint = f"write it in quotes: '{value}', or in smaller units: 500m"
        yield Violation(pointer, f"{dotted(pointer)} cannot be the number {value}", hint)
    elif isinstance(value, bool) or not isinstance(value, int):
        said = "null" if value is None else _name_of(value)
        message = f"{dotted(pointer)} must be an integer or a string, not {said}"
        yield Violation(pointer, message, code=codes.WRONG_TYPE)


def _type_hint(value: Any, wanted: str) -> str:
    if wanted == "string" and isinstance(value, bool | int | float):
        return "write it in quotes"
    if wanted == "boolean" and isinstance(value, str) and value.lower() in WORDS:
        return f"write {str(WORDS[value.lower()]).lower()}: {value} is a string here"
    if isinstance(value, str) and wanted in {"boolean", "integer"} and _PLAIN[wanted].fullmatch(value):
        return "write it without quotes"
    return ""


def _name_of(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", str: "the string", bool: "the boolean", int: "the integer"}
    return names.get(type(value), "the number")


def _article(kind: str) -> str:
    return {"object": "a mapping", "array": "a list", "integer": "an integer"}.get(kind, f"a {kind}")


def _shown(value: Any) -> str:
    if isinstance(value, dict | list):
        return ""
    text = repr(value) if isinstance(value, str) else str(value).lower()
    return text if len(text) <= _SHOWN else f"{text[:_SHOWN]}…"


_ESCAPE_CLASS_OR_END = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|\$")


@cache
def _compiled(pattern: str) -> re.Pattern[str]:
    # Kubernetes reads patterns as Go does: $ is the end of the text and not also before a last newline, \\s is ASCII.
    return re.compile(_ESCAPE_CLASS_OR_END.sub(lambda part: r"\Z" if part[0] == "$" else part[0], pattern), re.ASCII)
