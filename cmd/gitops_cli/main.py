"""The entry point: which commands there are, where they live, and nothing else.

A command's module is imported when the command runs; its one line of help stands here, so `gitops --help` imports none.
"""

from __future__ import annotations

import sys

import click

from gitops import __version__
from gitops_cli import _edge, _global, _lazy

SECTIONS: _lazy.Sections = {
    "Look": {
        "build": ("gitops_cli.build", "Render a directory, or a commit, to Kubernetes objects"),
        "plan": ("gitops_cli.plan", "Show what would change, as JSON Patches"),
        "drift": ("gitops_cli.drift", "Show how the cluster differs from what was applied, and who did it"),
    },
    "Change": {
        "apply": ("gitops_cli.apply", "Carry out a saved plan: exactly what was reviewed, or nothing"),
        "sync": ("gitops_cli.sync", "Make the cluster what Git says"),
        "install": ("gitops_cli.install", "Install an overlay and let the cluster follow its repository"),
    },
    "Serve": {
        "run": ("gitops_cli.run", "Run the reconciler and the worker (in the cluster)"),
    },
    "Work": {
        "operation": ("gitops_cli.operation", "Run scripts on a pool; list, cancel, read logs"),
    },
    "Help": {
        "completion": ("gitops_cli.completion", "Print the completion script of a shell"),
    },
}

EPILOG = """\
\b
Exit codes: 0 done, or no difference; 1 the answer is no (differences, drift, a failed operation);
2 usage or configuration; 3 Git or cluster not reachable; 4 denied; 5 refused by a guard;
70 a fault of this program; 124 timed out; 130, 143 interrupted.
"""


def _version(context: click.Context, _parameter: click.Parameter, value: bool) -> None:  # noqa: FBT001  # click's
    if value and not context.resilient_parsing:
        click.echo(f"gitops {__version__}")
        context.exit()


def group() -> click.Group:
    """The command tree."""
    return _lazy.LazyGroup(
        name="gitops",
        help="A CI/CD worker for Kubernetes, configured by commits.",
        epilog=EPILOG,
        sections=SECTIONS,
        params=[
            *_global.options(),
            click.Option(
                ["--version"],
                is_flag=True,
                is_eager=True,
                expose_value=False,
                callback=_version,
                help="Print the version.",
            ),
        ],
    )


def main() -> None:
    """Run the program; ends the process with its exit code."""
    sys.exit(_edge.run(group(), sys.argv))
