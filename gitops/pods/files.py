"""The files an operation brings: small ones travel in the pod like the script, the others are mounted."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Iterator
from typing import Any

from gitops import api, errors
from gitops.api.operation import File, FilesFrom
from gitops.pods import command


def listing(operation: api.Operation) -> str:
    """What the runner unpacks: one line a file, mode, path and content, the last two in base64. Empty: no files.

    Raises:
        ConfigError: a path is given twice or lies where another one is mounted, or a content is no base64.
    """
    _check(operation.spec.files, operation.spec.files_from)
    return "".join(_line(file) for file in operation.spec.files)


def volumes(operation: api.Operation) -> list[dict[str, Any]]:
    """A volume for each Secret and ConfigMap."""
    return [_volume(index, one) for index, one in _mounted(operation)]


def mounts(operation: api.Operation) -> list[dict[str, Any]]:
    """Where they are mounted: below the working directory."""
    return [
        {"name": _name(index), "mountPath": f"{command.WORKSPACE}/{one.path}", "readOnly": True}
        for index, one in _mounted(operation)
    ]


def _mounted(operation: api.Operation) -> list[tuple[int, FilesFrom]]:
    """What is not from a URL: that comes another way (`gitops.pods.delivery`)."""
    return [(index, one) for index, one in enumerate(operation.spec.files_from) if one.url is None]


def _name(index: int) -> str:
    return f"gitops-files-{index}"


def _volume(index: int, one: FilesFrom) -> dict[str, Any]:
    chosen = {"items": [{"key": key, "path": key} for key in one.keys]} if one.keys else {}
    if one.secret is not None:
        return {"name": _name(index), "secret": {"secretName": one.secret.name, **chosen}}
    name = one.config_map.name if one.config_map is not None else ""
    return {"name": _name(index), "configMap": {"name": name, **chosen}}


def _line(file: File) -> str:
    if file.text is not None:
        content = base64.b64encode(file.text.encode())
    else:
        content = (file.base64 or "").encode()
        try:
            base64.b64decode(content, validate=True)
        except binascii.Error as error:
            raise errors.ConfigError(f"the file {file.path} is not base64", cause=str(error)) from error
    path = base64.b64encode(file.path.encode())
    return f"{'755' if file.executable else '644'} {path.decode()} {content.decode()}\n"


def _check(files: Iterable[File], mounted: Iterable[FilesFrom]) -> None:
    seen: list[str] = []
    for path in sorted([*(one.path for one in mounted), *(file.path for file in files)]):
        if set(path.split("/")) & {"", ".", ".."}:
            raise errors.ConfigError(f"the file {path} would leave the working directory")
        over = next(_around(path, seen), None)
        if over is not None:
            where = "is given twice" if over == path else f"lies below {over}, which is one itself"
            raise errors.ConfigError(f"the file {path} {where}")
        seen.append(path)


def _around(path: str, others: Iterable[str]) -> Iterator[str]:
    return (other for other in others if path == other or path.startswith(f"{other}/"))
