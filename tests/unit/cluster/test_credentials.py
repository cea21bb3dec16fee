"""Exec plugins run as real programs; the `kubernetes` package is loaded only for them."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from gitops.cluster import config, credentials
from gitops.cluster.settings import Certificate, Plugin
from gitops.errors import ClusterDenied


def plugin(folder: Path, status: dict[str, Any] | None, **fields: Any) -> Plugin:
    """A program that answers with this status and counts its runs."""
    answer = {"apiVersion": "client.authentication.k8s.io/v1", "kind": "ExecCredential", "status": status}
    program = folder / "login"
    body = f"echo '{json.dumps(answer)}'" if status is not None else "echo 'please log in' >&2; exit 3"
    program.write_text(f"#!/bin/sh\necho run >> {folder}/runs\n{body}\n")
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    run = {"apiVersion": "client.authentication.k8s.io/v1", "command": str(program), **fields}
    return Plugin(
        {
            "clusters": [{"name": "it", "cluster": {"server": "https://x"}}],
            "users": [{"name": "me", "user": {"exec": run}}],
        }
    )


def runs(folder: Path) -> int:
    return len((folder / "runs").read_text().splitlines())


def ignore(_: Certificate) -> None:
    """Take no certificate."""


async def test_a_token_is_asked_for_once(tmp_path: Path) -> None:
    made = credentials.of(plugin(tmp_path, {"token": "abc"}), ignore)
    assert [await made.header() for _ in range(3)] == ["Bearer abc"] * 3
    assert runs(tmp_path) == 1
    assert await made.refresh()
    assert runs(tmp_path) == 2


async def test_a_token_about_to_expire_is_asked_for_again(tmp_path: Path) -> None:
    ends = (datetime.now(UTC) + timedelta(seconds=5)).strftime("%Y-%m-%dT%H:%M:%SZ")
    made = credentials.of(plugin(tmp_path, {"token": "abc", "expirationTimestamp": ends}), ignore)
    await made.header()
    await made.header()
    assert runs(tmp_path) == 2


async def test_a_certificate_is_handed_on(tmp_path: Path) -> None:
    taken: list[Certificate] = []
    status = {"clientCertificateData": "CERT", "clientKeyData": "KEY"}
    made = credentials.of(plugin(tmp_path, status), taken.append)
    assert await made.header() == ""
    assert taken == [Certificate(certificate=b"CERT", key=b"KEY")]


async def test_a_plugin_that_fails_is_named_with_its_own_words(tmp_path: Path) -> None:
    made = credentials.of(plugin(tmp_path, None, installHint="see the wiki"), ignore)
    with pytest.raises(ClusterDenied, match=r"login' failed: .*please log in") as caught:
        await made.header()
    assert caught.value.hint == "see the wiki"


async def test_a_plugin_that_is_not_there(tmp_path: Path) -> None:
    made = credentials.of(plugin(tmp_path, {}, command="no-such-login"), ignore)
    with pytest.raises(ClusterDenied, match="'no-such-login' failed"):
        await made.header()


async def test_a_plugin_that_gives_nothing(tmp_path: Path) -> None:
    made = credentials.of(plugin(tmp_path, {}), ignore)
    with pytest.raises(ClusterDenied, match="neither token nor certificate"):
        await made.header()


def test_a_plain_kubeconfig_loads_no_kubernetes_package(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(
        "current-context: a\n"
        "contexts: [{name: a, context: {cluster: a, user: a}}]\n"
        "clusters: [{name: a, cluster: {server: 'https://x'}}]\n"
        "users: [{name: a, user: {token: t}}]\n"
    )
    assert config.load(kubeconfig=str(path), environ={}).server == "https://x"
    program = (
        "import sys, gitops.cluster as c\n"
        f"c.load(kubeconfig={str(path)!r})\n"
        "assert not [m for m in sys.modules if m.split('.')[0] in {'kubernetes', 'pydantic', 'requests', 'pygit2'}]\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)
