"""Image references: where one comes from, what pins it, and which are known to run as root."""

from __future__ import annotations

from dataclasses import dataclass

_HUB = "docker.io/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Image:
    """A reference in parts; `repository` in full: `docker.io/library/alpine`."""

    repository: str
    tag: str
    digest: str

    @property
    def pinned(self) -> bool:
        """The commit decides what runs."""
        return bool(self.digest) or self.tag not in {"", "latest"}


# Images of Docker Hub whose published Dockerfiles set no USER, in all of their tags (but see _NOT_ROOT). Copies under
# other names and hosts are not guessed at: they may have been changed.
_OFFICIAL = (
    "almalinux", "alpine", "amazonlinux", "archlinux", "bash", "buildpack-deps", "busybox", "caddy", "centos",
    "composer", "debian", "docker", "eclipse-temurin", "fedora", "gcc", "golang", "httpd", "mariadb", "maven",
    "mongo", "mysql", "nginx", "node", "openjdk", "oraclelinux", "perl", "php", "postgres", "pypy", "python",
    "redis", "rockylinux", "ruby", "rust", "traefik", "ubuntu",
)  # fmt: skip
_TOOLS = (
    "alpine/git", "alpine/helm", "alpine/k8s", "amazon/aws-cli", "google/cloud-sdk", "hashicorp/packer",
    "hashicorp/terraform", "octopusdeploy/worker-tools",
)  # fmt: skip
_ROOT = frozenset((*(f"library/{name}" for name in _OFFICIAL), *_TOOLS))
_NOT_ROOT = ("nonroot", "rootless", "chiseled", "unprivileged")


def parse(reference: str) -> Image:
    """The parts of a reference, Docker's short forms spelled out (distribution/reference)."""
    name, _, digest = reference.partition("@")
    head, slash, last = name.rpartition("/")
    last, _, tag = last.partition(":")
    path = f"{head}{slash}{last}"
    first = path.partition("/")[0]
    if "/" not in path:
        path = f"{_HUB}library/{path}"
    elif "." not in first and ":" not in first and first != "localhost":
        path = f"{_HUB}{path}"
    return Image(repository=path, tag=tag, digest=digest)


def runs_as_root(image: Image) -> bool:
    """Known to start as root when nobody names a user; False means not known."""
    if any(word in image.tag for word in _NOT_ROOT):
        return False
    return image.repository.removeprefix(_HUB) in _ROOT
