from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.report import redact

SECRET = "s3cr3t/Token+With=Chars"


@pytest.mark.parametrize(
    "leak",
    [
        SECRET,
        f"https://git:{quote(SECRET, safe='')}@host/x",
        base64.b64encode(SECRET.encode()).decode(),
        f"Authorization: Basic {base64.b64encode(f'git:{SECRET}'.encode()).decode()}",
        base64.b64encode(f"a{SECRET}b".encode()).decode(),
        base64.b64encode(f"ab{SECRET}b".encode()).decode(),
        base64.urlsafe_b64encode(f"abc{SECRET}".encode()).decode(),
    ],
)
def test_every_form_of_a_secret_is_masked(leak: str) -> None:
    cleaned = redact.Redactor([SECRET]).clean(leak)
    assert redact.MASK in cleaned
    assert len(cleaned) < len(leak) - 15
    assert SECRET not in cleaned


@given(st.text(min_size=8, alphabet=st.characters(codec="utf-8")), st.binary(max_size=9), st.binary(max_size=9))
def test_a_secret_inside_base64_leaves_only_its_neighbours(secret: str, before: bytes, after: bytes) -> None:
    coded = base64.b64encode(before + secret.strip().encode() + after).decode()
    cleaned = redact.Redactor([secret]).clean(coded)
    if len(secret.strip().encode()) >= 8:
        assert len(cleaned.replace(redact.MASK, "")) <= len(coded) - len(secret.strip().encode()) * 4 // 3 + 4


def test_the_lines_of_a_key_are_masked_one_by_one() -> None:
    key = "-----BEGIN KEY-----\nMIIEvQIBADAN\nBgkqhkiG9w0B\n-----END KEY-----\n"
    assert redact.Redactor([key]).clean("x BgkqhkiG9w0B y") == f"x {redact.MASK} y"


def test_a_secret_learnt_later_is_masked_too() -> None:
    redactor = redact.Redactor()
    assert redactor.clean(SECRET) == SECRET
    redactor.add(SECRET)
    assert redactor.clean(SECRET) == redact.MASK


def test_short_values_would_blot_out_words() -> None:
    assert redact.Redactor(["a", "", "no"]).clean("a note") == "a note"


def test_terminals_are_not_steered() -> None:
    hostile = "name\x1b[2J\x1b]0;t\x07 \u202egnp.exe \x9b31m\r\u200bx\ttab\nline"
    cleaned = redact.plain(hostile)
    assert not set(cleaned) & set("\x1b\x07\u202e\x9b\r\u200b")
    assert cleaned.endswith("x\ttab\nline")
