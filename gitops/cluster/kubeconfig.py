"""Kubeconfig files: merged, checked, and turned into a `ClusterConfig`.

Of several files the first to name a cluster, user or context wins, and relative paths start at the file that holds them
(https://kubernetes.io/docs/concepts/configuration/organize-cluster-access-kubeconfig/).
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from gitops.cluster import proxy
from gitops.cluster.settings import Bearer, Certificate, ClusterConfig, Impersonation, Plugin, Token, TokenFile, Trust
from gitops.errors import ConfigError
from gitops.location import Location

_SECTIONS = {"clusters": "cluster", "users": "user", "contexts": "context"}


@dataclass(frozen=True, slots=True)
class _Entry:
    """One named cluster, user or context, and the file it stands in."""

    kind: str
    name: str
    fields: Mapping[str, Any]
    file: Path

    def text(self, key: str) -> str:
        value = self.fields.get(key)
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self.wrong(f"{key} must be a string")
        return value

    def flag(self, key: str) -> bool:
        value = self.fields.get(key, False)
        if not isinstance(value, bool):
            raise self.wrong(f"{key} must be true or false")
        return value

    def path(self, key: str) -> str:
        value = self.text(key)
        return str(self.file.parent.absolute() / value) if value else ""

    def pem(self, key: str) -> bytes:
        """The content of `<key>-data`, or of the file `<key>` names; data wins, as with kubectl."""
        inline = self.text(f"{key}-data")
        try:
            if inline:
                return base64.b64decode(inline, validate=True)
            return Path(self.path(key)).read_bytes() if self.text(key) else b""
        except binascii.Error as error:
            raise self.wrong(f"{key}-data is not base64") from error
        except OSError as error:
            raise self.wrong(f"{key}: {error.filename}: {error.strerror}") from error

    def wrong(self, cause: str, *, hint: str = "") -> ConfigError:
        return ConfigError(
            f"{self.kind} {self.name!r} cannot be used", cause=cause, hint=hint, location=Location(str(self.file))
        )


@dataclass(slots=True)
class _Merged:
    current: str = ""
    entries: dict[tuple[str, str], _Entry] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)

    def find(self, kind: str, name: str, wanted_by: str) -> _Entry:
        entry = self.entries.get((kind, name))
        if entry is None:
            known = sorted(other for section, other in self.entries if section == kind)
            raise ConfigError(
                f"{wanted_by} names {kind} {name!r}, which does not exist",
                location=Location(", ".join(self.files)),
                hint=f"known: {', '.join(known)}" if known else f"the file has no {kind}",
            )
        return entry


def read(
    paths: Sequence[Path], *, context: str = "", environ: Mapping[str, str], required: bool = False
) -> ClusterConfig:
    """The cluster and user of a context; of the current one if `context` is empty.

    Files that do not exist are skipped unless `required`.

    Raises:
        ConfigError: with the file's name.
    """
    merged = _merge([path for path in paths if required or path.exists()])
    if not merged.files:
        raise ConfigError("no kubeconfig file exists", cause=", ".join(map(str, paths)), hint="look at KUBECONFIG")
    name = context or merged.current
    if not name:
        raise ConfigError(
            "no context is chosen",
            cause="current-context is empty",
            location=Location(", ".join(merged.files)),
            hint="give --context, or run `kubectl config use-context NAME`",
        )
    chosen = merged.find("context", name, "--context" if context else "current-context")
    cluster = merged.find("cluster", chosen.text("cluster"), f"context {name!r}")
    user = None
    if chosen.text("user"):
        user = merged.find("user", chosen.text("user"), f"context {name!r}")
    return _config(chosen, cluster, user, environ)


def _merge(paths: Sequence[Path]) -> _Merged:
    merged = _Merged()
    for path in paths:
        document = _parse(path)
        merged.files.append(str(path))
        merged.current = merged.current or str(document.get("current-context") or "")
        for section, kind in _SECTIONS.items():
            for item in _items(document, section, path):
                entry = _Entry(kind, str(item.get("name", "")), item.get(kind) or {}, path)
                if not isinstance(entry.fields, Mapping):
                    raise entry.wrong(f"{kind} must be a mapping")
                merged.entries.setdefault((kind, entry.name), entry)
    return merged


def _parse(path: Path) -> Mapping[str, Any]:
    try:
        document = yaml.load(path.read_bytes(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))  # noqa: S506 - both are safe loaders
    except OSError as error:
        raise ConfigError("the kubeconfig cannot be read", cause=f"{path}: {error.strerror}") from error
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        where = Location(str(path), mark.line + 1, mark.column + 1) if mark else Location(str(path))
        raise ConfigError("the kubeconfig is not YAML", cause=error.problem or "", location=where) from error
    except yaml.YAMLError as error:
        raise ConfigError("the kubeconfig is not YAML", cause=str(error), location=Location(str(path))) from error
    if document is None:
        return {}
    if not isinstance(document, Mapping):
        raise ConfigError("the kubeconfig is not a mapping", location=Location(str(path)))
    return document


def _items(document: Mapping[str, Any], section: str, path: Path) -> Sequence[Mapping[str, Any]]:
    items = document.get(section) or []
    if not isinstance(items, list) or not all(isinstance(item, Mapping) for item in items):
        raise ConfigError(f"{section} must be a list of named entries", location=Location(str(path)))
    return items


def _config(context: _Entry, cluster: _Entry, user: _Entry | None, environ: Mapping[str, str]) -> ClusterConfig:
    server = cluster.text("server").rstrip("/")
    if not server:
        raise cluster.wrong("it has no server")
    if not server.startswith(("https://", "http://")):
        raise cluster.wrong(f"server {server!r} is not an http or https URL")
    chosen = cluster.text("proxy-url") or proxy.of(server, environ)
    if chosen and not chosen.startswith(("http://", "https://")):
        raise cluster.wrong(f"proxy {chosen!r} is not an HTTP proxy", hint="SOCKS proxies are not supported")
    return ClusterConfig(
        server=server,
        origin=f"{cluster.file} (context {context.name})",
        context=context.name,
        namespace=context.text("namespace") or "default",
        trust=_trust(cluster),
        bearer=_bearer(cluster, user) if user else None,
        certificate=_certificate(user) if user else None,
        impersonate=_impersonate(user) if user else None,
        proxy=chosen,
    )


def _trust(cluster: _Entry) -> Trust:
    trust = Trust(
        authority=cluster.pem("certificate-authority"),
        server_name=cluster.text("tls-server-name"),
        insecure=cluster.flag("insecure-skip-tls-verify"),
    )
    if trust.insecure and trust.authority:
        raise cluster.wrong("it has both insecure-skip-tls-verify and a certificate-authority", hint="remove the first")
    return trust


def _bearer(cluster: _Entry, user: _Entry) -> Bearer:
    # kubectl's precedence: a token file over a token, both over a plugin.
    if user.text("tokenFile"):
        return TokenFile(user.path("tokenFile"))
    if user.text("token"):
        return Token(user.text("token"))
    if "exec" in user.fields or "auth-provider" in user.fields:
        return Plugin(_standalone(cluster, user))
    if user.text("username"):
        raise user.wrong("user name and password", hint="no supported API server accepts them; use a token")
    return None


def _certificate(user: _Entry) -> Certificate | None:
    certificate, key = user.pem("client-certificate"), user.pem("client-key")
    if bool(certificate) != bool(key):
        raise user.wrong("a client certificate needs both client-certificate and client-key")
    return Certificate(certificate=certificate, key=key) if certificate else None


def _impersonate(user: _Entry) -> Impersonation | None:
    if not user.text("as"):
        return None
    extra = user.fields.get("as-user-extra") or {}
    return Impersonation(
        user=user.text("as"),
        groups=tuple(user.fields.get("as-groups") or ()),
        uid=user.text("as-uid"),
        extra=tuple((str(key), str(value)) for key, values in extra.items() for value in values),
    )


def _standalone(cluster: _Entry, user: _Entry) -> Mapping[str, Any]:
    """A kubeconfig of one user, all paths absolute, for the package that runs plugins."""
    fields = dict(user.fields)
    plugin = fields.get("exec")
    if isinstance(plugin, Mapping) and "/" in str(plugin.get("command", "")):
        fields["exec"] = {**plugin, "command": str(user.file.parent.absolute() / str(plugin["command"]))}
    about = {"server": cluster.text("server")}
    if authority := cluster.pem("certificate-authority"):
        about["certificate-authority-data"] = base64.b64encode(authority).decode()
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "it",
        "contexts": [{"name": "it", "context": {"cluster": "it", "user": user.name}}],
        "clusters": [{"name": "it", "cluster": about}],
        "users": [{"name": user.name, "user": fields}],
    }
