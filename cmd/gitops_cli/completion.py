"""`gitops completion SHELL`: the script that teaches a shell our verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class

from gitops_cli import _shell

EPILOG = """\
\b
Examples:
  gitops completion bash > /etc/bash_completion.d/gitops
  gitops completion zsh > "${fpath[1]}/_gitops"
  gitops completion fish > ~/.config/fish/completions/gitops.fish
"""


@click.command(help="Print the completion script of a shell.", epilog=EPILOG)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(context: click.Context, shell: str) -> None:
    """Print the script."""
    made = get_completion_class(shell)
    if made is None:
        raise click.UsageError(f"no completion for {shell}")
    _shell.of(context).console.answer(made(context.find_root().command, {}, "gitops", "_GITOPS_COMPLETE").source())
