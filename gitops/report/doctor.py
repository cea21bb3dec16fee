"""What `gitops doctor` makes of what it found: findings in words, each with what to do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Final

from gitops import api
from gitops.api.operation import Phase
from gitops.objects import Manifest, quantity
from gitops.report import reasons

STALE: Final = 60.0
"""Seconds after which a leader that does not renew its Lease is no leader."""


LOGS: Final = "read logs"
"""A right that people who only look may have."""


class Level(StrEnum):
    """How a check ended."""

    OK = "ok"
    WARNING = "warning"
    FAILED = "failed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that was looked at: `about` what, `says` what was found, `todo` what to do (empty: nothing)."""

    level: Level
    about: str
    says: str
    todo: str = ""


NOT_WRITABLE: Final = 1
NOEXEC: Final = 2
NO_TEMPORARY: Final = 4
SCRIPT: Final = f"""\
# The exit code is the sum of what is missing.
missing=0
if printf '#!/bin/sh\\nexit 0\\n' >gitops-doctor-probe && chmod +x gitops-doctor-probe; then
    ./gitops-doctor-probe || missing=$((missing + {NOEXEC}))
    rm -f gitops-doctor-probe
else
    missing=$((missing + {NOT_WRITABLE}))
fi
temporary=${{TMPDIR:-/tmp}}/gitops-doctor-probe.$$
if (: >"$temporary"); then rm -f "$temporary"; else missing=$((missing + {NO_TEMPORARY})); fi
echo "working directory $PWD, user $(id -u), $(uname -s) $(uname -m), $(nproc 2>/dev/null || echo unknown) CPUs"
exit "$missing"
"""
_MISSING: Final = {
    NOT_WRITABLE: (
        "the working directory cannot be written",
        "let the pool's podTemplate set securityContext.fsGroup, or leave runAsUser to the image",
    ),
    NOEXEC: (
        "files in the working directory cannot be executed: the volume is mounted noexec",
        "start programs through their interpreter (sh ./tool), or take noexec off the kubelet's root directory",
    ),
    NO_TEMPORARY: (
        "there is no directory for temporary files",
        "with a read-only root, let the podTemplate mount an emptyDir at /tmp, or set TMPDIR",
    ),
}


def conditions(about: str, found: Sequence[api.Condition], *, generation: int, observed: int) -> Iterator[Finding]:
    """What an object says of itself."""
    ready = next((one for one in found if one.type == "Ready"), None)
    if ready is None or observed < generation:
        words = "no worker has looked at it yet" if ready is None else "no worker has looked at its newest version yet"
        yield Finding(
            level=Level.FAILED,
            about=about,
            says=words,
            todo="is a Worker serving it, and does its pod run? kubectl get workers,deployments,pods",
        )
    elif ready.status != "True":
        yield Finding(level=Level.FAILED, about=about, says=ready.message, todo=_todo(ready.reason))
    else:
        level = Level.WARNING if ready.reason == "Suspended" else Level.OK
        yield Finding(level=level, about=about, says=ready.message)
    canary = next((one for one in found if one.type == "CanaryPassed"), None)
    if canary is not None and canary.status == "False":
        says = f"its canary failed: {canary.message}"
        yield Finding(level=Level.WARNING, about=about, says=says, todo=_todo(canary.reason))


def heartbeat(worker: str, lease: Manifest | None, now: datetime) -> Finding:
    """Whether a process leads, and was alive a moment ago."""
    about = f"worker {worker}"
    spec = (lease or {}).get("spec") or {}
    holder, renewed = spec.get("holderIdentity") or "", spec.get("renewTime") or ""
    start = f"kubectl get pods -l app.kubernetes.io/name={worker}; kubectl logs deployment/{worker}"
    if not holder or not renewed:
        return Finding(level=Level.FAILED, about=about, says="no process runs operations", todo=start)
    age = (now - datetime.fromisoformat(renewed)).total_seconds()
    if age > STALE:
        says = f"{holder} was last heard of {age:.0f} s ago"
        return Finding(level=Level.FAILED, about=about, says=says, todo=start)
    return Finding(level=Level.OK, about=about, says=f"{holder} leads, renewed {max(age, 0):.0f} s ago")


def right(what: str, allowed: bool, why: str) -> Finding:  # noqa: FBT001 - the authorizer's answer
    """Whether the person who asks may do something they will want to."""
    if allowed:
        return Finding(level=Level.OK, about="your rights", says=f"you may {what}")
    role = "gitops-worker-logs" if what == LOGS else "gitops-worker-submit"
    todo = f"ask for the ClusterRole {role} (or edit) in this namespace; gitops rbac shows who has what"
    says = f"you may not {what}{': ' + why if why else ''}"
    return Finding(level=Level.FAILED, about="your rights", says=says, todo=todo)


def quotas(pool: api.WorkerPool, found: Sequence[Manifest]) -> Iterator[Finding]:
    """Quotas of the operations namespace that leave no room, or not for `maxOperations`."""
    about = f"pool {pool.metadata.name}"
    asked = {
        **{f"requests.{name}": value for name, value in pool.spec.resources.requests.items()},
        **{f"limits.{name}": value for name, value in pool.spec.resources.limits.items()},
        **dict(pool.spec.resources.requests),
        "pods": "1",
    }
    for quota in found:
        status = quota.get("status") or {}
        for name, hard in (status.get("hard") or {}).items():
            most, used = quantity.parse(hard), quantity.parse((status.get("used") or {}).get(name)) or Decimal(0)
            if most is None:
                continue
            where = f"quota {quota['metadata']['name']}"
            if name not in asked:
                if name.startswith(("limits.", "requests.")):
                    says = f"{where} wants every pod to say {name}, and the pool does not"
                    todo = f"set spec.resources.{name} of the pool, or a LimitRange with defaults"
                    yield Finding(level=Level.FAILED, about=about, says=says, todo=todo)
                continue
            each = quantity.parse(asked[name]) or Decimal(0)
            todo = "raise the quota, or lower the pool's requests: gitops pool recommend"
            if used + each > most:
                says = f"{where} leaves no room: {name} {hard}, used {_text(used)}, an operation asks for {asked[name]}"
                yield Finding(level=Level.FAILED, about=about, says=says, todo=todo)
            elif each * pool.spec.max_operations > most:
                says = f"{where} ({name} {hard}) holds {int(most / each)} operations, maxOperations is "
                says += str(pool.spec.max_operations)
                yield Finding(level=Level.WARNING, about=about, says=says, todo=todo)


def limits(pool: api.WorkerPool, found: Sequence[Manifest]) -> Iterator[Finding]:
    """LimitRanges that refuse the pool's containers."""
    for one in found:
        for limit in (one.get("spec") or {}).get("limits") or ():
            if limit.get("type") != "Container":
                continue
            for name, most in (limit.get("max") or {}).items():
                top = quantity.parse(most)
                for part in (pool.spec.resources.requests, pool.spec.resources.limits):
                    value = quantity.parse(part.get(name))
                    if value is not None and top is not None and value > top:
                        yield Finding(
                            level=Level.FAILED,
                            about=f"pool {pool.metadata.name}",
                            says=f"limit range {one['metadata']['name']} allows {name} {most}, it has {part[name]}",
                            todo="lower the pool's resources, or raise the limit range",
                        )


def pull_secrets(pool: api.WorkerPool, known: Mapping[str, bool], namespace: str) -> Iterator[Finding]:
    """Pull secrets that are not there: the kubelet only says that it may not pull."""
    for name, exists in known.items():
        if not exists:
            yield Finding(
                level=Level.FAILED,
                about=f"pool {pool.metadata.name}",
                says=f"its pull secret {name} is not in namespace {namespace}",
                todo=f"create it there: kubectl -n {namespace} create secret docker-registry {name} …",
            )


def tried(pool: str, operation: api.Operation) -> Iterator[Finding]:
    """What the end of an operation that ran `SCRIPT` means."""
    about, status = f"pool {pool}", operation.status
    if status.phase == Phase.SUCCEEDED:
        where = f" on {status.node}" if status.node else ""
        yield Finding(level=Level.OK, about=about, says=f"an operation ran{where}")
    elif status.reason == "ScriptFailed" and status.exit_code is not None and status.exit_code in range(1, 8):
        for bit, (says, todo) in _MISSING.items():
            if status.exit_code & bit:
                yield Finding(level=Level.WARNING, about=about, says=says, todo=todo)
    elif status.exit_code == 126 and "ermission denied" in status.message:  # noqa: PLR2004 - a shell's "cannot execute"
        yield Finding(
            level=Level.FAILED,
            about=about,
            says=f"the runner cannot be executed: pod volumes are mounted noexec on {status.node or 'the node'}",
            todo="take noexec off the file system of the kubelet's root directory (/var/lib/kubelet)",
        )
    else:
        yield Finding(
            level=Level.FAILED,
            about=about,
            says=f"an operation did not run: {status.reason}: {status.message}",
            todo=_todo(status.reason),
        )
    log = status.log
    if log is not None and not log.complete and status.phase in {Phase.SUCCEEDED, Phase.FAILED}:
        missing = f"{log.missing} lines are missing" if log.missing else "whether it is whole is not known"
        todo = "see the worker's log; does its account have pods/log in the operations namespace?"
        yield Finding(level=Level.WARNING, about=about, says=f"the log of that operation: {missing}", todo=todo)


def unfinished(pool: str, operation: api.Operation | None, timeout: str, stands: str) -> Finding:
    """What it means that an operation did not end in time; `stands`: where it is, in words."""
    reason = operation.status.reason if operation is not None else ""
    known = next((one.todo for one in reasons.ALL if one.name == reason and one.todo), "")
    return Finding(
        level=Level.FAILED,
        about=f"pool {pool}",
        says=f"an operation did not end within {timeout}: {stands}",
        todo=known or "is the worker running, has the pool a free place, can the node pull the image?",
    )


def _todo(reason: str) -> str:
    return next((one.todo for one in reasons.ALL if one.name == reason and one.todo), f"gitops explain {reason}")


def _text(value: Decimal) -> str:
    return f"{value.normalize():f}"
