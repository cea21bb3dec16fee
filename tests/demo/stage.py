"""What the acts stand on: narration, commands as a user types them, a repository with commits."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TypeVar

from tests.cluster.cluster import Cluster

Found = TypeVar("Found")
ROOT = Path(__file__).resolve().parents[2]


class DemoError(Exception):
    """Something did not happen as the demo promised."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    """A finished command."""

    code: int
    output: str
    progress: str


def say(text: str) -> None:
    """Narrate."""
    colour = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    sys.stdout.write(f"\033[1m{text}\033[0m\n" if colour else f"{text}\n")
    sys.stdout.flush()


def act(title: str, explanation: str) -> None:
    """Begin an act."""
    say(f"\n── {title} " + "─" * max(4, 90 - len(title)))
    sys.stdout.write(f"{explanation}\n\n")
    sys.stdout.flush()


def until(what: str, look: Callable[[], Found | None], seconds: float = 120.0) -> Found:
    """Wait for something that really happens; fail by name if it does not."""
    deadline = time.monotonic() + seconds
    while (found := look()) is None:
        if time.monotonic() > deadline:
            raise DemoError(f"after {seconds:.0f} s still not true: {what}")
        time.sleep(0.5)
    return found


@dataclass(slots=True, kw_only=True)
class Stage:
    """A cluster, a user of it, a clone of the configuration repository."""

    cluster: Cluster
    kubeconfig: Path
    user: str
    clone: Path
    home: Path
    environment: dict[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.environment = {
            **os.environ,
            "KUBECONFIG": str(self.kubeconfig),
            "GITOPS_CACHE": str(self.home / "cache"),
            "GIT_SSL_CAINFO": str(self.cluster.git.ca_file),
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cmd")]),
        }

    def gitops(self, *arguments: str, expect: Sequence[int] = (0,), quiet: bool = False) -> Ran:
        """Type a gitops command; its answer is shown, its exit code must be one of those expected."""
        say(f"$ gitops {' '.join(_quoted(one) for one in arguments)}")
        ran = self._run([sys.executable, "-m", "gitops_cli", *arguments])
        if not quiet:
            _show(ran.output)
            _show(ran.progress)
        sys.stdout.write(f"(exit {ran.code})\n\n")
        sys.stdout.flush()
        if ran.code not in expect:
            raise DemoError(f"gitops {arguments[0]} ended with {ran.code}, expected {list(expect)}\n{ran.progress}")
        return ran

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        """Type a gitops command that runs beside others."""
        say(f"$ gitops {' '.join(_quoted(one) for one in arguments)} &")
        return subprocess.Popen(
            [sys.executable, "-m", "gitops_cli", *arguments],
            env=self.environment,
            cwd=self.clone,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )

    def kubectl(self, *arguments: str, show: bool = True) -> str:
        """Type a kubectl command."""
        if show:
            say(f"$ kubectl {' '.join(_quoted(one) for one in arguments)}")
        output = self.cluster.kubectl(*arguments, user=self.kubeconfig)
        if show:
            _show(output)
            sys.stdout.write("\n")
        return output

    def git(self, *arguments: str) -> str:
        """Run git in the clone."""
        ran = self._run(["git", *arguments])
        if ran.code:
            raise DemoError(f"git {' '.join(arguments)}: {ran.progress}")
        return ran.output.strip()

    def commit(self, message: str) -> str:
        """Commit everything and push; returns the commit."""
        self.git("add", "--all")
        self.git("commit", "--quiet", "--message", message)
        self.git("push", "--quiet", "origin", "main")
        say(f"$ git commit -m {_quoted(message.splitlines()[0])} && git push")
        _show(self.git("show", "--stat", "--format=%h %s", "HEAD"))
        sys.stdout.write("\n")
        return self.git("rev-parse", "HEAD")

    def _run(self, command: Sequence[str]) -> Ran:
        done = subprocess.run(
            command, env=self.environment, cwd=self.clone, capture_output=True, text=True, timeout=600, check=False
        )
        return Ran(code=done.returncode, output=done.stdout, progress=done.stderr)


def _quoted(argument: str) -> str:
    plain = argument and all(one.isalnum() or one in "-_./=:@,{}" for one in argument)
    return argument if plain else f"'{argument}'"


def _show(text: str) -> None:
    for line in text.rstrip("\n").splitlines():
        sys.stdout.write(f"  {line}\n")
