"""The Objects port over HTTP: one method a verb, JSON both ways."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from gitops.api.meta import FIELD_MANAGER
from gitops.cluster.discovery import Discovery
from gitops.cluster.http import Http
from gitops.cluster.request import APPLY, MERGE, Request, as_yaml, path_of, ref_to
from gitops.cluster.status import Expired
from gitops.errors import ObjectMissing
from gitops.objects import Manifest
from gitops.ports.objects import Applied, DeleteOptions, Listing, Resource

_PAGE = 500
_CREATED = 201
SERVER_LIMIT = 30
"""Seconds the server is given for a create that is not to be carried out late. By itself it takes up to 34."""
_WRITE = (("fieldManager", FIELD_MANAGER), ("fieldValidation", "Strict"))
_DECODE = msgspec.json.Decoder(Manifest).decode


class ServerObjects:
    """Objects of the cluster behind `http`."""

    def __init__(self, http: Http, discovery: Discovery) -> None:
        self._http = http
        self._discovery = discovery

    async def resource(self, api_version: str, kind: str) -> Resource:
        """See `gitops.ports.objects.Objects`."""
        return await self._discovery.find(api_version, kind)

    async def get(self, resource: Resource, namespace: str, name: str) -> Manifest | None:
        """See `gitops.ports.objects.Objects`."""
        try:
            return await self._send(_request("GET", "read", resource, namespace, name))
        except ObjectMissing:
            return None

    async def list(self, resource: Resource, namespace: str = "", *, labels: str = "", fields: str = "") -> Listing:
        """See `gitops.ports.objects.Objects`."""
        try:
            return await self._pages(resource, namespace, (labels, fields), _PAGE)
        except Expired:
            # The cursor outlived etcd's history (five minutes): everything in one answer cannot expire.
            return await self._pages(resource, namespace, (labels, fields), 0)

    async def apply(
        self, resource: Resource, manifest: Manifest, *, dry_run: bool = False, force: bool = False
    ) -> Applied:
        """See `gitops.ports.objects.Objects`."""
        query = (*_WRITE, ("force", "true" if force else "false"), *((("dryRun", "All"),) if dry_run else ()))
        request = _request(
            "PATCH",
            "apply",
            resource,
            *_place(manifest),
            query=query,
            body=as_yaml(msgspec.json.encode(manifest)),
            content_type=APPLY,
        )
        answer = await self._http.send(request)
        return Applied(object=_DECODE(answer.body), created=answer.status == _CREATED)

    async def create(self, resource: Resource, manifest: Manifest, *, within: float | None = None) -> Manifest:
        """See `gitops.ports.objects.Objects`."""
        namespace, name = _place(manifest)
        limit = () if within is None else (("timeout", f"{SERVER_LIMIT}s"),)
        request = Request(
            method="POST",
            path=path_of(resource, namespace),
            what=f"create {ref_to(resource, namespace, name)}",
            query=(*_WRITE, *limit),
            body=msgspec.json.encode(manifest),
            ref=ref_to(resource, namespace, name),
            within=within,
        )
        return await self._send(request)

    async def replace(self, resource: Resource, manifest: Manifest) -> Manifest:
        """See `gitops.ports.objects.Objects`."""
        body = msgspec.json.encode(manifest)
        return await self._send(_request("PUT", "replace", resource, *_place(manifest), query=_WRITE, body=body))

    async def patch_status(self, resource: Resource, namespace: str, name: str, patch: Mapping[str, Any]) -> Manifest:
        """See `gitops.ports.objects.Objects`."""
        request = _request(
            "PATCH",
            "write the status of",
            resource,
            namespace,
            name,
            subresource="status",
            query=_WRITE,
            body=msgspec.json.encode(patch),
            content_type=MERGE,
        )
        return await self._send(request)

    async def delete(self, resource: Resource, namespace: str, name: str, *, options: DeleteOptions) -> bool:
        """See `gitops.ports.objects.Objects`."""
        body: dict[str, Any] = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "propagationPolicy": options.propagation,
        }
        preconditions = {"uid": options.uid, "resourceVersion": options.resource_version}
        if wanted := {key: value for key, value in preconditions.items() if value}:
            body["preconditions"] = wanted
        if options.grace_seconds is not None:
            body["gracePeriodSeconds"] = options.grace_seconds
        try:
            await self._send(_request("DELETE", "delete", resource, namespace, name, body=msgspec.json.encode(body)))
        except ObjectMissing:
            return False
        return True

    async def _pages(self, resource: Resource, namespace: str, selectors: tuple[str, str], limit: int) -> Listing:
        items: list[Manifest] = []
        cursor = ""
        while True:
            page = await self._send(list_request(resource, namespace, selectors, limit=limit, cursor=cursor))
            items.extend(page.get("items") or ())
            metadata = page.get("metadata") or {}
            cursor = metadata.get("continue") or ""
            if not cursor:
                break
        for item in items:
            # The server leaves both out of the items of a list.
            item.setdefault("apiVersion", resource.api_version)
            item.setdefault("kind", resource.kind)
        return Listing(items=items, resource_version=metadata.get("resourceVersion") or "")

    async def _send(self, request: Request) -> Manifest:
        answer = await self._http.send(request)
        return _DECODE(answer.body)


def list_request(
    resource: Resource, namespace: str, selectors: tuple[str, str], *, limit: int = 0, cursor: str = ""
) -> Request:
    """One page of a consistent LIST of what matches the selectors of labels and of fields."""
    labels, fields = selectors
    query = {"labelSelector": labels, "fieldSelector": fields, "limit": str(limit or ""), "continue": cursor}
    where = f" in namespace {namespace}" if namespace and resource.namespaced else ""
    return Request(
        method="GET",
        path=path_of(resource, namespace),
        what=f"list {_kind(resource)}{where}",
        query=tuple((key, value) for key, value in query.items() if value),
    )


def _request(
    method: str, verb: str, resource: Resource, namespace: str, name: str, *, subresource: str = "", **fields: Any
) -> Request:
    ref = ref_to(resource, namespace, name)
    return Request(
        method=method,
        path=path_of(resource, namespace, name, subresource),
        what=f"{verb} {ref}",
        ref=ref,
        **fields,
    )


def _place(manifest: Manifest) -> tuple[str, str]:
    metadata = manifest.get("metadata") or {}
    return metadata.get("namespace") or "", metadata.get("name") or metadata.get("generateName") or ""


def _kind(resource: Resource) -> str:
    return f"{resource.kind}.{resource.group}" if resource.group else resource.kind
