"""Which images are known to run as root."""

from __future__ import annotations

from gitops.objects.image import HUB, Image

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


def runs_as_root(image: Image) -> bool:
    """Known to start as root when nobody names a user; False means not known."""
    if any(word in image.tag for word in _NOT_ROOT):
        return False
    return image.repository.removeprefix(HUB) in _ROOT
