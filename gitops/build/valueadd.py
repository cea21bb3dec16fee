"""`ValueAddTransformer`: one value written into many fields, or put among the parts of the path a field holds.

The rules are kustomize's (api/filters/valueadd): no list is entered, and what is written has the type of its spelling.
"""

from __future__ import annotations

import functools
from typing import Any

from gitops import errors
from gitops.build import budget, fieldspec, patch, transform
from gitops.build.collection import Collection
from gitops.build.fieldspec import FieldSpecs
from gitops.build.kustomization import checked_file
from gitops.build.plugin import VALUE_TARGETS, Plugin
from gitops.build.resource import Resource
from gitops.yaml.scalars import Dialect, plain, resolve, text_of

_NAMESPACE = "metadata/namespace"


def run(plugin: Plugin, collection: Collection) -> None:
    """Write the value.

    Raises:
        BuildError: there is no value or target, or a target leads nowhere.
    """
    if isinstance(plugin.settings.get("value"), dict | list):
        raise errors.BuildError("the value of a ValueAddTransformer must be a single value", location=plugin.at())
    # Without a value kustomize writes the name of the folder.
    value = text_of(plugin.settings.get("value") or "") or plugin.kustomization.folder.rpartition("/")[2]
    targets = _targets(plugin)
    if not value or not targets:
        raise errors.BuildError("ValueAddTransformer needs a value and at least one target", location=plugin.at())
    for target in targets:
        path, position = target.get("fieldPath") or "", target.get("filePathPosition") or 0
        if not path or position < 0:
            raise errors.BuildError(
                "a target of a ValueAddTransformer needs a fieldPath, and no negative filePathPosition",
                location=plugin.at(),
            )
        for resource in patch.select(collection, target.get("selector") or {}, plugin.at, plugin.context):
            plugin.pay(budget.text_steps(value))
            if path == _NAMESPACE:
                # kustomize hands this one to the transformer of namespaces, positions or not.
                transform.set_namespace(resource, value, FieldSpecs(), plugin.mark, plugin.pay)
                continue
            _refuse_lists(resource, path, plugin)
            edit = functools.partial(_edited, part=value, position=position, plugin=plugin)
            fieldspec.change(resource, fieldspec.FieldSpec(path, create=True), edit, plugin.pay, str)


def _targets(plugin: Plugin) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = list(plugin.settings.get("targets") or ())
    path = plugin.settings.get("targetFilePath")
    if path:
        files = plugin.context.files
        file = files.resolve_file(plugin.kustomization.folder, str(path), plugin.at)
        checked = checked_file(file, files.read(file, plugin.at), {"targets": VALUE_TARGETS}, what=plugin.kind)
        found += checked.data.get("targets") or ()
    return found


def _refuse_lists(resource: Resource, path: str, plugin: Plugin) -> None:
    node: Any = resource.data
    for part in fieldspec.split(path):
        node = node.get(part) if isinstance(node, dict) else node
        if isinstance(node, list):
            break
    if isinstance(node, dict | list):
        raise errors.BuildError(
            f"ValueAddTransformer: {path} of {resource.identity} leads through a list, or to no single value",
            location=plugin.at(),
        )


def _edited(old: Any, part: str, position: int, plugin: Plugin) -> Any:
    """The value alone or, at a position from 1, among the parts of the path that is there."""
    text = text_of(old)
    plugin.pay(budget.text_steps(text))
    if position and text:
        root = "/" if text.startswith("/") else ""
        parts = text.removeprefix("/").split("/")
        parts.insert(min(position - 1, len(parts)), part)
        part = root + "/".join(parts)
    return plugin.mark(plain(resolve(part, Dialect.MANIFEST)), old)
