"""Signatures as people make them, verified by the mirror; and everything that must not count as one."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from gitops import errors
from gitops.api.gitsync import Reference, VerifyMode
from gitops.git import gpg
from gitops.source import Revision, signers
from tests.cluster.sshserver import make_key
from tests.integration.signing import Gpg, Signing

pytestmark = pytest.mark.integration
FILES = {"base/pool.yaml": b"a: 1\n"}


@pytest.fixture
def place(tmp_path: Path) -> Signing:
    return Signing(tmp_path)


@pytest.fixture
def keyring(tmp_path: Path) -> Iterator[Gpg]:
    made = Gpg(tmp_path / "gnupg")
    yield made
    made.end()


def policy(*texts: str, mode: VerifyMode = VerifyMode.HEAD) -> signers.Policy:
    return signers.policy(mode, {f"key{number}": text for number, text in enumerate(texts)}, where="ConfigMap keys")


def allowed(public: str, *, principal: str = "ada@example.com", options: str = "") -> str:
    return f"{principal} {options + ' ' if options else ''}{public}\n"


async def _read(place: Signing, revision: Revision, wanted: signers.Policy) -> bytes:
    mirror = place.mirror(wanted)
    await mirror.fetch(revision)
    return (await mirror.tree(revision)).read("base/pool.yaml")


async def _refusal(place: Signing, revision: Revision, wanted: signers.Policy) -> errors.SignatureInvalid:
    with pytest.raises(errors.SignatureInvalid) as caught:
        await _read(place, revision, wanted)
    return caught.value


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
async def test_a_commit_signed_with_an_ssh_key_that_counts(place: Signing, tmp_path: Path, kind: str) -> None:
    public = make_key(tmp_path / "ada", kind=kind)
    pushed = place.commit(FILES, key=tmp_path / "ada", message="Say hello\n\nA body.\n\nGitops-Consent: Pool/x")
    assert await _read(place, pushed, policy(allowed(public))) == b"a: 1\n"
    assert await _read(place, pushed, policy(public)) == b"a: 1\n"


async def test_an_unsigned_commit_is_refused_and_nothing_of_it_is_read(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    pushed = place.bare.push(FILES)
    wanted = policy(allowed(public))
    error = await _refusal(place, pushed, wanted)
    assert error.message == f"commit {pushed.short} is not signed"
    assert "ada@example.com (SHA256:" in error.hint
    assert error.exit_code == 5
    # It lies in the mirror now; that opens no other way to it.
    mirror = place.mirror(wanted)
    for reading in (mirror.tree, mirror.commit):
        with pytest.raises(errors.SignatureInvalid):
            await reading(pushed)


async def test_a_strangers_signature_is_refused_with_the_key_that_was_seen(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    make_key(tmp_path / "eve")
    pushed = place.commit(FILES, key=tmp_path / "eve")
    error = await _refusal(place, pushed, policy(allowed(public)))
    seen = make_fingerprint(tmp_path / "eve")
    assert f"does not count: ssh-ed25519 {seen}" in error.message
    assert error.cause == "this key is not one of those that count"


def make_fingerprint(key: Path) -> str:
    from tests.cluster import process  # noqa: PLC0415  # one line of ssh-keygen

    return process.output(["ssh-keygen", "-l", "-f", key]).split()[1]


@pytest.mark.parametrize("where", ["message", "tree"])
async def test_a_signature_moved_to_other_content_is_refused(place: Signing, tmp_path: Path, where: str) -> None:
    public = make_key(tmp_path / "ada")
    pushed = place.commit(FILES, key=tmp_path / "ada")
    raw = place.raw(pushed.commit)
    if where == "message":
        raw = raw.replace(b"\n\nchange", b"\n\nchanged")
    else:
        other = place.bare.push({"base/pool.yaml": b"a: 2\n"}, branch="other")
        raw = re.sub(rb"^tree [0-9a-f]{40}", place.raw(other.commit).split(b"\n")[0], raw)
    forged = place.point("heads/main", place.put("commit", raw))
    error = await _refusal(place, forged, policy(allowed(public)))
    assert "made for other content" in error.cause


async def test_two_signatures_in_one_commit_are_refused(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    raw = place.raw(place.commit(FILES, key=tmp_path / "ada").commit)
    header = raw[raw.index(b"gpgsig ") : raw.index(b"\n\n") + 1]
    forged = place.point("heads/main", place.put("commit", raw.replace(header, header + header)))
    assert "of a kind that is not verified" in (await _refusal(place, forged, policy(public))).message


async def test_a_signature_made_for_another_purpose_is_refused(place: Signing, tmp_path: Path) -> None:
    """The key signs files too: a signature over the same bytes with another namespace is no commit signature."""
    from tests.cluster import process  # noqa: PLC0415  # one line of ssh-keygen

    public = make_key(tmp_path / "ada")
    unsigned = place.raw(place.bare.push(FILES).commit)
    (tmp_path / "payload").write_bytes(unsigned)
    process.output(["ssh-keygen", "-Y", "sign", "-n", "file", "-f", tmp_path / "ada", tmp_path / "payload"])
    signature = (tmp_path / "payload.sig").read_text().rstrip("\n").replace("\n", "\n ")
    head, _, message = unsigned.partition(b"\n\n")
    raw = head + f"\ngpgsig {signature}".encode() + b"\n\n" + message
    forged = place.point("heads/main", place.put("commit", raw))
    assert "another purpose" in (await _refusal(place, forged, policy(public))).cause


async def test_options_of_allowed_signers(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    pushed = place.commit(FILES, key=tmp_path / "ada")
    good = 'namespaces="file,git",valid-after="20200101",valid-before="29990101Z"'
    assert await _read(place, pushed, policy(allowed(public, options=good))) == b"a: 1\n"
    late = await _refusal(place, pushed, policy(allowed(public, options='valid-after="29990101"')))
    assert "does not count at the time" in late.cause
    other = allowed(make_key(tmp_path / "bob"), principal="bob")
    files = policy(allowed(public, options='namespaces="file"'), other)
    assert "not one of those that count" in (await _refusal(place, pushed, files)).cause


async def test_a_key_is_taken_away_while_its_commit_lies_in_the_mirror(place: Signing, tmp_path: Path) -> None:
    ada, bob = make_key(tmp_path / "ada"), make_key(tmp_path / "bob")
    pushed = place.commit(FILES, key=tmp_path / "ada")
    assert await _read(place, pushed, policy(ada, bob)) == b"a: 1\n"
    assert "not one of those" in (await _refusal(place, pushed, policy(bob))).cause


async def test_a_signed_tag(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    tagged = place.tag("v1.2.0", place.bare.push(FILES), key=tmp_path / "ada")
    wanted = policy(public, mode=VerifyMode.TAG)
    found = await place.mirror(wanted).resolve(Reference(semver="^1"))
    assert found == tagged
    assert await _read(place, found, wanted) == b"a: 1\n"
    # The commit itself is not signed.
    await _refusal(place, found, policy(public))


async def test_tags_that_do_not_count(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    make_key(tmp_path / "eve")
    pushed = place.bare.push(FILES)
    wanted = policy(public, mode=VerifyMode.TAG)
    light = place.point("tags/light", pushed.commit)
    assert "lightweight" in (await _refusal(place, light, wanted)).cause
    place.bare.tag("plain", pushed)
    assert "is not signed" in (await _refusal(place, Revision(pushed.commit, "plain"), wanted)).message
    strange = place.tag("v2", pushed, key=tmp_path / "eve")
    assert make_fingerprint(tmp_path / "eve") in (await _refusal(place, strange, wanted)).message


async def test_a_signed_tag_in_the_place_of_another_is_refused(place: Signing, tmp_path: Path) -> None:
    """Rolling back to an old release by giving its signed tag object a newer name."""
    public = make_key(tmp_path / "ada")
    old = place.tag("v1.0.0", place.bare.push(FILES), key=tmp_path / "ada")
    from tests.contract.hosting import git  # noqa: PLC0415  # one call

    place.point("tags/v2.0.0", git("rev-parse", "refs/tags/v1.0.0", cwd=place.path))
    error = await _refusal(place, Revision(old.commit, "v2.0.0"), policy(public, mode=VerifyMode.TAG))
    assert error.message == "the signed tag behind v2.0.0 is 'v1.0.0'"


async def test_a_moved_tag_is_fetched_anew_and_verified_anew(place: Signing, tmp_path: Path) -> None:
    public = make_key(tmp_path / "ada")
    wanted = policy(public, mode=VerifyMode.TAG)
    first = place.tag("v1", place.bare.push(FILES), key=tmp_path / "ada")
    assert await _read(place, first, wanted) == b"a: 1\n"
    second = place.bare.push({"base/pool.yaml": b"a: 2\n"})
    place.point("tags/v1", second.commit)
    moved = await place.mirror(wanted).resolve(Reference(tag="v1"))
    assert moved == Revision(second.commit, "v1")
    assert "lightweight" in (await _refusal(place, moved, wanted)).cause


async def test_openpgp_signatures(place: Signing, keyring: Gpg) -> None:
    ada = keyring.make()
    eve = keyring.make("Eve <eve@example.com>")
    pushed = place.commit(FILES, key=ada)
    assert await _read(place, pushed, policy(keyring.public(ada))) == b"a: 1\n"
    assert await _read(place, pushed, policy(keyring.public(ada, eve))) == b"a: 1\n"
    strange = place.commit({**FILES, "more": b""}, key=eve)
    error = await _refusal(place, strange, policy(keyring.public(ada)))
    assert f"OpenPGP {eve}" in error.message
    assert error.cause == "its key is not one of those that count"
    tagged = place.tag("v1", pushed, key=ada)
    assert await _read(place, tagged, policy(keyring.public(ada), mode=VerifyMode.TAG)) == b"a: 1\n"


async def test_openpgp_signatures_that_do_not_count(place: Signing, keyring: Gpg, tmp_path: Path) -> None:
    ada = keyring.make()
    pushed = place.commit(FILES, key=ada)
    only_ssh = await _refusal(place, pushed, policy(make_key(tmp_path / "bob")))
    assert ada in only_ssh.message
    public = keyring.public(ada)
    keyring.revoke(ada)
    assert "revoked" in (await _refusal(place, pushed, policy(keyring.public(ada)))).cause
    raw = place.raw(pushed.commit).replace(b"\n\nchange", b"\n\nchanged")
    forged = place.point("heads/main", place.put("commit", raw))
    error = await _refusal(place, forged, policy(public))
    assert error.cause == "it was made for other content"
    assert "Ada" in error.message


async def test_without_gpg_an_openpgp_signature_is_no_signature(
    place: Signing, keyring: Gpg, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    ada = keyring.make()
    pushed = place.commit(FILES, key=ada)
    wanted = policy(keyring.public(ada))
    monkeypatch.setenv("PATH", str(tmp_path))
    assert not gpg.installed()
    with pytest.raises(errors.ConfigError, match="gpg is not installed"):
        await _read(place, pushed, wanted)


async def test_the_persons_own_keyring_does_not_count(
    place: Signing, keyring: Gpg, monkeypatch: pytest.MonkeyPatch
) -> None:
    ada = keyring.make()
    eve = keyring.make("Eve <eve@example.com>")
    monkeypatch.setenv("GNUPGHOME", str(keyring.home))
    pushed = place.commit(FILES, key=eve)
    await _refusal(place, pushed, policy(keyring.public(ada)))
