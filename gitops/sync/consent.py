"""Consent to deletions and replacements: by a flag, or by a trailer of the commit that asks for them.

Remove the GPU pool

GitOps-Delete: workerpool/gpu
"""

from __future__ import annotations

from collections.abc import Iterable

from gitops import api
from gitops.plan import ignore
from gitops.plan.budget import Budget
from gitops.plan.settle import Rules

TRAILER = "gitops-delete"


def from_trailers(trailers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The names a commit consents to; one trailer may hold several, separated by commas."""
    return frozenset(
        name.strip().lower()
        for key, value in trailers
        if key.lower() == TRAILER
        for name in value.split(",")
        if name.strip()
    )


def rules_of(sync: api.GitSync, consent: frozenset[str]) -> Rules:
    """What a plan of this GitSync may do."""
    budget = sync.spec.deletion_budget
    return Rules(
        prune=sync.spec.prune,
        budget=Budget(count=budget.count, percent=budget.percent),
        consent=consent,
        ignore=ignore.rules_of(sync.spec.ignore),
    )
