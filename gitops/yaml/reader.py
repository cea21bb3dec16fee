"""Read YAML fast, keep positions, refuse what hurts.

PyYAML's C parser makes events; this module makes plain data of them in one pass. Positions cost nothing until
asked for: a `Document` keeps the bytes, and the first question parses them again with every value tracked.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import yaml

from gitops import errors
from gitops.location import Location
from gitops.yaml import scalars
from gitops.yaml.scalars import Authored, Blank, Dialect, is_string
from gitops.yaml.tracked import Items, Map, Text, Unquoted, copy

MAX_BYTES = 8 * 1024 * 1024
"""The largest file read: well above anything etcd would store of it."""
MAX_NODES = 100_000
"""Values in one document after aliases are expanded; more is an alias bomb."""
TEXT_WEIGHT = 64
"""Characters that count as one value where an alias repeats them."""
MAX_DOCUMENTS = 20_000
"""Documents in one file."""
MAX_FILE_NODES = 1_000_000
"""Values in one file."""
MAX_DEPTH = 200
"""Levels of nesting; CRD schemas, the deepest honest documents, stay below 100."""

_STREAM_END = yaml.StreamEndEvent
_DOCUMENT_START = yaml.DocumentStartEvent
_DOCUMENT_END = yaml.DocumentEndEvent
_SCALAR = yaml.ScalarEvent
_MAPPING = yaml.MappingStartEvent
_MAPPING_END = yaml.MappingEndEvent
_SEQUENCE = yaml.SequenceStartEvent
_SEQUENCE_END = yaml.SequenceEndEvent
_ALIAS = yaml.AliasEvent

_MERGE = "<<"
_STRINGS = ("!", "tag:yaml.org,2002:str")
_MISSING = object()
_new = tuple.__new__
"""Makes a Location in a third of the time its own constructor takes; each value of a tracked file has one."""


def _no_events() -> Any:
    return _STREAM_END()


@dataclass(frozen=True, slots=True, eq=False)
class Document:
    """One YAML document: its data, where it starts, and where each of its values stands."""

    value: Any
    start: Location
    text: bytes
    index: int
    odd: bool
    """Whether `value` holds `Authored` scalars (only of documents read for a build)."""
    dialect: Dialect = Dialect.MANIFEST
    weight: int = 1
    """Values in it, and one more for each `TEXT_WEIGHT` characters that aliases repeat."""
    unquoted: bool = False
    """Whether a key in it is no string (only of documents read for a build)."""

    def tracked(self) -> Any:
        """The value again, with the position of everything in it. Parses the file again: ask at the edge."""
        return load_tracked(self.text, self.start.file, self.dialect)[self.index].value

    def position(self, pointer: str) -> Location | None:
        """Where the value at a JSON pointer stands; None if there is none. Parses the file again: ask at the edge."""
        return position_in(self.tracked(), pointer)


def value_in(value: Any, pointer: str) -> Any:
    """The value at a JSON pointer within tracked data; None if nothing is there."""
    for part in pointer.split("/")[1:]:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(value, dict) and key in value:
            value = value[key]
        elif isinstance(value, list) and key.isdigit() and int(key) < len(value):
            value = value[int(key)]
        else:
            return None
    return value


def position_in(value: Any, pointer: str) -> Location | None:
    """The position of the value at a JSON pointer within tracked data; None if nothing is there."""
    return written(value_in(value, pointer))


def written(value: Any) -> Location | None:
    """Where a tracked value was written: for one that was derived from another, where that one was."""
    while isinstance(value, Text) and value.derived and getattr(value.before, "at", None) is not None:
        value = value.before
    return getattr(value, "at", None)


def nearest(value: Any, pointer: str) -> Location | None:
    """The position of the value at a JSON pointer, or of the closest container that has one."""
    while True:
        found = position_in(value, pointer)
        if found is not None or not pointer:
            return found
        pointer = pointer.rpartition("/")[0]


def load_all(text: bytes, file: str) -> tuple[Document, ...]:
    """Every non-empty document of a manifest file as plain JSON data.

    Raises:
        ConfigError: broken YAML, a duplicate key, a value JSON cannot hold, or a limit exceeded.
    """
    documents = _Reader(text, file, Dialect.MANIFEST, tracked=False).documents()
    return tuple(replace(d, value=scalars.plain(d.value), odd=False) if d.odd else d for d in documents)


def load_authored(text: bytes, file: str) -> tuple[Document, ...]:
    """Like `load_all`, with `Authored` scalars where the spelling is not canonical, and `Unquoted` keys."""
    return _Reader(text, file, Dialect.MANIFEST, tracked=False, lenient=True).documents()


def load_tracked(text: bytes, file: str, dialect: Dialect = Dialect.MANIFEST) -> tuple[Document, ...]:
    """Like `load_authored`, with the position of every value (`.at`)."""
    manifest = dialect is Dialect.MANIFEST
    return _Reader(text, file, dialect, tracked=True, unique=manifest, lenient=manifest).documents()


def load_config(text: bytes, file: str, *, tracked: bool = False, unique: bool = False) -> tuple[Document, ...]:
    """The documents of a kustomization or configuration file: YAML 1.1 words, the last of duplicate keys wins.

    With `unique` a duplicate key is refused. A document without a value counts: the first is the one that is used.
    """
    return _Reader(text, file, Dialect.CONFIG, tracked=tracked, unique=unique).documents()


class _Reader:
    """One pass over one file."""

    def __init__(
        self, text: bytes, file: str, dialect: Dialect, *, tracked: bool, unique: bool = True, lenient: bool = False
    ) -> None:
        self.text = text
        self.file = file
        self.dialect = dialect
        self.tracked = tracked
        self.unique = unique
        self.lenient = lenient
        self.unquoted = False
        self.nodes = 0
        self.total = 0
        self.depth = 0
        self.flow = 0
        self.odd = tracked
        self.anchors: dict[str, tuple[Any, int]] = {}
        self.words: dict[str, Any] = {}
        self.next: Callable[[], Any] = _no_events

    def documents(self) -> tuple[Document, ...]:
        if len(self.text) > MAX_BYTES:
            raise errors.ConfigError(
                f"the file has {len(self.text)} bytes, more than the {MAX_BYTES} allowed",
                location=Location(self.file),
                hint="split it into several files",
            )
        try:
            self.next = yaml.CBaseLoader(self._checked()).get_event
            return tuple(self._documents())
        except yaml.MarkedYAMLError as error:
            raise self._broken(error) from error
        except yaml.reader.ReaderError as error:
            raise self._unreadable(error) from error

    def _checked(self) -> bytes:
        try:
            self.text.decode("utf-8")
        except UnicodeDecodeError as error:
            line = self.text.count(b"\n", 0, error.start) + 1
            raise errors.ConfigError(
                "the file is not UTF-8 text",
                cause=f"byte 0x{self.text[error.start]:02x}",
                location=Location(self.file, line, 1),
            ) from error
        return self.text

    def _documents(self) -> list[Document]:
        found: list[Document] = []
        while True:
            event = self.next()
            kind = event.__class__
            if kind is _STREAM_END:
                return found
            if kind is not _DOCUMENT_START:
                continue
            if self.dialect is Dialect.MANIFEST and (event.version or event.tags):
                self._refuse(event, "a manifest has no %YAML or %TAG directive", "leave the line out")
            self.total += self.nodes
            self.nodes, self.anchors, self.odd, self.unquoted = 0, {}, self.tracked, False
            event = self.next()
            if len(found) >= MAX_DOCUMENTS or self.total > MAX_FILE_NODES:
                self._refuse(event, f"the file has more than {MAX_DOCUMENTS} documents or {MAX_FILE_NODES} values", "")
            mark = event.start_mark
            value = self._node(event)
            if not scalars.is_null(value) or self.dialect is Dialect.CONFIG:
                start = Location(self.file, mark.line + 1, mark.column + 1)
                about = (self.odd, self.dialect, self.nodes, self.unquoted)
                found.append(Document(value, start, self.text, len(found), *about))

    def _node(self, event: Any) -> Any:
        self.nodes += 1
        if self.nodes > MAX_NODES:
            self._refuse(event, f"the document has more than {MAX_NODES} values", "aliases count as often as used")
        kind = event.__class__
        if kind is _SCALAR:
            value = self._scalar(event)
            if event.anchor:
                self.anchors[event.anchor] = (value, 0)
            return value
        if kind is _ALIAS:
            return self._alias(event)
        self.depth += 1
        if self.depth > MAX_DEPTH:
            self._refuse(event, f"the document nests deeper than {MAX_DEPTH} levels", "")
        self.flow += event.flow_style
        value = self._mapping(event) if kind is _MAPPING else self._sequence(event)
        self.flow -= event.flow_style
        self.depth -= 1
        if event.anchor:
            self.anchors[event.anchor] = (value, 0)
        return value

    def _sequence(self, start: Any) -> Any:
        result: Any = Items() if self.tracked else []
        if self.tracked:
            result.at = self._at(start)
        while True:
            event = self.next()
            if event.__class__ is _SEQUENCE_END:
                return result
            result.append(self._node(event))

    def _mapping(self, start: Any) -> Any:
        result: Any = Map() if self.tracked else {}
        if self.tracked:
            result.at = self._at(start)
        merges: list[Any] = []
        while True:
            event = self.next()
            if event.__class__ is _MAPPING_END:
                return self._merged(result, merges) if merges else result
            key = self._key(event)
            if key is _MERGE and not event.style:
                merges.append((event, self._node(self.next())))
                continue
            if self.unique and key in result:
                self._refuse(event, f"the key {str(key)!r} is there twice", "")
            value = self._node(self.next())
            if self.tracked and value.__class__ is not Text:
                value = self._placed(value, event)
            result[key] = value

    def _key(self, event: Any) -> Any:
        if event.__class__ is not _SCALAR:
            self._refuse(event, "a key must be a string, not a mapping, a list or an alias", "")
        if event.tag is None:
            if event.style:
                return event.value
            key = self.words.get(event.value, _MISSING)
            if key is _MISSING:
                key = self._plain(event)
            if key.__class__ is not str:
                return self._config_key(event, key) if self.dialect is Dialect.CONFIG else self._odd_key(event)
            return _MERGE if key == _MERGE else key
        return event.value if self.dialect is Dialect.CONFIG or event.tag in _STRINGS else self._odd_key(event)

    def _odd_key(self, event: Any) -> str:
        if not self.lenient:
            self._refuse(event, f"the key {event.value!r} is not a string", "put it in quotes")
        self.odd = self.unquoted = True
        return Unquoted(event.value, self._at(event))

    def _config_key(self, event: Any, key: Any) -> str:
        value = scalars.plain(key)
        if value is None:
            self._refuse(event, "a key has no value", "put it in quotes")
        text = scalars.text_of(value)
        return text if isinstance(value, str) else Unquoted(text)

    def _merged(self, own: Any, merges: list[Any]) -> Any:
        if len(merges) > 1:
            self._refuse(merges[1][0], "a mapping can have only one merge key `<<`", "")
        event, value = merges[0]
        sources = value if isinstance(value, list) else [value]
        for source in sources:
            if not isinstance(source, dict):
                self._refuse(event, "the merge key `<<` takes a mapping or a list of mappings", "")
        for source in sources:
            for key, item in source.items():
                own.setdefault(key, copy(item))
        return own

    def _alias(self, event: Any) -> Any:
        value, count = self.anchors.get(event.anchor, (_MISSING, 0))
        if value is _MISSING:
            self._refuse(event, f"the alias *{event.anchor} refers to no anchor before it", "")
        if not count:
            # Weighed when it is first repeated: hardly any anchor of hardly any file is.
            count = _weight(value)
            self.anchors[event.anchor] = (value, count)
        self.nodes += count - 1
        if self.nodes > MAX_NODES:
            self._refuse(event, f"the document has more than {MAX_NODES} values", "aliases count as often as used")
        return copy(value)

    def _scalar(self, event: Any) -> Any:
        if not event.style and event.tag is None:
            value = self.words.get(event.value, _MISSING)
            if value is _MISSING:
                value = self._plain(event)
            if value.__class__ is Authored and self.flow:
                value = self._between_brackets(value)
        elif event.tag is None or event.tag == "!":
            value = event.value
        else:
            value = self._tagged(event)
        if self.tracked:
            return self._track(value, event)
        if isinstance(value, Authored):
            self.odd = True
        return value

    def _between_brackets(self, value: Authored) -> Any:
        """Kustomize quotes what has a colon, or nothing at all, between brackets, after which it is a string."""
        if value.text == "":
            return Blank() if self.dialect is Dialect.MANIFEST else value
        return value.text if ":" in value.text and is_string(value) else value

    def _plain(self, event: Any) -> Any:
        text = event.value
        try:
            value = self.words[text] = scalars.resolve(text, self.dialect)
        except ValueError:
            self._refuse(event, f"{text} is not a value Kubernetes can hold", "put it in quotes if it is a string")
        return value

    def _tagged(self, event: Any) -> Any:
        try:
            return scalars.tagged(event.tag, event.value, self.dialect)
        except ValueError:
            self._refuse(event, f"the value is not of the type its tag {event.tag} says", "")

    def _track(self, value: Any, event: Any) -> Any:
        at = self._at(event)
        if value.__class__ is str:
            text = Text(value)
            text.at, text.before, text.derived = at, None, False
            return text
        if isinstance(value, Authored):
            return value.__class__(value.text, value.value, at)
        return Authored(scalars.text_of(value), value, at)

    def _placed(self, value: Any, key: Any) -> Any:
        """A container, and an empty value, stands where its key stands: that is the line a person looks for."""
        if value.__class__ is not Authored or value.text == "":
            value.at = self._at(key)
        return value

    def _at(self, event: Any) -> Location:
        mark = event.start_mark
        return _new(Location, (self.file, mark.line + 1, mark.column + 1))

    def _refuse(self, event: Any, message: str, hint: str) -> None:
        raise errors.ConfigError(message, location=self._at(event), hint=hint)

    def _broken(self, error: yaml.MarkedYAMLError) -> errors.ConfigError:
        mark = error.problem_mark or error.context_mark
        where = Location(self.file, mark.line + 1, mark.column + 1) if mark else Location(self.file)
        return errors.ConfigError("the YAML is broken", cause=error.problem or error.context or "", location=where)

    def _unreadable(self, error: yaml.reader.ReaderError) -> errors.ConfigError:
        text = self.text.decode("utf-8")
        line = text.count("\n", 0, error.position) + 1
        return errors.ConfigError("the YAML is broken", cause=str(error.reason), location=Location(self.file, line, 1))


def _weight(value: Any) -> int:
    """Values in a value, itself included, and one more for each `TEXT_WEIGHT` characters."""
    if isinstance(value, dict):
        return 1 + sum(len(key) // TEXT_WEIGHT + _weight(item) for key, item in value.items())
    if isinstance(value, list):
        return 1 + sum(map(_weight, value))
    return 1 + len(scalars.text_of(value)) // TEXT_WEIGHT
