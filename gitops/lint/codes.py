"""All codes of `gitops lint`.

Families: GW0 files, GW1 fields and scalars, GW2 pools and workers, GW3 pods, GW4 rights, GW5 resources, GW9 lint
itself. A code is never given away again.
"""

from __future__ import annotations

from gitops.lint.code import Code, Severity

_ERROR, _WARNING, _NOTE = Severity.ERROR, Severity.WARNING, Severity.NOTE

BROKEN = Code(
    code="GW001",
    name="broken-file",
    severity=_ERROR,
    summary="A file cannot be read as YAML.",
    why="Nothing in it reaches the cluster. Other files are looked at all the same.",
    wrong="spec:\n  image: 'worker-tools:1\n",
    right="spec:\n  image: 'worker-tools:1'\n",
)
DUPLICATE = Code(
    code="GW002",
    name="duplicate-key",
    severity=_ERROR,
    summary="A mapping has the same key twice.",
    why="One of the two values is lost, and which one depends on the program that reads the file.",
    wrong="spec:\n  maxOperations: 5\n  maxOperations: 10\n",
    right="spec:\n  maxOperations: 10\n",
)
BUILD = Code(
    code="GW003",
    name="build-failed",
    severity=_ERROR,
    summary="The kustomization cannot be built.",
    why="No object of it reaches the cluster. What can be said of single files is still said.",
    wrong="resources:\n  - pools/linx.yaml  # the file is linux.yaml\n",
    right="resources:\n  - pools/linux.yaml\n",
)
UNKNOWN_FIELD = Code(
    code="GW101",
    name="unknown-field",
    severity=_ERROR,
    summary="One of our kinds has no field of this name.",
    why="The API server would refuse the object, or drop the field.",
    wrong="kind: WorkerPool\nspec:\n  maxOperation: 10\n",
    right="kind: WorkerPool\nspec:\n  maxOperations: 10\n",
)
MISSING_FIELD = Code(
    code="GW102",
    name="missing-field",
    severity=_ERROR,
    summary="A field that must be there is not.",
    why="The API server would refuse the object.",
    wrong="kind: WorkerPool\nspec: {}\n",
    right="kind: WorkerPool\nspec:\n  image: worker-tools:1\n",
)
WRONG_TYPE = Code(
    code="GW103",
    name="wrong-type",
    severity=_ERROR,
    summary="A value is of another type than its field.",
    why="The API server would refuse the object.",
    wrong='kind: WorkerPool\nspec:\n  maxOperations: "10"\n',
    right="kind: WorkerPool\nspec:\n  maxOperations: 10\n",
)
WRONG_VALUE = Code(
    code="GW104",
    name="wrong-value",
    severity=_ERROR,
    summary="A value is outside of what its field allows.",
    why="The API server would refuse the object.",
    wrong="kind: WorkerPool\nspec:\n  timeouts:\n    run: 5 minutes\n",
    right="kind: WorkerPool\nspec:\n  timeouts:\n    run: 5m\n",
)
FIELDS_DISAGREE = Code(
    code="GW105",
    name="fields-disagree",
    severity=_ERROR,
    summary="Fields of one object contradict each other, or break a rule that spans several.",
    why="The API server would refuse the object: the rule is in the CRD too.",
    wrong='kind: WorkerPool\nspec:\n  rbac:\n    rules:\n      - {apiGroups: [""], resources: [pods], verbs: [get]}\n',
    right="kind: WorkerPool\nspec:\n  rbac:\n    profile: custom\n    rules:\n"
    '      - {apiGroups: [""], resources: [pods], verbs: [get]}\n',
)
PROTECTED = Code(
    code="GW106",
    name="protected-field",
    severity=_ERROR,
    summary="A pod template sets what the program decides.",
    why="Exactly one start, a complete log and a definite outcome rest on these fields.",
    wrong="kind: WorkerPool\nspec:\n  podTemplate:\n    spec:\n      restartPolicy: OnFailure\n",
    right="kind: WorkerPool\nspec:\n  podTemplate:\n    spec:\n      nodeSelector:\n        disk: fast\n",
)
UNKNOWN_KIND = Code(
    code="GW107",
    name="unknown-kind",
    severity=_ERROR,
    summary="There is no such kind, or version, in our API group.",
    why="The API server serves no such kind.",
    wrong="apiVersion: gitops-worker.io/v1alpha1\nkind: WorkerPol\n",
    right="apiVersion: gitops-worker.io/v1alpha1\nkind: WorkerPool\n",
)
UNKNOWN_POD_FIELD = Code(
    code="GW108",
    name="unknown-pod-field",
    severity=_ERROR,
    summary="A pod, or a pod template, has a field that Kubernetes does not know.",
    why="Of a pool's template the API server would refuse every pod, long after the commit. Often it is spelling, or a "
    "field that stands a level too deep: an affinity nested so was never in force.",
    wrong="kind: WorkerPool\nspec:\n  podTemplate:\n    spec:\n      nodeselector:\n        disk: fast\n",
    right="kind: WorkerPool\nspec:\n  podTemplate:\n    spec:\n      nodeSelector:\n        disk: fast\n",
)
WORD = Code(
    code="GW111",
    name="ambiguous-word",
    severity=_WARNING,
    summary="yes, no, on, off, y or n without quotes.",
    why="YAML 1.1 reads a boolean, YAML 1.2 a string; kubectl and kustomize do not agree in all places.",
    wrong="metadata:\n  labels:\n    country: no\n",
    right='metadata:\n  labels:\n    country: "no"\n',
    fixed="where a string is wanted, quotes; where a boolean is wanted, true or false",
)
OCTAL = Code(
    code="GW112",
    name="leading-zero",
    severity=_WARNING,
    summary="A number that begins with a zero.",
    why="It is read as octal: 0755 becomes 493. File modes (mode, defaultMode) are meant so and are not reported.",
    wrong="data:\n  umask: 0022\n",
    right='data:\n  umask: "0022"\n',
    fixed="where a string is wanted, quotes",
)
DATE = Code(
    code="GW113",
    name="date",
    severity=_WARNING,
    summary="A date without quotes.",
    why="kustomize makes a point in time of it: 2024-01-01 becomes 2024-01-01T00:00:00Z.",
    wrong="metadata:\n  labels:\n    until: 2024-01-01\n",
    right='metadata:\n  labels:\n    until: "2024-01-01"\n',
    fixed="where a string is wanted, quotes; the value is then what is written",
)
BIG_INTEGER = Code(
    code="GW114",
    name="big-integer",
    severity=_WARNING,
    summary="An integer beyond 2^53.",
    why="Programs that read JSON numbers as floating point (JavaScript, jq before 1.7) change its last digits.",
    wrong="data:\n  account: 123456789012345678\n",
    right='data:\n  account: "123456789012345678"\n',
    fixed="where a string or a quantity is wanted, quotes",
)
NOT_A_STRING = Code(
    code="GW115",
    name="not-a-string",
    severity=_ERROR,
    summary="A number or boolean where Kubernetes wants a string.",
    why="The API server refuses the object; a number also loses its spelling: 1.10 becomes 1.1.",
    wrong="metadata:\n  labels:\n    version: 1.10\n",
    right='metadata:\n  labels:\n    version: "1.10"\n',
    fixed="quotes around what is written, if the field allows that text; 0s for a duration of 0",
)
NO_SCHEMA = Code(
    code="GW116",
    name="no-schema-line",
    severity=_NOTE,
    summary="A file of ours does not tell editors its schema.",
    why="With the line, an editor completes fields and marks mistakes while they are typed.",
    wrong="kind: WorkerPool\n",
    right="# yaml-language-server: $schema=https://gitops-worker.io/schemas/v1alpha1/workerpool.json\n"
    "kind: WorkerPool\n",
    fixed="the line is added at the top",
)
BAD_ORDER = Code(
    code="GW117",
    name="bad-order",
    severity=_ERROR,
    summary="An annotation asks for an order of writing that there cannot be.",
    why="A wave that is no number, a dependency that is not in the build, a circle, or a wait for what is written "
    "later. The plan is refused, for no order would be right.",
    wrong="metadata:\n  annotations:\n    gitops-worker.io/depends-on: deployment/databse  # the file says database\n",
    right="metadata:\n  annotations:\n    gitops-worker.io/depends-on: deployment/database\n",
)
NO_POOL = Code(
    code="GW201",
    name="no-such-pool",
    severity=_ERROR,
    summary="A Worker serves a pool that is not in the build.",
    why="The worker would wait for it for ever, and the operations sent to it would too.",
    wrong="kind: Worker\nspec:\n  pools: [linx]  # the WorkerPool is called linux\n",
    right="kind: Worker\nspec:\n  pools: [linux]\n",
)
UNSERVED = Code(
    code="GW202",
    name="unserved-pool",
    severity=_WARNING,
    summary="No Worker of the build serves this pool.",
    why="Operations for it stay queued until they time out.",
    wrong="kind: WorkerPool\nmetadata:\n  name: gpu  # and the Worker says pools: [linux]\n",
    right="kind: Worker\nspec:\n  pools: [linux, gpu]\n",
)
NOT_EXPANDED = Code(
    code="GW203",
    name="cannot-expand",
    severity=_ERROR,
    summary="Our kinds, taken together, do not make an installation.",
    why="The objects they stand for (namespaces, accounts, Deployments) would collide or be missing.",
    wrong="kind: WorkerPool\nspec:\n  namespace: builds  # as another pool says\n",
    right="kind: WorkerPool\nspec: {}  # each pool has an operations namespace of its own\n",
)
UNPINNED = Code(
    code="GW301",
    name="image-not-pinned",
    severity=_WARNING,
    summary="An image has no tag and no digest, or the tag latest.",
    why="What runs is decided by the registry on the day of the pull, not by the commit; nodes differ.",
    wrong="spec:\n  image: worker-tools\n",
    right='spec:\n  image: "worker-tools:6.3.0"\n',
)
ROOT = Code(
    code="GW302",
    name="root-image",
    severity=_ERROR,
    summary="runAsNonRoot is asked of a container that would run as root.",
    why="The kubelet refuses to start it (CreateContainerConfigError). Known are "
    "images of Docker Hub whose Dockerfiles set no user.",
    wrong="spec:\n  securityContext:\n    runAsNonRoot: true\n  containers:\n    - name: main\n"
    '      image: "alpine:3.20"\n',
    right="spec:\n  securityContext:\n    runAsNonRoot: true\n    runAsUser: 65532\n  containers:\n    - name: main\n"
    '      image: "alpine:3.20"\n',
)
DOCKER = Code(
    code="GW303",
    name="needs-docker",
    severity=_WARNING,
    summary="A setting that only works with a Docker daemon: docker.sock, DOCKER_HOST, Docker in Docker.",
    why="Nodes run containerd; the socket is not there. Where it is, whoever reaches it is root on the node. "
    "Build images with a builder that needs no daemon (BuildKit rootless, Buildah, Kaniko), run tools from the "
    "pool's image.",
    wrong="volumes:\n  - name: docker\n    hostPath:\n      path: /var/run/docker.sock\n",
    right='image: "registry.example/buildah:1.37"  # or the tools in the pool\'s own image\n',
)
POD_SECURITY = Code(
    code="GW304",
    name="pod-security",
    severity=_ERROR,
    summary="A pod template asks for what the pool's podSecurity level forbids.",
    why="The API server refuses every pod of the pool. Levels: kubernetes.io, Pod Security Standards.",
    wrong="kind: WorkerPool\nspec:\n  podSecurity: baseline\n  podTemplate:\n    spec:\n      hostNetwork: true\n",
    right="kind: WorkerPool\nspec:\n  podSecurity: privileged\n  podTemplate:\n    spec:\n      hostNetwork: true\n",
)
WILDCARD = Code(
    code="GW401",
    name="rbac-wildcard",
    severity=_WARNING,
    summary="A rule grants everything of a kind with `*`.",
    why="It includes what is added to the cluster later, and rights nobody thought of: `*` in a namespace contains "
    "the Namespace object with its pod security label.",
    wrong='rules:\n  - apiGroups: ["*"]\n    resources: ["*"]\n    verbs: ["*"]\n',
    right='rules:\n  - apiGroups: [""]\n    resources: [configmaps]\n    verbs: [get, list, watch]\n',
)
ESCALATION = Code(
    code="GW402",
    name="rbac-escalation",
    severity=_WARNING,
    summary="A rule lets its holder get rights beyond those written down.",
    why="escalate and bind change roles past one's own rights, impersonate acts as others, tokens and certificates "
    "make identities, exec enters pods, Secrets of all namespaces hold every account's credentials.",
    wrong='rules:\n  - apiGroups: [""]\n    resources: [users]\n    verbs: [impersonate]\n',
    right='rules:\n  - apiGroups: [""]\n    resources: [configmaps]\n    verbs: [get]\n',
)
CLUSTER_ADMIN = Code(
    code="GW403",
    name="cluster-admin",
    severity=_WARNING,
    summary="A binding hands out cluster-admin.",
    why="Whoever runs as the subject owns the cluster (with a RoleBinding: the namespace and its quota).",
    wrong="kind: ClusterRoleBinding\nroleRef:\n  kind: ClusterRole\n  name: cluster-admin\n",
    right="kind: ClusterRoleBinding\nroleRef:\n  kind: ClusterRole\n  name: deployers\n",
)
ABOVE_LIMIT = Code(
    code="GW501",
    name="request-above-limit",
    severity=_ERROR,
    summary="A container requests more than its limit.",
    why="The API server refuses the pod.",
    wrong="resources:\n  requests: {memory: 2Gi}\n  limits: {memory: 1Gi}\n",
    right="resources:\n  requests: {memory: 1Gi}\n  limits: {memory: 1Gi}\n",
)
NO_REQUEST = Code(
    code="GW502",
    name="no-request",
    severity=_WARNING,
    summary="A pool does not say what its operations need.",
    why="The autoscaler counts requests and nothing else. Too low, and nodes are overfilled instead of added; too high "
    "(with limits alone, Kubernetes takes them as requests), and nodes are added early and pods wait long. Without "
    "`resources` a pool gets 100m CPU and 128Mi, which is nobody's measurement.",
    wrong="kind: WorkerPool\nspec:\n  image: worker-tools:1\n",
    right="kind: WorkerPool\nspec:\n  image: worker-tools:1\n  resources:\n    requests: {cpu: 500m, memory: 512Mi}\n",
)
IDLE_IGNORE = Code(
    code="GW901",
    name="bad-ignore",
    severity=_WARNING,
    summary="A comment `gitops-lint: ignore` names no known code, gives no reason, or hides nothing.",
    why="An exception without a reason cannot be reviewed, and one without effect hides the next mistake.",
    wrong="image: worker-tools  # gitops-lint: ignore=GW301\n",
    right="image: worker-tools  # gitops-lint: ignore=GW301 mirrored daily, tested nightly\n",
)

ALL: tuple[Code, ...] = (
    BROKEN,
    DUPLICATE,
    BUILD,
    UNKNOWN_FIELD,
    MISSING_FIELD,
    WRONG_TYPE,
    WRONG_VALUE,
    FIELDS_DISAGREE,
    PROTECTED,
    UNKNOWN_KIND,
    UNKNOWN_POD_FIELD,
    WORD,
    OCTAL,
    DATE,
    BIG_INTEGER,
    NOT_A_STRING,
    NO_SCHEMA,
    BAD_ORDER,
    NO_POOL,
    UNSERVED,
    NOT_EXPANDED,
    UNPINNED,
    ROOT,
    DOCKER,
    POD_SECURITY,
    WILDCARD,
    ESCALATION,
    CLUSTER_ADMIN,
    ABOVE_LIMIT,
    NO_REQUEST,
    IDLE_IGNORE,
)
"""In the order of their numbers."""


def find(code: str) -> Code | None:
    """A code by its number or its name, whatever the case."""
    wanted = code.lower()
    return next((one for one in ALL if wanted in {one.code.lower(), one.name}), None)
