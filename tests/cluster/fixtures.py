"""Fixtures that hand out the ground: the two-node cluster, a bare API server, a Git server, kubectl."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cluster import binary, given
from tests.cluster import cluster as two_nodes
from tests.cluster.bare import BareApiServer
from tests.cluster.cluster import Cluster
from tests.cluster.errors import GroundError, NotOurClusterError
from tests.cluster.gitserver import LocalGitServer
from tests.cluster.objectstore import ObjectStore

ACCOUNT_SECONDS = 20


@pytest.fixture(scope="session")
def cluster() -> Cluster:
    """Give the two-node cluster: the one GITOPS_TEST_KUBECONFIG names, else ours, brought up or reused."""
    return given.find() or two_nodes.up()


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Iterator[BareApiServer]:
    """Give a bare API server for the run: no nodes, no controllers."""
    with BareApiServer(tmp_path_factory.mktemp("bare")) as server:
        yield server


@pytest.fixture(scope="session")
def git_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitServer]:
    """Give a Git server over https on 127.0.0.1; tests make repositories of their own in it."""
    with LocalGitServer(tmp_path_factory.mktemp("git")) as server:
        yield server


@pytest.fixture(scope="session")
def object_store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ObjectStore]:
    """Give an S3 server over https on 127.0.0.1; tests make buckets of their own in it."""
    with ObjectStore(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def kubectl() -> Path:
    """Give the pinned kubectl, the oracle for builds."""
    return binary.kubectl()


@pytest.fixture
def namespace(cluster: Cluster, request: pytest.FixtureRequest) -> Iterator[str]:
    """Give a fresh namespace of the two-node cluster, deleted afterwards without waiting."""
    told = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower()).strip("-")[:40].strip("-")
    name = f"{told}-{secrets.token_hex(3)}"
    cluster.kubectl("create", "namespace", name)
    await_account(cluster, name)
    yield name
    cluster.kubectl("delete", "namespace", name, "--wait=false")


def await_account(cluster: Cluster, namespace: str) -> None:
    """Wait until a new namespace has its account `default`: before that no pod is admitted."""
    deadline = time.monotonic() + ACCOUNT_SECONDS
    while not cluster.kubectl("get", "serviceaccount", "default", "-n", namespace, "--ignore-not-found"):
        if time.monotonic() > deadline:
            raise GroundError(f"namespace {namespace} has no account `default` after {ACCOUNT_SECONDS} s")
        time.sleep(0.05)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_call(item: pytest.Item) -> Iterator[None]:
    """Skip, with the reason, a test that asks of a given cluster what only our own can do."""
    try:
        yield
    except NotOurClusterError as error:
        pytest.skip(f"{item.name}: {error.what} ({error.why})")
