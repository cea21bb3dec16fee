"""One object of ours on its way into a file: ordered fields, comments, and the positions they came from."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from gitops import api, yaml
from gitops.api import schemas
from gitops.location import Location
from gitops.objects import Manifest
from gitops.yaml.reader import nearest


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """One field of the spec and what a reader should know about it (lines)."""

    key: str
    value: Any
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """An object of ours; values of sections may carry positions in the values file."""

    kind: str
    name: str
    words: tuple[str, ...]
    sections: tuple[Section, ...]

    def manifest(self, namespace: str = "") -> Manifest:
        """The object as plain data."""
        metadata = {"name": self.name, **({"namespace": namespace} if namespace else {})}
        spec = {section.key: yaml.plain(section.value) for section in self.sections}
        return {"apiVersion": api.API_VERSION, "kind": self.kind, "metadata": metadata, "spec": spec}

    def locate(self, pointer: str) -> Location | None:
        """Where in the values file a field of this object comes from; None if it comes from nowhere there."""
        return nearest({"spec": {section.key: section.value for section in self.sections}}, pointer)

    def text(self, namespace: str = "") -> str:
        """The object as YAML."""
        head = self.manifest(namespace)
        lines = [
            schemas.editor_line(self.kind),
            *comment(self.words),
            f"apiVersion: {head['apiVersion']}",
            f"kind: {self.kind}",
        ]
        lines += [*_block("metadata", head["metadata"]), "spec:"]
        for section in self.sections:
            body = [*comment(section.words), *_block(section.key, yaml.plain(section.value))]
            lines += [f"  {line}" if line else line for line in body]
        return "\n".join(lines) + "\n"


def comment(words: Iterable[str]) -> list[str]:
    """Lines as comments; nothing in a value can leave the comment."""
    return ["# " + "".join(char if char.isprintable() else " " for char in line) for line in words]


def _block(key: str, value: Any) -> list[str]:
    return yaml.dump_all([{key: value}]).removesuffix("\n").split("\n")
