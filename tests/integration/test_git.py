"""The mirror against a real Git server over https: what a person is told, what is kept, what is never said."""

from __future__ import annotations

import asyncio
import base64
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pygit2
import pytest

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.git import exchange, isolated, library, site, store
from gitops.git.mirror import Mirror
from gitops.source import Revision
from tests.cluster.gitserver import LocalGitServer
from tests.contract.hosting import Bare, git

pytestmark = pytest.mark.integration
MAIN = Reference(branch="main")
FILES = {"base/pool.yaml": b"a: 1\n"}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitServer]:
    with LocalGitServer(tmp_path_factory.mktemp("git")) as running:
        yield running


class Place:
    """One repository on the server, and mirrors of it."""

    def __init__(self, server: LocalGitServer, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.name = directory.name
        path = server.create_repo(self.name)
        self.hosted = Bare(path, self.mirror())

    def where(self, *, token: str = "", ca: str | None = None) -> site.Site:
        return site.site(
            self.server.url(self.name),
            credentials=site.Credentials(password=token or self.server.token),
            ca=self.server.ca_file.read_text() if ca is None else ca,
        )

    def mirror(self, *, token: str = "", ca: str | None = None, limits: exchange.Limits | None = None) -> Mirror:
        return Mirror(self.directory / "mirrors", self.where(token=token, ca=ca), limits=limits)


@pytest.fixture
def place(server: LocalGitServer, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


async def _refusal(mirror: Mirror) -> errors.GitOpsError:
    with pytest.raises(errors.GitOpsError) as caught:
        await mirror.resolve(MAIN)
    return caught.value


async def test_a_wrong_token_is_refused_by_host_and_never_repeated(place: Place) -> None:
    place.hosted.push(FILES)
    token = "wrong-token-do-not-show"
    error = await _refusal(place.mirror(token=token))
    assert isinstance(error, errors.SourceDenied)
    assert error.exit_code == 4
    assert error.message == f"127.0.0.1:{place.server.port} refuses the credentials of 'git'"
    assert "expired" in error.hint
    said = f"{error!r} {error} {error.cause} {error.hint} {error.__cause__!r}"
    assert token not in said
    assert base64.b64encode(f"git:{token}".encode()).decode() not in said


async def test_missing_credentials_are_asked_for(place: Place) -> None:
    where = site.site(place.server.url(place.name), ca=place.server.ca_file.read_text())
    error = await _refusal(Mirror(place.directory / "mirrors", where))
    assert isinstance(error, errors.SourceDenied)
    assert "wants credentials" in error.message
    assert "spec.source.credentials" in error.hint


async def test_an_unknown_authority_is_refused_with_openssls_words(place: Place) -> None:
    place.hosted.push(FILES)
    error = await _refusal(place.mirror(ca=""))
    assert isinstance(error, errors.SourceDenied)
    assert error.message == f"the certificate of 127.0.0.1:{place.server.port} is not trusted"
    assert "issuer" in error.cause
    assert "cannot be skipped" in error.hint


async def test_an_authority_given_for_one_site_does_not_vouch_for_another(place: Place, tmp_path: Path) -> None:
    """libgit2 has one certificate store a process; the second trust must not inherit the first's."""
    place.hosted.push(FILES)
    other = tmp_path / "other"
    other.mkdir()
    with LocalGitServer(other) as second:
        both = [Place(place.server, tmp_path / "a"), Place(second, tmp_path / "b")]
        for each in both:
            pushed = each.hosted.push(FILES)
            assert await each.mirror().resolve(MAIN) == pushed
            await each.mirror().fetch(pushed)
            assert (await each.mirror().tree(pushed)).names("") == ("base",)
        swapped = both[0].mirror(ca=second.ca_file.read_text())
        assert isinstance(await _refusal(swapped), errors.SourceDenied)
        swapped = both[1].mirror(ca=place.server.ca_file.read_text())
        assert isinstance(await _refusal(swapped), errors.SourceDenied)


async def test_a_repository_that_is_not_there(place: Place) -> None:
    place.name = "nowhere"
    error = await _refusal(place.mirror())
    assert isinstance(error, errors.RevisionNotFound)
    assert error.message.startswith(f"no repository at {place.server.url('nowhere')}")


async def test_a_server_that_goes_away_and_comes_back(place: Place) -> None:
    first = place.hosted.push(FILES)
    mirror = place.mirror()
    await mirror.fetch(first)
    place.server.stop()
    try:
        error = await _refusal(mirror)
        assert isinstance(error, errors.SourceUnavailable)
        assert error.retry
        assert "Connection refused" in error.cause
        assert (await mirror.tree(first)).names("") == ("base",)
        await mirror.fetch(first)
    finally:
        place.server.start()
    second = place.hosted.push({"new": b""})
    assert await mirror.resolve(MAIN) == second


async def test_a_token_that_expires_keeps_what_was_fetched(place: Place) -> None:
    first = place.hosted.push(FILES)
    mirror = place.mirror()
    await mirror.fetch(first)
    valid = place.server.token
    place.server.token_file.write_text("another-token")
    try:
        assert isinstance(await _refusal(mirror), errors.SourceDenied)
        assert (await mirror.tree(first)).read("base/pool.yaml") == b"a: 1\n"
    finally:
        place.server.token_file.write_text(valid)
    assert await mirror.resolve(MAIN) == first


async def test_a_silent_server_is_given_up(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """It accepts the connection and says nothing: libgit2's own time-out ends it, while the loop goes on."""
    monkeypatch.setattr(pygit2.settings, "server_timeout", 700)
    try:
        with socket.create_server(("127.0.0.1", 0)) as silent:
            where = site.site(f"https://127.0.0.1:{silent.getsockname()[1]}/x.git")
            began = time.monotonic()
            ticks = asyncio.create_task(_ticks())
            # Called directly: a mirror may run it in a process of its own, which has its own setting.
            arguments = (tmp_path / "x.git", where, exchange.Limits(), threading.Event())
            with pytest.raises(errors.SourceUnavailable) as caught:
                await asyncio.to_thread(exchange.advertised, *arguments)
            assert time.monotonic() - began < 5
            ticks.cancel()
    finally:
        library.prepare()
    assert caught.value.cause == "it did not answer in time"


async def _ticks() -> None:
    """Fails, loudly, if the loop is held up."""
    while True:
        before = time.monotonic()
        await asyncio.sleep(0.02)
        assert time.monotonic() - before < 0.5


async def test_more_than_the_limit_is_refused_and_leaves_no_mess(place: Place) -> None:
    pushed = place.hosted.push({"noise": os.urandom(300_000)})
    small = place.mirror(limits=exchange.Limits(bytes=10_000))
    with pytest.raises(errors.SourceError, match="is too large"):
        await small.fetch(pushed)
    await place.mirror().fetch(pushed)
    assert len((await place.mirror().tree(pushed)).read("noise")) == 300_000


async def test_a_cancelled_fetch_ends_soon_and_the_next_succeeds(place: Place) -> None:
    pushed = place.hosted.push({"noise": os.urandom(20_000_000)})
    mirror = place.mirror()
    task = asyncio.create_task(mirror.fetch(pushed))
    await asyncio.sleep(0.15)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    began = time.monotonic()
    await mirror.fetch(pushed)
    assert time.monotonic() - began < 20
    assert (await mirror.tree(pushed)).names("") == ("noise",)


KILLED = """
import asyncio, sys
from pathlib import Path
from gitops.git import exchange, site
from gitops.git.mirror import Mirror
from gitops.source import Revision
url, ca, token, directory, commit = sys.argv[1:]
where = site.site(url, credentials=site.Credentials(password=token), ca=Path(ca).read_text())
def slow(self, stats):
    print("receiving", flush=True)
    import time; time.sleep(60)
exchange.Callbacks.transfer_progress = slow
asyncio.run(Mirror(Path(directory), where).fetch(Revision(commit=commit, reference="main")))
"""


def _clone_and_be_killed(place: Place, pushed: Revision) -> None:
    arguments = [place.server.url(place.name), str(place.server.ca_file), place.server.token]
    command = [sys.executable, "-c", KILLED, *arguments, str(place.directory / "mirrors"), pushed.commit]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == "receiving\n"
        child.send_signal(signal.SIGKILL)


async def test_a_process_killed_in_the_middle_of_a_clone_leaves_nothing_that_hinders(place: Place) -> None:
    pushed = place.hosted.push({"noise": os.urandom(2_000_000), **FILES})
    mirror = place.mirror()
    _clone_and_be_killed(place, pushed)
    left = list((mirror.path / "objects" / "pack").iterdir())
    # What a kill leaves of a reference that was being written.
    (mirror.path / "refs" / "gitops").mkdir(parents=True)
    (mirror.path / "refs" / "gitops" / "fetched.lock").touch()
    await mirror.fetch(pushed)
    assert (await mirror.tree(pushed)).read("base/pool.yaml") == b"a: 1\n"
    packs = {path.suffix for path in (mirror.path / "objects" / "pack").iterdir()}
    assert left
    assert packs <= store.PACK_SUFFIXES
    assert not list(mirror.path.rglob("*.lock"))


@pytest.mark.parametrize("damage", ["pack", "marker", "head", "another"])
async def test_a_damaged_mirror_is_made_anew(place: Place, damage: str) -> None:
    first = place.hosted.push(FILES)
    mirror = place.mirror()
    # The process that made it is gone, as it is after a power cut; this one has mapped none of its files.
    arguments = (mirror.path, place.where(), first, exchange.Limits())
    await asyncio.to_thread(isolated.call, exchange.fetch, place.where(), arguments, threading.Event())
    match damage:
        case "pack":
            for pack in (mirror.path / "objects" / "pack").iterdir():
                pack.chmod(0o600)
                pack.write_bytes(b"")
        case "marker":
            (mirror.path / "gitops-mirror").unlink()
        case "head":
            (mirror.path / "HEAD").unlink()
        case _:
            (mirror.path / "gitops-mirror").write_text("0\nhttps://elsewhere/\n")
    second = place.hosted.push({**FILES, "new": b""})
    await mirror.fetch(second)
    assert (await mirror.tree(second)).names("") == ("base", "new")


async def test_two_processes_do_not_write_at_once(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    mirror = place.mirror()
    entered, leave = threading.Event(), threading.Event()

    def hold() -> None:
        with store.locked(mirror.path, lambda: None):
            entered.set()
            leave.wait()

    holder = threading.Thread(target=hold)
    holder.start()
    entered.wait()
    task = asyncio.create_task(mirror.fetch(pushed))
    await asyncio.sleep(0.3)
    assert not task.done()
    leave.set()
    await task
    holder.join()


async def test_readers_with_different_rights_do_not_share_a_mirror(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    await place.mirror().fetch(pushed)
    where = site.site(place.server.url(place.name), ca=place.server.ca_file.read_text())
    stranger = Mirror(place.directory / "mirrors", where, scope="another/sync")
    with pytest.raises(errors.SourceDenied):
        await stranger.fetch(Revision(commit=pushed.commit))


async def test_an_unchanged_branch_costs_one_request_and_no_fetch(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    mirror = place.mirror()
    await mirror.fetch(pushed)
    before = sorted((mirror.path / "objects" / "pack").iterdir())
    assert await mirror.resolve(MAIN) == pushed
    await mirror.fetch(pushed)
    assert sorted((mirror.path / "objects" / "pack").iterdir()) == before


async def test_a_persons_gitconfig_changes_nothing(
    place: Place, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pushed = place.hosted.push(FILES)
    (tmp_path / ".gitconfig").write_text('[url "https://127.0.0.1:1/"]\n\tinsteadOf = https://127.0.0.1\n')
    monkeypatch.setenv("HOME", str(tmp_path))
    assert git("config", "--file", tmp_path / ".gitconfig", "--list", cwd=tmp_path)
    assert await place.mirror().resolve(MAIN) == pushed
