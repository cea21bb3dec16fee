"""Volume claims: waited for, unless their class binds only when a pod uses them."""

from __future__ import annotations

from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest
from tests.unit.sync.passes import HOME, Passes, wanted


def claim(name: str = "data", storage: str | None = "lazy") -> Manifest:
    spec: dict[str, Any] = {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Gi"}}}
    if storage is not None:
        spec["storageClassName"] = storage
    metadata = {"name": name, "namespace": HOME}
    return {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": metadata, "spec": spec}


def passes(mode: str, *, default: bool = False) -> Passes:
    one = Passes()
    marks = {"storageclass.kubernetes.io/is-default-class": str(default).lower()}
    storage = {
        "apiVersion": "storage.k8s.io/v1",
        "kind": "StorageClass",
        "metadata": {"name": "lazy", "annotations": marks},
        "provisioner": "example.org/disk",
        "volumeBindingMode": mode,
    }
    one.objects.server.create(one.objects.server.kind("storage.k8s.io/v1", "StorageClass"), storage, manager="admin")
    return one


async def test_a_claim_that_waits_for_its_first_pod_is_not_waited_for() -> None:
    assert (await passes("WaitForFirstConsumer").sync(wanted([claim()]))).moved == 1


async def test_the_default_class_counts_for_a_claim_that_names_none() -> None:
    lazy = passes("WaitForFirstConsumer", default=True)
    assert (await lazy.sync(wanted([claim(storage=None)]))).moved == 1


@pytest.mark.parametrize(("mode", "storage"), [("Immediate", "lazy"), ("WaitForFirstConsumer", "other")])
async def test_any_other_claim_is_waited_for(mode: str, storage: str) -> None:
    with pytest.raises(errors.TimedOut) as raised:
        await passes(mode).sync(wanted([claim(storage=storage)]))
    assert "PersistentVolumeClaim home/data" in str(raised.value)


async def test_a_claim_that_names_no_class_waits_if_none_is_the_default() -> None:
    with pytest.raises(errors.TimedOut):
        await passes("WaitForFirstConsumer").sync(wanted([claim(storage=None)]))
