"""A repository to test with: something to push to, and the port that reads it."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

from gitops.git import site
from gitops.git.mirror import Mirror
from gitops.ports.repository import Repository
from gitops.source import Revision
from gitops.testing.repository import MemoryRepository

IDENTITY = {
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.com",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.com",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
}


class Hosted(Protocol):
    """A server's side of a repository, and `repository`, ours."""

    @property
    def repository(self) -> Repository: ...

    def push(
        self, files: Mapping[str, bytes], *, branch: str = "main", message: str = "change", force: bool = False
    ) -> Revision: ...

    def tag(self, name: str, revision: Revision) -> None: ...

    def delete(self, branch: str) -> None: ...


class Memory(MemoryRepository):
    """The fake, which is both sides."""

    @property
    def repository(self) -> Repository:
        return self


def git(*arguments: str | Path, cwd: Path, stdin: bytes | None = None) -> str:
    """Run git, free of this machine's configuration."""
    done = subprocess.run(
        ["git", *arguments], cwd=cwd, input=stdin, check=True, capture_output=True, env={**os.environ, **IDENTITY}
    )
    return done.stdout.decode().strip()


class Bare:
    """A bare repository on disk, written with git itself, and read through a mirror."""

    def __init__(self, path: Path, repository: Mirror) -> None:
        self.path = path
        self.repository = repository

    def push(
        self, files: Mapping[str, bytes], *, branch: str = "main", message: str = "change", force: bool = False
    ) -> Revision:
        git("read-tree", "--empty", cwd=self.path)
        for name, content in files.items():
            blob = git("hash-object", "-w", "--stdin", cwd=self.path, stdin=content)
            git("update-index", "--add", "--cacheinfo", f"100644,{blob},{name}", cwd=self.path)
        tree = git("write-tree", cwd=self.path)
        heads = git("for-each-ref", "--format=%(objectname)", f"refs/heads/{branch}", cwd=self.path)
        parents = ["-p", heads] if heads and not force else []
        commit = git("commit-tree", tree, *parents, "-F", "-", cwd=self.path, stdin=message.encode())
        git("update-ref", f"refs/heads/{branch}", commit, cwd=self.path)
        return Revision(commit=commit, reference=branch)

    def tag(self, name: str, revision: Revision) -> None:
        git("tag", "--annotate", "--message=a tag", name, revision.commit, cwd=self.path)

    def delete(self, branch: str) -> None:
        git("update-ref", "-d", f"refs/heads/{branch}", cwd=self.path)


def on_disk(directory: Path) -> Bare:
    """A repository reached over file://."""
    path = directory / "server.git"
    git("init", "--quiet", "--bare", "--initial-branch=main", path, cwd=directory)
    return Bare(path, Mirror(directory / "mirrors", site.site(f"file://{path}")))
