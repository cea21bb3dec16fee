"""The PodExec port in memory: tests say what commands answer."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence

from gitops.errors import ClusterUnavailable

Answer = Callable[[str, Sequence[str]], bytes]


class FakePodExec:
    """`answer` gets the pod's name and the command, and gives the output or raises."""

    def __init__(self, answer: Answer | None = None) -> None:
        self.answer = answer
        self.commands: list[tuple[str, ...]] = []
        """Every command run, in order."""

    async def run(
        self, namespace: str, pod: str, container: str, command: Sequence[str]
    ) -> AsyncGenerator[bytes, None]:
        """See `gitops.ports.podexec.PodExec`."""
        self.commands.append(tuple(command))
        if self.answer is None:
            raise ClusterUnavailable(
                f"cannot run {command[0]} in {namespace}/{pod}", cause=f"{container} has ended", status={"code": 500}
            )
        output = self.answer(pod, command)
        middle = len(output) // 2
        for part in (output[:middle], output[middle:]):
            if part:
                yield part
