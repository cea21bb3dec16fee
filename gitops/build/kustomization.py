"""Read one kustomization file: find it, check every field, keep where each stands."""

from __future__ import annotations

import functools
from contextlib import suppress
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from gitops import errors
from gitops.build import shapes
from gitops.build.files import MAX_FILES, Files, Where
from gitops.location import Location
from gitops.source.tree import EntryKind
from gitops.yaml import load_config
from gitops.yaml.reader import nearest

MAX_ENTRIES = 2_000
"""Entries of one list of a kustomization; more is a mistake or an attack."""

MAX_PROBLEMS = 100
"""Mistakes looked for in one file."""

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
"""The names a kustomization file can have, as kustomize looks for them."""

COMPONENT = "Component"
_KINDS = {
    "Kustomization": "kustomize.config.k8s.io/v1beta1",
    COMPONENT: "kustomize.config.k8s.io/v1alpha1",
}
_HELM = ("helmCharts", "helmChartInflationGenerator")


@dataclass(frozen=True, kw_only=True, eq=False)
class ConfigFile:
    """A checked file in kustomize's configuration dialect, whose fields know their positions."""

    path: str
    text: bytes
    data: dict[str, Any]

    def at(self, pointer: str) -> Location:
        """Where a field stands; the nearest thing around it if it is not written."""
        return nearest(self._tracked, pointer) or Location(self.path, 1, 1)

    def where(self, pointer: str) -> Where:
        """The position of a field for whoever may need it."""
        return functools.partial(self.at, pointer)

    @cached_property
    def _tracked(self) -> Any:
        documents = load_config(self.text, self.path, tracked=True)
        return documents[0].value if documents else {}


@dataclass(frozen=True, kw_only=True, eq=False)
class Kustomization(ConfigFile):
    """One kustomization: `data` has canonical field names, deprecated spellings folded into today's."""

    folder: str

    @property
    def is_component(self) -> bool:
        """Whether the file is of kind Component."""
        return bool(self.data.get("kind") == COMPONENT)

    def entries(self, field: str) -> list[Any]:
        """A list field; empty if it is not there."""
        found: list[Any] = self.data.get(field) or []
        return found

    def mapping(self, field: str) -> dict[str, Any]:
        """A mapping field; empty if it is not there."""
        found: dict[str, Any] = self.data.get(field) or {}
        return found

    def string(self, field: str) -> str:
        """A string field; empty if it is not there."""
        found: str = self.data.get(field) or ""
        return found


class _EnoughError(Exception):
    """So much is wrong that nobody needs the rest."""


def checked_file(
    path: str, text: bytes, shape: shapes.Shape, *, what: str, strict: bool = True, unique: bool = False
) -> ConfigFile:
    """A configuration file in a given shape; unknown fields are wrong if `strict`, duplicate keys if `unique`.

    Raises:
        BuildError: a field is unknown or of the wrong type; SeveralErrors if more than one.
    """
    documents = load_config(text, path, unique=unique)
    value = documents[0].value if documents else {}
    raw = ConfigFile(path=path, text=text, data={})
    problems: list[errors.BuildError] = []

    def report(pointer: str, message: str, hint: str) -> None:
        problems.append(errors.BuildError(f"{what}: {message}", hint=hint, location=raw.at(pointer)))
        if len(problems) == MAX_PROBLEMS:
            raise _EnoughError

    data = None
    with suppress(_EnoughError):
        data = shapes.checked(value, shape, report, strict=strict)
    if problems:
        raise problems[0] if len(problems) == 1 else errors.SeveralErrors(problems)
    return ConfigFile(path=path, text=text, data=data or {})


def read(files: Files, folder: str, at: Where) -> Kustomization:
    """The kustomization of a folder; `at` is the entry that names the folder.

    Raises:
        BuildError: there is none, there are several, or something in it is wrong.
    """
    prefix = f"{folder}/" if folder else ""
    kinds = {prefix + name: files.kind(prefix + name) for name in FILE_NAMES}
    found = [path for path, kind in kinds.items() if kind is EntryKind.FILE]
    if len(found) != 1:
        for link in (path for path, kind in kinds.items() if kind is EntryKind.SYMLINK and not found):
            raise files.missing(link, at, EntryKind.SYMLINK)
        where = folder or "the root of the repository"
        message = f"no kustomization file in {where}" if not found else f"several kustomization files in {where}"
        hint = "add a kustomization.yaml that lists its resources" if not found else f"keep one of {', '.join(found)}"
        raise errors.BuildError(message, hint=hint, location=at())
    path = found[0]
    text = files.read(path, at)
    checked = checked_file(path, text, shapes.KUSTOMIZATION, what="kustomization")
    kustomization = Kustomization(path=path, text=text, data=checked.data, folder=folder)
    _enforce(kustomization)
    _modernise(kustomization.data)
    return kustomization


def _enforce(kustomization: Kustomization) -> None:
    data = kustomization.data
    if not data.keys() - {"apiVersion", "kind"}:
        raise errors.BuildError(
            f"{kustomization.path} is empty",
            hint="list at least one resource, or leave the folder out",
            location=kustomization.at(""),
        )
    for field, entries in data.items():
        most = MAX_FILES if field in ("resources", "bases") else MAX_ENTRIES
        if isinstance(entries, list) and len(entries) > most:
            what = "patches" if field.startswith("patches") else f"entries of {field}"
            raise errors.BuildError(
                f"{len(entries)} {what} are more than the {most} a kustomization may have",
                location=kustomization.at(f"/{field}"),
            )
    kind = data.setdefault("kind", "Kustomization") or "Kustomization"
    if kind not in _KINDS:
        raise errors.BuildError(f"the kind must be {' or '.join(_KINDS)}", location=kustomization.at("/kind"))
    if data.get("apiVersion") and data["apiVersion"] != _KINDS[kind]:
        raise errors.BuildError(
            f"the apiVersion of a {kind} must be {_KINDS[kind]}", location=kustomization.at("/apiVersion")
        )
    for field in _HELM:
        if data.get(field):
            raise errors.BuildError(
                f"{field}: Helm charts are not inflated",
                hint="commit the output of `helm template` as a resource",
                location=kustomization.at(f"/{field}"),
            )


def _modernise(data: dict[str, Any]) -> None:
    """Fold deprecated spellings into the fields they became."""
    for old, new in (("bases", "resources"), ("imageTags", "images")):
        if data.get(old):
            data[new] = [*(data.get(new) or ()), *data.pop(old)]
    for field in ("configMapGenerator", "secretGenerator"):
        for entry in data.get(field) or ():
            if entry.get("env"):
                entry["envs"] = [*(entry.get("envs") or ()), entry.pop("env")]
