"""What can go wrong with a source as a person sees it: the GitSync's conditions, and that nothing was written.

A turn of the reconciler with the real mirror and real Git servers; the cluster is the one in memory.
"""

from __future__ import annotations

import base64
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import pytest

from gitops import api, errors
from gitops.git.exchange import Limits
from gitops.reconcile import turn
from gitops.report.redact import Redactor
from gitops.source import Revision
from gitops.sync import status
from gitops_cli import _sources
from tests.cluster import between
from tests.cluster.gitserver import LocalGitServer
from tests.cluster.sshserver import LocalSshServer, make_key
from tests.contract.hosting import Bare, git
from tests.integration.signing import Signing
from tests.unit.reconcile.turns import Dev, render
from tests.unit.sync.passes import HOME, config_map

pytestmark = pytest.mark.integration


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitServer]:
    with LocalGitServer(tmp_path_factory.mktemp("git")) as running:
        yield running


@pytest.fixture(scope="module")
def ssh(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshServer]:
    with LocalSshServer(tmp_path_factory.mktemp("ssh"), host_keys=("ed25519",)) as running:
        running.authorize(make_key(running.home / "client"))
        yield running


class Followed(Dev):
    """The GitSync `dev`, its Secrets and ConfigMaps; `turn` does one turn and writes the status."""

    def place(self, directory: Path, **limits: int) -> None:
        self.redactor = Redactor()
        self.mirrors = _sources.guarded(directory / "mirrors", self.redactor, files=False)
        if limits:
            self.mirrors = replace(self.mirrors, limits=Limits(**limits))

    def secret(self, name: str, **data: str | bytes) -> None:
        coded = {
            key: base64.b64encode(value.encode() if isinstance(value, str) else value).decode()
            for key, value in data.items()
        }
        self._put("Secret", name, coded)

    def config(self, name: str, **data: str) -> None:
        self._put("ConfigMap", name, data)

    def _put(self, kind: str, name: str, data: Mapping[str, str]) -> None:
        resource = self.objects.server.kind("v1", kind)
        made = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name, "namespace": HOME}, "data": dict(data)}
        known = self.objects.server.get(resource, HOME, name)
        if known is None:
            self.objects.server.create(resource, made, manager="kubectl")
        else:
            self.objects.server.replace(resource, {**known, "data": dict(data)}, manager="kubectl")

    async def turn(self) -> tuple[str, str]:
        """The Ready condition's status and reason."""
        sync = msgspec.convert(self.manifest, api.GitSync)
        try:
            async with _sources.repository(self.objects, sync, self.mirrors) as repository:
                opened = turn.Turn(sync=sync, repository=repository, render=render, means=self.means)
                verdict = await turn.run(opened)
        except errors.GitOpsError as error:
            verdict = status.failed(error)
        judged = msgspec.convert(self.manifest, api.GitSync)
        await status.write(self.objects, judged, status.after(judged, verdict, now=self.clock.now()))
        return self.ready

    @property
    def message(self) -> str:
        return str(self.condition("Ready")["message"])

    @property
    def stalled(self) -> bool:
        return bool(self.condition("Stalled"))


def files(value: str, **more: bytes) -> dict[str, bytes]:
    return {"objects.json": json.dumps([config_map("a", {"a": value})]).encode(), **more}


class Https:
    """A repository behind https, followed with a token."""

    def __init__(self, server: LocalGitServer, directory: Path, **limits: int) -> None:
        self.server = server
        self.dev = Followed()
        self.dev.place(directory, **limits)
        self.path = server.create_repo(directory.name)
        self.bare = Bare(self.path, None)  # type: ignore[arg-type]  # only its pushing side is used
        self.dev.secret("git", token=server.token)
        self.dev.config("ca", **{"ca.crt": server.ca_file.read_text()})
        self.source: dict[str, Any] = {
            "url": server.url(directory.name),
            "credentials": {"name": "git"},
            "ca": {"name": "ca", "key": "ca.crt"},
        }


@pytest.fixture
def https(server: LocalGitServer, tmp_path: Path) -> Https:
    made = Https(server, tmp_path)
    made.bare.push(files("1"))
    made.dev.create(source=made.source)
    return made


def _said(dev: Followed) -> str:
    return json.dumps(dev.manifest)


async def test_a_good_source_is_applied(https: Https) -> None:
    assert await https.dev.turn() == ("True", "Applied")
    assert https.dev.data("a") == {"a": "1"}


async def test_a_token_that_expires_and_is_replaced(https: Https) -> None:
    dev = https.dev
    await dev.turn()
    dev.secret("git", token="expired-token-do-not-show")
    https.bare.push(files("2"))
    assert await dev.turn() == ("False", "SourceDenied")
    assert dev.stalled
    assert "is the token expired" in dev.message
    assert "expired-token-do-not-show" not in _said(dev)
    assert dev.data("a") == {"a": "1"}
    dev.secret("git", token=https.server.token)
    assert await dev.turn() == ("True", "Applied")
    assert dev.data("a") == {"a": "2"}
    assert not dev.stalled


async def test_a_server_that_is_down_and_comes_back(https: Https) -> None:
    dev = https.dev
    await dev.turn()
    https.server.stop()
    try:
        assert await dev.turn() == ("False", "SourceUnavailable")
        assert not dev.stalled
    finally:
        https.server.start()
    assert await dev.turn() == ("True", "Applied")


async def test_a_deleted_branch(https: Https) -> None:
    await https.dev.turn()
    https.bare.push(files("1"), branch="mian")
    https.bare.delete("main")
    assert await https.dev.turn() == ("False", "RevisionNotFound")
    assert "did you mean 'mian'?" in https.dev.message
    assert https.dev.data("a") == {"a": "1"}


async def test_a_force_push_is_applied_and_what_was_applied_stays_readable(https: Https) -> None:
    dev = https.dev
    await dev.turn()
    first = dev.status["lastAppliedRevision"]
    https.bare.push(files("other"), force=True)
    dev.change(suspend=False, mode="report")
    assert await dev.turn() == ("False", "Pending")
    assert dev.status["lastAppliedRevision"] == first
    dev.change(mode="apply")
    assert await dev.turn() == ("True", "Applied")
    assert dev.data("a") == {"a": "other"}


async def test_a_pack_that_breaks_off(https: Https) -> None:
    dev = https.dev
    with between.line_to(https.server.port) as (port, line):
        url = https.source["url"].replace(str(https.server.port), str(port))
        dev.change(source={**https.source, "url": url})
        await dev.turn()
        https.bare.push(files("2", noise=os.urandom(3_000_000)))
        line.limit = 1_000_000
        assert await dev.turn() == ("False", "SourceUnavailable")
        assert not dev.stalled
        assert dev.data("a") == {"a": "1"}
        line.limit = None
        assert await dev.turn() == ("True", "Applied")
        assert dev.data("a") == {"a": "2"}


async def test_a_repository_beyond_the_limit(server: LocalGitServer, tmp_path: Path) -> None:
    made = Https(server, tmp_path, bytes=100_000)
    made.bare.push(files("1", noise=os.urandom(300_000)))
    made.dev.create(source=made.source)
    assert await made.dev.turn() == ("False", "SourceFailed")
    assert made.dev.stalled
    assert "is too large" in made.dev.message
    assert made.dev.data("a") is None


async def test_a_small_pack_that_unfolds_to_more_than_the_memory_allowed(
    server: LocalGitServer, tmp_path: Path
) -> None:
    """Two almost equal files of zeros: a megabyte on the wire, hundreds in memory."""
    made = Https(server, tmp_path, memory=128 << 20)
    git("config", "core.bigFileThreshold", "4g", cwd=made.path)
    for content in (b"\0" * 200_000_000, b"\0" * 200_000_000 + b"x"):
        made.bare.push({**files("1"), "zeros": content})
    git("gc", "--quiet", "--aggressive", cwd=made.path)
    made.dev.create(source=made.source)
    assert await made.dev.turn() == ("False", "SourceFailed")
    assert "takes more memory than is allowed" in made.dev.message
    assert made.dev.stalled


async def test_a_missing_or_useless_secret(https: Https) -> None:
    dev = https.dev
    dev.change(source={**https.source, "credentials": {"name": "nowhere"}})
    assert await dev.turn() == ("False", "ConfigInvalid")
    assert f"Secret {HOME}/nowhere does not exist" in dev.message
    dev.secret("nowhere", wrong="secret-value-do-not-show")
    await dev.turn()
    assert "its keys: wrong" in dev.message
    assert "secret-value-do-not-show" not in _said(dev)


async def test_a_proxy_by_reference(https: Https) -> None:
    dev = https.dev
    with between.proxy(user="ada", password="proxy-password-do-not-show") as seen:
        address = f"http://127.0.0.1:{seen.port}"
        dev.secret("proxy", address=address, username="ada", password="proxy-password-do-not-show")
        dev.change(source={**https.source, "proxy": {"name": "proxy"}})
        assert await dev.turn() == ("True", "Applied")
        assert seen.let_through
        dev.secret("proxy", address=address, username="ada", password="wrong-password-do-not-show")
        assert await dev.turn() == ("False", "SourceDenied")
        assert "the proxy" in dev.message
    assert await dev.turn() == ("False", "SourceUnavailable")
    assert "do-not-show" not in _said(dev)
    for secret in ("proxy-password-do-not-show", https.server.token):
        assert dev.redactor.clean(f"said: {secret}") == "said: ***"


async def test_ssh_and_a_host_key_that_changed(ssh: LocalSshServer, tmp_path: Path) -> None:
    dev = Followed()
    dev.place(tmp_path)
    Bare(ssh.create_repo(tmp_path.name), None).push(files("1"))  # type: ignore[arg-type]
    identity = (ssh.home / "client").read_text()
    dev.secret("key", identity=identity, known_hosts=ssh.known_hosts())
    dev.create(source={"url": ssh.url(tmp_path.name), "credentials": {"name": "key"}})
    assert await dev.turn() == ("True", "Applied")
    dev.secret("key", identity=identity, known_hosts=f"[127.0.0.1]:{ssh.port} {make_key(tmp_path / 'other')}")
    assert await dev.turn() == ("False", "SourceDenied")
    assert ssh.fingerprint("ed25519") in dev.message
    assert "is changed" in dev.message
    assert identity.splitlines()[1] not in _said(dev)


async def test_file_is_refused_by_the_program_and_read_if_it_is_allowed(tmp_path: Path) -> None:
    place = Signing(tmp_path)
    place.bare.push(files("1"))
    dev = Followed()
    dev.place(tmp_path)
    dev.create(source={"url": f"file://{place.path}"})
    assert await dev.turn() == ("False", "ConfigInvalid")
    assert "the disk of the program's own pod" in dev.message
    assert "--allow-file-sources" in dev.message
    assert not (tmp_path / "mirrors").exists()
    dev.mirrors = replace(dev.mirrors, files=True)
    assert await dev.turn() == ("True", "Applied")


async def test_only_signed_commits_are_applied(tmp_path: Path) -> None:
    place = Signing(tmp_path)
    public, stranger = make_key(tmp_path / "ada"), make_key(tmp_path / "eve")
    dev = Followed()
    dev.place(tmp_path)
    dev.mirrors = replace(dev.mirrors, files=True)
    dev.config("keys", ada=f"ada@example.com {public}")
    place.commit(files("1"), key=tmp_path / "ada")
    source = {"url": f"file://{place.path}", "verify": {"configMap": {"name": "keys"}}}
    dev.create(source=source)
    assert await dev.turn() == ("True", "Applied")

    place.bare.push(files("unsigned"))
    assert await dev.turn() == ("False", "SignatureInvalid")
    assert "is not signed" in dev.message
    assert dev.stalled
    place.commit(files("strange"), key=tmp_path / "eve")
    assert await dev.turn() == ("False", "SignatureInvalid")
    assert "ssh-ed25519 SHA256:" in dev.message
    assert dev.data("a") == {"a": "1"}

    dev.config("keys", ada=f"ada@example.com {public}", eve=stranger)
    assert await dev.turn() == ("True", "Applied")
    assert dev.data("a") == {"a": "strange"}
    # A key that is taken away takes what it signed with it, though it is applied: it is not rendered again.
    dev.config("keys", ada=f"ada@example.com {public}")
    assert await dev.turn() == ("False", "SignatureInvalid")


async def test_the_newest_signed_tag_of_a_range_is_followed(tmp_path: Path) -> None:
    place = Signing(tmp_path)
    dev = Followed()
    dev.place(tmp_path)
    dev.mirrors = replace(dev.mirrors, files=True)
    dev.secret("keys", ada=make_key(tmp_path / "ada"))
    place.tag("v1.0.0", place.bare.push(files("1")), key=tmp_path / "ada")
    verify = {"mode": "tag", "secret": {"name": "keys"}}
    dev.create(source={"url": f"file://{place.path}", "ref": {"semver": "^1"}, "verify": verify})
    assert await dev.turn() == ("True", "Applied")
    place.tag("v1.1.0", place.bare.push(files("2")), key=tmp_path / "ada")
    assert await dev.turn() == ("True", "Applied")
    assert dev.data("a") == {"a": "2"}
    assert dev.status["lastAppliedRevision"].startswith("v1.1.0@sha1:")
    place.bare.tag("v1.2.0", place.bare.push(files("3")))
    assert await dev.turn() == ("False", "SignatureInvalid")
    assert "tag v1.2.0 is not signed" in dev.message
    assert dev.data("a") == {"a": "2"}


async def test_a_key_that_cannot_be_read(https: Https) -> None:
    https.dev.config("keys", ada="ssh-ed25519 broken")
    https.dev.change(source={**https.source, "verify": {"configMap": {"name": "keys"}}})
    assert await https.dev.turn() == ("False", "ConfigInvalid")
    assert "ConfigMap keys, ada, line 1" in https.dev.message
    assert _applied(https.dev) is None


def _applied(dev: Followed) -> Revision | None:
    text = dev.status.get("lastAppliedRevision", "")
    return Revision.parse(text) if text else None
