"""The pure parts of the test cluster: cache, audit log, archives, error text, wheels."""

from __future__ import annotations

import datetime as dt
import json
import tarfile
import zipfile
from pathlib import Path

import pytest

from tests.cluster import addresses, archive, audit, cache, machine, nodeconfig, program
from tests.cluster.archive import Entry, ImageConfig
from tests.cluster.errors import GroundError

START = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)


def line(number: int, *, user: str = "ann", audit_id: str = "", stage: str = "ResponseComplete") -> str:
    received = START + dt.timedelta(seconds=number)
    return json.dumps(
        {
            "auditID": audit_id or f"id-{number}",
            "stage": stage,
            "verb": "get",
            "requestURI": f"/{number}",
            "user": {"username": user},
            "responseStatus": {"code": 200},
            "requestReceivedTimestamp": received.isoformat(),
            "stageTimestamp": received.isoformat(),
        }
    )


def write_log(path: Path, *lines: str) -> Path:
    path.write_text("".join(f"{each}\n" for each in lines))
    return path


def test_audit_reads_lines_that_straddle_blocks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(audit, "BLOCK", 64)
    log = write_log(tmp_path / "audit.log", *(line(number) for number in range(20)))
    assert [event.uri for event in audit.read(log)] == [f"/{number}" for number in range(20)]


def test_audit_leaves_out_a_line_still_being_written(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", line(1))
    with log.open("a") as file:
        file.write(line(2)[:40])
    assert [event.uri for event in audit.read(log)] == ["/1"]


def test_audit_counts_a_request_once_and_by_user(tmp_path: Path) -> None:
    log = write_log(
        tmp_path / "audit.log",
        line(1, audit_id="watch", stage="ResponseStarted"),
        line(2, user="bob"),
        line(3, audit_id="watch"),
    )
    assert [(event.audit_id, event.stage) for event in audit.read(log, user="ann")] == [("watch", "ResponseStarted")]


def test_audit_of_a_log_that_does_not_exist_yet_is_empty(tmp_path: Path) -> None:
    assert audit.read(tmp_path / "audit.log") == []


def test_audit_since_looks_at_when_a_request_was_received(tmp_path: Path) -> None:
    log = write_log(tmp_path / "audit.log", *(line(number) for number in range(0, 100, 10)))
    since = START + dt.timedelta(seconds=75)
    assert [event.uri for event in audit.read(log, since=since)] == ["/80", "/90"]


def test_the_cache_keeps_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_CACHE", str(tmp_path))

    def fail(made: Path) -> None:
        made.write_text("half")
        raise GroundError("no disk left")

    with pytest.raises(GroundError):
        cache.obtain("thing", cache.key("a"), fail)
    assert list(cache.artefacts().iterdir()) == []
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


def test_the_cache_makes_a_thing_once_and_forgets_the_oldest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GITOPS_CACHE", str(tmp_path))
    made: list[str] = []

    def make(path: Path) -> None:
        made.append(path.name)
        path.write_text("whole")

    first = cache.obtain("thing", cache.key("0"), make)
    assert cache.obtain("thing", cache.key("0"), make) == first
    assert len(made) == 1
    for number in range(1, cache.KEPT_PER_NAME + 1):
        cache.obtain("thing", cache.key(str(number)), make)
    assert len(list(cache.artefacts().iterdir())) == cache.KEPT_PER_NAME


def test_keys_tell_inputs_apart_by_their_borders() -> None:
    assert cache.key("ab", "c") != cache.key("a", "bc")


def test_an_error_quotes_the_end_of_the_log(tmp_path: Path) -> None:
    log = tmp_path / "some.log"
    log.write_text("\n".join(f"line {number}" for number in range(100)))
    text = str(GroundError("it failed", why="a reason", log=log, hint="this"))
    assert text.splitlines()[:3] == ["it failed", "  why:  a reason", f"  log:  {log}"]
    assert "line 99" in text
    assert "line 84" not in text
    assert text.endswith("  try:  this")


def test_the_same_content_makes_the_same_image(tmp_path: Path) -> None:
    written = []
    for name in ("one", "two"):
        directory = tmp_path / name
        directory.mkdir()
        layer, image = directory / "layer.tar", directory / "image.tar"
        entries = [Entry(path="a", content=b"x"), Entry(path="b/"), Entry(path="c", link="a")]
        archive.write_layer(layer, entries if name == "one" else entries[::-1])
        config = ImageConfig(command=["a"], env={"A": "b"})
        archive.write_image(image, name="docker.io/library/x:1", layers=[layer], config=config)
        assert archive.read_names(image) == ["docker.io/library/x:1"]
        with tarfile.open(image) as tar:
            written.append(sorted(tar.getnames()))
    assert written[0] == written[1]


def test_a_wheel_tells_its_scripts_and_its_plain_requirements(tmp_path: Path) -> None:
    wheel = tmp_path / "p-1.2-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as files:
        metadata = "Name: p\nVersion: 1.2\nRequires-Dist: b>=2\nRequires-Dist: a\nRequires-Dist: c ; extra == 'x'\n"
        metadata += "Requires-Dist: d>=1; extra == 's3'\n"
        files.writestr("p-1.2.dist-info/METADATA", metadata)
        files.writestr("p-1.2.dist-info/entry_points.txt", "[console_scripts]\np = q.main:main\n")
    read = program.read(wheel)
    assert (read.version, read.requirements, read.scripts) == ("1.2", ("a", "b>=2", "d>=1"), {"p": "q.main:main"})


def test_what_is_no_wheel_is_said_to_be_none(tmp_path: Path) -> None:
    path = tmp_path / "p.whl"
    path.write_text("text")
    with pytest.raises(GroundError, match="is no wheel"):
        program.read(path)


def test_capabilities_are_named_in_the_kernels_order() -> None:
    names = machine.CAPABILITIES.split()
    assert (names[0], names[21], names[24], names[40]) == (
        "CHOWN",
        "SYS_ADMIN",
        "SYS_RESOURCE",
        "CHECKPOINT_RESTORE",
    )


def test_a_kubelet_lets_no_stranger_in() -> None:
    for restricted in (False, True):
        config = nodeconfig.kubelet(addresses.SECOND, cgroup_v2=True, restricted=restricted)
        assert config["authentication"]["anonymous"] == {"enabled": False}
        assert config["authorization"] == {"mode": "Webhook"}
        assert ("featureGates" in config) is restricted
        assert config["containerLogMaxSize"] == "1Mi"


def test_every_node_has_a_route_to_the_pods_of_the_others() -> None:
    assert nodeconfig.routes(addresses.FIRST) == "10.244.2.0/24 via 10.213.77.12\n"
