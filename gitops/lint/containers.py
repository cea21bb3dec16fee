"""Rules about the pods an object makes: images, users, Docker, pod security, requests and limits."""

from __future__ import annotations

from collections.abc import Iterator

from gitops.lint import codes, root_images
from gitops.lint.subject import Container, Pod, Subject, Told, items, mapping, pod_of
from gitops.objects import image, quantity


def look(subject: Subject) -> Iterator[Told]:
    """Everything there is to say of the object's pod."""
    pod = pod_of(subject)
    if pod is None:
        return
    yield from _sockets(pod)
    for container in pod.containers:
        yield from _image(container)
        yield from _root(pod, container)
        yield from _docker(container)
        yield from _limits(container)


def _image(container: Container) -> Iterator[Told]:
    reference = container.spec.get("image")
    if not isinstance(reference, str) or not reference or "$" in reference:
        return
    named = image.parse(reference)
    if not named.pinned:
        what = "has the tag latest, which moves" if named.tag else "has neither tag nor digest"
        yield Told(codes.UNPINNED, container.image_at, f"the image {reference} {what}", "name a version or a digest")


def _root(pod: Pod, container: Container) -> Iterator[Told]:
    if pod.security(container, "runAsNonRoot") is not True:
        return
    user, reference = pod.security(container, "runAsUser"), container.spec.get("image")
    if user == 0 and not isinstance(user, bool):
        own = mapping(container.spec, "securityContext").get("runAsUser") is not None
        where = f"{container.pointer if own else pod.pointer}/securityContext/runAsUser"
        yield Told(codes.ROOT, where, "runAsNonRoot and runAsUser: 0 contradict each other", "name another user")
    elif user is None and isinstance(reference, str) and root_images.runs_as_root(image.parse(reference)):
        message = f"container {container.name} must not run as root, and the image {reference} does"
        yield Told(codes.ROOT, container.image_at, message, "add securityContext.runAsUser, for example 65532")


_SOCKET = "docker.sock"
_DAEMON = frozenset({"docker.io/library/docker"})


def _sockets(pod: Pod) -> Iterator[Told]:
    for index, volume in enumerate(items(pod.spec, "volumes")):
        path = str(mapping(volume, "hostPath").get("path", ""))
        if path.rstrip("/").endswith(_SOCKET):
            message = f"volume {volume.get('name')} mounts {path}: there is no Docker daemon on the node"
            where = f"{pod.pointer}/volumes/{index}/hostPath/path"
            yield Told(codes.DOCKER, where, message, "build images without a daemon: BuildKit rootless, Buildah")


def _docker(container: Container) -> Iterator[Told]:
    for index, variable in enumerate(items(container.spec, "env")):
        if variable.get("name") == "DOCKER_HOST":
            where = f"{container.pointer}/env/{index}/name"
            yield Told(codes.DOCKER, where, f"container {container.name} expects a Docker daemon at DOCKER_HOST")
    reference = str(container.spec.get("image") or "")
    if image.parse(reference).repository in _DAEMON or "dind" in reference:
        privileged = mapping(container.spec, "securityContext").get("privileged") is True
        what = "runs a Docker daemon, privileged: root on the node" if privileged else "needs a Docker daemon"
        yield Told(codes.DOCKER, container.image_at, f"container {container.name} ({reference}) {what}")


def _limits(container: Container) -> Iterator[Told]:
    resources = mapping(container.spec, "resources")
    limits = mapping(resources, "limits")
    for name, asked in mapping(resources, "requests").items():
        request, most = quantity.parse(asked), quantity.parse(limits.get(name))
        if request is not None and most is not None and request > most:
            message = f"container {container.name} requests {asked} {name}, more than its limit of {limits[name]}"
            where = f"{container.resources_at}/requests/{name.replace('/', '~1')}"
            yield Told(codes.ABOVE_LIMIT, where, message, "raise the limit or lower the request")
