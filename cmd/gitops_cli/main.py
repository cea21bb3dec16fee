"""The entry point: which commands there are, where they live, and nothing else.

A command's module is imported when the command runs; its one line of help stands here, so `gitops --help` imports none.
"""

from __future__ import annotations

import gc
import sys
from typing import TYPE_CHECKING

from gitops import __version__

if TYPE_CHECKING:
    import click

SECTIONS: dict[str, dict[str, tuple[str, str]]] = {
    "Configure": {
        "init": ("gitops_cli.init", "Write a configuration repository to start from"),
        "import": ("gitops_cli.import_", "Turn another worker's configuration into ours"),
        "pool": ("gitops_cli.pool", "Pools: add one, see what operations use, fit the requests to it"),
    },
    "Look": {
        "build": ("gitops_cli.build", "Render a directory, or a commit, to Kubernetes objects"),
        "lint": ("gitops_cli.lint", "Say everything that is wrong with a directory, or a commit, with its place"),
        "plan": ("gitops_cli.plan", "Show what would change, as JSON Patches"),
        "diff": ("gitops_cli.diff", "Show what would change, as a unified diff of the objects"),
        "compare": ("gitops_cli.compare", "Show how two overlays, or two commits of one, differ"),
        "rbac": ("gitops_cli.rbac", "Show what each account may do, before and after"),
        "drift": ("gitops_cli.drift", "Show how the cluster differs from what was applied, and who did it"),
        "status": ("gitops_cli.status", "Show where a GitSync stands: revision, pending commits, drift, health"),
        "wait": ("gitops_cli.wait", "Wait until a GitSync or an object is ready, healthy, synced or deleted"),
        "trace": ("gitops_cli.trace", "Show which line of which commit set a field, and what changed it after"),
        "doctor": ("gitops_cli.doctor", "Find out what keeps operations from running, and what to do"),
        "history": ("gitops_cli.history", "Show which revisions were applied, when, by whom"),
    },
    "Change": {
        "apply": ("gitops_cli.apply", "Carry out a saved plan: exactly what was reviewed, or nothing"),
        "sync": ("gitops_cli.sync", "Make the cluster what Git says"),
        "rollback": ("gitops_cli.rollback", "Go back to an earlier revision, and stay there until a newer commit"),
        "suspend": ("gitops_cli.suspend", "Let the reconciler do nothing for a while"),
        "resume": ("gitops_cli.resume", "Let it go on"),
        "install": ("gitops_cli.install", "Install an overlay and let the cluster follow its repository"),
        "uninstall": ("gitops_cli.uninstall", "Remove a GitSync and everything it owns"),
    },
    "Serve": {
        "run": ("gitops_cli.run", "Run the reconciler and the worker (in the cluster)"),
    },
    "Work": {
        "operation": ("gitops_cli.operation", "Run scripts on a pool; list, cancel, read logs"),
    },
    "Help": {
        "explain": ("gitops_cli.explain", "Say what a field, a finding's code or a reason means"),
        "schema": ("gitops_cli.schema", "Print JSON Schemas of our kinds, or their CustomResourceDefinitions"),
        "completion": ("gitops_cli.completion", "Print the completion script of a shell"),
    },
}

EPILOG = """\
\b
Exit codes: 0 done, or no difference; 1 the answer is no (differences, drift, a failed operation);
2 usage or configuration; 3 Git or cluster not reachable; 4 denied; 5 refused by a guard;
70 a fault of this program; 124 timed out; 130, 143 interrupted.
"""


VERSION = f"gitops {__version__}"


def group() -> click.Group:
    """The command tree."""
    from gitops_cli import _global, _lazy  # see main

    return _lazy.LazyGroup(
        name="gitops",
        help="A CI/CD worker for Kubernetes, configured by commits.",
        epilog=EPILOG,
        sections=SECTIONS,
        params=[
            *_global.options(),
            _global.version(VERSION),
        ],
    )


def main() -> None:
    """Run the program; ends the process with its exit code."""
    if sys.argv[1:] == ["--version"]:
        # Asked by scripts, often: it need not wait 50 ms for the rest.
        sys.stdout.write(f"{VERSION}\n")
        return
    from gitops_cli import _edge

    code = _edge.run(group(), sys.argv)
    # What is left goes with the process: Python need not look through all of it for cycles first.
    gc.freeze()
    sys.exit(code)
