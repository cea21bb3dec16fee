"""Files that a command writes into a directory: nothing of a person's is replaced unasked."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from gitops import errors


def write(directory: Path, contents: Mapping[str, bytes], *, overwrite: bool, hint: str) -> None:
    """Write every file, or none if one is in the way; a file that has these bytes already is not.

    `hint` says what else to try when one is.

    Raises:
        Refused: files that differ are in the way, and `overwrite` was not asked for.
        ConfigError: the disk refuses.
    """
    differing = [] if overwrite else [name for name, content in contents.items() if _differs(directory / name, content)]
    if differing:
        raise errors.Refused(f"{', '.join(differing)} in {directory} would be replaced", hint=hint)
    try:
        for name, content in contents.items():
            target = directory / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
    except OSError as error:
        raise errors.ConfigError(f"cannot write {error.filename}", cause=error.strerror or str(error)) from error


def _differs(path: Path, content: bytes) -> bool:
    try:
        return path.read_bytes() != content
    except FileNotFoundError:
        return False
    except OSError:
        return True
