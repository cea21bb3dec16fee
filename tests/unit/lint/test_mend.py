"""Edits change what they are about and nothing else."""

from __future__ import annotations

import difflib

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from gitops import yaml
from gitops.lint.mend import mend
from gitops.source.tree import MemoryTree
from gitops.yaml import edit, scan
from tests.unit.lint.trees import POOL, WORKER, findings, tree

MESSY = """\
# who wrote this, and why
apiVersion:   gitops-worker.io/v1alpha1
kind: WorkerPool   # ours
metadata:
    name: linux
    labels: {country: no, "since": 2024-01-01,   version: 1.10} # three of them
spec:
  suspended:   off


  image: 'worker-tools:1'
  resources:  # measured in May
      requests: { memory: 512Mi,cpu: 500m }
"""


def mended(source: MemoryTree) -> MemoryTree:
    files = dict(source.files)
    files.update(mend(findings(source), source.read))
    return MemoryTree(files)


def changed(before: str, after: str) -> list[str]:
    return [line for line in difflib.ndiff(before.splitlines(), after.splitlines()) if line[0] in "+-"]


def test_comments_order_and_spacing_stay() -> None:
    after = mended(tree(pool=MESSY, worker=WORKER)).read("pool.yaml").decode()
    assert changed(MESSY, after) == [
        "+ # yaml-language-server: $schema=https://gitops-worker.io/schemas/v1alpha1/workerpool.json",
        '-     labels: {country: no, "since": 2024-01-01,   version: 1.10} # three of them',
        '+     labels: {country: "no", "since": "2024-01-01",   version: "1.10"} # three of them',
        "-   suspended:   off",
        "+   suspended:   false",
    ]


def test_line_ends_and_byte_order_mark_stay() -> None:
    files = {"pool.yaml": ("\ufeff" + MESSY.replace("\n", "\r\n")).encode()}
    after = mended(MemoryTree(files)).read("pool.yaml").decode()
    assert after.startswith("\ufeff# yaml-language-server")
    assert after.count("\n") == after.count("\r\n") == MESSY.count("\n") + 1


def test_mending_twice_is_mending_once() -> None:
    once = mended(tree(pool=MESSY, worker=WORKER))
    assert mend(findings(once), once.read) == {}
    assert findings(once) == ()


def test_what_may_be_meant_in_two_ways_is_left_alone() -> None:
    deployment = "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: a}\nspec: {paused: yes, replicas: 010}\n"
    source = tree(deployment=deployment)
    assert [one.code.code for one in findings(source)] == ["GW111", "GW112"]
    assert mend(findings(source), source.read) == {}


def test_a_file_of_several_kinds_gets_no_schema_line() -> None:
    both = POOL.partition("\n")[2] + "---\n" + WORKER.partition("\n")[2]
    assert findings(tree(both=both)) == ()


VALUES = st.one_of(
    st.sampled_from(
        ["yes", "no", "off", "n", "0755", "1.10", "2024-01-01", "true", "1e3", "9007199254740993", "~", ""]
    ),
    st.text(
        st.characters(codec="ascii", categories=["L", "N", "P"], exclude_characters="#:{}[]&*!|>%@`\"',?-"), min_size=1
    ),
)
KEYS = st.text("abcdefgh", min_size=1, max_size=4)


@given(st.dictionaries(KEYS, VALUES, min_size=1, max_size=6))
def test_property_after_mending_every_value_is_the_string_that_was_written(entries: dict[str, str]) -> None:
    # What JSON cannot hold is refused where it is read, so there is nothing to mend.
    assume(not {value.lower() for value in entries.values()} & {".nan", ".inf"})
    lines = "".join(f"  {key}: {value}  # {key}\n" for key, value in entries.items())
    source = tree(settings=f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: a}}\ndata:\n{lines}")
    after = mended(source).read("settings.yaml")
    [document] = yaml.load_all(after, "settings.yaml")
    nothing = {"", "~", "null", "Null", "NULL"}
    assert document.value["data"] == {key: None if value in nothing else value for key, value in entries.items()}
    assert [line.rpartition("#")[2] for line in after.decode().splitlines()[4:]] == [f" {key}" for key in entries]


@given(st.text(), st.lists(st.tuples(st.integers(0, 30), st.integers(0, 5), st.text(max_size=3)), max_size=5))
def test_property_an_edit_replaces_its_characters(text: str, wanted: list[tuple[int, int, str]]) -> None:
    text = text.removeprefix("\ufeff").encode("utf-8", "ignore").decode()
    edits, position = [], 0
    for skip, length, new in wanted:
        start = position + skip
        end = start + length
        if end > len(text):
            break
        edits.append(edit.Edit(start, end, new.encode("utf-8", "ignore").decode()))
        position = end + 1
    expected = text
    for one in reversed(edits):
        expected = expected[: one.start] + one.text + expected[one.end :]
    assert edit.apply(text.encode(), edits).decode() == expected


@pytest.mark.parametrize("text", ["no", 'say "no"', "back\\slash", "tab\t"])
def test_a_quoted_text_is_read_back(text: str) -> None:
    [document] = yaml.load_all(f"a: {edit.quoted(text)}\n".encode(), "x")
    assert document.value == {"a": text}


def test_a_scan_knows_the_extent_of_what_is_written() -> None:
    text = "# é\na: {b: ünï, c: 'q'}\nd: |\n  two\n  lines\n"
    scanned = scan.scan(text.encode(), "x")
    assert {one.pointer: text[one.start : one.end] for one in scanned.scalars if one.plain} == {"/a/b": "ünï"}
    assert sorted(scanned.lengths.values()) == [1, 1, 1, 1, 3, 3]
