"""Two directories, or two commits of one, compared without a cluster."""

from __future__ import annotations

import secrets
from dataclasses import replace

from gitops import runner
from gitops.api.plan import PlanDocument, PlanSource
from gitops.git import checkout
from gitops.plan import budget
from gitops.plan.change import Desired
from gitops.plan.settle import Header, Rules
from gitops.report import documents
from gitops.review.between import between, matched
from gitops.sync import consent, desired
from gitops_cli._shell import Shell


def make(shell: Shell, before: str, after: str, *, rules: Rules | None = None) -> PlanDocument:
    """What `after` changes in `before`; both are PATH or PATH@REV.

    With `rules` as a plan would have it, the trailers of the commit `after` is at consenting too; else without guards.

    Raises:
        ConfigError: no such directory, or its configuration is wrong.
        RevisionNotFound: no such revision.
    """
    old, _, base = _rendered(shell, before)
    new, opened, source = _rendered(shell, after)
    name = (opened.path or opened.root.name).rpartition("/")[2] or "default"
    header = Header(name=name, namespace=_home(new), revision=source.revision)
    agreed = _unguarded(old) if rules is None else replace(rules, consent=rules.consent | _trailers(opened))
    plan, live = between(matched(old, new), new, header=header, rules=agreed)
    made = documents.Made(plan=plan, source=source, rules=agreed, live=live, base=base)
    return documents.of(made, salt=secrets.token_hex(16), locate=desired.Places(opened.tree, opened.path))


def _unguarded(before: tuple[Desired, ...]) -> Rules:
    names = frozenset(budget.consent_name(one.ref) for one in before)
    return Rules(force=True, remove=True, budget=budget.Budget(count=len(before)), consent=names)


def _rendered(shell: Shell, argument: str) -> tuple[tuple[Desired, ...], checkout.Opened, PlanSource]:
    opened = checkout.open_path(argument)
    shell.source = opened.tree
    revision = "" if opened.revision is None or opened.dirty else str(opened.revision)
    source = PlanSource(path=opened.path or ".", revision=revision)
    return desired.render(opened.tree, opened.path, runner=runner.files()), opened, source


def _home(wanted: tuple[Desired, ...]) -> str:
    """The namespace of a Worker, if there is one: where the inventory would be."""
    return next((one.ref.namespace for one in wanted if one.ref.kind == "Worker"), "")


def _trailers(opened: checkout.Opened) -> frozenset[str]:
    if opened.revision is None or opened.dirty:
        return frozenset()
    from gitops.git import local

    return consent.from_trailers(local.trailers_of(opened.root, opened.revision))
