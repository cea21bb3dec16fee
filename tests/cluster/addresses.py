"""Names and addresses of the two-node cluster, on a container network of its own."""

from __future__ import annotations

from dataclasses import dataclass

NETWORK = "gitops-worker-test"
SUBNET = "10.213.77.0/24"
GATEWAY = "10.213.77.1"
GIT_ADDRESS = "10.213.77.20"
GIT_PORT = 8443
POD_RANGE = "10.244.0.0/16"
SERVICE_RANGE = "10.96.0.0/16"
SERVICE_ADDRESS = "10.96.0.1"
API_PORT = 6443
LOOPBACK = "127.0.0.1"

# Names by which pods and clients may call the API server (there is no DNS in the cluster).
API_NAMES = (
    "localhost",
    "kubernetes",
    "kubernetes.default",
    "kubernetes.default.svc",
    "kubernetes.default.svc.cluster.local",
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """One node: its name, its address on the container network, the addresses of its pods.

    `small_logs` makes the kubelet rotate container logs at 1 MiB, checked every 3 s.
    """

    name: str
    address: str
    pods: str
    control_plane: bool = False
    small_logs: bool = False

    @property
    def container(self) -> str:
        """Name of the container that is this node."""
        return f"{NETWORK}-{self.name}"


FIRST = Node(name="node1", address="10.213.77.11", pods="10.244.1.0/24", control_plane=True)
SECOND = Node(name="node2", address="10.213.77.12", pods="10.244.2.0/24", small_logs=True)
NODES = (FIRST, SECOND)
GIT_CONTAINER = f"{NETWORK}-git"
