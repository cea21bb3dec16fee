"""`Worker`: one installation of the program, serving one or more pools."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gitops.api.meta import (
    API_VERSION,
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


class Topology(Word):
    """How reconciler and worker are deployed."""

    EMBEDDED = "embedded"
    SPLIT = "split"


class LogBucket(Wire, frozen=True, kw_only=True):
    """A bucket of an S3-compatible object store. It must exist; nothing else should write below `prefix`."""

    name: Annotated[
        str,
        Meta(min_length=3, max_length=63, pattern=r"^[a-z0-9][-.a-z0-9]*[a-z0-9]$", description="Name of the bucket"),
    ]
    prefix: Annotated[
        str,
        Meta(
            max_length=512,
            pattern=r"^([-_.A-Za-z0-9]+(/[-_.A-Za-z0-9]+)*)?$",
            description="Where in the bucket; give each worker its own",
        ),
    ] = ""
    endpoint: Annotated[
        str,
        Meta(
            max_length=2048,
            pattern=r"^(https?://[^/@?#]+)?/?$",
            description="Where the store is, if not at Amazon: https://minio.example:9000",
        ),
    ] = ""
    region: Annotated[str, Meta(max_length=63, description="Default: us-east-1")] = ""
    credentials: Annotated[
        LocalReference | None,
        Meta(
            description="Secret with `AWS_ACCESS_KEY_ID`, `AWS_SECRET_ACCESS_KEY` and perhaps `AWS_SESSION_TOKEN`, read"
            " again when it changes; default: what the worker's pod is given (EKS Pod Identity, a role of the node)"
        ),
    ] = None
    ca: Annotated[
        KeyReference | None, Meta(description="ConfigMap key with the PEM certificates that sign the endpoint's")
    ] = None


class LogRetention(Wire, frozen=True, kw_only=True):
    """How long logs of ended operations are kept, and how much of them; the oldest go first."""

    max_age: Annotated[Duration, Meta(description="Since the log was last written")] = "720h"
    max_bytes: Annotated[Quantity, Meta(description="Of all logs together")] = "10Gi"


class LogStore(Wire, frozen=True, kw_only=True):
    """Where operation logs are kept after their pods are gone."""

    claim_name: Annotated[
        str,
        Meta(description="A PersistentVolumeClaim in this namespace; empty: an emptyDir, lost with the worker's pod"),
    ] = ""
    size_limit: Annotated[Quantity, Meta(description="Limit of the emptyDir")] = ""
    bucket: Annotated[
        LogBucket | None, Meta(description="Instead of a volume: survives nodes, read by all replicas")
    ] = None
    retention: Annotated[LogRetention, Meta(description="What is removed, once an hour")] = LogRetention()


class WorkerSpec(Wire, frozen=True, kw_only=True):
    """What a worker is."""

    pools: Annotated[
        list[Name], Meta(min_length=1, max_length=100, description="WorkerPools served, in this namespace")
    ]
    image: Annotated[str, Meta(min_length=1, description="Image of this program")]
    image_pull_policy: Annotated[
        str,
        Meta(
            description="Default: as Kubernetes decides by the tag",
            extra_json_schema=one_of("Always", "IfNotPresent", "Never"),
        ),
    ] = ""
    image_pull_secrets: Annotated[list[ObjectName], Meta(description="Names of pull secrets in this namespace")] = []
    resources: Annotated[Resources, Meta(description="Requests and limits of the program")] = Resources(
        requests={"cpu": "100m", "memory": "128Mi"}
    )
    replicas: Annotated[
        int, Meta(ge=0, le=10, description="Replicas of each Deployment; one is active, the others take over")
    ] = 1
    commit_rules: Annotated[
        list[PolicyRule],
        Meta(
            max_length=64,
            description="Rights of the reconciler's account, cluster-wide, beyond what our kinds need: what a commit "
            "may apply besides them, and what it may grant to pools. The API server refuses anything more",
        ),
    ] = []
    topology: Annotated[
        Topology,
        Meta(description="embedded: reconciler and worker in one process; split: two Deployments, two accounts"),
    ] = Topology.EMBEDDED
    log_store: Annotated[LogStore, Meta(description="Where operation logs are kept")] = LogStore()
    pod_template: Annotated[
        PodTemplate,
        PolicyRule,
        Meta(description="Merged (strategic merge) into the program's pods; the container is named `gitops`"),
    ] = {}


class WorkerStatus(Wire, frozen=True, kw_only=True):
    """What the worker says about itself."""

    observed_generation: int = 0
    conditions: Annotated[list[Condition], Meta(description="Ready")] = []


class Worker(Wire, frozen=True, kw_only=True):
    """One installation of the program."""

    api_version: str = API_VERSION
    kind: str = "Worker"
    metadata: Metadata = Metadata()
    spec: WorkerSpec
    status: WorkerStatus = WorkerStatus()
