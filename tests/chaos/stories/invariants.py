"""What must hold whatever happened (worker-peers.md §5.2, I1 to I7), and how every operation had to end if nothing
hostile happened to it."""

from __future__ import annotations

import itertools
import json
import math
from collections import Counter
from collections.abc import Iterator

from gitops.logstore import SegmentedStore
from gitops.pods import marks
from gitops.ports.logstore import Span
from gitops.runner.frames import END, Frame
from tests.chaos.stories import loop, storage
from tests.chaos.stories.line import Line
from tests.chaos.stories.node import Life, Truth
from tests.chaos.stories.plot import SECRET, Job
from tests.chaos.stories.story import Story
from tests.unit.worker.kubelet import OPS

OUTLIVES = 120.0
"""Seconds a pod may outlive its operation while everything works."""
PER_MINUTE = 240
"""Requests a process may make in a minute, whatever is wrong: more is a tight loop."""


def broken(story: Story) -> list[str]:
    """Every rule that was broken, in words."""
    found = [*_starts(story), *_ends(story), *_logs(story), *_pods(story), *_requests(story), *_flight(story)]
    found += [*_secret(story), *_mutexes(story), *_places(story)]
    for index, job in enumerate(story.plot.jobs):
        if not story.plot.hostile(index):
            found += _expected(story, job)
    return found


def _starts(story: Story) -> Iterator[str]:
    """I1: at most one start an attempt, and another attempt only if the last one never ran or if that does no harm."""
    by_key: dict[tuple[str, int], list[Truth]] = {}
    for truth in story.nodes.truths:
        if truth.ran:
            by_key.setdefault(truth.key, []).append(truth)
    for key, truths in by_key.items():
        if len(truths) > 1:
            yield f"I1: attempt {key} was started {len(truths)} times"
    for job in story.plot.jobs:
        ran = Counter(truth.key[0] for truth in story.nodes.of(job.name) if truth.ran)
        for uid, times in ran.items():
            if times > 1 and not job.spec["idempotent"]:
                yield f"I1: {job.name} ({uid}) is not idempotent and ran {times} times"


def _ends(story: Story) -> Iterator[str]:
    """I2: exactly one end."""
    deletions = {"delete operation", "resubmit"}
    deleted = {one.which % len(story.plot.jobs) for one in story.plot.incidents if one.what in deletions}
    for index, job in enumerate(story.plot.jobs):
        ends = story.ends.get(job.name, [])
        phases: dict[str, set[tuple[str, ...]]] = {}
        for end in ends:
            words = (end.status["phase"], end.status["reason"], str(end.status.get("exitCode")))
            phases.setdefault(end.uid, set()).add(words)
        for different in phases.values():
            if len(different) > 1:
                yield f"I2: {job.name} ended more than once: {different}"
        if not ends and index not in deleted:
            yield f"I2: {job.name} never ended"


def _expected(story: Story, job: Job) -> Iterator[str]:
    """Nothing hostile happened to it: it ended as its script did."""
    life, attempt = _last_life(story, job)
    ends = story.ends.get(job.name) or []
    if not ends:
        return
    status = ends[-1].status
    wanted = _outcome(life)
    found = (status["phase"], status["reason"])
    if found != wanted:
        yield f"{job.name} should have ended as {wanted} after {life}, not {found}: {status.get('message')}"
    if life.end == "exit" and status.get("exitCode") != life.code:
        yield f"{job.name} ended with {status.get('exitCode')}, not {life.code}"
    pods = [truth for truth in story.nodes.of(job.name) if truth.key[1] == attempt]
    if len(pods) > 1:
        yield f"{job.name} had {len(pods)} pods of attempt {attempt}"


def _last_life(story: Story, job: Job) -> tuple[Life, int]:
    """How many attempts there had to be, and what became of the last one."""
    most = story.plot.pool["retry"]["attempts"]
    for attempt, life in enumerate(job.lives, 1):
        again = life.end == "rejected" or (life.end == "evicted" and job.spec["idempotent"])
        if not again or attempt == most:
            return life, attempt
    raise AssertionError("a job has a life for every attempt")


def _outcome(life: Life) -> tuple[str, str]:
    match life.end:
        case "exit":
            return ("Succeeded", "Succeeded") if life.code == 0 else ("Failed", "ScriptFailed")
        case "killed":
            return ("Failed", "OutOfMemory")
        case "evicted":
            return ("Failed", "Evicted")
        case "rejected":
            return ("Failed", "OutOfcpu")
        case "image":
            return ("Failed", "ImageRefused")
        case "silent":
            return ("Unknown", "NodeUnreachable")
        case _:
            return ("Failed", "RunTimeout")


def _logs(story: Story) -> Iterator[str]:
    """I3: what is stored is what the runner wrote, in order and once, or it is said that something is missing."""
    for job in story.plot.jobs:
        ends = story.ends.get(job.name) or []
        pods = [truth for truth in story.nodes.of(job.name) if truth.ran]
        for truth in pods:
            for which, frames in _stored(story, marks.log_name(*truth.key)):
                yield from (f"I3: {job.name} in {which}: {words}" for words in _wrong(truth, frames))
        if not ends or not pods or not (ends[-1].status.get("log") or {}).get("complete"):
            continue
        last = [truth for truth in pods if truth.key[0] == ends[-1].uid][-1]
        whole = [which for which, frames in _stored(story, marks.log_name(*last.key)) if _whole(last, frames)]
        if not whole and last.pod.lines:
            yield f"I3: the log of {job.name} is called complete, and is not"


def _stored(story: Story, name: str) -> Iterator[tuple[str, list[Frame]]]:
    if not story.plot.bucket:
        for number, volume in enumerate(story.volumes):
            yield f"volume {number}", volume.store.frames(name)
        return
    store = SegmentedStore(storage.LineBucket(Line(seed=0, kill=lambda: None), story.bucket), loop.VirtualClock())

    async def read() -> list[Frame]:
        return [frame async for batch in store.read(name, Span()) for frame in batch]

    if any(key.startswith(f"{name}/") for key in story.bucket.content):
        yield "the bucket", loop.tell(read())


def _wrong(truth: Truth, frames: list[Frame]) -> Iterator[str]:
    numbers = [frame.seq for frame in frames]
    if any(later <= earlier for earlier, later in itertools.pairwise(numbers)):
        yield f"frames come twice or out of order: {numbers}"
    for frame in frames:
        written = truth.pod.lines[frame.seq - 1] if frame.seq <= len(truth.pod.lines) else None
        if frame.stream != END and frame.text != written:
            yield f"frame {frame.seq} is {frame.text!r}, and {written!r} was written"


def _whole(truth: Truth, frames: list[Frame]) -> bool:
    return [frame.text for frame in frames if frame.stream != END] == truth.pod.lines


def _pods(story: Story) -> Iterator[str]:
    """I4: no pod outlives its operation for long."""
    if story.left:
        yield f"I4: pods are left: {story.left}"
    for truth in story.nodes.truths:
        ends = [end for end in story.ends.get(truth.name) or [] if end.uid == truth.key[0]]
        gone = truth.gone_at
        if ends and gone is not None and not truth.silent:
            late = gone - max(ends[-1].at, story.calm_at)
            if late > OUTLIVES:
                yield f"I4: {truth.pod.name} outlived its operation by {late:.0f} s"


def _requests(story: Story) -> Iterator[str]:
    """I5: six requests an operation when nothing goes wrong, and no tight loop whatever goes wrong."""
    for number, process in enumerate(story.processes):
        times = [
            at for at, label in process.line.asked if label not in {"chunk", "append", "sync", "put", "get", "list"}
        ]
        for first, last in zip(times, times[PER_MINUTE:], strict=False):
            if last - first < 60:
                yield f"I5: process {number} made {PER_MINUTE} requests in {last - first:.1f} s from {first:.0f} s on"
                break
    plain = all(life.end == "exit" for job in story.plot.jobs for life in job.lives[:1])
    plain = plain and not any("filesFrom" in job.spec for job in story.plot.jobs)
    if not story.plot.incidents and not story.plot.deaths and plain:
        labels = story.processes[0].line.labels
        asked = sum(labels[each] for each in ("claim", "create Pod", "progress", "log", "finish", "delete Pod"))
        asked += labels["get Operation"] + labels["get Pod"]
        if asked > 6 * len(story.plot.jobs):
            yield f"I5: {asked} requests for {len(story.plot.jobs)} operations: {dict(labels)}"


def _places(story: Story) -> Iterator[str]:
    """No more at once than the pool has places, as long as one process admits and no commit changes their number."""
    if any(one.what in {"second", "commit", "remove pool", "freeze", "stop"} for one in story.plot.incidents):
        return
    most = story.plot.pool["maxOperations"]
    pods = story.nodes.truths
    for one in pods:
        beside = [
            other for other in pods if other.made_at <= one.made_at < min(other.gone_at or math.inf, other.ended_at)
        ]
        if len(beside) > most and not any(other.silent for other in beside):
            yield f"I6: {len(beside)} pods at {one.made_at:.1f} s, and the pool has {most} places"
            return


def _flight(story: Story) -> Iterator[str]:
    """I6: in the end nothing is in flight."""
    if any(story.busy):
        yield f"I6: operations in flight in the end: {story.busy}"


def _secret(story: Story) -> Iterator[str]:
    """I7: what a Secret holds is nowhere else, nor is the signature of a URL but where it was written."""
    for address, found in story.cluster.objects.store.all():
        shown = {**found, "spec": {}} if address[1] == "Operation" else found
        if address[1] != "Secret" and SECRET in json.dumps(shown):
            yield f"I7: a secret's value is in {address}"
    if SECRET in str(story.cluster.events.told) or SECRET in str(story.told):
        yield "I7: a secret's value is in an Event, or in a worker's log"


def _mutexes(story: Story) -> Iterator[str]:
    """Promise 16: of what excludes each other, no two run at once."""
    held = [
        (truth, job.spec["mutex"]["mode"])
        for job in story.plot.jobs
        if "mutex" in job.spec
        for truth in story.nodes.of(job.name)
        if truth.ran and not truth.silent
    ]
    for (one, mode), (other, others) in itertools.combinations(held, 2):
        if "exclusive" in {mode, others} and one.name != other.name and one.overlaps(other):
            yield f"promise 16: {one.pod.name} and {other.pod.name} ran at the same time"


__all__ = ["OPS", "broken"]
