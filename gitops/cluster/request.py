"""One request to the API server as a value, and the addresses of objects."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import quote, urlencode

from gitops.ports.objects import Resource
from gitops.ref import ResourceRef

APPLY = "application/apply-patch+yaml"
MERGE = "application/merge-patch+json"
JSON = "application/json"
# The server reads the body of an apply as YAML, where these raw characters are refused, or folded as line breaks.
_NOT_YAML = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")
_VERBS = {"POST": "create", "PUT": "update"}


def as_yaml(body: bytes) -> bytes:
    """JSON that says the same when it is read as YAML."""
    if body.isascii() and b"\x7f" not in body:
        return body
    return _NOT_YAML.sub(lambda found: f"\\u{ord(found[0]):04x}", body.decode()).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """`what` finishes the sentence "cannot ..." in error messages."""

    method: str
    path: str
    what: str
    query: tuple[tuple[str, str], ...] = ()
    body: bytes = b""
    content_type: str = JSON
    accept: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    ref: ResourceRef | None = None
    idempotent: bool = False
    within: float | None = None
    """Seconds after which it is not sent any more; None: whenever it can be."""

    @property
    def target(self) -> str:
        """Path and query, encoded."""
        return f"{self.path}?{urlencode(self.query)}" if self.query else self.path

    @property
    def verb(self) -> str:
        """What the audit log and RBAC call it."""
        if self.method != "GET":
            return _VERBS.get(self.method, self.method.lower())
        if ("watch", "1") in self.query:
            return "watch"
        return "get" if len(self._parts) > 1 else "list"

    @property
    def resource(self) -> str:
        """Plural and subresource, `pods/log`; empty for an address that names none, as discovery's do."""
        parts = self._parts
        return "/".join([*parts[:1], *parts[2:3]])

    @property
    def _parts(self) -> list[str]:
        """Plural, name, subresource: as much of it as the path has."""
        parts = self.path.strip("/").split("/")
        parts = parts[2:] if parts[0] == "api" else parts[3:]
        return parts[2:] if parts[:1] == ["namespaces"] and len(parts) > 2 else parts  # noqa: PLR2004 - with its name

    @property
    def safe(self) -> bool:
        """Whether asking twice does no more than asking once."""
        return self.idempotent or self.method == "GET" or ("dryRun", "All") in self.query


@dataclass(frozen=True, slots=True)
class Answer:
    """A response below 400."""

    status: int
    body: bytes
    headers: Mapping[str, str]


def path_of(resource: Resource, namespace: str = "", name: str = "", subresource: str = "") -> str:
    """The address of a collection, an object or a subresource; a namespace is ignored for cluster-scoped kinds."""
    parts = [f"/apis/{resource.group}" if resource.group else "/api", resource.version]
    if namespace and resource.namespaced:
        parts += ["namespaces", quote(namespace, safe="")]
    parts.append(resource.plural)
    if name:
        parts.append(quote(name, safe=":"))
    if subresource:
        parts.append(subresource)
    return "/".join(parts)


def ref_to(resource: Resource, namespace: str, name: str) -> ResourceRef:
    """The identity of an object of this kind."""
    where = namespace if resource.namespaced else ""
    return ResourceRef(group=resource.group, kind=resource.kind, namespace=where, name=name)
