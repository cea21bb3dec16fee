"""docs/how-to/migrate-from-octopus.md on the real cluster: every command it prints, in its order.

No Octopus chart or server can be had here. The old installation is plain objects, named as the chart names them, that
do nothing: shown is that the new one leaves them alone, that both stand side by side, and that the old one goes.
"""

from __future__ import annotations

import itertools
import json
import re
import shlex
import shutil
from collections.abc import Iterator

import pytest

from tests.cluster import cluster as two_nodes
from tests.cluster.cluster import Cluster
from tests.demo import __main__ as demo
from tests.demo.stage import ROOT, Ran, Stage, until

pytestmark = pytest.mark.e2e

PAGE = (ROOT / "docs/how-to/migrate-from-octopus.md").read_text()
STEPS = {
    heading: [line for block in re.findall(r"^```sh\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
              for line in block.splitlines()]
    for heading, text in re.findall(r"^## (\d)\. (.*?)(?=^## |\Z)", PAGE, re.MULTILINE | re.DOTALL)
}  # fmt: skip
OLD = "octopus-worker"
NEW = "octopus-workers"
RELEASE = {"app.kubernetes.io/managed-by": "Helm", "app.kubernetes.io/instance": OLD}
SCRIPT = 'echo "proxy is $HTTPS_PROXY"; test ! -e /octopus; exit 7\n'


def chart_objects() -> list[dict[str, object]]:
    """What the chart made, and `helm uninstall` takes; then what it leaves: Secrets that the agent made."""

    def one(api_version: str, kind: str, name: str, *, of_release: bool = True, **fields: object) -> dict[str, object]:
        metadata = {"name": name, "namespace": OLD, "labels": RELEASE if of_release else {"left": "behind"}}
        return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}

    labels = {"app.kubernetes.io/name": "octopus-agent"}
    container = {"name": "octopus-agent-tentacle", "image": "busybox:1", "command": ["sleep", "100000"]}
    pod = {
        "serviceAccountName": "octopus-agent-tentacle",
        "terminationGracePeriodSeconds": 0,
        "containers": [container],
    }
    template = {"metadata": {"labels": labels}, "spec": pod}
    claim = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "10Gi"}}}
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    return [
        one("v1", "ServiceAccount", "octopus-agent-tentacle"),
        one("v1", "ServiceAccount", "octopus-agent-scripts"),
        one("v1", "ServiceAccount", "octopus-agent-auto-upgrader"),
        one("rbac.authorization.k8s.io/v1", "Role", f"octopus-agent-scripts-{OLD}-worker-role", rules=rules),
        one("apps/v1", "Deployment", "octopus-agent-tentacle",
            spec={"selector": {"matchLabels": labels}, "template": template}),
        one("v1", "PersistentVolumeClaim", "octopus-agent-tentacle-pvc", spec=claim),
        one("v1", "ConfigMap", "tentacle-config"),
        one("v1", "Secret", "octopus-feed-cred-1", of_release=False),
        one("v1", "Secret", "tentacle-secret", of_release=False),
    ]  # fmt: skip


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    made, url, token_file = demo.prepare(two_nodes.up())
    shutil.rmtree(made.clone / "overlays")
    values = (ROOT / "docs/examples/octopus/values.yaml").read_text()
    # An image that the nodes have; the pull secret of the registry stays.
    values = values.replace("registry.example/worker-tools", "worker-tools").replace("6.4.0-ubuntu.24.04", '"1"')
    (made.clone / "values.yaml").write_text(values)
    (made.clone / ".gitignore").write_text("values.yaml\ntoken.txt\nhttps_proxy\nstep.sh\n")
    shutil.copy(token_file, made.clone / "token.txt")
    (made.clone / "https_proxy").write_text("http://proxy.example:3128")
    (made.clone / "step.sh").write_text(SCRIPT)
    made.environment["URL"] = url
    made.git("config", "push.default", "current")
    cluster = made.cluster
    cluster.kubectl("create", "namespace", OLD)
    cluster.kubectl(
        "apply", "-f", "-", stdin=json.dumps({"apiVersion": "v1", "kind": "List", "items": chart_objects()})
    )
    cluster.kubectl("label", "nodes", "--all", "pool=system", "--overwrite")
    cluster.kubectl("rollout", "status", "deployment/octopus-agent-tentacle", "-n", OLD, "--timeout=120s")
    yield made
    cluster.kubectl("label", "nodes", "--all", "pool-")
    cluster.kubectl("delete", "namespace", OLD, "--ignore-not-found", "--wait=false")
    demo.remove_leftovers(cluster)


def typed(stage: Stage, line: str, *, expect: int = 0) -> Ran:
    """A command of the page, with the repository's real address."""
    words = shlex.split(line)
    if words[:2] == ["gitops", "install"]:
        words[words.index("--git-url") + 1] = stage.environment["URL"]
        words += ["--git-ca-file", str(stage.cluster.git.ca_file)]
    if words[0] == "git":
        return Ran(code=0, output=stage.git(*words[1:]), progress="")
    if words[0] == "kubectl":
        # kubectl runs elsewhere: files are named from there.
        words = [
            f"{word.partition('=')[0]}={stage.clone / word.partition('=')[2]}" if before == "--from-file" else word
            for before, word in itertools.pairwise(["", *words])
        ]
        return Ran(code=0, output=stage.cluster.kubectl(*words[1:], user=stage.kubeconfig), progress="")
    assert words[0] == "gitops"
    return stage.gitops(*words[1:], expect=[expect])


def versions(cluster: Cluster) -> dict[str, str]:
    """What the old installation is, by kind and name; a Deployment's status moves by itself."""
    kinds = "serviceaccounts,roles,configmaps,secrets,persistentvolumeclaims,deployments,pods"
    return {
        f"{one['kind']}/{one['metadata']['name']}": json.dumps(one.get("spec") or one["metadata"]["resourceVersion"])
        for one in cluster.get(kinds, "--namespace", OLD)["items"]
    }


def operations(stage: Stage) -> dict[str, str]:
    """Phases by name."""
    found = stage.cluster.get("operations", "--namespace", NEW)["items"]
    return {one["metadata"]["name"]: (one.get("status") or {}).get("phase", "") for one in found}


def test_the_page_is_walked(stage: Stage) -> None:
    cluster, before = stage.cluster, versions(stage.cluster)

    [helm, imported] = STEPS["1"]
    assert helm.startswith("helm get values ")
    typed(stage, imported)
    for line in STEPS["2"]:
        typed(stage, line, expect=int(line.startswith("gitops plan")))

    for line in STEPS["3"]:
        if line.startswith("gitops operation run"):
            refused = typed(stage, line, expect=1)
            assert "proxy is http://proxy.example:3128" in refused.output
        else:
            typed(stage, line)
    listed = stage.gitops("operation", "list", "-n", NEW).output
    assert "Failed" in listed
    assert versions(cluster) == before

    [handed] = STEPS["4"]
    assert typed(stage, handed, expect=7).output.count("proxy is ") == 1

    run = ("operation", "run", "-n", NEW, "--pool", "linux", "--follow", "--name")
    started = stage.start(*run, "before", "--", "sh", "-c", "sleep 20")
    until("an operation runs", lambda: True if operations(stage).get("before") == "Running" else None)
    pool = stage.clone / "overlays/octopus/pool-linux.yaml"
    pool.write_text(pool.read_text() + "  suspended: true\n")
    stage.commit("Go back: nothing new starts in the linux pool")
    for line in STEPS["5"]:
        typed(stage, line)
    waiting = stage.start(*run, "after", "--", "true")
    until("the next one is there", lambda: operations(stage).get("after") is not None or None)
    started.communicate(timeout=120)
    assert started.returncode == 0
    assert operations(stage)["after"] in {"", "Queued"}
    waiting.terminate()
    waiting.communicate(timeout=60)
    assert versions(cluster) == before

    [uninstalled, looked] = STEPS["6"]
    assert uninstalled.startswith(f"helm uninstall {OLD} ")
    kinds = "deployments,serviceaccounts,roles,configmaps,persistentvolumeclaims"
    cluster.kubectl("delete", kinds, "--namespace", OLD, "--selector", f"app.kubernetes.io/instance={OLD}")
    left = typed(stage, looked).output
    assert "octopus-feed-cred-1" in left
    assert "pvc" not in left
    cluster.kubectl("delete", "namespace", OLD, "--timeout=120s")
    stage.gitops("drift", "octopus", "-n", NEW)
