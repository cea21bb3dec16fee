"""What is looked at, what hides what, and where findings stand."""

from __future__ import annotations

import pytest

from gitops.lint.code import Severity
from gitops.lint.finding import answer
from gitops.source.tree import MemoryTree
from tests.unit.lint.trees import POOL, WORKER, coded, findings, said, tree

SECRET = "apiVersion: v1\nkind: Secret\nmetadata:\n  name: a\nstringData:\n  pin: 4711000\ndata:\n  key: aGlkZGVu\n"


def test_a_broken_file_hides_nothing_in_other_files() -> None:
    source = tree(
        broken="a: [1\n",
        pool=POOL + "  maxOperation: 5\n",
        settings="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {a: yes}\n",
        twice="apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b, name: b}\n",
    )
    assert said(source) == [
        "broken.yaml:2:1 GW001 the YAML is broken: did not find expected ',' or ']'",
        "pool.yaml:10:3 GW101 unknown field spec.maxOperation",
        "settings.yaml:4:11 GW111 yes is a string to some programs and true to others",
        "twice.yaml:3:21 GW002 the key 'name' is there already, in line 3",
    ]


def test_a_broken_kustomization_says_so_once_and_its_files_are_looked_at() -> None:
    source = MemoryTree(
        {
            "kustomization.yaml": b"resources: [pool.yaml]\nnamePrefx: a-\n",
            "pool.yaml": (POOL + "  maxOperation: 5\n").encode(),
        }
    )
    assert coded(source) == ["GW003", "GW101"]


def test_objects_that_no_overlay_has_touched_may_lack_what_one_adds() -> None:
    source = tree(broken="a: [1\n", pool=POOL.replace("  image: worker-tools:1\n", ""))
    assert coded(source) == ["GW001"]


def test_a_failed_build_hides_no_warning_that_overlays_do_not_mend() -> None:
    role = "apiVersion: rbac.authorization.k8s.io/v1\nkind: Role\nmetadata: {name: a}\nrules:\n"
    rule = "- {apiGroups: ['*'], resources: ['*'], verbs: ['*']}\n"
    files = {"broken": "a: [1\n", "pool": POOL.replace("worker-tools:1", "worker-tools"), "role": role + rule}
    assert coded(tree(**files)) == ["GW001", "GW301", "GW401"]
    retagged = "resources: [broken.yaml, pool.yaml, role.yaml]\nimages: [{name: worker-tools, newTag: '1'}]\n"
    assert coded(tree(**files, kustomization=retagged)) == ["GW001", "GW401"]


def test_a_finding_stands_where_the_value_was_written() -> None:
    source = MemoryTree(
        {
            "base/kustomization.yaml": b"resources: [pool.yaml, worker.yaml]\n",
            "base/pool.yaml": POOL.encode(),
            "base/worker.yaml": WORKER.encode(),
            "overlays/dev/kustomization.yaml": b"namespace: ci\nresources: [../../base]\npatches: [{path: p.yaml}]\n",
            "overlays/dev/p.yaml": b"apiVersion: gitops-worker.io/v1alpha1\nkind: WorkerPool\n"
            b"metadata: {name: linux}\nspec:\n  podSecurity: low\n",
        }
    )
    hits = ["overlays/dev/p.yaml:5:16 GW104 spec.podSecurity cannot be 'low'"]
    assert said(source, "overlays/dev") == hits
    assert said(source) == hits, "a base that an overlay uses is not looked at by itself"


def test_a_directory_without_kustomizations_is_taken_file_by_file() -> None:
    source = MemoryTree(
        {"a/pool.yaml": POOL.encode(), "b/c/broken.yml": b"[", ".hidden/x.yaml": b"[", "note.txt": b"["}
    )
    assert said(source) == [
        "a/pool.yaml:5:9 GW202 no Worker of this build serves WorkerPool linux",
        "b/c/broken.yml:2:1 GW001 the YAML is broken: did not find expected node content",
    ]


def test_a_mistake_is_told_once_though_two_readers_see_it() -> None:
    assert coded(tree(pool=POOL + "  suspended: yes\n", worker=WORKER)) == ["GW111"]
    assert coded(tree(pool=POOL + '  suspended: "yes"\n', worker=WORKER)) == ["GW103"]
    twice = "resources: [pool.yaml, worker.yaml]\nnamespace: ci\nnamespace: ci\n"
    assert coded(tree(pool=POOL, worker=WORKER, kustomization=twice)) == ["GW002"]


def test_every_protected_field_is_blamed_in_its_place() -> None:
    template = "  podTemplate:\n    spec:\n      restartPolicy: Always\n      containers:\n        - name: operation\n"
    source = tree(pool=POOL + template + "          tty: true\n          command: [sh]\n", worker=WORKER)
    assert [(one.code.code, one.location and one.location.line) for one in findings(source)] == [
        ("GW106", 12),
        ("GW106", 15),
        ("GW106", 16),
    ]


def test_a_template_that_fits_no_pod_is_found_by_merging_it() -> None:
    template = "  podTemplate:\n    spec:\n      containers:\n        - {name: operation, $patch: delete}\n"
    [finding] = findings(tree(pool=POOL + template, worker=WORKER))
    assert finding.code.code == "GW106"
    assert "protected fields" in finding.message


def test_mode_bits_are_meant_as_octal() -> None:
    volumes = "  volumes: [{name: a, secret: {secretName: a, defaultMode: 0400}}]\n"
    pod = f"apiVersion: v1\nkind: Pod\nmetadata: {{name: a}}\nspec:\n{volumes}  containers: []\n"
    assert coded(tree(pod=pod)) == []


def test_a_patch_of_a_kustomization_is_looked_at_too() -> None:
    source = tree(pool=POOL, worker=WORKER)
    files = dict(source.files)
    files["kustomization.yaml"] += b"patches: [{path: patch.yaml}]\nimages: [{name: worker-tools, newTag: 1.10}]\n"
    files["patch.yaml"] = (
        b"apiVersion: gitops-worker.io/v1alpha1\nkind: Worker\nmetadata: {name: main, labels: {a: on}}\n"
    )
    assert said(MemoryTree(files)) == [
        "kustomization.yaml:6:39 GW115 1.10 is no string, and Kubernetes wants one here",
        "patch.yaml:3:36 GW111 on is a string to some programs and true to others",
    ]


def test_secret_values_are_known_to_whoever_prints() -> None:
    from gitops.lint import check  # noqa: PLC0415

    source = tree(secret=SECRET)
    files = dict(source.files)
    files["kustomization.yaml"] += b"secretGenerator: [{name: b, literals: [token=geheim]}]\n"
    checked = check.check(MemoryTree(files), "", runner={})
    assert {"4711000", "aGlkZGVu", "hidden", "geheim"} <= checked.secrets


@pytest.mark.parametrize(
    ("comment", "codes"),
    [
        ("image: worker-tools  # gitops-lint: ignore=GW301 mirrored nightly", []),
        ("# gitops-lint: ignore=GW301,GW999 mirrored nightly\n  image: worker-tools", ["GW901"]),
        ("image: worker-tools  # gitops-lint: ignore=GW301", ["GW301", "GW901"]),
        ("image: worker-tools  # gitops-lint: ignore=GW304 no reason to", ["GW301", "GW901"]),
        ("image: worker-tools:1  # gitops-lint: ignore=GW301 once it had no tag", ["GW901"]),
    ],
)
def test_an_exception_needs_a_reason_and_an_effect(comment: str, codes: list[str]) -> None:
    assert coded(tree(pool=POOL.replace("image: worker-tools:1", comment), worker=WORKER)) == codes


def test_notes_alone_are_no_reason_to_fail() -> None:
    noted = findings(tree(pool=POOL.partition("\n")[2], worker=WORKER))
    assert [one.severity for one in noted] == [Severity.NOTE]
    assert answer(noted) == 0
    assert answer(findings(tree(pool=POOL))) == 1


@pytest.mark.parametrize(
    "content", [b"\xff\xfe\x00", b"a: *b\n", b"? [a]\n: b\n", b"- " * 500, b"a: !!int x\n", b"\x00"]
)
def test_whatever_a_file_holds_is_a_finding_and_no_exception(content: bytes) -> None:
    files = {**tree(pool=POOL, worker=WORKER, odd="").files, "odd.yaml": content}
    found = findings(MemoryTree(files))
    assert [one.code.code for one in found] == ["GW001"]


@pytest.mark.parametrize(
    "head",
    [
        "apiVersion: [v1]\nkind: Pod\nmetadata: {name: a}\n",
        "apiVersion: v1\nkind: Pod\nmetadata: {name: a, namespace: [b]}\n",
    ],
)
def test_an_object_whose_identity_is_no_text_is_refused_by_the_build(head: str) -> None:
    files = {"kustomization.yaml": b"resources: [a.yaml]\n", "a.yaml": head.encode()}
    assert said(MemoryTree(files)) == [
        "a.yaml:1:1 GW003 apiVersion, kind, metadata.name and metadata.namespace of an object must be text"
    ]


def test_a_broken_document_does_not_hide_what_is_wrong_in_others_of_its_file() -> None:
    """A tree without a kustomization: each file stands alone."""
    head = "# yaml-language-server: $schema=x.json\napiVersion: gitops-worker.io/v1alpha1\n"
    broken = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a, name: b}\n"
    pool = f"{head}kind: WorkerPool\nmetadata: {{name: linux}}\nspec: {{maxOperations: 0, image: 'a:1'}}\n"
    worker = f"{head}kind: Worker\nmetadata: {{name: main}}\nspec: {{image: 'w:1', pools: [gone], topology: both}}\n"
    source = MemoryTree({"all.yaml": f"{pool}--- # next\n{broken}---\n{worker}".encode()})
    assert [one for one in said(source) if "GW502" not in one] == [
        "all.yaml:5:23 GW104 spec.maxOperations must be at least 1, not 0",
        "all.yaml:9:21 GW002 the key 'name' is there already, in line 9",
        "all.yaml:15:47 GW104 spec.topology cannot be 'both'",
    ]
