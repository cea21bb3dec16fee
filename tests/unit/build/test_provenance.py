"""Every field of a rendered object leads back to the line that wrote it."""

from __future__ import annotations

import pytest

from gitops import build
from gitops.build import history
from gitops.source.tree import MemoryTree

FILES = {
    "base/kustomization.yaml": "resources:\n- app.yaml\n",
    "base/app.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      serviceAccountName: web
      containers:
      - name: main
        image: nginx:1
        env:
        - name: A
          value: "1"
      - name: side
        image: side:1
---
apiVersion: v1
kind: ServiceAccount
metadata:
  name: web
""",
    "top/kustomization.yaml": """\
resources:
- ../base
namePrefix: prod-
namespace: apps
labels:
- pairs:
    team: blue
images:
- name: nginx
  newTag: "2"
patches:
- path: patch.yaml
- target:
    kind: Deployment
  patch: |-
    - op: add
      path: /spec/minReadySeconds
      value: 5
- patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata:
      name: web
    spec:
      paused: true
configMapGenerator:
- name: settings
  literals:
  - a=b
""",
    "top/patch.yaml": """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 3
  template:
    spec:
      containers:
      - name: main
        env:
        - name: B
          value: "2"
""",
}


def _built() -> dict[str, build.Rendered]:
    tree = MemoryTree({path: content.encode() for path, content in FILES.items()})
    return {rendered.manifest["kind"]: rendered for rendered in build.build(tree, "top").objects}


@pytest.mark.parametrize(
    ("pointer", "place"),
    [
        ("/spec/replicas", "top/patch.yaml:6:13"),
        ("/spec/minReadySeconds", "top/kustomization.yaml:18:14"),
        ("/spec/paused", "top/kustomization.yaml:25:15"),
        ("/spec/template/spec/containers/0/image", "top/kustomization.yaml:10:11"),
        ("/spec/template/spec/containers/0/env/0/value", "top/patch.yaml:13:18"),
        ("/spec/template/spec/containers/0/env/1/value", "base/app.yaml:15:18"),
        ("/spec/template/spec/containers/1/image", "base/app.yaml:17:16"),
        ("/spec/template/spec/containers/1", "base/app.yaml:16:9"),
        ("/spec/template", "base/app.yaml:7:3"),
        ("/metadata/name", "base/app.yaml:4:9"),
        ("/metadata/namespace", "top/kustomization.yaml:4:12"),
        ("/metadata/labels/team", "top/kustomization.yaml:7:11"),
        ("/spec/template/spec/serviceAccountName", "base/app.yaml:9:27"),
        ("/spec/nothing/here", "base/app.yaml:5:1"),
    ],
)
def test_a_field_leads_to_its_line(pointer: str, place: str) -> None:
    assert str(build.locate(_built()["Deployment"], pointer)) == place


def test_the_history_names_author_and_changes() -> None:
    assert _history("/spec/template/spec/containers/0/image") == [
        ("base/app.yaml:12:16", "resource", "nginx:1"),
        ("top/kustomization.yaml:10:11", "images", "nginx:2"),
    ]


@pytest.mark.parametrize(
    ("pointer", "steps"),
    [
        ("/spec/replicas", [("base/app.yaml:6:13", "resource", 1), ("top/patch.yaml:6:13", "patch", 3)]),
        ("/spec/minReadySeconds", [("top/kustomization.yaml:18:14", "patches", 5)]),
        (
            "/spec/template/spec/serviceAccountName",
            [("base/app.yaml:9:27", "resource", "web"), ("top/kustomization.yaml:3:13", "namePrefix", "prod-web")],
        ),
        (
            "/metadata/name",
            [("base/app.yaml:4:9", "resource", "web"), ("top/kustomization.yaml:3:13", "namePrefix", "prod-web")],
        ),
        ("/spec/nothing", []),
    ],
)
def test_every_change_after_the_first_is_told(pointer: str, steps: list[tuple[str, str, object]]) -> None:
    assert _history(pointer) == steps


def _history(pointer: str, kind: str = "Deployment") -> list[tuple[str, str, object]]:
    return [(str(step.location), step.by, step.value) for step in history.history(_built()[kind], pointer)]


def test_a_json_patch_and_a_merge_remember_what_they_replaced() -> None:
    files = {
        **FILES,
        "over/kustomization.yaml": (
            "resources:\n- ../top\npatches:\n- target: {kind: Deployment}\n  patch: |-\n"
            "    - {op: replace, path: /spec/replicas, value: 7}\n"
            "configMapGenerator:\n- name: settings\n  behavior: merge\n  literals:\n  - a=c\n"
        ),
    }
    tree = MemoryTree({path: content.encode() for path, content in files.items()})
    built = {one.manifest["kind"]: one for one in build.build(tree, "over").objects}
    assert [step.value for step in history.history(built["Deployment"], "/spec/replicas")] == [1, 3, 7]
    settings = history.history(built["ConfigMap"], "/data/a")
    assert [(str(step.location), step.by, step.value) for step in settings] == [
        ("top/kustomization.yaml:29:5", "configMapGenerator", "b"),
        ("over/kustomization.yaml:11:5", "configMapGenerator", "c"),
    ]


def test_generated_objects_lead_to_their_entry() -> None:
    generated = _built()["ConfigMap"]
    assert str(generated.origin) == "top/kustomization.yaml:27:3"
    assert str(build.locate(generated, "/data/a")) == "top/kustomization.yaml:29:5"


def test_what_a_plugin_generates_leads_to_its_configuration() -> None:
    plugin = (
        "apiVersion: builtin\nkind: ConfigMapGenerator\nmetadata: {name: made}\nliterals: [a=b]\n---\n"
        "apiVersion: builtin\nkind: SecretGenerator\nmetadata: {name: kept}\nliterals: [a=b]\n"
    )
    files = {"kustomization.yaml": b"generators: [g.yaml]\n", "g.yaml": plugin.encode()}
    built = {one.manifest["kind"]: one for one in build.build(MemoryTree(files), "").objects}
    for kind, place in {"ConfigMap": "g.yaml:1:1", "Secret": "g.yaml:6:1"}.items():
        [step] = history.history(built[kind], "/data/a")
        assert (str(step.location), step.by) == (place, f"{kind}Generator")
        assert history.origin(built[kind]).by == f"{kind}Generator"


def test_objects_start_where_their_document_starts() -> None:
    assert str(_built()["ServiceAccount"].origin) == "base/app.yaml:19:1"


def test_files_read_are_named() -> None:
    tree = MemoryTree({path: content.encode() for path, content in FILES.items()})
    assert sorted(build.build(tree, "top").files) == sorted(FILES)
