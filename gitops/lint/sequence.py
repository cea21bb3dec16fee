"""Rules about the order that annotations ask for, which only all objects of a build together can break."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops.lint import codes
from gitops.lint.subject import Subject, Told, mapping
from gitops.plan import waves


def together(subjects: Sequence[Subject]) -> Iterator[tuple[Subject, Told]]:
    """Waves that are none, dependencies that are not there, circles."""
    known = {one.ref: one for one in subjects}
    nodes = [
        waves.Node(ref=one.ref, annotations=mapping(one.manifest, "metadata", "annotations"), names=one.names)
        for one in subjects
    ]
    for mistake in waves.arrange(nodes).mistakes:
        yield known[mistake.ref], Told(codes.BAD_ORDER, mistake.pointer, mistake.message, mistake.hint)
