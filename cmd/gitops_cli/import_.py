"""`gitops import`: configuration of other workers as ours. Its verbs are modules of their own, loaded when they run."""

from __future__ import annotations

from gitops_cli import _lazy

SECTIONS: _lazy.Sections = {
    "Commands": {
        "helm": ("gitops_cli.import_helm", "Values of the Octopus kubernetes-agent chart"),
    },
}

command = _lazy.LazyGroup(
    name="import",
    help="Turn another worker's configuration into our kinds, and say what became of every setting.",
    sections=SECTIONS,
)
