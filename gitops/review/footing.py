"""What the program that deletes a sync's objects itself runs on: to delete that is to saw off the branch one sits on.

Only what is certain counts: the namespace it lives in, its Worker, Deployment and account, and the rights that it has
through what is owned and still needs at the end.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from gitops.api import names
from gitops.api.meta import GROUP
from gitops.objects import Manifest
from gitops.plan.change import Action, Change, Stage
from gitops.ref import ResourceRef
from gitops.review import rbac
from gitops.review.lockout import Places

_RECONCILING = frozenset({"embedded", "reconciler"})


def footing(
    changes: Sequence[Change],
    live: Mapping[ResourceRef, Manifest],
    places: Places,
    *,
    home: str,
    accounts: Collection[rbac.Account],
) -> tuple[ResourceRef, ...]:
    """Which of the deletions would stop the deleting, in order. `home` is the namespace of the GitSync.

    What is refused for now counts too: nobody should agree to it only to be told this.
    """
    going = {one.ref: one for one in changes if one.action is not Action.KEEP}
    running = {ref for ref in going if _runs_reconciler(ref, live.get(ref) or {}, home)}
    known = {*accounts, *(_account_of(live[ref], home) for ref in running if ref.kind == "Deployment")}
    found = {ref for ref in going if _is_namespace(ref, home) or _is_account(ref, known)} | running
    before = rbac.effective(live)
    after = rbac.effective({ref: one for ref, one in live.items() if ref not in going})
    needed = list(_needed(going.values(), places, home))
    for account in known:
        had, has = before.rights.get(account, frozenset()), after.rights.get(account, frozenset())
        if any(rbac.covers(had, one) and not rbac.covers(has, one) for one in needed):
            found |= before.through.get(account, frozenset()) & going.keys()
    return tuple(sorted(found))


def _runs_reconciler(ref: ResourceRef, manifest: Manifest, home: str) -> bool:
    if ref.namespace != home:
        return False
    if (ref.group, ref.kind) == ("apps", "Deployment"):
        labels = (_template(manifest).get("metadata") or {}).get("labels") or {}
        return (
            labels.get("app.kubernetes.io/name") == names.PROGRAM
            and labels.get("app.kubernetes.io/component") in _RECONCILING
        )
    return (ref.group, ref.kind) == (GROUP, "Worker")


def _template(deployment: Manifest) -> Manifest:
    return (deployment.get("spec") or {}).get("template") or {}


def _account_of(deployment: Manifest, home: str) -> rbac.Account:
    return rbac.Account(
        "ServiceAccount", home, str((_template(deployment).get("spec") or {}).get("serviceAccountName") or "default")
    )


def _is_namespace(ref: ResourceRef, name: str) -> bool:
    return not ref.group and ref.kind == "Namespace" and ref.name == name


def _is_account(ref: ResourceRef, known: Collection[rbac.Account]) -> bool:
    is_kind = not ref.group and ref.kind == "ServiceAccount"
    return is_kind and rbac.Account("ServiceAccount", ref.namespace, ref.name) in known


def _needed(going: Collection[Change], places: Places, home: str) -> Iterator[rbac.Permission]:
    """What is still to be done once bindings go: delete them, roles and namespaces; the inventory; the finalizer."""
    for change in going:
        place = places.get((change.ref.group, change.ref.kind))
        if change.stage is not Stage.REST and place is not None:
            yield rbac.Permission(change.ref.namespace, place.group, place.plural, change.ref.name, "delete")
    for verb in ("get", "list", "update", "delete"):
        yield rbac.Permission(home, "", "configmaps", "", verb)
    for verb in ("get", "update"):
        yield rbac.Permission(home, GROUP, "gitsyncs", "", verb)
    yield rbac.Permission(home, GROUP, "gitsyncs/status", "", "patch")
