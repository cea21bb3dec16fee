"""`gitops pool`: the pools of a configuration. Its verbs are modules of their own, loaded when they run."""

from __future__ import annotations

from gitops_cli import _lazy

SECTIONS: _lazy.Sections = {
    "Commands": {
        "add": ("gitops_cli.pool_add", "Write a new pool into an overlay, and let its worker serve it"),
        "list": ("gitops_cli.pool_list", "List pools, and what runs and waits in each"),
        "top": ("gitops_cli.pool_top", "Show what the operations of pools used, by step"),
        "recommend": ("gitops_cli.pool_recommend", "Propose requests from what was used; commit them on a branch"),
    },
}

command = _lazy.LazyGroup(
    name="pool",
    help="Pools: add one to a configuration, list them, see what operations use, fit the requests to it.",
    sections=SECTIONS,
)
