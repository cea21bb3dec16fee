"""`gitops operation`: scripts on a pool. Its verbs are modules of their own, loaded when they run."""

from __future__ import annotations

from gitops_cli import _lazy

SECTIONS: _lazy.Sections = {
    "Commands": {
        "run": ("gitops_cli.operation_run", "Run a script, or a command, on a pool"),
        "list": ("gitops_cli.operation_list", "List operations and where they stand"),
        "logs": ("gitops_cli.operation_logs", "Print what an operation wrote"),
        "cancel": ("gitops_cli.operation_cancel", "Cancel an operation"),
    },
}

command = _lazy.LazyGroup(
    name="operation",
    help="Run scripts on a pool, one pod for each; list them, read their logs, cancel them.",
    sections=SECTIONS,
)
