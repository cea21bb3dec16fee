"""The runner's command line and the script's environment."""

from __future__ import annotations

from typing import Any, Final

from gitops import api
from gitops.api import duration
from gitops.api.operation import EnvVar
from gitops.api.workerpool import WorkerPoolSpec

HOME: Final = "/opt/gitops"
RUNNER: Final = f"{HOME}/runner"
SCRIPT: Final = f"{HOME}/script"
SCRIPT_FILE: Final = "script"
SPOOL: Final = f"{HOME}/spool"
WORKSPACE: Final = "/workspace"

SPOOL_MIB: Final = 64
SPOOL_LIMIT_MIB: Final = 96
"""The kubelet evicts above this, so it stays clear of what the runner writes."""
WINDOW: Final = 512 * 1024
"""Half of what the smallest sensible kubelet keeps readable of a log (1 MiB a file)."""
LINGER: Final = 600
"""Seconds a pod with a long log waits for the worker before it ends by itself."""
AFTER_GRACE: Final = 10
"""Seconds between the runner's SIGKILL to the script and the kubelet's to the runner: time for the last lines."""


def grace(pool: WorkerPoolSpec) -> int:
    """Seconds between SIGTERM and SIGKILL."""
    return duration.seconds(pool.timeouts.grace)


def run_limit(operation: api.Operation, pool: api.WorkerPool) -> int:
    """Seconds the script may run."""
    return duration.seconds(operation.spec.timeout or pool.spec.timeouts.run)


def arguments(operation: api.Operation, pool: api.WorkerPool) -> list[str]:
    """The runner's options, then the interpreter, the script's path and its arguments."""
    options = {
        "--spool": SPOOL,
        "--spool-bytes": SPOOL_MIB * 1024 * 1024,
        "--window": WINDOW,
        "--linger": LINGER,
        "--grace": grace(pool.spec),
        "--timeout": run_limit(operation, pool),
    }
    found = [str(part) for option in options.items() for part in option]
    for variable in operation.spec.env:
        if variable.secret is not None:
            found += ["--mask", variable.name]
    interpreter = operation.spec.interpreter or ["/bin/sh"]
    line = [*interpreter, f"{SCRIPT}/{SCRIPT_FILE}", *operation.spec.arguments]
    return [*found, "--", *(literal(part) for part in line)]


def literal(text: str) -> str:
    """A text the kubelet leaves as it is: it would expand `$(NAME)` in arguments and values, and reads `$$` as `$`."""
    return text.replace("$", "$$")


def environment(operation: api.Operation) -> list[dict[str, Any]]:
    """The container's env: who we are, then what the operation asks for."""
    own = [{"name": "GITOPS_OPERATION", "value": operation.metadata.name}]
    return [*own, *(_variable(variable) for variable in operation.spec.env)]


def _variable(variable: EnvVar) -> dict[str, Any]:
    if variable.secret is not None:
        source = {"secretKeyRef": {"name": variable.secret.name, "key": variable.secret.key}}
        return {"name": variable.name, "valueFrom": source}
    if variable.config_map is not None:
        source = {"configMapKeyRef": {"name": variable.config_map.name, "key": variable.config_map.key}}
        return {"name": variable.name, "valueFrom": source}
    return {"name": variable.name, "value": literal(variable.value or "")}
