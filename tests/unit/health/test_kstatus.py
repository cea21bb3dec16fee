"""The cases recorded from kstatus, as far as we mean the same by healthy."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops import health
from gitops.health import Health

CASES = json.loads((Path(__file__).parents[2] / "data" / "kstatus.json").read_text())
OURS = {"Current": Health.HEALTHY, "InProgress": Health.PROGRESSING, "Failed": Health.DEGRADED}

# Where we differ on purpose, and why.
DIFFERENT = {
    # kstatus answers "has it settled?"; a person asks "is it well?", and a pod that failed is not.
    "podCompletedFailed": Health.DEGRADED,
    # kstatus is content with a cluster IP; who asked for a load balancer waits for its address.
    "serviceLBok": Health.PROGRESSING,
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    verdict = health.of(yaml.safe_load(case["object"]))

    assert verdict.health is DIFFERENT.get(case["name"], OURS[case["expected"]]), verdict.message


def test_every_difference_is_still_one() -> None:
    expected = {case["name"]: OURS[case["expected"]] for case in CASES}

    assert all(expected[name] is not ours for name, ours in DIFFERENT.items())
