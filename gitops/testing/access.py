"""The Access port in memory."""

from __future__ import annotations

from collections.abc import Sequence

from gitops.ports.access import Ask, Rule, Rules, Verdict

_ALL = Rule(verbs=("*",), groups=("*",), resources=("*",))


class FakeAccess:
    """An account with these rules in every namespace; by default it may do everything."""

    def __init__(self, *rules: Rule, user: str = "system:serviceaccount:test:test", groups: Sequence[str] = ()) -> None:
        self.granted: list[Rule] = list(rules) or [_ALL]
        self.asked: list[Ask] = []
        self._user = (user, tuple(groups))

    async def may(self, ask: Ask) -> Verdict:
        """See `gitops.ports.access.Access`."""
        self.asked.append(ask)
        return Verdict(allowed=any(_covers(rule, ask) for rule in self.granted))

    async def rules(self, namespace: str) -> Rules:  # noqa: ARG002 - the same everywhere
        """See `gitops.ports.access.Access`."""
        return Rules(rules=tuple(self.granted))

    async def whoami(self) -> tuple[str, Sequence[str]]:
        """See `gitops.ports.access.Access`."""
        return self._user


def _covers(rule: Rule, ask: Ask) -> bool:
    wanted = ((rule.verbs, ask.verb), (rule.groups, ask.group), (rule.resources, ask.plural))
    named = not rule.names or ask.name in rule.names
    return named and all("*" in allowed or one in allowed for allowed, one in wanted)
