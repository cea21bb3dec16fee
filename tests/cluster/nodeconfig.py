"""Configuration of one node: kubelet, kube-proxy, containerd, pod network."""

from __future__ import annotations

from typing import Any

from tests.cluster import addresses, images
from tests.cluster.addresses import Node

# Where a node finds its files; see nodes.py for what is mounted there.
HOME = "/node"
PKI = f"{HOME}/pki"


def kubelet(node: Node, *, cgroup_v2: bool, restricted: bool) -> dict[str, Any]:
    """Return the kubelet's configuration; `restricted` for a host that lacks capabilities."""
    config: dict[str, Any] = {
        "apiVersion": "kubelet.config.k8s.io/v1beta1",
        "kind": "KubeletConfiguration",
        "authentication": {
            "anonymous": {"enabled": False},
            "webhook": {"enabled": True},
            "x509": {"clientCAFile": f"{PKI}/ca.crt"},
        },
        "authorization": {"mode": "Webhook"},
        "tlsCertFile": f"{PKI}/kubelet.crt",
        "tlsPrivateKeyFile": f"{PKI}/kubelet.key",
        "cgroupDriver": "cgroupfs",
        "cgroupRoot": "/",
        "failSwapOn": False,
        "containerRuntimeEndpoint": "unix:///run/containerd/containerd.sock",
        "clusterDomain": "cluster.local",
        # There is no DNS. An address that refuses at once makes a lookup fail fast, and its being set
        # spares each pod two MissingClusterDNS events.
        "clusterDNS": [addresses.LOOPBACK],
        "resolvConf": f"{HOME}/resolv.conf",
        "maxPods": 100,
        "podPidsLimit": 1000,
        "evictionHard": {"nodefs.available": "1%", "imagefs.available": "1%", "memory.available": "100Mi"},
        "imageGCHighThresholdPercent": 100,
        "serializeImagePulls": False,
    }
    if not cgroup_v2:
        config["failCgroupV1"] = False
    if restricted:
        config |= {"oomScoreAdj": 0, "featureGates": {"KubeletInUserNamespace": True}}
    if node.small_logs:
        config |= {"containerLogMaxSize": "1Mi", "containerLogMonitorInterval": "3s"}
    return config


def kubelet_command(node: Node) -> list[str]:
    """Return the kubelet's command line."""
    return [
        "kubelet",
        f"--config={HOME}/kubelet.yaml",
        f"--kubeconfig={HOME}/kubelet.kubeconfig",
        f"--hostname-override={node.name}",
        f"--node-ip={node.address}",
    ]


def proxy() -> dict[str, Any]:
    """Return kube-proxy's configuration: iptables, and no kernel setting touched."""
    return {
        "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
        "kind": "KubeProxyConfiguration",
        "clientConnection": {"kubeconfig": f"{HOME}/proxy.kubeconfig"},
        "clusterCIDR": addresses.POD_RANGE,
        "mode": "iptables",
        "conntrack": {"maxPerCore": 0},
        "metricsBindAddress": addresses.LOOPBACK,
    }


def proxy_command(node: Node) -> list[str]:
    """Return kube-proxy's command line."""
    return ["kube-proxy", f"--config={HOME}/proxy.yaml", f"--hostname-override={node.name}"]


def pod_network(node: Node) -> dict[str, Any]:
    """Return the CNI configuration: a bridge per node. It enforces no NetworkPolicy."""
    ranges = [[{"subnet": node.pods}]]
    bridge = {
        "type": "bridge",
        "bridge": "cni0",
        "isGateway": True,
        "ipMasq": True,
        "hairpinMode": True,
        "ipam": {"type": "host-local", "ranges": ranges, "routes": [{"dst": "0.0.0.0/0"}]},
    }
    port_map = {"type": "portmap", "capabilities": {"portMappings": True}}
    return {"cniVersion": "0.4.0", "name": "pods", "plugins": [bridge, port_map]}


def containerd(*, restricted: bool) -> str:
    """Return containerd's configuration (TOML, version 2: containerd 1.6 and 1.7)."""
    return f"""\
version = 2

[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "{images.PAUSE}"
  restrict_oom_score_adj = {"true" if restricted else "false"}

  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"

    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"

      [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc.options]
        SystemdCgroup = false

  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
    conf_dir = "{HOME}/cni"
"""


def routes(node: Node) -> str:
    """Return the routes to the other nodes' pods, one `ip route` argument list a line."""
    others = [other for other in addresses.NODES if other != node]
    return "".join(f"{other.pods} via {other.address}\n" for other in others)
