"""Events of a pass as lines for a person: one for each object that changes state."""

from __future__ import annotations

from gitops.plan.change import Stage
from gitops.report import plans, redact
from gitops.sync import events
from gitops_cli._console import Console

_STAGES = {
    Stage.FOUNDATION: "namespaces and definitions",
    Stage.ROLES: "roles",
    Stage.BINDINGS: "bindings",
    Stage.REST: "everything else",
}


def reporter(console: Console) -> events.Reporter:
    """A reporter that writes to stderr as things happen."""

    def report(event: events.Event) -> None:
        match event:
            case events.StageBegun(stage=stage, count=count):
                console.note(f"stage {int(stage)} of {len(Stage)}, {_STAGES[stage]}: {count} verified, writing")
            case events.Written(change=change, moved=moved):
                sign = plans.SIGNS[change.action] if moved else "="
                console.note(f"  {sign} {redact.plain(str(change.ref))}")
            case events.Deleted(ref=ref):
                console.note(f"  - {redact.plain(str(ref))}")
            case events.Waiting(ref=ref, why=why):
                console.note(f"  … waiting for {redact.plain(str(ref))}: {redact.plain(why)}")

    return report
