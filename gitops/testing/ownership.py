"""Server-side apply and field ownership, as far as a fake needs them."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from gitops.errors import FieldConflict
from gitops.objects import Manifest
from gitops.testing import fields

Entry = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Writer:
    """Who writes, how (`Apply` or `Update`), through which subresource, and when."""

    manager: str
    operation: str
    api_version: str
    time: str
    subresource: str = ""

    def wrote(self, entry: Mapping[str, Any]) -> bool:
        """Whether an entry of managedFields is this writer's."""
        return (entry["manager"], entry["operation"], entry.get("subresource", "")) == (
            self.manager,
            self.operation,
            self.subresource,
        )

    def entry(self, owned: set[fields.Path]) -> Entry:
        """This writer's entry."""
        made = {
            "manager": self.manager,
            "operation": self.operation,
            "apiVersion": self.api_version,
            "time": self.time,
            "fieldsType": "FieldsV1",
            "fieldsV1": fields.encode(owned),
        }
        return {**made, "subresource": self.subresource} if self.subresource else made


def apply(live: Manifest | None, desired: Manifest, writer: Writer, *, force: bool) -> Manifest:
    """What the object is after the apply, managedFields included.

    Raises:
        FieldConflict: another writer owns a field whose value would change.
    """
    before = live or {}
    entries = _entries(before)
    wanted = fields.leaves(desired)
    current = fields.leaves(before)
    changed = {path for path, value in wanted.items() if path in current and current[path] != value}
    taken = [(entry, _owned(entry) & changed) for entry in entries if not writer.wrote(entry)]
    if any(paths for _, paths in taken) and not force:
        raise _conflict(taken)
    merged = fields.merge(before, desired)
    mine: set[fields.Path] = next((_owned(entry) for entry in entries if writer.wrote(entry)), set())
    others: set[fields.Path] = set().union(*(_owned(entry) for entry in entries if not writer.wrote(entry)))
    # An item goes before its fields, unless another writer has fields of it.
    for path in sorted(mine - set(wanted) - others):
        if not any(other[: len(path)] == path for other in others):
            merged = fields.remove(merged, path)
    kept = [_entry_with(entry, _owned(entry) - changed) for entry in entries if not writer.wrote(entry)]
    same = next((entry for entry in entries if writer.wrote(entry) and _owned(entry) == set(wanted)), None)
    return _with_entries(merged, [same or writer.entry(set(wanted)), *kept])


def update(live: Manifest | None, new: Manifest, writer: Writer) -> Manifest:
    """`new` with managedFields that give this writer what it changed, and nobody what it removed."""
    before = fields.leaves(live or {})
    after = fields.leaves(new)
    changed = {path for path, value in after.items() if path not in before or before[path] != value}
    if live is not None and not changed and before.keys() == after.keys():
        return _with_entries(new, _entries(live))
    entries = []
    mine: set[fields.Path] = set()
    for entry in _entries(live or {}):
        left = (_owned(entry) - changed) & after.keys()
        if writer.wrote(entry):
            mine = left
        else:
            entries.append(_entry_with(entry, left))
    owned = mine | changed
    return _with_entries(new, [*entries, *([writer.entry(owned)] if owned else [])])


def _conflict(taken: Sequence[tuple[Entry, set[fields.Path]]]) -> FieldConflict:
    causes = [
        {
            "reason": "FieldManagerConflict",
            "message": f'conflict with "{entry["manager"]}" using {entry["apiVersion"]}',
            "field": _dotted(path),
        }
        for entry, paths in taken
        for path in sorted(paths)
    ]
    words = ", ".join(f"{cause['message']}: {cause['field']}" for cause in causes)
    status = {"kind": "Status", "code": 409, "reason": "Conflict", "details": {"causes": causes}}
    return FieldConflict(
        "cannot apply",
        cause=f"Apply failed with {len(causes)} conflict{'s' * (len(causes) > 1)}: {words}",
        status=status,
    )


def _dotted(path: fields.Path) -> str:
    """A path as the server writes it in a conflict: `.spec.containers[name="c"].image`."""
    out = ""
    for step in path:
        if step.startswith("f:"):
            out += f".{step[2:]}"
        else:
            key = json.loads(step[2:])
            pairs = (
                ",".join(f"{name}={json.dumps(value)}" for name, value in key.items()) if isinstance(key, dict) else key
            )
            out += f"[{pairs}]"
    return out


def _entries(manifest: Mapping[str, Any]) -> list[Entry]:
    return list((manifest.get("metadata") or {}).get("managedFields") or ())


def _owned(entry: Mapping[str, Any]) -> set[fields.Path]:
    return set(fields.decode(entry["fieldsV1"]))


def _entry_with(entry: Entry, owned: set[fields.Path]) -> Entry:
    return {**entry, "fieldsV1": fields.encode(owned)}


def _with_entries(manifest: Manifest, entries: Sequence[Entry]) -> Manifest:
    kept = [entry for entry in entries if entry["fieldsV1"]]
    return {**manifest, "metadata": {**manifest["metadata"], "managedFields": kept}}
