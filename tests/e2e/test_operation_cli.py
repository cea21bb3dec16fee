"""`gitops operation` as a deployment author types it: rights of their own, a worker in the cluster, real pods."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.cluster import program
from tests.cluster.cluster import Cluster
from tests.e2e.workplace import WORKER, Workplace

pytestmark = pytest.mark.e2e

ROOT = Path(__file__).parents[2]
AUTHOR = "author"
BLIND = "blind"
"""May do all that an author may, except read logs."""
VERSION = "cli-test"
RULES: list[dict[str, list[str]]] = [
    {
        "apiGroups": ["gitops-worker.io"],
        "resources": ["operations"],
        "verbs": ["get", "list", "watch", "create", "patch", "delete"],
    },
    {"apiGroups": ["gitops-worker.io"], "resources": ["workerpools"], "verbs": ["get", "list", "use"]},
    {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["pods/portforward"], "verbs": ["get", "create"]},
]


@dataclass(frozen=True)
class Desk:
    """Where an author sits."""

    place: Workplace
    kubeconfig: Path

    def command(self, *words: str) -> list[str]:
        return [sys.executable, "-m", "gitops_cli", "operation", *words, "-n", self.place.namespace]

    @property
    def environment(self) -> dict[str, str]:
        return {**os.environ, "KUBECONFIG": str(self.kubeconfig), "PYTHONPATH": f"{ROOT}:{ROOT / 'cmd'}"}

    def type(self, verb: str, *words: str, stdin: str = "", behind: Sequence[str] = ()) -> tuple[int, str, str]:
        """Exit code, stdout, stderr of `gitops operation VERB … [-- behind]`."""
        command = self.command(verb, *words)
        done = subprocess.run(
            [*command, *(["--", *behind] if behind else [])],
            input=stdin,
            capture_output=True,
            text=True,
            env=self.environment,
            timeout=120,
            check=False,
        )
        return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module")
def image(tmp_path_factory: pytest.TempPathFactory, cluster: Cluster) -> str:
    """The program as it stands in this checkout, on the nodes."""
    target = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(target), str(ROOT)]
    subprocess.run(command, check=True, capture_output=True)
    cluster.load([program.build(next(target.glob("*.whl")), version=VERSION)])
    return program.name_of(VERSION)


@pytest.fixture(scope="module")
def desk(cluster: Cluster, image: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    pools: dict[str, dict[str, Any]] = {
        "linux": {"image": "worker-tools:1", "imagePullPolicy": "IfNotPresent", "timeouts": {"grace": "5s"}}
    }
    place = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools=pools)
    place.install()
    try:
        patch = {
            "spec": {
                "replicas": 1,
                "template": {
                    "spec": {"containers": [{"name": "gitops", "image": image, "imagePullPolicy": "IfNotPresent"}]}
                },
            }
        }
        where = ("-n", place.namespace)
        cluster.kubectl("patch", "deployment", WORKER, *where, "-p", json.dumps(patch))
        for user, rules in {AUTHOR: RULES, BLIND: RULES[:-1]}.items():
            role = {"apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": user}}
            cluster.kubectl("apply", "-f", "-", *where, stdin=json.dumps({**role, "rules": rules}))
            cluster.kubectl("create", "rolebinding", user, f"--role={user}", f"--user={user}", *where)
        cluster.kubectl("rollout", "status", f"deployment/{WORKER}", *where, "--timeout=90s")
        yield Desk(place=place, kubeconfig=cluster.user(AUTHOR))
    finally:
        place.remove()


def test_a_command_is_followed_to_its_end(desk: Desk) -> None:
    words = ("run", "--pool", "linux", "--follow", "--env", "GREETING=a  b")
    code, out, err = desk.type(*words, behind=("sh", "-c", 'echo "$GREETING|$1"', "sh", "c  d"))
    assert (code, out) == (0, "a  b|c  d\n"), err
    assert re.search(r"^operation linux-[0-9a-f]{8} created$", err, re.MULTILINE)
    assert re.search(r"^operation linux-[0-9a-f]{8}: Succeeded", err, re.MULTILINE)


def test_a_script_from_stdin_says_what_runs_it_and_fails_with_its_own_code(desk: Desk) -> None:
    script = "#!/usr/bin/env python3\nimport sys\nprint('from', sys.version_info[0])\nsys.exit(int(sys.argv[1]))\n"
    words = ("run", "--pool", "linux", "-f", "-", "--follow")
    code, out, err = desk.type(*words, stdin=script, behind=("7",))
    assert (code, out) == (1, "from 3\n"), err
    code, out, err = desk.type(*words, "--exit-code", "script", stdin=script, behind=("7",))
    assert (code, out) == (7, "from 3\n"), err
    assert "ScriptFailed" in err


def test_every_line_arrives_and_stays(desk: Desk) -> None:
    expected = "".join(f"line {number}\n" for number in range(1, 5_001))
    code, out, err = desk.type(
        "run", "--pool", "linux", "--follow", "--name", "many", behind=("seq", "-f", "line %g", "5000")
    )
    assert code == 0, err
    assert out == expected, err
    assert "incomplete" not in err
    assert desk.type("logs", "many") == (0, expected, "")
    assert desk.type("logs", "operation.gitops-worker.io/many", "--tail", "2")[1] == "line 4999\nline 5000\n"
    code, _, err = desk.type("logs", "many", "--attempt", "2")
    assert (code, err.splitlines()[1]) == (2, "  = cause: 1 is the last one")


def test_the_end_of_a_log_is_followed_through_a_workers_death(desk: Desk, cluster: Cluster) -> None:
    script = "i=0; while [ $i -lt 60 ]; do i=$((i+1)); echo tick $i; sleep 0.25; done"
    assert desk.type("run", "--pool", "linux", "--name", "ticks", behind=("sh", "-c", script))[0] == 0
    desk.place.until("ticks", {"Running"})
    command = desk.command("logs", "ticks", "--follow", "--tail", "2")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=desk.environment) as process:
        assert process.stdout is not None
        first = process.stdout.readline()
        labels = ("-l", "app.kubernetes.io/name=gitops-worker", "-n", desk.place.namespace)
        cluster.kubectl("delete", "pod", *labels, "--grace-period=0", "--force")
        rest = process.stdout.read()
        assert process.wait(120) == 0
    ticks = [int(line.split()[1]) for line in (first + rest).splitlines()]
    assert ticks == list(range(ticks[0], 61))
    assert len(ticks) < 60
    assert desk.type("logs", "ticks", "--since", "1h", "--tail", "1") == (0, "tick 60\n", "")
    assert desk.type("logs", "ticks", "--follow") == (0, "".join(f"tick {n}\n" for n in range(1, 61)), "")


def test_the_answer_as_data(desk: Desk) -> None:
    code, out, err = desk.type("run", "--pool", "linux", "--wait", "-o", "json", behind=("sh", "-c", "echo x; exit 3"))
    assert code == 1, err
    operation = json.loads(out)
    assert (operation["kind"], operation["status"]["exitCode"]) == ("Operation", 3)
    assert operation["status"]["log"] == operation["status"]["log"] | {"complete": True, "lines": 1}
    code, out, _ = desk.type("list", "-o", "json")
    assert code == 0
    assert operation["metadata"]["name"] in {item["metadata"]["name"] for item in json.loads(out)["items"]}
    rows = [line.split("\t") for line in desk.type("list", "--pool", "linux")[1].splitlines()]
    row = next(row for row in rows if row[0] == operation["metadata"]["name"])
    assert row[1:5] == ["linux", "Failed", "ScriptFailed", "3"]


def test_what_is_brought_arrives(desk: Desk, cluster: Cluster, tmp_path: Path) -> None:
    where = ("-n", desk.place.operations_namespace("linux"))
    cluster.kubectl("create", "secret", "generic", "deploy", "--from-literal=token=very-secret-token", *where)
    cluster.kubectl("create", "configmap", "site", "--from-literal=site.conf=from-site", "--from-literal=b=2", *where)
    (tmp_path / "tool").write_bytes(b'#!/bin/sh\necho "tool $1"; exit 0\n\x00\xff')
    (tmp_path / "tool").chmod(0o755)
    (tmp_path / "values.yaml").write_text("a: \u00e4\n")
    words = ["run", "--pool", "linux", "--follow", "--env", "STAGE=test", "--env-from", "TOKEN=secret/deploy:token"]
    words += ["--env-from", "SITE=configmap/site:site.conf", "--files-from", "configmap/site:conf:site.conf"]
    words += ["--files-from", "secret/deploy:keys", "--file", f"{tmp_path}/tool:bin/tool"]
    words += ["--file", f"{tmp_path}/values.yaml", "--mutex", "m", "--shared", "--mutex-wait", "5m"]
    script = 'bin/tool "$STAGE"; cat values.yaml; ls conf; cat conf/site.conf; echo "|$SITE|$TOKEN|${#TOKEN}"'
    code, out, err = desk.type(*words, behind=("sh", "-c", f"{script}; wc -c < keys/token"))
    assert (code, out) == (0, "tool test\na: \u00e4\nsite.conf\nfrom-site|from-site|***|17\n17\n"), err


def test_a_dry_run_is_for_kubectl(desk: Desk, cluster: Cluster) -> None:
    code, out, err = desk.type("run", "--pool", "linux", "--dry-run", "--step", "hello", behind=("echo", "a  $b"))
    assert (code, err) == (0, "")
    named = cluster.kubectl("create", "-f", "-", "-o", "name", stdin=out, user=desk.kubeconfig).strip()
    done = cluster.kubectl("wait", named, "--for=condition=Finished", "--timeout=60s", "-n", desk.place.namespace)
    assert done.endswith(" condition met\n")
    assert desk.type("logs", named) == (0, "a  $b\n", "")


def test_a_running_operation_is_cancelled_and_its_last_words_arrive(desk: Desk) -> None:
    script = "trap 'echo last words; exit 1' TERM\necho begun\nfor i in $(seq 600); do sleep 0.1; done\n"
    words = ("run", "--pool", "linux", "--follow", "--name", "long", "-f", "-")
    with subprocess.Popen(
        desk.command(*words),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=desk.environment,
    ) as following:
        assert following.stdin is not None
        assert following.stdout is not None
        assert following.stderr is not None
        following.stdin.write(script)
        following.stdin.close()
        assert following.stdout.readline() == "begun\n"
        began = time.monotonic()
        assert desk.type("cancel", "long")[:2] == (0, "operation.gitops-worker.io/long cancelled\n")
        assert "last words" in following.stdout.read().splitlines()
        assert following.wait(30) == 1
        assert time.monotonic() - began < 15
        assert "Cancelled" in following.stderr.read()
    code, out, err = desk.type("cancel", "long")
    assert (code, out) == (1, "")
    assert "long has finished already: Cancelled" in err


def test_a_log_that_may_not_be_read_changes_no_verdict(desk: Desk, cluster: Cluster) -> None:
    blind = Desk(place=desk.place, kubeconfig=cluster.user(BLIND))
    code, out, err = blind.type("run", "--pool", "linux", "--follow", "--name", "unread", behind=("echo", "x"))
    assert (code, out) == (0, "")
    assert "the log cannot be followed: " in err
    assert "portforward" in err
    code, _, err = blind.type("logs", "unread")
    assert (code, err[:20]) == (4, "error[ClusterDenied]")


def test_what_cannot_be_is_said_at_once(desk: Desk, cluster: Cluster) -> None:
    code, _, err = desk.type("run", "--pool", "windows", behind=("true",))
    assert (code, err.splitlines()[:2]) == (
        2,
        [f"error[ConfigInvalid]: no pool 'windows' in namespace {desk.place.namespace}", "  = cause: it has linux"],
    )
    code, _, err = desk.type("logs", "nothing")
    assert code == 2
    assert "no operation 'nothing'" in err
    code, _, err = desk.type("run", "--pool", "linux")
    assert code == 2
    assert "-- COMMAND" in err
    stranger = Desk(place=desk.place, kubeconfig=cluster.user("stranger"))
    code, _, err = stranger.type("run", "--pool", "linux", behind=("true",))
    assert (code, err[:20]) == (4, "error[ClusterDenied]")
    assert "stranger" in err
