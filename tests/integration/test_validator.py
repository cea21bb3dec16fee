"""The validator against the API server on generated objects: what one refuses, the other refuses.

Where they may differ: inside `podTemplate.metadata` the server drops an unknown field without a word.
GITOPS_FUZZ_EXAMPLES sets the number of objects.
"""

from __future__ import annotations

import asyncio
import copy
import os
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops import api, cluster, errors
from gitops.api import crds
from gitops.lint import validate
from gitops.objects import Manifest
from tests.cluster.bare import BareApiServer

pytestmark = pytest.mark.integration

NAMESPACE = "default"
LEAST: dict[str, dict[str, Any]] = {
    "WorkerPool": {"image": "i:1"},
    "Worker": {"image": "i:1", "pools": ["linux"]},
    "GitSync": {"source": {"url": "https://git.example/c.git"}},
    "Operation": {"pool": "linux", "script": "true"},
}
SCALARS = [
    None,
    True,
    0,
    1,
    -1,
    20000,
    1.5,
    "",
    "x",
    "Always",
    "5m",
    "1h30m",
    "1d",
    "100m",
    "1Gi",
    "12Q",
    "a" * 300,
    "Ü",
    "a\n",
]
WORDS = [
    "custom",
    "none",
    "https://a/b",
    "https://u:p@a/b",
    "ssh://a/b",
    "../x",
    "/x",
    "a/../b",
    "kube-system",
    "default",
]
RULE = {"verbs": ["get"], "apiGroups": [""], "resources": ["pods"]}
NESTED: list[Any] = [
    [],
    {},
    ["x"],
    ["x", "x"],
    {"a": "b"},
    {"a": 1},
    [{"name": "a"}],
    [RULE],
    [{**RULE, "nonResourceURLs": ["/"]}],
    {"branch": "main"},
    {"branch": "main", "tag": "v1"},
    {"name": "x", "key": "y"},
    [{"name": "A", "value": "x"}],
    [{"name": "A", "value": "x"}, {"name": "A", "value": "y"}],
    [{"name": "A", "value": "x", "secret": {"name": "s", "key": "k"}}],
    {"spec": {"restartPolicy": "Always"}},
    {"metadata": {"labels": {"gitops-worker.io/a": "b"}}},
    {"spec": {"containers": [{"name": "gitops", "tty": True}]}},
    {"spec": {"containers": [{"name": "operation", "command": ["sh"]}]}},
    {"spec": {"volumes": [{"name": "gitops-x"}], "anything": {"goes": [1]}}},
]
VALUES = st.sampled_from([*SCALARS, *WORDS, *NESTED])


def fields(schema: dict[str, Any], path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    for name, below in schema.get("properties", {}).items():
        where = (*path, name)
        if where == ("podTemplate", "metadata"):
            continue
        yield where
        yield from fields(below, where)


FIELDS = {kind.name: sorted(fields(crds.schema(kind)["properties"]["spec"])) for kind in crds.KINDS}


@st.composite
def objects(draw: st.DrawFn) -> Manifest:
    kind = draw(st.sampled_from(sorted(FIELDS)))
    spec = copy.deepcopy(LEAST[kind])
    for _ in range(draw(st.integers(1, 3))):
        *path, last = draw(st.sampled_from(FIELDS[kind]))
        node: Any = spec
        for part in path:
            node = node.setdefault(part, {}) if isinstance(node, dict) else None
        if isinstance(node, dict):
            misspelt = draw(st.integers(0, 19)) == 0
            node[f"{last}s" if misspelt else last] = copy.deepcopy(draw(VALUES))
    metadata = {"name": "tried", "namespace": NAMESPACE}
    return {"apiVersion": api.API_VERSION, "kind": kind, "metadata": metadata, "spec": spec}


def test_validator_and_server_agree(bare: BareApiServer) -> None:
    bare.apply(crds.crds())
    bare.kubectl("wait", "--for=condition=Established", *(f"crd/{kind.plural}.{api.GROUP}" for kind in crds.KINDS))
    config = cluster.load(kubeconfig=str(bare.kubeconfig))
    with asyncio.Runner() as loop:
        connection = cluster.connect(config, component="tests")
        server = loop.run(connection.__aenter__())

        async def judged(manifest: Manifest) -> str:
            resource = await server.objects.resource(manifest["apiVersion"], manifest["kind"])
            try:
                await server.objects.apply(resource, manifest, dry_run=True)
            except errors.GitOpsError as refusal:
                return str(refusal)
            return ""

        @settings(
            max_examples=int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "200")),
            deadline=None,
            suppress_health_check=[HealthCheck.too_slow],
        )
        @given(objects())
        def agree(manifest: Manifest) -> None:
            found = [one.message for one in validate.violations(manifest)]
            said = loop.run(judged(manifest))
            assert bool(found) == bool(said), (manifest["spec"], found, said)

        try:
            agree()
        finally:
            loop.run(connection.__aexit__(None, None, None))
