"""Rights with which an account can get more rights, or somebody's secrets; why, in words.

The list of https://kubernetes.io/docs/concepts/security/rbac-good-practices/#privilege-escalation-risks.
"""

from __future__ import annotations

from gitops.review.rbac import GROUP, URL, Permission

_READ = frozenset({"get", "list", "watch", "*"})
_VERBS = {
    "escalate": "may write roles with rights it does not hold",
    "bind": "may give roles with rights it does not hold",
    "impersonate": "may act as somebody else",
}
_INTO_PODS = frozenset({"pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"})
_WORDS = {
    ("", "serviceaccounts/token"): "may make tokens of any account there",
    ("", "nodes/proxy"): "may reach every pod of a node through its kubelet",
    ("certificates.k8s.io", "certificatesigningrequests/approval"): "may approve certificates of any user",
}


def why(one: Permission) -> str:
    """What is dangerous about a right; empty if nothing is."""
    if one.verb in _VERBS:
        return _VERBS[one.verb]
    if one.group == URL:
        return "may do anything on this path" if one.verb == "*" else ""
    if "*" in {one.verb, one.resource, one.group}:
        return _wildcard(one)
    if (one.group, one.resource) == ("", "secrets") and one.verb in _READ:
        return f"reads the Secret {one.name}" if one.name else "reads every Secret there"
    if one.resource in _INTO_PODS and not one.group and one.verb != "list":
        return "gets into running pods, and so at their accounts and secrets"
    if one.group == GROUP and one.verb in {"create", "update", "patch"}:
        return ""  # the API server lets nobody grant what he does not hold
    return _WORDS.get((one.group, one.resource), "")


def _wildcard(one: Permission) -> str:
    what = [
        words
        for words, part in (("every verb", one.verb), ("every resource", one.resource), ("every group", one.group))
        if part == "*"
    ]
    return f"wildcard: {', '.join(what)}, those of the future too"
