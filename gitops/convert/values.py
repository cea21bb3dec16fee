"""A values file as data that knows where it was written, and what Helm makes of it: defaults below, null removes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from gitops import errors, yaml
from gitops.convert import chart
from gitops.location import Location
from gitops.yaml.reader import position_in
from gitops.yaml.tracked import Items, Map

_HEADER: Final = re.compile(rb"\A\s*(USER-SUPPLIED|COMPUTED) VALUES:[ \t]*\r?(?=\n|\Z)")
_ABSENT: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Values:
    """What the file says. `computed`: it is `helm get values --all`, so it repeats every default of the chart."""

    file: str
    root: Any
    computed: bool

    def raw(self, path: str) -> Any:
        """The value as written (with positions); None if it is not there, or null."""
        found = self._find(path)
        return None if found is _ABSENT or yaml.plain(found) is None else found

    def given(self, path: str) -> bool:
        """Whether the file says something about it; of computed values, something else than the chart's default."""
        found = self._find(path)
        if found is _ABSENT:
            return False
        row = chart.BY_PATH.get(path)
        return not (self.computed and row is not None and yaml.plain(found) == row.default)

    def effective(self, path: str) -> Any:
        """The value Helm computes: what is written over the chart's default. Maps merge, lists do not, null removes."""
        default = chart.BY_PATH[path].default
        found = self._find(path)
        return default if found is _ABSENT else _coalesced(found, default)

    def text(self, path: str) -> str:
        """A scalar, as Helm prints it.

        Raises:
            ConfigError: it is a mapping or a list.
        """
        value = self.effective(path)
        if isinstance(value, dict | list):
            raise self.wrong(path, "a string")
        plain = yaml.plain(value)
        return "" if plain is None else yaml.text_of(plain)

    def flag(self, path: str) -> bool:
        """A boolean; the words true and false as strings count too.

        Raises:
            ConfigError: it is something else.
        """
        value = self.text(path).lower()
        if value not in {"true", "false", ""}:
            raise self.wrong(path, "true or false")
        return value == "true"

    def mapping(self, path: str) -> dict[str, Any]:
        """A mapping, with positions; empty if it was removed.

        Raises:
            ConfigError: it is something else.
        """
        value = self.effective(path)
        if value is None:
            return {}
        if not isinstance(value, dict):
            raise self.wrong(path, "a mapping")
        return value

    def items(self, path: str) -> list[Any]:
        """A list, with positions; empty if it was removed.

        Raises:
            ConfigError: it is something else.
        """
        value = self.effective(path)
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.wrong(path, "a list")
        return value

    def location(self, path: str) -> Location | None:
        """Where it stands."""
        return position_in(self.root, "/" + path.replace(".", "/"))

    def wrong(self, path: str, wanted: str) -> errors.ConfigError:
        """The error for a value of another shape; it does not show the value."""
        return errors.ConfigError(f"{path} must be {wanted}", location=self.location(path))

    @property
    def start(self) -> Location | None:
        """Where the values begin."""
        return getattr(self.root, "at", None)

    def secrets(self) -> Iterator[str]:
        """Every inline secret, for the redactor."""
        for row in chart.ROWS:
            if row.fate is chart.Fate.CREDENTIAL and row.path not in chart.NO_SECRETS:
                yield from _texts(self.raw(row.path))
        yield from _texts(self.raw("testing"))

    def _find(self, path: str) -> Any:
        value = self.root
        for key in path.split("."):
            if not isinstance(value, dict) or key not in value:
                return _ABSENT
            value = value[key]
        return value


def read(text: bytes, file: str) -> Values:
    """Read a values file, or what `helm get values` printed: YAML or JSON, with or without its headline.

    Raises:
        ConfigError: it is no YAML, or no values; the message never quotes the file, which may hold credentials.
    """
    headline = _HEADER.match(text)
    if headline:
        # Blanked, not cut, so that positions stay true.
        text = re.sub(rb"[^\n]", b" ", headline.group()) + text[headline.end() :]
    documents = _parsed(text, file)
    if len(documents) > 1:
        hint = "give one values file; Helm merges several from left to right, `helm get values` prints the result"
        raise errors.ConfigError("more than one YAML document", location=documents[1].start, hint=hint)
    root = documents[0].value if documents else Map()
    if not isinstance(root, dict):
        raise errors.ConfigError("a values file is a mapping", location=documents[0].start)
    computed = headline is not None and headline.group(1) == b"COMPUTED"
    values = Values(file=file, root=root, computed=computed)
    _check_sections(values)
    _check_shape(values)
    return values


def _parsed(text: bytes, file: str) -> tuple[yaml.Document, ...]:
    try:
        found = yaml.load_config(text, file, tracked=True)
        return tuple(document for document in found if yaml.plain(document.value) is not None)
    except errors.ConfigError as error:
        message, cause = error.message, error.cause
        if "alias" in message or "tag" in message:
            # Its words repeat what is written, and an unquoted password may begin with `*` or `!`.
            message, cause = "the YAML is broken", "a value begins with * or !, and has no quotes"
        raise errors.ConfigError(message, cause=cause, hint=error.hint, location=error.location) from None


def _check_sections(values: Values) -> None:
    """Another file would become the chart's defaults, with nothing in it carried over."""
    known = {row.path.partition(".")[0] for row in chart.ROWS}
    if not values.root or known & set(values.root):
        return
    if {"apiVersion", "kind"} <= set(values.root):
        hint = "give what stands in its values (spec.values of a HelmRelease, helm.valuesObject of an Application)"
        raise errors.ConfigError("this is a Kubernetes object, not a values file", location=values.start, hint=hint)
    hint = f"it has {', '.join(sorted(known))}; values of a parent chart have them one level down: give that part"
    raise errors.ConfigError("no key here is one of the chart's", location=values.start, hint=hint)


def _check_shape(values: Values) -> None:
    """The chart's sections are mappings; one of another type would make every question about it meaningless."""
    sections = {row.path.rpartition(".")[0] for row in chart.ROWS} - {""}
    for section in sorted({".".join(path.split(".")[:depth]) for path in sections for depth in range(1, 6)}):
        value = values.raw(section)
        if value is not None and not isinstance(value, dict):
            raise values.wrong(section, "a mapping")


def _coalesced(value: Any, default: Any) -> Any:
    """Helm's merge of values over defaults (https://helm.sh/docs/chart_template_guide/values_files/)."""
    if yaml.plain(value) is None:
        return None
    if not isinstance(value, dict) or not isinstance(default, dict):
        return value
    merged = Map()
    merged.at = getattr(value, "at", None)
    for key in (*default, *(key for key in value if key not in default)):
        item = _coalesced(value[key], default.get(key)) if key in value else default[key]
        if item is not None:
            merged[key] = item
    return merged


def _texts(value: Any) -> Iterator[str]:
    match value:
        case dict():
            for item in value.values():
                yield from _texts(item)
        case Items() | list():
            for item in value:
                yield from _texts(item)
        case None:
            return
        case _:
            yield yaml.text_of(value)
