"""Reading YAML: kustomize's dialect, exact positions, and refusal of what hurts."""

from __future__ import annotations

import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import errors, yaml
from gitops.yaml import reader


def _value(text: str) -> Any:
    return yaml.load_all(f"a: {text}\n".encode(), "f.yaml")[0].value["a"]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("0644", 420),
        ("0o644", 420),
        ("0x1F", 31),
        ("yes", "yes"),
        ("on", "on"),
        ("y", "y"),
        ("2024-01-02", "2024-01-02T00:00:00Z"),
        ("2001-12-14 21:59:43.10", "2001-12-14T21:59:43.1Z"),
        ("2024-13-02", "2024-13-02"),
        ("12:30", "12:30"),
        ("1e3", 1000),
        ("1.0", 1),
        ("1.10", 1.1),
        ("08", 8),
        ("1_000", 1000),
        ("12345678901234567890", 12345678901234567890),
        ("~", None),
        ("", None),
        ("True", True),
        ('"0644"', "0644"),
        ("!!str 12", "12"),
        ("!!int '12'", 12),
        ("!!binary aGk=", "hi"),
    ],
)
def test_scalars_mean_what_kustomize_says(text: str, value: Any) -> None:
    found = _value(text)
    assert found == value
    assert type(found) is type(value)


@pytest.mark.parametrize(
    ("text", "value"), [("yes", True), ("y", True), ("off", False), ("2024-01-02", "2024-01-02"), ("0644", 420)]
)
def test_configuration_reads_words_of_yaml_1_1(text: str, value: Any) -> None:
    assert yaml.plain(yaml.load_config(f"a: {text}\n".encode(), "k.yaml")[0].value) == {"a": value}


def test_configuration_takes_the_last_of_duplicate_keys() -> None:
    assert yaml.load_config(b"a: x\na: z\n", "k.yaml")[0].value == {"a": "z"}


def test_anchors_and_merge_keys_are_expanded_and_not_shared() -> None:
    text = b"x: &x {a: 1, b: [1]}\nonce: *x\nmore:\n  <<: *x\n  a: 2\n"
    value = yaml.load_all(text, "f.yaml")[0].value
    assert value == {"x": {"a": 1, "b": [1]}, "once": {"a": 1, "b": [1]}, "more": {"a": 2, "b": [1]}}
    value["once"]["b"].append(2)
    assert value["x"]["b"] == [1]


def test_positions_are_found_when_asked_for() -> None:
    text = b"---\na:\n  b: 1\n  c:\n  - x\n  - y: z\n---\n# nothing\n---\nd: {e: f}\n"
    first, second = yaml.load_all(text, "f.yaml")
    places = {p: str(first.position(p)) for p in ("/a", "/a/b", "/a/c/0", "/a/c/1/y")}
    assert places == {"/a": "f.yaml:2:1", "/a/b": "f.yaml:3:6", "/a/c/0": "f.yaml:5:5", "/a/c/1/y": "f.yaml:6:8"}
    assert str(second.start) == "f.yaml:10:1"
    assert str(second.position("/d/e")) == "f.yaml:10:8"
    assert second.position("/nowhere") is None


BOMB = "a: &a [1,2,3,4,5,6,7,8,9,0]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 10)}]\n" for below, name in zip("abcdef", "bcdefg", strict=True)
)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("a: b\n c: [d\n", "f.yaml:2:3: the YAML is broken: mapping values are not allowed in this context"),
        ("a: 1\nb: 2\na: 3\n", "f.yaml:3:1: the key 'a' is there twice"),
        ("a: .inf\n", "f.yaml:1:4: .inf is not a value Kubernetes can hold"),
        ("1: a\n", "f.yaml:1:1: the key '1' is not a string"),
        ("[a]: b\n", "f.yaml:1:1: a key must be a string, not a mapping, a list or an alias"),
        ("a: *b\n", "f.yaml:1:4: the alias *b refers to no anchor before it"),
        ("a: &x [*x]\n", "f.yaml:1:8: the alias *x refers to no anchor before it"),
        ("<<: 3\n", "f.yaml:1:1: the merge key `<<` takes a mapping or a list of mappings"),
        ("a: !!int x\n", "f.yaml:1:4: the value is not of the type its tag tag:yaml.org,2002:int says"),
        ("a: \x00\n", "f.yaml:1:1: the YAML is broken: control characters are not allowed"),
        ("\n\nb: \udcff", "f.yaml:3:1: the file is not UTF-8 text: byte 0xff"),
        (BOMB, "f.yaml:5:29: the document has more than 100000 values"),
        ("[" * 5000, "f.yaml:1:201: the document nests deeper than 200 levels"),
        ("x" * (reader.MAX_BYTES + 1), "f.yaml: the file has 8388609 bytes, more than the 8388608 allowed"),
    ],
)
def test_what_is_wrong_is_said_with_its_place(text: str, message: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        yaml.load_all(text.encode("utf-8", "surrogateescape"), "f.yaml")
    assert str(caught.value).startswith(message)


@given(st.binary(max_size=200) | st.text(st.sampled_from("ab: -[]{}\n&*!|>'\"#?%@,<0"), max_size=60).map(str.encode))
def test_property_any_bytes_are_read_or_refused(text: bytes) -> None:
    try:
        documents = yaml.load_all(text, "f.yaml")
    except errors.ConfigError as error:
        places = [error.location]
    else:
        places = [document.start for document in documents]
        assert all(yaml.plain(document.value) == document.value for document in documents)
    assert all(place is not None and place.file == "f.yaml" for place in places)


def test_a_bomb_is_refused_quickly() -> None:
    before = time.perf_counter()
    with pytest.raises(errors.ConfigError):
        yaml.load_all(BOMB.encode(), "f.yaml")
    assert time.perf_counter() - before < 2


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63)
    | st.text(st.characters(exclude_categories=["Cs", "Cc"]), max_size=8),
    lambda below: (
        st.lists(below, max_size=3) | st.dictionaries(st.text("abz09_.-/", min_size=1, max_size=6), below, max_size=3)
    ),
    max_leaves=12,
)


@given(st.dictionaries(st.text("abz", min_size=1, max_size=4), _JSON, min_size=1, max_size=4))
def test_property_what_is_written_is_read_back(value: dict[str, Any]) -> None:
    assert yaml.load_all(yaml.dump_all([value]).encode(), "f.yaml")[0].value == value
