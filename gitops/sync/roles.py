"""Reading the roles and bindings by which rights are judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from gitops import errors
from gitops.objects import Manifest, ref_of
from gitops.plan.change import Change
from gitops.ports.objects import Objects, Resource
from gitops.ref import ResourceRef
from gitops.review import rbac
from gitops.sync.together import together

KINDS = {
    kind: Resource(group=rbac.GROUP, version="v1", kind=kind, plural=f"{kind.lower()}s", namespaced=namespaced)
    for kind, namespaced in (
        ("Role", True),
        ("ClusterRole", False),
        ("RoleBinding", True),
        ("ClusterRoleBinding", False),
    )
}


async def referred(
    objects: Objects, live: Mapping[ResourceRef, Manifest], changes: Sequence[Change]
) -> dict[ResourceRef, Manifest]:
    """`live`, and the roles that changed bindings name and that neither live nor the changes hold.

    No request if no right moves. A role nobody may read is left out.
    """
    wanted = {one.ref: one.desired for one in changes if rbac.concerns(one.ref) and one.desired is not None}
    if not any(rbac.concerns(one.ref) for one in changes):
        return dict(live)
    bindings = {**{ref: one for ref, one in live.items() if rbac.concerns(ref)}, **wanted}
    named = {rbac.role_of(ref, one) for ref, one in bindings.items() if ref.kind in rbac.BINDINGS}
    missing = sorted(ref for ref in named if ref not in live and ref not in wanted and ref.kind in KINDS)
    found = await together(_read(objects, ref) for ref in missing)
    return {**live, **{ref_of(one): one for one in found if one is not None}}


async def _read(objects: Objects, ref: ResourceRef) -> Manifest | None:
    try:
        return await objects.get(KINDS[ref.kind], ref.namespace, ref.name)
    except errors.ClusterDenied:
        return None


async def everywhere(objects: Objects) -> tuple[dict[ResourceRef, Manifest], tuple[str, ...]]:
    """Every role and binding of the cluster, in four requests; and the kinds our account may not list."""

    async def read(kind: Resource) -> tuple[Sequence[Manifest], str]:
        try:
            return (await objects.list(kind)).items, ""
        except errors.ClusterDenied:
            return (), kind.kind

    found = await together(read(kind) for kind in KINDS.values())
    objects_found = {ref_of(one): one for items, _ in found for one in items}
    return objects_found, tuple(kind for _, kind in found if kind)
