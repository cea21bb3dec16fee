"""`vars`: values of one object written into others as `$(NAME)` (deprecated in kustomize, still understood)."""

from __future__ import annotations

import functools
import re
from collections.abc import Mapping, Sequence
from typing import Any

from gitops import errors
from gitops.build import budget, fieldspec
from gitops.build.collection import Collection, Variable
from gitops.build.context import Context
from gitops.build.identity import Identity, gvk_of
from gitops.build.kustomization import Kustomization
from gitops.build.paths import lookup, split_field_path
from gitops.build.resource import Resource
from gitops.yaml.scalars import is_string, plain, text_of

_REFERENCE = re.compile(r"\$(?:\$|\((?P<name>[^)]*)\))", re.DOTALL)
_DEFAULT_PATH = "metadata.name"


def declare(kustomization: Kustomization, collection: Collection, context: Context) -> None:
    """Add the `vars` of a kustomization, and bind each to the object it names as the objects are now.

    Raises:
        BuildError: a name is taken, or several objects match.
    """
    for i, entry in enumerate(kustomization.entries("vars")):
        variable = Variable(entry, kustomization, f"/vars/{i}")
        name = entry.get("name", "")
        found = _bound(entry.get("objref") or {}, collection)
        context.budget.spend(budget.PARSED + len(found), kustomization.where(f"/vars/{i}"), "to bind variables")
        if len(found) > 1:
            raise errors.BuildError(
                f"the variable {name} could refer to {len(found)} objects", location=kustomization.at(f"/vars/{i}")
            )
        for resource in found:
            resource.variables = (*resource.variables, name)
        collection.declare(name, variable)


def _bound(ref: dict[str, str], collection: Collection) -> list[Resource]:
    wanted = _wanted(ref)
    exact = bool(wanted.namespace) or wanted.gvk.cluster_scoped
    return [
        resource
        for resource in collection.named(wanted.name)
        if any(
            known.key == wanted.key if exact else (known.name, known.gvk) == (wanted.name, wanted.gvk)
            for known in (*resource.previous_identities, resource.identity)
        )
    ]


def _wanted(ref: dict[str, str]) -> Identity:
    version = ref.get("apiVersion", "")
    gvk = gvk_of(version or ref.get("version", ""), ref.get("kind", ""))
    if not version or "/" not in version:
        gvk = gvk._replace(group=ref.get("group", ""))
    return Identity(gvk, ref.get("name", ""), ref.get("namespace", ""))


def resolve(collection: Collection, context: Context) -> None:
    """Replace every `$(NAME)` in the fields that may hold one.

    Raises:
        BuildError: a variable has no value, or a list that may hold variables holds something else than strings.
    """
    if not collection.variables:
        return
    bearers: dict[str, list[Resource]] = {}
    for resource in collection.resources:
        for name in resource.variables:
            bearers.setdefault(name, []).append(resource)
    values = {name: _value(name, variable, bearers) for name, variable in sorted(collection.variables.items())}
    writer = _Writer(values, collection, context)
    looks = budget.places(budget.kinds(collection.resources), collection.config.var_reference)
    first = next(iter(collection.variables.values()))
    where = first.source.where(first.pointer)
    pay = functools.partial(context.budget.spend, at=where, what="to look for references to variables")
    pay(budget.FOLLOWED * looks)
    for resource in collection.resources:
        for spec in collection.config.var_reference.of(resource.gvk):
            fieldspec.change(resource, spec, functools.partial(writer.edit, resource=resource, path=spec.path), pay)


def _value(name: str, variable: Variable, bearers: Mapping[str, Sequence[Resource]]) -> Any:
    path = (variable.entry.get("fieldref") or {}).get("fieldPath") or _DEFAULT_PATH
    at = variable.source.where(variable.pointer)
    for resource in bearers.get(name, ()):
        if resource.data:
            found = lookup(resource.data, split_field_path(str(path)))
            if found is None:
                raise errors.BuildError(f"the variable {name}: {resource.identity} has no field {path}", location=at())
            return plain(found)
    raise errors.BuildError(
        f"the variable {name} refers to no object of this build",
        hint="objref needs the kind, apiVersion and name of an object here",
        location=at(),
    )


class _Writer:
    """Puts values in the place of references."""

    def __init__(self, values: Mapping[str, Any], collection: Collection, context: Context) -> None:
        self.values = values
        self.marks = {name: context.mark(v.source, v.pointer) for name, v in collection.variables.items()}
        self.longest = max((len(text_of(value)) for value in values.values()), default=0)
        self.budget = context.budget

    def edit(self, old: Any, resource: Resource, path: str) -> Any:
        """What stands at `path`, with the references in it replaced; a mapping or list is changed where it is."""
        if isinstance(old, dict):
            for key, value in old.items():
                if is_string(value):
                    old[key] = self._replaced(value, resource)
                    resource.spread(old, key)
            return old
        if isinstance(old, list):
            for i, item in enumerate(old):
                if not is_string(item):
                    raise errors.BuildError(
                        f"{path} of {resource.identity} may hold variables, so all its items must be strings",
                        cause=f"item {i} is none",
                        location=resource.start,
                    )
                old[i] = self._replaced(item, resource)
            return old
        return self._replaced(old, resource) if is_string(old) else old

    def _replaced(self, old: Any, resource: Resource) -> Any:
        """The string with its references replaced; a string that is one reference takes the value's type."""
        text = text_of(old)
        if "$" not in text:
            return old
        references = text.count("$(")
        written = len(text) + references * self.longest
        self.budget.spend(
            references + written // budget.CHARACTERS, lambda: resource.start, "to write the values of variables"
        )
        whole = _REFERENCE.fullmatch(text)
        if whole and whole["name"] in self.values and not isinstance(self.values[whole["name"]], dict | list):
            return self.marks[whole["name"]](self.values[whole["name"]], old)
        used: list[str] = []

        def one(found: re.Match[str]) -> str:
            name = found["name"]
            if name is None:
                return "$"
            if name not in self.values or isinstance(self.values[name], dict | list):
                return f"$({name})"
            used.append(name)
            return text_of(self.values[name])

        changed = _REFERENCE.sub(one, text)
        if changed == text:
            return old
        return self.marks[used[0]](changed, old) if used else changed
