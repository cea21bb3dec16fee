"""Generators and transformers with files of their own, of the built-in kinds; everything else is refused by name.

An entry of `generators` or `transformers` is YAML text, a file, or a folder whose build gives the configurations.
Paths inside them are relative to the kustomization that lists them.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from gitops import errors
from gitops.build import (
    budget,
    generate,
    hashing,
    load,
    metadata,
    patch,
    patching,
    pipeline,
    replacements,
    transform,
    valueadd,
)
from gitops.build.collection import Collection
from gitops.build.plugin import Plugin
from gitops.build.resource import Resource
from gitops.yaml.tracked import copy

if TYPE_CHECKING:
    from gitops.build.target import Target

_GENERATORS = ("ConfigMapGenerator", "SecretGenerator", "IAMPolicyGenerator")
_COPIED_A_STEP = 2
"""Values of objects that are copied and compared in one step."""
_SUBJECTS = ("", "defaultOnly", "none", "allServiceAccounts")


def _plugins(target: Target, field: str) -> list[Plugin]:
    """The configurations an entry list names, in order: written inline first, then files and folders."""
    kustomization, context = target.kustomization, target.context
    found, paths = Collection(), []
    for i, entry in enumerate(kustomization.entries(field)):
        pointer = f"/{field}/{i}"
        try:
            loaded = patching.inline_resources(str(entry), kustomization, pointer, context)
        except errors.ConfigError:
            # What is not the text of objects is a path; one of several lines was hardly meant as such.
            if "\n" in str(entry):
                raise
            paths.append((str(entry), kustomization.where(pointer)))
            continue
        metadata.set_file_origin(loaded, target.origin, kustomization.path.rpartition("/")[2])
        found.append(loaded)
    for path, at in paths:
        target.resource(found, path, at)
    return [Plugin(r, kustomization, context) for r in found.resources]


def _origin(plugin: Plugin) -> str | None:
    found = plugin.resource.strings("annotations").get(metadata.ORIGIN)
    if found is None:
        return None
    return metadata.configured_by(metadata.path_in(found), plugin.resource)


def run_generators(target: Target, collection: Collection) -> None:
    """Run what `generators` lists.

    Raises:
        BuildError: a generator is not built in, or cannot be followed.
    """
    for plugin in _plugins(target, "generators"):
        if plugin.kind not in _GENERATORS:
            raise errors.BuildError(f"{plugin.kind} is no generator", location=plugin.at())
        made = _generated(plugin)
        origin = _origin(plugin)
        if origin is not None:
            metadata.set_origin([made], origin)
        generate.absorb(collection, made, plugin.at)


def _generated(plugin: Plugin) -> Resource:
    settings = dict(plugin.settings)
    if plugin.kind == "IAMPolicyGenerator":
        return _policy(plugin, settings)
    for field in ("name", "namespace"):
        settings[field] = settings.get(field) or (settings.get("metadata") or {}).get(field)
    if settings.get("env"):
        settings["env"] = None
    kind = plugin.kind.removesuffix("Generator")
    return generate.make(
        settings, kind, plugin.kustomization.folder, plugin.context, lambda _pointer: plugin.resource.start
    )


def _policy(plugin: Plugin, settings: dict[str, Any]) -> Resource:
    if settings.get("cloud") != "gke":
        raise errors.BuildError("IAMPolicyGenerator: the cloud must be gke", location=plugin.at())
    service, account = settings.get("kubernetesService") or {}, settings.get("serviceAccount") or {}
    email = f"{account.get('name', '')}@{account.get('projectId', '')}.iam.gserviceaccount.com"
    if not service.get("name"):
        raise errors.BuildError("IAMPolicyGenerator: kubernetesService has no name", location=plugin.at())
    about = {"annotations": {"iam.gke.io/gcp-service-account": email}, "name": service.get("name", "")}
    if service.get("namespace"):
        about["namespace"] = service["namespace"]
    return Resource({"apiVersion": "v1", "kind": "ServiceAccount", "metadata": about}, plugin.at())


def run_transformers(target: Target, collection: Collection) -> None:
    """Run what `transformers` lists.

    Raises:
        BuildError: a transformer is not built in, or cannot be applied.
    """
    plugins = _plugins(target, "transformers")
    what = f"{len(plugins)} transformers for {len(collection.resources)} objects"
    at = target.kustomization.where("/transformers")
    target.context.budget.foresee(budget.VISITED * len(plugins) * len(collection.resources), at, what)
    for plugin in plugins:
        _transform(plugin, collection)
        collection.drop_deleted()
        origin = _origin(plugin)
        if origin is not None:
            metadata.note(collection.resources, origin, plugin.pay)


def run_validators(target: Target, collection: Collection) -> None:
    """Run what `validators` lists: transformers that may refuse the objects, and must leave them as they are.

    Raises:
        BuildError: one is not built in, refuses the objects, or changes them.
    """
    for plugin in _plugins(target, "validators"):
        objects, values = len(collection.resources), target.context.budget.values
        plugin.pay(budget.VISITED * objects + values // _COPIED_A_STEP)
        before = [(one, copy(one.data), one.previous) for one in collection.resources]
        _transform(plugin, collection)
        for resource, data, previous in before:
            # kustomize counts the names it remembers: a PatchTransformer changes an object even if it only tests it.
            if resource.data != data or resource.previous != previous:
                raise errors.BuildError(
                    f"the validator {plugin.kind} changes {resource.identity}",
                    hint="a validator may only refuse; list what changes objects under transformers",
                    location=plugin.at(),
                )


def _transform(plugin: Plugin, collection: Collection) -> None:
    act = _TRANSFORMERS.get(plugin.kind)
    if act is None:
        raise errors.BuildError(f"{plugin.kind} is no transformer", location=plugin.at())
    try:
        plugin.pay(budget.PARSED)
        act(plugin, collection)
        collection.changed()
    except errors.BuildError as error:
        error.location = error.location or plugin.at()
        raise


def _annotations(plugin: Plugin, collection: Collection) -> None:
    _entries(plugin, collection, "annotations")


def _labels(plugin: Plugin, collection: Collection) -> None:
    _entries(plugin, collection, "labels")


def _entries(plugin: Plugin, collection: Collection, field: str) -> None:
    pairs = plugin.settings.get(field) or {}
    plugin.visit(collection, max(pairs.values(), key=len, default=""), len(pairs))
    transform.entries(collection.resources, pairs, plugin.specs, lambda _key: plugin.mark, plugin.pay)


def _hash(_plugin: Plugin, collection: Collection) -> None:
    hashing.add_hashes(collection.resources)


def _image(plugin: Plugin, collection: Collection) -> None:
    entry = plugin.settings.get("imageTag") or {}
    found = transform.containers(collection.resources, plugin.pay)
    transform.image(found, entry, plugin.specs, plugin.mark, plugin.pay)


def _namespace(plugin: Plugin, collection: Collection) -> None:
    settings = plugin.settings
    name = (settings.get("metadata") or {}).get("namespace") or ""
    subjects = settings.get("setRoleBindingSubjects") or ""
    if subjects not in _SUBJECTS:
        raise errors.BuildError(
            f"setRoleBindingSubjects must be one of {', '.join(_SUBJECTS[1:])}", location=plugin.at()
        )
    if name:
        plugin.rename(collection, name)
        transform.namespace(
            collection.resources,
            name,
            plugin.specs,
            transform.only_unset(plugin.mark) if settings.get("unsetOnly") else plugin.mark,
            plugin.pay,
            subjects or "defaultOnly",
        )
        pipeline.refuse_twins(collection.resources, plugin.at)


def _json_patch(plugin: Plugin, collection: Collection) -> None:
    settings = plugin.settings
    entry = {"patch": settings.get("jsonOp"), "path": settings.get("path")}
    text = patching.PatchText(plugin.file, entry, "", plugin.context, plugin.kustomization.folder)
    patching.apply_json_patch(text, settings.get("target") or {}, plugin.at, collection)


def _strategic(plugin: Plugin, collection: Collection) -> None:
    loaded: list[Resource] = []
    context, folder = plugin.context, plugin.kustomization.folder
    for entry in plugin.settings.get("paths") or ():
        if "\n" in entry:
            loaded += patching.inline_resources(str(entry), plugin.file, "", context)
        else:
            found = context.files.resolve_file(folder, str(entry), plugin.at)
            loaded += load.resources(context.files.read(found, plugin.at), found, context)
    if plugin.settings.get("patches"):
        text = str(plugin.settings["patches"])
        loaded += patching.inline_resources(text, plugin.file, "", context)
    if not loaded:
        raise errors.BuildError("PatchStrategicMergeTransformer: there is no patch in it", location=plugin.at())
    for one in loaded:
        patch.apply_selected(collection, [patch.find(collection, one, plugin.at)], one, context)


def _patch(plugin: Plugin, collection: Collection) -> None:
    text = patching.PatchText(plugin.file, plugin.settings, "", plugin.context, plugin.kustomization.folder)
    patching.apply_patch(text, plugin.settings, plugin.at, collection)


def _prefix(plugin: Plugin, collection: Collection) -> None:
    _refuse_no_specs(plugin)
    text = plugin.settings.get("prefix") or ""
    plugin.rename(collection, text)
    transform.prefix(collection.resources, text, plugin.specs, plugin.mark, plugin.pay)


def _refuse_no_specs(plugin: Plugin) -> None:
    if plugin.settings.get("fieldSpecs") is None:
        raise errors.BuildError(
            f"{plugin.kind} has no fieldSpecs", hint="write `fieldSpecs: [{path: metadata/name}]`", location=plugin.at()
        )


def _suffix(plugin: Plugin, collection: Collection) -> None:
    _refuse_no_specs(plugin)
    text = plugin.settings.get("suffix") or ""
    plugin.rename(collection, text)
    transform.suffix(collection.resources, text, plugin.specs, plugin.mark, plugin.pay)


def _both(plugin: Plugin, collection: Collection) -> None:
    _prefix(plugin, collection)
    _suffix(plugin, collection)


def _replacement(plugin: Plugin, collection: Collection) -> None:
    for entry in plugin.settings.get("replacements") or ():
        for one in replacements.loaded(entry, plugin.kustomization.folder, plugin.context, plugin.at):
            replacements.apply(one, replacements.Job(collection, plugin.at, plugin.mark, plugin.context))


def _replicas(plugin: Plugin, collection: Collection) -> None:
    entry = plugin.settings.get("replica") or {}
    named = collection.named(entry.get("name", ""))
    plugin.pay(budget.PLACED * len(named) * len(plugin.specs))
    transform.replicas(named, entry, plugin.specs, plugin.mark, plugin.pay, plugin.at)


_TRANSFORMERS: dict[str, Callable[[Plugin, Collection], None]] = {
    "AnnotationsTransformer": _annotations,
    "HashTransformer": _hash,
    "ImageTagTransformer": _image,
    "LabelTransformer": _labels,
    "NamespaceTransformer": _namespace,
    "PatchJson6902Transformer": _json_patch,
    "PatchStrategicMergeTransformer": _strategic,
    "PatchTransformer": _patch,
    "PrefixSuffixTransformer": _both,
    "PrefixTransformer": _prefix,
    "SuffixTransformer": _suffix,
    "ReplacementTransformer": _replacement,
    "ReplicaCountTransformer": _replicas,
    "ValueAddTransformer": valueadd.run,
}

RUN: dict[str, Callable[[Target, Collection], None]] = {
    "generators": run_generators,
    "transformers": run_transformers,
    "validators": run_validators,
}
"""By the field of a kustomization that lists them."""
