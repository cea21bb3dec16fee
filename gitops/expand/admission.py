"""The fence of an installation, as ValidatingAdmissionPolicies: what RBAC alone cannot say.

The reconciler reads them and cannot write them: a commit does not move the fence, an administrator does.
CEL in admission: https://kubernetes.io/docs/reference/access-authn-authz/validating-admission-policy/
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops.api import meta, names
from gitops.expand import roles
from gitops.expand.installation import Installation, labels
from gitops.objects import Manifest

_VERSION = "admissionregistration.k8s.io/v1"


@dataclass(frozen=True, slots=True)
class Check:
    """What must be true (CEL), and what is said otherwise (CEL that gives a string)."""

    cel: str
    message: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """One policy: which requests it looks at, and what must be true of them.

    `selector` chooses namespaces by label; `when` narrows further.
    """

    name: str
    resources: tuple[tuple[str, str, tuple[str, ...]], ...]
    operations: tuple[str, ...]
    checks: tuple[Check, ...]
    selector: Mapping[str, str] | None = None
    when: str = ""
    variables: tuple[tuple[str, str], ...] = ()


def objects(installation: Installation) -> Iterator[Manifest]:
    """The policies of an installation, each with its binding."""
    for policy in policies(installation):
        name = f"{policy.name}.{installation.namespace}.{meta.GROUP}"
        metadata = {"name": name, "labels": labels(installation.namespace)}
        yield {
            "apiVersion": _VERSION,
            "kind": "ValidatingAdmissionPolicy",
            "metadata": metadata,
            "spec": _spec(policy),
        }
        yield {
            "apiVersion": _VERSION,
            "kind": "ValidatingAdmissionPolicyBinding",
            "metadata": metadata,
            "spec": {"policyName": name, "validationActions": ["Deny"]},
        }


def policies(installation: Installation) -> tuple[Policy, ...]:
    """The policies of an installation."""
    where = installation.namespace
    theirs = {names.INSTALLATION: where}
    return (_use(where), _marks(theirs), _runner(theirs), _namespaces(installation), _bindings(where))


def _use(where: str) -> Policy:
    return Policy(
        name="operations",
        resources=((meta.GROUP, meta.VERSION, ("operations",)),),
        operations=("CREATE",),
        selector={"kubernetes.io/metadata.name": where},
        checks=(
            Check(
                _may("use", ".namespace(request.namespace).name(object.spec.pool)"),
                "request.userInfo.username + ' may not use the WorkerPool ' + object.spec.pool",
            ),
        ),
    )


def _marks(theirs: Mapping[str, str]) -> Policy:
    """Pods carry our labels and annotations only if the worker wrote them: it believes what it reads there."""
    return Policy(
        name="pods",
        resources=(("", "v1", ("pods",)),),
        operations=("CREATE", "UPDATE"),
        selector=theirs,
        variables=tuple(
            _part(f"{age}{part.title()}", age, part) for part in ("labels", "annotations") for age in _AGES
        ),
        checks=(
            Check(
                " && ".join(_unchanged(part) for part in ("Labels", "Annotations"))
                + " || "
                + _may("launch", ".namespace(request.namespace)"),
                f"'labels and annotations under {meta.GROUP}/ are written by the worker alone'",
            ),
        ),
    )


_AGES = {"new": "object", "old": "oldObject"}


def _part(name: str, age: str, part: str) -> tuple[str, str]:
    thing = _AGES[age]
    present = f"{thing} != null && has({thing}.metadata.{part})"
    return name, f"{present} ? {thing}.metadata.{part}.filter(k, k.startsWith('{meta.GROUP}/')) : []"


def _unchanged(part: str) -> str:
    new, old, field = f"variables.new{part}", f"variables.old{part}", part.lower()
    same = f"object.metadata.{field}[k] == oldObject.metadata.{field}[k]"
    return f"size({new}) == size({old}) && {new}.all(k, k in {old} && {same})"


def _runner(theirs: Mapping[str, str]) -> Policy:
    """Who may create pods in an operations namespace must not replace the program that reports on others' pods."""
    return Policy(
        name="runner",
        resources=(("", "v1", ("configmaps",)),),
        operations=("CREATE", "UPDATE", "DELETE"),
        selector=theirs,
        when="(object != null ? object : oldObject).metadata.name.startsWith('gitops-runner-')",
        checks=(
            Check(
                "!(('system:serviceaccounts:' + request.namespace) in request.userInfo.groups)",
                "'the runner is not changed from inside the operations namespace'",
            ),
        ),
    )


def _namespaces(installation: Installation) -> Policy:
    """The reconciler writes the namespaces of its installation; nobody else's namespace becomes one of them.

    Without it, the right to patch namespaces would be a right to loosen the pod security of any namespace.
    `adopt` is no verb of the API: administrators have it through their wildcard, and `commitRules` can give it.
    """
    where = installation.namespace
    accounts = ", ".join(f"'system:serviceaccount:{where}:{name}'" for name in installation.reconcilers)
    adopt = _may("adopt", f".namespace('{where}')")
    return Policy(
        name="namespaces",
        resources=(("", "v1", ("namespaces",)),),
        operations=("CREATE", "UPDATE", "DELETE"),
        variables=(_installation_of("new"), _installation_of("old")),
        checks=(
            Check(
                f"!(request.userInfo.username in [{accounts}]) || request.operation == 'CREATE'"
                f" || request.name == '{where}' || variables.old == '{where}' || {adopt}",
                f"'the namespace ' + request.name + ' does not belong to the installation in {where}'",
            ),
            Check(
                f"request.operation != 'UPDATE' || variables.old == variables.new"
                f" || (variables.old != '{where}' && variables.new != '{where}') || {adopt}",
                f"'the label {names.INSTALLATION} is given when a namespace is made, and stays'",
            ),
        ),
    )


def _installation_of(age: str) -> tuple[str, str]:
    thing = _AGES[age]
    key = f"'{names.INSTALLATION}'"
    present = f"{thing} != null && has({thing}.metadata.labels) && {key} in {thing}.metadata.labels"
    return age, f"{present} ? {thing}.metadata.labels[{key}] : ''"


def _bindings(where: str) -> Policy:
    """The reconciler may bind the installation's ClusterRoles, so they must not be worth anything elsewhere."""
    listed = ", ".join(f"'{roles.name_of(where, role)}'" for role in roles.BINDABLE)
    return Policy(
        name="bindings",
        resources=((roles.RBAC, "v1", ("rolebindings", "clusterrolebindings")),),
        operations=("CREATE", "UPDATE"),
        when=f"object.roleRef.kind == 'ClusterRole' && object.roleRef.name in [{listed}]",
        checks=(
            Check(
                f"request.resource.resource == 'rolebindings' && (request.namespace == '{where}'"
                " || (has(namespaceObject.metadata.labels)"
                f" && '{names.INSTALLATION}' in namespaceObject.metadata.labels"
                f" && namespaceObject.metadata.labels['{names.INSTALLATION}'] == '{where}'))",
                f"object.roleRef.name + ' is bound only in namespaces of the installation in {where}'",
            ),
        ),
    )


def _may(verb: str, scope: str) -> str:
    return f"authorizer.group('{meta.GROUP}').resource('workerpools'){scope}.check('{verb}').allowed()"


def _spec(policy: Policy) -> dict[str, Any]:
    """The policy in full, the server's defaults written out: nothing is left to differ."""
    spec: dict[str, Any] = {
        "failurePolicy": "Fail",
        "matchConstraints": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchLabels": dict(policy.selector)} if policy.selector else {},
            "objectSelector": {},
            "resourceRules": [
                {
                    "apiGroups": [group],
                    "apiVersions": [version],
                    "operations": list(policy.operations),
                    "resources": list(resources),
                    "scope": "*",
                }
                for group, version, resources in policy.resources
            ],
        },
        "validations": [
            {"expression": check.cel, "messageExpression": check.message, "reason": "Forbidden"}
            for check in policy.checks
        ],
    }
    if policy.when:
        spec["matchConditions"] = [{"name": "ours", "expression": policy.when}]
    if policy.variables:
        spec["variables"] = [{"name": name, "expression": expression} for name, expression in policy.variables]
    return spec
