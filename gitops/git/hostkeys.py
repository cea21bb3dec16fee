"""The key a server shows during the SSH handshake, handed to `Callbacks.host_key` by libgit2.

pygit2 passes None in its place (callbacks.py, `_certificate_check_cb`), so that function is replaced: cffi lets an
`extern "Python"` function be defined again. The structure is `git_cert_hostkey` of git2/cert.h, unchanged since 1.2.
"""

from __future__ import annotations

import ctypes
from typing import Any, ClassVar, Protocol

from pygit2.callbacks import libgit2_callback
from pygit2.ffi import C, ffi

RAW = 1 << 3
"""In `type`: the library tells the whole key, not only hashes of it."""


class _Shown(ctypes.Structure):
    _fields_: ClassVar = [
        ("cert_type", ctypes.c_int),
        ("type", ctypes.c_int),
        ("hash_md5", ctypes.c_ubyte * 16),
        ("hash_sha1", ctypes.c_ubyte * 20),
        ("hash_sha256", ctypes.c_ubyte * 32),
        ("raw_type", ctypes.c_int),
        ("hostkey", ctypes.c_void_p),
        ("hostkey_len", ctypes.c_size_t),
    ]


class Judge(Protocol):
    """Who decides about a host's key."""

    def host_key(self, key: bytes) -> None:
        """Raise unless this key (as it travels) is the one expected; empty if the library does not tell."""
        ...


def _certificate_check_cb(certificate: Any, valid: int, host: Any, judge: Judge) -> int:  # noqa: ARG001  # theirs
    """For TLS the library's word stands; for SSH only ours counts."""
    if certificate.cert_type != C.GIT_CERT_HOSTKEY_LIBSSH2:
        return 0 if valid else int(C.GIT_ECERTIFICATE)
    shown = _Shown.from_address(int(ffi.cast("uintptr_t", certificate)))
    judge.host_key(ctypes.string_at(shown.hostkey, shown.hostkey_len) if shown.type & RAW else b"")
    return 0


def install() -> None:
    """Have libgit2 ask `host_key` of the callbacks; any exception of theirs ends the connection."""
    libgit2_callback(_certificate_check_cb)
