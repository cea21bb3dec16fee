"""The body of an apply is read as YAML by the server."""

from __future__ import annotations

import json
from typing import Any

import yaml
from hypothesis import given
from hypothesis import strategies as st

from gitops.cluster.request import as_yaml

VALUES = st.dictionaries(
    st.text(max_size=5), st.text(max_size=20) | st.lists(st.text(max_size=8), max_size=3), max_size=4
)


def encoded(value: Any) -> bytes:
    return json.dumps(value, ensure_ascii=False).encode()


@given(st.text('a\x7f\x80\x85\x9f\u2028\u2029\ufeff\ufffe \n\t\\"', max_size=20))
def test_property_json_and_yaml_read_the_same(text: str) -> None:
    body = as_yaml(encoded({"data": {"a": text}}))
    assert json.loads(body) == {"data": {"a": text}}
    assert yaml.load(body, Loader=yaml.CSafeLoader) == {"data": {"a": text}}


@given(VALUES)
def test_property_nothing_is_lost(value: Any) -> None:
    assert json.loads(as_yaml(encoded(value))) == value
