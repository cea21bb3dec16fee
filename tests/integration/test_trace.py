"""`gitops trace` in a real repository with several commits and authors."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
pytestmark = pytest.mark.integration

DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: 1
  template:
    spec:
      containers:
      - name: main
        image: nginx:1
"""
PATCH = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: web
spec:
  replicas: {}
"""
TOP = """\
resources:
- ../base
namePrefix: prod-
images:
- name: nginx
  newTag: "2"
patches:
- path: patch.yaml
secretGenerator:
- name: token
  literals:
  - word=hunter2-canary
"""
OURS = """\
apiVersion: gitops-worker.io/v1alpha1
kind: Worker
metadata:
  name: main
  namespace: ci
spec:
  image: worker:1
  pools: [linux]
---
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata:
  name: linux
  namespace: ci
spec:
  image: tools:1
"""


@dataclass(frozen=True, slots=True)
class Repository:
    folder: Path

    def git(self, *arguments: str, who: str = "Ann") -> str:
        person = {f"GIT_{role}_{what}": value for role in ("AUTHOR", "COMMITTER") for what, value in _person(who)}
        done = subprocess.run(
            ["git", "-C", self.folder, *arguments],
            env={**os.environ, **person, "GIT_CONFIG_GLOBAL": "/dev/null"},
            capture_output=True,
            text=True,
            check=True,
        )
        return done.stdout.strip()

    def commit(self, subject: str, *, who: str, **files: str) -> str:
        for name, text in files.items():
            path = self.folder / name.replace("__", "/")
            path = path.with_suffix(".yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject, who=who)
        return self.git("rev-parse", "HEAD")

    def trace(self, *words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "gitops_cli", "trace", *words],
            cwd=self.folder,
            env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}", "COLUMNS": "100"},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def _person(who: str) -> list[tuple[str, str]]:
    return [("NAME", who), ("EMAIL", f"{who.lower()}@example.org"), ("DATE", "2024-05-06T07:08:09+02:00")]


@dataclass(frozen=True, slots=True)
class Story:
    repository: Repository
    commits: dict[str, str]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    repository = Repository(tmp_path_factory.mktemp("repository"))
    subprocess.run(["git", "init", "-q", "-b", "main", repository.folder], check=True)
    commits = {
        "ann": repository.commit(
            "The web server",
            who="Ann",
            base__app=DEPLOYMENT,
            base__kustomization="resources: [app.yaml]\n",
            top__kustomization=TOP,
            top__patch=PATCH.format(2),
            ours__worker=OURS,
            ours__kustomization="resources: [worker.yaml]\n",
        ),
        "bob": repository.commit("More of them", who="Bob", top__patch=PATCH.format(3)),
        "cleo": repository.commit("A newer worker", who="Cleo", ours__worker=OURS.replace("worker:1", "worker:2")),
    }
    return Story(repository, commits)


def test_the_table(story: Story) -> None:
    done = story.repository.trace("deployment/prod-web", ".spec.replicas", "top")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines() == [
        "Deployment prod-web .spec.replicas = 3",
        "    base/app.yaml:6:13  set by resource 1",
        f"      {story.commits['ann'][:10]} 2024-05-06 Ann <ann@example.org>: The web server",
        "    top/patch.yaml:6:13  changed by patch 3",
        f"      {story.commits['bob'][:10]} 2024-05-06 Bob <bob@example.org>: More of them",
    ]


def test_the_same_as_data_at_an_older_commit(story: Story) -> None:
    done = story.repository.trace("deploy", "prod-web", "/spec/replicas", "top@HEAD~2", "-o", "json")
    assert done.returncode == 0, done.stderr
    [field] = json.loads(done.stdout)["fields"]
    assert [(step["location"], step["value"], step["author"]) for step in field["steps"]] == [
        ("base/app.yaml:6:13", 1, "Ann"),
        ("top/patch.yaml:6:13", 2, "Ann"),
    ]
    assert field["steps"][0]["date"] == "2024-05-06T07:08:09+02:00"
    assert field["steps"][0]["commit"] == story.commits["ann"]


def test_transformers_are_named(story: Story) -> None:
    image = story.repository.trace("deployment/prod-web", ".spec.template.spec.containers[name=main].image", "top")
    assert 'top/kustomization.yaml:6:11  changed by images "nginx:2"' in image.stdout
    name = story.repository.trace("deployment/prod-web", ".metadata.name", "top")
    assert 'top/kustomization.yaml:3:13  changed by namePrefix "prod-web"' in name.stdout


def test_the_name_written_in_git_is_enough(story: Story) -> None:
    """Nobody knows the hash of a generated object by heart."""
    done = story.repository.trace("deployment/web", ".spec.replicas", "top", "-o", "json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["object"]["name"] == "prod-web"
    token = story.repository.trace("secret/token", ".metadata.name", "top", "-o", "json")
    assert json.loads(token.stdout)["object"]["name"].startswith("prod-token-")


def test_a_worker_decides_its_deployment(story: Story) -> None:
    done = story.repository.trace("deployment/main", ".spec.template.spec.containers[0].image", "ours")
    assert done.stdout.splitlines() == [
        'Deployment ci/main .spec.template.spec.containers[0].image = "worker:2"',
        "  is made from Worker ci/main",
        '  Worker ci/main .spec.image = "worker:2"',
        "    ours/worker.yaml:7:10  set by resource",
        f"      {story.commits['cleo'][:10]} 2024-05-06 Cleo <cleo@example.org>: A newer worker",
    ]
    fixed = story.repository.trace("netpol/deny-ingress", ".spec.policyTypes[0]", "ours")
    assert "is made from WorkerPool ci/linux, whatever its fields say" in fixed.stdout
    assert "ours/worker.yaml:10:1  set by resource" in fixed.stdout


def test_values_of_secrets_stay_secret(story: Story) -> None:
    built = subprocess.run(
        [sys.executable, "-m", "gitops_cli", "build", "top", "-o", "json"],
        cwd=story.repository.folder,
        env={**os.environ, "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}"},
        capture_output=True,
        check=True,
    )
    [name] = [one["metadata"]["name"] for one in json.loads(built.stdout)["items"] if one["kind"] == "Secret"]
    for form in ("table", "json"):
        done = story.repository.trace(f"secret/{name}", "top", "-o", form)
        assert "top/kustomization.yaml:12:5" in done.stdout
        assert "sha256:" in done.stdout
        assert "hunter2" not in done.stdout
        assert "aHVudGVyMi1jYW5hcnk=" not in done.stdout


def test_lines_that_are_not_committed_are_said(story: Story, tmp_path: Path) -> None:
    subprocess.run(["git", "clone", "-q", story.repository.folder, tmp_path / "clone"], check=True)
    clone = Repository(tmp_path / "clone")
    (clone.folder / "top" / "patch.yaml").write_text("# a new line above\n" + PATCH.format(9))
    done = clone.trace("deployment/prod-web", ".spec.replicas", "top")
    assert done.stdout.splitlines()[3:] == ["    top/patch.yaml:7:13  changed by patch 9", "      not committed yet"]
    kind = clone.trace("deployment/prod-web", ".kind", "top")
    assert f"{story.commits['ann'][:10]} 2024-05-06 Ann" in kind.stdout


def test_a_shallow_clone_names_only_whom_it_knows(story: Story, tmp_path: Path) -> None:
    source = f"file://{story.repository.folder}"
    subprocess.run(["git", "clone", "-q", "--depth", "2", source, tmp_path / "clone"], check=True)
    clone = Repository(tmp_path / "clone")
    assert "unknown (shallow)" in clone.trace("deployment/prod-web", ".spec.replicas", "top").stdout
    worker = clone.trace("worker/main", ".spec.image", "ours").stdout
    assert f"{story.commits['cleo'][:10]} 2024-05-06 Cleo" in worker


def test_outside_of_git_there_is_no_author(story: Story, tmp_path: Path) -> None:
    shutil.copytree(story.repository.folder / "base", tmp_path / "base")
    done = Repository(tmp_path / "base").trace("deployment/web", ".spec.replicas", ".")
    assert done.stdout.splitlines()[1:] == ["    app.yaml:6:13  set by resource", "      not in Git"]


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("deployment/wex", ".spec", "top"), "of that kind there are Deployment.apps prod-web"),
        (("deployment/prod-web", ".spec.replica", "top"), ".spec has replicas, template"),
        (("deployment/prod-web", ".spec[", "top"), "is no path to a field"),
        (("deployment",), "name an object: KIND/NAME"),
        (("deployment/x", ".spec", "top", "more"), "what is 'more'?"),
    ],
)
def test_what_cannot_be_traced_is_said(story: Story, words: tuple[str, ...], told: str) -> None:
    done = story.repository.trace(*words)
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
