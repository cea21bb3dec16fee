"""The offline predictor against its oracle, the server's own dry-run, on objects changed at random."""

from __future__ import annotations

import copy
import json
import os
import random
from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest
from gitops.plan import compare, predict
from tests.cluster.bare import BareApiServer
from tests.integration import syncing

pytestmark = pytest.mark.integration

ROUNDS = int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "120"))
_FIXED = {"apiVersion", "kind", "metadata"}


def _change(value: Any, chance: random.Random) -> Any:
    """A value changed somewhere: a key or an item gone, a list in another order, a scalar that is another."""
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        if chance.random() < 0.2:
            return {name: one for name, one in value.items() if name != key}
        return {**value, key: _change(value[key], chance)}
    if isinstance(value, list) and value:
        kind = chance.random()
        if kind < 0.2:
            return [one for one in value if one is not chance.choice(value)]
        if kind < 0.5:
            return chance.sample(value, len(value))
        if kind < 0.6 and isinstance(value[0], dict) and "name" in value[0]:
            new = {**value[0], "name": f"new{chance.randrange(9)}"}
            return [*value[: chance.randrange(len(value))], new, *value]
        place = chance.randrange(len(value))
        return [*value[:place], _change(value[place], chance), *value[place + 1 :]]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    return f"{value}x" if isinstance(value, str) else value


def _changed(manifest: Manifest, chance: random.Random) -> Manifest:
    out = copy.deepcopy(manifest)
    for _ in range(chance.randrange(1, 4)):
        rest = _change({key: value for key, value in out.items() if key not in _FIXED}, chance)
        out = {**{key: out[key] for key in _FIXED if key in out}, **rest}
    if chance.random() < 0.3:
        out["metadata"] = {**out["metadata"], "labels": {chance.choice("abc"): chance.choice("xy")}}
    return out


async def test_the_predictor_agrees_with_the_server(bare: BareApiServer) -> None:
    """What offline calls the same is the same; what was applied looks the same offline; and most patches are equal.

    Not all are: where a field is taken away the server may put a default in its place, and only it knows which. What
    the server refuses is no case; enough must be left.
    """
    chance = random.Random(os.environ.get("GITOPS_FUZZ_SEED", "17"))  # noqa: S311  # nothing secret: test cases
    name = syncing.fresh("agree")
    equal, missed, noisy, cases = 0, [], [], 0
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(syncing.kinds(name))
        first = (await sync.plan(syncing.kinds(name))).live
        started = [one for one in first.desired if one.ref.kind not in {"CustomResourceDefinition", "Namespace"}]
        for turn in range(ROUNDS):
            one = chance.choice(started)
            resource = first.resource_of(one.ref, one.manifest["apiVersion"])
            live = await sync.means.objects.get(resource, one.ref.namespace, one.ref.name)
            assert live is not None
            wanted = syncing.wanted([_changed(one.manifest, chance)])[0].manifest
            try:
                would = await sync.means.objects.apply(resource, wanted, dry_run=True, force=True)
            except errors.ClusterError:
                continue
            cases += 1
            theirs, ours = compare.compare(live, would.object), compare.compare(live, predict.predict(wanted, live))
            equal += theirs == ours
            if theirs and not ours:
                missed.append((turn, str(one.ref), theirs))
            left = compare.compare(would.object, predict.predict(wanted, would.object))
            if left or not predict.owns_all(wanted, would.object):
                noisy.append((turn, str(one.ref), wanted, left))
            if chance.random() < 0.5:  # the next turn finds the object as this one left it
                await sync.means.objects.apply(resource, wanted, force=True)
    assert missed == []
    assert noisy == []
    assert cases >= ROUNDS // 4
    assert equal >= cases // 2


ORDERS = ("abc", "abc"), ("abc", ""), ("", "abc"), ("abc", "cba"), ("axb", "ba"), ("abx", "ab"), ("xab", "ab")
MORE_ORDERS = ("ab", "anb"), ("axb", "anb"), ("axbyc", "cnbma"), ("xyab", "bna"), ("abxcy", "ca")


def _pod(name: str, namespace: str, order: str) -> Manifest:
    env = [{"name": one, "value": "1"} for one in order]
    spec = {"containers": [{"name": "main", "image": "i", **({"env": env} if env else {})}]}
    metadata = {"name": name, "namespace": namespace, "labels": {"for": "order"}}
    return {"apiVersion": "v1", "kind": "PodTemplate", "metadata": metadata, "template": {"spec": spec}}


async def test_keyed_lists_merge_in_the_order_the_server_merges_them(bare: BareApiServer) -> None:
    name = syncing.fresh("order")
    bare.kubectl("create", "namespace", name)
    cases = [*ORDERS, *MORE_ORDERS]
    theirs = [_pod(f"p{i}", name, left) for i, (left, _) in enumerate(cases)]
    document = json.dumps({"apiVersion": "v1", "kind": "List", "items": theirs})
    bare.kubectl("apply", "--server-side", "--field-manager=other", "-f", "-", stdin=document)
    async with syncing.connected(bare.kubeconfig, name) as sync:
        resource = await sync.means.objects.resource("v1", "PodTemplate")
        for i, (left, right) in enumerate(cases):
            live = await sync.means.objects.get(resource, name, f"p{i}")
            assert live is not None
            wanted = _pod(f"p{i}", name, right)
            would = await sync.means.objects.apply(resource, wanted, dry_run=True)
            assert _order(predict.predict(wanted, live)) == _order(would.object), (left, right)


def _order(pod: Manifest) -> str:
    env = pod["template"]["spec"]["containers"][0].get("env") or ()
    return "".join(one["name"] for one in env)
