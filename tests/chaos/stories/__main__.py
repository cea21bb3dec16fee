"""Tell one story aloud: `python -m tests.chaos.stories NUMBER`."""

from __future__ import annotations

import asyncio
import logging
import sys

from gitops.testing.store import Stored
from tests.chaos.stories import invariants, loop
from tests.chaos.stories.plot import Incident, Plot, plot
from tests.chaos.stories.story import Story


def say(text: str) -> None:
    sys.stdout.write(f"{asyncio.get_running_loop().time():8.2f}  {text}\n")


class Aloud(Story):
    """Says what happens to operations and pods, and what the workers log."""

    def __init__(self, plot_: Plot) -> None:
        super().__init__(plot_)
        self.cluster.objects.store.listen(self._hear)

    async def happen(self, one: Incident) -> None:
        say(f"--- {one.what} ({one.which}, {one.much:.2f})")
        await super().happen(one)

    def _hear(self, change: Stored) -> None:
        _, kind, _, name = change.address
        if kind not in {"Operation", "Pod"}:
            return
        status, metadata = change.object.get("status") or {}, change.object["metadata"]
        words = [kind, name, metadata["resourceVersion"], status.get("phase"), status.get("reason")]
        words += ["deleted"] if change.gone else ["to be deleted"] if metadata.get("deletionTimestamp") else []
        say("  ".join(str(word) for word in words if word))


class _Log(logging.Handler):
    def emit(self, record: logging.LogRecord) -> None:
        say(f"    {record.name.rpartition('.')[2]}: {record.getMessage()}")


def main(number: int) -> int:
    logging.basicConfig(level=logging.INFO, handlers=[_Log()])
    logging.getLogger("asyncio").setLevel(logging.ERROR)
    chosen = plot(number)
    sys.stdout.write("\n".join([*map(str, chosen.jobs), *map(str, chosen.incidents), f"{chosen.deaths}", ""]))
    told = loop.tell(Aloud.of(chosen))
    for process, line in ((process, process.line) for process in told.processes):
        sys.stdout.write(f"{told.processes.index(process)}: {dict(line.labels)}\n")
    broken = invariants.broken(told)
    sys.stdout.write("\n".join(broken or ["no rule was broken"]) + "\n")
    return int(bool(broken))


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1])))
