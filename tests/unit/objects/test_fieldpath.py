"""Fields as people write them."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from gitops import errors
from gitops.objects import fieldpath

OBJECT = {
    "metadata": {"labels": {"example.org/team": "blue"}},
    "spec": {"containers": [{"name": "a", "image": "x"}, {"name": "b", "image": "y"}]},
}


@pytest.mark.parametrize(
    ("text", "pointer"),
    [
        ("", ""),
        (".", ""),
        ("/spec/containers/0", "/spec/containers/0"),
        (".spec.containers[1].image", "/spec/containers/1/image"),
        ("spec.containers[name=b].image", "/spec/containers/1/image"),
        (".metadata.labels['example.org/team']", "/metadata/labels/example.org~1team"),
        ('.metadata.labels["example.org/team"]', "/metadata/labels/example.org~1team"),
        (r".metadata.labels.example\.org/team", "/metadata/labels/example.org~1team"),
    ],
)
def test_forms(text: str, pointer: str) -> None:
    assert fieldpath.pointer(text, OBJECT) == pointer


@pytest.mark.parametrize(
    ("text", "words"),
    [(".spec..x", "cannot be read"), (".spec.containers[name=c]", "no item has name=c"), (".a[", "cannot be read")],
)
def test_what_is_no_path_is_said(text: str, words: str) -> None:
    with pytest.raises(errors.ConfigError) as raised:
        fieldpath.pointer(text, OBJECT)
    assert words in raised.value.cause


KEYS = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="'"), min_size=1).filter(
    lambda key: not key.isdigit() and not key.startswith(("/", "."))
)


@example(["\n["])
@given(st.lists(KEYS, min_size=1, max_size=4))
def test_property_what_is_shown_is_read_back(keys: list[str]) -> None:
    pointer = "".join(f"/{fieldpath.escape(key)}" for key in keys)
    assert fieldpath.pointer(fieldpath.dotted(pointer), {}) == pointer
