"""A unified diff of objects: what `gitops diff` prints."""

from __future__ import annotations

from typing import Any

from gitops.objects import Manifest, ref_of
from gitops.plan import compare
from gitops.plan.change import Action, Change, Stage
from gitops.report import unified


def config(kind: str = "ConfigMap", **data: str) -> Manifest:
    metadata = {"name": "x", "namespace": "shop", "uid": "u", "resourceVersion": "1", "managedFields": [{}]}
    return {"apiVersion": "v1", "kind": kind, "metadata": metadata, "data": data}


def lines(live: Manifest | None, wanted: Manifest | None, action: Action) -> list[str]:
    ref = ref_of(wanted or live or {})
    patch: tuple[dict[str, Any], ...] = compare.compare(live, wanted) if live and wanted else ()
    change = Change(
        ref=ref, api_version="v1", action=action, stage=Stage.REST, authored=ref, desired=wanted, patch=patch
    )
    return list(unified.lines(change, live, salt="s"))


def test_a_change_shows_both_lines_and_nothing_the_server_keeps() -> None:
    found = lines(config(a="1"), config(a="2"), Action.UPDATE)
    assert found[:2] == ["--- live/shop/ConfigMap/x", "+++ git/shop/ConfigMap/x"]
    assert '-  a: "1"' in found
    assert '+  a: "2"' in found
    assert not any("managedFields" in line or "resourceVersion" in line for line in found)


def test_what_comes_and_goes_is_against_nothing() -> None:
    wanted = {**config(a="1"), "metadata": {"name": "x", "namespace": "shop"}}
    assert lines(None, wanted, Action.CREATE)[0] == "--- /dev/null"
    assert lines(config(a="1"), None, Action.DELETE)[1] == "+++ /dev/null"


def test_secret_values_are_masked_and_equal_ones_look_equal() -> None:
    found = "\n".join(
        lines(config("Secret", a="b2xk", b="c2FtZQ=="), config("Secret", a="bmV3", b="c2FtZQ=="), Action.UPDATE)
    )
    assert not any(word in found for word in ("b2xk", "bmV3", "c2FtZQ"))
    assert sum(line.startswith(("-  ", "+  ")) for line in found.splitlines()) == 2


def test_control_characters_do_not_pass() -> None:
    found = "\n".join(lines(config(a="1"), config(a="\x1b]0;owned\x07"), Action.UPDATE))
    assert "\x1b" not in found


def test_what_is_refused_shows_no_difference() -> None:
    assert lines(config(a="1"), config(a="2"), Action.REFUSE) == []
