"""Image references and mirrors."""

from __future__ import annotations

import pytest

from gitops.objects import image

MIRRORS = {
    "docker.io": "mirror.example/hub",
    "docker.io/team": "team.example:5000",
    "quay.io/org": "mirror.example/quay/org",
}


@pytest.mark.parametrize(
    ("reference", "pulled"),
    [
        ("alpine", "mirror.example/hub/library/alpine"),
        ("alpine:3.20", "mirror.example/hub/library/alpine:3.20"),
        ("octopusdeploy/worker-tools:6", "mirror.example/hub/octopusdeploy/worker-tools:6"),
        ("docker.io/library/alpine@sha256:00", "mirror.example/hub/library/alpine@sha256:00"),
        ("team/tool:1@sha256:00", "team.example:5000/tool:1@sha256:00"),
        ("teams/tool:1", "mirror.example/hub/teams/tool:1"),
        ("quay.io/org/a/b:1", "mirror.example/quay/org/a/b:1"),
        ("quay.io/organ/a:1", "quay.io/organ/a:1"),
        ("registry.example:5000/x:1", "registry.example:5000/x:1"),
        ("localhost/x", "localhost/x"),
    ],
)
def test_the_longest_prefix_is_replaced(reference: str, pulled: str) -> None:
    assert image.mirrored(reference, MIRRORS) == pulled


def test_without_mirrors_a_reference_stays_as_it_is_written() -> None:
    assert image.mirrored("alpine", {}) == "alpine"
