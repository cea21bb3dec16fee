"""`Operation`: one script to run in one pod. Created at run time, never from Git."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gitops.api.meta import (
    API_VERSION,
    DIGEST,
    DURATION,
    URL,
    Condition,
    KeyReference,
    LocalReference,
    Metadata,
    Name,
    ObjectName,
    Resources,
    Wire,
    Word,
    one_of,
)


class Phase(Word):
    """Where an operation is; the last four are final."""

    QUEUED = "Queued"
    STARTING = "Starting"
    RUNNING = "Running"
    FINISHING = "Finishing"
    """The worker ends the attempt itself, for the status' reason; its pod is being deleted."""
    SUCCEEDED = "Succeeded"
    FAILED = "Failed"
    CANCELLED = "Cancelled"
    UNKNOWN = "Unknown"


class EnvVar(Wire, frozen=True, kw_only=True):
    """One environment variable: a literal, or one key of a Secret or ConfigMap in the operations namespace."""

    name: Annotated[str, Meta(pattern=r"^[-._a-zA-Z][-._a-zA-Z0-9]*$", max_length=253, description="Variable name")]
    value: Annotated[str | None, Meta(description="The value itself; never a secret")] = None
    secret: Annotated[KeyReference | None, Meta(description="Key of a Secret in the operations namespace")] = None
    config_map: Annotated[KeyReference | None, Meta(description="Key of a ConfigMap in the operations namespace")] = (
        None
    )


class MutexMode(Word):
    """Whether others may have it too."""

    EXCLUSIVE = "exclusive"
    SHARED = "shared"


class Mutex(Wire, frozen=True, kw_only=True):
    """What must not run at the same time, among all operations of the namespace."""

    name: Annotated[Name, Meta(description="Operations that name the same mutex keep each other waiting")]
    mode: Annotated[MutexMode, Meta(description="exclusive: alone; shared: beside others that share it")] = (
        MutexMode.EXCLUSIVE
    )
    wait: Annotated[
        str,
        Meta(
            pattern=DURATION,
            description="How old the operation may become waiting for it; default: the pool's `timeouts.queued`",
        ),
    ] = ""


Path = Annotated[
    str,
    Meta(pattern=r"^[^/:\x00-\x1f][^:\x00-\x1f]*$", max_length=512, description="Below the working directory"),
]


class File(Wire, frozen=True, kw_only=True):
    """One small file, written into the working directory before the script starts."""

    path: Path
    text: Annotated[Annotated[str, Meta(max_length=262144)] | None, Meta(description="Content that is text")] = None
    base64: Annotated[
        Annotated[str, Meta(max_length=262144, pattern=r"^[A-Za-z0-9+/]*={0,2}$")] | None,
        Meta(description="Any content, in base64"),
    ] = None
    executable: Annotated[bool, Meta(description="Mode 0755 instead of 0644")] = False


class FilesFrom(Wire, frozen=True, kw_only=True):
    """A directory of read-only files from a Secret or ConfigMap of the operations namespace, or one file from a URL."""

    path: Path
    secret: Annotated[LocalReference | None, Meta(description="A Secret; what it holds is masked in the log")] = None
    config_map: Annotated[LocalReference | None, Meta(description="A ConfigMap")] = None
    keys: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=253)]],
        Meta(max_length=256, description="Only these keys; default: all"),
    ] = []
    url: Annotated[
        Annotated[str, Meta(pattern=URL, max_length=4096)] | None,
        Meta(
            description="One file, which the worker fetches and brings into the pod before the script starts; the "
            "pool's `allow.urls` must name it. Its query is in no log, event or status"
        ),
    ] = None
    digest: Annotated[
        Annotated[str, Meta(pattern=DIGEST)] | None,
        Meta(description="What the file from a URL must be: sha256: and 64 hexadecimal digits"),
    ] = None
    executable: Annotated[bool, Meta(description="The file from a URL gets mode 0755 instead of 0644")] = False


class OperationSpec(Wire, frozen=True, kw_only=True):
    """What to run."""

    pool: Annotated[Name, Meta(description="WorkerPool in this namespace")]
    script: Annotated[str, Meta(min_length=1, max_length=262144, description="The script's text")]
    interpreter: Annotated[
        list[str],
        Meta(
            description="Command that gets the script's path as its next argument; alone, sh, bash, python and pwsh "
            "mean what is usual for them; default: /bin/sh",
            max_length=16,
        ),
    ] = []
    arguments: Annotated[list[str], Meta(max_length=256, description="Arguments of the script")] = []
    env: Annotated[list[EnvVar], Meta(max_length=256, description="Environment of the script")] = []
    files: Annotated[
        list[File],
        Meta(max_length=64, description="Small files; with the script and base64 at most 248 KiB together"),
    ] = []
    files_from: Annotated[
        list[FilesFrom], Meta(max_length=16, description="Files from Secrets, ConfigMaps and URLs")
    ] = []
    image: Annotated[str, Meta(max_length=512, description="Instead of the pool's; its `allow` must name it")] = ""
    image_pull_secrets: Annotated[
        list[ObjectName], Meta(max_length=16, description="Added to the pool's; its `allow` must name them")
    ] = []
    resources: Annotated[
        Resources, Meta(description="Instead of the pool's, name by name; no more than its own or its `allow`")
    ] = Resources()
    platform: Annotated[
        str,
        Meta(
            description="Nodes it may run on; one of the pool's `architectures`. Default: any of them",
            extra_json_schema=one_of("linux/amd64", "linux/arm64"),
        ),
    ] = ""
    service_account: Annotated[
        str,
        Meta(
            pattern=r"^([a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*)?$",
            max_length=253,
            description="Instead of the pool's; its `allow` must name it",
        ),
    ] = ""
    priority: Annotated[
        int, Meta(ge=-1000, le=1000, description="The higher goes first in its pool's queue; it interrupts nothing")
    ] = 0
    mutex: Annotated[Mutex | None, Meta(description="What must not run at the same time")] = None
    timeout: Annotated[
        str, Meta(pattern=DURATION, description="For the script's run; default: the pool's `timeouts.run`")
    ] = ""
    idempotent: Annotated[
        bool,
        Meta(
            description="Running the script again from its start does no harm: the pool's `retry` then also holds when "
            "the cluster ended it midway, and not only when it provably never started"
        ),
    ] = False
    ttl_after_finished: Annotated[
        str,
        Meta(
            pattern=DURATION,
            description="The object is deleted this long after its end; its log has a retention of its own. "
            "Default: the pool's, else it is kept",
        ),
    ] = ""


class Claim(Wire, frozen=True, kw_only=True):
    """Who runs the operation: written by compare-and-swap before the pod exists."""

    worker: Annotated[str, Meta(description="Identity of the worker process")]
    attempt: Annotated[int, Meta(ge=1, description="Which attempt this is")] = 1
    pod: Annotated[str, Meta(description="Name of the attempt's pod")] = ""
    namespace: Annotated[str, Meta(description="Operations namespace of the pod")] = ""
    spec_hash: Annotated[str, Meta(description="sha-256 of the pod as rendered at the claim")] = ""
    at: Annotated[str, Meta(description="When (RFC 3339)")] = ""
    version: Annotated[str, Meta(description="resourceVersion of the operation when it was claimed")] = ""


class Usage(Wire, frozen=True, kw_only=True):
    """What the script used, from the pod's own cgroup."""

    cpu_seconds: Annotated[float | None, Meta(description="Of all processes together")] = None
    throttled_seconds: Annotated[float | None, Meta(description="Held back by the CPU limit")] = None
    memory_peak_bytes: Annotated[int | None, Meta(description="Files in memory included")] = None


class LogRecord(Wire, frozen=True, kw_only=True):
    """What is known of the log."""

    lines: int = 0
    bytes: int = 0
    missing: Annotated[int, Meta(description="Lines known to be missing")] = 0
    complete: Annotated[bool, Meta(description="Every line the script wrote is stored")] = False
    sha256: Annotated[str, Meta(description="Digest of the stream, as the runner saw it")] = ""


class Attempt(Wire, frozen=True, kw_only=True):
    """An attempt that the infrastructure failed and that was followed by another one."""

    number: Annotated[int, Meta(ge=1, description="Which attempt, from 1")]
    pod: Annotated[str, Meta(description="Name of its pod")] = ""
    pod_uid: Annotated[str, Meta(description="UID of its pod; empty if there was none")] = ""
    node: Annotated[str, Meta(description="Node of its pod")] = ""
    reason: Annotated[str, Meta(description="CamelCase reason of its end")] = ""
    message: Annotated[str, Meta(description="The same in words")] = ""
    started: Annotated[bool, Meta(description="The script may have started")] = False
    finished_at: Annotated[str, Meta(description="When (RFC 3339)")] = ""


class OperationStatus(Wire, frozen=True, kw_only=True):
    """What became of it."""

    phase: Annotated[
        str, Meta(description="Queued, Starting, Running, Finishing, Succeeded, Failed, Cancelled, Unknown")
    ] = ""
    reason: Annotated[str, Meta(description="CamelCase reason of the phase")] = ""
    message: Annotated[str, Meta(description="The same in words")] = ""
    claim: Claim | None = None
    attempts: Annotated[list[Attempt], Meta(max_length=16, description="The attempts before the last one")] = []
    pod_uid: Annotated[str, Meta(description="UID of the attempt's pod")] = ""
    node: Annotated[str, Meta(description="Node the pod ran on")] = ""
    exit_code: Annotated[int | None, Meta(description="The script's exit code")] = None
    started_at: str = ""
    finished_at: str = ""
    revision: Annotated[str, Meta(description="Revision of the configuration the operation ran under")] = ""
    usage: Usage | None = None
    log: LogRecord | None = None
    conditions: Annotated[list[Condition], Meta(description="Finished")] = []


class Operation(Wire, frozen=True, kw_only=True):
    """One script to run in one pod."""

    api_version: str = API_VERSION
    kind: str = "Operation"
    metadata: Metadata = Metadata()
    spec: OperationSpec
    status: OperationStatus = OperationStatus()
