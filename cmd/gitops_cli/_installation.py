"""The objects an installation has beside what Git says: credentials, certificates, the first GitSync."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import msgspec

from gitops import api, errors
from gitops.api import names
from gitops.git import site
from gitops.objects import Manifest, conditions
from gitops.ports.objects import Resource
from gitops.ref import ResourceRef
from gitops.sync import events, status
from gitops.sync.means import Means
from gitops_cli import _wiring
from gitops_cli._target import Target

CA_KEY = "ca.crt"
STEP = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What `follow` writes: Secret and ConfigMap where given, then the GitSync."""

    name: str
    namespace: str
    path: str
    secret: Manifest | None
    bundle: Manifest | None
    sync: Manifest


def describe(target: Target, *, url: str, branch: str, token: str, ca: str) -> Installation:
    """The objects for a rendered overlay.

    Raises:
        ConfigError: the overlay has no Worker or several, the URL is not acceptable, or the overlay is the root of
            no repository.
    """
    worker = _worker(target)
    credentials = site.Credentials(password=token) if token else None
    checked = site.site(url, credentials=credentials, ca=ca)
    namespace = target.header.namespace
    secret = names.credential_secret(worker)
    bundle = f"{secret}-ca"
    path = _inside(target)
    source: dict[str, Any] = {"url": checked.url, "ref": {"branch": branch}, "path": path}
    if token:
        source["credentials"] = {"name": secret}
    if ca:
        source["ca"] = {"name": bundle, "key": CA_KEY}
    data = {"token": token}
    return Installation(
        name=target.header.name,
        namespace=namespace,
        path=path,
        secret=_owned("v1", "Secret", secret, namespace, type="Opaque", data=_encoded(data)) if token else None,
        bundle=_owned("v1", "ConfigMap", bundle, namespace, data={CA_KEY: ca}) if ca else None,
        sync=_owned(api.API_VERSION, "GitSync", target.header.name, namespace, spec={"source": source}),
    )


def _worker(target: Target) -> api.Worker:
    found = [one for one in target.desired if (one.ref.group, one.ref.kind) == (api.GROUP, "Worker")]
    if len(found) != 1:
        raise errors.ConfigError(
            f"{target.source.path} has {len(found)} Workers, an installation has one",
            hint="gitops build --no-expand shows what the directory renders to",
        )
    return msgspec.convert(found[0].manifest, api.Worker)


def _inside(target: Target) -> str:
    from gitops.git import checkout

    return checkout.open_path(target.source.path, describe=False).path


def _encoded(data: dict[str, str]) -> dict[str, str]:
    from base64 import b64encode

    return {key: b64encode(value.encode()).decode() for key, value in data.items()}


def _owned(api_version: str, kind: str, name: str, namespace: str, **body: Any) -> Manifest:
    labels = {names.MANAGED_BY: names.PROGRAM, "app.kubernetes.io/part-of": names.PROGRAM}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **body}


async def follow(means: Means, made: Installation) -> None:
    """Write credentials and certificates, then the GitSync that names them."""
    pairs: list[tuple[Resource, Manifest | None]] = [
        (_wiring.SECRETS, made.secret),
        (_wiring.CONFIG_MAPS, made.bundle),
        (status.GIT_SYNCS, made.sync),
    ]
    for resource, manifest in pairs:
        if manifest is not None:
            await means.objects.apply(resource, manifest, force=True)


async def until_ready(means: Means, made: Installation) -> None:
    """Wait until the program in the cluster has applied the repository by itself.

    Raises:
        TimedOut: with the GitSync's own words, or that nobody follows it.
        ConfigError: the program says that a person must act.
    """
    ref = ResourceRef(group=api.GROUP, kind="GitSync", namespace=made.namespace, name=made.name)
    deadline = means.clock.monotonic() + means.patience
    told = ""
    while True:
        found = await means.objects.get(status.GIT_SYNCS, made.namespace, made.name)
        words, ready = _state(found)
        if ready:
            return
        if words != told:
            means.report(events.Waiting(ref, words))
            told = words
        if means.clock.monotonic() >= deadline:
            raise errors.TimedOut(
                f"{ref} is not Ready after {means.patience:.0f} s",
                cause=words,
                hint=f"kubectl -n {made.namespace} get pods; kubectl -n {made.namespace} logs deployment/…",
                ref=ref,
            )
        await means.clock.sleep(STEP)


def _state(found: Manifest | None) -> tuple[str, bool]:
    """What the GitSync says of itself, and whether that is Ready for what it is now."""
    if found is None:
        return "it is gone", False
    current = found.get("status") or {}
    if current.get("observedGeneration") != found["metadata"].get("generation"):
        return "no program has looked at it yet", False
    known = current.get("conditions") or ()
    ready = conditions.find(known, "Ready") or {}
    return str(ready.get("message") or "working"), ready.get("status") == "True"
