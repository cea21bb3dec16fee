from __future__ import annotations

import base64
import hashlib
import hmac

import pytest

from gitops.source import known_hosts
from gitops.source.known_hosts import Standing

KEY = b"\0\0\0\x0bssh-ed25519\0\0\0\x04aaaa"
OTHER = b"\0\0\0\x0bssh-ed25519\0\0\0\x04bbbb"
CODED = base64.b64encode(KEY).decode()


def line(hosts: str, key: bytes = KEY) -> str:
    return f"{hosts} ssh-ed25519 {base64.b64encode(key).decode()} a comment\n"


def hashed(name: str) -> str:
    salt = b"0123456789abcdef0123"
    digest = hmac.digest(salt, name.encode(), hashlib.sha1)
    return f"|1|{base64.b64encode(salt).decode()}|{base64.b64encode(digest).decode()}"


@pytest.mark.parametrize(
    ("hosts", "host", "port", "wanted"),
    [
        ("git.example", "git.example", 22, Standing.KNOWN),
        ("Git.Example", "git.EXAMPLE", 22, Standing.KNOWN),
        ("other,git.example", "git.example", 22, Standing.KNOWN),
        ("*.example", "git.example", 22, Standing.KNOWN),
        ("g?t.example", "git.example", 22, Standing.KNOWN),
        ("*.example,!git.example", "git.example", 22, Standing.UNKNOWN),
        ("!git.example,*.example", "git.example", 22, Standing.UNKNOWN),
        ("git.example", "git.example", 2222, Standing.UNKNOWN),
        ("[git.example]:2222", "git.example", 2222, Standing.KNOWN),
        ("[git.example]:2222", "git.example", 22, Standing.UNKNOWN),
        ("[git.example]:2222", "g", 22, Standing.UNKNOWN),
        ("example", "git.example", 22, Standing.UNKNOWN),
        (hashed("git.example"), "git.example", 22, Standing.KNOWN),
        (hashed("[git.example]:2222"), "git.example", 2222, Standing.KNOWN),
        (hashed("git.example"), "other.example", 22, Standing.UNKNOWN),
        ("|1|broken|", "git.example", 22, Standing.UNKNOWN),
    ],
)
def test_whom_a_line_is_for(hosts: str, host: str, port: int, wanted: Standing) -> None:
    assert known_hosts.standing(line(hosts), host, port, KEY) is wanted


def test_another_key_is_a_changed_one_and_one_of_several_is_enough() -> None:
    assert known_hosts.standing(line("h", OTHER), "h", 22, KEY) is Standing.CHANGED
    assert known_hosts.standing(line("h", OTHER) + line("h"), "h", 22, KEY) is Standing.KNOWN
    assert known_hosts.standing("", "h", 22, KEY) is Standing.UNKNOWN


def test_a_revoked_key_is_refused_whatever_else_stands_there() -> None:
    assert known_hosts.standing(line("h") + "@revoked " + line("*"), "h", 22, KEY) is Standing.REVOKED
    assert known_hosts.standing("@revoked " + line("*", OTHER) + line("h"), "h", 22, KEY) is Standing.KNOWN


def test_certificate_authorities_vouch_for_nobody() -> None:
    assert known_hosts.standing("@cert-authority " + line("*"), "h", 22, KEY) is Standing.UNKNOWN


@pytest.mark.parametrize(
    "text", ["# h ssh-ed25519 x", "h ssh-ed25519", "h ssh-ed25519 !!!", f"h ssh-rsa {CODED}", "\0"]
)
def test_lines_that_cannot_be_read_are_passed_over(text: str) -> None:
    assert known_hosts.standing(text, "h", 22, KEY) is Standing.UNKNOWN


def test_the_lines_for_a_host_spelled_plainly() -> None:
    text = line(hashed("[h]:2222")) + line("other") + "@revoked " + line("*", OTHER)
    assert known_hosts.lines(text, "h", 2222) == (f"[h]:2222 ssh-ed25519 {CODED}",)
