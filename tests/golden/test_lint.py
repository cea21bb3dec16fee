"""One repository with a bit of everything wrong, in every form `gitops lint` has. GITOPS_REGENERATE=1 writes anew."""

from __future__ import annotations

import json
import os
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from gitops import runner
from gitops.lint import check, codes
from gitops.lint.check import Checked
from gitops.report import findings
from gitops.source.tree import MemoryTree

GOLDEN = Path(__file__).parent / "lint"
REPOSITORY = MemoryTree(
    {
        "overlays/dev/kustomization.yaml": b"""\
namespace: ci
resources:
  - ../../base
  - extra.yaml
images:
  - name: worker-tools
    newTag: 1.10
""",
        "overlays/dev/extra.yaml": b"""\
apiVersion: rbac.authorization.k8s.io/v1
kind: ClusterRole
metadata:
  name: deployers
rules:
  - apiGroups: ["*"]
    resources: ["*"]
    verbs: ["*"]
  - apiGroups: [""]
    resources: [serviceaccounts/token]
    verbs: [create]
""",
        "base/kustomization.yaml": b"resources: [pool.yaml, worker.yaml]\n",
        "base/pool.yaml": """\
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata:
  name: linux
  labels:
    team: größe  # a name with 100 % and, a comma: here
    enabled: yes
spec:
  image: worker-tools
  maxOperation: 10
  podTemplate:
    spec:
      restartPolicy: Always
""".encode(),
        "base/worker.yaml": b"""\
# yaml-language-server: $schema=worker.json
apiVersion: gitops-worker.io/v1alpha1
kind: Worker
metadata:
  name: main
spec:
  image: gitops-worker:0.1.0
  pools:
    - linux
    - gpu
  resources:
    requests: {memory: 2Gi}
    limits: {memory: 1Gi}
""",
    }
)


@pytest.fixture(scope="module")
def checked() -> Checked:
    files = dict(REPOSITORY.files)
    # The tag is read by kustomize as a number, and nothing is built; once mended, the objects are judged.
    first = check.check(MemoryTree(files), "overlays/dev", runner=runner.files())
    assert [one.code for one in first.findings if one.location and "kustomization" in one.location.file] == [
        codes.NOT_A_STRING
    ]
    files["overlays/dev/kustomization.yaml"] = files["overlays/dev/kustomization.yaml"].replace(b"1.10", b'"1.10"')
    return check.check(MemoryTree(files), "overlays/dev", runner=runner.files())


def text(file: str) -> str | None:
    return REPOSITORY.files[file].decode()


def compare(name: str, content: str) -> None:
    path = GOLDEN / name
    if os.environ.get("GITOPS_REGENERATE"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(content)
    assert content == path.read_text()


def test_table(checked: Checked) -> None:
    blocks = [
        "\n".join([f"{one.head}: {one.message}", *one.lines, ""])
        for one in findings.blocks(checked.findings, text, width=80)
    ]
    compare("table.txt", "\n".join([*blocks, findings.summary(checked), ""]))


def test_json(checked: Checked) -> None:
    made = findings.document(checked, path="overlays/dev", revision="main@sha1:" + "0" * 40)
    compare("findings.json", msgspec.json.format(msgspec.json.encode(made), indent=2).decode() + "\n")


def test_sarif(checked: Checked) -> None:
    text = findings.sarif(checked.findings, version="0.0.0")
    [run] = json.loads(text)["runs"]
    rules = run["tool"]["driver"]["rules"]
    assert [rules[one["ruleIndex"]]["id"] for one in run["results"]] == [one["ruleId"] for one in run["results"]]
    assert len({one["partialFingerprints"]["gitopsLint/v1"] for one in run["results"]}) == len(run["results"])
    # The rules are the catalogue's, which has a page of its own: not here too.
    run["tool"]["driver"]["rules"] = [one for one in rules if one["id"] == "GW301"]
    compare("findings.sarif", json.dumps(run, indent=2, ensure_ascii=False) + "\n")


def test_junit(checked: Checked) -> None:
    text = findings.junit(checked)
    suites = ET.fromstring(text)  # noqa: S314  # our own output
    failed = [one for suite in suites for one in suite if one.find("failure") is not None]
    assert len(failed) == sum(int(suite.attrib["failures"]) for suite in suites)
    compare("findings.xml", text + "\n")


def test_github(checked: Checked) -> None:
    compare("github.txt", "\n".join(findings.github(checked.findings)) + "\n")


def test_nothing_found_is_said_in_every_form() -> None:
    nothing = Checked(findings=(), files=3, objects=1)
    assert findings.summary(nothing) == "nothing found in 3 files, 1 object"
    assert json.loads(findings.sarif((), version="0.0.0"))["runs"][0]["results"] == []
    [suite] = ET.fromstring(findings.junit(nothing))  # noqa: S314  # our own output
    assert (suite.attrib["tests"], suite.attrib["failures"]) == ("1", "0")
    assert list(findings.github(())) == []


SHIPPED = [
    "base",
    "overlays/dev",
    "overlays/production",
    *(f"docs/examples/{name}" for name in ("small", "fleet", "octopus")),
]


@pytest.mark.parametrize("folder", SHIPPED)
def test_nothing_is_found_in_what_we_ship(folder: str) -> None:
    root = Path(__file__).parents[2]
    files = {
        path.relative_to(root).as_posix(): path.read_bytes()
        for top in ("base", "overlays", "docs/examples")
        for path in sorted((root / top).rglob("*"))
        if path.is_file()
    }
    found = check.check(MemoryTree(files), folder, runner=runner.files())
    assert [str(one.location) for one in found.findings] == []
    assert found.objects > 0
