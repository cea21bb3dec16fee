"""A click group whose commands are named in a table and imported when they run."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import Any

import click

from gitops_cli import _global

Sections = Mapping[str, Mapping[str, tuple[str, str]]]
"""Heading → verb → (module, one line of help). The module holds `command`."""


class LazyGroup(click.Group):
    """Knows verb, module and one line of help of each command."""

    def __init__(self, *, sections: Sections, **rest: Any) -> None:
        super().__init__(**rest)
        self._sections = sections
        self._table = {verb: entry for section in sections.values() for verb, entry in section.items()}

    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002  # click's signature
        """All verbs, in the table's order."""
        return list(self._table)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002  # click's
        """Import a command; every command takes the global options too, so that they may stand behind the verb."""
        if cmd_name not in self._table:
            return None
        module, _ = self._table[cmd_name]
        command: click.Command = importlib.import_module(module).command
        return _global.accept(command)

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """Find the command, or say which one may have been meant (click looks only at commands already loaded)."""
        try:
            return super().resolve_command(ctx, args)
        except click.exceptions.NoSuchCommand as error:
            raise click.exceptions.NoSuchCommand(
                error.command_name, possibilities=self.list_commands(ctx), ctx=ctx
            ) from None

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:  # noqa: ARG002  # click's
        """The verbs by section, from the table."""
        for title, section in self._sections.items():
            with formatter.section(title):
                formatter.write_dl([(verb, line) for verb, (_, line) in section.items()])

    def shell_complete(self, ctx: click.Context, incomplete: str) -> list[Any]:
        """Complete verbs from the table, options as click does."""
        from click.shell_completion import CompletionItem  # only when a shell asks

        verbs = [
            CompletionItem(verb, help=line) for verb, (_, line) in self._table.items() if verb.startswith(incomplete)
        ]
        return verbs + click.Command.shell_complete(self, ctx, incomplete)
