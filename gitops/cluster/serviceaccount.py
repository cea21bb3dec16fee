"""The configuration every pod finds in its own file system."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitops.cluster import proxy
from gitops.cluster.settings import ClusterConfig, TokenFile, Trust
from gitops.errors import ConfigError

FOLDER = Path("/var/run/secrets/kubernetes.io/serviceaccount")


def present(environ: Mapping[str, str], folder: Path = FOLDER) -> bool:
    """Whether this process runs in a pod with an account."""
    return bool(environ.get("KUBERNETES_SERVICE_HOST")) and (folder / "token").is_file()


def read(environ: Mapping[str, str], folder: Path = FOLDER) -> ClusterConfig:
    """The API server and account of the pod this process runs in.

    Raises:
        ConfigError: a part is missing; the message names it.
    """
    host, port = environ.get("KUBERNETES_SERVICE_HOST", ""), environ.get("KUBERNETES_SERVICE_PORT", "443")
    if not host:
        raise ConfigError("not in a pod", cause="KUBERNETES_SERVICE_HOST is not set")
    try:
        authority = (folder / "ca.crt").read_bytes()
        namespace = (folder / "namespace").read_text(encoding="utf-8").strip()
    except OSError as error:
        raise ConfigError(
            "the pod's own account cannot be read",
            cause=f"{error.filename}: {error.strerror}",
            hint="is automountServiceAccountToken false for this pod?",
        ) from error
    server = f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"
    return ClusterConfig(
        server=server,
        origin=f"the pod's own account in {folder}",
        namespace=namespace or "default",
        trust=Trust(authority=authority),
        bearer=TokenFile(str(folder / "token")),
        proxy=proxy.of(server, environ),
    )
