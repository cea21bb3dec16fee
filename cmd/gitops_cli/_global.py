"""Options every command has, before the verb and behind it; the one behind wins."""

from __future__ import annotations

from typing import Any

import click

from gitops_cli._shell import Shell


def _store(context: click.Context, parameter: click.Parameter, value: Any) -> None:
    # An option that was not given must not undo the one given before the verb.
    if parameter.name and value not in {None, False}:
        context.ensure_object(Shell).set(parameter.name, value)


def _option(*names: str, **rest: Any) -> click.Option:
    return click.Option(list(names), expose_value=False, callback=_store, **rest)


def options(*, hidden: bool = False) -> list[click.Parameter]:
    """The global options, made anew: click options belong to one command."""
    return [
        _option("--kubeconfig", metavar="FILE", hidden=hidden, help="Kubeconfig to use.  [env: KUBECONFIG]"),
        _option("--context", metavar="NAME", hidden=hidden, help="Context of the kubeconfig."),
        _option("-n", "--namespace", metavar="NAME", hidden=hidden, help="Namespace; default: the context's."),
        _option("-q", "--quiet", is_flag=True, hidden=hidden, help="Print answers and errors only."),
        _option("-v", "--verbose", count=True, hidden=hidden, help="Say more; twice: say everything."),
        _option(
            "--color",
            type=click.Choice(["auto", "always", "never"]),
            hidden=hidden,
            help="Colour; default: auto, on a terminal.  [env: NO_COLOR, FORCE_COLOR]",
        ),
        _option("--no-input", is_flag=True, hidden=hidden, help="Never ask; a question is answered with no."),
        _option("--traceback", is_flag=True, hidden=hidden, help="Show where in the program an error was raised."),
    ]


def version(text: str) -> click.Option:
    """`--version` of the whole program."""

    def show(context: click.Context, _parameter: click.Parameter, value: Any) -> None:
        if value and not context.resilient_parsing:
            click.echo(text)
            context.exit()

    return click.Option(
        ["--version"], is_flag=True, is_eager=True, expose_value=False, callback=show, help="Print the version."
    )


def accept(command: click.Command) -> click.Command:
    """Let a command, and the commands below it, take the global options where it has none of that name."""
    if getattr(command, "takes_global_options", False):
        return command
    taken = {name for parameter in command.params for name in parameter.opts}
    command.params.extend(option for option in options(hidden=True) if not taken & set(option.opts))
    command.takes_global_options = True  # type: ignore[attr-defined]
    if isinstance(command, click.Group):
        for below in command.commands.values():
            accept(below)
    elif command.epilog is None:
        command.epilog = "Global options: see gitops --help."
    return command
