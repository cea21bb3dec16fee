"""The verbs around a sync, against a real API server and a real Git server."""

from __future__ import annotations

import json
import re
import secrets
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster.bare import BareApiServer
from tests.cluster.gitserver import LocalGitServer
from tests.integration.desk import ROOT, Desk, ran

pytestmark = pytest.mark.integration

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: settings\ndata:\n  colour: {colour}\n"


@pytest.fixture(scope="module")
def kinds(bare: BareApiServer) -> BareApiServer:
    for definition in sorted((ROOT / "base" / "crds").glob("*.yaml")):
        bare.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(definition))
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=30s")
    return bare


@pytest.fixture
def desk(
    kinds: BareApiServer, git_server: LocalGitServer, tmp_path: Path, request: pytest.FixtureRequest
) -> Iterator[Desk]:
    told = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:30].strip("-")
    name = f"{told}-{secrets.token_hex(3)}"
    git_server.create_repo(name)
    clone = tmp_path / name
    clone.mkdir()
    subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(clone)], check=True)
    kinds.kubectl("create", "namespace", name)
    desk = Desk(
        server=kinds,
        git=git_server,
        clone=clone,
        cache=tmp_path / "cache",
        namespace=name,
        kubeconfig=kinds.kubeconfig,
    )
    desk.write(settings=SETTINGS.format(colour="blue"))
    desk.kustomization("settings")
    desk.push("first")
    desk.follow()
    yield desk
    kinds.kubectl("delete", "namespace", name, "--wait=false")


def colour(desk: Desk) -> str:
    return str(desk.get("configmap", "settings")["data"]["colour"])


def recolour(desk: Desk, name: str) -> str:
    desk.write(settings=SETTINGS.format(colour=name))
    return desk.push(name)


def test_sync_dry_run_shows_the_plan_and_writes_nothing(desk: Desk) -> None:
    shown = ran(desk.sync("sync", "--dry-run"), 1)

    assert "+ ConfigMap" in shown.output
    assert not desk.exists("configmap", "settings")
    assert not desk.exists("configmap", "main-inventory")


def test_history_names_revision_person_and_counts(desk: Desk) -> None:
    first = desk.push("nothing")
    ran(desk.sync("sync"), 0)
    second = recolour(desk, "red")
    ran(desk.sync("sync"), 0)
    ran(desk.sync("sync"), 0)  # changes nothing, so it is not remembered

    found = ran(desk.sync("history", "-o", "json"), 0).json

    assert [one["revision"] for one in found["applied"]] == [f"main@sha1:{second}", f"main@sha1:{first}"]
    assert found["current"] == f"main@sha1:{second}"
    assert [one["moved"] for one in found["applied"]] == [1, 1]
    assert found["applied"][0]["by"] not in {"", "unknown", "reconciler"}
    table = ran(desk.sync("history"), 0).output.splitlines()
    assert second in table[0]
    assert "current" in table[0]


async def test_history_says_what_the_reconciler_did(desk: Desk) -> None:
    assert (await desk.turn()).ready

    (one,) = ran(desk.sync("history", "-o", "json"), 0).json["applied"]

    assert one["by"] == "reconciler"


async def test_rollback_goes_back_and_the_reconciler_does_not_undo_it(desk: Desk) -> None:
    good = desk.push("good")
    assert (await desk.turn()).ready
    bad = recolour(desk, "red")
    assert (await desk.turn()).ready
    assert colour(desk) == "red"

    done = ran(desk.sync("rollback"), 0)

    assert colour(desk) == "blue"
    assert good in done.errors
    state = desk.get("gitsync", "main")["status"]
    assert state["rollback"]["pinned"] == f"main@sha1:{bad}"
    assert state["lastAppliedRevision"] == f"main@sha1:{good}"
    for _ in range(2):
        verdict = await desk.turn()
        assert (verdict.ready, verdict.reason, verdict.stalled) == (False, "RolledBack", True)
        assert colour(desk) == "blue"
    assert "rolled back" in ran(desk.sync("history"), 0).output

    newer = recolour(desk, "green")
    assert (await desk.turn()).ready
    assert colour(desk) == "green"
    state = desk.get("gitsync", "main")["status"]
    assert "rollback" not in state
    assert state["lastAppliedRevision"] == f"main@sha1:{newer}"


async def test_rollback_outlives_a_change_of_the_sync_itself(desk: Desk) -> None:
    desk.push("good")
    await desk.turn()
    recolour(desk, "red")
    await desk.turn()
    ran(desk.sync("rollback"), 0)

    ran(desk.sync("suspend"), 0)
    ran(desk.sync("resume"), 0)

    assert (await desk.turn()).reason == "RolledBack"
    assert colour(desk) == "blue"


def test_sync_by_a_person_ends_a_rollback(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")
    ran(desk.sync("sync"), 0)
    ran(desk.sync("rollback"), 0)
    assert colour(desk) == "blue"

    ran(desk.sync("sync"), 0)

    assert colour(desk) == "red"
    assert "rollback" not in desk.get("gitsync", "main")["status"]


def test_rollback_without_anything_earlier_says_so(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)

    refused = ran(desk.sync("rollback"), 2)

    assert "no earlier revision" in refused.errors


def test_rollback_that_would_delete_a_secret_asks_before_it_pins(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    desk.write(key="apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  word: hidden-value\n")
    desk.kustomization("settings", "key")
    desk.push("a secret")
    ran(desk.sync("sync"), 0)

    refused = ran(desk.sync("rollback"), 5)

    assert "secret/key" in refused.errors
    assert "hidden-value" not in refused.output + refused.errors
    assert "rollback" not in desk.get("gitsync", "main")["status"]
    assert desk.exists("secret", "key")
    ran(desk.sync("rollback", "--consent", "secret/key"), 0)
    assert not desk.exists("secret", "key")


def test_suspend_says_who_and_why_and_resume_takes_it_back(desk: Desk) -> None:
    ran(desk.sync("suspend", "--reason", "incident 4711"), 0)

    found = desk.get("gitsync", "main")
    assert found["spec"]["suspend"] is True
    assert "incident 4711" in found["metadata"]["annotations"]["gitops-worker.io/suspended-by"]
    assert "already" in ran(desk.sync("suspend"), 0).output
    ran(desk.sync("resume"), 0)
    found = desk.get("gitsync", "main")
    assert "suspend" not in found["spec"]
    assert "gitops-worker.io/suspended-by" not in found["metadata"].get("annotations", {})
    assert found["spec"]["source"]["url"].startswith("https://")


def pod(name: str, image: str = "busybox:1") -> str:
    spec = f"spec:\n  containers:\n  - name: main\n    image: {image}\n"
    return f"apiVersion: v1\nkind: Pod\nmetadata:\n  name: {name}\n  labels: {{app: {name}}}\n{spec}"


def give(desk: Desk, name: str, **status: object) -> None:
    """Say of a pod what a kubelet would."""
    patch = json.dumps({"status": status})
    desk.server.kubectl("patch", "pod", name, "-n", desk.namespace, "--subresource=status", "--type=merge", "-p", patch)


@pytest.fixture
def pods(desk: Desk) -> Desk:
    """A namespace in which pods are admitted: they need the account `default`, which a controller would make."""
    desk.server.kubectl("create", "serviceaccount", "default", "-n", desk.namespace)
    desk.write(web=pod("web"))
    desk.kustomization("settings", "web")
    desk.push("a pod")
    ran(desk.sync("sync", "--no-wait"), 0)
    return desk


def waiting(reason: str, message: str = "", **more: object) -> dict[str, object]:
    state = {"waiting": {"reason": reason, "message": message}}
    return {"containerStatuses": [{"name": "main", "image": "busybox:1", "state": state, **more}]}


NO_CPU = "0/2 nodes are available: 2 Insufficient cpu."
ENDED = {"terminated": {"exitCode": 3, "reason": "Error", "message": "no such table"}}
UNSCHEDULABLE = {"type": "PodScheduled", "status": "False", "reason": "Unschedulable", "message": NO_CPU}
WAITING: dict[str, tuple[dict[str, object], str]] = {
    "image": (
        waiting("ErrImagePull", "manifest unknown"),
        "image busybox:1 cannot be pulled: manifest unknown",
    ),
    "scheduling": ({"conditions": [UNSCHEDULABLE]}, f"no node takes it: {NO_CPU}"),
    "configuration": (
        waiting("CreateContainerConfigError", 'secret "key" not found'),
        'container main cannot be made: secret "key" not found',
    ),
    "crash": (
        waiting("CrashLoopBackOff", lastState=ENDED),
        "container main ends again and again: ended with exit code 3: no such table",
    ),
}


@pytest.mark.parametrize("case", WAITING)
def test_wait_says_why_a_pod_is_not_healthy_and_ends_with_124(pods: Desk, case: str) -> None:
    status, words = WAITING[case]
    give(pods, "web", phase="Pending", **status)

    late = ran(pods.gitops("wait", "pod/web", "-n", pods.namespace, "--timeout", "1s"), 124)

    assert words in late.errors
    assert words in ran(pods.sync("status"), 1).output


def test_wait_tells_the_probe_that_fails_from_its_event(pods: Desk) -> None:
    running = {"name": "main", "image": "busybox:1", "ready": False, "state": {"running": {}}}
    give(pods, "web", phase="Running", containerStatuses=[running])
    uid = pods.get("pod", "web")["metadata"]["uid"]
    about = {"apiVersion": "v1", "kind": "Pod", "name": "web", "namespace": pods.namespace, "uid": uid}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": "web.1", "namespace": pods.namespace},
        "involvedObject": about,
        "reason": "Unhealthy",
        "message": "Readiness probe failed: connection refused",
        "type": "Warning",
        "lastTimestamp": "2026-01-01T00:00:00Z",
    }
    pods.server.apply([event])

    late = ran(pods.gitops("wait", "po/web", "-n", pods.namespace, "--for", "ready", "--timeout", "1s"), 124)

    assert "container main runs, but: Readiness probe failed: connection refused" in late.errors


def test_wait_ends_when_the_object_is_ready_or_gone(pods: Desk) -> None:
    give(pods, "web", phase="Running", conditions=[{"type": "Ready", "status": "True"}])

    ran(pods.gitops("wait", "pod/web", "-n", pods.namespace, "--timeout", "5s"), 0)
    pods.server.kubectl("delete", "pod", "web", "-n", pods.namespace, "--force")
    ran(pods.gitops("wait", "pods/web", "-n", pods.namespace, "--for", "deleted", "--timeout", "5s"), 0)
    assert "serves no" in ran(pods.gitops("wait", "podd/web"), 2).errors


async def test_wait_for_a_sync_to_have_the_newest_commit(desk: Desk) -> None:
    late = ran(desk.sync("wait", "--timeout", "1s"), 124)
    assert "no reconciler has looked at it" in late.errors
    await desk.turn()
    ran(desk.sync("wait", "--for", "synced", "--timeout", "5s"), 0)
    ran(desk.sync("wait", "--for", "healthy", "--timeout", "5s"), 0)
    newer = recolour(desk, "red")

    late = ran(desk.sync("wait", "--for", "synced", "--timeout", "1s"), 124)

    assert f"{newer} is not applied yet" in late.errors


def test_status_keeps_pending_commits_and_drift_apart(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")
    recolour(desk, "green")

    found = ran(desk.sync("status", "-o", "json"), 0).json

    assert [one["subject"] for one in found["pending"]] == ["green", "red"]
    assert found["pending"][0]["author"] == "Pat"
    assert found["drift"] == []
    assert [(one["name"], one["health"]) for one in found["objects"]] == [("settings", "Healthy")]
    screen = ran(desk.sync("status"), 0).output
    assert "2 commits, not applied yet" in screen
    assert "none seen" in screen


def test_status_says_what_is_missing_and_that_git_is_away(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    desk.server.kubectl("delete", "configmap", "settings", "-n", desk.namespace)
    desk.git.stop()
    try:
        found = ran(desk.sync("status", "-o", "json"), 1).json
    finally:
        desk.git.start()

    assert f"127.0.0.1:{desk.git.port}" in found["unknown"]
    assert found["objects"][0]["health"] == "Missing"
    listed = ran(desk.gitops("status", "-n", desk.namespace), 0, 1).output
    assert listed.split("\t")[1] == "main"


def test_diff_is_unified_and_exits_as_diff_does(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    assert ran(desk.gitops("diff", "--sync", "main", "-n", desk.namespace), 0).output == ""
    recolour(desk, "red")

    found = ran(desk.gitops("diff", "--sync", "main", "-n", desk.namespace), 1).output

    assert "-  colour: blue" in found
    assert "+  colour: red" in found
    assert f"--- live/{desk.namespace}/ConfigMap/settings" in found
    assert desk.get("configmap", "settings")["data"] == {"colour": "blue"}


def test_plan_names_the_line_of_the_field_itself(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    recolour(desk, "red")

    found = ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "-o", "json"), 1).json

    (change,) = found["changes"]
    assert [one["location"] for one in change["effects"]] == ["settings.yaml:6:11"]
    assert "settings.yaml:6:11" in ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace), 1).output


def test_drift_names_the_line_of_the_field_and_speaks_every_form(desk: Desk) -> None:
    ran(desk.sync("sync"), 0)
    patch = '{"data":{"colour":"pink"}}'
    desk.server.kubectl("patch", "configmap", "settings", "-n", desk.namespace, "--type=merge", "-p", patch)

    told = ran(desk.sync("drift"), 1)

    assert "settings.yaml:6:11" in told.output
    assert "1 path in 1 of 1 object differs" in told.errors
    for form in ("json", "yaml", "markdown", "sarif", "junit"):
        assert "colour" in ran(desk.sync("drift", "-o", form), 1).output


def test_plan_between_revisions_needs_no_cluster_and_keeps_the_guards(desk: Desk, tmp_path: Path) -> None:
    desk.write(key="apiVersion: v1\nkind: Secret\nmetadata:\n  name: key\nstringData:\n  word: hidden-value\n")
    desk.kustomization("settings", "key")
    desk.push("a secret")
    desk.kustomization("settings")
    desk.push("without it")
    nowhere = tmp_path / "nowhere"

    found = ran(desk.gitops("plan", ".", "--from", "HEAD~1", "--to", "HEAD", "--kubeconfig", str(nowhere)), 5)
    assert "secret/key" in found.output
    agreed = ran(desk.gitops("plan", ".", "--from", "HEAD~1", "--consent", "secret/key", "-o", "json"), 1).json
    assert agreed["kind"] == "Comparison"
    assert [one["action"] for one in agreed["changes"]] == ["delete"]
    same = ran(desk.gitops("plan", ".", "--from", "HEAD", "--to", "HEAD"), 0)
    assert "1 unchanged" in same.output
    compared = ran(desk.gitops("compare", ".@HEAD~1", ".@HEAD"), 1).output
    assert "- Secret" in compared
    assert "hidden-value" not in found.output + compared


def test_apply_refuses_a_comparison(desk: Desk) -> None:
    shown = ran(desk.gitops("plan", ".", "--from", "HEAD", "-o", "json"), 0)
    (desk.clone / "c.json").write_text(shown.output)

    assert "no plan for a cluster" in ran(desk.gitops("apply", "c.json"), 2).errors


RIGHTS = """\
apiVersion: v1
kind: ServiceAccount
metadata:
  name: robot
---
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata:
  name: robot
rules:
  - apiGroups: [""]
    resources: [configmaps]
    verbs: [get]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata:
  name: robot
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: robot}
subjects:
  - {kind: ServiceAccount, name: robot, namespace: NAMESPACE}
"""


def test_rbac_shows_what_an_account_gains_and_what_is_dangerous(desk: Desk) -> None:
    desk.write(rights=RIGHTS.replace("NAMESPACE", desk.namespace))
    desk.kustomization("settings", "rights")
    desk.push("a robot")
    ran(desk.sync("sync"), 0)
    told = ran(desk.gitops("rbac", "--sync", "main", "-n", desk.namespace), 0)
    assert f"get  configmaps in {desk.namespace}" in told.output
    wider = RIGHTS.replace("resources: [configmaps]\n    verbs: [get]", "resources: [secrets]\n    verbs: [get, list]")
    desk.write(rights=wider.replace("NAMESPACE", desk.namespace))
    desk.push("more")

    (account,) = ran(desk.gitops("rbac", "--sync", "main", "-n", desk.namespace, "-o", "json"), 1).json["accounts"]

    assert account["account"] == f"ServiceAccount {desk.namespace}/robot"
    assert [(one["resource"], one["escalation"]) for one in account["gained"]] == [
        ("secrets", "reads every Secret there")
    ]
    assert [one["resource"] for one in account["lost"]] == ["configmaps"]
    assert account["grantable"] == "yes"
    plan = ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace), 1).output
    assert "! reads every Secret there" in plan


def test_rbac_says_when_our_own_account_may_not_grant(desk: Desk) -> None:
    reader = f"reader-{desk.namespace}"
    rules = [
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["get", "list"]},
        {"apiGroups": ["rbac.authorization.k8s.io"], "resources": ["*"], "verbs": ["create", "patch"]},
    ]
    rbac = "rbac.authorization.k8s.io"
    meta = {"name": reader}
    desk.server.apply(
        [
            {"apiVersion": f"{rbac}/v1", "kind": "ClusterRole", "metadata": meta, "rules": rules},
            {
                "apiVersion": f"{rbac}/v1",
                "kind": "ClusterRoleBinding",
                "metadata": meta,
                "roleRef": {"apiGroup": rbac, "kind": "ClusterRole", "name": reader},
                "subjects": [{"apiGroup": rbac, "kind": "User", "name": reader}],
            },
        ]
    )
    wider = RIGHTS.replace("verbs: [get]", "verbs: ['*']").replace("NAMESPACE", desk.namespace)
    desk.write(rights=wider)
    desk.kustomization("rights")
    desk.push("a robot")
    desk.kubeconfig = desk.server.user(reader)

    told = ran(desk.gitops("rbac", "--sync", "main", "-n", desk.namespace), 1).output

    assert "wildcard: every verb" in told
    assert "may not be granted by this account" in told


@pytest.fixture
def installed(git_server: LocalGitServer, tmp_path: Path) -> Iterator[Desk]:
    """`overlays/dev` installed on a server of its own, whose namespaces go when they are deleted."""
    with BareApiServer(tmp_path / "server", controllers=("namespace-controller",)) as server:
        name = f"installed-{secrets.token_hex(3)}"
        git_server.create_repo(name)
        clone = tmp_path / name
        subprocess.run(["git", "init", "--quiet", "--initial-branch=main", str(clone)], check=True)
        for folder in ("base", "overlays"):
            shutil.copytree(ROOT / folder, clone / folder)
        desk = Desk(
            server=server,
            git=git_server,
            clone=clone,
            cache=tmp_path / "cache",
            namespace="gitops-worker",
            kubeconfig=server.kubeconfig,
        )
        desk.push("ours")
        token = tmp_path / "token"
        token.write_text(git_server.token)
        url = git_server.url(name)
        command = ("install", "overlays/dev", "--no-wait", "--git-url", url, "--git-token-file", str(token))
        ran(desk.gitops(*command, "--git-ca-file", str(git_server.ca_file), "--name", "main"), 0)
        yield desk


def test_uninstall_leaves_nothing_and_touches_nothing_else(installed: Desk) -> None:
    server = installed.server
    mine = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "mine"}}
    labels = {"app.kubernetes.io/managed-by": "gitops-worker", "app.kubernetes.io/part-of": "gitops-worker"}
    kept = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "kept", "namespace": "mine", "labels": labels},
    }
    server.apply([mine, kept])

    refused = ran(installed.sync("uninstall"), 5)
    assert "workerpool/linux" in refused.errors + refused.output
    assert installed.exists("deployment", "worker")
    assert not installed.get("gitsync", "main")["spec"].get("suspend")

    consent = ("--consent", "namespace/gitops-worker", "--consent", "workerpool/linux")
    ran(installed.sync("uninstall", *consent, "--delete-crds", "--timeout", "60s"), 0)

    left = server.kubectl(
        "get",
        "namespace,crd,clusterrole,clusterrolebinding,validatingadmissionpolicy,validatingadmissionpolicybinding",
        "-o",
        "name",
    )
    assert [line for line in left.splitlines() if "gitops" in line] == []
    assert "namespace/mine" in left
    assert installed.exists("configmap", "kept", "mine")
    again = ran(installed.sync("uninstall"), 2)
    assert "no GitSync and no inventory" in again.errors


def test_uninstall_keeps_definitions_others_use(installed: Desk) -> None:
    pool = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "WorkerPool",
        "metadata": {"name": "theirs", "namespace": "default"},
        "spec": {"image": "busybox"},
    }
    installed.server.apply([pool])
    consent = ("--consent", "namespace/gitops-worker", "--consent", "workerpool/linux", "--timeout", "60s")

    refused = ran(installed.sync("uninstall", *consent, "--delete-crds"), 5)

    assert "WorkerPool default/theirs" in refused.errors
    assert installed.exists("workerpool", "theirs", "default")
    assert installed.exists("namespace", "gitops-worker", "default")
    ran(installed.sync("uninstall", *consent), 0)  # it goes on, by the inventory alone
    assert not installed.exists("namespace", "gitops-worker", "default")
    assert installed.exists("workerpool", "theirs", "default")


def test_a_plan_that_locks_the_reconciler_out_is_refused(installed: Desk) -> None:
    ran(installed.sync("sync", "--no-wait"), 0)
    file = installed.clone / "overlays" / "dev" / "kustomization.yaml"
    head = "$patch: delete\n      apiVersion: gitops-worker.io/v1alpha1\n      kind: Worker"
    gone = f"  - patch: |-\n      {head}\n      metadata: {{name: worker}}\n"
    file.write_text(file.read_text().replace("  - path: worker.yaml\n", gone))
    installed.push("no worker\n\nGitOps-Delete: worker/worker")

    refused = ran(installed.sync("sync", "--no-wait"), 5)

    assert "ServiceAccount gitops-worker/worker runs the reconciler" in refused.errors
    assert installed.exists("deployment", "worker")


def test_a_signed_plan_is_applied_and_a_changed_or_strange_or_old_one_refused(desk: Desk, tmp_path: Path) -> None:
    for name in ("ours", "theirs"):
        subprocess.run(
            ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", name, "-f", str(tmp_path / name)], check=True
        )
    signers = tmp_path / "signers"
    signers.write_text(f'pat@example.com namespaces="gitops-plan" {(tmp_path / "ours.pub").read_text()}')
    make = ("plan", "--sync", "main", "-n", desk.namespace, "--out", "plan.json")
    accept = ("apply", "plan.json", "--allowed-signers", str(signers))
    plan = desk.clone / "plan.json"

    ran(desk.gitops(*make), 1)
    assert "it is not signed" in ran(desk.gitops(*accept), 5).errors
    ran(desk.gitops(*make, "--sign", str(tmp_path / "theirs")), 1)
    assert "does not count" in ran(desk.gitops(*accept), 5).errors
    ran(desk.gitops(*make, "--sign", str(tmp_path / "ours"), "--expires", "1s"), 1)
    time.sleep(1.5)
    assert "expired" in ran(desk.gitops(*accept), 5).errors
    ran(desk.gitops(*make, "--sign", str(tmp_path / "ours"), "--expires", "1h"), 1)
    good = plan.read_text()
    plan.write_text(good.replace("blue", "evil"))
    assert "changed since" in ran(desk.gitops(*accept), 5).errors
    assert not desk.exists("configmap", "settings")
    plan.write_text(good)
    done = ran(desk.gitops(*accept), 0)

    assert "signed by pat@example.com" in done.errors
    assert colour(desk) == "blue"
