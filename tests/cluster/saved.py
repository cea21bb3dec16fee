"""Images that are in the Docker engine, saved so that nodes can import them."""

from __future__ import annotations

from pathlib import Path

import docker
from docker.errors import ImageNotFound

from tests.cluster import cache
from tests.cluster.errors import GroundError


def obtain(engine: docker.DockerClient, name: str) -> Path:
    """Return the archive of an image in the engine, keyed by its identity."""
    try:
        image = engine.images.get(name)
    except ImageNotFound as error:
        raise GroundError(f"there is no image {name}", why="neither a file nor in the engine") from error

    def make(made: Path) -> None:
        with made.open("wb") as file:
            file.writelines(image.save(named=name))

    safe = name.rpartition("/")[2].replace(":", "-")
    return cache.obtain(f"image-{safe}", cache.key(str(image.id)), make, suffix=".tar")
