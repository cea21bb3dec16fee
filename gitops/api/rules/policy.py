"""What holds for every RBAC rule, wherever a kind of ours has one."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def _resources_or_paths(rule: Mapping[str, Any]) -> bool:
    if rule.get("nonResourceURLs"):
        return not rule.get("resources") and not rule.get("apiGroups")
    return bool(rule.get("resources")) and bool(rule.get("apiGroups"))


RULE: dict[str, Any] = {
    "cel": "(has(self.nonResourceURLs) && size(self.nonResourceURLs) > 0)"
    " ? (!has(self.resources) || size(self.resources) == 0) && (!has(self.apiGroups) || size(self.apiGroups) == 0)"
    " : has(self.resources) && size(self.resources) > 0 && has(self.apiGroups) && size(self.apiGroups) > 0",
    "holds": _resources_or_paths,
    "message": "a rule names apiGroups and resources, or nonResourceURLs, not both and not neither",
    "hint": 'for the core group write apiGroups: [""]',
    "accepts": (
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]},
        {"verbs": ["get"], "nonResourceURLs": ["/healthz"]},
    ),
    "rejects": (
        {"verbs": ["get"]},
        {"verbs": ["get"], "resources": ["pods"]},
        {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"], "nonResourceURLs": ["/healthz"]},
    ),
}
