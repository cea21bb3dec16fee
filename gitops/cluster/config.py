"""Which cluster, and as whom: found as kubectl finds it.

Plain kubeconfigs and in-cluster accounts are read without the `kubernetes` package, whose import takes a fifth of a
second; it is loaded only for users that run a plugin (`credentials.py`).
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from gitops.cluster import kubeconfig as files
from gitops.cluster import serviceaccount
from gitops.cluster.settings import ClusterConfig
from gitops.errors import ConfigError

__all__ = ["ClusterConfig", "load"]


def load(*, kubeconfig: str = "", context: str = "", environ: Mapping[str, str] | None = None) -> ClusterConfig:
    """Find the cluster: the given file, else the files of KUBECONFIG, else ~/.kube/config, else the pod's own account.

    Raises:
        ConfigError: no configuration, or one that cannot be used; the message names the file.
    """
    env = os.environ if environ is None else environ
    if kubeconfig:
        return files.read([Path(kubeconfig)], context=context, environ=env, required=True)
    if env.get("KUBECONFIG"):
        paths = [Path(part) for part in env["KUBECONFIG"].split(os.pathsep) if part]
        return files.read(paths, context=context, environ=env)
    home = Path(env.get("HOME") or Path.home()) / ".kube" / "config"
    if home.is_file():
        return files.read([home], context=context, environ=env)
    if serviceaccount.present(env):
        return serviceaccount.read(env)
    raise ConfigError(
        "no cluster is configured",
        cause=f"no --kubeconfig, no KUBECONFIG, no {home}, and this is not a pod",
        hint="point --kubeconfig or KUBECONFIG at a kubeconfig file",
    )
