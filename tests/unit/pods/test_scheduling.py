"""Why a pod waits for a node: texts that schedulers and autoscalers of others' clusters really wrote."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from gitops.pods import autoscaler, scheduling

RECORDED = json.loads((Path(__file__).parents[2] / "data" / "scheduling-events.json").read_text())


@pytest.mark.parametrize("case", RECORDED["scheduler"], ids=lambda case: case["source"])
def test_the_schedulers_reasons_in_words(case: dict[str, str]) -> None:
    assert scheduling.explain(case["message"]) == case["words"]


@pytest.mark.parametrize("case", RECORDED["autoscaler"], ids=lambda case: f"{case['source']} {case['reason']}")
def test_an_autoscalers_verdict_in_words(case: dict[str, Any]) -> None:
    event = {"reason": case["reason"], "message": case["message"], "source": {"component": case["component"]}}
    found = autoscaler.verdict([event])
    if case["helps"] is None:
        assert found is None
    else:
        assert found == autoscaler.Verdict(helps=case["helps"], words=case["words"])


def test_the_last_word_counts() -> None:
    no = {"reason": "NotTriggerScaleUp", "message": "pod didn't trigger scale-up: 1 max node group size reached"}
    yes = {
        "reason": "Nominated",
        "note": "Pod should schedule on: nodeclaim/one",
        "eventTime": "2026-01-01T00:00:20.5Z",
    }
    earlier = autoscaler.verdict([yes, {**no, "lastTimestamp": "2026-01-01T00:00:10Z"}])
    later = autoscaler.verdict([yes, {**no, "lastTimestamp": "2026-01-01T00:00:30Z"}])
    assert earlier is not None
    assert later is not None
    assert (earlier.helps, later.helps) == (True, False)
    again = autoscaler.verdict([{**yes, "series": {"count": 2, "lastObservedTime": "2026-01-01T00:00:40.0Z"}}, no])
    assert again is not None
    assert again.helps


def test_what_is_no_message_of_the_schedulers_stays_as_it_is() -> None:
    assert scheduling.explain("running PreBind plugin: timed out") == "running PreBind plugin: timed out"
    assert (
        scheduling.explain("0/1 nodes are available: 1 node(s) had a bad day.") == "of 1 node, 1: node(s) had a bad day"
    )
    assert scheduling.explain("0/0 nodes are available: .") == "the cluster has no nodes"


def pod(*requests: dict[str, str], **spec: Any) -> dict[str, Any]:
    return {"spec": {"containers": [{"resources": {"requests": dict(each)}} for each in requests], **spec}}


def node(labels: dict[str, str] | None = None, **allocatable: str) -> dict[str, Any]:
    return {"metadata": {"labels": labels or {}}, "status": {"allocatable": allocatable}}


def test_what_a_pod_needs_is_one_sum() -> None:
    sidecar = {"restartPolicy": "Always", "resources": {"requests": {"cpu": "50m"}}}
    init = {"resources": {"requests": {"cpu": "7"}}}
    made = pod({"cpu": "200m", "memory": "1Gi"}, {"cpu": "1"}, initContainers=[sidecar, init])
    assert scheduling.needs(made) == "cpu 1250m, memory 1Gi"
    assert scheduling.needs(pod({})) == "nothing in particular"


@pytest.mark.parametrize(
    ("asked", "words"),
    [
        ({"cpu": "64"}, "no node is large enough for cpu 64: the largest has 4"),
        ({"nvidia.com/gpu": "1"}, "no node is large enough for nvidia.com/gpu 1: no node has any"),
        ({"cpu": "3", "memory": "4Gi"}, "the largest node has cpu 4, memory 7.5Gi for all its pods together"),
    ],
)
def test_what_the_nodes_have(asked: dict[str, str], words: str) -> None:
    assert scheduling.offers(pod(asked), [node(cpu="2", memory="7.5Gi"), node(cpu="4", memory="4Gi")]) == words


def test_a_label_that_no_node_has_is_named() -> None:
    asked = pod({"cpu": "1"}, nodeSelector={"disk": "ssd", "zone": "a"})
    nodes = [node({"zone": "a"}, cpu="2"), node({"disk": "hdd"}, cpu="2")]
    assert scheduling.offers(asked, nodes) == "no node has the label disk=ssd"
    assert scheduling.offers(asked, []) == ""


@pytest.mark.parametrize(
    ("name", "value", "text"),
    [
        ("cpu", "0.25", "250m"),
        ("cpu", "4", "4"),
        ("cpu", "10", "10"),
        ("memory", str(10 * 2**30), "10Gi"),
        ("memory", str(1536 * 2**20), "1.5Gi"),
        ("memory", "500", "500"),
        ("ephemeral-storage", str(2**41), "2Ti"),
        ("nvidia.com/gpu", "8", "8"),
    ],
)
def test_quantities_as_people_write_them(name: str, value: str, text: str) -> None:
    assert scheduling.spell(name, Decimal(value)) == text
