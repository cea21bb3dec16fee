"""Whether a pod template passes the pod security standard `baseline`.

The controls: https://kubernetes.io/docs/concepts/security/pod-security-standards/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Final

from gitops import yaml

_HOST: Final = ("hostNetwork", "hostPID", "hostIPC")
_SELINUX: Final = frozenset({"", "container_t", "container_init_t", "container_kvm_t", "container_engine_t"})
_CAPABILITIES: Final = frozenset(
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
_SYSCTLS: Final = frozenset(
    {
        "kernel.shm_rmid_forced",
        "net.ipv4.ip_local_port_range",
        "net.ipv4.ip_local_reserved_ports",
        "net.ipv4.ip_unprivileged_port_start",
        "net.ipv4.ping_group_range",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_keepalive_intvl",
        "net.ipv4.tcp_keepalive_probes",
        "net.ipv4.tcp_keepalive_time",
        "net.ipv4.tcp_syncookies",
    }
)


def beyond_baseline(template: Mapping[str, Any]) -> tuple[str, ...]:
    """The settings that `baseline` refuses, in words; empty if it admits the pod."""
    spec = yaml.plain(template.get("spec") or {})
    return tuple(dict.fromkeys(_found(spec))) if isinstance(spec, dict) else ()


def _found(spec: dict[str, Any]) -> Iterator[str]:
    yield from (name for name in _HOST if spec.get(name))
    for volume in _mappings(spec.get("volumes")):
        if "hostPath" in volume:
            yield "hostPath volumes"
    yield from _context(_mapping(spec.get("securityContext")))
    for container in _mappings(spec.get("containers")):
        yield from _context(_mapping(container.get("securityContext")))
        if any(port.get("hostPort") for port in _mappings(container.get("ports"))):
            yield "hostPort"


def _context(context: dict[str, Any]) -> Iterator[str]:
    if context.get("privileged"):
        yield "privileged"
    added = _mapping(context.get("capabilities")).get("add")
    for name in added if isinstance(added, list) else ():
        if str(name) not in _CAPABILITIES:
            yield f"capability {name}"
    selinux = _mapping(context.get("seLinuxOptions"))
    if str(selinux.get("type") or "") not in _SELINUX or selinux.get("user") or selinux.get("role"):
        yield "seLinuxOptions"
    for profile in ("seccompProfile", "appArmorProfile"):
        if _mapping(context.get(profile)).get("type") == "Unconfined":
            yield f"{profile} Unconfined"
    if context.get("procMount") not in (None, "Default"):
        yield "procMount"
    for sysctl in _mappings(context.get("sysctls")):
        if str(sysctl.get("name")) not in _SYSCTLS:
            yield f"sysctl {sysctl.get('name')}"


def _mapping(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _mappings(value: Any) -> Iterator[dict[str, Any]]:
    yield from (item for item in value if isinstance(item, dict)) if isinstance(value, list) else ()
