"""Staying with an operation to its end: where it stands, what it writes, its verdict."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import msgspec

from gitops import api, cluster, errors, yaml
from gitops.report import redact
from gitops_cli import _logs, _operations, _queue
from gitops_cli._shell import Shell

WAITING = 5.0
LONGEST = 60.0
"""Seconds from one look at the queue to the next: the first, and the most. Each lists all operations."""
SILENCE = 20.0
"""Seconds to wait for more of a log after its operation ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Company:
    """Who stays with what. Unless `output` is a name the log goes to stderr, for stdout has another answer."""

    shell: Shell
    connection: cluster.Cluster
    operation: api.Operation
    follow: bool
    output: str
    script_code: bool


class Readable:
    """The attempts that may have a log, each once, in order: an operation that is tried again writes another log."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[api.Operation | None] = asyncio.Queue()
        self._last = 0
        self.began = asyncio.Event()
        """It has left the queue, or will never leave it."""

    def see(self, operation: api.Operation) -> None:
        """A new state of the operation."""
        if operation.status.claim is not None or _operations.finished(operation):
            self.began.set()
        number = _operations.attempt(operation)
        if number > self._last and operation.status.phase in _logs.READABLE:
            self._last = number
            self._queue.put_nowait(operation)

    def end(self) -> None:
        """Nothing follows."""
        self._queue.put_nowait(None)

    async def next(self) -> api.Operation | None:
        """The operation in its next attempt, once that may have a log; None after the last one."""
        return await self._queue.get()


async def accompany(company: Company) -> int:
    """Say where it stands, print its log if it is followed, and give the exit code of its verdict."""
    shell, name = company.shell, company.operation.metadata.name
    shell.console.note(f"operation {name} created")
    readable, progress = Readable(), _logs.Progress()
    printer = asyncio.create_task(_log(company, readable, progress)) if company.follow else None
    waiting = asyncio.create_task(say_waits(company, readable))
    try:
        latest = await _states(company, readable)
        if printer is not None and latest is not None:
            await _drained(shell, printer, progress)
    except asyncio.CancelledError:
        shell.console.note(f"the operation goes on; to end it: gitops operation cancel {name}")
        raise
    finally:
        waiting.cancel()
        if printer is not None:
            printer.cancel()
    return _conclude(company, latest)


async def _states(company: Company, readable: Readable) -> api.Operation | None:
    """Say each new state; the last one, None if the operation was deleted."""
    said, latest = "", None
    async for latest in _operations.states(company.connection, company.operation):
        if latest is None:
            break
        stands = _operations.stands(latest)
        if stands != said:
            company.shell.console.note(f"operation {latest.metadata.name}: {stands}")
            said = stands
        readable.see(latest)
    readable.end()
    return latest


async def say_waits(company: Company, readable: Readable) -> None:
    """Say what it waits for while it waits, now and then: nobody writes that into its status."""
    said, pause = "", WAITING
    began = asyncio.create_task(readable.began.wait())
    try:
        while not (await asyncio.wait({began}, timeout=pause))[0]:
            pause = min(2 * pause, LONGEST)
            found = await _queue.wait(company.connection, company.operation)
            if found not in {"", said} and not readable.began.is_set():
                company.shell.console.note(f"operation {company.operation.metadata.name} waits: {redact.plain(found)}")
                said = found
    finally:
        began.cancel()


async def _log(company: Company, readable: Readable, progress: _logs.Progress) -> None:
    """Print each attempt's log; that one cannot be read is said at once and changes nothing about the verdict."""
    while (operation := await readable.next()) is not None:
        span = _logs.Span(follow=True, attempt=_operations.attempt(operation))
        try:
            await _logs.print_log(
                company.shell,
                company.connection,
                operation,
                span,
                progress=progress,
                to_answer=company.output == "name",
            )
        except errors.GitOpsError as error:
            company.shell.console.complain(f"the log cannot be followed: {redact.plain(str(error))}")


async def _drained(shell: Shell, printer: asyncio.Task[None], progress: _logs.Progress) -> None:
    """The rest of the log after the operation's end; a tunnel that went silent must not hold the verdict for ever."""
    before = -1
    while not printer.done() and progress.printed > before:
        before = progress.printed
        await asyncio.wait({printer}, timeout=SILENCE)
    if printer.done():
        await printer
    else:
        shell.console.complain("log incomplete: the connection to the worker went silent")


def _conclude(company: Company, operation: api.Operation | None) -> int:
    console = company.shell.console
    if operation is None:
        console.complain(f"operation {company.operation.metadata.name} was cancelled: it has been deleted")
        return 1
    if company.follow and _operations.log_gap(operation):
        console.complain(_operations.log_gap(operation))
    if company.output != "name":
        show(company.shell, operation, output=company.output)
    code = operation.status.exit_code
    return code if company.script_code and code is not None else _operations.verdict(operation)


def show(shell: Shell, operation: api.Operation, *, output: str) -> None:
    """Print the operation as data, or its name."""
    if output == "json":
        shell.console.answer(msgspec.json.format(msgspec.json.encode(operation), indent=2).decode())
    elif output == "yaml":
        shell.console.answer(yaml.dump_all([msgspec.to_builtins(operation)]).rstrip("\n"))
    else:
        shell.console.answer(f"{_operations.REFERENCE}/{operation.metadata.name}")
