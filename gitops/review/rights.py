"""The rights a plan moves, as lines a reviewer reads: verbs gathered, escalations first, may it be granted at all."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from gitops.objects import Manifest
from gitops.plan.change import Action, Change, Guard
from gitops.ref import ResourceRef
from gitops.review import escalation, outcome, rbac


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Right:
    """Verbs on a resource, gathered; `why` says what is dangerous about them, empty if nothing is."""

    scope: str
    group: str
    resource: str
    names: tuple[str, ...]
    verbs: tuple[str, ...]
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Review:
    """One account's rights before and after a plan; `grantable` is the server's word for our own account.

    `yes`: it said so in a dry-run; `no`: it refuses, `refusal` says why; `unknown`: it could not be asked; empty:
    nothing is granted.
    """

    account: rbac.Account
    gained: tuple[Right, ...]
    lost: tuple[Right, ...]
    kept: tuple[Right, ...]
    grantable: str = ""
    refusal: str = ""

    @property
    def escalations(self) -> tuple[Right, ...]:
        """What it gains and is dangerous."""
        return tuple(one for one in self.gained if one.why)


def review(
    live: Mapping[ResourceRef, Manifest], changes: Sequence[Change], *, everything: bool = False
) -> tuple[Review, ...]:
    """The accounts whose rights the changes move; with `everything`, all that have any.

    `live` holds at least the roles and bindings the changes are about, and the roles those bindings name.
    """
    relevant = [one for one in changes if rbac.concerns(one.ref)]
    if not relevant and not everything:
        return ()
    before = {ref: one for ref, one in live.items() if rbac.concerns(ref)}
    # A refused change is reviewed as if it were made: that is what somebody is asked to agree to.
    wanted = [_as_wanted(one, before) for one in relevant]
    moved = rbac.compare(before, outcome.after(before, wanted))
    found = [_review(one, relevant) for one in moved]
    return tuple(one for one in found if everything or one.gained or one.lost)


def _as_wanted(change: Change, before: Mapping[ResourceRef, Manifest]) -> Change:
    if change.action is not Action.REFUSE or change.desired is None:
        return change
    return replace(change, action=Action.UPDATE if change.ref in before and change.patch else Action.CREATE)


def _review(moved: rbac.Moved, changes: Sequence[Change]) -> Review:
    mine = [one for one in changes if one.ref in moved.through]
    grantable, refusal = _grantable(mine) if moved.gained else ("", "")
    return Review(
        account=moved.account,
        gained=gather(moved.gained),
        lost=gather(moved.lost),
        kept=gather(moved.kept),
        grantable=grantable,
        refusal=refusal,
    )


def _grantable(changes: Sequence[Change]) -> tuple[str, str]:
    denied = [one for one in changes if one.guard is Guard.DENIED]
    if denied:
        return "no", denied[0].why
    if all(one.verified for one in changes if one.action is not Action.DELETE):
        return "yes", ""
    return "unknown", ""


def gather(permissions: Iterable[rbac.Permission]) -> tuple[Right, ...]:
    """Permissions with their verbs and names gathered; dangerous ones are apart and come first."""
    verbs: dict[tuple[str, str, str, str, str], set[str]] = defaultdict(set)
    for one in permissions:
        verbs[escalation.why(one), one.scope, one.group, one.resource, one.name].add(one.verb)
    names: dict[tuple[str, str, str, str, tuple[str, ...]], set[str]] = defaultdict(set)
    for (why, scope, group, resource, name), found in verbs.items():
        names[_nameless(why, name), scope, group, resource, tuple(sorted(found, key=_usual))].add(name)
    rights = [
        Right(scope=scope, group=group, resource=resource, names=tuple(sorted(found - {""})), verbs=done, why=why)
        for (why, scope, group, resource, done), found in names.items()
    ]
    return tuple(sorted(rights, key=lambda one: (not one.why, one.scope, one.group, one.resource, one.names)))


def _nameless(why: str, name: str) -> str:
    return why.replace(f"the Secret {name}", "Secrets by name") if name else why


_ORDER = ("get", "list", "watch", "create", "update", "patch", "delete", "deletecollection")


def _usual(verb: str) -> tuple[int, str]:
    return (_ORDER.index(verb) if verb in _ORDER else len(_ORDER), verb)
