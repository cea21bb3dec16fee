"""A directory rendered by a second process: the same objects, places and mistakes; and no harm if it dies."""

from __future__ import annotations

import errno
import multiprocessing
import os
import signal
import threading
from pathlib import Path

import pytest

from gitops import errors
from gitops.git import checkout
from gitops.ref import ResourceRef
from gitops.sync.desired import Places
from gitops_cli import _beside, _render

APP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata:\n  k: v\n"
REF = ResourceRef(group="", kind="ConfigMap", namespace="", name="x-a")


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(threading, "active_count", lambda: 1)  # those of other tests
    monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0, 1})
    monkeypatch.setenv("GITOPS_CACHE", str(tmp_path / "cache"))
    where = tmp_path / "config"
    where.mkdir()
    (where / "kustomization.yaml").write_text("namePrefix: x-\nresources: [app.yaml]\n")
    (where / "app.yaml").write_text(APP)
    return where


def test_it_renders_and_finds_what_this_process_would(folder: Path) -> None:
    opened = checkout.open_path(str(folder), describe=False)
    places = Places(opened.tree, opened.path)
    with _beside.rendering(str(folder)) as beside:
        assert beside is not None
        assert beside.rendering() == _render.decoded(_render.encoded(opened.tree, opened.path))
        assert beside.place(REF, "/data/k") == places(REF, "/data/k")
        assert str(beside.place(REF, "/data/k")) == "app.yaml:5:6"
        assert beside.place(REF, "/metadata/name") == places(REF, "/metadata/name")
        assert beside.place(ResourceRef(group="", kind="Secret", namespace="", name="a"), "") is None


def test_a_mistake_is_raised_with_its_place(folder: Path) -> None:
    (folder / "app.yaml").write_text("kind: ConfigMap\nmetadata: {name: a}\n  k: v\n")
    with _beside.rendering(str(folder)) as beside:
        assert beside is not None
        with pytest.raises(errors.ConfigError) as caught:
            beside.rendering()
    assert caught.value.location is not None
    assert caught.value.location.file == "app.yaml"


def test_several_mistakes_stay_several(folder: Path) -> None:
    (folder / "kustomization.yaml").write_text("resources: 7\nnamePrefix: []\n")
    with _beside.rendering(str(folder)) as beside:
        assert beside is not None
        with pytest.raises(errors.SeveralErrors) as caught:
            beside.rendering()
    assert len(caught.value.errors) == 2


def test_one_that_dies_has_no_answer(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def die(*_: object) -> bytes:
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError

    monkeypatch.setattr(_render, "encoded", die)
    with _beside.rendering(str(folder)) as beside:
        assert beside is not None
        assert beside.rendering() is None
        assert beside.place(REF, "/data/k") is None


def test_a_fault_in_it_is_left_to_this_process(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def fail(*_: object) -> bytes:
        raise ZeroDivisionError

    monkeypatch.setattr(_render, "encoded", fail)
    with _beside.rendering(str(folder)) as beside:
        assert beside is not None
        assert beside.rendering() is None
    assert capfd.readouterr() == ("", "")


def test_it_is_gone_afterwards(folder: Path) -> None:
    with _beside.rendering(str(folder)) as beside:
        assert beside is not None
        assert len(multiprocessing.active_children()) == 1
    assert not multiprocessing.active_children()


def refuse() -> int:
    raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")


@pytest.mark.parametrize("why", ["threads", "one processor", "no directory", "no argument", "no process"])
def test_nobody_is_asked(folder: Path, monkeypatch: pytest.MonkeyPatch, why: str) -> None:
    if why == "threads":
        monkeypatch.setattr(threading, "active_count", lambda: 2)
    if why == "one processor":
        monkeypatch.setattr(os, "sched_getaffinity", lambda _pid: {0})
    if why == "no process":
        monkeypatch.setattr(os, "fork", refuse)
    argument = {"no directory": f"{folder}/absent", "no argument": ""}.get(why, str(folder))
    with _beside.rendering(argument) as beside:
        assert beside is None
