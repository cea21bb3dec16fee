"""The runner's command line and the script's environment."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from gitops import api
from gitops.api import duration
from gitops.api.operation import EnvVar
from gitops.api.workerpool import WorkerPoolSpec
from gitops.objects import quantity
from gitops.pods import surroundings

HOME: Final = "/opt/gitops"
RUNNER: Final = f"{HOME}/runner"
SCRIPT: Final = f"{HOME}/script"
FILES_FILE: Final = "files"
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


@dataclass(frozen=True, slots=True, kw_only=True)
class Interpreter:
    """A command that gets the script's path as its next argument, and what the script's file is called."""

    command: tuple[str, ...]
    file: str = "script"


_NAMED: Final[Mapping[str, Interpreter]] = {
    "sh": Interpreter(command=("/bin/sh",)),
    "bash": Interpreter(command=("bash",)),
    # Unbuffered: a line is to be seen when it is printed.
    "python": Interpreter(command=("python3", "-u"), file="script.py"),
    # PowerShell runs a file only if it is called so.
    "pwsh": Interpreter(command=("pwsh", "-NoLogo", "-NoProfile", "-NonInteractive", "-File"), file="script.ps1"),
}


def interpreter(operation: api.Operation) -> Interpreter:
    """What runs the script: a name we know, else the command as it is written."""
    words = operation.spec.interpreter or ["sh"]
    if len(words) == 1 and words[0] in _NAMED:
        return _NAMED[words[0]]
    return Interpreter(command=tuple(words))


def arguments(operation: api.Operation, pool: api.WorkerPool) -> list[str]:
    """The runner's options, then the interpreter, the script's path and its arguments."""
    options = {
        "--spool": SPOOL,
        "--spool-bytes": SPOOL_MIB * 1024 * 1024,
        "--window": WINDOW,
        "--linger": LINGER,
        "--grace": grace(pool.spec),
        "--timeout": run_limit(operation, pool),
        "--docker-mark": f"{SPOOL}/docker-asked",
    }
    most = quantity.parse(pool.spec.logs.max_size)
    if most is not None:
        options["--log-limit"] = max(1, int(most))
    found = [str(part) for option in options.items() for part in option]
    hidden = [variable.name for variable in operation.spec.env if variable.secret is not None]
    for name in (*surroundings.masks(pool.spec), *hidden):
        found += ["--mask", name]
    if operation.spec.files:
        found += ["--files", f"{SCRIPT}/{FILES_FILE}"]
    for one in operation.spec.files_from:
        if one.secret is not None:
            found += ["--mask-directory", literal(f"{WORKSPACE}/{one.path}")]
    chosen = interpreter(operation)
    line = [*chosen.command, f"{SCRIPT}/{chosen.file}", *operation.spec.arguments]
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
