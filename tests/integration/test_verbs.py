"""The verbs around a sync, against a real API server and a real Git server."""

from __future__ import annotations

import re
import secrets
import subprocess
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
