"""The reference page of a kind, in Markdown, from its schema and rules."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.api import crds, rules
from gitops.api.meta import API_VERSION, GROUP
from gitops.api.structural import Schema


def page(kind: crds.Kind) -> str:
    """The whole page."""
    return "\n".join(_lines(kind)) + "\n"


def _lines(kind: crds.Kind) -> Iterator[str]:
    schema = crds.schema(kind)
    yield f"# {kind.name}"
    yield ""
    yield "<!-- Generated from gitops/api; see tests/golden/test_generated.py. -->"
    yield ""
    yield f"{schema['description']}"
    yield ""
    yield f"`apiVersion: {API_VERSION}`, `kind: {kind.name}`, namespaced."
    short = ", ".join(f"`{name}`" for name in kind.short)
    yield f"`kubectl get {kind.plural}.{GROUP}` (short: {short}; with all our kinds: `gitops`)."
    for part, title in (("spec", "What you write"), ("status", "What the program writes")):
        yield ""
        yield f"## {title}: `{part}`"
        yield ""
        yield "| field | type | meaning |"
        yield "|---|---|---|"
        yield from _rows(schema["properties"][part], part)
    told = rules.of_kind(kind.name)
    if told:
        yield ""
        yield "## Rules across fields"
        yield ""
        yield from (f"- {_rule(rule)}" for rule in told)


def _rule(rule: rules.Rule) -> str:
    where = (rule.path + rule.field).strip("/").replace("/*", "[]").replace("/", ".")
    hint = f" ({rule.hint})" if rule.hint else ""
    return f"`{where}`: {rule.message}{hint}."


def _rows(schema: Schema, path: str) -> Iterator[str]:
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        where = f"{path}.{name}"
        must = " **(required)**" if name in required else ""
        words = field.get("description", "").replace("|", "\\|")
        yield f"| `{where}` | {type_name(field)} | {words}{must} |"
        if field.get("x-kubernetes-preserve-unknown-fields"):
            continue
        yield from _rows(field, where)
        if "items" in field:
            yield from _rows(field["items"], f"{where}[]")


def type_name(field: Schema) -> str:
    """The type of a field, in words."""
    if field.get("x-kubernetes-int-or-string"):
        return "quantity"
    if "enum" in field:
        return " or ".join(f"`{value}`" for value in field["enum"])
    if field["type"] == "array":
        return f"list of {type_name(field['items'])}"
    if "additionalProperties" in field:
        return f"map of {type_name(field['additionalProperties'])}"
    bounds = [f"≥ {field['minimum']}"] if "minimum" in field else []
    bounds += [f"≤ {field['maximum']}"] if "maximum" in field else []
    return f"{field['type']} ({', '.join(bounds)})" if bounds else str(field["type"])
