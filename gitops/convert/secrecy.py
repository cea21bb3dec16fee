"""Credentials in values: where they are, and the Secret that takes the place of each. No value leaves this module."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final

from gitops import yaml
from gitops.convert.values import Values
from gitops.location import Location

DOCKER: Final = ".dockerconfigjson"
_USERINFO: Final = re.compile(r"://\S*@")
PASSWORD: Final = re.compile(r"://[^\s/@:]*:[^\s@]+@")
"""A URL with a password in it."""
_NAMED: Final = re.compile(
    r"pass|secret|token|credential|connection_?string|dsn|(api|access|private|account)[-_]?key|(^|_)(auth|key|pat|pwd)(_|$)",
    re.IGNORECASE,
)

_KEYS: Final = {
    "agent.serverApiKey": ("octopus", "api-key"),
    "agent.bearerToken": ("octopus", "bearer-token"),
    "agent.username": ("octopus", "username"),
    "agent.password": ("octopus", "password"),
    "agent.certificate": ("octopus", "certificate.pfx"),
    "agent.serverCertificate": ("octopus", "octopus-server-certificate.pem"),
    "global.serverCertificate": ("octopus", "octopus-server-certificate.pem"),
    "agent.pollingProxy.username": ("octopus", "proxy-username"),
    "agent.pollingProxy.password": ("octopus", "proxy-password"),
    "agent.upgrade.dockerAuth.username": ("registry", DOCKER),
    "agent.upgrade.dockerAuth.password": ("registry", DOCKER),
    "agent.upgrade.dockerAuth.registry": ("registry", DOCKER),
}
"""Suffix of the Secret's name, and its key; the keys are the chart's own where it has some."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Needed:
    """A key of a Secret that somebody must make: for a value that was inline (`path`), or one already by reference."""

    path: str
    location: Location | None
    namespace: str
    secret: str
    key: str
    user: str
    """Who reads it; empty if nothing does yet."""


def inline(values: Values, *, namespace: str, worker: str) -> Iterator[Needed]:
    """The credentials of the chart's own keys; they go beside the worker."""
    for path, (suffix, key) in _KEYS.items():
        raw = values.raw(path)
        if raw is None or yaml.plain(raw) == "":
            continue
        secret = f"{worker}-{suffix}"
        yield Needed(path=path, location=values.location(path), namespace=namespace, secret=secret, key=key, user="")


def variable(entry: Any, known: frozenset[str]) -> bool:
    """Whether an entry of `env` holds a secret: by its name, by a URL with a user in it, or by being one of `known`."""
    if not isinstance(entry, dict) or "value" not in entry or not entry.get("name"):
        return False
    value, name = yaml.text_of(entry["value"]), yaml.text_of(entry["name"])
    return bool(value) and (bool(_NAMED.search(name)) or bool(_USERINFO.search(value)) or value in known)


def commands(needed: Iterable[Needed]) -> tuple[str, ...]:
    """One `kubectl create secret` per Secret; each value is read from a file named after its key."""
    secrets: dict[tuple[str, str], list[str]] = {}
    for one in needed:
        keys = secrets.setdefault((one.namespace, one.secret), [])
        if one.key not in keys:
            keys.append(one.key)
    return tuple(_command(namespace, secret, keys) for (namespace, secret), keys in secrets.items())


def _command(namespace: str, secret: str, keys: list[str]) -> str:
    start = f"kubectl create secret generic {secret} --namespace {namespace}"
    if keys == [DOCKER]:
        return f"{start} --type kubernetes.io/dockerconfigjson --from-file {DOCKER}=config.json"
    return " ".join([start, *(f"--from-file {key}={key.lstrip('.')}" for key in keys)])
