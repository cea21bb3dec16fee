"""Every code has a case that shows it and one beside it that does not."""

from __future__ import annotations

import pytest

from gitops.lint import codes
from gitops.source.tree import MemoryTree
from tests.unit.lint.trees import POOL, WORKER, coded, tree


def pool(*lines: str) -> MemoryTree:
    return tree(pool=POOL + "".join(f"  {line}\n" for line in lines), worker=WORKER)


def pod(*lines: str, kind: str = "v1") -> MemoryTree:
    head = f"apiVersion: {kind}\nkind: Pod\nmetadata:\n  name: a\nspec:\n"
    return tree(pod=head + "".join(f"  {line}\n" for line in lines))


def data(value: str) -> MemoryTree:
    return tree(settings=f"apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: a\ndata:\n  key: {value}\n")


def role(rule: str, kind: str = "ClusterRole") -> MemoryTree:
    head = f"apiVersion: rbac.authorization.k8s.io/v1\nkind: {kind}\nmetadata:\n  name: a\n"
    return tree(role=f"{head}rules:\n  - {{{rule}}}\n")


def binding(name: str) -> MemoryTree:
    head = "apiVersion: rbac.authorization.k8s.io/v1\nkind: ClusterRoleBinding\nmetadata:\n  name: a\n"
    ref = f"roleRef: {{apiGroup: rbac.authorization.k8s.io, kind: ClusterRole, name: {name}}}\n"
    return tree(binding=f"{head}{ref}subjects:\n  - {{kind: User, name: jane, apiGroup: rbac.authorization.k8s.io}}\n")


def ordered(name: str) -> MemoryTree:
    head = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: "
    first = f"{head}a\n  annotations:\n    gitops-worker.io/depends-on: {name}\n"
    return tree(first=first, second=f"{head}b\n")


TEMPLATE = ("podTemplate:", "  spec:")
CASES: dict[str, tuple[MemoryTree, MemoryTree]] = {
    "GW001": (tree(pool=POOL, worker=WORKER, broken="a: [1\n"), pool()),
    "GW002": (pool("maxOperations: 5", "maxOperations: 6"), pool("maxOperations: 6")),
    "GW003": (tree(kustomization="resources: [gone.yaml]\n"), pool()),
    "GW101": (pool("maxOperation: 5"), pool("maxOperations: 5")),
    "GW102": (tree(pool=POOL.replace("  image: worker-tools:1\n", ""), worker=WORKER), pool()),
    "GW103": (pool('maxOperations: "5"'), pool("maxOperations: 5")),
    "GW104": (pool("timeouts: {run: 5 minutes}"), pool("timeouts: {run: 5m}")),
    "GW105": (pool("rbac: {profile: none, targetNamespaces: [apps]}"), pool("rbac: {profile: none}")),
    "GW106": (
        pool(*TEMPLATE, "    restartPolicy: Always"),
        pool(*TEMPLATE, "    nodeSelector: {disk: fast}"),
    ),
    "GW107": (
        tree(pool=POOL.replace("/v1alpha1", "/v1"), worker=WORKER),
        pool(),
    ),
    "GW108": (
        pool(*TEMPLATE, "    nodeselector: {disk: fast}"),
        pool(*TEMPLATE, "    nodeSelector: {disk: fast}"),
    ),
    "GW111": (data("no"), data('"no"')),
    "GW112": (data("0022"), data("0o22x")),
    "GW113": (data("2024-01-01"), data("2024-13-01")),
    "GW114": (data("9007199254740993"), data("abc9007199254740993")),
    "GW115": (data("1.10"), data("1.10.0")),
    "GW116": (tree(pool=POOL.partition("\n")[2], worker=WORKER), pool()),
    "GW117": (ordered("deployment/b"), ordered("configmap/b")),
    "GW201": (tree(pool=POOL, worker=WORKER.replace("[linux]", "[linux, gpu]")), pool()),
    "GW202": (
        tree(pool=POOL, gpu=POOL.replace("linux", "gpu"), worker=WORKER),
        tree(pool=POOL, gpu=POOL.replace("linux", "gpu"), worker=WORKER.replace("[linux]", "[linux, gpu]")),
    ),
    "GW203": (pool("namespace: ci"), pool("namespace: builds")),
    "GW301": (
        pod("containers:", "  - {name: a, image: registry.example:5000/a}"),
        pod("containers:", "  - {name: a, image: 'registry.example:5000/a:1'}"),
    ),
    "GW302": (
        pod("securityContext: {runAsNonRoot: true}", "containers:", "  - {name: a, image: 'alpine:3.20'}"),
        pod(
            "securityContext: {runAsNonRoot: true, runAsUser: 65532}",
            "containers:",
            "  - {name: a, image: 'alpine:3.20'}",
        ),
    ),
    "GW303": (
        pool(*TEMPLATE, "    containers:", "      - {name: operation, env: [{name: DOCKER_HOST, value: 'tcp://x'}]}"),
        pool(*TEMPLATE, "    containers:", "      - {name: operation, env: [{name: BUILDER, value: 'tcp://x'}]}"),
    ),
    "GW304": (
        pool(*TEMPLATE, "    hostNetwork: true"),
        pool("podSecurity: privileged", *TEMPLATE, "    hostNetwork: true"),
    ),
    "GW401": (
        role('apiGroups: [""], resources: ["*"], verbs: [get]'),
        role('apiGroups: [""], resources: [pods], verbs: [get]'),
    ),
    "GW402": (
        role('apiGroups: [""], resources: [users], verbs: [impersonate]'),
        role('apiGroups: [""], resources: [secrets], verbs: [get]', kind="Role"),
    ),
    "GW403": (binding("cluster-admin"), binding("view")),
    "GW501": (
        tree(pool=POOL + "    limits: {memory: 256Mi}\n", worker=WORKER),
        tree(pool=POOL + "    limits: {memory: 0.5Gi}\n", worker=WORKER),
    ),
    "GW502": (
        tree(pool=POOL.partition("  resources:")[0], worker=WORKER),
        pool(),
    ),
    "GW901": (
        tree(pool=POOL.replace("tools:1", "tools:1  # gitops-lint: ignore=GW301 mirrored"), worker=WORKER),
        tree(pool=POOL.replace("tools:1", "tools  # gitops-lint: ignore=GW301 mirrored"), worker=WORKER),
    ),
}


def test_every_code_has_a_case() -> None:
    assert [one.code for one in codes.ALL] == sorted(CASES)


@pytest.mark.parametrize("code", CASES)
def test_the_code_is_said_of_what_is_wrong(code: str) -> None:
    assert coded(CASES[code][0]) == [code]


@pytest.mark.parametrize("code", CASES)
def test_nothing_is_said_of_what_is_right(code: str) -> None:
    assert coded(CASES[code][1]) == []


def test_a_code_is_found_by_number_and_by_name_in_any_case() -> None:
    assert codes.find("gw301") is codes.find("image-not-pinned") is codes.UNPINNED
    assert codes.find("GW300") is None
