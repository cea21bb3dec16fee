"""The command `python -m tests.cluster`: answers on standard output, progress on standard error."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

from tests.cluster import addresses, archive, binary, cache, cluster, engine, errors, given, program, rootfs, saved
from tests.cluster.errors import GroundError
from tests.cluster.progress import say


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit code: 0 done, 1 failed or not up."""
    parsed = _parser().parse_args(arguments)
    command: Callable[[argparse.Namespace], int] = parsed.command
    try:
        code = command(parsed)
        sys.stdout.flush()
    except GroundError as error:
        say(f"error: {error}")
        return 1
    except BrokenPipeError:
        # Whoever read our output has seen enough; keep the interpreter from flushing into the closed pipe.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 0
    return code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.cluster", description=__doc__)
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def add(name: str, command: Callable[[argparse.Namespace], int], text: str) -> argparse.ArgumentParser:
        sub = commands.add_parser(name, help=text, description=text)
        sub.set_defaults(command=command)
        return sub

    add("up", _up, "bring up the two-node cluster, or reuse the one that is up; prints the kubeconfig paths")
    down = add("down", _down, "remove every container, volume and network made here")
    down.add_argument("--engine", action="store_true", help="end the Docker engine too, if it was started here")
    add("status", _status, "tell what is up; exit code 1 when the cluster is not")
    logs = add("logs", _logs, "print the end of each component's log and where the whole is")
    logs.add_argument("--lines", type=int, default=errors.TAIL_LINES)
    add("build", _build, "build and cache everything the cluster needs, and start nothing")
    load = add("load", _load, "load images on every node")
    load.add_argument("image", nargs="+", help="an archive from `docker save`, or the name of an image in the engine")
    wheel = add("program", _program, "build the program's image from a wheel and load it on every node")
    wheel.add_argument("wheel", type=Path)
    user = add("user", _user, "print the path of a kubeconfig for a user name")
    user.add_argument("name")
    user.add_argument("--group", action="append", default=[])
    add("kubectl", _kubectl, "print the path of the pinned kubectl")
    return parser


def _tell(text: object) -> None:
    sys.stdout.write(f"{text}\n")


def _up(_: argparse.Namespace) -> int:
    running = given.find() or cluster.up()
    _tell(running.kubeconfig)
    if not isinstance(running, given.GivenCluster):
        _tell(running.viewer)
    return 0


def _down(parsed: argparse.Namespace) -> int:
    say(f"removed {cluster.down()} containers and networks")
    if parsed.engine:
        say("ended the engine" if engine.stop() else "no engine of ours runs")
    return 0


def _status(_: argparse.Namespace) -> int:
    running = cluster.running()
    if running is None:
        say("no healthy cluster; start one with: python -m tests.cluster up")
        return 1
    _tell(f"api server  {running.server}")
    _tell(f"admin       {running.kubeconfig}")
    _tell(f"viewer      {running.viewer}")
    _tell(f"git         {running.git.base_url} (from pods: {running.git.cluster_base_url})")
    _tell(f"kubectl     {binary.kubectl()}")
    _tell(f"logs        {cache.logs()}")
    _tell(f"images      {' '.join(sorted(running.state.images))}")
    _tell(running.kubectl("get", "nodes", "-o", "wide"))
    return 0


def _logs(parsed: argparse.Namespace) -> int:
    for node in addresses.NODES:
        for log in sorted(cluster.logs(node).glob("*.log")):
            if log.name.startswith("audit"):
                continue
            _tell(f"==> {log}")
            _tell("\n".join(errors.tail(log, parsed.lines)))
    return 0


def _build(_: argparse.Namespace) -> int:
    cluster.prepare()
    rootfs.obtain(rootfs.TOOLS)
    _tell(cache.artefacts())
    return 0


def _load(parsed: argparse.Namespace) -> int:
    with engine.session() as client:
        archives = [Path(name) if Path(name).is_file() else saved.obtain(client, name) for name in parsed.image]
    cluster.require().load(archives)
    _tell("\n".join(name for path in archives for name in archive.read_names(path)))
    return 0


def _program(parsed: argparse.Namespace) -> int:
    image = program.build(parsed.wheel)
    cluster.require().load([image])
    _tell("\n".join(archive.read_names(image)))
    return 0


def _user(parsed: argparse.Namespace) -> int:
    _tell(cluster.require().user(parsed.name, groups=parsed.group))
    return 0


def _kubectl(_: argparse.Namespace) -> int:
    _tell(binary.kubectl())
    return 0


if __name__ == "__main__":
    sys.exit(main())
