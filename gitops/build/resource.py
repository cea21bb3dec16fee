"""One object on its way through a build: its data, where it came from, and what kustomize remembers about it.

kustomize keeps these memories in annotations that it removes at the end; here they are fields.
"""

from __future__ import annotations

from typing import Any

from gitops import errors
from gitops.build.identity import Gvk, Identity, gvk_of
from gitops.location import Location
from gitops.objects import Manifest
from gitops.yaml import is_string, keys, text_of
from gitops.yaml.scalars import is_null
from gitops.yaml.tracked import Unquoted, copy

Member = tuple[tuple[str, ...], dict[str, Any], str]
"""One of several fields that hold the same value: its path, the mapping it is in, its key."""
_NO_GVK: tuple[Any, Any, Gvk] = (None, None, Gvk())
_NO_IDENTITY: tuple[Any, Any, Identity] = (None, None, Identity(Gvk(), "", ""))
"""What was found last, and what it was made of: nothing yet."""
_NOT_COPIED = frozenset(("data", "start", "shared", "_gvk", "_identity"))


_KEYS = "kustomize writes keys without quotes: take one that is no number, no date, and not true, false or null"


class Resource:
    """A mutable object; `previous` are the identities it had, oldest first, as (name, namespace, kind).

    `shared` are groups of fields that change together: kustomize puts one and the same node wherever a transformer
    adds a label (filtersutil.SetEntry), so whatever changes one of them later, a patch for instance, changes all.
    `unquoted`: it has, or had, keys that are no strings.
    """

    __slots__ = (
        "_gvk",
        "_identity",
        "allow_kind_change",
        "allow_name_change",
        "behavior",
        "data",
        "generated",
        "needs_hash",
        "origin",
        "prefixes",
        "previous",
        "shared",
        "start",
        "suffixes",
        "unquoted",
        "variables",
    )

    def __init__(self, data: Manifest, start: Location) -> None:
        self.data = data
        self.start = start
        self.previous: tuple[tuple[str, str, str], ...] = ()
        self.prefixes: tuple[str, ...] = ()
        self.suffixes: tuple[str, ...] = ()
        self.variables: tuple[str, ...] = ()
        self.behavior = ""
        self.generated = False
        self.needs_hash = False
        self.allow_name_change = False
        self.allow_kind_change = False
        self.origin: Any = None
        self.shared: list[list[Member]] = []
        self.unquoted = False
        self._gvk = _NO_GVK
        self._identity = _NO_IDENTITY

    def __repr__(self) -> str:
        return f"Resource({self.identity})"

    @property
    def kind(self) -> str:
        """The kind as written."""
        return text_of(self.data.get("kind", ""))

    @property
    def gvk(self) -> Gvk:
        """The object's kind."""
        version, kind = self.data.get("apiVersion", ""), self.data.get("kind", "")
        known = self._gvk
        if version is known[0] and kind is known[1]:  # asked for twenty times an object, and hardly ever another
            return known[2]
        gvk = gvk_of(text_of(version), text_of(kind))
        self._gvk = (version, kind, gvk)
        return gvk

    @property
    def name(self) -> str:
        """The name as written; empty if there is none."""
        return self._metadata("name")

    @property
    def namespace(self) -> str:
        """The namespace as written; empty if there is none."""
        return self._metadata("namespace")

    def _metadata(self, field: str) -> str:
        metadata = self.data.get("metadata")
        if not isinstance(metadata, dict):
            return ""
        value = metadata.get(field)
        return value if isinstance(value, str) else "" if is_null(value) else text_of(value)

    @property
    def identity(self) -> Identity:
        """Who the object is now."""
        gvk, metadata = self.gvk, self.data.get("metadata")
        if not isinstance(metadata, dict):
            return Identity(gvk, "", "")
        name, namespace, known = metadata.get("name"), metadata.get("namespace"), self._identity
        if name is known[0] and namespace is known[1] and gvk is known[2].gvk:
            return known[2]
        identity = Identity(gvk, self.name, self.namespace)
        self._identity = (name, namespace, identity)
        return identity

    @property
    def previous_identities(self) -> list[Identity]:
        """Who the object was, oldest first."""
        return [Identity(self._of_kind(kind), name, ns) for name, ns, kind in self.previous]

    def _of_kind(self, kind: str) -> Gvk:
        gvk = self.gvk
        return gvk if kind == gvk.kind else gvk._replace(kind=kind)

    @property
    def original(self) -> Identity:
        """Who the object was first."""
        if not self.previous:
            return self.identity
        name, namespace, kind = self.previous[0]
        return Identity(self._of_kind(kind), name, namespace)

    def remember(self) -> None:
        """Keep the present identity among the previous ones."""
        now = self.identity
        self.previous = (*self.previous, (now.name, now.effective_namespace, now.gvk.kind))

    def metadata(self) -> dict[str, Any]:
        """The metadata mapping, made if there is none."""
        found = self.data.get("metadata")
        if not isinstance(found, dict):
            found = self.data["metadata"] = {}
        return found

    def strings(self, field: str) -> dict[str, str]:
        """The labels or annotations, values as spelled."""
        metadata = self.data.get("metadata")
        found = metadata.get(field) if isinstance(metadata, dict) else None
        return {key: text_of(value) for key, value in found.items()} if isinstance(found, dict) else {}

    def set_strings(self, field: str, values: dict[str, str]) -> None:
        """Replace labels or annotations; none means the field goes."""
        metadata = self.metadata()
        metadata.pop(field, None)
        if values:
            metadata[field] = {self.made_key(key): values[key] for key in sorted(values)}

    def made_key(self, key: str) -> str:
        """A key as kustomize adds it, without quotes: a number, say, which is noted."""
        found = keys.made(key)
        self.unquoted = self.unquoted or isinstance(found, Unquoted)
        return found

    def refuse_unquoted(self) -> None:
        """Refuse keys that are no strings: JSON has none.

        Raises:
            BuildError: there is one below the object's root.
        """
        if not self.unquoted:
            return
        for path, key in keys.unquoted_below(self.data):
            raise errors.BuildError(
                f"the key {str(key)!r} in {'.'.join(path) or 'the root'} of {self.identity} is not a string",
                hint="put it in quotes" if key.at else _KEYS,
                location=key.at or self.start,
            )

    def spread(self, container: dict[str, Any], key: str) -> None:
        """Bring the fields that share a value with this one up to date."""
        for group in self.shared:
            if any(mapping is container and name == key for _, mapping, name in group):
                for _, mapping, name in group:
                    if name in mapping:
                        mapping[name] = container[key]

    def copied(self) -> Resource:
        """A copy that shares no containers."""
        twin = Resource(copy(self.data), self.start)
        for field in self.__slots__:
            if field not in _NOT_COPIED:
                setattr(twin, field, getattr(self, field))
        return twin

    def same_endings(self, other: Resource, *, allow_empty: bool) -> bool:
        """Whether one list of name prefixes ends like the other, and so for suffixes."""
        pairs = ((self.prefixes, other.prefixes), (self.suffixes, other.suffixes))
        return all((allow_empty and not (a and b)) or _ends_alike(a, b) for a, b in pairs)


def _ends_alike(a: tuple[str, ...], b: tuple[str, ...]) -> bool:
    shorter, longer = sorted((a, b), key=len)
    if not shorter:
        return not longer
    return longer[len(longer) - len(shorter) :] == shorter


def is_name(value: Any) -> bool:
    """Whether a value can be a name."""
    return is_string(value) and bool(text_of(value))
