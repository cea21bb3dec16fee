"""The program as an installed wheel runs it: compiled once, found from the sources."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]


def environment(folder: Path) -> dict[str, str]:
    """This process's environment, with the sources on the path and their bytecode kept in a folder.

    A machine that sets PYTHONDONTWRITEBYTECODE (many containers do) would compile every module anew in every run, which
    no installed program does.
    """
    kept = {key: value for key, value in os.environ.items() if key != "PYTHONDONTWRITEBYTECODE"}
    path = os.pathsep.join([str(ROOT), str(ROOT / "cmd")])
    return {**kept, "PYTHONPATH": path, "PYTHONPYCACHEPREFIX": str(folder / "bytecode")}
