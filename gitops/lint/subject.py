"""What rules about objects look at: an object, where its fields stand, and the pods it would make."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops import api
from gitops.lint.code import Code
from gitops.location import Location
from gitops.objects import Manifest
from gitops.ref import ResourceRef


@dataclass(frozen=True, slots=True, kw_only=True)
class Subject:
    """One object of the build; `locate` gives the place of a field, or of the nearest thing around it.

    `names` are those it had on its way through the build.
    """

    manifest: Manifest
    ref: ResourceRef
    locate: Callable[[str], Location | None]
    names: frozenset[str] = frozenset()

    @property
    def ours(self) -> str:
        """The kind, if it is one of our group; else empty."""
        return self.ref.kind if self.ref.group == api.GROUP else ""


@dataclass(frozen=True, slots=True)
class Told:
    """What a rule says of the field at a JSON Pointer."""

    code: Code
    pointer: str
    message: str
    hint: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Container:
    """A container and where it stands. Of a pool's own container the image and resources are fields of the pool."""

    name: str
    spec: Mapping[str, Any]
    pointer: str
    image_at: str
    resources_at: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Pod:
    """A pod spec as far as it is written, with the security context the program adds to its own (`given`)."""

    spec: Mapping[str, Any]
    pointer: str
    containers: tuple[Container, ...]
    given: Mapping[str, Any]

    def security(self, container: Container, name: str) -> Any:
        """A field of the security context that holds for a container; its own wins over the pod's."""
        for context in (mapping(container.spec, "securityContext"), mapping(self.spec, "securityContext"), self.given):
            if context.get(name) is not None:
                return context[name]
        return None


_TEMPLATES = {
    "Pod": "/spec",
    "PodTemplate": "/template/spec",
    "ReplicationController": "/spec/template/spec",
    "Deployment": "/spec/template/spec",
    "ReplicaSet": "/spec/template/spec",
    "StatefulSet": "/spec/template/spec",
    "DaemonSet": "/spec/template/spec",
    "Job": "/spec/template/spec",
    "CronJob": "/spec/jobTemplate/spec/template/spec",
}
_GROUPS = frozenset({"", "apps", "batch"})
_OWN = {"WorkerPool": "operation", "Worker": "gitops"}
_USER = 65532


def mapping(value: Any, *path: str) -> Mapping[str, Any]:
    """The mapping at a path; empty if there is none, for nobody has checked these objects."""
    for name in path:
        value = value.get(name) if isinstance(value, dict) else None
    return value if isinstance(value, dict) else {}


def items(value: Mapping[str, Any], name: str) -> list[Mapping[str, Any]]:
    """The mappings in a list, with empty ones in the place of anything else, so that positions hold."""
    found = value.get(name)
    return [one if isinstance(one, dict) else {} for one in found] if isinstance(found, list) else []


def pod_of(subject: Subject) -> Pod | None:
    """The pod an object makes; None for kinds that make none."""
    if subject.ours in _OWN:
        return _own(subject)
    pointer = _TEMPLATES.get(subject.ref.kind) if subject.ref.group in _GROUPS else None
    if pointer is None:
        return None
    spec = mapping(subject.manifest, *pointer.split("/")[1:])
    return Pod(spec=spec, pointer=pointer, containers=tuple(_containers(spec, pointer)), given={})


def _containers(spec: Mapping[str, Any], pointer: str) -> Iterator[Container]:
    for field in ("initContainers", "containers", "ephemeralContainers"):
        for index, one in enumerate(items(spec, field)):
            where = f"{pointer}/{field}/{index}"
            yield Container(
                name=str(one.get("name", "")),
                spec=one,
                pointer=where,
                image_at=f"{where}/image",
                resources_at=f"{where}/resources",
            )


def _own(subject: Subject) -> Pod:
    """The pod of a WorkerPool or Worker: what its template adds, and the program's own container."""
    name = _OWN[subject.ours]
    own, pointer = mapping(subject.manifest, "spec"), "/spec/podTemplate/spec"
    spec = mapping(own, "podTemplate", "spec")
    found = list(_containers(spec, pointer))
    written = next((one for one in found if one.name == name), None)
    others = [one for one in found if one is not written]
    added = mapping(written.spec, "resources") if written else {}
    resources = {part: {**mapping(own, "resources", part), **mapping(added, part)} for part in ("requests", "limits")}
    program = Container(
        name=name,
        spec={**(written.spec if written else {}), "image": own.get("image"), "resources": resources},
        pointer=written.pointer if written else "/spec",
        image_at="/spec/image",
        resources_at="/spec/resources",
    )
    # Of a restricted pool, and always of a Worker, the program names a user, for images do not.
    names_user = subject.ours == "Worker" or own.get("podSecurity") == "restricted"
    given = {"runAsNonRoot": True, "runAsUser": _USER} if names_user else {}
    return Pod(spec=spec, pointer=pointer, containers=(program, *others), given=given)
