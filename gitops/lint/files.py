"""Which files a look at a folder takes in: what its kustomizations name, or simply what lies there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitops import errors
from gitops.build.files import MAX_FILES, Files
from gitops.build.kustomization import FILE_NAMES
from gitops.location import Location
from gitops.source.tree import EntryKind, Tree
from gitops.yaml import load_config, plain


class Role(StrEnum):
    """What a file is for: its scalars and its objects are judged by it."""

    RESOURCE = "resource"
    PATCH = "patch"
    KUSTOMIZATION = "kustomization"
    OTHER = "other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Survey:
    """`folders` are the kustomizations to build; `files` everything they reach, or the YAML files that stand alone."""

    folders: tuple[str, ...]
    files: Mapping[str, Role]


_YAML = (".yaml", ".yml")
_LISTS = {
    "resources": Role.RESOURCE,
    "bases": Role.RESOURCE,
    "components": Role.RESOURCE,
    "patchesStrategicMerge": Role.PATCH,
    "configurations": Role.OTHER,
    "transformers": Role.OTHER,
    "generators": Role.OTHER,
}
_ENTRIES = {"patches": Role.PATCH, "patchesJson6902": Role.OTHER, "replacements": Role.OTHER}


def survey(tree: Tree, path: str) -> Survey:
    """What to look at for `path`: its kustomization; else those below that no other one uses; else all YAML below."""
    if _kustomization(tree, path):
        return Survey(folders=(path,), files=_reached(tree, [path]))
    below = sorted(_below(tree, path))
    folders = [folder for folder, name in map(_split, below) if name in FILE_NAMES and _is_buildable(tree, folder)]
    if not folders:
        return Survey(folders=(), files={name: Role.RESOURCE for name in below if name.endswith(_YAML)})
    used = {folder for other in folders for folder in _folders_of(tree, other)}
    roots = [folder for folder in folders if folder not in used]
    return Survey(folders=tuple(roots), files=_reached(tree, folders))


def _split(path: str) -> tuple[str, str]:
    folder, _, name = path.rpartition("/")
    return folder, name


def _below(tree: Tree, path: str) -> Iterator[str]:
    """Every file below a folder; hidden folders are not entered."""
    pending, count = [path], 0
    while pending:
        folder = pending.pop()
        for name in tree.names(folder):
            found = f"{folder}/{name}" if folder else name
            kind = tree.kind(found)
            if kind is EntryKind.DIRECTORY and not name.startswith("."):
                pending.append(found)
            elif kind is EntryKind.FILE:
                count += 1
                if count > MAX_FILES:
                    return
                yield found


def _kustomization(tree: Tree, folder: str) -> str:
    prefix = f"{folder}/" if folder else ""
    return next((prefix + name for name in FILE_NAMES if tree.kind(prefix + name) is EntryKind.FILE), "")


def _data(tree: Tree, path: str) -> dict[str, Any]:
    """A kustomization as far as it can be read; nothing, if it cannot: the build says why."""
    try:
        documents = load_config(tree.read(path), path)
    except errors.ConfigError:
        return {}
    value = plain(documents[0].value) if documents else {}
    return value if isinstance(value, dict) else {}


def _is_buildable(tree: Tree, folder: str) -> bool:
    return _data(tree, _kustomization(tree, folder)).get("kind") != "Component"


def _named(data: Mapping[str, Any]) -> Iterator[tuple[str, Role]]:
    """The paths a kustomization names."""
    for field, role in _LISTS.items():
        for entry in _list(data.get(field)):
            if isinstance(entry, str) and "\n" not in entry:
                yield entry, role
    for field, role in _ENTRIES.items():
        for entry in _list(data.get(field)):
            if isinstance(entry, dict) and isinstance(entry.get("path"), str):
                yield entry["path"], role


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _places(tree: Tree, folder: str) -> Iterator[tuple[str, Role]]:
    """What a kustomization names, as paths from the root; what leads elsewhere is left to the build."""
    files = Files(tree)
    for entry, role in _named(_data(tree, _kustomization(tree, folder))):
        try:
            yield files.resolve(folder, entry, lambda: Location(folder)), role
        except errors.BuildError:
            continue


def _folders_of(tree: Tree, folder: str) -> set[str]:
    return {path for path, _ in _places(tree, folder) if tree.kind(path) is EntryKind.DIRECTORY}


def _reached(tree: Tree, folders: list[str]) -> dict[str, Role]:
    """Every file the kustomizations of the folders name, directly or through others."""
    found: dict[str, Role] = {}
    pending, seen = list(folders), set(folders)
    while pending and len(found) < MAX_FILES:
        folder = pending.pop(0)
        own = _kustomization(tree, folder)
        if not own:
            continue
        found[own] = Role.KUSTOMIZATION
        for path, role in _places(tree, folder):
            kind = tree.kind(path)
            if kind is EntryKind.DIRECTORY and path not in seen:
                seen.add(path)
                pending.append(path)
            elif kind is EntryKind.FILE:
                found.setdefault(path, role)
    return found
