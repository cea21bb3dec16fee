"""The runner compiled for this machine with the address and undefined-behaviour sanitizers, and what it did."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

import pytest

from gitops import runner
from gitops.runner import frames, record

SOURCES = Path(__file__).parents[2] / "gitops" / "runner" / "src"


@dataclass
class Ran:
    code: int
    frames: list[frames.Frame]
    record: record.EndRecord
    raw: bytes

    @property
    def output(self) -> bytes:
        return b"".join(frame.payload for frame in self.frames if frame.stream in frames.OUTPUT)

    @property
    def remarks(self) -> bytes:
        return b"\n".join(frame.text for frame in self.frames if frame.stream == frames.SYSTEM)


def emulated(folder: Path) -> list[str]:
    """The command that runs the other architecture's runner here; skips the test where nothing can emulate it."""
    emulator = shutil.which("qemu-aarch64-static")
    if emulator is None:
        pytest.skip("no qemu-aarch64-static (Debian: apt-get install qemu-user-static): arm64 is only compiled here")
    program = folder / "runner"
    program.write_bytes(runner.files()["runner-arm64"])
    program.chmod(0o755)
    return [emulator, str(program)]


def ran(process: subprocess.Popen[bytes], record_file: Path, timeout: float = 30) -> Ran:
    raw, errors = process.communicate(timeout=timeout)
    assert not errors, errors.decode()
    decoder = frames.Decoder()
    found = decoder.feed(raw)
    assert decoder.missing == 0
    assert decoder.foreign == b""
    assert found[-1].stream == frames.END
    end = record.read(found[-1].text)
    assert end is not None
    assert record.read(record_file.read_bytes()) == end
    result = Ran(process.returncode, found, end, raw)
    assert end.sha256 == hashlib.sha256(result.output).hexdigest()
    assert end.bytes == len(result.output)
    assert end.last_seq == found[-1].seq
    return result


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("runner") / "runner"
    compiled(path, *SOURCES.glob("*.c"))
    return path


def compiled(path: Path, *sources: Path) -> None:
    compiler = shutil.which("gcc")
    if compiler is None:
        pytest.skip("no gcc: the sanitized runner is not built here")
    flags = ["-std=gnu11", "-g", "-O1", "-Wall", "-Wextra", "-Werror", "-fsanitize=address,undefined", f"-I{SOURCES}"]
    command = [compiler, *flags, "-fno-sanitize-recover=all", "-o", str(path), *map(str, sorted(sources))]
    subprocess.run(command, check=True, timeout=120)


@dataclass
class Bench:
    program: Path
    folder: Path

    def start(self, script: str, *options: str, env: dict[str, str] | None = None) -> subprocess.Popen[bytes]:
        command = [str(self.program), "--record", str(self.folder / "record"), *options, "--"]
        return subprocess.Popen(
            [*command, "bash", "-c", script],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL,
            cwd=self.folder,
            env={**os.environ, **(env or {})},
        )

    def run(self, script: str, *options: str, env: dict[str, str] | None = None) -> Ran:
        return ran(self.start(script, *options, env=env), self.folder / "record")


@pytest.fixture
def bench(program: Path, tmp_path: Path) -> Bench:
    return Bench(program, tmp_path)
