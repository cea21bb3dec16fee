"""A cluster somebody else started, named by GITOPS_TEST_KUBECONFIG."""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Sequence
from pathlib import Path

from typing_extensions import override

from tests.cluster.audit import AuditEvent
from tests.cluster.cluster import Cluster, is_ready
from tests.cluster.errors import GroundError, NotOurClusterError
from tests.cluster.gitserver import ClusterGitServer

VARIABLE = "GITOPS_TEST_KUBECONFIG"


class GivenCluster(Cluster):
    """An existing cluster: its own administrator, no audit log, no image loading, no node access."""

    def __init__(self, kubeconfig: Path) -> None:
        if not kubeconfig.is_file():
            raise GroundError(f"there is no file {kubeconfig}", why=f"{VARIABLE} names it")
        self._kubeconfig = kubeconfig

    @property
    def kubeconfig(self) -> Path:
        """The kubeconfig that was given."""
        return self._kubeconfig

    @property
    def git(self) -> ClusterGitServer:
        """Refuse: that cluster's network has no Git server of ours."""
        raise NotOurClusterError("reach a Git server from its pods")

    @override
    def user(self, name: str, *, groups: Sequence[str] = ()) -> Path:
        """Refuse: the authority of that cluster is not ours."""
        raise NotOurClusterError(f"issue a certificate to {name}")

    @override
    def audit(self, *, user: str | None = None, since: dt.datetime | None = None) -> list[AuditEvent]:
        """Refuse: the audit log of that cluster cannot be read."""
        raise NotOurClusterError("read the audit log")

    @override
    def load(self, archives: list[Path]) -> None:
        """Refuse: images come to that cluster another way."""
        raise NotOurClusterError("load images")

    @override
    def execute(self, node: str, *command: str) -> str:
        """Refuse: its nodes cannot be entered."""
        raise NotOurClusterError(f"run a command on {node}")

    @override
    def unready_nodes(self) -> list[str]:
        """Name the nodes of that cluster, whatever they are called, that are not Ready."""
        return [item["metadata"]["name"] for item in self.get("nodes")["items"] if not is_ready(item)]


def find() -> GivenCluster | None:
    """Return the cluster the environment names, or None when it names none."""
    named = os.environ.get(VARIABLE)
    return GivenCluster(Path(named)) if named else None
