"""What one operation's task is told, in whatever order it is told."""

from __future__ import annotations

from typing import Any

from gitops import api
from gitops.api.workerpool import WorkerPool, WorkerPoolSpec
from gitops.objects import Manifest
from gitops.worker.live import Live


def attempt() -> Live:
    pool = WorkerPool(metadata=api.Metadata(name="linux"), spec=WorkerPoolSpec(image="i"))
    return Live(("uid", 1), operation=None, pool=pool)


def pod(version: str, uid: str = "a", **status: Any) -> Manifest:
    return {"metadata": {"uid": uid, "resourceVersion": version}, "status": status}


def test_the_answer_to_a_create_that_comes_after_the_watch_takes_nothing_back() -> None:
    live = attempt()
    live.see_pod(pod("101", phase="Pending"), gone=False)
    live.changed.clear()
    live.see_pod(pod("99"), gone=False)
    assert live.pod == pod("101", phase="Pending")
    live.see_pod(pod("1000", phase="Running"), gone=False)
    assert live.pod == pod("1000", phase="Running")


def test_that_it_is_gone_counts_with_any_state() -> None:
    live = attempt()
    live.see_pod(pod("101", phase="Pending"), gone=False)
    live.see_pod(pod("99"), gone=True)
    assert live.gone
    assert live.pod == pod("101", phase="Pending")


def test_another_pod_of_the_name_is_not_the_one_that_was_started() -> None:
    live = attempt()
    live.see_pod(pod("101"), gone=False)
    live.see_pod(pod("102", uid="b"), gone=True)
    assert not live.gone
    assert live.pod == pod("101")
