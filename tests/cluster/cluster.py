"""The two-node cluster: brought up once, reused while its inputs are unchanged, taken down on request."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import docker
import msgspec

from tests.cluster import access, addresses, archive, binary, cache, engine, images, nodes, pki, ports, rights, rootfs
from tests.cluster.addresses import Node
from tests.cluster.errors import GroundError
from tests.cluster.gitserver import ClusterGitServer
from tests.cluster.progress import say, step

READY_SECONDS = 90


class State(msgspec.Struct, kw_only=True):
    """What a later run must know of a cluster that is up.

    `images` says of each image name which archive the nodes hold under it, the one loaded last.
    """

    inputs: str
    api_port: int
    git_port: int
    images: dict[str, str] = {}


class Cluster(access.Access):
    """The running two-node cluster."""

    def __init__(self, state: State) -> None:
        directory = home()
        super().__init__(
            directory=directory,
            server=f"https://{addresses.LOOPBACK}:{state.api_port}",
            authority=pki.read_authority(directory / "authority"),
            audit_log=logs(addresses.FIRST) / "audit.log",
        )
        self.state = state

    @property
    def git(self) -> ClusterGitServer:
        """The Git server on the cluster's network, which pods and this host reach."""
        return ClusterGitServer(self.directory / "git", port=self.state.git_port)

    def load(self, archives: list[Path]) -> None:
        """Load image archives (in the format of `docker save`) on every node; what is there is skipped."""
        with cache.lock("images"):
            known = (_read_state() or self.state).images
            shared = {path: archive.read_names(path) for path in map(_share, archives)}
            wanted = [path for path in shared if any(known.get(name) != path.name for name in shared[path])]
            if wanted:
                with step(f"load {', '.join(path.name for path in wanted)}"), ThreadPoolExecutor() as pool:
                    list(pool.map(lambda node: self._import(node, wanted), addresses.NODES))
                loaded = {name: path.name for path in wanted for name in shared[path]}
                self.state.images = {**known, **loaded}
                _write_state(self.state)

    def execute(self, node: str, *command: str) -> str:
        """Run a command inside a node and return its output."""
        with engine.session() as client:
            container = nodes.find(client, _node(node).container)
            if container is None:
                raise GroundError(f"{node} is not running", hint="python -m tests.cluster up")
            return nodes.execute(container, command)

    def hold(self, node: str, component: str) -> None:
        """End a component (kubelet, kube-apiserver, …) of a node and keep it down until `release`."""
        self.execute(node, "sh", "-c", f"touch /run/hold/{component}; pkill -9 -x -f '[^ ]*{component} .*'; true")

    def release(self, node: str, component: str) -> None:
        """Let a held component start again."""
        self.execute(node, "rm", "-f", f"/run/hold/{component}")

    @contextmanager
    def held(self, node: str, component: str) -> Iterator[None]:
        """Keep a component of a node down for the length of a block."""
        self.hold(node, component)
        try:
            yield
        finally:
            self.release(node, component)

    def await_nodes(self, seconds: float = READY_SECONDS) -> None:
        """Wait until both nodes are Ready; GroundError names those that are not."""
        deadline = time.monotonic() + seconds
        while waiting := self.unready_nodes():
            if time.monotonic() > deadline:
                log = logs(_node(waiting[0])) / "kubelet.log"
                raise GroundError(f"not Ready after {seconds:.0f} s: {', '.join(waiting)}", log=log)
            time.sleep(0.2)

    def unready_nodes(self) -> list[str]:
        """Name the nodes that are not Ready now."""
        ready = {item["metadata"]["name"] for item in self.get("nodes")["items"] if is_ready(item)}
        return [node.name for node in addresses.NODES if node.name not in ready]

    def _import(self, node: Node, archives: list[Path]) -> None:
        for path in archives:
            self.execute(node.name, "ctr", "--namespace=k8s.io", "images", "import", f"/artefacts/{path.name}")


def home() -> Path:
    """Return the directory of the cluster that is up: certificates, kubeconfigs, logs, state."""
    path = cache.root() / "cluster"
    path.mkdir(exist_ok=True)
    return path


def logs(node: Node) -> Path:
    """Return the directory of a node's logs on this host."""
    return cache.logs() / node.name


def up() -> Cluster:
    """Return the cluster, reusing the one that is up when its inputs are unchanged and it is healthy."""
    prepared = prepare()
    with cache.lock("cluster"), engine.session() as client:
        cluster = running()
        if cluster is None or cluster.state.inputs != prepared:
            cluster = _boot(client, prepared)
        cluster.git.ensure(nodes.image(client))
    cluster.load(images.obtain_all())
    return cluster


def prepare() -> str:
    """Build everything the cluster needs, without starting it; returns the key of its inputs."""
    binaries = binary.obtain()
    node = rootfs.obtain(rootfs.NODE)
    images.obtain_all()
    settings = [text for each in addresses.NODES for text in nodes.inputs(each)]
    granted = json.dumps(rights.manifests(), sort_keys=True)
    return cache.key(binaries.name, node.name, addresses.SUBNET, granted, *settings)


def running() -> Cluster | None:
    """Return the cluster if one is up and healthy, else None; never starts anything."""
    state = _read_state()
    if state is None or not engine.answers():
        return None
    cluster = Cluster(state)
    words = cluster.readiness()
    if words != "ok":
        say(f"! the cluster that was up does not answer: {words}")
        return None
    unready = cluster.unready_nodes()
    if unready:
        say(f"! not Ready: {', '.join(unready)}")
        return None
    return cluster


def require() -> Cluster:
    """Return the cluster that is up; GroundError when none is."""
    found = running()
    if found is None:
        raise GroundError("no healthy cluster is up", hint="python -m tests.cluster up")
    return found


def down() -> int:
    """Remove all containers, volumes and networks made here, and nothing else; returns how many."""
    with cache.lock("cluster"):
        removed = _remove() if engine.answers() else 0
        _state_file().unlink(missing_ok=True)
    return removed


def _remove() -> int:
    with engine.session() as client:
        return nodes.remove_all(client)


def _boot(client: docker.DockerClient, inputs: str) -> Cluster:
    nodes.remove_all(client)
    _state_file().unlink(missing_ok=True)
    shutil.rmtree(home(), ignore_errors=True)
    authority = pki.create_authority("test cluster")
    authority.write(home() / "authority")
    image, binaries = nodes.image(client), binary.obtain()
    api_port, git_port = ports.free(2)
    state = State(inputs=inputs, api_port=api_port, git_port=git_port)
    cluster = Cluster(state)
    with step("boot two nodes"):
        nodes.create_network(client)
        for node in addresses.NODES:
            _put_aside(logs(node))
            nodes.prepare(node, home() / node.name, authority)
            nodes.start(node, home() / node.name, logs(node), image=image, binaries=binaries, api_port=api_port)
        _await_boot(cluster)
    _write_state(state)
    return cluster


def _put_aside(directory: Path) -> None:
    """Keep the logs of the cluster before this one, whose failure somebody may still want to read."""
    previous = directory.with_name(f"{directory.name}.previous")
    shutil.rmtree(previous, ignore_errors=True)
    if directory.exists():
        directory.rename(previous)


def _await_boot(cluster: Cluster) -> None:
    try:
        cluster.await_ready(READY_SECONDS)
    except GroundError as error:
        log = logs(addresses.FIRST) / "kube-apiserver.log"
        raise GroundError(error.what, why=error.why, log=log, hint=f"all logs: {log.parent}") from error
    cluster.apply(rights.manifests())
    cluster.await_nodes()


def _share(path: Path) -> Path:
    """Return an archive's path among the artefacts, where the nodes see it."""
    if path.parent == cache.artefacts():
        return path
    names = archive.read_names(path)
    name = names[0].rpartition("/")[2].replace(":", "-") if names else path.stem
    return cache.obtain(f"image-{name}", cache.key(path), lambda made: _copy(path, made), suffix=".tar")


def _copy(source: Path, target: Path) -> None:
    shutil.copyfile(source, target)


def _node(name: str) -> Node:
    return next(node for node in addresses.NODES if node.name == name)


def is_ready(item: dict[str, Any]) -> bool:
    """Tell whether a Node says it is Ready."""
    conditions = item.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _state_file() -> Path:
    return home() / "state.json"


def _read_state() -> State | None:
    try:
        return msgspec.json.decode(_state_file().read_bytes(), type=State)
    except (FileNotFoundError, msgspec.ValidationError, json.JSONDecodeError, msgspec.DecodeError):
        return None


def _write_state(state: State) -> None:
    scratch = _state_file().with_suffix(".new")
    scratch.write_bytes(msgspec.json.encode(state))
    scratch.rename(_state_file())
