"""Repositories that were honest until something bit them: they are built, or the build says what is wrong."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from gitops import build, errors, yaml
from gitops.source.tree import MemoryTree
from gitops.yaml import reader
from tests.golden import overlays

Draw = Callable[[st.SearchStrategy[Any]], Any]

BITS = (
    "", "\0", "\x1b", "\t", "&a ", "*a", "<<: ", "- ", "? ", ": ", "{", "}", "[", "]", "|\n", '"', "'", "#", "!!int ",
    "*", "---\n", "~", "..", "/", "\u2028", "\ufeff", "9" * 500, "$(VAR)", "$patch: ", "(a*)*", "[a=", "\\",
)  # fmt: skip
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.sampled_from(BITS)
    | st.text(max_size=4),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from([*BITS, "name", "kind"]), inner, max_size=3)
    ),
    max_leaves=6,
)


@st.composite
def bitten(draw: Draw) -> dict[str, bytes]:
    """A whole repository in which one to three values were exchanged, or pieces of text were put in or left out."""
    files = {path: content.encode() for path, content in draw(overlays.repositories()).items()}
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(sorted(files)))
        exchanged = draw(st.booleans()) and _exchanged(draw, files[path])
        files[path] = exchanged if isinstance(exchanged, bytes) else _cut(draw, files[path])
    return files


def _exchanged(draw: Draw, content: bytes) -> bytes | None:
    """A JSON text with another value somewhere; None for what is no JSON."""
    try:
        whole = json.loads(content)
    except ValueError:
        return None
    places = _places(whole)
    if not places:
        return None
    node, key = draw(st.sampled_from(places))
    node[key] = draw(VALUES)
    return json.dumps(whole).encode()


def _places(value: Any) -> list[tuple[Any, Any]]:
    pairs = (
        list(value.items()) if isinstance(value, dict) else list(enumerate(value)) if isinstance(value, list) else []
    )
    return [(value, key) for key, _ in pairs] + [place for _, item in pairs for place in _places(item)]


def _cut(draw: Draw, content: bytes) -> bytes:
    start: int = draw(st.integers(0, len(content)))
    end = start + draw(st.sampled_from([0, 0, 1, 2, 10]))
    bit: bytes = draw(st.sampled_from(BITS).map(str.encode) | st.binary(max_size=3))
    return content[:start] + bit + content[end:]


def _outcome(files: dict[str, bytes], *, tracking: bool) -> tuple[list[Any], str]:
    try:
        built = build.build(MemoryTree(files), "top", tracking=tracking).objects
    except errors.GitOpsError as error:
        if any(one.location is None for one in errors.singles(error)):
            raise
        return [], str(error)
    return [yaml.plain(one.manifest) for one in built], ""


@given(bitten())
def test_fuzz_a_bitten_repository_is_built_or_refused_with_a_place(files: dict[str, bytes]) -> None:
    objects, refused = _outcome(files, tracking=False)
    for one in objects:
        assert yaml.load_all(yaml.dump_all([one]).encode(), "again.yaml")[0].value == one

    traced, refused_too = _outcome(files, tracking=True)
    assert bool(refused) == bool(refused_too), (refused, refused_too)
    assert traced == objects


@given(st.data())
def test_fuzz_bitten_text_means_the_same_with_and_without_places(data: st.DataObject) -> None:
    files = data.draw(overlays.repositories())
    text = files[data.draw(st.sampled_from(sorted(files)))].encode()
    for _ in range(data.draw(st.integers(0, 4))):
        text = _cut(data.draw, text)

    outcomes = [_read(read, text) for read in (reader.load_all, reader.load_authored, reader.load_tracked)]
    assert outcomes[0] == outcomes[1] == outcomes[2]
    _read(reader.load_config, text)


def _read(read: Callable[[bytes, str], tuple[reader.Document, ...]], text: bytes) -> list[Any] | None:
    """What a reader makes of a text; None if it refuses it."""
    try:
        return [yaml.plain(document.value) for document in read(text, "f.yaml")]
    except errors.ConfigError as error:
        if error.location is None:
            raise
        return None
