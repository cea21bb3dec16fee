"""What a command gets from the program around it: the global options, the console, the known secrets."""

from __future__ import annotations

import os
from dataclasses import dataclass, field, replace
from typing import Any

import click

from gitops import errors
from gitops.report.redact import Redactor
from gitops_cli._console import Console


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The global options; empty means: as the kubeconfig, or the terminal, says."""

    kubeconfig: str = ""
    context: str = ""
    namespace: str = ""
    quiet: bool = False
    verbose: int = 0
    color: str = "auto"
    no_input: bool = False
    traceback: bool = False


@dataclass(slots=True)
class Shell:
    """The object of every click context. `redactor` masks what commands add to it in everything that is printed."""

    settings: Settings = field(default_factory=Settings)
    redactor: Redactor = field(default_factory=Redactor)
    source: Any = None
    """A `gitops.source.Tree`, once a command has one: errors then show the line they are about."""

    def set(self, name: str, value: Any) -> None:
        """Take a global option."""
        self.settings = replace(self.settings, **{name: value})

    def text(self, file: str) -> str | None:
        """The text of a file of the tree at hand, to be quoted; None without a tree, or if it cannot be read."""
        if self.source is None:
            return None
        try:
            content: bytes = self.source.read(file)
        except errors.GitOpsError:
            return None
        return content.decode("utf-8", "replace")

    @property
    def console(self) -> Console:
        """The console as the global options want it."""
        return Console(
            redactor=self.redactor,
            color=self.settings.color,
            quiet=self.settings.quiet,
            verbose=self.settings.verbose,
            no_input=self.settings.no_input,
            environment=os.environ,
        )


def of(context: click.Context) -> Shell:
    """The shell of a context."""
    return context.ensure_object(Shell)
