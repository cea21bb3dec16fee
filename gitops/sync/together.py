"""Requests that do not depend on each other, at the same time; their errors as one error."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Iterable
from typing import Any, TypeVar

from gitops import errors

Result = TypeVar("Result")


async def together(calls: Iterable[Coroutine[Any, Any, Result]]) -> list[Result]:
    """The results in the order of the calls; how many run at once is the client's affair.

    Raises:
        GitOpsError: what a call raised; SeveralErrors if more than one did before the others were cancelled.
    """
    try:
        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(call) for call in calls]
    except BaseExceptionGroup as raised:
        expected, bugs = raised.split(errors.GitOpsError)
        if bugs is not None or expected is None:
            raise
        raise errors.flatten(expected) from raised
    return [task.result() for task in tasks]
