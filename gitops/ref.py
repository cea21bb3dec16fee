"""The identity of one Kubernetes object."""

from __future__ import annotations

from typing import NamedTuple


class ResourceRef(NamedTuple):
    """Group, kind, namespace and name; never the version, which the server converts freely.

    `namespace` is empty for cluster-scoped objects, `group` for the core group. A tuple, because refs are the keys of
    nearly every mapping, and a dataclass is hashed and compared in Python.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        kind = f"{self.kind}.{self.group}" if self.group else self.kind
        where = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{kind} {where}"

    @property
    def key(self) -> str:
        """The inventory key `namespace_name_group_kind`; no part can hold an underscore that matters (RFC 1123)."""
        return f"{self.namespace}_{self.name}_{self.group}_{self.kind}"

    @classmethod
    def from_key(cls, key: str) -> ResourceRef:
        """Read `key` back; RBAC names may hold underscores, so the fixed parts are cut from both ends."""
        namespace, _, rest = key.partition("_")
        name, group, kind = rest.rsplit("_", 2)
        return cls(group=group, kind=kind, namespace=namespace, name=name)
