"""Names that refer to other objects follow those objects when they are renamed.

The rules are kustomize's (api/filters/nameref): a candidate was once called what the field says, is of the kind the
field refers to, and shares the namespace; several are told apart by the prefixes and suffixes they were given.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from gitops import errors
from gitops.build import budget, fieldspec
from gitops.build.config import Config
from gitops.build.context import Context
from gitops.build.identity import NOT_NAMESPACED, Gvk, Identity
from gitops.build.resource import Resource
from gitops.yaml.scalars import is_null, text_of
from gitops.yaml.tracked import Text

_ASKED = 8
"""Steps for one name that may be a reference."""
_OWN_PARTS = frozenset(("apiVersion", "kind"))
_OWN_METADATA = frozenset(("name", "namespace"))


def _is_own(spec: fieldspec.FieldSpec) -> bool:
    """Whether a path leads to what decides which objects see each other."""
    first, *rest = (part.removesuffix("[]") for part in fieldspec.split(spec.path))
    return first in _OWN_PARTS or (first == "metadata" and (not rest or rest[0] in _OWN_METADATA))


class _Known:
    """A resource that may be referred to, and what is asked of it again and again."""

    __slots__ = ("gvk", "kinds", "namespace", "place", "resource", "scoped")

    def __init__(self, place: int, resource: Resource) -> None:
        identity = resource.identity
        self.place = place
        self.resource = resource
        self.gvk = identity.gvk
        self.scoped = identity.gvk.cluster_scoped
        self.namespace = identity.effective_namespace
        self.kinds = {kind for _, _, kind in resource.previous}

    def was(self, target: Gvk) -> bool:
        """Whether it was of a kind before."""
        group, version, kind = target
        return (
            (kind in self.kinds if kind else bool(self.kinds))
            and (not group or group == self.gvk.group)
            and (not version or version == self.gvk.version)
        )


class Directory:
    """The resources of a build, found by a name they once had.

    `moving`: their identities may change while we look, so what is known of them is read anew.
    """

    def __init__(self, resources: Sequence[Resource], *, moving: bool) -> None:
        self._moving = moving
        self._by_name: dict[str, dict[str, list[_Known]]] = {}
        self._first: dict[str, list[_Known]] = {}
        self._first_named: dict[tuple[str, str], list[_Known]] = {}
        for place, resource in enumerate(resources):
            known, first = _Known(place, resource), resource.original.effective_namespace
            self._first.setdefault(first, []).append(known)
            for name in dict.fromkeys([name for name, _, _ in resource.previous]):
                self._by_name.setdefault(name, {}).setdefault(known.namespace, []).append(known)
                self._first_named.setdefault((name, first), []).append(known)

    def once_named(self, name: str, namespaces: Collection[str] | None) -> Sequence[_Known]:
        """Resources that were called so before, in order; if none moves, those of some (effective) namespaces only.

        None means all namespaces.
        """
        there = self._by_name.get(name)
        if there is None:
            return ()
        anywhere = namespaces is None or self._moving
        lists = list(there.values()) if anywhere else [there[ns] for ns in namespaces or () if ns in there]
        if len(lists) == 1:
            return self._now(lists[0])
        return self._now(sorted((one for some in lists for one in some), key=lambda one: one.place))

    def first_named(self, name: str, namespace: str) -> Sequence[_Known]:
        """Resources that were called so before and were in a namespace first, in order."""
        return self._now(self._first_named.get((name, namespace), ()))

    def first_in(self, namespace: str, seen: Callable[[_Known], bool]) -> bool:
        """Whether any of the resources that `seen` accepts was in the namespace first."""
        return any(map(seen, self._now(self._first.get(namespace, ()))))

    def _now(self, known: Sequence[_Known]) -> Sequence[_Known]:
        return [_Known(one.place, one.resource) for one in known] if self._moving else known


def fix(resources: Sequence[Resource], config: Config, context: Context) -> None:
    """Update every field that holds the old name of a renamed object.

    Raises:
        BuildError: a name could mean several objects.
    """
    moving = any(_is_own(spec) for _, fields in config.name_reference for spec in fields)
    directory = Directory(resources, moving=moving)
    by_kind: dict[Gvk, list[tuple[fieldspec.FieldSpec, Gvk]]] = {}
    for resource in resources:
        gvk = resource.original.gvk
        specs = by_kind.get(gvk)
        if specs is None:
            specs = by_kind[gvk] = [
                (spec, target) for target, fields in config.name_reference for spec in fields.of(gvk)
            ]
        if specs:
            referrer = _Referrer(resource, directory, context)
            referrer.pay(budget.FOLLOWED * len(specs))
            for spec, target in specs:
                referrer.update(spec, target)


class _Referrer:
    """One object whose fields may refer to others."""

    def __init__(self, resource: Resource, directory: Directory, context: Context) -> None:
        self.resource = resource
        self.directory = directory
        self.identity = resource.identity
        self.namespace = self.identity.effective_namespace
        self.cluster_scoped = self.identity.gvk.cluster_scoped
        self.tracking = context.tracking
        self.budget = context.budget
        self.path = ""
        self.target = Gvk()
        self.bound = () if self.cluster_scoped else self._bound_namespaces()
        self.visible = None if self.cluster_scoped else self._visible_namespaces()

    def update(self, spec: fieldspec.FieldSpec, target: Gvk) -> None:
        self.path = spec.path
        self.target = target
        fieldspec.change(self.resource, spec, self._edit, self.pay)

    def pay(self, steps: int) -> None:
        """Pay for a part of the work."""
        self.budget.spend(steps, lambda: self.resource.start, "to find what references mean")

    def _edit(self, value: Any) -> Any:
        if isinstance(value, dict):
            self._edit_mapping(value)
            return value
        if isinstance(value, list):
            for i, item in enumerate(value):
                if isinstance(item, dict):
                    self._edit_mapping(item)
                elif not is_null(item):
                    value[i] = self._edit_scalar(item)
            return value
        return value if is_null(value) else self._edit_scalar(value)

    def _edit_scalar(self, value: Any) -> Any:
        text = text_of(value)
        found = self._choose(text, self._candidates(text), with_namespace=False)
        if found is None or found.name == text:
            return value
        return self._renamed(found.name, value, found)

    def _renamed(self, name: str, old: Any, found: Resource, field: str = "name") -> Any:
        """A reference stands where it was written; what changed it is what renamed the object it refers to."""
        if not self.tracking:
            return str(name)
        return Text.placed(name, getattr(found.metadata().get(field), "at", None), old, derived=True)

    def _edit_mapping(self, node: dict[str, Any]) -> None:
        if "name" not in node:
            raise errors.BuildError(
                f"a reference in {self.path} of {self.identity} has no name", location=self.resource.start
            )
        old = text_of(node["name"])
        if "namespace" in node:
            candidates = self._in_namespace(old, text_of(node["namespace"]))
        else:
            candidates = self._candidates(old)
        found = self._choose(old, candidates, with_namespace=True)
        if found is None or (found.name == old and not found.namespace):
            return
        node["name"] = self._renamed(found.name, node["name"], found)
        if found.namespace:
            node["namespace"] = self._renamed(found.namespace, node.get("namespace"), found, "namespace")

    def _candidates(self, name: str) -> list[_Known]:
        return self._seen(self.directory.once_named(name, self.visible))

    def _seen(self, named: Sequence[_Known]) -> list[_Known]:
        if not named:
            return []
        self.pay(_ASKED + budget.VISITED * len(named))
        return [known for known in named if self._sees(known)]

    def _sees(self, other: _Known) -> bool:
        """Whether the other object could be referred to from here at all."""
        return (
            self.cluster_scoped
            or other.scoped
            or other.namespace == self.namespace
            or (bool(self.bound) and other.resource.namespace in self.bound)
        )

    def _visible_namespaces(self) -> Collection[str]:
        """Where objects are that could be meant here: here, outside of all, or where bound accounts are."""
        bound = [Identity(Gvk(), "", namespace).effective_namespace for namespace in self.bound]
        return {NOT_NAMESPACED, self.namespace, *bound}

    def _bound_namespaces(self) -> Collection[str]:
        """The namespaces of the accounts a RoleBinding names."""
        subjects = self.resource.data.get("subjects")
        if self.resource.kind != "RoleBinding" or not isinstance(subjects, list):
            return ()
        bound = [
            subject["namespace"]
            for subject in subjects
            if isinstance(subject, dict) and subject.get("kind") == "ServiceAccount" and "namespace" in subject
        ]
        if any(is_null(namespace) for namespace in bound):
            raise errors.BuildError(
                f"a subject of {self.identity} has a namespace without a value",
                hint="write the namespace of the account, or leave the field out",
                location=self.resource.start,
            )
        return set(map(text_of, bound))

    def _in_namespace(self, name: str, namespace: str) -> list[_Known]:
        """Those first in the namespace the reference names; if nothing at all was there first, those now in it."""
        if namespace == NOT_NAMESPACED:
            return []
        first = self._seen(self.directory.first_named(name, namespace))
        if first or self.directory.first_in(namespace, self._sees):
            return first
        return [known for known in self._candidates(name) if known.namespace == namespace]

    def _choose(self, old: str, seen: list[_Known], *, with_namespace: bool) -> Resource | None:
        if not seen:
            return None
        seen = [known for known in seen if known.was(self.target)]
        if seen and self.path.endswith("roleRef/name"):
            seen = self._of_role(seen)
        if not self.cluster_scoped:
            seen = [
                known
                for known in seen
                if known.scoped or known.namespace == self.namespace or known.gvk.kind == "ServiceAccount"
            ]
        candidates = [known.resource for known in seen]
        if len(candidates) == 1:
            return candidates[0]
        candidates = [r for r in candidates if r.same_endings(self.resource, allow_empty=True)]
        if len(candidates) > 1:
            candidates = [r for r in candidates if r.same_endings(self.resource, allow_empty=False)]
        if not candidates:
            return None
        if len({(r.name, r.namespace if with_namespace else "") for r in candidates}) > 1:
            raise self._ambiguous(old, candidates)
        return candidates[0]

    def _of_role(self, seen: list[_Known]) -> list[_Known]:
        role = self.resource.data.get("roleRef")
        if not isinstance(role, dict) or "apiGroup" not in role or "kind" not in role:
            return seen
        wanted = Gvk(text_of(role["apiGroup"]), "", text_of(role["kind"]))
        return [known for known in seen if known.was(wanted)]

    def _ambiguous(self, old: str, candidates: list[Resource]) -> errors.BuildError:
        return errors.BuildError(
            f"{self.path} of {self.identity} refers to {old!r}, which could be any of "
            + ", ".join(str(r.identity) for r in candidates),
            location=self.resource.start,
        )
