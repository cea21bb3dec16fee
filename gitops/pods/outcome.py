"""How an operation ended: one pure function of everything that is known.

Precedence: what the runner itself recorded, then what the kubelet says of the container, then what happened to the pod,
then why the worker gave up. It decides only once there is nothing more to come.
"""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from gitops.api.operation import Phase
from gitops.objects import Manifest
from gitops.pods import stage
from gitops.runner import record as records
from gitops.runner.record import EndRecord

FILES_UNAVAILABLE = "FilesUnavailable"
"""Files from URLs did not come for now: another attempt may get them."""
UNEXPLAINED = frozenset({"PodDeleted", "PodLost"})
"""Reasons that say only that the pod went."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GaveUp:
    """The worker ended the attempt itself: a clock ran out, or what failed will not heal."""

    reason: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known at the end of an attempt.

    `pod` is its last state (None: never seen), `gone` that it no longer exists, `record` the end frame if the log had
    one, `cancel` who wanted the end (empty: nobody), `foreign` what stood in the log but is no frame.
    """

    pod: Manifest | None
    gone: bool = False
    record: EndRecord | None = None
    cancel: str = ""
    gave_up: GaveUp | None = None
    foreign: str = ""
    unconfirmed: bool = False
    """Its deletion was asked for long ago, and the node does not answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """The end of an attempt; `record` is what the runner wrote, if it could."""

    phase: Phase
    reason: str
    message: str
    exit_code: int | None = None
    record: EndRecord | None = None
    infrastructure: bool = False
    """Neither the script, nor what it asked for, nor a person is to blame."""


def end_record(pod: Manifest | None) -> EndRecord | None:
    """The runner's end record in the container's termination message."""
    terminated = _terminated(pod)
    return records.read(terminated.get("message") or "") if terminated else None


def started(pod: Manifest | None) -> bool:
    """The container ran, or may have run."""
    container = stage.container_status(pod) if pod else None
    state = (container or {}).get("state") or {}
    return state.get("running") is not None or bool((state.get("terminated") or {}).get("startedAt"))


def of(evidence: Evidence) -> Outcome:
    """The outcome of an attempt of which nothing more will come."""
    record = evidence.record or end_record(evidence.pod)
    if record is not None:
        return replace(_from_record(record, evidence), record=record)
    if evidence.unconfirmed and started(evidence.pod):
        message = "the pod's node does not confirm its end: the script may still be running"
        return Outcome(phase=Phase.UNKNOWN, reason="NodeUnreachable", message=message)
    terminated = _terminated(evidence.pod)
    disrupted = _disruption(evidence.pod)
    if evidence.gave_up is not None and not disrupted:
        return _failed(evidence.gave_up.reason, evidence.gave_up.message, terminated)
    if evidence.cancel:
        return _cancelled(evidence, terminated)
    if disrupted is not None:
        return replace(_failed(*disrupted, terminated), infrastructure=disrupted[0] not in _OWN_FAULT)
    if terminated:
        return _from_container(terminated, evidence)
    init = _failed_init(evidence.pod)
    if init is not None:
        return init
    return _lost(evidence)


def _from_record(record: EndRecord, evidence: Evidence) -> Outcome:
    if record.files_awaited:
        return _without_files(evidence)
    if record.start_error:
        message = evidence.foreign or f"the interpreter could not be started: {_start_words(record.start_error)}"
        message += _noexec_words(record)
        return Outcome(phase=Phase.FAILED, reason="InterpreterNotStarted", message=message, exit_code=record.exit_code)
    if record.files_error:
        message = f"a file of the operation could not be written: {_errno_words(record.files_error)}; the log names it"
        return Outcome(phase=Phase.FAILED, reason="FilesNotWritten", message=message, exit_code=record.exit_code)
    if record.timed_out:
        message = "the script was stopped: its time was up"
        return Outcome(phase=Phase.FAILED, reason="RunTimeout", message=message, exit_code=record.exit_code)
    if record.terminated:
        return replace(_interrupted(evidence), exit_code=record.exit_code)
    asked = f"; the cancel ({evidence.cancel}) came too late" if evidence.cancel else ""
    if record.exit_code == 0:
        killed = "; the kernel killed a process of it for memory" if record.oom_kills > 0 else ""
        message = f"exit code 0{killed}{asked}"
        return Outcome(phase=Phase.SUCCEEDED, reason="Succeeded", message=message, exit_code=0)
    if record.oom_kills > 0:
        message = f"a process of the script was killed for memory; exit code {record.exit_code}{asked}"
        return Outcome(phase=Phase.FAILED, reason="OutOfMemory", message=message, exit_code=record.exit_code)
    if record.docker_asked:
        message = (
            f"the script called docker, and a pod has no Docker engine; exit code {record.exit_code}. {_NO_DOCKER}"
        )
        return Outcome(phase=Phase.FAILED, reason="DockerUnavailable", message=message, exit_code=record.exit_code)
    # 126 is how a shell says that it may not execute something.
    reason = "WorkspaceNoexec" if record.noexec and record.exit_code == _MAY_NOT_EXECUTE else "ScriptFailed"
    message = f"exit code {record.exit_code}{_signal_words(record.signal)}{asked}{_noexec_words(record)}"
    return Outcome(phase=Phase.FAILED, reason=reason, message=message, exit_code=record.exit_code)


_MAY_NOT_EXECUTE = 126
_NOEXEC = (
    "the working directory is mounted noexec, so that nothing in it can be executed: start programs through their "
    "interpreter (sh ./tool), or take noexec off the file system of the kubelet's root directory (/var/lib/kubelet)"
)


def _noexec_words(record: EndRecord) -> str:
    return f"; {_NOEXEC}" if record.noexec else ""


def _without_files(evidence: Evidence) -> Outcome:
    """The end came while the runner waited for files: the script certainly never started."""
    disrupted = _disruption(evidence.pod)
    if evidence.gave_up is not None and not disrupted:
        gave_up = evidence.gave_up
        found = _failed(gave_up.reason, gave_up.message, {})
        return replace(found, infrastructure=gave_up.reason == FILES_UNAVAILABLE)
    if evidence.cancel:
        message = f"cancelled before the script started: {evidence.cancel}"
        return Outcome(phase=Phase.CANCELLED, reason="Cancelled", message=message)
    if disrupted is not None:
        return replace(_failed(*disrupted, {}), infrastructure=disrupted[0] not in _OWN_FAULT)
    if evidence.gone or (evidence.pod or {}).get("metadata", {}).get("deletionTimestamp"):
        return _failed("PodDeleted", f"the pod was deleted before the script started{_by_whom(evidence.pod)}", {})
    message = "no worker brought the files from URLs in time"
    return replace(_failed(FILES_UNAVAILABLE, message, {}), infrastructure=True)


_NO_DOCKER = (
    "Build images with buildah, kaniko or rootless BuildKit; run another image as an operation of its own; "
    "or set DOCKER_HOST to an engine elsewhere"
)


def _start_words(number: int) -> str:
    known = {
        errno.ENOENT: "it is not in the image",
        errno.EACCES: "it may not be executed",
        errno.ENOEXEC: "it is no program for this node's architecture",
    }
    return known.get(number) or _errno_words(number)


def _errno_words(number: int) -> str:
    return errno.errorcode.get(number, f"error {number}")


def _interrupted(evidence: Evidence) -> Outcome:
    """SIGTERM came while the script ran: the question is who sent it."""
    if evidence.gave_up is not None:
        return _failed(evidence.gave_up.reason, evidence.gave_up.message, {})
    if evidence.cancel:
        return Outcome(phase=Phase.CANCELLED, reason="Cancelled", message=f"cancelled: {evidence.cancel}")
    disrupted = _disruption(evidence.pod)
    if disrupted is not None:
        return replace(_failed(*disrupted, {}), infrastructure=disrupted[0] not in _OWN_FAULT)
    return _failed("PodDeleted", f"the pod was deleted while the script ran{_by_whom(evidence.pod)}", {})


def _from_container(terminated: Mapping[str, Any], evidence: Evidence) -> Outcome:
    """The container ended without an end record: the runner was killed, or never came up."""
    reason, code = terminated.get("reason") or "", terminated.get("exitCode")
    said = terminated.get("message") or evidence.foreign
    if reason == "OOMKilled":
        return _failed(
            "OutOfMemory", "the container was killed for memory (the whole group, runner included)", terminated
        )
    if reason in {"StartError", "ContainerCannotRun"} or (reason == "ContainerStatusUnknown" and not said):
        return _failed("ContainerNotStarted", said or reason, terminated)
    if evidence.gone or (evidence.pod or {}).get("metadata", {}).get("deletionTimestamp"):
        return _failed("PodDeleted", f"the pod was deleted while the script ran{_by_whom(evidence.pod)}", terminated)
    message = f"the runner ended without a record, exit code {code}"
    if code == _MAY_NOT_EXECUTE and "ermission denied" in said:
        message += " (are pod volumes mounted noexec on its node?)"
    return _failed("RunnerFailed", f"{message}: {said}" if said else message, terminated)


def _cancelled(evidence: Evidence, terminated: Mapping[str, Any]) -> Outcome:
    when = "" if started(evidence.pod) else " before the script started"
    message = f"cancelled{when}: {evidence.cancel}"
    return Outcome(phase=Phase.CANCELLED, reason="Cancelled", message=message, exit_code=_code(terminated))


def _lost(evidence: Evidence) -> Outcome:
    message = f"the pod is gone{_by_whom(evidence.pod)}, and nothing says how the script ended"
    if evidence.pod is not None and not started(evidence.pod):
        return _failed("PodDeleted", f"the pod was deleted before the script started{_by_whom(evidence.pod)}", {})
    return Outcome(phase=Phase.UNKNOWN, reason="PodLost", message=message, infrastructure=True)


def _failed(reason: str, message: str, terminated: Mapping[str, Any]) -> Outcome:
    return Outcome(phase=Phase.FAILED, reason=reason, message=message, exit_code=_code(terminated))


def _code(terminated: Mapping[str, Any]) -> int | None:
    """The exit code of a container that ran; the kubelet gives 137 also to one that was never made."""
    return terminated.get("exitCode") if terminated.get("startedAt") else None


def _terminated(pod: Manifest | None) -> Mapping[str, Any]:
    container = stage.container_status(pod) if pod else None
    found: Mapping[str, Any] = ((container or {}).get("state") or {}).get("terminated") or {}
    return found


def _failed_init(pod: Manifest | None) -> Outcome | None:
    for one in ((pod or {}).get("status") or {}).get("initContainerStatuses") or ():
        ended = (one.get("state") or {}).get("terminated") or {}
        if ended.get("exitCode"):
            message = (
                f"init container {one.get('name')} of the pool's template ended with exit code {ended['exitCode']}"
            )
            return Outcome(phase=Phase.FAILED, reason="InitFailed", message=message)
    return None


_DISRUPTIONS = {
    "PreemptionByScheduler": ("Preempted", "a pod of higher priority took its place"),
    "DeletionByTaintManager": ("NodeTainted", "the node refuses its pods"),
    "EvictionByEvictionAPI": ("Evicted", "someone asked to evict it, for example to drain the node"),
    "DeletionByPodGC": ("NodeLost", "its node is gone"),
    "TerminationByKubelet": ("Evicted", "the kubelet ended it"),
}


_OWN_FAULT = frozenset({"StorageLimitExceeded", "DeadlineExceeded"})
# The kubelet's eviction manager, on limits that the pod itself has.
_OVER_ITS_LIMIT = re.compile(
    r"exceeds the limit|exceeded its local ephemeral storage limit|exceeds the total limit of containers"
)


def _disruption(pod: Manifest | None) -> tuple[str, str] | None:
    """What the cluster did to the pod, from its status reason or its DisruptionTarget condition."""
    if pod is None:
        return None
    status = pod.get("status") or {}
    target = stage.condition(pod, "DisruptionTarget")
    words = status.get("message") or target.get("message") or ""
    if _OVER_ITS_LIMIT.search(words):
        return "StorageLimitExceeded", f"the kubelet ended the pod for what it stored: {words}"
    if target.get("status") == "True":
        reason, why = _DISRUPTIONS.get(
            target.get("reason") or "", ("Disrupted", target.get("reason") or "no reason given")
        )
        return reason, f"the cluster ended the pod: {why}{': ' + words if words else ''}"
    reason = status.get("reason") or ""
    if status.get("phase") == "Failed" and reason and not _completed(pod):
        return reason, f"the cluster ended the pod: {words or reason}"
    return None


def _completed(pod: Manifest) -> bool:
    return _terminated(pod).get("reason") == "Completed"


def _by_whom(pod: Manifest | None) -> str:
    """The manager of the last write before the deletion is a hint, not proof: nothing records who deletes."""
    when = ((pod or {}).get("metadata") or {}).get("deletionTimestamp")
    return f" (deletion asked for, due at {when})" if when else ""


def _signal_words(number: int) -> str:
    if not number:
        return ""
    try:
        return f", killed by {signal.Signals(number).name}"
    except ValueError:
        return f", killed by signal {number}"
