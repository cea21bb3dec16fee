"""Writing a pool's new resources into the overlay that says them: comments, order and quotes stay."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops import api, build, errors, yaml
from gitops.build.rendered import Rendered
from gitops.source import Tree
from gitops.yaml import roundtrip

KUSTOMIZATION = "kustomization.yaml"
Changes = Mapping[tuple[str, ...], str]


def files(tree: Tree, overlay: str, pool: str, changes: Changes) -> dict[str, bytes]:
    """The files of the overlay, by path, with these values below the pool's `spec`.

    The overlay's own file about the pool if it has one, be it the pool itself or a patch; else a new patch, so that
    other overlays of the same base stay as they are.

    Raises:
        ConfigError: the overlay has no such pool, or no kustomization of its own to add a patch to.
    """
    found = _rendered(tree, overlay, pool)
    name = _authored(tree, found, pool)
    path = _file(tree, overlay, name)
    if path is not None:
        content = tree.read(path)
        for below, value in changes.items():
            content = roundtrip.put(content, ["spec", *below], value, file=path)
        return {path: content}
    kustomization = _below(overlay, KUSTOMIZATION)
    if KUSTOMIZATION not in tree.names(overlay):
        raise errors.ConfigError(f"{overlay or '.'} has no {KUSTOMIZATION}", hint="name the overlay's directory")
    patch = f"pool-{name}-resources.yaml"
    head = {"apiVersion": api.API_VERSION, "kind": "WorkerPool", "metadata": {"name": name}}
    listed = roundtrip.append(tree.read(kustomization), ["patches"], {"path": patch}, file=kustomization)
    return {kustomization: listed, _below(overlay, patch): yaml.dump_all([{**head, "spec": _nested(changes)}]).encode()}


def check(tree: Tree, overlay: str, pool: str, changes: Changes) -> None:
    """Build the edited tree and look whether the pool says what was meant.

    Raises:
        ConfigError: something later in the build says otherwise.
    """
    manifest = _rendered(tree, overlay, pool).manifest
    for below, wanted in changes.items():
        value: object = manifest["spec"]
        for key in below:
            value = value.get(key) if isinstance(value, dict) else None
        if str(value) != wanted:
            field = ".".join(("spec", *below))
            raise errors.ConfigError(
                f"{field} of pool {pool} cannot be set in {overlay or '.'}",
                cause=f"it is {value} after the change, not {wanted}: a patch or a replacement sets it later",
                hint=f"gitops trace {overlay or '.'} workerpool/{pool} .{field}",
            )


def _rendered(tree: Tree, overlay: str, pool: str) -> Rendered:
    for one in build.build(tree, overlay).objects:
        if _is_pool(one.manifest) and one.manifest["metadata"]["name"] == pool:
            return one
    raise errors.ConfigError(f"{overlay or '.'} builds no WorkerPool {pool}", hint="is it the pool's overlay?")


def _authored(tree: Tree, found: Rendered, pool: str) -> str:
    """The name in the file: prefixes and suffixes come later."""
    inside = [one.value for one in yaml.load_all(tree.read(found.origin.file), found.origin.file)]
    names = [one["metadata"]["name"] for one in inside if _is_pool(one)]
    return max((name for name in names if name in pool), key=len, default=pool)


def _file(tree: Tree, overlay: str, name: str) -> str | None:
    for entry in tree.names(overlay):
        path = _below(overlay, entry)
        if not entry.endswith((".yaml", ".yml")) or entry == KUSTOMIZATION:
            continue
        try:
            documents = [one.value for one in yaml.load_all(tree.read(path), path)]
        except errors.ConfigError:
            continue
        if len(documents) == 1 and _is_pool(documents[0]) and documents[0]["metadata"]["name"] == name:
            return path
    return None


def _is_pool(value: Any) -> bool:
    return isinstance(value, dict) and (value.get("apiVersion"), value.get("kind")) == (api.API_VERSION, "WorkerPool")


def _below(overlay: str, name: str) -> str:
    return f"{overlay}/{name}" if overlay else name


def _nested(changes: Changes) -> dict[str, object]:
    found: dict[str, object] = {}
    for below, value in changes.items():
        here = found
        for key in below[:-1]:
            here = here.setdefault(key, {})  # type: ignore[assignment]
        here[below[-1]] = value
    return found
