"""What operations used, kept small."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import api
from gitops.api.meta import Resources
from gitops.api.operation import OperationSpec, Phase
from gitops.api.workerpool import Bucket, StepUsage
from gitops.pods import marks
from gitops.pods.outcome import Outcome
from gitops.runner.record import EndRecord
from gitops.sizing import buckets, observed
from gitops.sizing.observed import Run

MEBI = 1 << 20
START = datetime(2026, 1, 1, tzinfo=UTC)


def day(number: float) -> str:
    return (START + timedelta(days=number)).strftime("%Y-%m-%dT%H:%M:%SZ")


def ran(at: str = day(0), step: str = "", **more: object) -> Run:
    return Run(**{"step": step, "own_resources": False, "at": at, "cpu": 100, "memory": MEBI, **more})  # type: ignore[arg-type]


def operation(labels: dict[str, str] | None = None, **spec: object) -> api.Operation:
    metadata = api.Metadata(name="build", labels=labels or {})
    return api.Operation(metadata=metadata, spec=OperationSpec(pool="linux", script="x", **spec))  # type: ignore[arg-type]


def ended(reason: str = "Succeeded", **record: object) -> Outcome:
    times = {"started": "2026-01-01T00:00:00.000Z", "finished": "2026-01-01T00:00:04.000Z"}
    found = EndRecord(version=1, exit_code=0, **{**times, **record})  # type: ignore[arg-type]
    return Outcome(phase=Phase.SUCCEEDED, reason=reason, message="", record=found)


def test_a_run_tells_its_average_cpu_and_its_peak() -> None:
    found = observed.run(
        operation({marks.STEP: "migrate"}), ended(cpu_ms=1000, throttled_ms=300, memory_peak=5), at=day(0)
    )
    assert found == Run(
        step="migrate", own_resources=False, at=day(0), cpu=250, memory=5, throttled=True, out_of_memory=False
    )


def test_a_run_of_an_instant_needs_no_more_cores_than_there_are() -> None:
    times = {"started": "2026-01-01T00:00:00.000Z", "finished": "2026-01-01T00:00:00.002Z"}
    found = observed.run(operation(), ended(cpu_ms=13, **times), at=day(0))
    assert found is not None
    assert found.cpu == 13


def test_half_of_the_runs_never_took_more_than_the_most_any_took() -> None:
    found = observed.summary(observed.fold([], [ran(memory=3 * MEBI)]))
    assert (found.memory_median, found.memory_peak) == (3 * MEBI, 3 * MEBI)


def test_what_the_node_does_not_tell_is_not_zero() -> None:
    found = observed.run(operation(), ended(cpu_ms=-1, memory_peak=7), at=day(0))
    assert found is not None
    assert (found.cpu, found.memory) == (None, 7)
    assert observed.run(operation(), ended(), at=day(0)) == ran(cpu=None, memory=None)
    assert observed.run(operation(), Outcome(phase=Phase.FAILED, reason="PodLost", message=""), at=day(0)) is None


def test_a_group_killed_for_memory_counts_although_it_left_no_record() -> None:
    killed = Outcome(phase=Phase.FAILED, reason="OutOfMemory", message="")
    found = observed.run(operation(), killed, at=day(0))
    assert found is not None
    assert (found.out_of_memory, found.cpu, found.memory) == (True, None, None)


def test_a_canary_is_no_evidence_and_own_resources_are_told_apart() -> None:
    assert observed.run(operation({marks.CANARY: "linux"}), ended(cpu_ms=1), at=day(0)) is None
    found = observed.run(operation(resources=Resources(requests={"cpu": "4"})), ended(cpu_ms=1), at=day(0))
    assert found is not None
    assert found.own_resources


def test_a_period_ends_and_the_one_before_the_last_is_forgotten() -> None:
    usage: list[StepUsage] = []
    for number in range(60):
        usage = observed.fold(usage, [ran(day(number), memory=(1000 if number == 0 else 1) * MEBI)])
        if number == 20:
            assert observed.summary(usage).memory_peak == 1000 * MEBI
    assert [entry.since for entry in usage] == [day(30), day(45)]
    assert observed.summary(usage).memory_peak == MEBI
    assert observed.summary(usage).runs == 30


def test_steps_without_end_stay_within_bounds() -> None:
    runs = [ran(day(number / 100), step=f"step-{number}") for number in range(200)]
    usage = observed.fold([], runs)
    assert len(usage) == observed.MOST
    assert usage[-1].step == "step-199"


@given(st.lists(st.integers(0, 1 << 30), min_size=1, max_size=50))
def test_property_a_quantile_is_never_too_low_and_at_most_a_tenth_too_high(values: list[int]) -> None:
    spread = buckets.merged([[Bucket(up_to=buckets.bound(value), runs=1)] for value in values])
    assert sum(bucket.runs for bucket in spread) == len(values)
    for share in (0.5, 0.9, 1.0):
        exact = sorted(values)[max(0, -(-int(share * 100) * len(values) // 100) - 1)]
        assert exact <= buckets.quantile(spread, share) <= max(exact * 1.1 + 1, buckets.FIRST)


@given(st.permutations([ran(day(0), step=step, cpu=cpu) for step in ("a", "b") for cpu in (10, 500, 3000)]))
def test_property_the_order_of_runs_does_not_matter(runs: list[Run]) -> None:
    assert observed.fold([], runs) == observed.fold([], sorted(runs, key=repr))


@pytest.mark.parametrize("value", [0, 1, 5, 6, 1 << 40])
def test_every_value_has_a_bucket(value: int) -> None:
    assert buckets.bound(value) in buckets.BOUNDS
