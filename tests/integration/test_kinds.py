"""Our kinds on a real API server: the CRDs, the rules, the expansion, the rights and the fence."""

from __future__ import annotations

import copy
import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from gitops import api, expand, runner
from gitops.api import crds, rules
from gitops.api.rules import Rule
from gitops.lint import validate
from gitops.objects import Manifest
from tests.cluster.bare import BareApiServer
from tests.cluster.errors import GroundError

pytestmark = pytest.mark.integration

HOME = "kinds"
OPERATIONS = "kinds-linux-ops"
MANAGER = ("apply", "--server-side", f"--field-manager={api.FIELD_MANAGER}", "-f", "-")
SETTLING_SECONDS = 15

MINIMAL: dict[str, Manifest] = {
    "WorkerPool": {"metadata": {"name": "tried"}, "spec": {"image": "worker-tools:1"}},
    "Worker": {"metadata": {"name": "tried"}, "spec": {"image": "gitops-worker:1", "pools": ["linux"]}},
    "GitSync": {"metadata": {"name": "tried"}, "spec": {"source": {"url": "https://git.example/config.git"}}},
    "Operation": {"metadata": {"name": "tried"}, "spec": {"pool": "linux", "script": "true"}},
}


def ours(kind: str, **parts: Any) -> Manifest:
    manifest = {"apiVersion": api.API_VERSION, "kind": kind, **copy.deepcopy(MINIMAL[kind]), **parts}
    manifest["metadata"] = {**manifest["metadata"], "namespace": HOME}
    return manifest


def pool(name: str = "linux", **spec: Any) -> Manifest:
    return ours("WorkerPool", metadata={"name": name}, spec={"image": "worker-tools:1", **spec})


def worker(*pools: str, rights: Sequence[dict[str, Any]] = ()) -> Manifest:
    spec = {"image": "gitops-worker:1", "pools": list(pools), "topology": "split", "commitRules": list(rights)}
    return ours("Worker", metadata={"name": "worker"}, spec=spec)


READ_PODS = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}


def expansion(*manifests: Manifest) -> list[Manifest]:
    context = expand.Context(runner=runner.files())
    return [item.manifest for item in expand.expand(manifests, context=context)]


def listed(manifests: Sequence[Manifest]) -> str:
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": list(manifests)})


@dataclass(frozen=True)
class Users:
    reconciler: Path
    worker: Path
    pod: Path


@pytest.fixture(scope="module")
def defined(bare: BareApiServer) -> BareApiServer:
    """The bare API server with our CRDs and a namespace."""
    bare.kubectl(*MANAGER, stdin=listed(crds.crds()))
    names = [f"crd/{kind.plural}.{api.GROUP}" for kind in crds.KINDS]
    bare.kubectl("wait", "--for=condition=Established", "--timeout=30s", *names)
    bare.kubectl("create", "namespace", HOME)
    return bare


@pytest.fixture(scope="module")
def installed(defined: BareApiServer) -> BareApiServer:
    """The same with one worker and one pool, expanded and applied by an administrator."""
    defined.kubectl(*MANAGER, stdin=listed(expansion(pool(), worker("linux", rights=[READ_PODS]))))
    return defined


@pytest.fixture(scope="module")
def users(installed: BareApiServer) -> Users:
    def account(namespace: str, name: str) -> Path:
        groups = ("system:serviceaccounts", f"system:serviceaccounts:{namespace}")
        return installed.user(f"system:serviceaccount:{namespace}:{name}", groups=groups)

    return Users(
        reconciler=account(HOME, "worker-reconciler"),
        worker=account(HOME, "worker-worker"),
        pod=account(OPERATIONS, "linux"),
    )


def refused(attempt: Callable[[], str]) -> str:
    """The words of a refusal; a policy made a moment ago takes a moment to bite."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while time.monotonic() < deadline:
        try:
            attempt()
        except GroundError as error:
            return str(error)
        time.sleep(0.1)
    pytest.fail(f"allowed for {SETTLING_SECONDS} s")


def allowed(attempt: Callable[[], str]) -> str:
    """What an allowed attempt prints; rights given a moment ago take a moment to be known."""
    deadline = time.monotonic() + SETTLING_SECONDS
    while True:
        try:
            return attempt()
        except GroundError:
            if time.monotonic() > deadline:
                raise
        time.sleep(0.1)


def may(server: BareApiServer, user: Path, verb: str, resource: str, namespace: str) -> bool:
    """What the server's authorizer says of `plural.group`, `plural/subresource` or `namespaces` by name."""
    plural, _, group = resource.partition(".")
    plural, _, subresource = plural.partition("/")
    attributes = {"verb": verb, "group": group, "resource": plural, "subresource": subresource, "namespace": namespace}
    if plural == "namespaces":
        attributes["name"] = namespace
    review = {
        "apiVersion": "authorization.k8s.io/v1",
        "kind": "SelfSubjectAccessReview",
        "spec": {"resourceAttributes": attributes},
    }
    ask = ("create", "--validate=false", "-o", "json", "-f", "-")
    answer = json.loads(server.kubectl(*ask, user=user, stdin=json.dumps(review)))
    return bool(answer["status"]["allowed"])


# ---- the CRDs and their rules


def framed(rule: Rule, value: Any) -> Manifest:
    """A whole object that has the value at the rule's path and is right otherwise."""
    manifest = ours(rule.kind)
    if not rule.path:
        return {**manifest, "metadata": {**manifest["metadata"], **value["metadata"]}}
    if rule.path.startswith("/spec/rbac/"):
        manifest["spec"]["rbac"] = {"profile": "custom"}
    if rule.path.startswith("/spec/egress/"):
        manifest["spec"]["egress"] = {"mode": "restricted"}
    node: Any = manifest
    *path, last = rule.path.split("/")[1:]
    if last == "*":
        *path, last = path
        value = [value]
    for part in path:
        node = node.setdefault(part, {})
    node[last] = value
    return manifest


EXAMPLES = [
    pytest.param(rule, value, wanted, id=f"{rule.kind}{rule.path}-{'accepts' if wanted else 'rejects'}-{index}")
    for rule in rules.RULES
    for wanted, values in ((True, rule.accepts), (False, rule.rejects))
    for index, value in enumerate(values)
]


@pytest.mark.parametrize(("rule", "value", "wanted"), EXAMPLES)
def test_the_server_and_the_validator_judge_alike(
    defined: BareApiServer, rule: Rule, value: Any, *, wanted: bool
) -> None:
    manifest = framed(rule, value)
    create = ("create", "--dry-run=server", "--validate=strict", "-f", "-")
    found = [one.message for one in validate.violations(manifest)]
    if wanted:
        defined.kubectl(*create, stdin=json.dumps(manifest))
        assert found == []
    else:
        with pytest.raises(GroundError) as caught:
            defined.kubectl(*create, stdin=json.dumps(manifest))
        assert rule.message in str(caught.value)
        assert rule.message in found


@pytest.mark.parametrize(
    ("spec", "words"),
    [
        ({"image": "i:1", "maxOperation": 2}, 'unknown field "spec.maxOperation"'),
        ({"image": "i:1", "maxOperations": 0}, "should be greater than or equal to 1"),
        ({"image": "i:1", "podSecurity": "none"}, "Unsupported value"),
        ({"image": "i:1", "timeouts": {"run": "5 minutes"}}, "should match"),
        ({"image": "i:1", "resources": {"requests": {"cpu": 0.5}}}, "must be of type integer,string"),
        ({}, "Required value"),
    ],
)
def test_what_the_validator_refuses_the_server_refuses(
    defined: BareApiServer, spec: dict[str, Any], words: str
) -> None:
    manifest = ours("WorkerPool", spec=spec)
    assert list(validate.violations(manifest))
    with pytest.raises(GroundError, match=words.replace("(", r"\(")):
        defined.kubectl("create", "--dry-run=server", "--validate=strict", "-f", "-", stdin=json.dumps(manifest))


def test_the_spec_of_an_operation_cannot_change(defined: BareApiServer) -> None:
    operation = ours("Operation", metadata={"name": "fixed"})
    defined.kubectl("create", "-f", "-", stdin=json.dumps(operation))
    patch = json.dumps({"spec": {"script": "false"}})
    with pytest.raises(GroundError, match="the spec of an operation cannot change"):
        defined.kubectl("patch", "operation", "fixed", "-n", HOME, "--type=merge", "-p", patch)


def test_the_server_adds_nothing_to_what_was_written(defined: BareApiServer) -> None:
    manifest = pool("bare", rbac={}, timeouts={}, serviceAccount={})
    defined.kubectl(*MANAGER, stdin=json.dumps(manifest))
    assert defined.get("workerpool", "bare", "-n", HOME)["spec"] == manifest["spec"]


@pytest.mark.parametrize(
    ("kind", "columns"),
    [
        ("workerpools", "NAME READY IMAGE MAX SUSPENDED AGE"),
        ("wk", "NAME READY TOPOLOGY POOLS AGE"),
        ("gs", "NAME READY REVISION DRIFTED REASON AGE"),
        ("op", "NAME PHASE REASON POOL EXIT AGE"),
    ],
)
def test_kubectl_shows_the_columns(defined: BareApiServer, kind: str, columns: str) -> None:
    shown = [*ours_by_plural(kind)]
    defined.kubectl(*MANAGER, stdin=listed(shown))
    assert defined.kubectl("get", kind, "-n", HOME).splitlines()[0].split() == columns.split()


def ours_by_plural(name: str) -> Sequence[Manifest]:
    return [ours(kind.name) for kind in crds.KINDS if name in {kind.plural, *kind.short}]


def test_kubectl_explains_a_field(defined: BareApiServer) -> None:
    assert "Admit nothing; running operations finish" in defined.kubectl("explain", "workerpool.spec.suspended")


# ---- the expansion and the reconciler's rights


def versions(server: BareApiServer, manifests: Sequence[Manifest]) -> list[str]:
    found = json.loads(server.kubectl("get", "-o", "json", "-f", "-", stdin=listed(manifests)))
    return [one["metadata"]["resourceVersion"] for one in found["items"]]


def test_applying_the_same_expansion_again_changes_nothing(installed: BareApiServer) -> None:
    manifests = expansion(pool(), worker("linux", rights=[READ_PODS]))
    before = versions(installed, manifests)
    installed.kubectl(*MANAGER, stdin=listed(manifests))
    assert versions(installed, manifests) == before


FENCE = {"ValidatingAdmissionPolicy", "ValidatingAdmissionPolicyBinding"}


def test_the_reconciler_may_apply_everything_but_the_fence(installed: BareApiServer, users: Users) -> None:
    manifests = [one for one in expansion(pool(), worker("linux", rights=[READ_PODS])) if one["kind"] not in FENCE]
    installed.kubectl(*MANAGER, user=users.reconciler, stdin=listed(manifests))


def test_the_reconciler_may_read_everything_it_renders(installed: BareApiServer, users: Users) -> None:
    manifests = expansion(pool(), worker("linux", rights=[READ_PODS]))
    installed.kubectl("get", "-f", "-", user=users.reconciler, stdin=listed(manifests))


def test_the_reconciler_brings_up_a_new_pool_and_changes_roles_within_its_bounds(
    installed: BareApiServer, users: Users
) -> None:
    custom = {"profile": "custom", "rules": [READ_PODS]}
    wanted = expansion(pool(), pool("gpu", rbac=custom), worker("linux", "gpu", rights=[READ_PODS]))
    roles_first = sorted(
        (one for one in wanted if one["kind"] not in FENCE),
        key=lambda one: 0 if one["kind"] == "Namespace" else 1 if "Role" in one["kind"] else 2,
    )
    for manifest in roles_first:
        allowed(partial(installed.kubectl, *MANAGER, user=users.reconciler, stdin=json.dumps(manifest)))
    bound = installed.get("rolebindings", "-n", "kinds-gpu-ops")["items"]
    assert "gitops-worker:kinds:pool:gpu" in {one["metadata"]["name"] for one in bound}


def test_a_commit_cannot_grant_more_than_the_reconciler_holds(installed: BareApiServer, users: Users) -> None:
    secrets = {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"]}
    [role] = [
        one
        for one in expansion(pool(rbac={"profile": "custom", "rules": [secrets]}), worker("linux"))
        if one["kind"] == "Role"
    ]
    with pytest.raises(GroundError, match="attempting to grant RBAC permissions not currently held"):
        installed.kubectl(*MANAGER, user=users.reconciler, stdin=json.dumps(role))


def test_a_commit_cannot_widen_the_reconciler_itself(installed: BareApiServer, users: Users) -> None:
    wider = [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]}]
    role = next(
        one
        for one in expansion(pool(), worker("linux", rights=wider))
        if one["metadata"]["name"].endswith("commits:worker")
    )
    with pytest.raises(GroundError, match="attempting to grant RBAC permissions not currently held"):
        installed.kubectl(*MANAGER, user=users.reconciler, stdin=json.dumps(role))


def binding(kind: str, **metadata: str) -> Manifest:
    group = "rbac.authorization.k8s.io"
    return {
        "apiVersion": f"{group}/v1",
        "kind": kind,
        "metadata": {"name": "tried", **metadata},
        "roleRef": {"apiGroup": group, "kind": "ClusterRole", "name": "gitops-worker:kinds:namespace-admin"},
        "subjects": [{"kind": "ServiceAccount", "name": "linux", "namespace": OPERATIONS}],
    }


@pytest.mark.parametrize(
    "manifest",
    [binding("ClusterRoleBinding"), binding("RoleBinding", namespace="kube-system")],
    ids=["cluster", "other"],
)
def test_our_roles_are_bound_only_at_home(installed: BareApiServer, users: Users, manifest: Manifest) -> None:
    apply = ("apply", "--server-side", "--dry-run=server", "-f", "-")
    words = refused(lambda: installed.kubectl(*apply, user=users.reconciler, stdin=json.dumps(manifest)))
    assert "is bound only in namespaces of the installation in kinds" in words


@pytest.mark.parametrize(
    ("labels", "words"),
    [
        ({"pod-security.kubernetes.io/enforce": "privileged"}, "does not belong to the installation in kinds"),
        ({"gitops-worker.io/installation": HOME}, "does not belong to the installation in kinds"),
    ],
)
def test_the_reconciler_changes_no_namespace_of_others(
    installed: BareApiServer, users: Users, labels: dict[str, str], words: str
) -> None:
    patch = json.dumps({"metadata": {"labels": labels}})
    attempt = ("patch", "namespace", "kube-system", "--dry-run=server", "--type=merge", "-p", patch)
    assert words in refused(lambda: installed.kubectl(*attempt, user=users.reconciler))


@pytest.mark.parametrize(
    ("resource", "namespace"),
    [("secrets", HOME), ("secrets", OPERATIONS), ("pods", OPERATIONS), ("configmaps", "default")],
)
def test_the_reconciler_has_no_other_hands(
    installed: BareApiServer, users: Users, resource: str, namespace: str
) -> None:
    assert may(installed, users.reconciler, "create", "configmaps", HOME)
    assert not may(installed, users.reconciler, "create", resource, namespace)


# ---- the fence around operations


def pod(**labels: str) -> str:
    container = {"name": "operation", "image": "busybox:1"}
    metadata = {"name": "tried", "namespace": OPERATIONS, "labels": labels}
    spec = {"containers": [container], "serviceAccountName": "linux"}
    return json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": metadata, "spec": spec})


def test_only_the_worker_makes_pods_with_our_labels(installed: BareApiServer, users: Users) -> None:
    create = ("create", "--dry-run=server", "-f", "-")
    forged = pod(**{"gitops-worker.io/operation": "1"})
    words = refused(lambda: installed.kubectl(*create, user=users.pod, stdin=forged))
    assert "labels and annotations under gitops-worker.io/ are written by the worker alone" in words
    allowed(lambda: installed.kubectl(*create, user=users.worker, stdin=forged))
    allowed(lambda: installed.kubectl(*create, user=users.pod, stdin=pod(mine="yes")))


def test_our_labels_on_a_running_pod_stay_as_they_are(installed: BareApiServer, users: Users) -> None:
    marked = json.loads(pod(**{"gitops-worker.io/operation": "1"}))
    marked["metadata"]["name"] = "marked"
    installed.kubectl("create", "-f", "-", user=users.worker, stdin=json.dumps(marked))
    label = ("label", "pod", "marked", "-n", OPERATIONS, "--overwrite")
    allowed(lambda: installed.kubectl(*label, "mine=yes", user=users.pod))
    for change in ("gitops-worker.io/operation=2", "gitops-worker.io/operation-", "gitops-worker.io/new=1"):
        words = refused(partial(installed.kubectl, *label, change, user=users.pod))
        assert "are written by the worker alone" in words
    annotate = ("annotate", "pod", "marked", "-n", OPERATIONS, "gitops-worker.io/x=1")
    assert "are written by the worker alone" in refused(lambda: installed.kubectl(*annotate, user=users.pod))


def test_the_runner_cannot_be_replaced_from_inside(installed: BareApiServer, users: Users) -> None:
    name = runner.config_map_name(runner.files())
    words = refused(lambda: installed.kubectl("delete", "configmap", name, "-n", OPERATIONS, user=users.pod))
    assert "the runner is not changed from inside the operations namespace" in words
    create = ("create", "configmap", "gitops-runner-mine", "-n", OPERATIONS)
    assert "the runner is not changed" in refused(lambda: installed.kubectl(*create, user=users.pod))
    installed.kubectl("create", "configmap", "mine", "-n", OPERATIONS, user=users.pod)


@pytest.mark.parametrize(
    ("verb", "resource", "namespace"),
    [
        ("patch", "namespaces", OPERATIONS),
        ("create", "pods", HOME),
        ("get", "secrets", HOME),
        ("create", "operations.gitops-worker.io", HOME),
        ("get", "pods", "kube-system"),
        ("patch", "networkpolicies.networking.k8s.io", OPERATIONS),
        ("create", "serviceaccounts/token", HOME),
        ("launch", "workerpools.gitops-worker.io", OPERATIONS),
    ],
)
def test_a_pod_reaches_nothing_outside(
    installed: BareApiServer, users: Users, verb: str, resource: str, namespace: str
) -> None:
    assert may(installed, users.pod, "create", "configmaps", OPERATIONS)
    assert not may(installed, users.pod, verb, resource, namespace)


def test_a_pool_is_used_only_by_whom_rbac_lets_use_it(installed: BareApiServer) -> None:
    person = installed.user("deploy-author")
    roles = [
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "Role",
            "metadata": {"name": "author", "namespace": HOME},
            "rules": [
                {"apiGroups": [api.GROUP], "resources": ["operations"], "verbs": ["create", "get"]},
                {"apiGroups": [api.GROUP], "resources": ["workerpools"], "verbs": ["use"], "resourceNames": ["linux"]},
            ],
        },
        {
            "apiVersion": "rbac.authorization.k8s.io/v1",
            "kind": "RoleBinding",
            "metadata": {"name": "author", "namespace": HOME},
            "roleRef": {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "author"},
            "subjects": [{"kind": "User", "apiGroup": "rbac.authorization.k8s.io", "name": "deploy-author"}],
        },
    ]
    installed.apply(roles)
    create = ("create", "--dry-run=server", "-f", "-")
    mine, other = (
        json.dumps(ours("Operation", metadata={"name": f"on-{name}"}, spec={"pool": name, "script": "true"}))
        for name in ("linux", "gpu")
    )
    allowed(lambda: installed.kubectl(*create, user=person, stdin=mine))
    words = refused(lambda: installed.kubectl(*create, user=person, stdin=other))
    assert "deploy-author may not use the WorkerPool gpu" in words
