"""SSH signatures as `ssh-keygen -Y` makes and Git uses them.

Format and signed bytes are those of OpenSSH's PROTOCOL.sshsig, security keys those of its PROTOCOL.u2f. They are
verified without any program, so that none has to be in the image.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import re
from dataclasses import dataclass

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, padding, rsa, utils

MAGIC = b"SSHSIG"
VERSION = 1
RSA_BITS = 2048
TOUCHED = 0x01
ARMOR = re.compile(rb"^-----BEGIN SSH SIGNATURE-----\s(.*?)-----END SSH SIGNATURE-----\s*$", re.DOTALL)
RSA_HASHES: dict[bytes, hashes.HashAlgorithm] = {b"rsa-sha2-256": hashes.SHA256(), b"rsa-sha2-512": hashes.SHA512()}
CURVES: dict[bytes, tuple[ec.EllipticCurve, hashes.HashAlgorithm]] = {
    b"nistp256": (ec.SECP256R1(), hashes.SHA256()),
    b"nistp384": (ec.SECP384R1(), hashes.SHA384()),
    b"nistp521": (ec.SECP521R1(), hashes.SHA512()),
}


class Malformed(ValueError):
    """It is not a signature of this format."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Signature:
    """A signature taken apart. `key` is the public key it names, as it travels."""

    key: bytes
    namespace: bytes
    reserved: bytes
    digest: str
    algorithm: bytes
    value: bytes
    extra: bytes
    """After the signature proper: a security key's flags and counter."""


class _Reader:
    """Reads SSH's wire format (RFC 4251 §5)."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    def take(self, size: int) -> bytes:
        """That many bytes."""
        if self._at + size > len(self._data):
            raise Malformed("it ends too soon")
        self._at += size
        return self._data[self._at - size : self._at]

    def number(self) -> int:
        """A uint32."""
        return int.from_bytes(self.take(4), "big")

    def string(self) -> bytes:
        """Bytes preceded by their length."""
        return self.take(self.number())

    def rest(self) -> bytes:
        """Everything that is left."""
        return self.take(len(self._data) - self._at)


def read(armored: bytes) -> Signature:
    """Take a signature apart.

    Raises:
        Malformed: it is no SSH signature of version 1.
    """
    match = ARMOR.match(armored)
    if match is None:
        raise Malformed("it is not framed as an SSH signature")
    try:
        reader = _Reader(base64.b64decode(b"".join(match[1].split()), validate=True))
    except (binascii.Error, ValueError):
        raise Malformed("it is not base64") from None
    if reader.take(len(MAGIC)) != MAGIC or reader.number() != VERSION:
        raise Malformed("it is of another version")
    key, namespace, reserved, digest, signature = (reader.string() for _ in range(5))
    inner = _Reader(signature)
    return Signature(
        key=key,
        namespace=namespace,
        reserved=reserved,
        digest=digest.decode("ascii", "replace"),
        algorithm=inner.string(),
        value=inner.string(),
        extra=inner.rest(),
    )


def holds(signature: Signature, payload: bytes, *, namespace: str) -> bool:
    """Whether the key the signature names signed this payload for this purpose.

    That the key is one that counts is not asked here.
    """
    if signature.namespace != namespace.encode() or signature.digest not in {"sha256", "sha512"}:
        return False
    digest = hashlib.new(signature.digest, payload).digest()
    fields = (signature.namespace, signature.reserved, signature.digest.encode(), digest)
    signed = MAGIC + b"".join(len(field).to_bytes(4, "big") + field for field in fields)
    try:
        return _checked(signature, signed)
    except (InvalidSignature, UnsupportedAlgorithm, ValueError):
        return False


def _checked(signature: Signature, signed: bytes) -> bool:
    reader = _Reader(signature.key)
    kind = reader.string()
    if kind.startswith(b"sk-"):
        return _security_key(signature, signed, kind, reader)
    if signature.extra:
        return False
    match kind:
        case b"ssh-ed25519":
            return signature.algorithm == kind and _ed25519(reader.string(), signature.value, signed)
        case b"ssh-rsa":
            return _rsa(reader, signature, signed)
        case _:
            return signature.algorithm == kind and _ecdsa(kind, reader, signature.value, signed)


def _ed25519(key: bytes, value: bytes, signed: bytes) -> bool:
    ed25519.Ed25519PublicKey.from_public_bytes(key).verify(value, signed)
    return True


def _rsa(reader: _Reader, signature: Signature, signed: bytes) -> bool:
    exponent, modulus = (int.from_bytes(reader.string(), "big") for _ in range(2))
    algorithm = RSA_HASHES.get(signature.algorithm)
    if algorithm is None or modulus.bit_length() < RSA_BITS:
        return False
    # A value that begins with zero may come shorter than the modulus.
    value = signature.value.rjust((modulus.bit_length() + 7) // 8, b"\0")
    rsa.RSAPublicNumbers(exponent, modulus).public_key().verify(value, signed, padding.PKCS1v15(), algorithm)
    return True


def _ecdsa(kind: bytes, reader: _Reader, value: bytes, signed: bytes) -> bool:
    curve, algorithm = _curve(kind, reader.string())
    key = ec.EllipticCurvePublicKey.from_encoded_point(curve, reader.string())
    pair = _Reader(value)
    r, s = (int.from_bytes(pair.string(), "big") for _ in range(2))
    key.verify(utils.encode_dss_signature(r, s), signed, ec.ECDSA(algorithm))
    return True


def _curve(kind: bytes, name: bytes) -> tuple[ec.EllipticCurve, hashes.HashAlgorithm]:
    if name not in CURVES or not kind.removesuffix(b"@openssh.com").endswith(b"-" + name):
        raise Malformed("it names no curve")
    return CURVES[name]


def _security_key(signature: Signature, signed: bytes, kind: bytes, reader: _Reader) -> bool:
    """The token signs the application's digest, whether it was touched, its counter, and the message's digest."""
    if signature.algorithm != kind or len(signature.extra) != 5 or not signature.extra[0] & TOUCHED:  # noqa: PLR2004
        return False
    outer = b"" if kind.startswith(b"sk-ssh-ed25519") else reader.string()
    key, application = reader.string(), reader.string()
    told = hashlib.sha256(application).digest() + signature.extra + hashlib.sha256(signed).digest()
    if not outer:
        return _ed25519(key, signature.value, told)
    point = b"".join(len(field).to_bytes(4, "big") + field for field in (outer, key))
    return _ecdsa(kind, _Reader(point), signature.value, told)
