"""Blame without a work tree: the commit each line came with, read from the object database."""

from __future__ import annotations

import difflib
from pathlib import Path

import pygit2

from gitops import errors
from gitops.git import library, signature
from gitops.ports.blame import SHALLOW, UNCOMMITTED, UNTRACKED, Author
from gitops.source import Tree, trailers

library.prepare()


class Committed:
    """The authors of the lines at a commit of a repository on disk, bare or not."""

    def __init__(self, repository: Path, commit: str) -> None:
        self._repository = pygit2.Repository(str(repository))
        self._commit = commit
        self._files: dict[str, tuple[tuple[int, int, Author], ...]] = {}

    def author(self, file: str, line: int) -> Author:
        """Who wrote a line."""
        hunks = self._hunks(file)
        if not line:
            dated = [author for _, _, author in hunks if author.when is not None]
            return max(dated, key=lambda author: (author.when, author.commit), default=Author(note=UNTRACKED))
        return next((author for first, last, author in hunks if first <= line < last), Author(note=UNTRACKED))

    def text(self, file: str) -> bytes | None:
        """The file at the commit; None if it has none."""
        found = library.commit(self._repository, self._commit)
        try:
            blob = None if found is None else found.tree[file]
        except KeyError:
            return None
        return bytes(blob.data) if isinstance(blob, pygit2.Blob) else None

    def _hunks(self, file: str) -> tuple[tuple[int, int, Author], ...]:
        if file not in self._files:
            self._files[file] = self._blamed(file)
        return self._files[file]

    def _blamed(self, file: str) -> tuple[tuple[int, int, Author], ...]:
        if self.text(file) is None:
            return ()
        try:
            blame = self._repository.blame(file, newest_commit=pygit2.Oid(hex=self._commit))
        except (pygit2.GitError, KeyError, ValueError) as error:
            if self._repository.is_shallow:
                return ((1, 1 << 31, Author(note=SHALLOW)),)
            raise errors.SourceUnavailable(f"the history of {file} cannot be read", cause=str(error)) from error
        cut = self._cut()
        return tuple(
            (
                hunk.final_start_line_number,
                hunk.final_start_line_number + hunk.lines_in_hunk,
                self._author(str(hunk.final_commit_id), cut),
            )
            for hunk in blame
        )

    def _cut(self) -> frozenset[str]:
        """The commits at which a shallow clone ends: what they hold may be older than they are."""
        if not self._repository.is_shallow:
            return frozenset()
        return frozenset((Path(self._repository.path) / "shallow").read_text().split())

    def _author(self, commit: str, cut: frozenset[str]) -> Author:
        found = library.commit(self._repository, commit)
        if found is None or commit in cut:
            return Author(note=SHALLOW)
        return Author(
            commit=commit,
            author=signature.text(found.author.raw_name),
            email=signature.text(found.author.raw_email),
            when=signature.moment(found.author.time, found.author.offset),
            subject=trailers.subject(found.raw_message.decode("utf-8", "replace")),
        )


class Edited:
    """The authors of the lines of files on disk, which may differ from the commit that is checked out."""

    def __init__(self, tree: Tree, committed: Committed | None) -> None:
        self._tree = tree
        self._committed = committed
        self._lines: dict[str, tuple[int, ...]] = {}

    def author(self, file: str, line: int) -> Author:
        """Who wrote a line; nobody yet, if the commit does not have it."""
        if self._committed is None:
            return Author(note=UNTRACKED)
        before = self._committed.text(file)
        if before is None:
            return Author(note=UNCOMMITTED)
        if not line:
            whole = before == self._tree.read(file)
            return self._committed.author(file, 0) if whole else Author(note=UNCOMMITTED)
        if file not in self._lines:
            self._lines[file] = _origins(before, self._tree.read(file))
        origins = self._lines[file]
        origin = origins[line - 1] if line <= len(origins) else 0
        return self._committed.author(file, origin) if origin else Author(note=UNCOMMITTED)


def _origins(before: bytes, after: bytes) -> tuple[int, ...]:
    """For each line of `after` the number of the line it was in `before`; 0 for a new one."""
    old, new = before.splitlines(), after.splitlines()
    found = [0] * len(new)
    for block in difflib.SequenceMatcher(None, old, new, autojunk=False).get_matching_blocks():
        for index in range(block.size):
            found[block.b + index] = block.a + index + 1
    return tuple(found)
