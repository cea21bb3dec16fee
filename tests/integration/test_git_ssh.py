"""The mirror against a real sshd: strict host keys, keys in memory, and what a person is told."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.git import credentials, exchange, library, site
from gitops.git.mirror import Mirror
from tests.cluster.sshserver import LocalSshServer, make_key
from tests.contract.hosting import Bare

pytestmark = pytest.mark.integration
MAIN = Reference(branch="main")
FILES = {"base/pool.yaml": b"a: 1\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalSshServer]:
    with LocalSshServer(tmp_path_factory.mktemp("ssh")) as running:
        running.authorize(make_key(running.home / "client"))
        yield running


class Place:
    """One repository behind the server, and mirrors of it."""

    def __init__(self, server: LocalSshServer, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.hosted = Bare(server.create_repo(directory.name), self.mirror())

    def mirror(
        self,
        *,
        known_hosts: str | None = None,
        key: str = "client",
        passphrase: str = "",
        url: str = "",
        limits: exchange.Limits | None = None,
    ) -> Mirror:
        login = credentials.from_secret(
            {
                "identity": (self.server.home / key).read_bytes(),
                "known_hosts": (self.server.known_hosts() if known_hosts is None else known_hosts).encode(),
                "password": passphrase.encode(),
            }
        )
        where = site.site(url or self.server.url(self.directory.name), credentials=login)
        return Mirror(self.directory / "mirrors", where, limits=limits)


@pytest.fixture
def place(server: LocalSshServer, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


async def _refusal(mirror: Mirror) -> errors.GitOpsError:
    with pytest.raises(errors.GitOpsError) as caught:
        await mirror.resolve(MAIN)
    return caught.value


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_any_type_of_host_key_that_is_pinned_is_asked_for(place: Place, kind: str) -> None:
    """Left alone, client and server agree on another type than the one known."""
    pushed = place.hosted.push(FILES)
    mirror = place.mirror(known_hosts=place.server.known_hosts(kind))
    assert await mirror.resolve(MAIN) == pushed
    await mirror.fetch(pushed)
    assert (await mirror.tree(pushed)).read("base/pool.yaml") == b"a: 1\n"


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_any_type_of_our_own_key_is_used(place: Place, kind: str) -> None:
    pushed = place.hosted.push(FILES)
    place.server.authorize(make_key(place.server.home / f"own_{kind}", kind=kind))
    assert await place.mirror(key=f"own_{kind}").resolve(MAIN) == pushed


async def test_an_unknown_host_is_refused_with_its_fingerprint(place: Place) -> None:
    place.hosted.push(FILES)
    other = "git.example.com " + place.server.host_key("ed25519")
    error = await _refusal(place.mirror(known_hosts=other))
    assert isinstance(error, errors.SourceDenied)
    assert error.message == f"the host key of 127.0.0.1:{place.server.port} is unknown"
    shown = [place.server.fingerprint(kind) for kind in place.server.host_keys]
    assert any(fingerprint in error.cause for fingerprint in shown)
    assert "cannot be skipped" in error.hint


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_a_changed_host_key_is_refused_with_the_fingerprint_seen(place: Place, kind: str, tmp_path: Path) -> None:
    place.hosted.push(FILES)
    public = make_key(tmp_path / "another", kind=kind)
    error = await _refusal(place.mirror(known_hosts=f"[127.0.0.1]:{place.server.port} {public}"))
    assert isinstance(error, errors.SourceDenied)
    assert error.message == f"the host key of 127.0.0.1:{place.server.port} is changed"
    assert place.server.fingerprint(kind) in error.cause


async def test_a_host_that_gave_up_the_pinned_type_of_key_is_refused_with_the_one_it_has(tmp_path: Path) -> None:
    """No common algorithm: the library would end the handshake before the key is seen."""
    home = tmp_path / "server"
    home.mkdir()
    with LocalSshServer(home, host_keys=("ed25519",)) as server:
        server.authorize(make_key(server.home / "client"))
        place = Place(server, tmp_path)
        place.hosted.push(FILES)
        public = make_key(tmp_path / "old", kind="rsa")
        error = await _refusal(place.mirror(known_hosts=f"[127.0.0.1]:{server.port} {public}"))
        assert isinstance(error, errors.SourceDenied)
        assert server.fingerprint("ed25519") in error.cause


async def test_a_revoked_host_key_is_refused(place: Place) -> None:
    lines = place.server.known_hosts("rsa")
    error = await _refusal(place.mirror(known_hosts=f"@revoked {lines}{lines}"))
    assert isinstance(error, errors.SourceDenied)
    assert "is revoked" in error.message


async def test_a_host_is_known_again_as_soon_as_its_line_is_mended(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    assert isinstance(await _refusal(place.mirror(known_hosts="elsewhere ssh-rsa AAAA")), errors.SourceDenied)
    assert await place.mirror(known_hosts=place.server.known_hosts("rsa")).resolve(MAIN) == pushed


async def test_what_this_machine_knows_of_hosts_does_not_count(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    home = tmp_path / "home"
    (home / ".ssh").mkdir(parents=True)
    (home / ".ssh" / "known_hosts").write_text(place.server.known_hosts())
    monkeypatch.setenv("HOME", str(home))
    assert isinstance(await _refusal(place.mirror(known_hosts="elsewhere ssh-rsa AAAA")), errors.SourceDenied)


async def test_a_key_that_is_not_let_in_is_named_by_its_fingerprint_and_never_shown(place: Place) -> None:
    place.hosted.push(FILES)
    make_key(place.server.home / "stranger")
    error = await _refusal(place.mirror(key="stranger"))
    assert isinstance(error, errors.SourceDenied)
    assert error.message.startswith(f"127.0.0.1:{place.server.port} refuses the key SHA256:")
    said = f"{error!r} {error} {error.cause} {error.hint} {error.__cause__!r} {error.__context__!r}"
    private = (place.server.home / "stranger").read_text().splitlines()
    assert not any(line in said for line in private[1:-1])


async def test_a_key_with_a_passphrase(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    place.server.authorize(make_key(place.server.home / "locked", passphrase="open-sesame"))
    assert await place.mirror(key="locked", passphrase="open-sesame").resolve(MAIN) == pushed
    error = await _refusal(place.mirror(key="locked", passphrase="wrong-passphrase"))
    assert isinstance(error, errors.ConfigError)
    assert "passphrase" in error.hint
    assert "wrong-passphrase" not in f"{error!r} {error} {error.hint} {error.__cause__!r}"


async def test_a_repository_that_is_not_there(place: Place) -> None:
    error = await _refusal(place.mirror(url=place.server.url("nowhere")))
    assert isinstance(error, errors.RevisionNotFound)
    assert "no repository at" in error.message


async def test_a_force_push_and_a_server_that_goes_away(place: Place) -> None:
    first = place.hosted.push(FILES)
    mirror = place.mirror()
    await mirror.fetch(first)
    second = place.hosted.push({"rewritten": b""}, force=True)
    assert await mirror.resolve(MAIN) == second
    await mirror.fetch(second)
    assert (await mirror.tree(first)).names("") == ("base",)
    place.server.stop()
    try:
        error = await _refusal(mirror)
        assert isinstance(error, errors.SourceUnavailable)
        assert "Connection refused" in error.cause
    finally:
        place.server.start()
    assert await mirror.resolve(MAIN) == second


async def test_more_than_a_megabyte_arrives_whole(place: Place) -> None:
    noise = os.urandom(3_000_000)
    pushed = place.hosted.push({"noise": noise})
    mirror = place.mirror()
    await mirror.fetch(pushed)
    assert (await mirror.tree(pushed)).read("noise") == noise


async def test_a_fetch_in_a_process_of_its_own_leaves_nothing_on_disk(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = place.hosted.push(FILES)
    (tmp_path / "scratch").mkdir()
    monkeypatch.setenv("TMPDIR", str(tmp_path / "scratch"))
    mirror = place.mirror(limits=exchange.Limits(memory=256 << 20))
    await mirror.fetch(pushed)
    assert (await mirror.tree(pushed)).names("") == ("base",)
    assert list((tmp_path / "scratch").iterdir()) == []


async def test_a_silent_server_is_given_up(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pygit2.settings, "server_timeout", 700)
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            url = f"ssh://git@127.0.0.1:{silent.getsockname()[1]}/x.git"
            began = time.monotonic()
            error = await asyncio.wait_for(_refusal(place.mirror(url=url)), 20)
            assert isinstance(error, errors.SourceUnavailable)
            assert time.monotonic() - began < 5
    finally:
        library.prepare()
