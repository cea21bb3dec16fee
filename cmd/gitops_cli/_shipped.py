"""The installable configuration that comes with the program: `base/` and `overlays/` of its repository."""

from __future__ import annotations

from importlib import resources
from importlib.resources.abc import Traversable
from pathlib import Path

from gitops import errors

_INSTALLED = "configuration"
"""Where the wheel carries it, inside this package (pyproject.toml, `force-include`)."""


def files() -> dict[str, bytes]:
    """Every file of `base/` and `overlays/`, by its path.

    Raises:
        ConfigError: this installation came without them.
    """
    found: dict[str, bytes] = {}
    for top in ("base", "overlays"):
        _collect(_home() / top, top, found)
    if not found:
        raise errors.ConfigError(
            "this installation came without base/ and overlays/", hint="install the wheel, or use a checkout"
        )
    return found


def _home() -> Traversable:
    installed = resources.files("gitops_cli") / _INSTALLED
    return installed if installed.is_dir() else Path(__file__).resolve().parents[2]


def _collect(place: Traversable, path: str, found: dict[str, bytes]) -> None:
    if place.is_file():
        found[path] = place.read_bytes()
    elif place.is_dir():
        for one in sorted(place.iterdir(), key=lambda entry: entry.name):
            _collect(one, f"{path}/{one.name}", found)
