"""The ground of the integration layer: a real API server and a real Git server as local processes."""

from __future__ import annotations

import datetime as dt
import os
import subprocess
from pathlib import Path

import pytest

from tests.cluster.bare import BareApiServer
from tests.cluster.errors import GroundError
from tests.cluster.gitserver import LocalGitServer

pytestmark = pytest.mark.integration


def test_the_api_server_is_the_pinned_version(bare: BareApiServer) -> None:
    assert '"gitVersion": "v1.35.4"' in bare.kubectl("get", "--raw", "/version")


def test_the_viewer_may_read_but_not_write_and_sees_no_secrets(bare: BareApiServer) -> None:
    assert "default" in bare.kubectl("get", "namespaces", user=bare.viewer)
    assert "cluster-admin" in bare.kubectl("get", "clusterroles", user=bare.viewer)

    with pytest.raises(GroundError, match='User "viewer" cannot create resource "configmaps"'):
        bare.kubectl("create", "configmap", "mine", user=bare.viewer)
    with pytest.raises(GroundError, match='User "viewer" cannot list resource "secrets"'):
        bare.kubectl("get", "secrets", user=bare.viewer)


def test_a_new_user_has_no_rights_at_all(bare: BareApiServer) -> None:
    nobody = bare.user("nobody-in-particular")
    with pytest.raises(GroundError, match='"nobody-in-particular" cannot list resource "pods"'):
        bare.kubectl("get", "pods", user=nobody)


def test_a_group_is_seen_by_the_api_server(bare: BareApiServer) -> None:
    said = bare.kubectl("auth", "whoami", user=bare.user("someone", groups=("team:red", "team:blue")))
    assert "team:blue" in said
    assert "team:red" in said


def test_requests_are_counted_by_user(bare: BareApiServer) -> None:
    counted = bare.user("counted", groups=("system:masters",))
    before = dt.datetime.now(dt.UTC)
    for _ in range(3):
        bare.kubectl("get", "--raw", "/api/v1/namespaces/default", user=counted)

    events = bare.audit(user="counted", since=before)
    assert [(event.verb, event.uri, event.code) for event in events] == [("get", "/api/v1/namespaces/default", 200)] * 3
    assert {event.resource for event in events} == {"namespaces"}
    assert len({event.audit_id for event in events}) == 3
    assert all(event.user_agent.startswith("kubectl/v1.35.4") for event in events)


def test_a_watch_counts_once_though_it_is_logged_twice(bare: BareApiServer) -> None:
    watcher = bare.user("watcher", groups=("system:masters",))
    bare.kubectl("get", "--raw", "/api/v1/namespaces?watch=true&timeoutSeconds=1", user=watcher)
    assert [event.verb for event in bare.audit(user="watcher")] == ["watch"]


def test_audit_leaves_out_what_came_before(bare: BareApiServer) -> None:
    user = bare.user("early", groups=("system:masters",))
    bare.kubectl("get", "--raw", "/version", user=user)
    assert bare.audit(user="early")
    assert bare.audit(user="early", since=dt.datetime.now(dt.UTC) + dt.timedelta(seconds=1)) == []


def test_the_api_server_goes_and_comes_back_with_its_data(tmp_path: Path) -> None:
    with BareApiServer(tmp_path) as server:
        server.kubectl("create", "namespace", "kept")
        server.stop()
        with pytest.raises(GroundError, match="refused"):
            server.kubectl("get", "namespaces")
        server.start()
        assert "kept" in server.kubectl("get", "namespaces")


def test_controllers_run_when_asked_for(tmp_path: Path) -> None:
    with BareApiServer(tmp_path, controllers=("namespace-controller",)) as server:
        server.kubectl("create", "namespace", "passing")
        server.kubectl("delete", "namespace", "passing", "--timeout=30s")
        assert "passing" not in server.kubectl("get", "namespaces")


class Clone:
    """A clone in a directory of its own, made by the git command as a person would."""

    def __init__(self, directory: Path, ca_file: Path | None) -> None:
        self.directory = directory
        self.env = {
            **os.environ,
            "GIT_TERMINAL_PROMPT": "0",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_AUTHOR_NAME": "a",
            "GIT_AUTHOR_EMAIL": "a@example.org",
            "GIT_COMMITTER_NAME": "a",
            "GIT_COMMITTER_EMAIL": "a@example.org",
        }
        if ca_file is not None:
            self.env["GIT_SSL_CAINFO"] = str(ca_file)

    def git(self, *arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["git", *arguments], cwd=self.directory, env=self.env, capture_output=True, text=True, check=False
        )


def _with(url: str, password: str) -> str:
    return url.replace("https://", f"https://anyone:{password}@")


def test_git_pushes_and_clones_over_https(git_server: LocalGitServer, tmp_path: Path) -> None:
    git_server.create_repo("pushed")
    url = _with(git_server.url("pushed"), git_server.token)
    here = Clone(tmp_path, git_server.ca_file)
    assert here.git("clone", url, "first").returncode == 0
    first = Clone(tmp_path / "first", git_server.ca_file)
    # More than http.postBuffer (1 MiB), so that git sends the pack in chunks.
    content = os.urandom(3 << 20)
    (first.directory / "file").write_bytes(content)
    first.git("add", ".")
    first.git("commit", "-qm", "one")
    pushed = first.git("push", "origin", "HEAD:main")
    assert pushed.returncode == 0, pushed.stderr

    assert here.git("clone", url, "second").returncode == 0
    assert (tmp_path / "second" / "file").read_bytes() == content


def test_git_refuses_a_wrong_token(git_server: LocalGitServer, tmp_path: Path) -> None:
    git_server.create_repo("closed")
    clone = Clone(tmp_path, git_server.ca_file)
    refused = clone.git("ls-remote", _with(git_server.url("closed"), "wrong"))
    assert refused.returncode == 128
    assert "Authentication failed" in refused.stderr
    assert clone.git("ls-remote", git_server.url("closed")).returncode == 128


def test_git_takes_a_bearer_token(git_server: LocalGitServer, tmp_path: Path) -> None:
    git_server.create_repo("bearer")
    clone = Clone(tmp_path, git_server.ca_file)
    header = f"http.extraHeader=Authorization: Bearer {git_server.token}"
    assert clone.git("-c", header, "ls-remote", git_server.url("bearer")).returncode == 0


def test_git_is_refused_by_a_client_without_the_authority(git_server: LocalGitServer, tmp_path: Path) -> None:
    git_server.create_repo("unknown")
    refused = Clone(tmp_path, None).git("ls-remote", _with(git_server.url("unknown"), git_server.token))
    assert refused.returncode == 128
    assert "certificate" in refused.stderr


def test_git_goes_and_comes_back_at_the_same_url(tmp_path: Path) -> None:
    with LocalGitServer(tmp_path / "git") as server:
        server.create_repo("kept")
        url = _with(server.url("kept"), server.token)
        clone = Clone(tmp_path, server.ca_file)
        server.stop()
        assert "connect" in clone.git("ls-remote", url).stderr
        server.start()
        assert clone.git("ls-remote", url).returncode == 0
