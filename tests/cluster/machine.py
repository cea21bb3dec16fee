"""The machine this runs on: what is installed, what may be installed, what the kernel grants."""

from __future__ import annotations

import functools
import os
import shutil
from collections.abc import Mapping
from pathlib import Path

from tests.cluster import cache, process
from tests.cluster.errors import GroundError
from tests.cluster.progress import step

# In the order of their numbers in the kernel's uapi/linux/capability.h.
CAPABILITIES = """
CHOWN DAC_OVERRIDE DAC_READ_SEARCH FOWNER FSETID KILL SETGID SETUID SETPCAP LINUX_IMMUTABLE
NET_BIND_SERVICE NET_BROADCAST NET_ADMIN NET_RAW IPC_LOCK IPC_OWNER SYS_MODULE SYS_RAWIO SYS_CHROOT
SYS_PTRACE SYS_PACCT SYS_ADMIN SYS_BOOT SYS_NICE SYS_RESOURCE SYS_TIME SYS_TTY_CONFIG MKNOD LEASE
AUDIT_WRITE AUDIT_CONTROL SETFCAP MAC_OVERRIDE MAC_ADMIN SYSLOG WAKE_ALARM BLOCK_SUSPEND AUDIT_READ
PERFMON BPF CHECKPOINT_RESTORE
"""


def need(packages: Mapping[str, str]) -> None:
    """Make sure each command (key) exists, installing its Debian package (value) as root where apt is."""
    missing = {command: package for command, package in packages.items() if not _which(command)}
    if not missing:
        return
    wanted = sorted(set(missing.values()))
    if os.geteuid() != 0 or not shutil.which("apt-get"):
        raise GroundError(
            f"this machine lacks {', '.join(sorted(missing))}",
            why="only root on Debian or Ubuntu can have them installed from here",
            hint=f"as root: apt-get update && apt-get install {' '.join(wanted)}; elsewhere, their equivalents",
        )
    with cache.lock("apt"), step(f"install {', '.join(wanted)}"):
        _update_package_lists()
        process.run(
            ["apt-get", "install", "--yes", "--no-install-recommends", *wanted],
            name="apt-install",
            env={"DEBIAN_FRONTEND": "noninteractive"},
        )


def _which(command: str) -> str | None:
    return shutil.which(command) or shutil.which(command, path="/usr/sbin:/sbin:/usr/local/sbin")


@functools.cache
def _update_package_lists() -> None:
    process.run(["apt-get", "update"], name="apt-update", hint="is the network up, and the mirror reachable?")


def missing_capabilities() -> list[str]:
    """Name the capabilities that this host's bounding set lacks; usually none."""
    status = Path("/proc/self/status").read_text()
    bounding = next(int(line.split()[1], 16) for line in status.splitlines() if line.startswith("CapBnd"))
    last = int(Path("/proc/sys/kernel/cap_last_cap").read_text())
    known = enumerate(CAPABILITIES.split()[: last + 1])
    return [name for number, name in known if not bounding >> number & 1]


def has_cgroup_v2() -> bool:
    """Tell whether the unified hierarchy is the one in use (not merely mounted beside v1)."""
    return Path("/sys/fs/cgroup/cgroup.controllers").exists()
