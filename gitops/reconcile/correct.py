"""Correcting drift: objects that are due are written once more, hot ones wait, and nobody is fought for ever."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from gitops import api, errors
from gitops.plan import drift, heat
from gitops.plan.change import Action, Change, Desired
from gitops.plan.settle import Header
from gitops.sync import consent, status, story
from gitops.sync.means import Means


@dataclass(frozen=True, slots=True, kw_only=True)
class Corrected:
    """What a correction left: the drift that is there now, what is remembered, and what stood in the way."""

    found: story.Drifted
    judged: heat.Judged
    heats: tuple[heat.Heat, ...]
    error: errors.GitOpsError | None = None

    @property
    def note(self) -> str:
        """When what is still there is corrected again; empty if that is not known or needs no saying."""
        if not self.judged.waiting:
            return ""
        name, at = min(self.judged.waiting.items(), key=lambda item: (item[1], item[0]))
        return f"; {name} was corrected before, and is again at {at:%Y-%m-%dT%H:%M:%SZ}"


async def correct(
    means: Means,
    sync: api.GitSync,
    desired: Sequence[Desired],
    found: story.Drifted,
    *,
    header: Header,
    interval: int,
) -> Corrected:
    """Write what is due of the drift that was found; `desired` is the rendering it was measured by."""
    now = means.clock.now()
    seen = _seen(found.drifts)
    judged = heat.judge(seen, status.corrections(sync), now=now, interval=interval)
    if not judged.due:
        return Corrected(found=found, judged=judged, heats=judged.known)
    rules = replace(consent.rules_of(sync, frozenset()), force=True)
    planned = await story.plan(means, desired, header=header, rules=rules)
    due = frozenset(judged.due)
    changes = [one for one in planned.plan.changes if str(one.ref) in due or one.superseded]
    good = tuple(one for one in changes if one.action is not Action.REFUSE)
    written = tuple(name for name in judged.due if any(str(one.ref) == name for one in good))
    judged = replace(judged, due=written)
    error = await _carry_out(means, planned, good) or await _carry_out(
        means, planned, tuple(one for one in changes if one.action is Action.REFUSE)
    )
    heats = heat.corrected(judged, seen, now=now)
    after = await story.find_drift(means, desired, name=header.name, namespace=header.namespace, rules=rules.ignore)
    return Corrected(found=after, judged=judged, heats=heats, error=error)


async def _carry_out(means: Means, planned: story.Planned, changes: tuple[Change, ...]) -> errors.GitOpsError | None:
    """Do these changes of the plan only; refused ones say why."""
    if not changes:
        return None
    try:
        await story.carry_out(means, replace(planned, plan=replace(planned.plan, changes=changes)))
    except errors.GitOpsError as error:
        return error
    return None


def _seen(drifts: Sequence[drift.Drift]) -> dict[str, heat.Seen]:
    """What can be corrected, by object; a manager who is certain is named before one who may have been it."""
    found: dict[str, heat.Seen] = {}
    for one in drifts:
        if not drift.is_correctable(one):
            continue
        name = str(one.ref)
        known = found.get(name)
        certain = next((owner.manager for owner in one.owners if owner.certain), "")
        perhaps = f"perhaps {one.owners[0].manager}" if one.owners and not certain else ""
        if known is None:
            found[name] = heat.Seen(path=one.path, manager=certain or perhaps)
        elif certain and (not known.manager or known.manager.startswith("perhaps ")):
            found[name] = heat.Seen(path=one.path, manager=certain)
    return found
