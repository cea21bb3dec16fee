"""Structural edits of a file people wrote: comments, order and quotes stay. The only user of ruamel.yaml.

For a few characters at a known place `edit` touches less; this is for what needs the structure: a list that grows, a
field that may not be there yet.
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError

from gitops import errors
from gitops.location import Location


def append(content: bytes, path: Sequence[str], value: Any, *, file: str) -> bytes:
    """The document with `value` at the end of the list at `path`, which is made if it is not there.

    A value the list already holds is not added again.

    Raises:
        ConfigError: the file cannot be read, holds more than one document, or something else stands at `path`.
    """
    document = _load(content, file)
    found = _walk(document, path, CommentedSeq, file)
    if value not in found:
        found.append(value)
    return _dump(document, content)


def put(content: bytes, path: Sequence[str], value: Any, *, file: str) -> bytes:
    """The document with `value` at `path`.

    Raises:
        ConfigError: as `append`.
    """
    document = _load(content, file)
    _walk(document, path[:-1], CommentedMap, file)[path[-1]] = value
    return _dump(document, content)


def _yaml(content: bytes = b"") -> YAML:
    yaml = YAML(typ="rt")
    yaml.preserve_quotes = True
    yaml.width = 1 << 20
    # As the file does it: people indent list items below their key, or do not.
    dashes = [line for line in content.decode("utf-8", "replace").splitlines() if line.lstrip().startswith("- ")]
    if any(line.startswith("  ") for line in dashes):
        yaml.indent(mapping=2, sequence=4, offset=2)
    return yaml


def _load(content: bytes, file: str) -> CommentedMap:
    try:
        document = _yaml().load(content)
    except MarkedYAMLError as error:
        mark = error.problem_mark
        where = Location(file, mark.line + 1, mark.column + 1) if mark else Location(file)
        raise errors.ConfigError("this is not YAML", cause=error.problem or "", location=where) from error
    except (ValueError, UnicodeDecodeError) as error:
        raise errors.ConfigError("this cannot be edited", cause=str(error), location=Location(file)) from error
    if not isinstance(document, CommentedMap):
        raise errors.ConfigError("this is not a mapping, so nothing can be added to it", location=Location(file))
    return document


def _walk(document: CommentedMap, path: Sequence[str], last: type[Any], file: str) -> Any:
    """What stands at `path`; maps on the way, and `last` at its end, are made where nothing is."""
    found: Any = document
    for index, key in enumerate(path):
        wanted = last if index == len(path) - 1 else CommentedMap
        if found.get(key) is None:
            found[key] = wanted()
        if not isinstance(found[key], wanted):
            where = Location(file, *(part + 1 for part in found.lc.key(key)))
            kind = "a list" if wanted is CommentedSeq else "a mapping"
            raise errors.ConfigError(f"{'.'.join(path[: index + 1])} is not {kind}", location=where)
        found = found[key]
    return found


def _dump(document: CommentedMap, content: bytes) -> bytes:
    out = io.BytesIO()
    _yaml(content).dump(document, out)
    return out.getvalue()
