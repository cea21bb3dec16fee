"""Why the API server does not take a pod, and whether waiting helps."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

from gitops import errors
from gitops.objects import Manifest

RIGHTS_SPREAD: Final = 60.0
"""Seconds a new pool's namespace, rights and account may need until the API server acts on them."""
QUOTA_FREES: Final = 600.0
"""Seconds to wait for other pods of the quota to end."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """`patience` is how many seconds to go on trying; 0 means that trying again is pointless."""

    reason: str
    message: str
    patience: float


_RULES = (
    (re.compile(r"exceeded quota|failed quota"), "QuotaExceeded", QUOTA_FREES),
    (re.compile(r"violates PodSecurity"), "PodSecurityRefused", 0.0),
    (re.compile(r"is being terminated|being deleted"), "NamespaceTerminating", 0.0),
    (
        re.compile(r"error looking up service account|service account .* not found"),
        "ServiceAccountMissing",
        RIGHTS_SPREAD,
    ),
    (re.compile(r"(minimum|maximum) .* usage per (Container|Pod)|limit to request ratio"), "LimitRangeRefused", 0.0),
    (re.compile(r"ValidatingAdmissionPolicy"), "PolicyRefused", 0.0),
    (re.compile(r"admission webhook"), "WebhookRefused", 0.0),
)


# What a request must not exceed; said of the index of the container in the pod.
_OVER_LIMIT = re.compile(
    r"spec\.containers\[(\d+)\]\.resources\.requests.*must be less than or equal to ([\w./-]+) limit"
)


def _limited_by_default(message: str, made: Manifest) -> bool:
    """A request is above a limit that the pod, as it was sent, does not have: a LimitRange filled it in."""
    found = _OVER_LIMIT.search(message)
    if found is None:
        return False
    containers = (made.get("spec") or {}).get("containers") or []
    index = int(found[1])
    resources = containers[index].get("resources") or {} if index < len(containers) else {}
    return found[2] not in (resources.get("limits") or {})


def judge(error: errors.ClusterError, made: Manifest) -> Refusal:
    """The refusal in an answer to the create of the pod `made`."""
    message = error.cause or error.message
    match error:
        case errors.ClusterDenied():
            return Refusal(reason="LaunchDenied", message=message, patience=RIGHTS_SPREAD)
        case errors.ObjectMissing():
            return Refusal(reason="NamespaceMissing", message=message, patience=RIGHTS_SPREAD)
        case _ if _limited_by_default(message, made):
            words = f"{message} (a LimitRange of {made['metadata'].get('namespace')} set the limit: the pod has none)"
            return Refusal(reason="LimitRangeRefused", message=words, patience=0.0)
        case _:
            for pattern, reason, patience in _RULES:
                if pattern.search(message):
                    return Refusal(reason=reason, message=message, patience=patience)
            return Refusal(reason="PodRefused", message=message, patience=0.0)
