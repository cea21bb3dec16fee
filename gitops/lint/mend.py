"""The findings' own edits, made: what is safe, and nothing else."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from gitops import errors
from gitops.lint.finding import Finding
from gitops.yaml import edit, load_all, load_config


def mend(findings: Iterable[Finding], read: Callable[[str], bytes]) -> dict[str, bytes]:
    """New contents of the files that findings can mend, by path; a file that would no longer be read is left out."""
    edits: dict[str, list[edit.Edit]] = {}
    for one in findings:
        if one.location is not None and one.edits:
            edits.setdefault(one.location.file, []).extend(one.edits)
    mended = {file: edit.apply(read(file), wanted) for file, wanted in sorted(edits.items())}
    return {file: content for file, content in mended.items() if _readable(read(file), content, file)}


def _readable(before: bytes, after: bytes, file: str) -> bool:
    """The edits broke nothing: what could be read can be read."""
    return not _reads(before, file) or _reads(after, file)


def _reads(content: bytes, file: str) -> bool:
    try:
        load_all(content, file)
        load_config(content, file)
    except errors.ConfigError:
        return False
    return True
