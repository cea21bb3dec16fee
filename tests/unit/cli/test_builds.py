"""Renderings kept on disk: never another than a build would make, never a value in clear."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops import build, errors, yaml
from gitops.source import MemoryTree, Tree
from gitops_cli import _builds
from tests.golden import overlays

FILES = {
    "base/kustomization.yaml": b"resources: [app.yaml]\n",
    "base/app.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\ndata: {k: v}\n",
    "top/kustomization.yaml": b"resources: [../base]\nsecretGenerator:\n- name: s\n  literals: [word=canary-7]\n",
}


def made(tree: Tree) -> bytes:
    return yaml.dump_all(one.manifest for one in build.build(tree, "top").objects).encode()


def kept(folder: Path, files: Mapping[str, bytes]) -> bytes:
    return _builds.kept(MemoryTree(files), "top", make=made, folder=folder, worth=0)


def refuse(_tree: Tree) -> bytes:
    raise AssertionError


def recalled(folder: Path, files: Mapping[str, bytes]) -> bool:
    try:
        _builds.kept(MemoryTree(files), "top", make=refuse, folder=folder, worth=0)
    except AssertionError:
        return False
    return True


def outcome(files: Mapping[str, bytes]) -> bytes | str:
    try:
        return made(MemoryTree(files))
    except errors.GitOpsError as error:
        return str(error)


def test_what_did_not_change_is_not_built_again(tmp_path: Path) -> None:
    first = kept(tmp_path, FILES)
    assert recalled(tmp_path, FILES)
    assert kept(tmp_path, FILES) == first == made(MemoryTree(FILES))
    assert recalled(tmp_path, {**FILES, "elsewhere.txt": b"not read"})


@pytest.mark.parametrize(
    "change",
    [
        {"base/app.yaml": b"apiVersion: v1\nkind: ConfigMap\nmetadata: {name: b}\n"},
        {"base/kustomization.yml": b"resources: []\n"},
        {"base/Kustomization": b"resources: []\n"},
        {"base/app.yaml/in.yaml": b""},
    ],
)
def test_an_edit_an_addition_and_a_second_kustomization_are_seen(change: dict[str, bytes], tmp_path: Path) -> None:
    kept(tmp_path, FILES)
    assert not recalled(tmp_path, {**FILES, **change}) or outcome({**FILES, **change}) == made(MemoryTree(FILES))


def test_a_removal_is_seen(tmp_path: Path) -> None:
    kept(tmp_path, FILES)
    for name in FILES:
        assert not recalled(tmp_path, {path: content for path, content in FILES.items() if path != name})


def test_another_program_builds_anew(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, FILES)
    monkeypatch.setattr("gitops.__version__", "another")
    assert not recalled(tmp_path, FILES)


def test_no_value_is_on_disk(tmp_path: Path) -> None:
    assert b"Y2FuYXJ5LTc=" in kept(tmp_path, FILES)
    [entry] = tmp_path.iterdir()
    content = entry.read_bytes()
    assert b"canary" not in content
    assert b"Y2FuYXJ5" not in content
    assert entry.stat().st_mode & 0o077 == 0


@settings(max_examples=60, deadline=None)
@given(where=st.integers(0, 10_000), bit=st.integers(0, 7), cut=st.booleans())
def test_property_damage_is_no_answer(where: int, bit: int, *, cut: bool) -> None:
    with tempfile.TemporaryDirectory() as folder:
        right = kept(Path(folder), FILES)
        [entry] = Path(folder).iterdir()
        content = bytearray(entry.read_bytes())
        place = where % len(content)
        content[place] ^= 1 << bit
        entry.write_bytes(bytes(content[:place] if cut else content))
        assert kept(Path(folder), FILES) == right


def test_a_folder_others_can_write_to_is_not_used(tmp_path: Path) -> None:
    kept(tmp_path, FILES)
    tmp_path.chmod(0o777)
    assert not recalled(tmp_path, FILES)


def test_a_folder_that_cannot_be_made_costs_nothing_but_time(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert kept(tmp_path / "file" / "builds", FILES) == made(MemoryTree(FILES))


def test_room_is_made_by_what_was_unused_longest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept(tmp_path, FILES)
    [entry] = tmp_path.iterdir()
    monkeypatch.setattr(_builds, "ALL_BYTES", 2 * entry.stat().st_size)
    for number in range(5):
        tree = MemoryTree(FILES)
        _builds.kept(tree, "top", str(number), make=made, folder=tmp_path, worth=0)
    assert len(list(tmp_path.iterdir())) <= 2
    assert not recalled(tmp_path, FILES)


def test_many_at_once_get_whole_answers(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        found = set(pool.map(lambda _: kept(tmp_path, FILES), range(40)))
    assert found == {made(MemoryTree(FILES))}
    assert len(list(tmp_path.iterdir())) == 1


@settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(files=overlays.repositories(), data=st.data())
def test_property_after_any_change_of_a_file_the_answer_is_what_a_build_makes(
    files: dict[str, str], data: st.DataObject
) -> None:
    before = {path: content.encode() for path, content in files.items()}
    name = data.draw(st.sampled_from([*before, "top/kustomization.yml", "top/new.yaml"]))
    after = dict(before)
    match data.draw(st.sampled_from(["edit", "remove", "move"])):
        case "edit":
            after[name] = data.draw(st.sampled_from([after.get(name, b"") + b"\n# x\n", b"", b"resources: []\n", b"{"]))
        case "remove":
            after.pop(name, None)
        case _:
            after[f"{name}.old"] = after.pop(name, b"")
    with tempfile.TemporaryDirectory() as folder:
        for state in (before, after, before):
            try:
                answer: bytes | str = kept(Path(folder), state)
            except errors.GitOpsError as error:
                answer = str(error)
            assert answer == outcome(state)
