"""The containers that are nodes: what is mounted into them, how they are started and ended."""

from __future__ import annotations

import json
import os
import shlex
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any, cast

import docker
import yaml
from docker.errors import ImageNotFound, NotFound
from docker.models.containers import Container
from docker.types import EndpointConfig, IPAMConfig, IPAMPool, Mount
from testcontainers.core.config import testcontainers_config
from testcontainers.core.container import DockerContainer

from tests.cluster import addresses, archive, cache, control, kubeconfig, machine, nodeconfig, rootfs
from tests.cluster.addresses import Node
from tests.cluster.archive import ImageConfig
from tests.cluster.control import ControlPlane
from tests.cluster.errors import GroundError
from tests.cluster.images import PATH
from tests.cluster.pki import Authority
from tests.cluster.progress import step

BOOT = Path(__file__).parent / "node" / "boot.sh"
LABEL = "io.gitops-worker.test"
INPUTS_LABEL = f"{LABEL}.inputs"
# Reaping is ours (`down`): a cluster outlives the run that started it, and no reaper image can be pulled.
testcontainers_config.ryuk_disabled = True

PLANE = ControlPlane(
    pki=Path(nodeconfig.PKI),
    data=Path("/var/lib/etcd"),
    audit_policy=Path(nodeconfig.HOME) / "audit-policy.yaml",
    audit_log=Path("/var/log/node/audit.log"),
    advertised=addresses.FIRST.address,
    api_port=addresses.API_PORT,
    etcd_port=2379,
    etcd_peer_port=2380,
    listen="0.0.0.0",  # noqa: S104 - inside the node; the host publishes it on 127.0.0.1 only
)


def image(engine: docker.DockerClient) -> str:
    """Return the name of the node image on this engine, loading it first if it is absent."""
    layer = rootfs.obtain(rootfs.NODE)
    name = f"{addresses.NETWORK}-node:{cache.key(layer.name)}"
    try:
        engine.images.get(name)
    except ImageNotFound:
        with step("load the node image into the engine"), tempfile.TemporaryDirectory(dir=cache.root()) as scratch:
            made = Path(scratch) / "node.tar"
            archive.write_image(made, name=name, layers=[layer], config=ImageConfig(env=PATH))
            with made.open("rb") as file:
                engine.images.load(file)
    return name


def create_network(engine: docker.DockerClient) -> None:
    """Make the container network. It hides no addresses, so nothing on it reaches beyond this machine."""
    pool = IPAMPool(subnet=addresses.SUBNET, gateway=addresses.GATEWAY)
    engine.networks.create(
        addresses.NETWORK,
        driver="bridge",
        ipam=IPAMConfig(pool_configs=[pool]),
        options={"com.docker.network.bridge.enable_ip_masquerade": "false"},
        labels={LABEL: "network"},
    )


def prepare(node: Node, directory: Path, authority: Authority) -> None:
    """Write everything the node reads, to be mounted at its /node."""
    shutil.rmtree(directory, ignore_errors=True)
    directory.mkdir(parents=True)
    shutil.copy(BOOT, directory / "boot.sh")
    restricted = bool(machine.missing_capabilities())
    kubelet = nodeconfig.kubelet(node, cgroup_v2=machine.has_cgroup_v2(), restricted=restricted)
    _write(directory / "kubelet.yaml", yaml.safe_dump(kubelet))
    _write(directory / "proxy.yaml", yaml.safe_dump(nodeconfig.proxy()))
    _write(directory / "containerd.toml", nodeconfig.containerd(restricted=restricted))
    _write(directory / "cni/10-pods.conflist", json.dumps(nodeconfig.pod_network(node)))
    _write(directory / "routes", nodeconfig.routes(node))
    _write(directory / "resolv.conf", f"nameserver {addresses.LOOPBACK}\n")
    _write(directory / "audit-policy.yaml", yaml.safe_dump(control.audit_policy()))
    _write_identities(node, directory, authority)
    for index, command in enumerate(_commands(node)):
        script = directory / "run" / f"{index}-{command[0]}"
        _write(script, f"#!/bin/sh\nexec {shlex.join(command)}\n")
        script.chmod(0o755)


def inputs(node: Node) -> list[str]:
    """Return everything that decides how a node behaves, except its certificates, as text."""
    restricted = bool(machine.missing_capabilities())
    values = [
        nodeconfig.kubelet(node, cgroup_v2=machine.has_cgroup_v2(), restricted=restricted),
        nodeconfig.proxy(),
        nodeconfig.containerd(restricted=restricted),
        nodeconfig.pod_network(node),
        nodeconfig.routes(node),
        control.audit_policy(),
        _commands(node),
        _privileges(),
        _storage(),
        BOOT.read_text(),
    ]
    return [json.dumps(value, sort_keys=True) for value in values]


def start(node: Node, directory: Path, logs: Path, *, image: str, binaries: Path, api_port: int) -> None:
    """Start a node's container; its API port, on the first node, is published on 127.0.0.1."""
    logs.mkdir(parents=True, exist_ok=True)
    container = (
        DockerContainer(image)
        .with_name(node.container)
        .with_command(["/bin/sh", "/node/boot.sh"])
        .with_env("PATH", f"/opt/kubernetes:{PATH['PATH']}")
        .with_volume_mapping(directory, nodeconfig.HOME)
        .with_volume_mapping(binaries, "/opt/kubernetes")
        .with_volume_mapping(cache.artefacts(), "/artefacts")
        .with_volume_mapping(logs, "/var/log/node", "rw")
        .with_kwargs(**_privileges(), **_storage(), **attachment(node.address), hostname=node.name)
    )
    container.tmpfs.update({"/run": "exec,mode=755", "/tmp": "exec,mode=1777"})  # noqa: S108
    if node.control_plane:
        publish(container, addresses.API_PORT, api_port)
    launch(container)


def launch(container: DockerContainer) -> None:
    """Start a container that outlives this process, and let go of the connection it was started over."""
    container.start()
    container.get_docker_client().client.close()


def attachment(address: str, *, inputs: str = "") -> dict[str, Any]:
    """Return the container settings that put it on our network at a fixed address, labelled as ours."""
    endpoint = EndpointConfig("1.41", ipv4_address=address)
    return {
        "network": addresses.NETWORK,
        "networking_config": {addresses.NETWORK: endpoint},
        "labels": {LABEL: "container", INPUTS_LABEL: inputs},
    }


def publish(container: DockerContainer, inner: int, outer: int) -> None:
    """Publish a port on 127.0.0.1 only; testcontainers' own method knows every interface or none."""
    ports = cast("dict[str, tuple[str, int]]", container.ports)
    ports[f"{inner}/tcp"] = (addresses.LOOPBACK, outer)


def find(engine: docker.DockerClient, name: str) -> Container | None:
    """Return the container of that name, or None."""
    try:
        return engine.containers.get(name)
    except NotFound:
        return None


def execute(container: Container, argv: Sequence[str]) -> str:
    """Run a command inside a container and return its output; GroundError when it fails."""
    code, output = container.exec_run(list(argv))
    text = bytes(output).decode(errors="replace")
    if code != 0:
        raise GroundError(f"`{shlex.join(argv)}` failed on {container.name}", why=text.strip()[-2000:])
    return text


def remove_all(engine: docker.DockerClient) -> int:
    """Remove every container, with its volumes, and network that carries our label; return how many."""
    mine = {"label": LABEL}
    containers = engine.containers.list(all=True, filters=mine)
    for container in containers:
        container.remove(force=True, v=True)
    networks = engine.networks.list(filters=mine)
    for network in networks:
        network.remove()
    return len(containers) + len(networks)


def _commands(node: Node) -> list[list[str]]:
    home = Path(nodeconfig.HOME)
    commands = [["containerd", "--config", f"{home}/containerd.toml"]]
    if node.control_plane:
        commands += [
            PLANE.etcd(),
            PLANE.api_server(),
            PLANE.controllers(home / "controllers.kubeconfig"),
            PLANE.scheduler(home / "scheduler.kubeconfig"),
        ]
    return [*commands, nodeconfig.kubelet_command(node), nodeconfig.proxy_command(node)]


def _write_identities(node: Node, directory: Path, authority: Authority) -> None:
    pki = directory / "pki"
    pki.mkdir()
    (pki / "ca.crt").write_bytes(authority.pem)
    authority.issue(f"kubelet-{node.name}", addresses=[node.address, node.name]).write(pki, "kubelet")
    remote = f"https://{addresses.FIRST.address}:{addresses.API_PORT}"
    clients = [
        ("kubelet", f"system:node:{node.name}", ["system:nodes"], remote),
        ("proxy", "system:kube-proxy", [], remote),
    ]
    if node.control_plane:
        control.write_certificates(pki, authority, advertised=node.address)
        local = f"https://{addresses.LOOPBACK}:{addresses.API_PORT}"
        clients += [
            ("controllers", "system:kube-controller-manager", [], local),
            ("scheduler", "system:kube-scheduler", [], local),
        ]
    for name, user, groups, server in clients:
        pair = authority.issue(user, groups=groups)
        path = directory / f"{name}.kubeconfig"
        kubeconfig.write(path, server=server, authority=authority, user=user, pair=pair)


def _privileges() -> dict[str, Any]:
    devices = ["/dev/kmsg:/dev/kmsg:rwm"] if os.path.exists("/dev/kmsg") else []  # noqa: PTH110
    missing = machine.missing_capabilities()
    if not missing:
        return {"privileged": True, "cgroupns": "private", "devices": devices}
    # The engine cannot grant what the host lacks, so `privileged` would be refused as a whole.
    return {
        "cap_add": ["ALL"],
        "cap_drop": missing,
        "security_opt": ["seccomp=unconfined", "apparmor=unconfined"],
        "device_cgroup_rules": ["a *:* rwm"],
        "devices": devices,
        "cgroupns": "private",
    }


def _storage() -> dict[str, Any]:
    # Overlay on overlay does not work, so these live on volumes.
    places = ("/var/lib/containerd", "/var/lib/kubelet", "/var/lib/etcd")
    return {"mounts": [Mount(target=place, source=None, type="volume") for place in places]}


def _write(path: Path, content: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(content)
