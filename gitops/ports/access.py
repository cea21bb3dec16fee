"""What the account this program runs under may do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Ask:
    """One act: `verb` on `plural` (`pods`, `pods/log`) of `group`, in a namespace (empty: all), on one name or any."""

    verb: str
    plural: str
    group: str = ""
    namespace: str = ""
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """The authorizer's answer; `reason` names the binding that allows, or is what it said of a refusal."""

    allowed: bool
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule of the account in a namespace: every verb on every resource of every group, for the names, if any."""

    verbs: Sequence[str]
    groups: Sequence[str]
    resources: Sequence[str]
    names: Sequence[str] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """All rules the authorizer can list; `incomplete` if it knows others that it cannot."""

    rules: Sequence[Rule]
    incomplete: bool = False


class Access(Protocol):
    """Questions to the authorizer about ourselves. Raise `ClusterUnavailable` and `ClusterDenied`."""

    async def may(self, ask: Ask) -> Verdict:
        """Whether the account may do this."""
        ...

    async def rules(self, namespace: str) -> Rules:
        """What the account may do in a namespace."""
        ...

    async def whoami(self) -> tuple[str, Sequence[str]]:
        """The user name and groups the server knows us by."""
        ...
