"""Rights for people: who gains and loses what, what is dangerous about it, and whether we may give it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from gitops.api.plan import AccountRights, PlannedRight, RightsReport
from gitops.report import redact, values


def lines(
    accounts: Sequence[AccountRights], *, kept: bool = True, paint: values.Paint = values.unpainted
) -> Iterator[str]:
    """The rights of each account line by line: gained, lost, and those it keeps, or only how many these are."""
    yield paint("Rights", "bold")
    for account in accounts:
        yield f"  {redact.plain(account.account)}"
        for sign, color, found in (
            ("+", "green", account.gained),
            ("-", "red", account.lost),
            (" ", "dim", account.kept if kept else ()),
        ):
            for one in found:
                flag = f"  {paint(f'! {one.escalation}', 'red')}" if one.escalation else ""
                yield f"    {paint(f'{sign} {text(one)}', color)}{flag}"
        if account.kept and not kept:
            yield paint(f"      {len(account.kept)} unchanged", "dim")
        if account.grantable == "no":
            yield f"    {paint('may not be granted by this account', 'red')}: {redact.plain(account.refusal)}"
        elif account.grantable == "unknown":
            yield "    whether this account may grant it is not verified"


def full(report: RightsReport, *, paint: values.Paint = values.unpainted) -> Iterator[str]:
    """A report of rights line by line."""
    if report.accounts:
        yield from lines(report.accounts, paint=paint)
    else:
        yield "no account has rights by this configuration"
    for role in report.unknown:
        yield f"  {redact.plain(role)} is bound, but could not be read: its rights are missing above"


def text(one: PlannedRight) -> str:
    """`get, list secrets in shop`."""
    resource = f"{one.resource}.{one.group}" if one.group and one.group != "(url)" else one.resource
    named = f" {', '.join(one.names)}" if one.names else ""
    where = f" in {one.scope}" if one.scope else " in the whole cluster"
    return redact.plain(f"{', '.join(one.verbs)}  {resource}{named}{where}")
