"""RBAC objects: ClusterRoles, Roles and the bindings between them and accounts."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from gitops.api import names
from gitops.api.workerpool import Profile
from gitops.expand import roles
from gitops.expand.installation import Installation, Pool, Program, labels
from gitops.objects import Manifest

_VERSION = f"{roles.RBAC}/v1"


def shared(installation: Installation) -> Iterator[Manifest]:
    """The ClusterRoles of an installation and, if it has workers, the rights of their reconcilers."""
    where = installation.namespace
    contents = {
        roles.NAMESPACE_ADMIN: roles.namespace_admin(),
        roles.OPERATIONS: roles.operations(),
        roles.EXPANSION: roles.expansion(),
        roles.WORKER: roles.worker(),
        roles.HOME: roles.home(installation.secrets, installation.accounts),
        roles.RECONCILER: roles.reconciler(where),
        roles.NODES: roles.nodes(),
    }
    for role, rules in contents.items():
        yield _cluster_role(roles.name_of(where, role), rules, labels(where))
    if installation.programs:
        subjects = [_account(where, name) for name in installation.reconcilers]
        yield _cluster_binding(roles.name_of(where, roles.RECONCILER), subjects, labels(where))
        yield _binding(where, _cluster_ref(roles.name_of(where, roles.HOME)), subjects, labels(where))
        workers = [_account(where, name) for name in installation.workers]
        yield _cluster_binding(roles.name_of(where, roles.NODES), workers, labels(where))


def of_worker(installation: Installation, program: Program) -> Iterator[Manifest]:
    """The rights of one worker's accounts beyond the shared ones."""
    where, name = installation.namespace, program.value.metadata.name
    marks = labels(where, inherited=program.value.metadata.labels)
    account = [_account(where, names.worker_account(program.value))]
    yield _binding(
        where, _cluster_ref(roles.name_of(where, roles.WORKER)), account, marks, name=f"gitops-worker:{name}:worker"
    )
    rules = program.manifest["spec"].get("commitRules") or []
    if rules:
        role = roles.name_of(where, f"commits:{name}")
        yield _cluster_role(role, rules, marks)
        yield _cluster_binding(role, [_account(where, names.reconciler_account(program.value))], marks)


def of_pool(installation: Installation, pool: Pool) -> Iterator[Manifest]:
    """Who may do what in a pool's operations namespace, and what its pods may do elsewhere."""
    where, operations = installation.namespace, pool.operations
    marks = labels(where, pool=pool.name, inherited=pool.value.metadata.labels)
    workers = sorted({names.worker_account(worker) for worker in pool.workers})
    for role, accounts in ((roles.EXPANSION, installation.reconcilers), (roles.OPERATIONS, workers)):
        if accounts:
            subjects = [_account(where, account) for account in accounts]
            yield _binding(operations, _cluster_ref(roles.name_of(where, role)), subjects, marks)
    subject = [_account(operations, names.pod_account(pool.value))]
    if pool.value.spec.rbac.profile is Profile.NAMESPACE_ADMIN:
        yield _binding(operations, _cluster_ref(roles.name_of(where, roles.NAMESPACE_ADMIN)), subject, marks)
    elif pool.value.spec.rbac.profile is Profile.CUSTOM:
        yield from _custom(installation, pool, subject, marks)


def _custom(
    installation: Installation, pool: Pool, subject: list[dict[str, str]], marks: dict[str, str]
) -> Iterator[Manifest]:
    rbac: dict[str, Any] = pool.manifest["spec"]["rbac"]
    name = roles.name_of(installation.namespace, f"pool:{pool.name}")
    if rbac.get("rules"):
        for namespace in dict.fromkeys((pool.operations, *(rbac.get("targetNamespaces") or ()))):
            yield _role(namespace, name, rbac["rules"], marks)
            yield _binding(namespace, {"kind": "Role", "name": name}, subject, marks)
    if rbac.get("clusterRules"):
        yield _cluster_role(name, rbac["clusterRules"], marks)
        yield _cluster_binding(name, subject, marks)


def _account(namespace: str, name: str) -> dict[str, str]:
    return {"kind": "ServiceAccount", "name": name, "namespace": namespace}


def _cluster_ref(name: str) -> dict[str, str]:
    return {"kind": "ClusterRole", "name": name}


def _cluster_role(name: str, rules: Sequence[Any], marks: dict[str, str]) -> Manifest:
    metadata = {"name": name, "labels": marks}
    return {"apiVersion": _VERSION, "kind": "ClusterRole", "metadata": metadata, "rules": list(rules)}


def _role(namespace: str, name: str, rules: Sequence[Any], marks: dict[str, str]) -> Manifest:
    metadata = {"name": name, "namespace": namespace, "labels": marks}
    return {"apiVersion": _VERSION, "kind": "Role", "metadata": metadata, "rules": list(rules)}


def _cluster_binding(name: str, subjects: Iterable[dict[str, str]], marks: dict[str, str]) -> Manifest:
    return {
        "apiVersion": _VERSION,
        "kind": "ClusterRoleBinding",
        "metadata": {"name": name, "labels": marks},
        "roleRef": {"apiGroup": roles.RBAC, **_cluster_ref(name)},
        "subjects": list(subjects),
    }


def _binding(
    namespace: str, role: dict[str, str], subjects: Iterable[dict[str, str]], marks: dict[str, str], *, name: str = ""
) -> Manifest:
    return {
        "apiVersion": _VERSION,
        "kind": "RoleBinding",
        "metadata": {"name": name or role["name"], "namespace": namespace, "labels": marks},
        "roleRef": {"apiGroup": roles.RBAC, **role},
        "subjects": list(subjects),
    }
