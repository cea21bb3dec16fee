from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from gitops import api
from gitops.api import names
from gitops.api.worker import Topology, WorkerSpec
from gitops.api.workerpool import ServiceAccount, WorkerPoolSpec

LABELS = st.from_regex(r"\A[a-z0-9]([-a-z0-9]{0,60}[a-z0-9])?\Z")


def pool(home: str, name: str, **spec: object) -> api.WorkerPool:
    metadata = api.Metadata(name=name, namespace=home)
    return api.WorkerPool(metadata=metadata, spec=WorkerPoolSpec(image="i:1", **spec))  # type: ignore[arg-type]


def test_a_short_name_is_spelled_out() -> None:
    assert names.operations_namespace(pool("ci", "linux")) == "ci-linux-ops"


def test_the_pool_may_name_its_namespace() -> None:
    assert names.operations_namespace(pool("ci", "linux", namespace="builds")) == "builds"


@given(LABELS, LABELS)
def test_a_generated_namespace_is_always_a_dns_label(namespace: str, name: str) -> None:
    made = names.operations_namespace(pool(namespace, name[:50].rstrip("-")))
    assert len(made) <= 63
    assert made[0].isalnum()
    assert made[-1].isalnum()


def test_long_names_stay_apart() -> None:
    first, second = (names.operations_namespace(pool("n" * 40, "p" * 39 + end)) for end in "ab")
    assert first != second


def test_the_account_of_the_pods() -> None:
    assert names.pod_account(pool("ci", "linux")) == "linux"
    assert names.pod_account(pool("ci", "linux", service_account=ServiceAccount(name="builder"))) == "builder"


def test_split_has_two_accounts_and_embedded_one() -> None:
    metadata = api.Metadata(name="worker", namespace="ci")
    one = api.Worker(metadata=metadata, spec=WorkerSpec(pools=["linux"], image="g:1"))
    two = api.Worker(metadata=metadata, spec=WorkerSpec(pools=["linux"], image="g:1", topology=Topology.SPLIT))
    assert {names.reconciler_account(one), names.worker_account(one)} == {"worker"}
    assert {names.reconciler_account(two), names.worker_account(two)} == {"worker-reconciler", "worker-worker"}
