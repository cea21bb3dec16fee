"""Names, labels and annotations by which pods and operations find each other."""

from __future__ import annotations

from typing import Final

from gitops.api import names
from gitops.api.meta import GROUP
from gitops.objects import Manifest

CONTAINER: Final = "operation"
OPERATION: Final = f"{GROUP}/operation"
"""Label: UID of the Operation. What is selected by it is an operation's pod."""
ATTEMPT: Final = f"{GROUP}/attempt"
"""Label: number of the attempt, from 1."""
WORKER: Final = f"{GROUP}/worker"
"""Label: name of the Worker object."""
NAME: Final = f"{GROUP}/operation-name"
"""Annotation: namespace/name of the Operation."""
SCRIPT: Final = f"{GROUP}/script"
"""Annotation: the script's text, mounted through the downward API."""
FILES: Final = f"{GROUP}/files"
"""Annotation: the operation's small files, see `files.listing`."""
MUTEX: Final = f"{GROUP}/mutex"
"""Annotation: mode and name of the mutex the pod holds, with a space between."""
CANCEL: Final = f"{GROUP}/cancel"
"""Annotation of an Operation: who wants it ended, or why; the Operation itself stays."""

STEP: Final = f"{GROUP}/step"
"""Label of an Operation: the step of a process it is a run of; its usage is kept apart from other steps'."""
CANARY: Final = f"{GROUP}/canary"
"""Label of an Operation: name of the pool it tries out."""

POOL: Final = names.POOL


def pod_name(uid: str, attempt: int) -> str:
    """The same for all who think they run this attempt: a second create is refused by the server."""
    return f"op-{uid}-{attempt}"


def log_name(uid: str, attempt: int) -> str:
    """Under which name the log of an attempt is stored; that of the first one is the operation's UID."""
    return uid if attempt <= 1 else f"{uid}-{attempt}"


def key_of(pod: Manifest) -> tuple[str, int] | None:
    """UID of the operation and attempt a pod belongs to; None for a pod that is not ours."""
    labels = pod["metadata"].get("labels") or {}
    uid, attempt = labels.get(OPERATION), labels.get(ATTEMPT, "")
    return (uid, int(attempt)) if uid and attempt.isdigit() else None
