"""Every scalar of a file as it is spelled, with its place and extent: what linting and careful edits need.

The reader says what a file means and stops at the first thing it refuses; this says what is written, duplicate keys
included, up to the first place that is no YAML at all.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import yaml

from gitops.location import Location

MAX_BYTES = 8 * 1024 * 1024
"""Larger files are not looked into; the reader refuses them by name."""
_HEADER = frozenset({"/apiVersion", "/kind"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Scalar:
    """A value that is no mapping and no list.

    `pointer` is its JSON Pointer within document `document` (from 0); `start` and `end` count characters from the
    beginning of the file. `plain`: written without quotes, block indicators and tags. `anchored`: it, or something it
    is in, has an anchor, so that it may stand in other places too.
    """

    document: int
    pointer: str
    text: str
    plain: bool
    at: Location
    start: int
    end: int
    anchored: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Duplicate:
    """A key that a mapping has already; `first` is where."""

    key: str
    pointer: str
    at: Location
    first: Location


@dataclass(frozen=True, slots=True, kw_only=True)
class Scan:
    """One file. `headers` are apiVersion and kind of each document that is not empty; "" where it has none.

    `lengths` are the characters of keys and of values that fit on a line, by the place where they begin; `keys` leads
    from a value's place to that of its key.
    """

    file: str
    scalars: tuple[Scalar, ...] = ()
    duplicates: tuple[Duplicate, ...] = ()
    headers: tuple[tuple[str, str], ...] = ()
    lengths: Mapping[Location, int] = field(default_factory=dict)
    keys: Mapping[Location, Location] = field(default_factory=dict)


@dataclass(slots=True)
class _Frame:
    """A container that is open. In a mapping `key` is the one whose value comes next."""

    pointer: str
    mapping: bool
    anchored: bool
    key: str | None = None
    key_at: Location | None = None
    index: int = 0
    seen: dict[str, Location] = field(default_factory=dict)


class _Scanner:
    def __init__(self, text: bytes, file: str) -> None:
        self.text = text
        self.file = file
        self.scalars: list[Scalar] = []
        self.duplicates: list[Duplicate] = []
        self.headers: list[dict[str, str]] = []
        self.frames: list[_Frame] = []
        self.document = -1
        self.lengths: dict[Location, int] = {}
        self.keys: dict[Location, Location] = {}

    def run(self) -> Scan:
        try:
            for event in self._events():
                self._take(event)
        except (yaml.YAMLError, UnicodeDecodeError):
            # The reader says what is wrong; everything before that place was seen.
            pass
        return Scan(
            file=self.file,
            scalars=tuple(self.scalars),
            duplicates=tuple(self.duplicates),
            lengths=self.lengths,
            keys=self.keys,
            headers=tuple((one.get("/apiVersion", ""), one.get("/kind", "")) for one in self.headers),
        )

    def _events(self) -> Iterator[Any]:
        loader = yaml.CBaseLoader(self.text.decode("utf-8").removeprefix("\ufeff"))
        while not isinstance(event := loader.get_event(), yaml.StreamEndEvent):
            yield event

    def _take(self, event: Any) -> None:
        match event:
            case yaml.DocumentStartEvent():
                self.document += 1
                self.headers.append({})
                self.frames = []
            case yaml.MappingStartEvent() | yaml.SequenceStartEvent():
                pointer = self._place()
                mapping = isinstance(event, yaml.MappingStartEvent)
                self.frames.append(_Frame(pointer, mapping, self._anchored(event)))
            case yaml.MappingEndEvent() | yaml.SequenceEndEvent():
                self.frames.pop()
            case yaml.ScalarEvent():
                self._scalar(event)
            case yaml.AliasEvent():
                self._place()

    def _scalar(self, event: Any) -> None:
        frame, at = self.frames[-1] if self.frames else None, self._at(event)
        if event.start_mark.line == event.end_mark.line:
            self.lengths[at] = event.end_mark.index - event.start_mark.index
        if frame is not None and frame.mapping and frame.key is None:
            self._key(frame, event.value, at)
            return
        if frame is not None and frame.key_at is not None:
            self.keys[at] = frame.key_at
        pointer = self._place()
        if pointer in _HEADER:
            self.headers[-1].setdefault(pointer, event.value)
        self.scalars.append(
            Scalar(
                document=self.document,
                pointer=pointer,
                text=event.value,
                plain=not event.style and event.tag is None,
                at=at,
                start=event.start_mark.index,
                end=event.end_mark.index,
                anchored=self._anchored(event),
            )
        )

    def _anchored(self, event: Any) -> bool:
        return event.anchor is not None or bool(self.frames and self.frames[-1].anchored)

    def _key(self, frame: _Frame, key: str, at: Location) -> None:
        frame.key, frame.key_at = key, at
        first = frame.seen.setdefault(key, at)
        if first is not at and key != "<<":
            self.duplicates.append(Duplicate(key=key, pointer=_below(frame.pointer, key), at=at, first=first))

    def _place(self) -> str:
        """The pointer of the value that begins here; its container moves on to the next."""
        if not self.frames:
            return ""
        frame = self.frames[-1]
        if not frame.mapping:
            frame.index += 1
            return f"{frame.pointer}/{frame.index - 1}"
        if frame.key is None:
            # A mapping, a list or an alias as a key: the reader refuses it.
            frame.key = ""
            return f"{frame.pointer}/"
        key, frame.key = frame.key, None
        return _below(frame.pointer, key)

    def _at(self, event: Any) -> Location:
        mark = event.start_mark
        return Location(self.file, mark.line + 1, mark.column + 1)


def _below(pointer: str, key: str) -> str:
    return f"{pointer}/{key.replace('~', '~0').replace('/', '~1')}"


def scan(text: bytes, file: str) -> Scan:
    """What is written in a file; nothing is refused, and what follows a syntax error is not seen."""
    if len(text) > MAX_BYTES:
        return Scan(file=file)
    return _Scanner(text, file).run()
