"""Correcting drift: at once, then with pauses, then not at all; ignore rules; what cannot be corrected."""

from __future__ import annotations

from typing import Any

from gitops import errors
from tests.unit.reconcile.turns import Dev
from tests.unit.sync.passes import config_map

RULE: dict[str, Any] = {
    "objects": {"kind": "ConfigMap"},
    "paths": [".data.a"],
    "owner": "team-a",
    "reason": "a job writes it",
    "expires": "2199-12-31",
}


async def started(**spec: Any) -> Dev:
    dev = Dev()
    dev.push(config_map("a"), config_map("b"))
    dev.create(**spec)
    return dev


async def test_two_writers_are_a_fight_that_is_named_and_given_up() -> None:
    dev = await started(drift="correct")
    async with dev.running():
        corrected = 0
        for _ in range(60):
            if dev.data("a") == {"a": "1"}:
                corrected += 1
                dev.edit("a", {"a": "theirs"}, manager="other-operator")
            await dev.advance(60)
        assert corrected == 6  # what was applied first, and five corrections
        assert dev.data("a") == {"a": "theirs"}
        assert dev.ready == ("False", "Fighting")
        words = dev.condition("Ready")["message"]
        assert words.startswith("ConfigMap home/a /data/a: other-operator wrote again after each of 5 corrections")
        assert dev.condition("Stalled")["reason"] == "Fighting"
        drifted = dev.condition("Drifted")
        assert (drifted["status"], drifted["reason"]) == ("True", "Fighting")
        (hot,) = dev.status["corrections"]
        assert (hot["object"], hot["manager"], hot["count"]) == ("ConfigMap home/a", "other-operator", 5)
        dev.writes()
        await dev.advance(3600 * 5)
        assert dev.writes() == []

        dev.push(config_map("a", {"a": "2"}), config_map("b"))  # a person acted: all is cool again
        await dev.advance(60)
        assert dev.data("a") == {"a": "2"}
        assert dev.ready == ("True", "Applied")
        assert dev.status.get("corrections", []) == []


async def test_a_fight_over_one_object_does_not_keep_others_from_being_corrected() -> None:
    dev = await started(drift="correct")
    async with dev.running():
        for _ in range(60):
            if dev.data("a") == {"a": "1"}:
                dev.edit("a", {"a": "theirs"})
            await dev.advance(60)
        assert dev.ready == ("False", "Fighting")
        dev.edit("b", {"a": "theirs"})
        await dev.advance(60)
        assert dev.data("b") == {"a": "1"}
        assert dev.data("a") == {"a": "theirs"}


async def test_a_fight_ends_when_the_object_is_as_git_says() -> None:
    dev = await started(drift="correct")
    async with dev.running():
        for _ in range(60):
            if dev.data("a") == {"a": "1"}:
                dev.edit("a", {"a": "theirs"})
            await dev.advance(60)
        dev.edit("a", {"a": "1"})
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.condition("Drifted") == {}
        await dev.advance(3 * 3600)
        assert dev.status.get("corrections", []) == []


async def test_the_second_correction_waits_and_says_until_when() -> None:
    dev = await started(drift="correct")
    async with dev.running():
        for _ in range(2):
            dev.edit("a", {"a": "theirs"})
            await dev.advance(60)
            assert dev.data("a") == {"a": "1"}
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        assert dev.data("a") == {"a": "theirs"}
        assert "ConfigMap home/a was corrected before, and is again at" in dev.condition("Drifted")["message"]
        await dev.advance(60)
        assert dev.data("a") == {"a": "1"}


async def test_an_ignored_path_is_no_drift_is_not_corrected_and_not_taken_back() -> None:
    dev = await started(drift="correct", ignore=[RULE])
    async with dev.running():
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        assert dev.condition("Drifted") == {}
        assert dev.status["ignored"] == 1
        assert dev.data("a") == {"a": "theirs"}
        dev.push(config_map("a", {"a": "2", "b": "2"}), config_map("b", {"a": "2"}))
        await dev.advance(60)
        assert dev.ready == ("True", "Applied")
        assert dev.data("a") == {"a": "theirs", "b": "2"}
        assert dev.data("b") == {"a": "2"}  # nobody but Git spoke there


async def test_drift_is_seen_and_corrected_while_the_source_is_away() -> None:
    dev = await started()
    async with dev.running():
        dev.repository.failure = errors.SourceUnavailable("git.example does not answer")
        await dev.advance(60)
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        assert dev.ready == ("False", "SourceUnavailable")
        assert dev.condition("Drifted")["message"].endswith("/data/a by kubectl-edit")
        dev.change(drift="correct")
        await dev.advance(60)
        assert dev.data("a") == {"a": "1"}
        assert dev.ready == ("False", "SourceUnavailable")
        assert dev.condition("Drifted") == {}
        dev.repository.failure = None
        await dev.advance(120)
        assert dev.ready == ("True", "Applied")


async def test_an_expired_rule_hides_nothing_and_is_named() -> None:
    dev = await started(ignore=[{**RULE, "expires": "2001-01-31"}])
    async with dev.running():
        dev.edit("a", {"a": "theirs"})
        await dev.advance(60)
        message = dev.condition("Drifted")["message"]
        assert "the ignore rule of team-a expired on 2001-01-31: a job writes it" in message
        assert dev.status.get("ignored", 0) == 0


async def test_a_rule_that_cannot_be_read_is_said() -> None:
    dev = await started(ignore=[{**RULE, "paths": [".a..b"]}])
    async with dev.running():
        assert dev.condition("Ready")["status"] == "False"
        assert "'.a..b' is no path to a field" in dev.condition("Ready")["message"]
