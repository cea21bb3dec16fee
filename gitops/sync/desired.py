"""From a tree of files to everything Git wants: build, validate, expand, spell as the server does."""

from __future__ import annotations

import functools
from collections.abc import Iterator, Mapping, Sequence

from gitops import api, build, errors, expand
from gitops.lint import validate
from gitops.location import Location
from gitops.plan import normal, waves
from gitops.plan.change import Desired
from gitops.ref import ResourceRef
from gitops.source import Tree


def render(tree: Tree, path: str, *, runner: Mapping[str, bytes], places: Places | None = None) -> tuple[Desired, ...]:
    """Everything the kustomization at `path` wants, our kinds expanded; `places`, if given, learn from the same build.

    Raises:
        BuildError: the kustomization cannot be built.
        ConfigError: an object is wrong, with the place in Git; SeveralErrors if more than one is.
    """
    built = places.learn(tree) if places else build.build(tree, path).objects
    origins = {one.ref: one for one in built}

    def locate(ref: ResourceRef, pointer: str) -> Location | None:
        found = origins.get(ref)
        return None if found is None else build.locate(found, pointer) or found.origin

    arranged = waves.arrange(
        [waves.Node(ref=ref, annotations=one.annotations, names=one.names) for ref, one in origins.items()]
    )
    findings = (*_invalid(built, locate), *_misplaced(arranged.mistakes, locate))
    if findings:
        raise findings[0] if len(findings) == 1 else errors.SeveralErrors(findings)
    manifests = [one.manifest for one in built]
    context = expand.Context(runner=runner, locate=locate)
    items = expand.expand(manifests, context=context)
    return tuple(
        Desired(
            manifest=normal.normalise(item.manifest),
            ref=item.ref,
            authored=item.authored,
            location=origins[item.authored].origin,
            rank=arranged.ranks.get(item.authored),
        )
        for item in items
    )


def _invalid(built: Sequence[build.Rendered], locate: expand.Locate) -> Iterator[errors.ConfigError]:
    for one in built:
        if one.ref.group == api.GROUP:
            yield from validate.validate(one.manifest, functools.partial(locate, one.ref))


def _misplaced(mistakes: Sequence[waves.Mistake], locate: expand.Locate) -> Iterator[errors.ConfigError]:
    for one in mistakes:
        yield errors.ConfigError(one.message, hint=one.hint, location=locate(one.ref, one.pointer), ref=one.ref)


class Places:
    """Where the fields of wanted objects stand in Git.

    The price, a build of its own, is paid by the first question, if no build was made before to learn from.
    """

    def __init__(self, tree: Tree, path: str) -> None:
        self._tree = tree
        self._path = path
        self._built: Mapping[ResourceRef, build.Rendered] | None = None

    def learn(self, tree: Tree) -> tuple[build.Rendered, ...]:
        """Build; `tree` reads the same files."""
        found = build.build(tree, self._path, tracking=True).objects
        self._built = {one.ref: one for one in found}
        return found

    def __call__(self, ref: ResourceRef, pointer: str) -> Location | None:
        """The place of the value at a JSON Pointer of an object as authored; None for what Git does not hold."""
        if self._built is None:
            self.learn(self._tree)
        built = self._built or {}
        found = built.get(ref) or built.get(ref._replace(namespace=""))
        return None if found is None else build.locate(found, pointer)
