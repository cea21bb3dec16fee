"""The `Tree` port: a commit, a directory on disk and the one in memory say the same, also of hostile content."""

from __future__ import annotations

import os
import pickle
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

from gitops import errors
from gitops.git import checkout
from gitops.git.tree import Bounds, GitTree
from gitops.git.worktree import WorkTree
from gitops.source import EntryKind, MemoryTree, Tree
from tests.contract.hosting import git

FILES = {"a/b/deep.yaml": b"deep", "a/file": b"\r\nraw\xff", "top": b""}
Make = Callable[[Mapping[str, bytes]], Tree]


def _written(root: Path, files: Mapping[str, bytes]) -> Path:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content)
    return root


def _commit(root: Path) -> str:
    git("init", "--quiet", "--initial-branch=main", cwd=root)
    git("add", "--all", cwd=root)
    git("commit", "--quiet", "--message=one", cwd=root)
    return git("rev-parse", "HEAD", cwd=root)


@pytest.fixture(params=["memory", "disk", "commit"])
def make(request: pytest.FixtureRequest, tmp_path: Path) -> Make:
    match request.param:
        case "memory":
            return MemoryTree
        case "disk":
            return lambda files: WorkTree(_written(tmp_path, files))
        case _:
            return lambda files: GitTree(_written(tmp_path, files), _commit(tmp_path))


def test_what_is_where(make: Make) -> None:
    tree = make(FILES)
    assert tree.names("") == ("a", "top")
    assert tree.names("a") == ("b", "file")
    assert tree.names("top") == tree.names("none") == ()
    kinds = {path: tree.kind(path) for path in ("", "a", "a/b", "a/file", "none", "top/x")}
    assert kinds == {
        "": EntryKind.DIRECTORY,
        "a": EntryKind.DIRECTORY,
        "a/b": EntryKind.DIRECTORY,
        "a/file": EntryKind.FILE,
        "none": None,
        "top/x": None,
    }


def test_bytes_come_as_they_are(make: Make) -> None:
    tree = make(FILES)
    assert {path: tree.read(path) for path in FILES} == FILES
    for path in ("a", "none", "top/x"):
        with pytest.raises(errors.ConfigError):
            tree.read(path)


@pytest.fixture(params=["disk", "commit"])
def hostile(request: pytest.FixtureRequest, tmp_path: Path) -> Tree:
    """A repository that tries to lead outside."""
    outside = _written(tmp_path / "outside", {"secret": b"s"})
    root = _written(tmp_path / "repository", {"dir/file": b"x", "big": b"x" * 1000})
    for name, target in {"abs": str(outside / "secret"), "up": "../outside", "in": "dir", "loop": "loop"}.items():
        (root / name).symlink_to(target)
    inner = _written(root / "inner", {"file": b"x"})
    _commit(inner)
    commit = _commit(root)
    return WorkTree(root, max_file=999) if request.param == "disk" else GitTree(root, commit, max_file=999)


@pytest.mark.filterwarnings("default")
def test_links_and_repositories_inside_are_named_and_not_entered(hostile: Tree) -> None:
    assert {name: hostile.kind(name) for name in hostile.names("")} == {
        "abs": EntryKind.SYMLINK,
        "big": EntryKind.FILE,
        "dir": EntryKind.DIRECTORY,
        "in": EntryKind.SYMLINK,
        "inner": EntryKind.SUBMODULE,
        "loop": EntryKind.SYMLINK,
        "up": EntryKind.SYMLINK,
    }
    for path in ("up/secret", "in/file", "inner/file", "loop/x", ".git", ".git/config"):
        assert hostile.kind(path) is None
        assert hostile.names(path) == ()
    for path in ("abs", "in", "up/secret", "in/file", "inner/file", ".git/config"):
        with pytest.raises(errors.ConfigError):
            hostile.read(path)


@pytest.mark.parametrize("path", ["../outside/secret", "/etc/passwd", "dir/../../outside/secret", "dir//file"])
def test_paths_that_climb_are_refused(hostile: Tree, path: str) -> None:
    for ask in (hostile.kind, hostile.read, hostile.names):
        with pytest.raises(errors.ConfigError, match="not a path inside the repository"):
            ask(path)


def test_a_large_file_is_refused_by_name(hostile: Tree) -> None:
    with pytest.raises(errors.ConfigError, match="big is too large"):
        hostile.read("big")


def test_devices_and_pipes_are_nothing(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    tree = WorkTree(tmp_path)
    assert tree.kind("pipe") is None
    with pytest.raises(errors.ConfigError, match="pipe is not there"):
        tree.read("pipe")


def test_a_crafted_tree_cannot_smuggle_names(tmp_path: Path) -> None:
    git("init", "--quiet", "--bare", tmp_path, cwd=tmp_path)
    blob = git("hash-object", "-w", "--stdin", cwd=tmp_path, stdin=b"evil")
    entries = b"".join(b"100644 " + name + b"\0" + bytes.fromhex(blob) for name in (b"..", b".git", b"a/b", b"ok"))
    tree = git("hash-object", "-t", "tree", "-w", "--stdin", "--literally", cwd=tmp_path, stdin=entries)
    commit = git("commit-tree", tree, "-m", "evil", cwd=tmp_path)
    assert GitTree(tmp_path, commit).names("") == ("ok",)


def test_a_tree_travels_to_another_process(tmp_path: Path) -> None:
    tree = GitTree(_written(tmp_path, FILES), _commit(tmp_path))
    assert tree.read("a/file") == FILES["a/file"]
    assert pickle.loads(pickle.dumps(tree)).read("a/file") == FILES["a/file"]  # noqa: S301


def test_a_missing_commit_and_a_missing_object_are_errors_of_ours(tmp_path: Path) -> None:
    commit = _commit(_written(tmp_path, FILES))
    with pytest.raises(errors.RevisionNotFound):
        GitTree(tmp_path, "1" * 40).kind("a")
    blob = git("rev-parse", "HEAD:a/file", cwd=tmp_path)
    (tmp_path / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(errors.SourceUnavailable, match="cannot read a/file"):
        GitTree(tmp_path, commit).read("a/file")


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    root = _written(tmp_path / "clone", {"base/x.yaml": b"one", "overlays/dev/kustomization.yaml": b""})
    _commit(root)
    return root


def test_a_path_is_opened_at_the_root_of_its_repository(clone: Path) -> None:
    opened = checkout.open_path(str(clone / "overlays" / "dev"))
    assert (opened.path, opened.root, opened.dirty) == ("overlays/dev", clone, False)
    assert opened.tree.read("base/x.yaml") == b"one"
    assert opened.revision is not None
    assert (opened.revision.reference, opened.revision.commit) == ("main", git("rev-parse", "HEAD", cwd=clone))


def test_edits_are_read_and_said(clone: Path) -> None:
    (clone / "base" / "x.yaml").write_bytes(b"two")
    opened = checkout.open_path(str(clone / "base"))
    assert (opened.dirty, opened.tree.read("base/x.yaml")) == (True, b"two")


def test_a_revision_is_read_from_the_commit(clone: Path) -> None:
    git("mv", "base/x.yaml", "base/y.yaml", cwd=clone)
    git("rm", "-r", "--quiet", "overlays", cwd=clone)
    git("commit", "--quiet", "-m", "two", cwd=clone)
    opened = checkout.open_path(f"{clone}/overlays/dev@HEAD~1")
    assert opened.path == "overlays/dev"
    assert opened.tree.read("base/x.yaml") == b"one"
    assert opened.revision == checkout.open_path(f"{clone}@main~1").revision
    assert checkout.open_path(f"{clone}@main").tree.names("base") == ("y.yaml",)


def test_a_repository_without_a_work_tree_is_read_by_revision(clone: Path, tmp_path: Path) -> None:
    bare = tmp_path / "mirror.git"
    git("clone", "--quiet", "--bare", str(clone), str(bare), cwd=tmp_path)

    opened = checkout.open_path(f"{bare}/overlays/dev@main")

    assert (opened.path, opened.root) == ("overlays/dev", bare)
    assert opened.revision == checkout.open_path(f"{clone}@main").revision
    with pytest.raises(errors.ConfigError, match="no such directory"):
        checkout.open_path(f"{bare}/overlays/dev")


def test_a_branch_is_named_in_the_revision(clone: Path) -> None:
    revision = checkout.open_path(f"{clone}@main").revision
    assert revision is not None
    assert revision.reference == "main"


@pytest.mark.parametrize(
    ("argument", "error", "words"),
    [
        ("{clone}/nowhere", errors.ConfigError, "no such directory"),
        ("{clone}/base@nope", errors.RevisionNotFound, "no revision 'nope'"),
        ("{clone}/nowhere@main", errors.RevisionNotFound, "no directory 'nowhere' at main@"),
        ("{bare}@main", errors.ConfigError, "is in no Git repository"),
    ],
)
def test_what_cannot_be_opened_is_said(
    clone: Path, tmp_path: Path, argument: str, error: type[errors.GitOpsError], words: str
) -> None:
    (tmp_path / "bare").mkdir()
    with pytest.raises(error, match=words):
        checkout.open_path(argument.format(clone=clone, bare=tmp_path / "bare"))


def test_a_directory_with_an_at_sign_is_itself(clone: Path) -> None:
    _written(clone / "team@main", {"x": b"1"})
    assert checkout.open_path(str(clone / "team@main")).path == "team@main"


def test_outside_of_git_a_directory_is_its_own_root(tmp_path: Path) -> None:
    opened = checkout.open_path(str(_written(tmp_path / "plain", FILES)))
    assert (opened.path, opened.revision, opened.dirty) == ("", None, False)
    assert opened.tree.names("a") == ("b", "file")


def test_no_more_is_read_of_a_commit_than_its_bounds(tmp_path: Path) -> None:
    files = {f"file{number}": b"x" * 100 for number in range(4)}
    commit = _commit(_written(tmp_path, files))
    for bounds, words in ((Bounds(files=3), "too many files"), (Bounds(bytes=399), "too large together")):
        tree = pickle.loads(pickle.dumps(GitTree(tmp_path, commit, bounds=bounds)))  # noqa: S301  # our own
        for name in ("file0", "file1", "file2", "file2", "file0"):
            tree.read(name)
        with pytest.raises(errors.ConfigError, match=words):
            tree.read("file3")
