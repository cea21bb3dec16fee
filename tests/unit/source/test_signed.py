from __future__ import annotations

import pytest

from gitops import errors
from gitops.api.gitsync import VerifyMode
from gitops.source import signed, signers
from gitops.source.signed import Form

HEAD = b"tree 1\nauthor A <a> 1 +0000\ncommitter A <a> 17 +0000\n"
SSH = b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----"
ED25519 = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"


def test_the_signature_of_a_commit_is_a_header_and_what_is_signed_is_the_rest() -> None:
    header = b"gpgsig " + SSH.replace(b"\n", b"\n ") + b"\n"
    found = signed.of_commit(HEAD + header + b"encoding UTF-8\n\ntitle\n\ngpgsig no header\n")
    assert found.payload == HEAD + b"encoding UTF-8\n\ntitle\n\ngpgsig no header\n"
    assert found.signature == SSH + b"\n"
    assert found.form is Form.SSH


def test_headers_of_several_lines_that_are_no_signature_stay() -> None:
    raw = HEAD + b"mergetag object 2\n type commit\n  gpgsig x\n\ntitle\n"
    assert signed.of_commit(raw) == signed.Signed(raw, b"")
    assert signed.of_commit(raw).form is Form.NONE


def test_a_commit_without_a_message_is_taken_apart_too() -> None:
    assert signed.of_commit(b"tree 1\ngpgsig x\n y") == signed.Signed(b"tree 1", b"x\ny\n")


def test_two_signatures_are_none_that_counts() -> None:
    assert signed.of_commit(HEAD + b"gpgsig a\ngpgsig b\n\nt").form is Form.UNKNOWN


def test_the_signature_of_a_tag_is_the_last_in_its_message() -> None:
    raw = b"object 1\ntype commit\ntag v1\ntagger A <a> 17 +0000\n\n" + SSH + b"\nand more\n" + SSH + b"\n"
    found = signed.of_tag(raw)
    assert found.signature == SSH + b"\n"
    assert found.payload == raw[: -len(SSH) - 1]
    told = signed.tag_object(raw)
    assert (told.name, told.target, told.tagged_at) == ("v1", "1", 17)
    assert signed.of_tag(b"object 1\n\nno signature\n").form is Form.NONE


@pytest.mark.parametrize(
    ("first", "form"),
    [
        (b"-----BEGIN PGP SIGNATURE-----", Form.OPENPGP),
        (b"-----BEGIN PGP MESSAGE-----", Form.OPENPGP),
        (b"-----BEGIN SIGNED MESSAGE-----", Form.X509),
        (b"something", Form.UNKNOWN),
    ],
)
def test_forms_are_told_by_their_first_line(first: bytes, form: Form) -> None:
    assert signed.of_commit(HEAD + b"gpgsig " + first + b"\n x\n\nt").form is form


def test_when_a_commit_says_it_was_made() -> None:
    assert signed.committed_at(HEAD + b"\nt") == 17
    assert signed.committed_at(b"tree 1\n\ncommitter A <a> 9 +0000") == 0


def policy(text: str) -> signers.Policy:
    return signers.policy(VerifyMode.HEAD, {"keys": text}, where="ConfigMap x")


def test_keys_in_every_spelling() -> None:
    text = f"""
# comment
{ED25519} ada@laptop
bob@example.com,eve@example.com {ED25519}
carl@example.com namespaces="git,file",valid-after="20260101",valid-before="202601021530Z" {ED25519} note
dora@example.com namespaces="file" {ED25519}
"""
    found = policy(text).signers
    assert [one.name for one in found] == ["ada@laptop", "bob@example.com,eve@example.com", "carl@example.com"]
    assert (found[2].after, found[2].before) == (1767225600, 1767367800)
    assert found[2].counts_at(1767225600)
    assert not found[2].counts_at(1767367800)


def test_openpgp_keys_stand_beside_ssh_keys() -> None:
    block = "-----BEGIN PGP PUBLIC KEY BLOCK-----\n\nmDME\n-----END PGP PUBLIC KEY BLOCK-----"
    found = policy(f"{ED25519}\n{block}\n{ED25519} second\n{block}\n")
    assert len(found.signers) == len(found.openpgp) == 2


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "holds no key"),
        ("# nothing", "holds no key"),
        ("\nssh-ed25519 AAAA", "keys, line 2: the key cannot be read"),
        ("ada ssh-dss AAAA", "keys, line 1: no key of a known type"),
        (f"*@example.com cert-authority {ED25519}", "certificate authorities are not followed"),
        (f'ada valid-after="soon" {ED25519}', "not a time: 'soon'"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----", "no key of a known type"),
    ],
)
def test_what_is_no_key_is_said_with_its_line(text: str, words: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        policy(text)
    assert words in str(caught.value)
    assert str(caught.value).startswith("ConfigMap x")


def test_what_is_no_key_is_not_repeated() -> None:
    """Somebody may have put the private half there."""
    with pytest.raises(errors.ConfigError) as caught:
        policy("-----BEGIN OPENSSH PRIVATE KEY-----\nc2VjcmV0LXNlY3JldA==\n")
    assert "c2VjcmV0" not in f"{caught.value!r}{caught.value}{caught.value.hint}"
