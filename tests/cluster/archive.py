"""Image archives, written without any engine.

An image is layers (plain tar files) and a configuration. One archive holds an index of each kind: the
OCI image layout, which containerd's `import` reads (it skips the layers it has), and `manifest.json` as
`docker save` writes it, which Docker's `load` needs. Layers are written sorted and without times, so the
same content has the same digest, and a rebuilt image shares every layer that did not change.
"""

from __future__ import annotations

import hashlib
import io
import json
import tarfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

EPOCH = "1970-01-01T00:00:00Z"
ARCHITECTURE = "amd64"
MANIFEST_TYPE = "application/vnd.oci.image.manifest.v1+json"
CONFIG_TYPE = "application/vnd.oci.image.config.v1+json"
LAYER_TYPE = "application/vnd.oci.image.layer.v1.tar"
FORMAT = "2"


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageConfig:
    """What an image runs: the part of a container's settings that the image carries."""

    entrypoint: Sequence[str] = ()
    command: Sequence[str] = ()
    env: Mapping[str, str] = field(default_factory=dict)
    user: str = ""
    directory: str = "/"

    def to_json(self) -> dict[str, Any]:
        """Return the `config` object of an image configuration."""
        return {
            "Entrypoint": list(self.entrypoint) or None,
            "Cmd": list(self.command) or None,
            "Env": [f"{name}={value}" for name, value in self.env.items()],
            "User": self.user,
            "WorkingDir": self.directory,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """One path of a small layer: a directory when it ends in a slash, a link when `link` is set, else a file."""

    path: str
    content: bytes = b""
    mode: int = 0o644
    link: str = ""


def write_layer(layer: Path, entries: Iterable[Entry]) -> None:
    """Write a layer of a few given entries, owned by root."""
    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        for entry in sorted(entries, key=lambda entry: entry.path):
            member = tarfile.TarInfo(entry.path)
            member.mode = entry.mode
            if entry.path.endswith("/"):
                member.type = tarfile.DIRTYPE
                tar.addfile(member)
            elif entry.link:
                member.type, member.linkname = tarfile.SYMTYPE, entry.link
                tar.addfile(member)
            else:
                member.size = len(entry.content)
                tar.addfile(member, io.BytesIO(entry.content))


def write_layer_from(layer: Path, tree: Path, *, at: str) -> None:
    """Write a directory tree as a layer below the absolute path `at`, all owned by root."""

    def anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo:
        member.uid = member.gid = 0
        member.uname = member.gname = ""
        member.mtime = 0
        return member

    with tarfile.open(layer, "w", format=tarfile.GNU_FORMAT) as tar:
        for path in sorted(tree.rglob("*")):
            name = f"{at.strip('/')}/{path.relative_to(tree)}"
            tar.add(path, arcname=name, recursive=False, filter=anonymous)


def write_image(archive: Path, *, name: str, layers: Sequence[Path], config: ImageConfig) -> None:
    """Write an image archive that loads under the name `name` (`repository:tag`)."""
    described = [_describe(LAYER_TYPE, _digest(layer), layer.stat().st_size) for layer in layers]
    settings = {
        "architecture": ARCHITECTURE,
        "os": "linux",
        "created": EPOCH,
        "config": config.to_json(),
        "rootfs": {"type": "layers", "diff_ids": [each["digest"] for each in described]},
        "history": [{"created": EPOCH, "created_by": layer.name} for layer in layers],
    }
    body = _encode(settings)
    of_config = _describe(CONFIG_TYPE, hashlib.sha256(body).hexdigest(), len(body))
    manifest = _encode({"schemaVersion": 2, "mediaType": MANIFEST_TYPE, "config": of_config, "layers": described})
    of_manifest = _describe(MANIFEST_TYPE, hashlib.sha256(manifest).hexdigest(), len(manifest))
    named = {**of_manifest, "annotations": {"io.containerd.image.name": name}}
    docker = [{"Config": _place(of_config), "RepoTags": [name], "Layers": [_place(each) for each in described]}]
    with tarfile.open(archive, "w", format=tarfile.GNU_FORMAT) as tar:
        _add(tar, "oci-layout", _encode({"imageLayoutVersion": "1.0.0"}))
        _add(tar, "index.json", _encode({"schemaVersion": 2, "manifests": [named]}))
        _add(tar, "manifest.json", _encode(docker))
        _add(tar, _place(of_manifest), manifest)
        _add(tar, _place(of_config), body)
        for described_layer, layer in zip(described, layers, strict=True):
            tar.add(layer, arcname=_place(described_layer))


def read_names(archive: Path) -> list[str]:
    """Return the names an image archive loads under."""
    with tarfile.open(archive) as tar:
        member = tar.extractfile("manifest.json")
        images = json.load(member) if member else []
    return [name for image in images for name in image["RepoTags"] or []]


def _describe(media_type: str, digest: str, size: int) -> dict[str, Any]:
    return {"mediaType": media_type, "digest": f"sha256:{digest}", "size": size}


def _place(described: Mapping[str, Any]) -> str:
    return f"blobs/{described['digest'].replace(':', '/')}"


def _encode(content: Any) -> bytes:
    return json.dumps(content, sort_keys=True).encode()


def _add(tar: tarfile.TarFile, name: str, content: bytes) -> None:
    member = tarfile.TarInfo(name)
    member.size = len(content)
    tar.addfile(member, io.BytesIO(content))


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
