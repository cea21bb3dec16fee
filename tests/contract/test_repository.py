"""The `Repository` port: the fake, and mirrors over file://, https and ssh, say the same."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.git import credentials, site
from gitops.git.mirror import Mirror
from gitops.source import EntryKind, Revision
from tests.contract.hosting import Bare, Hosted, Memory, on_disk

MAIN = Reference(branch="main")
FILES = {"base/pool.yaml": b"a: 1\n", "overlays/dev/kustomization.yaml": b"resources: [../../base]\n"}


@pytest.fixture(
    params=["memory", "file", *(pytest.param(each, marks=pytest.mark.integration) for each in ("https", "ssh"))]
)
def hosted(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Hosted]:
    match request.param:
        case "memory":
            yield Memory()
        case "file":
            yield on_disk(tmp_path)
        case "ssh":
            from tests.cluster.sshserver import LocalSshServer, make_key  # noqa: PLC0415  # may fetch a package

            (tmp_path / "server").mkdir()
            with LocalSshServer(tmp_path / "server", host_keys=("ed25519",)) as server:
                server.authorize(make_key(tmp_path / "key"))
                login = credentials.SshKey(
                    identity=(tmp_path / "key").read_text(), known_hosts=server.known_hosts("ed25519")
                )
                where = site.site(server.url("config"), credentials=login)
                yield Bare(server.create_repo("config"), Mirror(tmp_path / "mirrors", where))
        case _:
            from tests.cluster.gitserver import LocalGitServer  # noqa: PLC0415  # loads the container library

            with LocalGitServer(tmp_path / "server") as server:
                where = site.site(
                    server.url("config"),
                    credentials=site.Credentials(password=server.token),
                    ca=server.ca_file.read_text(),
                )
                yield Bare(server.create_repo("config"), Mirror(tmp_path / "mirrors", where))


async def test_a_branch_is_followed(hosted: Hosted) -> None:
    first = hosted.push(FILES)
    assert await hosted.repository.resolve(MAIN) == first
    second = hosted.push({**FILES, "new": b""})
    assert await hosted.repository.resolve(MAIN) == second != first


async def test_an_annotated_tag_stands_for_its_commit(hosted: Hosted) -> None:
    pushed = hosted.push(FILES)
    hosted.tag("v1.0", pushed)
    hosted.push({"other": b""})
    found = await hosted.repository.resolve(Reference(tag="v1.0"))
    assert found == Revision(commit=pushed.commit, reference="v1.0")
    await hosted.repository.fetch(found)
    assert (await hosted.repository.tree(found)).read("base/pool.yaml") == b"a: 1\n"


async def test_a_range_stands_for_its_newest_tag(hosted: Hosted) -> None:
    tagged = {}
    for name in ("v1.2.0", "v1.10.0", "v2.0.0-rc.1", "nightly"):
        tagged[name] = hosted.push({"version": name.encode()})
        hosted.tag(name, tagged[name])
    found = await hosted.repository.resolve(Reference(semver=">=1.2.0"))
    assert found == Revision(commit=tagged["v1.10.0"].commit, reference="v1.10.0")
    await hosted.repository.fetch(found)
    assert (await hosted.repository.tree(found)).read("version") == b"v1.10.0"
    with pytest.raises(errors.RevisionNotFound, match=r"the highest of its versions is v1\.10\.0"):
        await hosted.repository.resolve(Reference(semver="^2"))


async def test_a_commit_is_taken_at_its_word_and_fetched_wherever_it_is(hosted: Hosted) -> None:
    hosted.push(FILES)
    behind = hosted.push({"side": b"1"}, branch="side")
    hosted.push({"side": b"2"}, branch="side")
    found = await hosted.repository.resolve(Reference(commit=behind.commit))
    assert found == Revision(commit=behind.commit)
    await hosted.repository.fetch(found)
    assert (await hosted.repository.tree(found)).read("side") == b"1"


async def test_a_commit_that_is_nowhere_is_said_so(hosted: Hosted) -> None:
    hosted.push(FILES)
    with pytest.raises(errors.RevisionNotFound, match="does not have commit 111111111111"):
        await hosted.repository.fetch(Revision(commit="1" * 40))


async def test_a_missing_branch_offers_one_that_is_there(hosted: Hosted) -> None:
    hosted.push(FILES)
    with pytest.raises(errors.RevisionNotFound, match="no branch 'mian'") as caught:
        await hosted.repository.resolve(Reference(branch="mian"))
    assert caught.value.hint == "did you mean 'main'?"


async def test_a_deleted_branch_is_missing(hosted: Hosted) -> None:
    hosted.push(FILES)
    hosted.push(FILES, branch="gone")
    hosted.delete("gone")
    with pytest.raises(errors.RevisionNotFound, match="no branch 'gone'"):
        await hosted.repository.resolve(Reference(branch="gone"))


async def test_nothing_is_readable_before_it_is_fetched(hosted: Hosted) -> None:
    pushed = hosted.push(FILES)
    with pytest.raises(errors.RevisionNotFound, match="not in the mirror"):
        await hosted.repository.tree(pushed)
    with pytest.raises(errors.RevisionNotFound, match="not in the mirror"):
        await hosted.repository.commit(pushed)
    with pytest.raises(errors.RevisionNotFound, match="not in the mirror"):
        await hosted.repository.keep("a", pushed)


async def test_the_tree_of_a_commit(hosted: Hosted) -> None:
    pushed = hosted.push(FILES)
    await hosted.repository.fetch(pushed)
    tree = await hosted.repository.tree(pushed)
    assert tree.names("") == ("base", "overlays")
    assert tree.names("overlays") == ("dev",)
    assert tree.names("base/pool.yaml") == tree.names("nowhere") == ()
    assert tree.kind("") is tree.kind("base") is EntryKind.DIRECTORY
    assert tree.kind("base/pool.yaml") is EntryKind.FILE
    assert tree.kind("base/pool.yaml/below") is tree.kind("nowhere") is None
    assert tree.read("base/pool.yaml") == b"a: 1\n"
    for path in ("nowhere", "base"):
        with pytest.raises(errors.ConfigError):
            tree.read(path)


async def test_what_a_commit_says_of_itself(hosted: Hosted) -> None:
    message = "Remove the windows pool\n\nNobody uses it.\n\nGitops-Consent: WorkerPool/windows\nSigned-off-by: Ada\n"
    pushed = hosted.push(FILES, message=message)
    await hosted.repository.fetch(pushed)
    commit = await hosted.repository.commit(pushed)
    assert (commit.id, commit.author, commit.email) == (pushed.commit, "Ada", "ada@example.com")
    assert commit.subject == "Remove the windows pool"
    assert commit.when.tzinfo is not None
    assert commit.trailers == (("Gitops-Consent", "WorkerPool/windows"), ("Signed-off-by", "Ada"))


async def test_the_commits_between_two_newest_first(hosted: Hosted) -> None:
    first = hosted.push(FILES, message="one")
    hosted.push({**FILES, "new": b"2"}, message="two")
    third = hosted.push({**FILES, "new": b"3"}, message="three")
    await hosted.repository.fetch(third)

    found = await hosted.repository.between(first, third, limit=10)

    assert [one.subject for one in found] == ["three", "two"]
    assert [one.subject for one in await hosted.repository.between(first, third, limit=1)] == ["three"]
    assert await hosted.repository.between(third, third, limit=10) == ()


async def test_a_commit_is_found_by_its_beginning_and_by_what_comes_after(hosted: Hosted) -> None:
    first = hosted.push(FILES)
    second = hosted.push({**FILES, "new": b""})
    with pytest.raises(errors.RevisionNotFound):
        await hosted.repository.named(second.commit[:8])
    await hosted.repository.fetch(second)
    assert (await hosted.repository.named(second.commit[:8])).commit == second.commit
    assert (await hosted.repository.named(f"{second.commit}~")).commit == first.commit
    assert (await hosted.repository.named(f"{second.commit[:12]}~1")).commit == first.commit
    for text in (f"{second.commit}~2", "ffffffff" if second.commit[0] != "f" else "00000000", "main", "HEAD", "a:b"):
        with pytest.raises(errors.RevisionNotFound):
            await hosted.repository.named(text)


async def test_what_was_fetched_survives_a_force_push(hosted: Hosted) -> None:
    old = hosted.push(FILES)
    await hosted.repository.fetch(old)
    await hosted.repository.keep("applied", old)
    new = hosted.push({"rewritten": b""}, force=True)
    assert await hosted.repository.resolve(MAIN) == new
    await hosted.repository.fetch(new)
    assert (await hosted.repository.tree(old)).read("base/pool.yaml") == b"a: 1\n"
    assert (await hosted.repository.tree(new)).names("") == ("rewritten",)


async def test_a_commit_lost_to_a_force_push_cannot_be_fetched(hosted: Hosted) -> None:
    lost = hosted.push(FILES)
    hosted.push({"rewritten": b""}, force=True)
    with pytest.raises(errors.RevisionNotFound, match="does not have commit"):
        await hosted.repository.fetch(lost)
