from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import errors
from gitops.source import paths


@pytest.mark.parametrize("path", ["/etc/passwd", "../x", "a/../b", "a//b", "a/", "./a", "a/.", "a\0b"])
def test_what_could_climb_out_is_refused(path: str) -> None:
    with pytest.raises(errors.ConfigError, match="not a path inside the repository"):
        paths.parts(path)


@pytest.mark.parametrize(
    ("written", "meant"), [("./overlays/dev/", "overlays/dev"), (".", ""), ("", ""), ("a/../b", "b"), ("a//b", "a/b")]
)
def test_what_people_write(written: str, meant: str) -> None:
    assert paths.normal(written) == meant


@pytest.mark.parametrize("path", ["..", "a/../..", "/a", "../a"])
def test_outside_is_outside_however_it_is_written(path: str) -> None:
    with pytest.raises(errors.ConfigError):
        paths.normal(path)


@given(st.text(alphabet="a./"))
def test_normal_gives_what_parts_takes(path: str) -> None:
    try:
        found = paths.normal(path)
    except errors.ConfigError:
        return
    assert "/".join(paths.parts(found)) == found
    assert paths.normal(found) == found
