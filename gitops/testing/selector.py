"""Label selectors, and field selectors of one term, as the API server reads them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

_SET = re.compile(r"^(?P<key>\S+)\s+(?P<no>not)?in\s*\((?P<values>[^)]*)\)$")
_TERMS = re.compile(r",(?![^(]*\))")


def matches(selector: str, labels: Mapping[str, str]) -> bool:
    """Whether labels satisfy every term; an empty selector takes all."""
    return all(_term(term.strip(), labels) for term in _TERMS.split(selector) if term.strip())


def has(field: str, item: Mapping[str, Any]) -> bool:
    """Whether the object has the value that `path=value` names; an empty selector takes all."""
    path, _, value = field.partition("=")
    found: Any = item
    for name in path.split(".") if path else ():
        found = (found or {}).get(name)
    return not path or str(found or "") == value


def _term(term: str, labels: Mapping[str, str]) -> bool:
    if found := _SET.match(term):
        values = {value.strip() for value in found["values"].split(",")}
        inside = labels.get(found["key"]) in values
        return not inside if found["no"] else inside
    if "!=" in term:
        key, _, value = term.partition("!=")
        return labels.get(key.strip()) != value.strip()
    if "=" in term:
        key, _, value = term.replace("==", "=").partition("=")
        return labels.get(key.strip()) == value.strip()
    return term[1:].strip() not in labels if term.startswith("!") else term in labels
