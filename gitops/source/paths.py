"""Paths inside a tree: relative, forward slashes, nothing that climbs out."""

from __future__ import annotations

from gitops import errors


def parts(path: str) -> tuple[str, ...]:
    """The components of a path inside a tree; none for the root (`""`).

    Raises:
        ConfigError: the path is absolute, climbs with `..`, or holds an empty or `.` component or a NUL.
    """
    if not path:
        return ()
    found = tuple(path.split("/"))
    if "\0" in path or any(part in {"", ".", ".."} for part in found):
        raise errors.ConfigError(
            f"not a path inside the repository: {path!r}",
            hint="write it from the repository's root, without ./ and ../",
        )
    return found


def normal(path: str) -> str:
    """A path as people write it (`./overlays/dev/`) in the form `parts` takes.

    Raises:
        ConfigError: the path is absolute or climbs out of the root.
    """
    found: list[str] = []
    for part in path.split("/"):
        if part == ".." and found:
            found.pop()
        elif part not in {"", "."}:
            found.append(part)
    if path.startswith("/") or ".." in found:
        raise errors.ConfigError(
            f"outside the repository: {path!r}", hint="write it from the repository's root, without ../"
        )
    parts("/".join(found))
    return "/".join(found)
