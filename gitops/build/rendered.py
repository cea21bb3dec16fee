"""The result of a build, and where each of its values comes from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from gitops import errors
from gitops.build import target
from gitops.build.context import Context
from gitops.build.files import Files
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.objects import Manifest, ref_of
from gitops.ref import ResourceRef
from gitops.source.tree import Tree
from gitops.yaml import plain
from gitops.yaml.reader import nearest


class Replay:
    """A build that can be done again with positions recorded: the price of knowing is paid by who asks."""

    __slots__ = ("_resources", "path", "tree")

    def __init__(self, tree: Tree, path: str, resources: list[Resource] | None = None) -> None:
        self.tree = tree
        self.path = path
        self._resources = resources

    def data(self, index: int) -> Any:
        """The object at a place in the output, every value with its position."""
        if self._resources is None:
            self._resources = target.build(Context(Files(self.tree), tracking=True), self.path)
        return self._resources[index].data


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """What `locate` needs to find the positions of one object's values."""

    replay: Replay
    index: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Rendered:
    """One object of a build, and who it is; `origin` is where it, or the generator entry that made it, starts.

    `names` are those it had before prefixes, suffixes and hashes.
    """

    manifest: Manifest
    ref: ResourceRef
    origin: Location
    source: Source
    names: frozenset[str] = frozenset()

    @property
    def annotations(self) -> Mapping[str, Any]:
        """Its annotations; none, if what is written there is no mapping."""
        found = (self.manifest.get("metadata") or {}).get("annotations")
        return found if isinstance(found, dict) else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Build:
    """The objects in kustomize's output order, and every file that was read."""

    objects: tuple[Rendered, ...]
    files: tuple[str, ...]


def build(tree: Tree, path: str, *, tracking: bool = False) -> Build:
    """Build the kustomization in the directory `path` (empty: the root).

    With `tracking` the positions of all values are recorded at once, for a fifth of the time more: `locate` needs no
    second build then.

    Raises:
        BuildError: a file is wrong, missing or refused; its location says which.
        ConfigError: a manifest is no valid YAML.
        SeveralErrors: more than one field of a kustomization is wrong.
    """
    context = Context(Files(tree), tracking=tracking)
    folder = context.files.resolve("", path, lambda: Location(path))
    resources = _built(context, folder)
    _refuse_encrypted(resources)
    _refuse_shapeless(resources)
    replay = Replay(tree, folder, resources if tracking else None)
    manifests = (plain(resource.data) if context.odd else resource.data for resource in resources)
    objects = tuple(
        Rendered(
            manifest=manifest,
            ref=ref_of(manifest),
            origin=resource.start,
            source=Source(replay=replay, index=index),
            names=frozenset([name for name, _, _ in resource.previous]),
        )
        for index, (resource, manifest) in enumerate(zip(resources, manifests, strict=True))
    )
    return Build(objects=objects, files=context.files.seen)


def _built(context: Context, folder: str) -> list[Resource]:
    """The objects of a folder, or what this process cannot hold, by name."""
    try:
        return target.build(context, folder)
    except MemoryError:
        why = "needs more memory than this process may have"
    except RecursionError:
        why = "nests far too deeply"
    # Raised out here, where the frames that hold all that memory are gone.
    files = context.files.seen
    raise errors.BuildError(
        f"what is built {why}",
        cause=f"it was last at {files[-1]}" if files else "",
        hint="build the folders one by one",
        location=Location(folder or "."),
    )


def tracked(rendered: Rendered) -> Any:
    """The object again, every value with its position and the values it replaced."""
    return rendered.source.replay.data(rendered.source.index)


def _refuse_encrypted(resources: list[Resource]) -> None:
    for resource in resources:
        if "sops" in resource.data:
            raise errors.BuildError(
                f"{resource.kind} {resource.name} is encrypted with SOPS, which is not decrypted here",
                hint="create it in the cluster by other means and refer to it by name",
                location=resource.start,
            )


def _refuse_shapeless(resources: list[Resource]) -> None:
    """Kustomize passes these on; nothing after the build could say what object it is."""
    for resource in resources:
        metadata = resource.data.get("metadata")
        inner = metadata if isinstance(metadata, dict) else {"name": metadata}
        stated = [resource.data.get("apiVersion"), resource.data.get("kind"), inner.get("name"), inner.get("namespace")]
        if any(isinstance(one, dict | list) for one in stated):
            raise errors.BuildError(
                "apiVersion, kind, metadata.name and metadata.namespace of an object must be text",
                location=resource.start,
            )


def locate(rendered: Rendered, pointer: str) -> Location | None:
    """Where the value at a JSON pointer was written, or the nearest thing around it; None for an empty object.

    The first call for any object of a build does the build again with positions: use it for reports, not in loops
    over builds.
    """
    return nearest(tracked(rendered), pointer) or rendered.origin
