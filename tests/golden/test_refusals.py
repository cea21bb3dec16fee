"""What a person reads when a kustomization is wrong. `GITOPS_REGENERATE=1` writes the texts anew, to be read.

`data/refusals.json` holds the files of each case, in lines; the folder `k` is built.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path

import pytest

from gitops import build, errors
from gitops.source.tree import MemoryTree
from tests.golden import oracle

DATA = Path(__file__).parent / "data"
EXPECTED = DATA / "refusals.txt"
REFUSALS: dict[str, dict[str, list[str]]] = json.loads((DATA / "refusals.json").read_text())
REFUSED_ON_PURPOSE = {"remote", "remote short", "helm", "image pattern", "sops"}
"""What kubectl builds, or fetches."""
APP = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - {name: main, image: nginx}
"""


def files(case: str) -> Mapping[str, str]:
    return {"k/app.yaml": APP, **{path: "\n".join(lines) for path, lines in REFUSALS[case].items()}}


def told(case: str) -> str:
    tree = MemoryTree({path: content.encode() for path, content in files(case).items()})
    with pytest.raises(errors.GitOpsError) as raised:
        build.build(tree, "k")
    found = raised.value.errors if isinstance(raised.value, errors.SeveralErrors) else [raised.value]
    lines = [f"## {case}"]
    for error in found:
        lines += [f"{error}", *([f"  = {error.hint}"] if error.hint else [])]
    return "\n".join(lines)


@pytest.fixture(scope="module")
def expected() -> dict[str, str]:
    if os.environ.get("GITOPS_REGENERATE"):
        EXPECTED.write_text("\n\n".join(told(case) for case in REFUSALS) + "\n")
    parts = EXPECTED.read_text().rstrip("\n").split("\n\n")
    return {part.partition("\n")[0].removeprefix("## "): part for part in parts}


@pytest.mark.parametrize("case", REFUSALS)
def test_the_message_says_what_where_and_why(case: str, expected: dict[str, str]) -> None:
    assert told(case) == expected[case]


def test_no_text_is_left_of_a_case_that_is_gone(expected: dict[str, str]) -> None:
    assert set(expected) == set(REFUSALS)


@pytest.mark.integration
@pytest.mark.parametrize("case", [case for case in REFUSALS if case not in REFUSED_ON_PURPOSE])
def test_kubectl_refuses_it_too(case: str, kubectl: Path, tmp_path: Path) -> None:
    built, refused = oracle.theirs(kubectl, tmp_path, files(case), "k")
    assert refused, built
