"""From a field of a rendered object back to the lines that made it, and who committed them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops import build, errors, expand
from gitops.api.plan import ObjectId, PlanSource
from gitops.api.trace import Trace, TracedField, TraceStep
from gitops.build import history
from gitops.expand import causes
from gitops.location import Location
from gitops.objects import Manifest, fieldpath, ref_of
from gitops.plan import secrecy
from gitops.ports.blame import Author, Blame
from gitops.ref import ResourceRef
from gitops.source import Tree

MOST = 200
"""Fields one answer lists."""
_SHORT = {
    "deploy": "Deployment", "sts": "StatefulSet", "ds": "DaemonSet", "cm": "ConfigMap", "svc": "Service",
    "sa": "ServiceAccount", "ns": "Namespace", "ing": "Ingress", "netpol": "NetworkPolicy", "crd":
    "CustomResourceDefinition", "pdb": "PodDisruptionBudget", "cj": "CronJob", "pvc": "PersistentVolumeClaim",
    "wp": "WorkerPool",
}  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked: a kind as people write it (any case, plural, short, with a group), a name, a field's path."""

    kind: str
    name: str
    namespace: str = ""
    field: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where to look: the kustomization at `path` of a tree, and who wrote its lines."""

    tree: Tree
    path: str
    blame: Blame
    source: PlanSource
    salt: str
    """Masks values of Secrets."""


def trace(place: Place, wanted: Wanted, *, runner: Mapping[str, bytes]) -> Trace:
    """Where the field comes from. An object that is not in Git is looked for among those ours expand to.

    Raises:
        BuildError: the kustomization cannot be built.
        ConfigError: there is no such object or field, or several objects.
    """
    built = build.build(place.tree, place.path).objects
    found = _chosen([one.ref for one in built], wanted)
    if found is not None:
        return _authored(place, built[found], wanted)
    return _expanded(place, built, wanted, runner)


def _authored(place: Place, rendered: build.Rendered, wanted: Wanted) -> Trace:
    pointer = _pointer(wanted, rendered.manifest)
    paths = history.leaves(rendered, pointer)
    fields = [_field(place, rendered, path) for path in dict.fromkeys((pointer, *paths[:MOST]))]
    return _answer(place, rendered.manifest, pointer, rendered.manifest, fields)


def _expanded(place: Place, built: Sequence[build.Rendered], wanted: Wanted, runner: Mapping[str, bytes]) -> Trace:
    origins = {one.ref: one for one in built}

    def locate(ref: ResourceRef, pointer: str) -> Location | None:
        return build.locate(origins[ref], pointer) if ref in origins else None

    context = expand.Context(runner=runner, locate=locate)
    manifests = [one.manifest for one in built]
    grown = expand.expand(manifests, context=context)
    refs = [one.ref for one in grown]
    index = _chosen(refs, wanted)
    if index is None:
        renamed = _renamed(built, wanted)
        if renamed is None:
            raise _missing(refs, wanted)
        return _authored(place, renamed, wanted)
    item = grown[index]
    pointer = _pointer(wanted, item.manifest)
    found = causes.causes(manifests, item, pointer, context=context)
    fields = [_field(place, origins[ref], path) for ref, path in found[:MOST]]
    author = origins[item.authored]
    return _answer(place, item.manifest, pointer, author.manifest, fields or [_field(place, author, "")])


def _answer(place: Place, manifest: Manifest, pointer: str, author: Manifest, fields: list[TracedField]) -> Trace:
    return Trace(
        source=place.source,
        object=_id(manifest),
        path=pointer,
        value=_shown(manifest, pointer, fieldpath.value_at(manifest, pointer), place.salt),
        authored=_id(author),
        fields=fields,
    )


def _field(place: Place, rendered: build.Rendered, pointer: str) -> TracedField:
    """One field of an authored object; for the object itself the step is where it starts."""
    manifest = rendered.manifest
    value = fieldpath.value_at(manifest, pointer)
    steps = history.history(rendered, pointer) if pointer else ()
    if not steps:
        steps = (history.origin(rendered),) if not pointer else ()
    return TracedField(
        object=_id(manifest),
        path=pointer,
        value=_shown(manifest, pointer, value, place.salt),
        steps=[_step(place, manifest, pointer, step) for step in steps],
    )


def _step(place: Place, manifest: Manifest, pointer: str, step: history.Step) -> TraceStep:
    who = place.blame.author(step.location.file, step.location.line)
    return TraceStep(
        location=str(step.location),
        by=step.by,
        value=_shown(manifest, pointer, step.value, place.salt),
        commit=who.commit,
        author=who.author,
        email=who.email,
        date=_date(who),
        subject=who.subject,
        note=who.note,
    )


def _date(who: Author) -> str:
    return "" if who.when is None else who.when.isoformat()


def _shown(manifest: Manifest, pointer: str, value: Any, salt: str) -> Any:
    """Scalars, those of Secrets masked; of mappings and lists their fields tell."""
    if value is None or isinstance(value, dict | list):
        return None
    return secrecy.value(pointer, value, salt) if secrecy.is_secret(ref_of(manifest)) else value


def _id(manifest: Manifest) -> ObjectId:
    ref = ref_of(manifest)
    version = str(manifest.get("apiVersion") or "").rpartition("/")[2]
    return ObjectId(group=ref.group, version=version, kind=ref.kind, namespace=ref.namespace, name=ref.name)


def _pointer(wanted: Wanted, manifest: Manifest) -> str:
    pointer = fieldpath.pointer(wanted.field, manifest)
    above, _, _ = pointer.rpartition("/")
    if pointer and not _there(manifest, pointer):
        while above and not _there(manifest, above):
            above = above.rpartition("/")[0]
        here = fieldpath.value_at(manifest, above)
        keys = ", ".join(sorted(here)) if isinstance(here, dict) else f"{len(here)} items" if here else "nothing"
        ref = ref_of(manifest)
        raise errors.ConfigError(
            f"{ref.kind} {ref.name} has no field {fieldpath.dotted(pointer)}",
            cause=f"{fieldpath.dotted(above) if above else 'the object'} has {keys}",
        )
    return pointer


def _there(manifest: Manifest, pointer: str) -> bool:
    above, _, token = pointer.rpartition("/")
    here = fieldpath.value_at(manifest, above)
    if isinstance(here, dict):
        return token.replace("~1", "/").replace("~0", "~") in here
    return isinstance(here, list) and token.isdigit() and int(token) < len(here)


def _chosen(refs: Sequence[ResourceRef], wanted: Wanted) -> int | None:
    """The index of the one that is asked for.

    Raises:
        ConfigError: several are.
    """
    same = _kind_test(wanted.kind)
    found = [
        index
        for index, ref in enumerate(refs)
        if ref.name == wanted.name and same(ref) and wanted.namespace in ("", ref.namespace)
    ]
    if len(found) > 1:
        raise errors.ConfigError(
            f"several objects are {wanted.kind}/{wanted.name}",
            cause=", ".join(str(refs[index]) for index in found),
            hint="choose with -n NAMESPACE, or write the kind with its group: role.rbac.authorization.k8s.io/x",
        )
    return found[0] if found else None


def _renamed(built: Sequence[build.Rendered], wanted: Wanted) -> build.Rendered | None:
    """The object whose name was this one before prefixes, suffixes and hashes; None also if there are several."""
    same = _kind_test(wanted.kind)
    found = []
    for one in built:
        ref = ref_of(one.manifest)
        if same(ref) and wanted.namespace in ("", ref.namespace):
            steps = history.history(one, "/metadata/name")
            if steps and wanted.name in {step.value for step in steps}:
                found.append(one)
    return found[0] if len(found) == 1 else None


def _kind_test(text: str) -> Callable[[ResourceRef], bool]:
    kind, _, group = text.lower().partition(".")
    kind = _SHORT.get(kind, kind).lower()

    def same(ref: ResourceRef) -> bool:
        name = ref.kind.lower()
        plural = f"{name[:-1]}ies" if name.endswith("y") else f"{name}es" if name.endswith("s") else f"{name}s"
        return kind in (name, plural) and group in ("", ref.group)

    return same


def _missing(refs: Sequence[ResourceRef], wanted: Wanted) -> errors.ConfigError:
    same = _kind_test(wanted.kind)
    alike = [str(ref) for ref in refs if same(ref)]
    named = [str(ref) for ref in refs if ref.name == wanted.name]
    cause = f"of that kind there are {', '.join(alike[:8])}" if alike else ""
    if named:
        cause = f"of that name there is {', '.join(named[:8])}"
    return errors.ConfigError(
        f"no {wanted.kind} {wanted.name} is rendered",
        cause=cause,
        hint="gitops build PATH prints all that is; names are those of the cluster, or as written in Git",
    )
