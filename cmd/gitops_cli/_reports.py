"""Plans and drift as the form that was asked for, on stdout."""

from __future__ import annotations

import asyncio
import secrets

from gitops.api.plan import PlanDocument
from gitops.ports.objects import Objects
from gitops.report import documents, forms, plans
from gitops.sync import roles, story
from gitops_cli._console import Console
from gitops_cli._target import Target


async def document(objects: Objects, planned: story.Planned, target: Target, *, salt: str = "") -> PlanDocument:
    """The plan as a document, with the roles read that its rights are judged by; without a salt, a random one."""
    live = await roles.referred(objects, planned.live.objects, planned.plan.changes)
    made = documents.Made(plan=planned.plan, source=target.source, rules=target.rules, live=live)
    return await asyncio.to_thread(documents.of, made, salt=salt or secrets.token_hex(16), locate=target.locate)


def show(console: Console, found: PlanDocument, form: str) -> None:
    """Print a plan or a comparison."""
    if form == "table":
        for line in plans.lines(found, width=console.width, paint=console.paint):
            console.answer(line)
    else:
        console.answer(forms.plan(found, form))


def code(found: PlanDocument) -> int:
    """0 nothing would change, 1 something would, 5 part of it is refused."""
    if plans.refused(found):
        return 5
    return 1 if plans.writes(found) else 0
