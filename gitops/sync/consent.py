"""Consent to deletions and replacements: by a flag, or by a trailer of the commit that asks for them.

Remove the GPU pool

GitOps-Delete: workerpool/gpu

A push may hold several commits, a merge has a message of its own, and a deletion may take longer than the next commit
is away: what any commit agrees to holds that is not applied yet.

What goes with a GitSync that is deleted belongs to no commit: that consent is an annotation of the GitSync.
"""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress

from gitops import api, errors
from gitops.plan import ignore
from gitops.plan.budget import Budget
from gitops.plan.settle import Rules
from gitops.ports.repository import Repository
from gitops.source import Revision

TRAILER = "gitops-delete"
LIMIT = 1000
"""So many commits are looked through for trailers, the newest first."""
ANNOTATION = f"{api.GROUP}/consent"
"""On a GitSync with `deletionPolicy: Delete`: what may go with it."""


def from_trailers(trailers: Iterable[tuple[str, str]]) -> frozenset[str]:
    """The names a commit consents to; one trailer may hold several, separated by commas."""
    return _names(value for key, value in trailers if key.lower() == TRAILER)


async def of_commits(repository: Repository, revision: Revision, *, applied: str) -> frozenset[str]:
    """What the commit agrees to, and those before it that were not applied yet. The commit has been fetched.

    Raises:
        SourceError: the commit cannot be read.
    """
    commits = [await repository.commit(revision)]
    if applied:
        with suppress(errors.RevisionNotFound):  # it is in no history any more: only the commit itself speaks
            commits += await repository.between(Revision.parse(applied), revision, limit=LIMIT)
    return frozenset[str]().union(*(from_trailers(one.trailers) for one in commits))


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
