"""Drift as a person meets it: the program, a real API server, a real Git server, other people's hands."""

from __future__ import annotations

import json
import re
import secrets
import subprocess
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from gitops.report import redact
from tests.cluster.bare import BareApiServer
from tests.cluster.gitserver import LocalGitServer
from tests.integration.desk import ROOT, Desk, Ran, ran

pytestmark = pytest.mark.integration

SETTINGS = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: settings}\ndata: {colour: blue, size: small}\n"
KEY = "apiVersion: v1\nkind: Secret\nmetadata: {name: key}\nstringData: {word: hidden-value, other: hidden-value}\n"
ROBOT = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: robot}
rules: [{apiGroups: [""], resources: [pods], verbs: [get]}]
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: robot}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: robot}
subjects: [{kind: ServiceAccount, name: robot}]
"""
WEB = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec: {containers: [{name: main, image: "web:1"}]}
"""


@pytest.fixture(scope="module")
def kinds(bare: BareApiServer) -> BareApiServer:
    definitions = [*sorted((ROOT / "base" / "crds").glob("*.yaml")), ROOT / "base" / "people.yaml"]
    for definition in definitions:
        bare.kubectl("apply", "--server-side", "--force-conflicts", "-f", str(definition))
    bare.kubectl("wait", "--for=condition=Established", "crd", "--all", "--timeout=60s")
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
    desk.write(settings=SETTINGS, key=KEY, robot=ROBOT, web=WEB)
    desk.kustomization("settings", "key", "robot", "web")
    desk.push("first")
    desk.follow()
    yield desk
    kinds.kubectl("delete", "namespace", name, "--wait=false")


def edit(desk: Desk, what: str, patch: str, *more: str) -> None:
    desk.server.kubectl("patch", what, "-n", desk.namespace, "--type=merge", "-p", patch, *more)


def rule(expires: str) -> str:
    one = {
        "objects": {"kind": "Deployment", "name": "we*"},
        "paths": [".spec.replicas"],
        "owner": "team-web",
        "reason": "an autoscaler decides",
        "expires": expires,
    }
    return json.dumps({"spec": {"ignore": [one]}})


def same_but_for_masks(one: Ran, other: Ran) -> None:
    """Both found the same changes; masks are salted anew each time, and only one of them could ask the server."""

    def told(found: Ran) -> str:
        changes = [
            (change["action"], change["object"]["kind"], [(op["op"], op["path"]) for op in change["patch"]])
            for change in found.json["changes"]
        ]
        return repr(sorted(changes))

    assert told(one) == told(other)


def test_a_reader_bound_to_our_role_plans_what_an_administrator_would(desk: Desk) -> None:
    desk.kustomization("settings", "key", "robot")
    desk.push("no pods here")
    ran(desk.sync("sync", "--no-wait"), 0)
    desk.write(key=KEY.replace("word: hidden-value", "word: other-hidden"), settings=SETTINGS.replace("blue", "red"))
    desk.write(robot=ROBOT.replace("[pods]", "[pods, secrets]"))
    desk.push("more")
    name = f"reader-{desk.namespace}"
    reader = Desk(
        server=desk.server,
        git=desk.git,
        clone=desk.clone,
        cache=desk.cache / "reader",
        namespace=desk.namespace,
        kubeconfig=desk.server.user(name),
    )
    denied = reader.gitops("plan", "--sync", "main", "-n", desk.namespace)
    assert denied.code == 4, denied.errors

    desk.server.kubectl("create", "clusterrolebinding", name, "--clusterrole=gitops-worker-plan", f"--user={name}")
    try:
        known = ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "-o", "json"), 1)
        found = ran(reader.gitops("plan", "--sync", "main", "-n", desk.namespace, "-o", "json"), 1)
        same_but_for_masks(found, known)
        kinds = {change["object"]["kind"] for change in found.json["changes"]}
        assert kinds == {"ConfigMap", "Role", "Secret"}
        assert not any(change.get("verified") for change in found.json["changes"])
        (rights,) = found.json["rights"]
        assert [one["resource"] for one in rights["gained"]] == ["secrets"]
        assert "hidden" not in found.output + found.errors

        saved = ran(reader.gitops("plan", "--sync", "main", "-n", desk.namespace, "--out", "plan.json"), 1)
        assert "not verified" in saved.output
        ran(desk.gitops("apply", "plan.json", "-n", desk.namespace), 0)

        ran(reader.gitops("plan", "--sync", "main", "-n", desk.namespace), 0)
        ran(reader.sync("drift"), 0)
        ran(reader.gitops("rbac", "--sync", "main", "-n", desk.namespace), 0)
        ran(reader.gitops("diff", "--sync", "main", "-n", desk.namespace), 0)
        desk.write(settings=SETTINGS.replace("blue", "green"))
        desk.push("not for readers")
        refused = ran(reader.sync("sync", "--no-wait"), 4)
        assert "configmaps" in refused.errors
    finally:
        desk.server.kubectl("delete", "clusterrolebinding", name)


def test_an_ignore_rule_hides_keeps_and_ends(desk: Desk) -> None:
    edit(desk, "gitsync/main", rule("2199-01-31"))
    ran(desk.sync("sync", "--no-wait"), 0)
    desk.server.kubectl("scale", "deployment/web", "-n", desk.namespace, "--replicas=7")

    hidden = ran(desk.sync("drift"), 0)
    assert "ignored    /spec/replicas" in hidden.output
    assert "an autoscaler decides (team-web, up to 2199-01-31)" in re.sub(r"\s+", " ", hidden.output)
    (one,) = ran(desk.sync("drift", "-o", "json"), 0).json["ignored"]
    assert (one["path"], one["owner"], one["manager"]) == ("/spec/replicas", "team-web", "kubectl")

    desk.write(web=WEB.replace("web:1", "web:2").replace("replicas: 2", "replicas: 3"))
    desk.push("another image")
    planned = ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace, "-o", "json"), 1).json
    assert [op["path"] for op in planned["changes"][0]["patch"]] == ["/spec/template/spec/containers/0/image"]
    assert [(one["path"], one["manager"]) for one in planned["left"]] == [("/spec/replicas", "kubectl")]
    ran(desk.sync("sync", "--no-wait"), 0)
    web = desk.get("deployment", "web")["spec"]
    assert (web["replicas"], web["template"]["spec"]["containers"][0]["image"]) == (7, "web:2")

    settled = ran(desk.gitops("plan", "--sync", "main", "-n", desk.namespace), 0)
    assert "Left to others:" in settled.output

    edit(desk, "gitsync/main", rule("2001-01-31"))
    shown = ran(desk.sync("drift"), 1)
    assert "/spec/replicas  changed: Git 3, live 7" in shown.output
    told = re.sub(r"\s+", " ", shown.output)
    assert "The ignore rule of team-web (an autoscaler decides) expired on 2001-01-31" in told


SIDE_CAR = {"spec": {"template": {"spec": {"containers": [{"name": "spy", "image": "spy:1"}], "hostNetwork": True}}}}


def hands(desk: Desk) -> None:
    """What people do to a cluster on a bad day."""
    where = ("-n", desk.namespace)
    edit(desk, "configmap/settings", '{"data": {"colour": "red"}}', "--field-manager=kubectl-edit")
    edit(desk, "configmap/settings", '{"data": {"size": null}}', "--field-manager=helm")
    desk.server.kubectl("scale", "deployment/web", *where, "--replicas=5")
    desk.server.kubectl("patch", "deployment/web", *where, "-p", json.dumps(SIDE_CAR), "--field-manager=injector")
    both = json.dumps({"data": {"word": "c2VjcmV0LXdvcmQ=", "other": "c2VjcmV0LXdvcmQ="}})
    edit(desk, "secret/key", both, "--field-manager=rotator")
    rule_ = json.dumps(
        [{"op": "add", "path": "/rules/-", "value": {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}}]
    )
    desk.server.kubectl("patch", "role/robot", *where, "--type=json", "-p", rule_, "--field-manager=kubectl-edit")
    subject = {"op": "add", "path": "/subjects/-", "value": {"kind": "User", "name": "mallory", "apiGroup": RBAC}}
    desk.server.kubectl("patch", "rolebinding/robot", *where, "--type=json", "-p", json.dumps([subject]))
    edit(desk, "rolebinding/robot", '{"metadata": {"labels": {"team": "theirs"}}}')


RBAC = "rbac.authorization.k8s.io"


def test_drift_says_what_who_and_how_bad_by_object_and_path(desk: Desk) -> None:
    first = desk.push("nothing")
    ran(desk.sync("sync", "--no-wait"), 0)
    ran(desk.sync("drift"), 0)
    hands(desk)

    shown = ran(desk.sync("drift", "-o", "json"), 1)
    found = {
        (one["object"]["kind"], one["path"]): (one["manner"], one["severity"], one["manager"])
        for one in shown.json["drift"]
    }
    spec = "/spec/template/spec"
    assert found == {
        ("ConfigMap", "/data/colour"): ("changed", "security", "kubectl-edit"),
        ("ConfigMap", "/data/size"): ("removed", "security", ""),
        ("Deployment", "/spec/replicas"): ("changed", "capacity", "kubectl"),
        ("Deployment", f"{spec}/containers/0"): ("added", "security", "injector"),
        ("Deployment", f"{spec}/hostNetwork"): ("added", "security", "injector"),
        ("Secret", "/data/other"): ("changed", "security", "rotator"),
        ("Secret", "/data/word"): ("changed", "security", "rotator"),
        ("Role", "/rules/1"): ("added", "security", "kubectl-edit"),
        ("RoleBinding", "/subjects/1"): ("added", "security", "kubectl-patch"),
    }
    secret = {one["path"]: one for one in shown.json["drift"] if one["object"]["kind"] == "Secret"}
    live = {one["live"] for one in secret.values()}
    assert len(live) == 1  # equal values look equal
    assert next(iter(live)).startswith("sha256:")
    assert {one["desired"] for one in secret.values()}.isdisjoint(live)
    removed = next(one for one in shown.json["drift"] if one["path"] == "/data/size")
    # Who only removes something leaves no trace: those who do leave one are candidates, never culprits.
    assert {one["manager"] for one in removed["candidates"]} == {"kubectl-edit"}
    table = ran(desk.sync("drift"), 1).output
    assert "not attributable; wrote to it before:" in table
    for text in (shown.output, table):
        assert "hidden-value" not in text
        assert "c2VjcmV0" not in text

    # Another commit to compare with, in the ways people name one.
    desk.write(settings=SETTINGS.replace("blue", "red"))
    second = desk.push("red, as it is")
    for name in ("main", second, second[:9], f"main@sha1:{second}"):
        told = {
            (one["object"]["kind"], one["path"])
            for one in ran(desk.sync("drift", "--at", name, "-o", "json"), 1).json["drift"]
        }
        assert ("ConfigMap", "/data/colour") not in told
    for name in (f"{second[:9]}~", "main~1", first[:12]):
        told = {
            (one["object"]["kind"], one["path"])
            for one in ran(desk.sync("drift", "--at", name, "-o", "json"), 1).json["drift"]
        }
        assert ("ConfigMap", "/data/colour") in told
    assert "no branch 'mian'" in ran(desk.sync("drift", "--at", "mian"), 2, 3).errors


def test_drift_that_could_not_be_read_is_never_in_sync(desk: Desk) -> None:
    desk.kustomization("settings", "key")
    desk.push("two")
    ran(desk.sync("sync", "--no-wait"), 0)
    name = f"half-{desk.namespace}"
    rules = [
        {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list"]},
        {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get"], "resourceNames": ["git"]},
        {"apiGroups": ["gitops-worker.io"], "resources": ["gitsyncs"], "verbs": ["get", "list"]},
    ]
    role = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "Role",
        "metadata": {"name": "half", "namespace": desk.namespace},
        "rules": rules,
    }
    binding = {
        "apiVersion": f"{RBAC}/v1",
        "kind": "RoleBinding",
        "metadata": {"name": "half", "namespace": desk.namespace},
        "roleRef": {"apiGroup": RBAC, "kind": "Role", "name": "half"},
        "subjects": [{"kind": "User", "name": name, "apiGroup": RBAC}],
    }
    desk.server.apply([role, binding])
    half = replace(desk, kubeconfig=desk.server.user(name), cache=desk.cache / "half")

    told = ran(half.sync("drift"), 4)
    assert "Secret" in told.output
    assert "unverified" in told.output
    edit(desk, "configmap/settings", '{"data": {"colour": "red"}}')
    told = ran(half.sync("drift", "-o", "json"), 1).json
    assert [one["path"] for one in told["drift"]] == ["/data/colour"]
    assert [one["object"]["kind"] for one in told["unreadable"]] == ["Secret"]
    refused = ran(half.gitops("plan", "--sync", "main", "-n", desk.namespace), 5)
    assert "cannot be read" in refused.output


HOSTILE = r"\e[2J\e]0;owned\a\u202egpj.exe\x9b31m\x7f\N\L\P\uFEFF"
SAID = "\x1b[2J\x1b]0;owned\x07\u202egpj.exe\x9b31m\x7f\x85\u2028\u2029\ufeff"


def test_nothing_from_git_or_the_cluster_speaks_to_the_terminal(desk: Desk) -> None:
    noted = SETTINGS.replace("{name: settings}", f'{{name: settings, annotations: {{note: "{HOSTILE}"}}}}')
    desk.write(settings=noted.replace("colour: blue", f'colour: "{HOSTILE}"'))
    desk.kustomization("settings")
    desk.push("first \x1b[2J\x1b]0;owned\x07 subject")
    where = ("-n", desk.namespace)
    told = [ran(desk.gitops("plan", "--sync", "main", *where, "--color", "always"), 1)]
    ran(desk.sync("sync", "--no-wait"), 0)
    # The server reads what is applied as YAML; it has every character all the same.
    assert desk.get("configmap", "settings")["data"]["colour"] == SAID
    ran(desk.gitops("plan", "--sync", "main", *where), 0)
    live = json.dumps({"data": {"colour": "\x1b[2Jlive\u202e", "\u0073ize": "\x1b]0;owned\x07"}})
    edit(desk, "configmap/settings", live)
    desk.push("another \x1b[2J")
    told += [
        ran(desk.gitops(*words, "--color", "always"), 0, 1)
        for words in (
            ("drift", "main", *where),
            ("drift", "main", *where, "-o", "markdown"),
            ("drift", "main", *where, "-o", "json"),
            ("diff", "--sync", "main", *where),
            ("plan", "--sync", "main", *where, "-o", "yaml"),
            ("plan", ".", "--from", "HEAD~1", "--to", "HEAD"),
            ("status", "main", *where),
            ("history", "main", *where),
            ("trace", "configmap/settings", ".data.colour", "--sync", "main", *where),
            ("lint", "."),
        )
    ]
    for one in told:
        shown = re.sub(r"\x1b\[[0-9;]*m", "", one.output + one.errors)  # our own colours
        assert redact.CONTROL.search(shown) is None, shown


async def test_the_reconciler_corrects_and_names_an_opponent(desk: Desk) -> None:
    desk.kustomization("settings")
    desk.push("no pods here")
    edit(desk, "gitsync/main", '{"spec": {"drift": "correct"}}')
    assert (await desk.turn()).ready
    edit(desk, "configmap/settings", '{"data": {"colour": "red"}}', "--field-manager=rival")

    assert (await desk.turn()).ready
    assert desk.get("configmap", "settings")["data"]["colour"] == "blue"
    (hot,) = desk.get("gitsync", "main")["status"]["corrections"]
    assert (hot["count"], hot["manager"], hot["path"]) == (1, "rival", "/data/colour")

    edit(desk, "configmap/settings", '{"data": {"colour": "red"}}', "--field-manager=rival")
    verdict = await desk.turn()  # within the pause
    assert desk.get("configmap", "settings")["data"]["colour"] == "red"
    assert "was corrected before, and is again at" in verdict.note

    state = {**hot, "count": 5}
    edit(desk, "gitsync/main", json.dumps({"status": {"corrections": [state]}}), "--subresource=status")
    verdict = await desk.turn()
    assert (verdict.ready, verdict.reason, verdict.stalled) == (False, "Fighting", True)
    assert "/data/colour: rival wrote again after each of 5 corrections" in verdict.message
    told = ran(desk.gitops("status", "main", "-n", desk.namespace), 1)
    assert "Fighting" in told.output
    assert "corrected 5 times: ConfigMap" in told.output
