"""Addresses of files: one plain form, and what a list of allowed ones means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops.objects import address


@pytest.mark.parametrize(
    ("text", "shown", "target"),
    [
        ("https://files.example/a/b.tar", "https://files.example/a/b.tar", "https://files.example/a/b.tar"),
        ("HTTPS://Files.Example:443/A", "https://files.example/A", "https://files.example/A"),
        ("https://files.example", "https://files.example/", "https://files.example/"),
        ("http://files.example:8080/x", "http://files.example:8080/x", "http://files.example:8080/x"),
        ("https://h/a?sig=S%2F1&x=[1]", "https://h/a", "https://h/a?sig=S%2F1&x=[1]"),
        ("https://h?x=1", "https://h/", "https://h/?x=1"),
        ("https://10.0.0.1/a", "https://10.0.0.1/a", "https://10.0.0.1/a"),
        ("https://[fd00::1]:8443/a", "https://[fd00::1]:8443/a", "https://[fd00::1]:8443/a"),
        ("https://h/a%20b/..x/.../x..", "https://h/a%20b/..x/.../x..", "https://h/a%20b/..x/.../x.."),
    ],
)
def test_the_plain_form_is_read(text: str, shown: str, target: str) -> None:
    found = address.parse(text)
    assert (found.shown, found.target) == (shown, target)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "files.example/a",
        "ftp://h/a",
        "file:///etc/passwd",
        "//h/a",
        "https:/h/a",
        "https:///a",
        "https://secret@h/a",
        "https://user:secret@h/a",
        "https://h:secret@evil/a",
        "https://h\\@evil/a",
        "https://h#@evil/a",
        "https://h/a#b",
        "https://h/a b",
        "https://h/a\n",
        "\thttps://h/a",
        "https://h/ä",
        "https://hä/a",
        "https://h.../a",
        "https://h./a",
        "https://-h/a",
        "https://h_h/a",
        "https://h:0/a",
        "https://h:65536/a",
        "https://h:/a",
        "https://h:1:2/a",
        "https://127.1/a",
        "https://0127.0.0.1/a",
        "https://2130706433/a",
        "https://0x7f000001/a",
        "https://127.0.0.0x1/a",
        "https://1.2.3.4.5/a",
        "https://[::0001]/a",
        "https://[::1%25eth0]/a",
        "https://[::ffff:127.0.0.1]/a",
        "https://[127.0.0.1]/a",
        "https://[::1/a",
        "https://h/a/../b",
        "https://h/..",
        "https://h/./a",
        "https://h/%2e%2e/b",
        "https://h/.%2E/b",
        "https://h/%252e%252e/b",
        "https://h/..;x/b",
        "https://h/a%2fb",
        "https://h/a%5cb",
        "https://h/a\\b",
        "https://h/a%00",
        "https://h/a%0d%0aHost:%20evil",
        "https://h/a%zz",
        "https://h/" + "a" * 9000,
    ],
)
def test_every_other_form_is_none_and_is_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match=r".") as caught:
        address.parse(text)
    assert "secret" not in str(caught.value)


ENTRIES = ("https://files.example/releases/", "https://one.example/only.tar", "https://h:8443/*/x-*/", "http://plain/")


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("https://files.example/releases/1/a.tar?sig=x", True),
        ("https://files.example/releases/", True),
        ("https://files.example/releases", False),
        ("https://files.example/releasesx/a", False),
        ("https://files.example/other/releases/a", False),
        ("http://files.example/releases/a", False),
        ("https://files.example:8443/releases/a", False),
        ("https://files.example.evil/releases/a", False),
        ("https://evil.files.example/releases/a", False),
        ("https://evil/files.example/releases/a", False),
        ("https://evil/?https://files.example/releases/", False),
        ("https://one.example/only.tar?a=b", True),
        ("https://one.example/only.tar/more", False),
        ("https://one.example/only.tarx", False),
        ("https://one.example/only%2etar", False),
        ("https://h:8443/a/x-1/deep/er", True),
        ("https://h:8443/a/b/x-1/c", False),
        ("https://h:8443/a/y/c", False),
        ("http://plain/a", True),
        ("https://plain/a", False),
    ],
)
def test_what_a_list_allows(text: str, *, allowed: bool) -> None:
    assert address.allows(ENTRIES, address.parse(text)) is allowed


@pytest.mark.parametrize("entry", ["*", "https://*/", "https://*.example/", "https://h/?x", "h", "https://u@h/", ""])
def test_an_entry_that_is_no_address_allows_nothing(entry: str) -> None:
    assert not address.allows([entry], address.parse("https://h/"))
    assert not address.allows([entry], address.parse("https://a.example/"))


@pytest.mark.parametrize(
    ("location", "leads"),
    [
        ("/b", "https://h/b"),
        ("c?x=1#frag", "https://h/a/c?x=1"),
        ("../c", "https://h/c"),
        ("//other/c", "https://other/c"),
        ("http://h/c", "http://h/c"),
        (" https://h/d ", "https://h/d"),
    ],
)
def test_a_redirect_leads_somewhere(location: str, leads: str) -> None:
    assert address.follow(address.parse("https://h/a/b"), location).target == leads


@pytest.mark.parametrize("location", ["https://u:p@h/", "file:///etc/passwd", "/%2e%2e/x", "https://127.1/", "/a\\b"])
def test_a_redirect_to_another_form_leads_nowhere(location: str) -> None:
    with pytest.raises(ValueError, match="it"):
        address.follow(address.parse("https://h/a/b"), location)


@given(st.text(st.sampled_from("https:/.%2e5cf@h\\?#;*[]\u00e4 01x-"), max_size=40))
def test_property_what_is_read_reads_the_same_again(rest: str) -> None:
    try:
        found = address.parse(f"https://{rest}")
    except ValueError:
        return
    assert address.parse(found.target) == found
    assert not {".", ".."} & set(found.path.split("/"))
    assert "@" not in found.host
