"""A mutex on real nodes: who shares runs together, who does not runs alone."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from tests.cluster.cluster import Cluster
from tests.e2e.workplace import Workplace

pytestmark = pytest.mark.e2e

POOLS: dict[str, dict[str, Any]] = {
    "linux": {"image": "busybox:1", "maxOperations": 6, "imagePullPolicy": "IfNotPresent"},
}


@pytest.fixture(scope="module")
def place(cluster: Cluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workplace]:
    made = Workplace(cluster=cluster, folder=tmp_path_factory.mktemp("worker"), pools=POOLS)
    made.install()
    made.start()
    yield made
    made.remove()


def span(status: dict[str, Any]) -> tuple[dt.datetime, dt.datetime]:
    return dt.datetime.fromisoformat(status["startedAt"]), dt.datetime.fromisoformat(status["finishedAt"])


def test_exclusive_operations_do_not_overlap_and_shared_ones_do(place: Workplace) -> None:
    alone = [place.submit("sleep 3", mutex={"name": "database"}) for _ in range(2)]
    together = [place.submit("sleep 6", mutex={"name": "reports", "mode": "shared"}) for _ in range(2)]

    first, second = sorted(span(place.until(name)) for name in alone)
    one, other = sorted(span(place.until(name)) for name in together)

    assert second[0] >= first[1]
    assert other[0] < one[1]
