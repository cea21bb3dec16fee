"""What a pool's podSecurity level forbids its pod template.

Rules: https://kubernetes.io/docs/concepts/security/pod-security-standards/ ; the API server applies them to every pod.
"""

from __future__ import annotations

from collections.abc import Iterator

from gitops.lint import codes
from gitops.lint.subject import Container, Pod, Subject, Told, items, mapping, pod_of

_HOST = ("hostNetwork", "hostPID", "hostIPC")
_CAPABILITIES = frozenset(
    {
        "AUDIT_WRITE",
        "CHOWN",
        "DAC_OVERRIDE",
        "FOWNER",
        "FSETID",
        "KILL",
        "MKNOD",
        "NET_BIND_SERVICE",
        "SETFCAP",
        "SETGID",
        "SETPCAP",
        "SETUID",
        "SYS_CHROOT",
    }
)
_VOLUMES = frozenset(
    {
        "configMap",
        "csi",
        "downwardAPI",
        "emptyDir",
        "ephemeral",
        "image",
        "persistentVolumeClaim",
        "projected",
        "secret",
    }
)


def look(subject: Subject) -> Iterator[Told]:
    """What the API server would refuse in the pods of a pool."""
    if subject.ours != "WorkerPool":
        return
    pod = pod_of(subject)
    level = mapping(subject.manifest, "spec").get("podSecurity", "baseline")
    if pod is None or level == "privileged":
        return
    hint = f"spec.podSecurity is {level}; privileged allows it"
    restricted = level == "restricted"
    found = [*_of_pod(pod, restricted=restricted)]
    for container in pod.containers:
        found += _of_container(container)
        found += _if_restricted(subject, container) if restricted else []
    yield from (Told(codes.POD_SECURITY, where, f"podSecurity {level} forbids {what}", hint) for where, what in found)


def _of_pod(pod: Pod, *, restricted: bool) -> Iterator[tuple[str, str]]:
    for name in _HOST:
        if pod.spec.get(name) is True:
            yield f"{pod.pointer}/{name}", name
    for index, volume in enumerate(items(pod.spec, "volumes")):
        kinds = set(volume) - {"name"}
        where = f"{pod.pointer}/volumes/{index}"
        if "hostPath" in kinds:
            yield f"{where}/hostPath", f"the hostPath volume {volume.get('name')}"
        elif restricted and kinds - _VOLUMES:
            yield where, f"the volume {volume.get('name')} of type {', '.join(sorted(kinds))}"


def _of_container(container: Container) -> Iterator[tuple[str, str]]:
    security = mapping(container.spec, "securityContext")
    where = f"{container.pointer}/securityContext"
    if security.get("privileged") is True:
        yield f"{where}/privileged", f"that container {container.name} is privileged"
    added = mapping(security, "capabilities").get("add")
    more = sorted(set(map(str, added)) - _CAPABILITIES) if isinstance(added, list) else []
    if more:
        yield f"{where}/capabilities/add", f"the capabilities {', '.join(more)} of container {container.name}"
    for index, port in enumerate(items(container.spec, "ports")):
        if port.get("hostPort"):
            yield f"{container.pointer}/ports/{index}/hostPort", f"the hostPort {port['hostPort']}"


def _if_restricted(subject: Subject, container: Container) -> Iterator[tuple[str, str]]:
    """The operation's own container has all this from the program, unless the template takes it away."""
    own = container.image_at == "/spec/image"
    security = mapping(container.spec, "securityContext")
    where = f"{container.pointer}/securityContext"
    if security.get("allowPrivilegeEscalation") is not False and not (
        own and "allowPrivilegeEscalation" not in security
    ):
        yield where, f"a container without allowPrivilegeEscalation: false ({container.name})"
    dropped = mapping(security, "capabilities").get("drop")
    if not own and not (isinstance(dropped, list) and "ALL" in dropped):
        yield where, f"a container that does not drop all capabilities ({container.name})"
    pod = mapping(subject.manifest, "spec", "podTemplate", "spec", "securityContext")
    for context, place in ((security, where), (pod, "/spec/podTemplate/spec/securityContext")):
        if context.get("runAsNonRoot") is False:
            yield f"{place}/runAsNonRoot", "runAsNonRoot: false"
