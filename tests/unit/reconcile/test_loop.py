"""One GitSync followed for a while: what is written, when, and what its status says."""

from __future__ import annotations

import json

import pytest

from gitops import api, errors
from gitops.objects import Manifest
from gitops.ports.objects import DeleteOptions
from gitops.source import Revision
from gitops.sync import status
from gitops.testing.objects import Call
from tests.unit.reconcile.turns import Dev
from tests.unit.sync.passes import HOME, config_map, namespace_of


async def test_a_first_commit_is_applied_and_said() -> None:
    dev = Dev()
    first = dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        assert dev.data("a") == {"a": "1"}
        assert dev.ready == ("True", "Applied")
        assert dev.condition("Ready")["message"] == f"applied {first.short}: 1 written, 0 deleted"
        assert dev.condition("Ready")["observedGeneration"] == dev.manifest["metadata"]["generation"]
        assert {one["type"] for one in dev.status["conditions"]} == {"Ready"}
        assert dev.status["lastAppliedRevision"] == str(first)
        assert dev.status["objects"] == 1
        assert dev.status["observedGeneration"] == 1
        assert list(dev.repository.kept.values()) == [first.commit]


async def test_a_turn_that_finds_nothing_new_writes_nothing_at_all() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        dev.writes()
        for _ in range(3):
            await dev.advance(60)
        assert dev.writes() == []
        assert dev.repository.requests.count("resolve") == 4


async def test_a_new_commit_is_applied_at_the_next_turn_and_announced_before() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    said: list[str] = []

    def listen(call: Call) -> None:
        if (call.verb, call.kind, call.dry_run) == ("apply", "ConfigMap", False):
            said.append(dev.condition("Reconciling").get("message", ""))

    async with dev.running():
        second = dev.push(config_map("a", {"a": "2"}))
        dev.objects.before.append(listen)
        await dev.advance(60)
        assert dev.data("a") == {"a": "2"}
        assert said == [f"applying {second.short}"]
        assert dev.condition("Reconciling") == {}


async def test_commits_that_arrive_while_one_is_applied_end_in_the_newest() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    pushed: list[Revision] = []

    def push_more(call: Call) -> None:
        if call.verb == "apply" and call.name == "a" and not call.dry_run and not pushed:
            pushed.append(dev.push(config_map("a", {"a": "2"})))
            pushed.append(dev.push(config_map("a", {"a": "3"})))

    dev.objects.before.append(push_more)
    async with dev.running():
        assert dev.data("a") == {"a": "1"}
        assert dev.ready == ("True", "Applied")
        seen: list[object] = []
        dev.objects.after.append(lambda call: seen.append(dev.data("a")) if call.verb == "apply" else None)
        await dev.advance(60)
        assert dev.data("a") == {"a": "3"}
        assert {"a": "2"} not in seen
        assert dev.status["lastAppliedRevision"] == str(pushed[-1])


async def test_a_refused_commit_stays_refused_until_a_newer_one() -> None:
    dev = Dev()
    first = dev.push(config_map("a"), namespace_of("team"))
    dev.create()
    async with dev.running():
        second = dev.push(config_map("a", {"a": "2"}))
        await dev.advance(60)
        assert dev.ready == ("False", "Refused")
        assert "consent by naming namespace/team" in dev.condition("Ready")["message"]
        assert dev.condition("Stalled")["status"] == "True"
        assert dev.status["refusedRevision"] == str(second)
        assert dev.status["lastAppliedRevision"] == str(first)
        assert dev.data("a") == {"a": "1"}

        dev.writes()
        await dev.advance(180)
        assert dev.writes() == []
        assert dev.status["refusedRevision"] == str(second)

        third = dev.push(config_map("a", {"a": "3"}), message="Remove the team\n\nGitOps-Delete: namespace/team\n")
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.status["lastAppliedRevision"] == str(third)
        assert "refusedRevision" not in dev.status or dev.status["refusedRevision"] == ""
        assert dev.condition("Stalled") == {}
        assert dev.data("a") == {"a": "3"}


async def test_any_commit_that_is_not_applied_yet_may_agree() -> None:
    """A push of two, a merge with a message of its own, or a commit while a pool still drains."""
    dev = Dev()
    dev.push(config_map("a"), namespace_of("team"))
    dev.create()
    async with dev.running():
        dev.push(config_map("a"), message="Remove the team\n\nGitOps-Delete: namespace/team\n")
        dev.push(config_map("a", {"a": "2"}), message="a typo")
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.data("a") == {"a": "2"}
        # What was agreed to once is agreed to no more: it comes back, and wants to go again.
        dev.push(config_map("a"), namespace_of("team"))
        await dev.advance(60)
        dev.push(config_map("a"))
        await dev.advance(60)
        assert dev.ready == ("False", "Refused")


async def test_a_source_that_is_down_changes_nothing_and_comes_back() -> None:
    dev = Dev()
    dev.push(config_map("a"), namespace_of("team"))
    dev.create()
    async with dev.running():
        second = dev.push(config_map("a", {"a": "2"}))  # refused: the namespace would go
        await dev.advance(60)
        dev.repository.failure = errors.SourceUnavailable("git.example does not answer", hint="is it up?")
        await dev.advance(60)
        assert dev.ready == ("False", "SourceUnavailable")
        assert dev.condition("Ready")["message"] == "git.example does not answer (is it up?)"
        assert dev.condition("Stalled") == {}
        assert dev.status["refusedRevision"] == str(second)
        asked = dev.repository.requests.count("resolve")
        dev.writes()
        await dev.advance(3600)
        assert 55 <= dev.repository.requests.count("resolve") - asked <= 70
        assert dev.writes() == []

        dev.repository.failure = None
        dev.push(config_map("a", {"a": "3"}), namespace_of("team"))
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.data("a") == {"a": "3"}


async def test_errors_that_pass_are_tried_again_sooner_than_the_interval() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.repository.failure = errors.SourceUnavailable("down")
    dev.create(interval="1h")
    async with dev.running():
        dev.repository.failure = None
        await dev.advance(2)
        assert dev.ready == ("True", "Applied")


async def test_a_broken_configuration_is_said_and_nothing_is_written() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        dev.break_build("overlays/dev/pool.yaml:3:5: unknown field imagee")
        await dev.advance(60)
        assert dev.ready == ("False", "BuildFailed")
        assert "unknown field imagee" in dev.condition("Ready")["message"]
        assert dev.condition("Stalled")["status"] == "True"
        dev.writes()
        await dev.advance(120)
        assert dev.writes() == []
        dev.push(config_map("a", {"a": "2"}))
        await dev.advance(60)
        assert dev.data("a") == {"a": "2"}


async def test_a_changed_spec_is_acted_on_though_the_first_try_fails() -> None:
    """The revision is the one applied, its path is another: a failure in between must not make that forgotten."""
    dev = Dev()
    dev.create()
    here, there = (json.dumps([config_map(name)]).encode() for name in ("a", "b"))
    dev.repository.push({"objects.json": here, "other/objects.json": there})
    async with dev.running():
        assert dev.data("a") == {"a": "1"}
        dev.repository.failure = errors.SourceUnavailable("down")
        dev.change(source={"url": "https://git.example/r", "path": "other"})
        await dev.advance(1)
        assert dev.ready == ("False", "SourceUnavailable")
        dev.repository.failure = None
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.data("b") == {"a": "1"}
        assert dev.data("a") is None


async def test_drift_is_said_with_its_manager_and_cleared_when_it_is_gone() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        drifted = dev.condition("Drifted")
        assert (drifted["status"], drifted["reason"]) == ("True", "LiveDiffers")
        assert drifted["message"] == "one path differs: ConfigMap home/a /data/a by kubectl-edit"
        assert dev.status["drift"] == [{"object": "ConfigMap home/a", "path": "/data/a", "manager": "kubectl-edit"}]
        assert dev.ready == ("True", "Applied")
        assert dev.data("a") == {"a": "theirs"}
        dev.writes()
        await dev.advance(120)
        assert dev.writes() == []

        dev.edit("a", {"a": "1"})
        await dev.advance(60)
        assert dev.condition("Drifted") == {}
        assert dev.status.get("drift", []) == []


async def test_drift_is_corrected_if_that_is_wanted() -> None:
    dev = Dev()
    dev.push(config_map("a"), config_map("b"))
    dev.create(drift="correct")
    async with dev.running():
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        assert dev.data("a") == {"a": "1"}
        assert dev.condition("Drifted") == {}
        dev.edit("a", {"a": "theirs"})
        dev.push(config_map("a"), config_map("b", {"b": "2"}))
        await dev.advance(60)
        assert dev.data("a") == {"a": "1"}
        assert dev.ready == ("True", "Applied")


async def test_a_field_of_another_manager_holds_back_its_object_and_is_said_once() -> None:
    dev = Dev()
    dev.push(config_map("a"), config_map("b"))
    dev.create()
    async with dev.running():
        dev.edit("a", {"a": "theirs"})
        dev.push(config_map("a", {"a": "2"}), config_map("b", {"b": "2"}))
        await dev.advance(60)
        assert dev.ready == ("False", "FieldConflict")
        assert ".data.a is owned by kubectl-edit" in dev.condition("Ready")["message"]
        assert dev.data("b") == {"b": "2"}
        assert dev.data("a") == {"a": "theirs"}
        dev.writes()
        await dev.advance(180)
        assert dev.writes() == []


async def test_reporting_applies_nothing() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create(mode="report")
    async with dev.running():
        assert dev.ready == ("False", "Pending")
        assert "would change 1 objects" in dev.condition("Ready")["message"]
        assert dev.data("a") is None
        dev.writes()
        await dev.advance(120)
        assert dev.writes() == []


async def test_a_suspended_sync_does_nothing_until_it_is_resumed() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create(suspend=True)
    async with dev.running():
        await dev.advance(600)
        assert dev.writes() == []
        assert dev.repository.requests == []
        dev.change(suspend=False)
        await dev.advance(1)
        assert dev.ready == ("True", "Applied")


async def test_an_asked_for_turn_starts_at_once() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create(interval="1h")
    async with dev.running():
        dev.push(config_map("a", {"a": "2"}))
        await dev.advance(5)
        assert dev.data("a") == {"a": "1"}
        dev.ask("now")
        await dev.advance(1)
        assert dev.data("a") == {"a": "2"}


async def test_after_a_force_push_drift_is_still_measured_against_what_was_applied() -> None:
    dev = Dev()
    dev.push(config_map("a"), namespace_of("team"))
    dev.create()
    async with dev.running():
        dev.push(config_map("a", {"a": "other"}), force=True)  # refused: the namespace would go
        await dev.advance(60)
        assert dev.ready == ("False", "Refused")
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        assert dev.condition("Drifted")["status"] == "True"
        dev.push(config_map("a", {"a": "new"}), namespace_of("team"), force=True)
        await dev.advance(60)
        assert dev.ready == ("False", "FieldConflict")


async def test_a_deleted_branch_is_said_and_what_was_applied_stays() -> None:
    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        dev.repository.delete("main")
        await dev.advance(60)
        assert dev.ready == ("False", "RevisionNotFound")
        assert dev.data("a") == {"a": "1"}


async def test_the_api_server_away_in_the_middle_and_back() -> None:
    dev = Dev()
    dev.push(config_map("a"), config_map("b"))
    dev.create()
    away = errors.ClusterUnavailable("the API server does not answer")

    def fail(call: Call) -> None:
        if call.verb != "get" and call.name == "b":
            raise away

    dev.objects.before.append(fail)
    async with dev.running():
        assert dev.ready == ("False", "ClusterUnavailable")
        dev.objects.before.clear()
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.data("b") == {"a": "1"}


async def test_a_superseded_object_in_use_goes_in_a_later_turn() -> None:
    dev = Dev()
    dev.push(config_map("env-0123456789"))
    dev.create()
    pods = dev.objects.server.kind("v1", "Pod")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "p", "namespace": HOME},
        "spec": {"volumes": [{"configMap": {"name": "env-0123456789"}}]},
    }
    dev.objects.server.create(pods, pod, manager="worker")
    async with dev.running():
        dev.push(config_map("env-abcdefghij"))
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.data("env-0123456789") is not None
        dev.writes()
        await dev.advance(60)
        assert dev.writes() == []
        dev.objects.server.patch_status(pods, HOME, "p", {"status": {"phase": "Succeeded"}})
        await dev.advance(60)
        assert dev.data("env-0123456789") is None
        assert dev.ready == ("True", "Applied")


def never_healthy() -> Manifest:
    labels = {"app": "d"}
    return {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "d", "namespace": HOME},
        "spec": {"selector": {"matchLabels": labels}, "template": {"metadata": {"labels": labels}}},
    }


async def test_a_sync_that_is_suspended_ends_the_turn_it_is_in() -> None:
    dev = Dev()
    dev.push(never_healthy())
    dev.create()
    async with dev.running():
        await dev.advance(5)
        assert dev.condition("Reconciling")["reason"] == "Applying"
        dev.change(suspend=True)
        await dev.advance(1)
        assert dev.condition("Reconciling") == {}
        dev.writes()
        await dev.advance(600)
        assert dev.writes() == []


async def test_a_sync_in_the_repository_it_follows_is_applied_and_written_no_more() -> None:
    dev = Dev()
    source = {"url": "https://git.example/r"}
    itself: Manifest = {
        "apiVersion": api.API_VERSION,
        "kind": "GitSync",
        "metadata": {"name": "dev", "namespace": HOME},
        "spec": {"source": source, "interval": "1m", "drift": "correct"},
    }
    dev.push(config_map("a"), itself)
    dev.create(drift="correct")
    async with dev.running():
        assert dev.ready == ("True", "Applied")
        dev.writes()
        await dev.advance(120)
        assert dev.writes() == []
        dev.push(config_map("a"), {**itself, "spec": {**itself["spec"], "interval": "2m"}})
        await dev.advance(60)
        assert dev.manifest["spec"]["interval"] == "2m"
        assert dev.ready == ("True", "Applied")


async def test_a_deleted_sync_is_followed_no_more() -> None:

    dev = Dev()
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        dev.objects.server.delete(status.GIT_SYNCS, HOME, "dev", DeleteOptions())
        await dev.advance(1)
        asked = len(dev.repository.requests)
        await dev.advance(600)
        assert len(dev.repository.requests) == asked
        assert dev.data("a") == {"a": "1"}


@pytest.mark.parametrize("error", [errors.SourceDenied("the token was refused"), errors.ConfigError("no such Secret")])
async def test_what_cannot_be_opened_is_a_condition_and_is_asked_again(error: errors.GitOpsError) -> None:
    dev = Dev(failure=error)
    dev.push(config_map("a"))
    dev.create()
    async with dev.running():
        assert dev.ready == ("False", error.reason)
        assert dev.condition("Stalled")["status"] == "True"
        dev.failure = None
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
