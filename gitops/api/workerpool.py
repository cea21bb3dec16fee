"""`WorkerPool`: where and how operations run."""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta

from gitops.api.meta import (
    API_VERSION,
    CIDR,
    DURATION,
    NAME_OR_NOTHING,
    URLS,
    Condition,
    Duration,
    KeyReference,
    LocalReference,
    Metadata,
    Name,
    ObjectName,
    PodTemplate,
    PolicyRule,
    Quantity,
    Resources,
    Wire,
    Word,
    one_of,
)


class Profile(Word):
    """What the pods of a pool may do."""

    NAMESPACE_ADMIN = "namespace-admin"
    NONE = "none"
    CUSTOM = "custom"


class Rbac(Wire, frozen=True, kw_only=True):
    """Rights of the pool's pods. An empty list of rules means no rights."""

    profile: Annotated[
        Profile,
        Meta(
            description="namespace-admin: free inside the operations namespace, nothing outside; none; "
            "custom: exactly the rules below"
        ),
    ] = Profile.NAMESPACE_ADMIN
    rules: Annotated[
        list[PolicyRule], Meta(max_length=64, description="custom: rights inside the operations namespace")
    ] = []
    cluster_rules: Annotated[
        list[PolicyRule], Meta(max_length=64, description="custom: rules for the whole cluster")
    ] = []
    target_namespaces: Annotated[
        list[Name],
        Meta(max_length=64, description="custom: namespaces beside the operations namespace in which `rules` hold too"),
    ] = []


class ServiceAccount(Wire, frozen=True, kw_only=True):
    """The account the pods run under."""

    create: Annotated[bool, Meta(description="Make the account; false: it exists already")] = True
    name: Annotated[str, Meta(description="Name in the operations namespace; default: the pool's name")] = ""
    annotations: Annotated[dict[str, str], Meta(description="For example a cloud role")] = {}


class Timeouts(Wire, frozen=True, kw_only=True):
    """One clock per state of an operation."""

    queued: Annotated[Duration, Meta(description="Waiting for a free place in the pool")] = "1h"
    unschedulable: Annotated[Duration, Meta(description="The scheduler finds no node, no autoscaler helps")] = "10m"
    image_pull: Annotated[Duration, Meta(description="Pulling the image, throttling included")] = "10m"
    starting: Annotated[Duration, Meta(description="Scheduled, but the script has not started")] = "5m"
    files: Annotated[Duration, Meta(description="Fetching the operation's files from URLs, all of them")] = "15m"
    run: Annotated[Duration, Meta(description="The script runs")] = "6h"
    grace: Annotated[Duration, Meta(description="Between SIGTERM and SIGKILL at a cancel or time-out")] = "30s"


class Workspace(Wire, frozen=True, kw_only=True):
    """The working directory of an operation: an emptyDir of its own."""

    size_limit: Annotated[Quantity, Meta(description="The pod is evicted above this; empty: the node's limit")] = ""


class Logs(Wire, frozen=True, kw_only=True):
    """What is kept of the output of an operation."""

    max_size: Annotated[
        Quantity,
        Meta(
            description="The beginning of the output, up to so many bytes; the lines after it are counted and dropped, "
            "and the log is called incomplete. Empty: all of it"
        ),
    ] = ""


class EgressMode(Word):
    """Whom the pool's pods may talk to."""

    OPEN = "open"
    RESTRICTED = "restricted"


class Port(Wire, frozen=True, kw_only=True):
    """One port."""

    port: Annotated[int, Meta(ge=1, le=65535, description="Number")]
    protocol: Annotated[str, Meta(description="Protocol", extra_json_schema=one_of("TCP", "UDP", "SCTP"))] = "TCP"


class Destination(Wire, frozen=True, kw_only=True):
    """Addresses outside, or the pods of a namespace, and the ports there."""

    cidr: Annotated[
        str, Meta(pattern=CIDR, max_length=64, description="Addresses: 10.0.0.0/8. Either this or `namespace`")
    ] = ""
    except_: Annotated[
        list[Annotated[str, Meta(pattern=CIDR, max_length=64)]],
        Meta(max_length=32, description="Parts of the cidr that are not meant"),
    ] = msgspec.field(name="except", default_factory=list)
    namespace: Annotated[
        str,
        Meta(pattern=NAME_OR_NOTHING, max_length=63, description="All pods of this namespace. Either this or `cidr`"),
    ] = ""
    ports: Annotated[list[Port], Meta(max_length=32, description="Ports there; empty means all")] = []


class Egress(Wire, frozen=True, kw_only=True):
    """Whom the pool's pods may talk to. Nobody talks to them in any case."""

    mode: Annotated[
        EgressMode,
        Meta(
            description="open: everybody; restricted: name servers (port 53) and what `allow` lists. Enforced by the "
            "cluster's network plugin, if it enforces NetworkPolicies"
        ),
    ] = EgressMode.OPEN
    allow: Annotated[list[Destination], Meta(max_length=64, description="restricted: who else")] = []


class Drain(Wire, frozen=True, kw_only=True):
    """What happens to running operations when their node is to be emptied."""

    max_wait: Annotated[
        Duration,
        Meta(
            description="How long a node that is to be emptied waits for the operations on it. After that they may be "
            "evicted; until then a PodDisruptionBudget forbids it"
        ),
    ] = "6h"


class Canary(Wire, frozen=True, kw_only=True):
    """A small operation after each change of what the pool's pods are made of: it tells whether one still runs."""

    enabled: Annotated[
        bool, Meta(description="Run it, and say in the condition CanaryPassed how it ended. Default: false")
    ] = False
    script: Annotated[
        str, Meta(max_length=65536, description="What it runs; default: one line of output. Exit code 0 passes")
    ] = ""
    timeout: Annotated[Duration, Meta(description="For its script")] = "1m"


class Retry(Wire, frozen=True, kw_only=True):
    """What happens when the infrastructure fails an operation: its node is lost, drained, short of disk, shut down."""

    attempts: Annotated[
        int,
        Meta(
            ge=1,
            le=10,
            description="How many pods an operation gets at most. Another one is made only if the last one's script "
            "provably never started, or the operation says that it is `idempotent`",
        ),
    ] = 3
    delay: Annotated[Duration, Meta(description="Before the second attempt; twice as long before each further one")] = (
        "10s"
    )


class Allow(Wire, frozen=True, kw_only=True):
    """What an operation may ask for beside the pool's own."""

    images: Annotated[
        list[Annotated[str, Meta(min_length=1, max_length=512)]],
        Meta(max_length=64, description="Images; * stands for anything without a slash: registry.example/team/*"),
    ] = []
    image_pull_secrets: Annotated[list[ObjectName], Meta(max_length=64, description="Pull secrets")] = []
    service_accounts: Annotated[
        list[ObjectName],
        Meta(max_length=64, description="Accounts of the operations namespace; whoever may use the pool may be them"),
    ] = []
    resources: Annotated[
        dict[str, Quantity],
        Meta(max_length=32, description="The most of each resource an operation may request or set as limit"),
    ] = {}

    urls: Annotated[
        list[Annotated[str, Meta(pattern=URLS, max_length=1024)]],
        Meta(
            max_length=64,
            description="URLs of files (`filesFrom`), and where they may redirect to: one that ends in a slash means "
            "everything below it, * in the path anything without a slash. http:// only if it is written so",
        ),
    ] = []
    max_file_size: Annotated[Quantity, Meta(description="The most bytes one file from a URL may have")] = "1Gi"


class WorkerPoolSpec(Wire, frozen=True, kw_only=True):
    """What a pool is."""

    image: Annotated[str, Meta(min_length=1, description="Image in which the scripts of this pool run")]
    image_pull_policy: Annotated[
        str,
        Meta(
            description="Default: as Kubernetes decides by the tag",
            extra_json_schema=one_of("Always", "IfNotPresent", "Never"),
        ),
    ] = ""
    image_pull_secrets: Annotated[
        list[ObjectName], Meta(description="Names of pull secrets in the operations namespace")
    ] = []
    mirrors: Annotated[
        dict[str, Annotated[str, Meta(min_length=1, max_length=253)]],
        Meta(
            max_length=32,
            description="From where images are pulled instead, by registry and as much of the path as is meant: "
            "`docker.io: mirror.example/hub`; the longest match counts, for every container of the pod",
        ),
    ] = {}
    architectures: Annotated[
        list[Annotated[str, Meta(extra_json_schema=one_of("amd64", "arm64"))]],
        Meta(max_length=2, description="Nodes the pods may run on; default: both. The pod template's own limits stay"),
    ] = []
    resources: Annotated[Resources, Meta(description="Requests and limits of the operation's container")] = Resources(
        requests={"cpu": "100m", "memory": "128Mi"}
    )
    max_operations: Annotated[int, Meta(ge=1, le=10000, description="Operations running at the same time, at most")] = (
        10
    )
    suspended: Annotated[bool, Meta(description="Admit nothing; running operations finish")] = False
    namespace: Annotated[
        str,
        Meta(
            max_length=63,
            pattern=NAME_OR_NOTHING,
            description="Operations namespace; default `<namespace>-<pool>-ops`, shortened to 63",
        ),
    ] = ""
    timeouts: Annotated[Timeouts, Meta(description="One clock per state")] = Timeouts()
    service_account: Annotated[ServiceAccount, Meta(description="The account the pods run under")] = ServiceAccount()
    rbac: Annotated[Rbac, Meta(description="What the pods may do")] = Rbac()
    allow: Annotated[
        Allow, Meta(description="What an operation may ask for beside the pool's own; default: nothing")
    ] = Allow()
    pod_template: Annotated[
        PodTemplate,
        Meta(description="Merged (strategic merge) into the operation's pod; its container is named `operation`"),
    ] = {}
    workspace: Annotated[Workspace, Meta(description="The operation's working directory")] = Workspace()
    logs: Annotated[Logs, Meta(description="What is kept of the output of an operation")] = Logs()
    proxy: Annotated[
        LocalReference | None,
        Meta(
            description="Secret in the operations namespace with `https_proxy` and, if wanted, `http_proxy` and "
            "`no_proxy`: variables of the script, in capitals too; hidden in its log"
        ),
    ] = None
    ca: Annotated[
        KeyReference | None,
        Meta(
            description="ConfigMap key in the operations namespace with the PEM certificates, all of them, that the "
            "script's programs trust"
        ),
    ] = None
    pod_security: Annotated[
        str,
        Meta(
            description="Pod security standard enforced in the operations namespace",
            extra_json_schema=one_of("privileged", "baseline", "restricted"),
        ),
    ] = "baseline"
    retry: Annotated[Retry, Meta(description="What happens when the infrastructure fails an operation")] = Retry()
    ttl_after_finished: Annotated[
        str,
        Meta(
            pattern=DURATION,
            description="Operations that do not say otherwise are deleted this long after their end; empty: kept",
        ),
    ] = ""
    egress: Annotated[Egress, Meta(description="Whom the pods may talk to")] = Egress()
    canary: Annotated[Canary, Meta(description="Tries the pool after each change")] = Canary()
    drain: Annotated[Drain, Meta(description="What happens to running operations when their node is to be emptied")] = (
        Drain()
    )


class Bucket(Wire, frozen=True, kw_only=True):
    """How many runs lie under a bound, and above the one before."""

    up_to: int
    runs: int


class StepUsage(Wire, frozen=True, kw_only=True):
    """What the runs of one step used in one period, measured in their pods' own cgroups."""

    step: Annotated[str, Meta(description="Label gitops-worker.io/step of the operations; empty: they had none")] = ""
    own_resources: Annotated[
        bool, Meta(description="These runs asked for resources of their own instead of the pool's")
    ] = False
    since: Annotated[str, Meta(description="End of the first run")] = ""
    last: Annotated[str, Meta(description="End of the last run")] = ""
    runs: int = 0
    cpu_millicores: Annotated[list[Bucket], Meta(description="Runs by what each used on average")] = []
    memory_mebibytes: Annotated[list[Bucket], Meta(description="Runs by the peak of each")] = []
    memory_peak_bytes: Annotated[int, Meta(description="The highest peak")] = 0
    throttled_runs: Annotated[int, Meta(description="Held back by the CPU limit for over 5 % of their time")] = 0
    out_of_memory_runs: Annotated[int, Meta(description="In which the kernel killed a process for memory")] = 0


class Tried(Wire, frozen=True, kw_only=True):
    """The last canary."""

    digest: Annotated[str, Meta(description="Of what it tried: another digest wants another canary")] = ""
    operation: Annotated[str, Meta(description="Name of its Operation")] = ""


class WorkerPoolStatus(Wire, frozen=True, kw_only=True):
    """What the worker says about the pool."""

    observed_generation: int = 0
    conditions: Annotated[list[Condition], Meta(description="Ready, CanaryPassed")] = []
    canary: Annotated[Tried, Meta(description="The last canary")] = Tried()
    usage: Annotated[
        list[StepUsage], Meta(max_length=64, description="What operations used; `gitops pool top` shows it")
    ] = []


class WorkerPool(Wire, frozen=True, kw_only=True):
    """Where and how operations run: image, resources, rights, limits, pod template."""

    api_version: str = API_VERSION
    kind: str = "WorkerPool"
    metadata: Metadata = Metadata()
    spec: WorkerPoolSpec
    status: WorkerPoolStatus = WorkerPoolStatus()
