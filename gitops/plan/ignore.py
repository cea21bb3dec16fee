"""Ignore rules: fields Git leaves to others, for a time and with somebody who answers for it.

A rule hides drift of its fields, and a plan leaves what others own of them as it is. What nobody else owns is Git's as
ever, so a rule never holds a commit back from a field that nobody touched. After its last day a rule does nothing but
be named.
"""

from __future__ import annotations

import fnmatch
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from gitops.api.gitsync import IgnoredObjects, IgnoreRule
from gitops.api.meta import FIELD_MANAGER
from gitops.objects import Manifest, fieldpath, fieldpattern
from gitops.objects.fieldpattern import Pattern
from gitops.plan import fieldset, predict
from gitops.plan.change import Desired, Left
from gitops.plan.drift import Drift, Manner
from gitops.plan.fieldset import FieldSet
from gitops.ref import ResourceRef

_GONE: Final = object()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule; `expires` is its last day (ISO 8601, UTC)."""

    objects: IgnoredObjects
    patterns: tuple[Pattern, ...] = field(hash=False)
    paths: tuple[str, ...]
    owner: str
    reason: str
    expires: str

    def holds(self, today: str) -> bool:
        """It has not expired on this day (ISO 8601, UTC)."""
        return today <= self.expires

    def about(self, ref: ResourceRef) -> bool:
        """The rule speaks of this object."""
        wanted = self.objects
        return (
            wanted.kind == ref.kind
            and wanted.group in {None, ref.group}
            and wanted.namespace in {"", ref.namespace}
            and (not wanted.name or fnmatch.fnmatchcase(ref.name, wanted.name.replace("[", "[[]")))
        )

    def covers(self, pointer: str, value: Manifest) -> bool:
        """It speaks of this field of an object."""
        return any(fieldpattern.covers(pattern, pointer, value) for pattern in self.patterns)


@dataclass(frozen=True, slots=True, kw_only=True)
class Ignored:
    """A drifted path that a rule hides."""

    drift: Drift
    rule: Rule


@dataclass(frozen=True, slots=True, kw_only=True)
class Sorted:
    """Drift apart: what counts, what a rule hides, and how much each expired rule hides no more."""

    drifts: tuple[Drift, ...]
    ignored: tuple[Ignored, ...] = ()
    expired: tuple[tuple[Rule, int], ...] = ()


def rules_of(specs: Sequence[IgnoreRule]) -> tuple[Rule, ...]:
    """The rules as a GitSync has them.

    Raises:
        ConfigError: a path that cannot be read.
    """
    return tuple(
        Rule(
            objects=one.objects,
            patterns=tuple(fieldpattern.parse(path) for path in one.paths),
            paths=tuple(one.paths),
            owner=one.owner,
            reason=one.reason,
            expires=one.expires,
        )
        for one in specs
    )


def sort(
    drifts: Sequence[Drift],
    rules: Sequence[Rule],
    *,
    desired: Mapping[ResourceRef, Manifest],
    live: Mapping[ResourceRef, Manifest],
    today: str,
) -> Sorted:
    """Sort drift by what the rules say on a day."""
    if not rules:
        return Sorted(drifts=tuple(drifts))
    shown: list[Drift] = []
    ignored: list[Ignored] = []
    lapsed: Counter[Rule] = Counter({rule: 0 for rule in rules if not rule.holds(today)})
    for one in drifts:
        found = [rule for rule in rules if rule.about(one.ref) and rule.covers(one.path, _shown(one, desired, live))]
        valid = next((rule for rule in found if rule.holds(today)), None)
        if valid is not None:
            ignored.append(Ignored(drift=one, rule=valid))
            continue
        shown.append(one)
        lapsed.update(found)
    return Sorted(drifts=tuple(shown), ignored=tuple(ignored), expired=tuple(lapsed.items()))


def _shown(one: Drift, desired: Mapping[ResourceRef, Manifest], live: Mapping[ResourceRef, Manifest]) -> Manifest:
    """The state of the object in which the path of a drift is to be looked up."""
    found: Manifest = live.get(one.ref) or {}
    removed = one.manner is Manner.REMOVED and one.ref in desired and found
    return predict.predict(desired[one.ref], found) if removed else found


def leave(
    desired: Sequence[Desired], live: Mapping[ResourceRef, Manifest], rules: Sequence[Rule], *, today: str
) -> tuple[tuple[Desired, ...], tuple[Left, ...]]:
    """What is wanted without the fields that a rule leaves to others and that others own; and which those are."""
    valid = [rule for rule in rules if rule.holds(today)]
    if not valid:
        return tuple(desired), ()
    out: list[Desired] = []
    left: list[Left] = []
    for one in desired:
        about = [rule for rule in valid if rule.about(one.ref)]
        found = live.get(one.ref)
        if not about or found is None:
            out.append(one)
            continue
        manifest = one.manifest
        for rule, pattern in [(other, pattern) for other in about for pattern in other.patterns]:
            for manager, fields in _others(found):
                told: list[str] = []
                manifest = _without(manifest, pattern, fields, "", told)
                left += [_left(one.ref, path, manager, rule) for path in told]
        out.append(one if manifest is one.manifest else replace(one, manifest=manifest))
    return tuple(out), tuple(left)


def _left(ref: ResourceRef, path: str, manager: str, rule: Rule) -> Left:
    return Left(ref=ref, path=path, manager=manager, owner=rule.owner, reason=rule.reason, expires=rule.expires)


def _others(live: Manifest) -> Iterator[tuple[str, FieldSet]]:
    for entry in fieldset.entries(live):
        if entry["manager"] != FIELD_MANAGER:
            yield entry["manager"], entry.get("fieldsV1") or {}


def _without(value: Any, pattern: Pattern, fields: FieldSet, at: str, told: list[str]) -> Any:
    """The value without what is both named by the pattern and in the field set; `told` gets the paths that went."""
    if not fields:
        # Owned as one value: it goes as a whole, or not at all if the pattern means only part of it.
        if pattern:
            return value
        told.append(at)
        return _GONE
    if isinstance(value, dict):
        return _of_map(value, pattern, fields, at, told)
    if isinstance(value, list):
        return _of_list(value, pattern, fields, at, told)
    return value


def _of_map(value: dict[str, Any], pattern: Pattern, fields: FieldSet, at: str, told: list[str]) -> Any:
    before = len(told)
    out: dict[str, Any] = {}
    for key, child in value.items():
        below = fields.get(f"f:{key}")
        meant = not pattern or fieldpattern.matches(pattern[0], key, value)
        kept = child
        if below is not None and meant:
            kept = _without(child, pattern[1:], below, f"{at}/{fieldpath.escape(key)}", told)
        if kept is not _GONE:
            out[key] = kept
    if len(told) == before:
        return value
    return out or _GONE


def _of_list(value: list[Any], pattern: Pattern, fields: FieldSet, at: str, told: list[str]) -> Any:
    names = fieldset.key_names(fields)
    known = fieldset.items(fields) if names else {}
    before = len(told)
    out: list[Any] = []
    for index, item in enumerate(value):
        below = known.get(fieldset.key_of(item, names))
        kept = item
        if below is not None and (not pattern or fieldpattern.matches(pattern[0], str(index), value)):
            kept = _item(item, names, _without(item, pattern[1:], below, f"{at}/{index}", told))
        if kept is not _GONE:
            out.append(kept)
    if len(told) == before:
        return value
    return out or _GONE


def _item(item: dict[str, Any], names: Sequence[str], kept: Any) -> Any:
    """An item of which something is left keeps its keys; one of which only keys are left goes."""
    if kept is item:
        return item
    rest = {} if kept is _GONE else {key: one for key, one in kept.items() if key not in names}
    return {key: one for key, one in item.items() if key in rest or key in names} | rest if rest else _GONE
