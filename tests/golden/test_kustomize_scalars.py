"""Scalars and strings: read as kustomize reads them, printed as kubectl prints them, byte for byte."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops import yaml
from tests.golden import oracle

SPELLINGS = """
0644 0o644 0x1F 0b11 1_000 1e3 1.0 1.10 .5 5. +7 -0 08 009 12:30 1:30:15 190:20:30 yes No on OFF y n
Y true True TRUE false null Null ~ 2024-01-02 2024-1-2 2024-13-02 2024-02-30
2001-12-14t21:59:43.10-05:00 2001-12-14T21:59:43Z 12345678901234567890 99999999999999999999999 1e21
2001-12-14t21:59:43Z 1234567.5 123456.5 123456789.125 1e20 3e20 1.5e19 18446744073709551615 18446744073709551616
9223372036854775807 1.23456789012345678e17 12e-3 10.50
1e22 1e-7 0.0001 0.00001 1.5 -1.5 3.14159 0777 0o8 08.5 1__0 _1 1_ 0x 0xg 1e 1e+ .e1 . .. - -- ---
<<= !x .51_0 .5_ ._5 .5__1
"""
SPELLED = SPELLINGS.split()


def _text() -> str:
    lines = ["apiVersion: v1", "kind: ConfigMap", "metadata:", "  name: scalars", "  annotations:"]
    plain = [word for word in SPELLED if not word.startswith(("!", "-", "."))] + ["-1", ".5"]
    lines += [f"    a{i}: {word}" for i, word in enumerate(plain)]
    lines += ["data:"] + [f"  d{i}: {word}" for i, word in enumerate(plain)]
    lines += [f"  q{i}: {json.dumps(word)}" for i, word in enumerate(SPELLED)]
    return "\n".join(lines) + "\n  empty:\n  list: [" + ", ".join(plain) + "]\n"


def test_every_spelling(kubectl: Path, tmp_path: Path) -> None:
    files = {"kustomization.yaml": "resources: [a.yaml]", "a.yaml": _text()}
    theirs, refused = oracle.theirs(kubectl, tmp_path, files, "")
    assert refused == ""
    assert oracle.ours(files, "") == (theirs, "")


_CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\u2028\u2029\ufeff\ufffe\uffff")
_LONG = st.lists(st.text("abc'\\\":# é", max_size=30), min_size=3, max_size=12).map(" ".join)
_STRINGS = st.one_of(_LONG, st.text(_CHARACTERS, max_size=12), st.text("ab \n:#-?'\"\\[]{},&*!|>%@`\t01.", max_size=12))
# go-yaml's order of keys with numbers inside is not transitive, so what it prints then is a matter of chance.
_KEYS = st.tuples(st.text("abzAB._-/", min_size=1, max_size=5), st.sampled_from(["", "1", "2", "10", "9"])).map("".join)


@settings(max_examples=6, deadline=None, suppress_health_check=list(HealthCheck), derandomize=True, database=None)
@given(data=st.lists(st.dictionaries(_KEYS, _STRINGS, min_size=1, max_size=12), min_size=1, max_size=12))
def test_strings_print_alike(kubectl: Path, data: list[dict[str, str]]) -> None:
    objects = [
        {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": f"n{i}"}, "data": one}
        for i, one in enumerate(data)
    ]
    files = {
        "kustomization.yaml": "resources: [a.yaml]\nsortOptions: {order: fifo}\n",
        "a.yaml": "---\n".join(json.dumps(one, ensure_ascii=False) + "\n" for one in objects),
    }
    with tempfile.TemporaryDirectory() as root:
        theirs, refused = oracle.theirs(kubectl, Path(root), files, "")
    assert refused == ""
    assert yaml.dump_all(objects) == theirs
