"""`PATH` and `PATH@REV` on the command line: a directory as it is on disk, or as it was in a commit.

pygit2 is imported only when a revision is asked for: building a directory must not wait for it.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from gitops import errors
from gitops.git.worktree import WorkTree
from gitops.source import EntryKind, Revision, Tree, paths


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """What an argument stands for: `path` inside `tree`, which is rooted at `root` on disk.

    `revision` is the commit read, or the one checked out; None outside of Git. `dirty` says that files on disk were
    read and differ from it.
    """

    tree: Tree
    path: str
    root: Path
    revision: Revision | None = None
    dirty: bool = False


def open_path(argument: str, *, describe: bool = True) -> Opened:
    """Open `PATH` or `PATH@REV`; REV is anything Git understands: a branch, a tag, a commit, HEAD~2.

    An existing path wins over a reading with `@`. Without `describe` no commit is looked up for a plain PATH. The tree
    begins at the repository's root, so that `../../base` works; outside of Git at the directory itself.

    Raises:
        ConfigError: no such directory, no repository to find REV in.
        RevisionNotFound: no such revision.
    """
    given = Path(argument)
    if given.exists() or "@" not in argument:
        return _on_disk(argument, describe=describe)
    path, _, revision = argument.rpartition("@")
    return _in_commit(path or ".", revision)


def _on_disk(argument: str, *, describe: bool) -> Opened:
    given = Path(argument)
    if not given.exists():
        raise errors.ConfigError(f"no such directory: {argument}", hint="write PATH, or PATH@REV for a commit")
    directory = given.resolve() if given.is_dir() else given.resolve().parent
    root = _root(directory)
    inside = "" if root is None else _inside(root, directory)
    revision, dirty = _described(root) if describe and root is not None else (None, False)
    where = root or directory
    return Opened(tree=WorkTree(where), path=inside, root=where, revision=revision, dirty=dirty)


def _in_commit(path: str, name: str) -> Opened:
    from gitops.git import local, tree  # noqa: PLC0415  # pygit2 takes 90 ms

    # The directory may be gone from disk and still be in the commit: its nearest parent tells the repository.
    absolute = Path(path).resolve()
    standing = next(parent for parent in (absolute, *absolute.parents) if parent.is_dir())
    root = _root(standing) or _bare(standing)
    if root is None:
        raise errors.ConfigError(f"{path} is in no Git repository", hint=f"PATH@REV reads {name!r} from one")
    revision = local.resolve(root, name)
    inside = _inside(root, absolute)
    files = tree.GitTree(root, revision.commit)
    if files.kind(inside) is EntryKind.FILE:
        inside = inside.rpartition("/")[0]
    if files.kind(inside) is not EntryKind.DIRECTORY:
        raise errors.RevisionNotFound(f"no directory {inside!r} at {revision.short}", hint=f"git ls-tree -r {name}")
    return Opened(tree=files, path=inside, root=root, revision=revision)


def _root(directory: Path) -> Path | None:
    """The nearest directory above that holds `.git`; in a linked work tree that is a file."""
    return next((parent for parent in (directory, *directory.parents) if (parent / ".git").exists()), None)


def _bare(directory: Path) -> Path | None:
    """The nearest directory above that is a repository without a work tree: a mirror on a server, or in a CI job."""
    return next((parent for parent in (directory, *directory.parents) if _is_bare(parent)), None)


def _is_bare(directory: Path) -> bool:
    return (directory / "HEAD").is_file() and all((directory / name).is_dir() for name in ("objects", "refs"))


def _inside(root: Path, directory: Path) -> str:
    return paths.normal(directory.relative_to(root).as_posix())


def _described(root: Path) -> tuple[Revision | None, bool]:
    from gitops.git import local  # noqa: PLC0415  # pygit2 takes 90 ms

    return local.describe(root)
