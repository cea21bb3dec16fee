"""The acts, in order."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any

from tests.demo.stage import DemoError, Stage, act, say, until

NAMESPACE = "gitops-worker"
SYNC = "dev"
HELLO = (
    'echo "hello from $(hostname)"; for i in 1 2 3; do echo "line $i"; sleep 1; done; '
    "command -v python3 || echo no python3 here"
)


def install(stage: Stage, url: str, token_file: str) -> None:
    act(
        "1. Install",
        "One command, run once by an administrator: definitions, rights, the program, credentials, the first GitSync.\n"
        "The token comes from a file. From then on the cluster follows the repository by itself, under its own\n"
        "account.",
    )
    stage.gitops(
        "install",
        "overlays/dev",
        "--git-url",
        url,
        "--git-token-file",
        token_file,
        "--git-ca-file",
        str(stage.cluster.git.ca_file),
    )
    stage.kubectl("get", "gitsyncs,workers,workerpools", "--namespace", NAMESPACE)


def operation(stage: Stage) -> None:
    act("2. An operation", "A script runs in a pod of its own; its log is followed, its result is the exit code.")
    stage.gitops("operation", "run", "-n", NAMESPACE, "--pool", "linux", "--follow", "--", "sh", "-c", HELLO)
    act("2b. Two at once", "Two operations at the same time, each in its own pod: on two nodes.")
    names = ("left", "right")
    running = [
        stage.start(
            "operation", "run", "-n", NAMESPACE, "--name", name, "--pool", "linux", "--follow", "--", "sh", "-c", HELLO
        )
        for name in names
    ]
    for name, process in zip(names, running, strict=True):
        output, _ = process.communicate(timeout=180)
        say(f"[{name}]")
        say(output.rstrip())
        if process.returncode:
            raise DemoError(f"operation {name} ended with {process.returncode}")
    nodes = {_operation(stage, name)["status"]["node"] for name in names}
    say(f"They ran on {' and '.join(sorted(nodes))}.")
    if len(nodes) != len(names):
        raise DemoError("both operations ran on one node")
    stage.kubectl("get", "operations", "--namespace", NAMESPACE)


def change(stage: Stage) -> None:
    act(
        "3. A commit changes the pool",
        "Another image, other requests, other rights. The plan is the review: every change as a JSON Patch, with the\n"
        "place in Git it comes from.",
    )
    overlay = stage.clone / "overlays" / "dev"
    kustomization = overlay / "kustomization.yaml"
    text = kustomization.read_text()
    stage.kubectl("annotate", "gitsync", SYNC, "--namespace", NAMESPACE, "--overwrite", "demo/act=3", show=False)
    _suspend(stage, suspended=True)
    kustomization.write_text(
        text.replace(
            '  - name: worker-tools\n    newTag: "1"\n',
            '  - name: worker-tools\n    newName: busybox\n    newTag: "1"\n',
        )
    )
    (overlay / "pool-linux.yaml").write_text(POOL)
    commit = stage.commit("Run the linux pool in busybox, with more CPU and fewer rights")
    stage.gitops("plan", "--sync", SYNC, expect=(1,))
    say("Reviewed. The reconciler (held back for the review) goes on and applies the commit by itself:")
    _suspend(stage, suspended=False)
    _applied(stage, commit)
    stage.kubectl("get", "gitsync", SYNC, "--namespace", NAMESPACE)
    say("The next operation runs in the new image:")
    ran = stage.gitops("operation", "run", "-n", NAMESPACE, "--pool", "linux", "--follow", "--", "sh", "-c", HELLO)
    if "no python3 here" not in ran.output:
        raise DemoError("the operation did not run in the new image")


def drift(stage: Stage) -> None:
    act("4. A hand edit", "Somebody edits the pool in the cluster. Drift says who, what, since when, how bad.")
    stage.kubectl(
        "patch",
        "workerpool",
        "linux",
        "--namespace",
        NAMESPACE,
        "--type=merge",
        "--patch",
        '{"spec":{"maxOperations":50}}',
    )
    found = stage.gitops("drift", SYNC, expect=(1,))
    for word in ("kubectl-patch", "/spec/maxOperations", "50"):
        if word not in found.output:
            raise DemoError(f"the drift report does not say {word}")
    say("Sync takes it back, saying from whom:")
    taken = stage.gitops("sync", SYNC)
    if "kubectl-patch" not in taken.output:
        raise DemoError("the sync does not say from whom it takes the field back")
    act("4b. A second sync changes nothing", "Proven by the API server's own audit log, not by our word.")
    before = _versions(stage)
    since = dt.datetime.now(tz=dt.UTC)
    stage.gitops("sync", SYNC)
    requests = list(stage.cluster.audit(user=stage.user, since=since))
    # A dry-run is a question, not a write.
    writes = [one for one in requests if one.verb not in {"get", "list", "watch"} and "dryRun=All" not in one.uri]
    say(f"The audit log shows {len(requests)} requests by {stage.user}, {len(writes)} of them writes.")
    if writes or before != _versions(stage):
        raise DemoError(f"a second sync wrote: {[event.uri for event in writes]}")
    say(f"The resourceVersions of all {len(before)} objects of the pool and the worker are untouched.")


def removal(stage: Stage) -> None:
    act(
        "5. A pool leaves Git",
        "The pool `batch` expands to a namespace of its own. Deleting a namespace needs somebody who names it: until\n"
        "then it is refused.",
    )
    overlay = stage.clone / "overlays" / "dev"
    (overlay / "pool-batch.yaml").unlink()
    kustomization = overlay / "kustomization.yaml"
    kustomization.write_text(kustomization.read_text().replace("  - pool-batch.yaml\n", ""))
    (overlay / "worker.yaml").write_text((overlay / "worker.yaml").read_text().replace("    - batch\n", ""))
    stage.commit("Retire the batch pool")
    refused = stage.gitops("sync", SYNC, expect=(5,))
    if "gitops-worker-batch-ops" not in refused.output + refused.progress:
        raise DemoError("the refusal does not name the namespace")
    stage.kubectl("get", "namespace", "gitops-worker-batch-ops")
    say("Agreed to by naming it (a commit trailer `GitOps-Delete: workerpool/batch` would do the same):")
    stage.gitops("sync", SYNC, "--consent", "workerpool/batch")
    gone = stage.kubectl("get", "namespace", "gitops-worker-batch-ops", "--ignore-not-found", show=False)
    if gone.strip():
        raise DemoError("the namespace is still there")
    stage.kubectl("get", "workerpools,gitsyncs", "--namespace", NAMESPACE)


def finale(stage: Stage) -> None:
    act("The cluster stays up", "Try it:")
    for line in (
        f"export KUBECONFIG={stage.kubeconfig}",
        f"export GIT_SSL_CAINFO={stage.cluster.git.ca_file}",
        f"cd {stage.clone}          # a clone of the configuration; push, and the cluster follows",
        f"gitops plan --sync {SYNC}",
        f"gitops operation run -n {NAMESPACE} --pool linux --follow -- sh -c 'echo hi'",
        f"gitops drift {SYNC}",
        f"kubectl -n {NAMESPACE} get gitsyncs,workerpools,operations",
        "make down                 # removes the cluster",
    ):
        say(f"  {line}")


POOL = """\
apiVersion: gitops-worker.io/v1alpha1
kind: WorkerPool
metadata:
  name: linux
spec:
  maxOperations: 4
  resources:
    requests:
      cpu: 200m
      memory: 64Mi
  timeouts:
    run: 1h
  rbac:
    profile: custom
    rules:
      - apiGroups: [""]
        resources: [configmaps, pods]
        verbs: [get, list]
"""


def _suspend(stage: Stage, *, suspended: bool) -> None:
    patch = json.dumps({"spec": {"suspend": suspended}})
    stage.kubectl("patch", "gitsync", SYNC, "--namespace", NAMESPACE, "--type=merge", "--patch", patch, show=False)


def _applied(stage: Stage, commit: str) -> None:
    def look() -> bool | None:
        status: dict[str, Any] = stage.cluster.get("gitsync", SYNC, "--namespace", NAMESPACE).get("status") or {}
        return True if commit in status.get("lastAppliedRevision", "") else None

    until(f"the cluster has applied {commit[:12]}", look)


def _operation(stage: Stage, name: str) -> dict[str, Any]:
    return stage.cluster.get("operation", name, "--namespace", NAMESPACE)


def _versions(stage: Stage) -> dict[str, str]:
    kinds = "workerpools,workers,deployments,serviceaccounts,rolebindings,configmaps,networkpolicies"
    found: dict[str, str] = {}
    for namespace in (NAMESPACE, "gitops-worker-linux-ops", "gitops-worker-batch-ops"):
        for item in stage.cluster.get(kinds, "--namespace", namespace)["items"]:
            metadata = item["metadata"]
            found[f"{item['kind']} {namespace}/{metadata['name']}"] = metadata["resourceVersion"]
    return found
