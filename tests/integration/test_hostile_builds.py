"""`gitops build` of hostile repositories, in a process with 300 MB and 2 s: it builds them, or says why not."""

from __future__ import annotations

import json
import os
import re
import resource
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.contract.hosting import git
from tests.integration import hostile, products

pytestmark = pytest.mark.integration

ROOT = Path(__file__).resolve().parents[2]
MEMORY = 300_000_000
SECONDS = 2
MOST_WORDS = 40_000
"""Characters of a refusal: nobody reads more, and a log keeps them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ran:
    code: int
    output: str
    errors: str


def _limits() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    # Processor time, for the wall clock of a busy machine says nothing; at the second limit there is no last word.
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS + 1))


def build(argument: str, scratch: Path, *options: str) -> Ran:
    environment = {
        **os.environ,
        "GITOPS_CACHE": str(scratch / "cache"),
        "TMPDIR": str(scratch),
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "cmd")]),
    }
    command = [sys.executable, "-m", "gitops_cli", "build", "--no-expand", *options, argument]
    done = subprocess.run(command, env=environment, capture_output=True, preexec_fn=_limits, timeout=60, check=False)
    return Ran(code=done.returncode, output=done.stdout.decode(), errors=done.stderr.decode())


@pytest.mark.parametrize("name", hostile.NAMES)
def test_a_hostile_repository_is_refused_by_name_within_its_limits(tmp_path: Path, name: str) -> None:
    files, words = hostile.ATTACKS[name]
    hostile.write(tmp_path / "r", files)

    ran = build(str(tmp_path / "r"), tmp_path)

    if not words:
        assert (ran.code, ran.errors) == (0, "")
        return
    assert (ran.code, ran.output) == (2, ""), ran.errors[:2000]
    assert words in ran.errors.replace("\n", " ")
    assert "root:" not in ran.errors  # of /etc/passwd
    assert "\x1b" not in ran.errors
    assert len(ran.errors) < MOST_WORDS


@pytest.mark.parametrize("name", products.NAMES)
def test_a_product_is_built_or_refused_by_name_within_its_limits(tmp_path: Path, name: str) -> None:
    """Each is tried at the sizes around its refusal: work grows as one list times another, and so must the price."""
    files, sizes, words = products.PRODUCTS[name]
    answers = []
    for size in sizes:
        root = tmp_path / str(size)
        hostile.write(root, files(size))
        ran = build(str(root), tmp_path)
        assert ran.code in (0, 2), f"{size}: {ran.errors[:2000]}"
        if ran.code == 2:
            assert words in ran.errors.replace("\n", " ")
        answers.append(ran.code)
    assert answers == sorted(answers)
    assert (answers[-1] == 2) is bool(words)


@pytest.mark.parametrize("name", [name for name in hostile.NAMES if name.startswith(("link-", "climb-", "huge-"))])
def test_a_commit_is_refused_like_a_directory(tmp_path: Path, name: str) -> None:
    files, words = hostile.ATTACKS[name]
    root = tmp_path / "r"
    if name.startswith("huge-"):
        hostile.write(root, {"kustomization.yaml": '{"resources": ["a.yaml"]}', "a.yaml": "x" * (11 << 20)})
    else:
        hostile.write(root, files)
    git("init", "--quiet", cwd=root)
    git("add", "--all", cwd=root)
    git("commit", "--quiet", "--message=one", cwd=root)

    ran = build(f"{root}@HEAD", tmp_path)

    assert (ran.code, ran.output) == (2, ""), ran.errors[:2000]
    assert words in ran.errors.replace("\n", " ")


def test_what_takes_too_long_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is only large is built for as long as it takes: the limit of the process has a name of its own."""
    monkeypatch.setattr("tests.integration.test_hostile_builds.SECONDS", 1)
    pairs = "".join(f"  key-{n}: {n}.5\n" for n in range(99_000))
    names = [f"{n}.yaml" for n in range(2)]
    files = {name: hostile.MAP.replace("{name: a}", f"{{name: m{name}}}") + f"data:\n{pairs}" for name in names}
    hostile.write(tmp_path / "r", {"kustomization.yaml": json.dumps({"resources": names}), **files})

    ran = build(str(tmp_path / "r"), tmp_path, "-o", "json")

    assert json.loads(ran.errors)["items"][0]["reason"] == "TimedOut"
    assert ran.code == 124


def test_what_needs_too_much_memory_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.integration.test_hostile_builds.MEMORY", 85_000_000)
    pairs = "".join(f"  k{n}: {'x' * 100}\n" for n in range(40_000))
    names = [f"{n}.yaml" for n in range(4)]
    files = {name: hostile.MAP.replace("{name: a}", f"{{name: m{name}}}") + f"data:\n{pairs}" for name in names}
    hostile.write(tmp_path / "r", {"kustomization.yaml": json.dumps({"resources": names}), **files})

    ran = build(str(tmp_path / "r"), tmp_path)

    assert ran.code == 2
    assert re.search("needs more memory than (this|the) process may have", ran.errors)
