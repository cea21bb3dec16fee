"""Two builds of the same files: `kubectl kustomize`, and ours."""

from __future__ import annotations

import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

from gitops import build, errors, yaml
from gitops.source.tree import MemoryTree


def theirs(kubectl: Path, root: Path, files: Mapping[str, str], folder: str) -> tuple[str, str]:
    """The output of the pinned kubectl and, if it refuses, its words."""
    for path, content in files.items():
        target = root / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(content)
    done = subprocess.run(
        [kubectl, "kustomize", root / folder], capture_output=True, text=True, timeout=60, check=False
    )
    return (done.stdout, "") if done.returncode == 0 else ("", done.stderr)


def ours(files: Mapping[str, str], folder: str, *, tracking: bool = False) -> tuple[str, str]:
    """Our output and, if we refuse, our words; `tracking`: of the build that records where everything stands."""
    tree = MemoryTree({path: content.encode() for path, content in files.items()})
    try:
        found = build.build(tree, folder, tracking=tracking)
    except errors.GitOpsError as error:
        return "", str(error)
    return yaml.dump_all(rendered.manifest for rendered in found.objects), ""


def differences(kubectl: Path, files: Mapping[str, str], folder: str = "top") -> str:
    """What the two do differently, empty if nothing."""
    with tempfile.TemporaryDirectory() as root:
        told, refused = theirs(kubectl, Path(root), files, folder)
    built, why = ours(files, folder)
    traced, _ = ours(files, folder, tracking=True)
    if traced != built:
        return f"we:\n{built}\nwe, recording places:\n{traced}"
    if bool(refused) != bool(why):
        return f"kubectl: {refused or 'builds it'}\nwe: {why or 'build it'}"
    return "" if built == told else f"kubectl:\n{told}\nwe:\n{built}"
