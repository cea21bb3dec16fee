"""SSH signatures: made here by hand from the format's description, for what no tool on this machine can sign."""

from __future__ import annotations

import base64
import contextlib
import hashlib

import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils
from hypothesis import given
from hypothesis import strategies as st

from gitops.source import sshsig

APPLICATION = b"ssh:"
ED25519 = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
P256 = ec.derive_private_key(12345, ec.SECP256R1())


def packed(*fields: bytes) -> bytes:
    return b"".join(len(field).to_bytes(4, "big") + field for field in fields)


def mpint(number: int) -> bytes:
    return number.to_bytes(number.bit_length() // 8 + 1, "big")


def armored(key: bytes, signature: bytes, *, digest: bytes = b"sha512", version: int = 1) -> bytes:
    body = b"SSHSIG" + version.to_bytes(4, "big") + packed(key, b"git", b"", digest, signature)
    return b"-----BEGIN SSH SIGNATURE-----\n" + base64.encodebytes(body) + b"-----END SSH SIGNATURE-----\n"


def told(payload: bytes, digest: str = "sha512") -> bytes:
    return b"SSHSIG" + packed(b"git", b"", digest.encode(), hashlib.new(digest, payload).digest())


def by_ed25519(payload: bytes, *, digest: str = "sha512") -> bytes:
    key = packed(b"ssh-ed25519", ED25519.public_key().public_bytes_raw())
    return armored(key, packed(b"ssh-ed25519", ED25519.sign(told(payload, digest))), digest=digest.encode())


def by_token(payload: bytes, *, flags: int = 1, application: bytes = APPLICATION) -> bytes:
    """A security key with Ed25519: it signs digests, its flags and its counter."""
    kind = b"sk-ssh-ed25519@openssh.com"
    extra = bytes([flags]) + (7).to_bytes(4, "big")
    inner = hashlib.sha256(APPLICATION).digest() + extra + hashlib.sha256(told(payload)).digest()
    key = packed(kind, ED25519.public_key().public_bytes_raw(), application)
    return armored(key, packed(kind, ED25519.sign(inner)) + extra)


def by_ecdsa_token(payload: bytes) -> bytes:
    kind = b"sk-ecdsa-sha2-nistp256@openssh.com"
    extra = b"\1" + (7).to_bytes(4, "big")
    inner = hashlib.sha256(APPLICATION).digest() + extra + hashlib.sha256(told(payload)).digest()
    r, s = utils.decode_dss_signature(P256.sign(inner, ec.ECDSA(hashes.SHA256())))
    numbers = P256.public_key().public_numbers()
    point = b"\4" + numbers.x.to_bytes(32, "big") + numbers.y.to_bytes(32, "big")
    return armored(packed(kind, b"nistp256", point, APPLICATION), packed(kind, packed(mpint(r), mpint(s))) + extra)


def holds(signature: bytes, payload: bytes = b"content") -> bool:
    return sshsig.holds(sshsig.read(signature), payload, namespace="git")


@pytest.mark.parametrize("make", [by_ed25519, by_token, by_ecdsa_token])
def test_a_right_signature_holds_for_its_content_only(make: type) -> None:
    assert holds(make(b"content"))
    assert not holds(make(b"content"), b"other")


def test_both_digests_of_the_format_and_no_other() -> None:
    assert holds(by_ed25519(b"content", digest="sha256"))
    assert not holds(by_ed25519(b"content", digest="sha1"))


def test_a_security_key_that_nobody_touched_or_that_is_for_another_application_does_not_count() -> None:
    assert not holds(by_token(b"content", flags=0))
    assert not holds(by_token(b"content", application=b"ssh:other"))


@pytest.mark.parametrize(("bits", "algorithm", "wanted"), [(2048, b"rsa-sha2-512", True), (2048, b"ssh-rsa", False)])
def test_rsa_with_a_modern_digest_only(bits: int, algorithm: bytes, *, wanted: bool) -> None:
    private = rsa.generate_private_key(65537, bits)
    digest = hashes.SHA512() if wanted else hashes.SHA1()  # noqa: S303  # the old algorithm, to be refused
    numbers = private.public_key().public_numbers()
    key = packed(b"ssh-rsa", mpint(numbers.e), mpint(numbers.n))
    signature = private.sign(told(b"content"), padding.PKCS1v15(), digest)
    assert holds(armored(key, packed(algorithm, signature))) is wanted


def test_a_signature_is_for_one_purpose() -> None:
    assert not sshsig.holds(sshsig.read(by_ed25519(b"content")), b"content", namespace="file")


@pytest.mark.parametrize(
    "text",
    [
        b"",
        b"-----BEGIN PGP SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\n!!!\n-----END SSH SIGNATURE-----\n",
        b"-----BEGIN SSH SIGNATURE-----\nAAAA\n-----END SSH SIGNATURE-----\n",
        armored(b"", b"", version=2),
        armored(b"", b""),
    ],
)
def test_what_is_no_signature_is_said_so(text: bytes) -> None:
    with pytest.raises(sshsig.Malformed):
        sshsig.read(text)


@given(st.integers(0, 10_000), st.integers(0, 255))
def test_property_no_changed_byte_of_a_signature_is_accepted(at: int, value: int) -> None:
    lines = by_ed25519(b"content").splitlines()
    body = bytearray(base64.b64decode(b"".join(lines[1:-1])))
    at %= len(body)
    if body[at] == value:
        return
    body[at] = value
    changed = b"\n".join([lines[0], base64.b64encode(bytes(body)), lines[-1]])
    with contextlib.suppress(sshsig.Malformed):
        assert not holds(changed)


@given(st.binary(max_size=200))
def test_property_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    text = b"-----BEGIN SSH SIGNATURE-----\n" + base64.b64encode(b"SSHSIG\0\0\0\1" + body)
    with contextlib.suppress(sshsig.Malformed):
        assert not holds(text + b"\n-----END SSH SIGNATURE-----\n")
