"""What is signed and with what: a commit or tag object taken apart as Git does it (gitformat-signature(5))."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

HEADERS = (b"gpgsig", b"gpgsig-sha256")
BEGINS = (b"-----BEGIN PGP SIGNATURE-----", b"-----BEGIN PGP MESSAGE-----", b"-----BEGIN SSH SIGNATURE-----")
X509 = b"-----BEGIN SIGNED MESSAGE-----"


class Form(StrEnum):
    """The sorts of signatures Git knows."""

    NONE = ""
    SSH = "SSH"
    OPENPGP = "OpenPGP"
    X509 = "X.509"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Signed:
    """The bytes somebody signed, and the signature; empty if there is none."""

    payload: bytes
    signature: bytes

    @property
    def form(self) -> Form:
        """Which sort of signature it is, by its first line."""
        if not self.signature:
            return Form.NONE
        if self.signature.startswith(BEGINS[2]):
            return Form.SSH
        if self.signature.startswith(BEGINS[:2]):
            return Form.OPENPGP
        return Form.X509 if self.signature.startswith(X509) else Form.UNKNOWN


@dataclass(frozen=True, slots=True, kw_only=True)
class TagObject:
    """What an annotated tag says: its own name, and the object it stands for."""

    name: str
    target: str
    tagged_at: int


def of_commit(raw: bytes) -> Signed:
    """The signature is a header of several lines; what is signed is the object without it."""
    head, separator, message = raw.partition(b"\n\n")
    kept: list[bytes] = []
    found: list[list[bytes]] = []
    taking: list[bytes] | None = None
    for line in head.split(b"\n"):
        if line.startswith(b" ") and taking is not None:
            taking.append(line[1:])
            continue
        name, _, value = line.partition(b" ")
        taking = None
        if name in HEADERS:
            taking = [value]
            if name == HEADERS[0]:
                found.append(taking)
        else:
            kept.append(line)
    # Of two signatures nobody could say which one counts.
    signature = b"\n".join(found[0]) + b"\n" if len(found) == 1 else b"".join(b"\n" for _ in found)
    return Signed(b"\n".join(kept) + separator + message, signature)


def of_tag(raw: bytes) -> Signed:
    """The signature is the end of the message, from the last line that begins one."""
    at = max((_last_line(raw, begin) for begin in (*BEGINS, X509)), default=-1)
    return Signed(raw[:at], raw[at:]) if at >= 0 else Signed(raw, b"")


def _last_line(raw: bytes, begin: bytes) -> int:
    at = raw.rfind(b"\n" + begin)
    return at + 1 if at >= 0 else -1


def tag_object(raw: bytes) -> TagObject:
    """The headers of a tag object; what is missing is empty."""
    headers = dict(line.partition(b" ")[::2] for line in raw.partition(b"\n\n")[0].split(b"\n"))
    return TagObject(
        name=headers.get(b"tag", b"").decode("utf-8", "replace"),
        target=headers.get(b"object", b"").decode("ascii", "replace"),
        tagged_at=_moment(headers.get(b"tagger", b"")),
    )


def committed_at(raw: bytes) -> int:
    """Seconds since 1970 by the committer's clock; 0 if it cannot be read."""
    headers = (line.partition(b" ") for line in raw.partition(b"\n\n")[0].split(b"\n"))
    return next((_moment(value) for name, _, value in headers if name == b"committer"), 0)


def _moment(person: bytes) -> int:
    words = person.rpartition(b">")[2].split()
    return int(words[0]) if words and words[0].isdigit() else 0
