"""One kustomization after another: collect resources, generate, add components, transform, and so upwards.

The order of the steps is kustomize's (api/internal/target/kusttarget): a base is finished before its overlay
touches it; hashes, references and variables come last, once, at the top.
"""

from __future__ import annotations

from typing import Any

from gitops import errors
from gitops.build import config, load, metadata, order, pipeline, references, shapes
from gitops.build import kustomization as kustomizations
from gitops.build.collection import Collection
from gitops.build.context import Context
from gitops.build.files import Where
from gitops.build.kustomization import Kustomization
from gitops.build.resource import Resource
from gitops.location import Location
from gitops.merge.schema import SchemaError
from gitops.source.tree import EntryKind
from gitops.yaml import load_config, plain

MAX_DEPTH = 50
"""Kustomizations inside kustomizations."""

MAX_FOLDERS = 1_000
"""Folders one build enters, each time counted: bases that share bases double with each level."""

BUILTIN_VERSION = "v1.21.2"
"""The only version of the Kubernetes API's schema that kustomize has built in."""

_MERGED = 4
_READ = 40
"""Steps for one field spec of `configurations`: to merge it, again for each kustomization, and to read it."""

_LOCAL_CONFIG = "config.kubernetes.io/local-config"


class Target:
    """The build of one folder within a build."""

    def __init__(
        self, kustomization: Kustomization, context: Context, above: tuple[str, ...], origin: str | None
    ) -> None:
        self.kustomization = kustomization
        self.context = context
        self.above = (*above, kustomization.folder)
        self.origin = origin

    def accumulate(self, collection: Collection) -> Collection:
        """Add what this kustomization says to a collection.

        Raises:
            BuildError: it cannot be built.
        """
        kustomization = self.kustomization
        self._resources(collection, "resources", kustomization.entries("resources"))
        collection.merge_config(self._paid(self._configurations(), collection.config))
        if kustomization.entries("configMapGenerator") or kustomization.entries("secretGenerator"):
            from gitops.build import generate  # noqa: PLC0415  # a plain overlay need not wait for it

            generate.run(kustomization, collection, self.context, self.origin)
        self._plug(collection, "generators")
        collection = self._components(collection)
        pipeline.run(kustomization, collection, self.context, self.origin)
        self._plug(collection, "transformers")
        self._plug(collection, "validators")
        if kustomization.entries("vars"):
            from gitops.build import variables  # noqa: PLC0415  # deprecated, so mostly not needed

            variables.declare(kustomization, collection, self.context)
        return collection

    def _paid(self, extra: config.Config, known: config.Config) -> config.Config:
        """The configuration to add to another, for which the build has paid: each is sorted anew."""
        if extra is not config.DEFAULT:
            at = self.kustomization.where("/configurations")
            self.context.budget.spend(_MERGED * (len(extra) + len(known)), at, "to merge configurations")
        return extra

    def _plug(self, collection: Collection, field: str) -> None:
        """Run what `generators`, `transformers` or `validators` lists."""
        if self.kustomization.entries(field):
            from gitops.build import plugins  # noqa: PLC0415  # a plain overlay need not wait for it

            plugins.RUN[field](self, collection)

    def _resources(self, collection: Collection, field: str, paths: list[Any]) -> None:
        for i, path in enumerate(paths):
            self.resource(collection, str(path), self.kustomization.where(f"/{field}/{i}"))

    def resource(self, collection: Collection, path: str, at: Where) -> None:
        """Add one entry of `resources`: a file of manifests, or a folder with a kustomization."""
        files, folder = self.context.files, self.kustomization.folder
        found = files.resolve(folder, path, at)
        kind = files.kind(found)
        if kind is EntryKind.FILE:
            files.resolve_file(folder, path, at)
            resources = load.resources(files.read(found, at), found, self.context)
            metadata.set_file_origin(resources, self.origin, path)
            collection.append(resources)
        elif kind is EntryKind.DIRECTORY:
            below = self._folder(found, at, Collection(), path)
            self._paid(below.config, collection.config)
            collection.absorb(below)
        else:
            raise files.missing(found, at, kind)

    def _folder(
        self, folder: str, at: Where, collection: Collection, path: str, *, component: bool = False
    ) -> Collection:
        self._refuse_cycle(folder, at)
        kustomization = kustomizations.read(self.context.files, folder, at)
        if kustomization.is_component is not component:
            wanted = "a Component" if component else "no Component (list it under components)"
            raise errors.BuildError(f"{folder} must be {wanted}", location=at())
        kustomization.data["buildMetadata"] = self.kustomization.data.get("buildMetadata")
        choose_schema(kustomization, self.context, root=False)
        origin = None if self.origin is None else metadata.joined(self.origin, path)
        return Target(kustomization, self.context, self.above, origin).accumulate(collection)

    def _refuse_cycle(self, folder: str, at: Where) -> None:
        for visited in self.above:
            if visited == folder or not folder or visited.startswith(folder + "/"):
                name = folder or "the root of the repository"
                raise errors.BuildError(
                    f"{name} {'is' if visited == folder else f'contains {visited}, which is'} being built already:"
                    " this would never end",
                    cause=" -> ".join([*(name or "." for name in self.above), folder or "."]),
                    location=at(),
                )
        self.context.folders += 1
        if self.context.folders > MAX_FOLDERS:
            raise errors.BuildError(f"the build enters more than {MAX_FOLDERS} folders", location=at())
        if len(self.above) > MAX_DEPTH:
            raise errors.BuildError(f"kustomizations nest deeper than {MAX_DEPTH} levels", location=at())

    def _components(self, collection: Collection) -> Collection:
        files, folder = self.context.files, self.kustomization.folder
        for i, path in enumerate(self.kustomization.entries("components")):
            at = self.kustomization.where(f"/components/{i}")
            found = files.resolve(folder, str(path), at)
            kind = files.kind(found)
            if kind is EntryKind.FILE:
                raise errors.BuildError(f"{found} is a file where the folder of a Component is expected", location=at())
            if kind is not EntryKind.DIRECTORY:
                raise files.missing(found, at, kind)
            collection = self._folder(found, at, collection, str(path), component=True)
        return collection

    def _configurations(self) -> config.Config:
        result = config.DEFAULT
        files, folder = self.context.files, self.kustomization.folder
        extra = config.EMPTY
        for i, path in enumerate(self.kustomization.entries("configurations")):
            at = self.kustomization.where(f"/configurations/{i}")
            found = files.resolve_file(folder, str(path), at)
            checked = kustomizations.checked_file(
                found, files.read(found, at), shapes.CONFIGURATION, what="configuration", unique=True
            )
            more = config.config_of(checked.data)
            self.context.budget.spend(_READ * len(more), at, "to read configurations")
            extra = extra.merged(self._paid(more, extra))
        result = result.merged(extra)
        if not self.kustomization.entries("crds"):
            return result
        from gitops.build import definitions  # noqa: PLC0415  # hardly any build has any

        return result.merged(self._paid(definitions.read(self.kustomization, self.context), result))


def build(context: Context, folder: str) -> list[Resource]:
    """The finished objects of a folder's kustomization, in output order.

    Raises:
        BuildError: it cannot be built.
    """
    kustomization = kustomizations.read(context.files, folder, lambda: Location(folder or "."))
    choose_schema(kustomization, context, root=True)
    origin = "" if kustomization.entries("buildMetadata") else None
    collection = Target(kustomization, context, (), origin).accumulate(Collection())
    resources = collection.resources
    if any(resource.needs_hash for resource in resources):
        from gitops.build import hashing  # noqa: PLC0415  # only generators make such

        hashing.add_hashes(resources)
    references.fix(resources, collection.config, context)
    if collection.variables:
        from gitops.build import variables  # noqa: PLC0415  # deprecated, so mostly not needed

        variables.resolve(collection, context)
    resources = [resource for resource in resources if not _local(resource)]
    _refuse_unnamed_and_twins(resources)
    resources = order.arrange(resources, kustomization)
    metadata.finish(resources, kustomization)
    for resource in resources:
        resource.refuse_unquoted()
    return resources


def _refuse_unnamed_and_twins(resources: list[Resource]) -> None:
    """What the last names, references and variables made of the objects must still be objects, each of them once."""
    seen: dict[Any, Resource] = {}
    for resource in resources:
        identity = resource.identity
        if not identity.name and not identity.gvk.kind.endswith("List"):
            raise errors.BuildError(f"the build leaves a {resource.kind} without a name", location=resource.start)
        other = seen.setdefault(identity.key, resource)
        if other is not resource:
            raise errors.BuildError(
                f"the build makes two objects the same: {identity}",
                cause=f"they are at {other.start} and {resource.start}",
                location=resource.start,
            )


def _local(resource: Resource) -> bool:
    return resource.strings("annotations").get(_LOCAL_CONFIG, "false") != "false"


def choose_schema(kustomization: Kustomization, context: Context, *, root: bool) -> None:
    """Take the `openapi` field of a kustomization into account."""
    chosen = kustomization.mapping("openapi")
    path = chosen.get("path")
    document, found = None, ""
    if path is not None:
        at = kustomization.where("/openapi/path")
        found = context.files.resolve_file(kustomization.folder, str(path), at)
        documents = load_config(context.files.read(found, at), found)
        document = plain(documents[0].value) if documents else None
        document = {} if document is None else document
    if root or not context.lists.chosen:
        _refuse_versions(kustomization)
    try:
        context.lists.choose(document, chosen.get("version") or "", root=root)
    except SchemaError as error:
        raise errors.BuildError(
            "this is no OpenAPI document", cause=str(error), location=Location(found, 1, 1)
        ) from error


def _refuse_versions(kustomization: Kustomization) -> None:
    chosen = kustomization.mapping("openapi")
    if "version" not in chosen:
        return
    if chosen.get("path") is not None:
        raise errors.BuildError(
            "openapi names a file and a version: it can use one of them", location=kustomization.at("/openapi")
        )
    if chosen["version"] not in ("", BUILTIN_VERSION):
        raise errors.BuildError(
            f"the schema of Kubernetes {chosen['version']} is not built in",
            hint=f"only {BUILTIN_VERSION} is; write a schema of your own to a file and name it in openapi.path",
            location=kustomization.at("/openapi/version"),
        )
