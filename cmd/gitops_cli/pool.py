"""`gitops pool`: the pools of a configuration. Its verbs are modules of their own, loaded when they run."""

from __future__ import annotations

from gitops_cli import _lazy

SECTIONS: _lazy.Sections = {
    "Commands": {
        "add": ("gitops_cli.pool_add", "Write a new pool into an overlay, and let its worker serve it"),
    },
}

command = _lazy.LazyGroup(name="pool", help="Work on the pools of a configuration.", sections=SECTIONS)
