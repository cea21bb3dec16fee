"""Real admission webhooks that refuse, are away, or know no dry-run: named, and nothing of a stage half applied."""

from __future__ import annotations

import asyncio
import base64
import json
import ssl
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from gitops import errors
from gitops.objects import Manifest, ref_of
from gitops.plan.change import Action, Guard
from gitops.ports.objects import Resource
from tests.cluster import webhook
from tests.cluster.bare import BareApiServer
from tests.cluster.webhook import Review, Webhook
from tests.integration import syncing

pytestmark = pytest.mark.integration

WORDS = "label team is missing"


def config_map(namespace: str, name: str, value: str = "1", *, checked: bool = False) -> Manifest:
    labels = {"checked": "yes"} if checked else {}
    metadata = {"name": name, "namespace": namespace, "labels": labels}
    return {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata, "data": {"a": value}}


@pytest.fixture
def hook(tmp_path: Path) -> Iterator[Webhook]:
    with Webhook(tmp_path / "webhook") as running:
        yield running


@asynccontextmanager
async def registered(bare: BareApiServer, name: str, client: dict[str, str], **more: Any) -> AsyncIterator[None]:
    """The webhook is in force: the server learns of it by a watch."""
    bare.apply([webhook.configuration(name, client, **more)])
    try:
        await _until_in_force(bare, name)
        yield
    finally:
        bare.kubectl("delete", webhook.KIND.lower(), name)


async def _until_in_force(bare: BareApiServer, name: str) -> None:
    """A sentinel that is asked for in vain as long as the webhook says no or nothing."""
    probe = json.dumps(config_map(name, "probe", checked=True))
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        try:
            bare.kubectl("create", "--dry-run=server", "-f", "-", stdin=probe)
        except Exception as refused:  # noqa: BLE001  # whatever kubectl says
            if "teams.example.org" in str(refused):
                return
        await asyncio.sleep(0.1)
    pytest.fail("the webhook never came into force")


def names(bare: BareApiServer, namespace: str) -> set[str]:
    items = bare.get("configmaps", "-n", namespace)["items"]
    return {one["metadata"]["name"] for one in items} - {"it-inventory", "kube-root-ca.crt"}


# What a webhook puts into `status.code` becomes the answer's own code, whatever else that code means.
CODES = [0, 400, 401, 403, 404, 409, 410, 415, 422]


@pytest.mark.parametrize("code", CODES)
async def test_what_is_denied_is_named_and_nothing_is_written(bare: BareApiServer, hook: Webhook, code: int) -> None:
    name = syncing.fresh("deny")
    hook.answer = webhook.deny(WORDS, code)
    wanted = [syncing.namespace_of(name), config_map(name, "other"), config_map(name, "checked", checked=True)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted[:1])
        async with registered(bare, name, hook.client_config):
            planned = await sync.plan(wanted)
            refused = [one for one in planned.plan.changes if one.action is Action.REFUSE]
            assert [(one.ref.name, one.guard) for one in refused] == [("checked", Guard.INVALID)]
            assert "teams.example.org" in refused[0].why
            assert WORDS in refused[0].why
            with pytest.raises(errors.ObjectInvalid) as raised:
                await sync.apply(wanted)
            assert raised.value.exit_code == 2
            assert "teams.example.org" in str(raised.value)
            assert WORDS in str(raised.value)
            assert names(bare, name) == set()
            hook.answer = webhook.allow
            await sync.apply(wanted)
        assert names(bare, name) == {"other", "checked"}


async def test_a_stage_the_plan_could_not_ask_about_is_asked_about_before_it_is_written(
    bare: BareApiServer, hook: Webhook
) -> None:
    """The namespace is only planned: its stage is written, nothing of the next is."""
    name = syncing.fresh("staged")
    hook.answer = webhook.deny(WORDS)
    others = [config_map(name, f"c{i}") for i in range(20)]
    wanted = [syncing.namespace_of(name), *others, config_map(name, "checked", checked=True)]
    bare.apply([webhook.configuration(name, hook.client_config)])
    try:
        await asyncio.sleep(1)  # nothing can be asked about in a namespace that is not there
        async with syncing.connected(bare.kubeconfig, name) as sync:
            planned = await sync.plan(wanted)
            assert {one.why for one in planned.plan.changes if one.ref.kind == "ConfigMap"} == {
                f"namespace {name} is only planned"
            }
            with pytest.raises(errors.ObjectInvalid, match="nothing of its stage was written") as raised:
                await sync.apply(wanted)
            assert "teams.example.org" in str(raised.value)
            assert WORDS in str(raised.value)
            assert names(bare, name) == set()
            hook.answer = webhook.allow
            await sync.apply(wanted)
            assert (await sync.plan(wanted)).plan.changes == ()
    finally:
        bare.kubectl("delete", webhook.KIND.lower(), name)


def _away(client: dict[str, str], how: str) -> dict[str, str]:
    if how == "closed":
        return {**client, "url": "https://127.0.0.1:1/review"}
    if how == "untrusted":
        return {"url": client["url"]}
    return client


def hang(_: Review) -> Review:
    time.sleep(3)
    return {"allowed": True}


@pytest.mark.parametrize("how", ["closed", "untrusted", "hangs", "429", "500"])
async def test_one_that_does_not_answer_is_named_and_nothing_is_written(
    bare: BareApiServer, hook: Webhook, how: str
) -> None:
    name = syncing.fresh("away")
    answers = {"hangs": hang, "429": webhook.deny(WORDS, 429), "500": webhook.deny(WORDS, 500)}
    hook.answer = answers.get(how, webhook.allow)
    wanted = [syncing.namespace_of(name), config_map(name, "other"), config_map(name, "checked", checked=True)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted[:1])
        async with registered(bare, name, _away(hook.client_config, how)):
            for attempt in (sync.plan, sync.apply):
                with pytest.raises(errors.ClusterUnavailable, match=r"teams\.example\.org") as raised:
                    await attempt(wanted)
                assert "checked" in str(raised.value)
            assert names(bare, name) == set()
        if how in {"429", "500"}:
            hook.answer = webhook.allow
        async with registered_quietly(bare, name, _away(hook.client_config, how), failurePolicy="Ignore"):
            await sync.apply(wanted)
        assert names(bare, name) == {"other", "checked"}


async def test_a_create_that_is_given_a_limit_is_carried_out_in_time_or_never(
    bare: BareApiServer, hook: Webhook, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What the worker relies on when the create of a pod is not answered: nothing comes about after the limit."""
    name = syncing.fresh("limit")
    kind = Resource(group="", version="v1", kind="ConfigMap", plural="configmaps", namespaced=True)
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply([syncing.namespace_of(name)])
        hook.answer = hang
        async with registered_quietly(bare, name, hook.client_config, timeoutSeconds=10):
            create = sync.means.objects.create
            await create(kind, config_map(name, "patient", checked=True), within=10)
            monkeypatch.setattr("gitops.cluster.objects.SERVER_LIMIT", 1)
            with pytest.raises(errors.ClusterUnavailable) as raised:
                await create(kind, config_map(name, "limited", checked=True), within=10)
            assert raised.value.ambiguous
            await asyncio.sleep(4)
            assert names(bare, name) == {"patient"}


@asynccontextmanager
async def registered_quietly(
    bare: BareApiServer, name: str, client: dict[str, str], **more: Any
) -> AsyncIterator[None]:
    """In force, but nothing shows it."""
    bare.apply([webhook.configuration(name, client, **more)])
    try:
        await asyncio.sleep(1)
        yield
    finally:
        bare.kubectl("delete", webhook.KIND.lower(), name)


async def test_one_that_refuses_dry_runs_is_named_and_nothing_is_written(bare: BareApiServer, hook: Webhook) -> None:
    name = syncing.fresh("dryrun")

    def answer(request: Review) -> Review:
        return webhook.deny("no dry runs here")(request) if request["dryRun"] else {"allowed": True}

    hook.answer = answer
    wanted = [syncing.namespace_of(name), config_map(name, "other"), config_map(name, "checked", checked=True)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted[:1])
        async with registered(bare, name, hook.client_config, sideEffects="NoneOnDryRun"):
            (refused,) = (await sync.plan(wanted)).plan.refused
            assert "teams.example.org" in refused.why
            assert "no dry runs here" in refused.why
            with pytest.raises(errors.ObjectInvalid, match="no dry runs here"):
                await sync.apply(wanted)
            assert all(one["dryRun"] for one in hook.asked)
            assert names(bare, name) == set()


def _store(bare: BareApiServer, manifest: Manifest) -> None:
    """Write past the API: `sideEffects: Some` is refused today, and what an older server stored is still obeyed."""
    pki = bare.directory / "pki"
    context = ssl.create_default_context(cafile=str(pki / "ca.crt"))
    context.load_cert_chain(pki / "apiserver-etcd.crt", pki / "apiserver-etcd.key")
    key = f"/registry/validatingwebhookconfigurations/{manifest['metadata']['name']}"
    coded = {
        part: base64.b64encode(text.encode()).decode() for part, text in (("key", key), ("value", json.dumps(manifest)))
    }
    request = urllib.request.Request(f"{bare.etcd}/v3/kv/put", data=json.dumps(coded).encode())  # noqa: S310
    with urllib.request.urlopen(request, context=context, timeout=10) as answer:  # noqa: S310
        assert answer.status == 200


async def test_one_with_side_effects_is_named_and_nothing_is_written(bare: BareApiServer, hook: Webhook) -> None:
    name = syncing.fresh("effects")
    wanted = [syncing.namespace_of(name), config_map(name, "other"), config_map(name, "checked", checked=True)]
    made = webhook.configuration(name, hook.client_config, sideEffects="Some")
    made["metadata"] |= {"uid": "00000000-0000-0000-0000-000000000001", "creationTimestamp": "2019-01-01T00:00:00Z"}
    made["webhooks"][0] |= {"matchPolicy": "Equivalent", "rules": [{**made["webhooks"][0]["rules"][0], "scope": "*"}]}
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted[:1])
        _store(bare, made)
        try:
            await _until_in_force(bare, name)
            (refused,) = (await sync.plan(wanted)).plan.refused
            assert "teams.example.org" in refused.why
            assert "does not support dry run" in refused.why
            with pytest.raises(errors.ObjectInvalid, match="does not support dry run"):
                await sync.apply(wanted)
            assert hook.asked == []
            assert names(bare, name) == set()
        finally:
            bare.kubectl("delete", webhook.KIND.lower(), name)


async def test_one_that_says_otherwise_when_it_counts_is_named_and_the_next_run_finishes(
    bare: BareApiServer, hook: Webhook
) -> None:
    """What passes its dry-run and is refused after it nobody can foresee: what was written is ours, and known."""
    name = syncing.fresh("later")

    def answer(request: Review) -> Review:
        return {"allowed": True} if request["dryRun"] or request["name"] == "probe" else webhook.deny(WORDS)(request)

    hook.answer = webhook.deny(WORDS)
    wanted = [syncing.namespace_of(name), config_map(name, "other"), config_map(name, "checked", checked=True)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted[:1])
        async with registered(bare, name, hook.client_config):
            hook.answer = answer
            assert (await sync.plan(wanted)).plan.refused == ()
            with pytest.raises(errors.ObjectInvalid, match=WORDS) as raised:
                await sync.apply(wanted)
            assert "checked" in str(raised.value)
            assert "checked" not in names(bare, name)
            planned = await sync.plan(wanted)
            assert set(planned.stored.inventory.entries) == {ref_of(one) for one in wanted}
            hook.answer = webhook.allow
            await sync.apply(wanted)
            assert (await sync.plan(wanted)).plan.changes == ()


async def test_a_deletion_that_is_denied_is_named_and_the_object_stays_ours(bare: BareApiServer, hook: Webhook) -> None:
    name = syncing.fresh("undeletable")
    wanted = [syncing.namespace_of(name), config_map(name, "other"), config_map(name, "checked", checked=True)]
    async with syncing.connected(bare.kubeconfig, name) as sync:
        await sync.apply(wanted)
        hook.answer = webhook.deny(WORDS)
        async with registered(bare, name, hook.client_config):
            with pytest.raises(errors.ObjectInvalid, match=WORDS) as raised:
                await sync.apply(wanted[:2])
            assert "teams.example.org" in str(raised.value)
            assert ref_of(wanted[2]) in (await sync.plan(wanted[:2])).stored.inventory.entries
            hook.answer = webhook.allow
            await sync.apply(wanted[:2])
        assert names(bare, name) == {"other"}
