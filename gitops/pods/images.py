"""Why an image does not come: a definite refusal, a fault that may pass, or our own kubelet's throttle.

Rules are the union of what several workers learned (worker-peers.md §2.10): failing at the first ErrImagePull is too
eager, waiting for ever is worse.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Final

REFUSED_FOR: Final = 12.0
"""Seconds a definite refusal must last: the kubelet's second try comes after ten."""
NEVER_PULL_FOR: Final = 15.0
"""An image that must be on the node may just be being loaded."""

_DEFINITE = re.compile(
    r"not found|manifest unknown|name unknown|repository does not exist|no match for platform|no matching manifest"
    r"|unauthorized|authorization failed|authentication required|access denied|pull access denied|403 Forbidden"
    r"|insufficient_scope|invalid reference|unsupported manifest",
    re.IGNORECASE,
)
# These words also stand in faults of the network, which pass: they win over `not found`.
_PASSING = re.compile(
    r"lookup |dial tcp|i/o timeout|connection (refused|reset)|TLS handshake|no such host|context deadline exceeded"
    r"|too ?many ?requests|\b429\b|\b50[0234]\b|unexpected EOF|temporary failure",
    re.IGNORECASE,
)
_THROTTLED = re.compile(r"pull QPS exceeded", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """`reason` is what an operation's status says; `patience` as in `stage.Progress`."""

    reason: str
    patience: float | None


def judge(reason: str, message: str) -> Verdict | None:
    """What a container's waiting reason and message mean for its image; None if they are not about the image."""
    if reason == "InvalidImageName":
        return Verdict(reason="ImageNameInvalid", patience=0.0)
    if reason == "ErrImageNeverPull":
        return Verdict(reason="ImageNotPresent", patience=NEVER_PULL_FOR)
    if reason not in {"ErrImagePull", "ImagePullBackOff", "ImageInspectError", "RegistryUnavailable"}:
        return None
    if _THROTTLED.search(message):
        return Verdict(reason="ImagePullThrottled", patience=None)
    if _DEFINITE.search(message) and not _PASSING.search(message):
        return Verdict(reason="ImageRefused", patience=REFUSED_FOR)
    return Verdict(reason="ImageUnavailable", patience=None)
