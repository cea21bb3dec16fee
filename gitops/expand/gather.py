"""Manifests -> installations: our kinds decoded, grouped by namespace, and checked against each other."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import msgspec

from gitops import api, errors
from gitops.api import names
from gitops.api.gitsync import Source
from gitops.expand.expanded import Context, Expanded
from gitops.expand.installation import Installation, Pool, Program
from gitops.objects import Manifest
from gitops.ref import ResourceRef

_Kind = TypeVar("_Kind", api.WorkerPool, api.Worker, api.GitSync)


def installations(authored: Sequence[Expanded], context: Context) -> tuple[Installation, ...]:
    """The installations of a build, by namespace.

    Raises:
        SeveralErrors: everything that is wrong with our kinds taken together, each a ConfigError with its place.
    """
    found: list[errors.GitOpsError] = []
    ours = [one for one in authored if one.ref.group == api.GROUP]
    workers = _decode(ours, api.Worker, context, found)
    pools = _decode(ours, api.WorkerPool, context, found)
    syncs = _decode(ours, api.GitSync, context, found)
    found += _operations(ours, context)
    found += _unserved_names(workers, pools, context)
    found += _namespace_clashes(workers, pools, context)
    if found:
        raise found[0] if len(found) == 1 else errors.SeveralErrors(found)
    namespaces = sorted({ref.namespace for ref, _, _ in workers} | {ref.namespace for ref, _, _ in pools})
    return tuple(_installation(namespace, workers, pools, syncs) for namespace in namespaces)


_Decoded = tuple[ResourceRef, Manifest, _Kind]


def _decode(
    ours: Sequence[Expanded], kind: type[_Kind], context: Context, found: list[errors.GitOpsError]
) -> list[_Decoded[_Kind]]:
    decoded: list[_Decoded[_Kind]] = []
    for one in ours:
        ref = one.ref
        if ref.kind != kind.__name__:
            continue
        try:
            value = msgspec.convert(one.manifest, kind)
        except msgspec.ValidationError as error:
            found.append(_wrong(ref, context, "", f"{ref.kind} {ref.name} cannot be read", cause=str(error)))
            continue
        if not ref.namespace:
            hint = "write `namespace:` in the kustomization or in metadata"
            found.append(_wrong(ref, context, "/metadata", f"{ref.kind} {ref.name} has no namespace", hint=hint))
            continue
        decoded.append((ref, one.manifest, value))
    return decoded


def _wrong(
    ref: ResourceRef, context: Context, pointer: str, message: str, *, cause: str = "", hint: str = ""
) -> errors.ConfigError:
    return errors.ConfigError(message, cause=cause, hint=hint, location=context.locate(ref, pointer), ref=ref)


def _operations(ours: Sequence[Expanded], context: Context) -> list[errors.GitOpsError]:
    hint = "create it at run time: gitops operation run"
    return [
        _wrong(one.ref, context, "/kind", f"Operation {one.ref.name} is in Git", hint=hint)
        for one in ours
        if one.ref.kind == "Operation"
    ]


def _unserved_names(
    workers: list[_Decoded[api.Worker]], pools: list[_Decoded[api.WorkerPool]], context: Context
) -> list[errors.GitOpsError]:
    known = {(ref.namespace, ref.name) for ref, _, _ in pools}
    return [
        _wrong(
            ref,
            context,
            f"/spec/pools/{index}",
            f"Worker {ref.name} serves a pool that is not in this build: {name}",
            hint=f"add a WorkerPool {name} in namespace {ref.namespace}, or take the name out of spec.pools",
        )
        for ref, _, worker in workers
        for index, name in enumerate(worker.spec.pools)
        if (ref.namespace, name) not in known
    ]


def _namespace_clashes(
    workers: list[_Decoded[api.Worker]], pools: list[_Decoded[api.WorkerPool]], context: Context
) -> list[errors.GitOpsError]:
    homes = {ref.namespace for ref, _, _ in workers} | {ref.namespace for ref, _, _ in pools}
    owners: dict[str, ResourceRef] = {}
    found: list[errors.GitOpsError] = []
    for ref, _, pool in pools:
        operations = names.operations_namespace(pool)
        if operations in homes:
            message = f"WorkerPool {ref.name} would run its pods in {operations}, where workers and pools live"
            hint = "operations need a namespace of their own: leave spec.namespace out"
            found.append(_wrong(ref, context, "/spec/namespace", message, hint=hint))
        elif operations in owners:
            message = (
                f"WorkerPool {ref.name} and {owners[operations]} would share the operations namespace {operations}"
            )
            found.append(_wrong(ref, context, "/spec/namespace", message, hint="each pool has a namespace of its own"))
        owners.setdefault(operations, ref)
    for ref, _, pool in pools:
        for index, target in enumerate(pool.spec.rbac.target_namespaces):
            if target in owners or target in homes:
                message = f"WorkerPool {ref.name} cannot be given rights in {target}: it belongs to a pool or worker"
                found.append(_wrong(ref, context, f"/spec/rbac/targetNamespaces/{index}", message))
    return found


def _secrets(source: Source) -> tuple[api.LocalReference | None, ...]:
    """Every Secret a source names."""
    return source.credentials, source.proxy, source.verify.secret if source.verify else None


def _installation(
    namespace: str,
    workers: list[_Decoded[api.Worker]],
    pools: list[_Decoded[api.WorkerPool]],
    syncs: list[_Decoded[api.GitSync]],
) -> Installation:
    here = [decoded for decoded in workers if decoded[0].namespace == namespace]
    followed = [sync.spec for ref, _, sync in syncs if ref.namespace == namespace]
    credentials = {secret.name for spec in followed for secret in _secrets(spec.source) if secret}
    accounts = {spec.service_account.name for spec in followed if spec.service_account}
    return Installation(
        namespace=namespace,
        programs=tuple(Program(ref=ref, manifest=manifest, value=value) for ref, manifest, value in here),
        pools=tuple(
            Pool(
                ref=ref,
                manifest=manifest,
                value=value,
                workers=tuple(worker for _, _, worker in here if ref.name in worker.spec.pools),
            )
            for ref, manifest, value in pools
            if ref.namespace == namespace
        ),
        credentials=tuple(sorted(credentials)),
        accounts=tuple(sorted(accounts)),
    )
