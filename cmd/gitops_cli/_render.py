"""What a tree means, rendered or recalled: everything here does without a cluster, and without importing its client."""

from __future__ import annotations

import msgspec

from gitops import runner
from gitops.plan.change import Desired
from gitops.source import Tree
from gitops.sync import desired
from gitops_cli import _builds


def encoded(tree: Tree, path: str, places: desired.Places | None = None) -> bytes:
    """Build, validate and expand, or recall it; `decoded` reads it.

    What has to be built has changed, so a report will ask for `places`: they learn from the same build.

    Raises:
        ConfigError: as `gitops.sync.desired.render`.
    """

    def make(source: Tree) -> bytes:
        return msgspec.json.encode(desired.render(source, path, runner=runner.files(), places=places))

    return _builds.kept(tree, "desired", path, make=make)


def decoded(rendering: bytes) -> tuple[Desired, ...]:
    """The objects of a rendering."""
    return msgspec.json.decode(rendering, type=tuple[Desired, ...])
