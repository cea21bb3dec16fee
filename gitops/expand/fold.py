"""All manifests of a build -> all objects to apply."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

from gitops import errors
from gitops.expand import admission, pool, rights, worker
from gitops.expand.expanded import Context, Expanded
from gitops.expand.gather import installations
from gitops.expand.installation import Installation
from gitops.objects import Manifest, ref_of
from gitops.ref import ResourceRef


def expand(objects: Sequence[Manifest], *, context: Context) -> tuple[Expanded, ...]:
    """The authored manifests in their order, followed by what the WorkerPools and Workers among them mean.

    Raises:
        ConfigError: a pool or worker cannot be expanded, or an expanded object has the identity of another one.
        SeveralErrors: more than one of these.
    """
    refs = map(ref_of, objects)
    authored = [Expanded(manifest=one, ref=ref, authored=ref) for one, ref in zip(objects, refs, strict=True)]
    grown = [item for installation in installations(authored, context) for item in _grow(installation, context)]
    _refuse_collisions(authored, grown, context)
    return (*authored, *grown)


def _grow(installation: Installation, context: Context) -> Iterator[Expanded]:
    yield from _from(installation.anchor, admission.objects(installation))
    yield from _from(installation.anchor, rights.shared(installation))
    for program in installation.programs:
        yield from _from(program.ref, worker.objects(program, context))
        yield from _from(program.ref, rights.of_worker(installation, program))
    for item in installation.pools:
        yield from _from(item.ref, pool.objects(installation, item, context))
        yield from _from(item.ref, rights.of_pool(installation, item))


def _from(ref: ResourceRef, manifests: Iterable[Manifest]) -> Iterator[Expanded]:
    return (Expanded(manifest=manifest, ref=ref_of(manifest), authored=ref) for manifest in manifests)


def _refuse_collisions(authored: Sequence[Expanded], grown: Sequence[Expanded], context: Context) -> None:
    taken = {item.authored: item.authored for item in authored}
    found: list[errors.GitOpsError] = []
    for item in grown:
        other = taken.setdefault(item.ref, item.authored)
        if other is not item.authored:
            found.append(
                errors.ConfigError(
                    f"{item.authored} expands to {item.ref}, which {_whose(other, item.ref)}",
                    hint="rename one of them",
                    location=context.locate(item.authored, ""),
                    ref=item.authored,
                )
            )
    if found:
        raise found[0] if len(found) == 1 else errors.SeveralErrors(found)


def _whose(other: ResourceRef, ref: ResourceRef) -> str:
    return "is written in this build already" if other == ref else f"{other} expands to as well"
