"""`gitops explain`: what a field, a finding's code, or a reason means. Offline, from what the program itself knows."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterator

from gitops import errors
from gitops.lint import codes, structure
from gitops.lint.code import Code
from gitops.report import fields, reasons

_WIDTH = 100
_TOPICS = "name a field (workerpool.spec.image), a finding's code (GW301) or a reason (QueueTimeout)"


def lines(topic: str) -> list[str]:
    """What there is to say of a topic.

    Raises:
        ConfigError: nothing is known of it; the hint has the nearest that is.
    """
    found = [
        *(list(code(one)) for one in [codes.find(topic)] if one is not None),
        *(list(_error(one)) for one in kinds_of_error() if one.reason.lower() == topic.lower()),
        *(list(_reason(one)) for one in reasons.ALL if one.name.lower() == topic.lower()),
    ]
    if not found and fields.kind_of(topic.partition(".")[0]) is not None:
        found = [list(fields.lines(fields.find(topic)))]
    if not found:
        near = structure.nearest(topic, known(topic))
        # Without a near miss the hint would be every word there is.
        hint = near if near.startswith("did you mean") else _TOPICS
        raise errors.ConfigError(f"nothing is known of {topic!r}", hint=hint)
    return [line for index, part in enumerate(found) for line in ([""] if index else []) + part]


def known(topic: str) -> list[str]:
    """What the topic may have been meant to be: fields if it looks like one, else everything else."""
    if "." in topic:
        first, _, rest = topic.partition(".")
        near = structure.nearest(first, fields.names())
        return [f"{name}.{rest}" for name in fields.names() if name in near] or fields.names()
    named = [one.name for one in reasons.ALL] + [one.reason for one in kinds_of_error()]
    return [*(one.code for one in codes.ALL), *(one.name for one in codes.ALL), *named, *fields.names()]


def kinds_of_error() -> list[type[errors.GitOpsError]]:
    """Every error with a reason of its own, in the order of the tree."""
    found: dict[str, type[errors.GitOpsError]] = {}
    pending: list[type[errors.GitOpsError]] = [errors.GitOpsError]
    while pending:
        one = pending.pop(0)
        found.setdefault(one.reason, one)
        pending = [*one.__subclasses__(), *pending]
    return list(found.values())


def code(one: Code) -> Iterator[str]:
    """A finding's code."""
    yield f"{one.code} {one.name}  ({one.severity})"
    yield ""
    yield from _wrapped(one.summary)
    yield from _wrapped(one.why)
    for title, text in (("Wrong", one.wrong), ("Right", one.right)):
        yield ""
        yield f"{title}:"
        yield from (f"  {line}" for line in text.splitlines())
    yield ""
    yield f"--fix: {one.fixed}" if one.fixed else "--fix leaves it to a person."
    yield f"To excuse one line: # gitops-lint: ignore={one.code} REASON"


def _error(kind: type[errors.GitOpsError]) -> Iterator[str]:
    again = "tried again by itself" if kind.retry else "not tried again by itself"
    yield f"{kind.reason}  (error, exit code {kind.exit_code}, {again})"
    yield ""
    yield from (f"  {line}".rstrip() for line in inspect.cleandoc(kind.__doc__ or "").splitlines())


def _reason(one: reasons.Reason) -> Iterator[str]:
    yield f"{one.name}  (reason of {one.of})"
    yield ""
    yield from _wrapped(one.meaning)
    if one.todo:
        yield from _wrapped(f"What to try: {one.todo}")


def _wrapped(text: str) -> list[str]:
    return textwrap.wrap(text, width=_WIDTH, initial_indent="  ", subsequent_indent="  ", break_long_words=False)
