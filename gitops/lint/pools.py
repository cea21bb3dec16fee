"""Rules about pools: what their operations need, who serves them, and whether their template makes a pod."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import msgspec

from gitops import api, errors
from gitops.api.operation import OperationSpec
from gitops.lint import codes
from gitops.lint.subject import Subject, Told, mapping
from gitops.pods import render
from gitops.pods.render import Launch

_NEEDED = ("cpu", "memory")


def look(subject: Subject) -> Iterator[Told]:
    """What there is to say of one pool."""
    if subject.ours == "WorkerPool":
        yield from _requests(subject)


def _requests(subject: Subject) -> Iterator[Told]:
    spec = mapping(subject.manifest, "spec")
    requests = {
        **mapping(spec, "resources", "requests"),
        **_of_template(subject),
    }
    missing = [name for name in _NEEDED if name not in requests]
    if not missing:
        return
    limits = mapping(spec, "resources", "limits")
    if all(name in limits for name in missing):
        what = f"no request for {' and '.join(missing)}, so that Kubernetes takes the limit as the request"
        why = "nodes are added early and pods wait for them, if operations need less"
    elif requests or limits:
        what = f"no request for {' and '.join(missing)}"
        why = "the autoscaler sees no need for it: nodes are overfilled instead of added"
    else:
        what = "no resource requests; the default is cpu 100m, memory 128Mi"
        why = "the autoscaler counts requests: too low, and no node is added; too high, and pods wait for one"
    message = f"WorkerPool {subject.ref.name} has {what}"
    where = "/spec/resources/requests" if requests else "/spec/resources" if limits else "/spec"
    yield Told(codes.NO_REQUEST, where, message, f"{why}; write what operations were measured to need")


def _of_template(subject: Subject) -> dict[str, object]:
    """Requests that the pod template adds to the operation's container."""
    containers = mapping(subject.manifest, "spec", "podTemplate", "spec").get("containers")
    found: dict[str, object] = {}
    for one in containers if isinstance(containers, list) else ():
        if isinstance(one, dict) and one.get("name") == "operation":
            found |= mapping(one, "resources", "requests")
    return found


def template(subject: Subject) -> Iterator[Told]:
    """What is wrong with a pool's pod template that only merging it shows; the pool's schema must hold."""
    if subject.ours != "WorkerPool":
        return
    pool = msgspec.convert(subject.manifest, api.WorkerPool)
    try:
        render.pod(_sample(pool))
    except errors.ConfigError as error:
        message = f"{error.message}: {error.cause}" if error.cause else error.message
        yield Told(codes.PROTECTED, "/spec/podTemplate", message, error.hint)


def _sample(pool: api.WorkerPool) -> Launch:
    metadata = api.Metadata(name="sample", namespace=pool.metadata.namespace, uid="0")
    operation = api.Operation(metadata=metadata, spec=OperationSpec(pool=pool.metadata.name, script="true"))
    return Launch(operation=operation, pool=pool, worker="worker", runner="gitops-runner")


def together(subjects: Sequence[Subject]) -> Iterator[tuple[Subject, Told]]:
    """Workers and the pools they name, in one namespace each."""
    pools = {(one.ref.namespace, one.ref.name): one for one in subjects if one.ours == "WorkerPool"}
    served: set[tuple[str, str]] = set()
    for subject in subjects:
        if subject.ours != "Worker":
            continue
        for index, name in enumerate(_served(subject)):
            key = (subject.ref.namespace, name)
            served.add(key)
            if key not in pools:
                yield subject, _no_pool(subject, index, name, pools)
    for key, subject in pools.items():
        if key not in served:
            message = f"no Worker of this build serves WorkerPool {subject.ref.name}"
            yield subject, Told(codes.UNSERVED, "/metadata/name", message, f"add {key[1]} to a Worker's spec.pools")


def _served(subject: Subject) -> list[str]:
    names = mapping(subject.manifest, "spec").get("pools")
    return [str(name) for name in names] if isinstance(names, list) else []


def _no_pool(subject: Subject, index: int, name: str, pools: dict[tuple[str, str], Subject]) -> Told:
    here = sorted(pool for namespace, pool in pools if namespace == subject.ref.namespace)
    elsewhere = sorted(namespace for namespace, pool in pools if pool == name)
    hint = f"pools of this build in the same namespace: {', '.join(here) or 'none'}"
    if elsewhere:
        hint = f"there is one in namespace {elsewhere[0]}: Worker and pool must be in the same"
    message = f"Worker {subject.ref.name} serves WorkerPool {name}, which is not in this build"
    return Told(codes.NO_POOL, f"/spec/pools/{index}", message, hint)
