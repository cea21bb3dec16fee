"""Image references: their parts, and the mirror that stands in for a registry."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

HUB: Final = "docker.io/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A reference in parts; `repository` in full: `docker.io/library/alpine`."""

    repository: str
    tag: str
    digest: str

    @property
    def pinned(self) -> bool:
        """The commit decides what runs."""
        return bool(self.digest) or self.tag not in {"", "latest"}


def parse(reference: str) -> Image:
    """The parts of a reference, Docker's short forms spelled out (distribution/reference)."""
    name, _, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    path = f"{head}{slash}{last}"
    first = path.partition("/")[0]
    if "/" not in path:
        path = f"{HUB}library/{path}"
    elif "." not in first and ":" not in first and first != "localhost":
        path = f"{HUB}{path}"
    return Image(repository=path, tag=tag, digest=digest)


def mirrored(reference: str, mirrors: Mapping[str, str]) -> str:
    """The reference, with the longest prefix of its repository that has a mirror replaced by the mirror.

    Prefixes end where a part of the path ends: `docker.io/team` is no prefix of `docker.io/teams/tool`.
    """
    image = parse(reference)
    found = [prefix for prefix in mirrors if f"{image.repository}/".startswith(f"{prefix}/")]
    if not found:
        return reference
    longest = max(found, key=len)
    tag = f":{image.tag}" if image.tag else ""
    digest = f"@{image.digest}" if image.digest else ""
    return f"{mirrors[longest]}{image.repository.removeprefix(longest)}{tag}{digest}"
