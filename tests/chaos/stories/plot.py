"""What a story is made of, chosen by its number alone: operations, what their pods do, and what goes wrong when."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any

from tests.chaos.stories.line import Death
from tests.chaos.stories.node import Life

TROUBLE = 60.0
"""Seconds in which things go wrong; afterwards everything works, and a worker lives."""
LABELS = (
    *("claim", "create Pod", "progress", "finish", "delete Pod", "log", "chunk", "append", "sync", "put"),
    *("open log", "close log", "get Operation", "get Pod", "history", "exec", "give back"),
)
"""The points at which a process may die; each before and after it was carried out."""
HOSTILE = frozenset(
    {
        *("cancel", "delete operation", "resubmit", "delete pod", "evict", "collect"),
        *("refuse", "remove pool", "deny", "forget", "namespace"),
    }
)
"""What may change how an operation ends. Everything else must not."""
SLOWING = frozenset({"outage", "away"})
"""What keeps nodes from starting pods, or from saying that they did."""
FILE_LABELS = ("fetch", "send", "exec")
"""The same while files from URLs are brought."""
HOST = "https://files.example/"
FILES = {f"{HOST}big": bytes(range(256)) * 1000, f"{HOST}small": b"small"}
TIGHT = "20s"
SECRET = "hunter2-of-the-story"
WITH_FILES = 0.2
"""Share of the stories in which operations have files from URLs."""
PEACEFUL = (
    *(
        "kill",
        "start",
        "second",
        "cut",
        "mend",
        "storm",
        "late",
        "lag",
        "doubled",
        "interrupt",
        "logs",
        "break",
        "rotate",
    ),
    *("outage", "restore", "away", "back", "full", "empty", "commit", "revision", "jump", "suspend", "resume"),
    *("freeze", "stop", "edit", "unserve"),
)


@dataclass(frozen=True, kw_only=True)
class Incident:
    """At `at` seconds `what` happens, to the operation or process chosen by `which`."""

    at: float
    what: str
    which: int = 0
    much: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Job:
    """One operation: submitted at `at`, with the lives of its pods."""

    name: str
    at: float
    spec: dict[str, Any]
    lives: list[Life]


@dataclass(frozen=True, kw_only=True)
class Plot:
    """A whole story, before it is told."""

    number: int
    jobs: list[Job]
    incidents: list[Incident]
    deaths: dict[int, list[Death]] = field(default_factory=dict)
    """By number of the process, in the order in which they are started."""
    bucket: bool = False
    pool: dict[str, Any] = field(default_factory=dict)

    @property
    def tight(self) -> bool:
        """The pool's clocks leave no time for a node that does nothing for a while."""
        return bool(self.pool["timeouts"]["starting"] == TIGHT)

    def hostile(self, job: int) -> list[str]:
        """What may have changed how this operation ended."""
        hostile = HOSTILE | (SLOWING if self.tight else frozenset())
        everybody = {"refuse", "remove pool", "deny", "forget", "namespace"} | SLOWING
        return [
            one.what
            for one in self.incidents
            if one.what in hostile and (one.which % len(self.jobs) == job or one.what in everybody)
        ]


def plot(number: int) -> Plot:
    """The same number, the same story."""
    chance = random.Random(number)  # noqa: S311 - the same story every time
    kind = number % 10
    jobs = [_job(chance, index) for index in range(chance.choice([1, 1, 2, 3, 5]))]
    deaths = dict(_deaths(chance, number)) if kind in {1, 2, 3, 4} else {}
    # Chosen apart, so that the other stories stay as they were.
    apart = random.Random(f"files of {number}")  # noqa: S311 - as above
    if apart.random() < WITH_FILES:
        jobs = [_with_files(apart, one) for one in jobs]
        deaths = deaths or dict(_deaths_on_the_way(apart))
    incidents = [] if kind == 0 else [*_incidents(chance, kind), *_provoking({one.label for one in deaths.get(0, [])})]
    return Plot(
        number=number,
        jobs=jobs,
        incidents=sorted(incidents, key=lambda one: one.at),
        deaths=deaths,
        bucket=chance.random() < 0.25,
        pool=_pool(chance),
    )


def _pool(chance: random.Random) -> dict[str, Any]:
    start = TIGHT if chance.random() < 0.3 else "3m"
    timeouts = {"unschedulable": start, "imagePull": start, "starting": start, "run": "2m", "grace": "10s"}
    allow = {"urls": [HOST]}
    return {
        "timeouts": timeouts,
        "allow": allow,
        "maxOperations": chance.choice([1, 2, 10]),
        "retry": {"attempts": 3, "delay": "5s"},
    }


def _job(chance: random.Random, index: int) -> Job:
    spec: dict[str, Any] = {"idempotent": chance.random() < 0.25, "priority": chance.choice([0, 0, 5])}
    spec["env"] = [{"name": "TOKEN", "secret": {"name": "token", "key": "value"}}]
    if chance.random() < 0.25:
        spec["mutex"] = {"name": "deploy", "mode": chance.choice(["exclusive", "shared"])}
    if chance.random() < 0.1:
        spec["ttlAfterFinished"] = "5s"
    ends = ["exit"] * 20 + ["killed", "silent", "evicted", "rejected", "image", "never"]
    lives = [_life(chance, chance.choice(ends)), _life(chance, chance.choice(["exit", "exit", "evicted"])), Life()]
    return Job(name=f"job-{index}", at=chance.uniform(0, 20), spec=spec, lives=lives)


def _with_files(chance: random.Random, job: Job) -> Job:
    if chance.random() < 0.4:
        return job
    urls = chance.choice([[f"{HOST}small"], list(FILES)])
    files = [
        {
            "path": url.removeprefix(HOST),
            "url": f"{url}?signature={SECRET}",
            "digest": f"sha256:{hashlib.sha256(FILES[url]).hexdigest()}",
        }
        for url in urls
    ]
    return replace(job, spec={**job.spec, "filesFrom": files})


def _deaths_on_the_way(chance: random.Random) -> Iterator[tuple[int, list[Death]]]:
    for process in range(chance.choice([0, 1, 2])):
        yield process, [Death(label=chance.choice(FILE_LABELS), nth=chance.choice([1, 2]), after=chance.random() < 0.5)]


def _life(chance: random.Random, end: str) -> Life:
    pace = chance.choice([0.01, 0.3, 2.0])
    return Life(
        placed=chance.choice([0.0, 0.1, 4.0]),
        started=chance.choice([0.0, 0.3, 8.0]),
        lines=tuple(chance.random() * pace for _ in range(chance.choice([0, 1, 3, 12]))),
        end=end,
        code=chance.choice([0, 0, 0, 1, 137]),
        obeys=chance.random() < 0.8,
        side_car=chance.random() < 0.15,
    )


def _incidents(chance: random.Random, kind: int) -> Iterator[Incident]:
    """Peaceful ones alone in half of the stories: there the end of every operation is known beforehand."""
    kinds = PEACEFUL if kind < 6 else (*PEACEFUL, *sorted(HOSTILE))
    for _ in range(chance.choice([0, 1, 2, 4, 8, 14])):
        at, much = chance.uniform(0, TROUBLE), chance.random()
        yield Incident(at=at, what=chance.choice(kinds), which=chance.randrange(8), much=much)


def _provoking(labels: set[str]) -> Iterator[Incident]:
    """What makes a process come to a point that few come to."""
    for at in range(2, 40, 4):
        if labels & {"get Operation", "get Pod"}:
            yield Incident(at=at, what="storm", much=0.6)
        if "exec" in labels:
            yield Incident(at=at, what="logs", which=at)
            yield Incident(at=at + 2, what="rotate", which=at)
            yield Incident(at=at + 2.5, what="mend")


def _deaths(chance: random.Random, number: int) -> Iterator[tuple[int, list[Death]]]:
    """Every point before and after, one story after the other; some of those that take over die as well."""
    point = number // 10 * 4 + number % 10 - 1
    label, after = LABELS[point // 2 % len(LABELS)], bool(point % 2)
    if label == "history":
        # Somebody has to die between a claim and its pod, so that the next one wonders.
        yield 0, [Death(label="create Pod", nth=1, after=False)]
        yield 1, [Death(label=label, nth=1, after=after)]
        return
    yield 0, [Death(label=label, nth=chance.choice([1, 1, 2, 3]), after=after)]
    for process in (1, 2):
        if chance.random() < 0.3:
            yield process, [Death(label=chance.choice(LABELS), nth=chance.choice([1, 2]), after=chance.random() < 0.5)]
