"""Objects before and after as a unified diff of their YAML, for eyes and for tools that read patches."""

from __future__ import annotations

import difflib
from collections.abc import Iterator

from gitops import yaml
from gitops.objects import Manifest
from gitops.plan import compare, secrecy
from gitops.plan.change import Change
from gitops.ref import ResourceRef
from gitops.report import redact
from gitops.review import outcome

NOWHERE = "/dev/null"


def lines(change: Change, live: Manifest | None, *, salt: str) -> Iterator[str]:
    """One change as a unified diff; values of Secrets are masked, equality stays visible."""
    before = None if live is None else compare.visible(live)
    after = outcome.predicted(change, live)
    name = _path(change.ref)
    old, new = (_text(one, change.ref, salt) for one in (before, after))
    found = difflib.unified_diff(
        old,
        new,
        fromfile=NOWHERE if before is None else f"live/{name}",
        tofile=NOWHERE if after is None else f"git/{name}",
        lineterm="",
    )
    return (redact.plain(line) for line in found)


def _text(manifest: Manifest | None, ref: ResourceRef, salt: str) -> list[str]:
    if manifest is None:
        return []
    shown = secrecy.value("", manifest, salt) if secrecy.is_secret(ref) else manifest
    return yaml.dump_all([shown]).splitlines()


def _path(ref: ResourceRef) -> str:
    kind = f"{ref.kind}.{ref.group}" if ref.group else ref.kind
    return "/".join(part for part in (ref.namespace, kind, ref.name) if part)


def color(line: str) -> str:
    """The colour of a line, empty for none."""
    if line.startswith(("---", "+++")):
        return "bold"
    return {"+": "green", "-": "red", "@": "cyan"}.get(line[:1], "")
