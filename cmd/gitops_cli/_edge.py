"""The edge of the program: every exception becomes a message and an exit code here, once.

    0 done · 1 the answer is no · 2 usage or configuration · 3 unreachable · 4 denied · 5 refused · 70 our fault ·
    124 timed out · 130 interrupted · 143 terminated

Python's own exit code for an exception is 1, the same as "there are differences", so nothing may pass by here.
"""

from __future__ import annotations

import gc
import itertools
import os
import signal
import sys
from collections.abc import Coroutine
from contextlib import suppress
from pathlib import Path
from types import FrameType
from typing import Any, NoReturn

import click

from gitops import __version__, errors
from gitops_cli import _errors
from gitops_cli._shell import Shell

USAGE = 2
BUG = 70
INTERRUPTED = 130
TERMINATED = 143
LOOK_OFTEN = gc.get_threshold()
LOOK_RARELY = (200_000, 20, 20)
"""For the collector of cycles. A command builds thousands of objects that live to its end and makes hardly a cycle:
with Python's own thresholds a seventh of its processor time went into looking."""


class Terminated(BaseException):
    """SIGTERM arrived."""


class Overtime(BaseException):
    """SIGXCPU arrived: this process may not run for longer."""


class UsageFailed(errors.GitOpsError):
    """The command line cannot be understood."""

    reason = "Usage"


class Bug(errors.GitOpsError):
    """A fault of this program."""

    reason = "Bug"
    exit_code = BUG


def run(group: click.Group, argv: list[str]) -> int:
    """Run the command line; returns the exit code."""
    gc.set_threshold(*LOOK_RARELY)
    shell = Shell()
    name = "kubectl gitops" if Path(argv[0]).name == "kubectl-gitops" else "gitops"
    signal.signal(signal.SIGTERM, _terminate)
    signal.signal(signal.SIGXCPU, _overrun)
    try:
        code = _completed(group, name) if "_GITOPS_COMPLETE" in os.environ else _invoke(group, name, argv, shell)
        sys.stdout.flush()
    except BrokenPipeError:
        return _hushed()
    except (KeyboardInterrupt, click.Abort) as error:
        return _stopped(error)
    except Terminated:
        return TERMINATED
    except BaseException as error:  # noqa: BLE001  # the edge
        code = _failed(error, argv, shell)
    # All is said: leaving memory may take a moment longer than the limit.
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    return code


def _invoke(group: click.Group, name: str, argv: list[str], shell: Shell) -> int:
    try:
        with group.make_context(name, argv[1:], obj=shell) as context:
            result = group.invoke(context)
    except click.exceptions.Exit as error:
        return int(error.exit_code)
    except click.exceptions.NoArgsIsHelpError as error:
        shell.console.complain(error.format_message())
        return USAGE
    return result if isinstance(result, int) else 0


def _completed(group: click.Group, name: str) -> int:
    from click.shell_completion import shell_complete  # only when a shell asks

    return shell_complete(group, {}, name, "_GITOPS_COMPLETE", os.environ["_GITOPS_COMPLETE"])


def start(main: Coroutine[Any, Any, int], *, lasting: bool = False) -> int:
    """Run a command's coroutine to its end; SIGTERM and SIGINT cancel it, and it may clean up.

    `lasting`: it may go on for hours or months, so cycles are collected as often as Python does by itself.
    """
    import asyncio  # 60 ms that commands without a cluster do not pay

    if lasting:
        gc.set_threshold(*LOOK_OFTEN)

    async def supervised() -> int:
        task = asyncio.ensure_future(main)
        loop = asyncio.get_running_loop()
        ended = False

        def end() -> None:
            nonlocal ended
            ended = True
            task.cancel()

        loop.add_signal_handler(signal.SIGTERM, end)
        try:
            return await task
        except asyncio.CancelledError:
            if ended:
                raise Terminated from None
            raise
        finally:
            loop.remove_signal_handler(signal.SIGTERM)

    try:
        return asyncio.run(supervised())
    finally:
        signal.signal(signal.SIGTERM, _terminate)


def _overrun(_number: int, _frame: FrameType | None) -> NoReturn:
    # The limit is that of the whole process: what it takes to say so comes after it.
    signal.signal(signal.SIGXCPU, signal.SIG_IGN)
    raise Overtime


def _terminate(_number: int, _frame: FrameType | None) -> NoReturn:
    raise Terminated


def _hushed() -> int:
    """Whoever read our output has read enough."""
    with suppress(OSError):
        # Python flushes stdout again when it exits, and would complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _stopped(error: BaseException) -> int:
    with suppress(OSError):
        sys.stderr.write("\n" if isinstance(error, KeyboardInterrupt) else "")
    interrupted = isinstance(error, KeyboardInterrupt) or isinstance(error.__cause__, KeyboardInterrupt)
    return INTERRUPTED if interrupted else USAGE


def _failed(error: BaseException, argv: list[str], shell: Shell) -> int:
    told = _told(error, argv, shell)
    with suppress(BrokenPipeError):
        if shell.settings.traceback:
            shell.console.complain(_trace(error))
        if wants_json(argv):
            shell.console.complain(_errors.as_json(told))
        else:
            shell.console.complain(_colored(_errors.render(told, shell.text, width=shell.console.width), shell))
    return told.exit_code


def _told(error: BaseException, argv: list[str], shell: Shell) -> errors.GitOpsError:
    match error:
        case errors.GitOpsError():
            return error
        case click.UsageError():
            return _usage(error)
        case click.ClickException():
            return UsageFailed(error.format_message())
        case Overtime():
            return errors.TimedOut(
                "this takes more processor time than the process may have",
                hint="is the configuration far too large? The limit is that of `ulimit -t`",
            )
        case MemoryError():
            return errors.ConfigError(
                "this needs more memory than the process may have",
                hint="is the configuration far too large? The limit is that of `ulimit -v`, or of the container",
            )
        case BaseExceptionGroup():
            inner = [_told(each, argv, shell) for each in error.exceptions]
            return inner[0] if len(inner) == 1 else errors.SeveralErrors(inner)
        case _:
            return _bug(error, argv, shell)


def _usage(error: click.UsageError) -> errors.GitOpsError:
    path = error.ctx.command_path if error.ctx else "gitops"
    return UsageFailed(error.format_message(), hint=f"{path} --help")


def _bug(error: BaseException, argv: list[str], shell: Shell) -> Bug:
    """Tell a fault of ours, with everything needed to mend it in a file; the words are redacted like all others."""
    report = "\n".join(
        [
            f"gitops {__version__}, Python {sys.version}",
            f"command: {' '.join(argv[1:2])} (its arguments are not recorded)",
            "",
            _trace(error),
        ]
    )
    return Bug(
        "this is a fault of gitops itself",
        cause=f"{type(error).__name__}: {error}",
        hint=f"please report it, with the file {_saved(shell.redactor.clean(report))}",
    )


def _trace(error: BaseException) -> str:
    import traceback  # this and the imports below are for failures only

    return "".join(traceback.format_exception(error)).rstrip()


def _saved(report: str) -> str:
    import tempfile
    import time

    try:
        descriptor, path = tempfile.mkstemp(prefix=time.strftime("gitops-report-%Y%m%d-%H%M%S-"), suffix=".txt")
        with os.fdopen(descriptor, "w", errors="replace") as file:
            file.write(report)
    except OSError as error:
        return f"(not written: {error.strerror})"
    return path


def wants_json(argv: list[str]) -> bool:
    """Whether `-o json` was asked for; read from the arguments, for the failure may have come before their parsing."""
    before = argv[: argv.index("--")] if "--" in argv else argv
    given = [
        word.removeprefix("--output=").removeprefix("-o") for word in before if word.startswith(("--output=", "-o"))
    ]
    given += [after for word, after in itertools.pairwise(before) if word in {"-o", "--output"}]
    return "json" in given


def _colored(text: str, shell: Shell) -> str:
    """Red for the word error, bold for what failed; the rest as it is."""
    lines = []
    for line in text.split("\n"):
        if line.startswith("error["):
            head, _, rest = line.partition(": ")
            paint = shell.console.paint
            lines.append(f"{paint(head, 'red', 'bold', error=True)}: {paint(rest, 'bold', error=True)}")
        else:
            lines.append(line)
    return "\n".join(lines)
