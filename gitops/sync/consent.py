"""Consent to deletions and replacements: by a flag, or by a trailer of the commit that asks for them.

Remove the GPU pool

GitOps-Delete: workerpool/gpu

What goes with a GitSync that is deleted belongs to no commit: that consent is an annotation of the GitSync.
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops import api
from gitops.plan import ignore
from gitops.plan.budget import Budget
from gitops.plan.settle import Rules

TRAILER = "gitops-delete"
ANNOTATION = f"{api.GROUP}/consent"
"""On a GitSync with `deletionPolicy: Delete`: what may go with it."""


def from_trailers(trailers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The names a commit consents to; one trailer may hold several, separated by commas."""
    return _names(value for key, value in trailers if key.lower() == TRAILER)


def from_annotation(sync: api.GitSync) -> frozenset[str]:
    """The names a GitSync's annotation agrees to, should it be deleted; separated by commas."""
    return _names([sync.metadata.annotations.get(ANNOTATION, "")])


def _names(lists: Iterable[str]) -> frozenset[str]:
    return frozenset(name.strip().lower() for one in lists for name in one.split(",") if name.strip())


def rules_of(sync: api.GitSync, consent: frozenset[str]) -> Rules:
    """What a plan of this GitSync may do."""
    budget = sync.spec.deletion_budget
    return Rules(
        prune=sync.spec.prune,
        budget=Budget(count=budget.count, percent=budget.percent),
        consent=consent,
        ignore=ignore.rules_of(sync.spec.ignore),
    )
