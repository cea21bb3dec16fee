"""The client against a real API server: whom it trusts, as whom it asks, what it costs, and what a person reads."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from gitops import cluster, errors
from gitops.cluster.config import ClusterConfig
from gitops.cluster.events import EVENTS, ServerEvents
from gitops.cluster.leases import LEASES, Election
from gitops.cluster.retry import Retry
from gitops.cluster.settings import Impersonation, Token, TokenFile, Trust
from gitops.objects import Manifest
from gitops.ports.events import Happening
from tests.cluster.bare import BareApiServer

pytestmark = pytest.mark.integration
QUICK = cluster.Limits(retry=Retry(attempts=2, first=0.01))


@pytest.fixture
def config(bare: BareApiServer) -> ClusterConfig:
    return cluster.load(kubeconfig=str(bare.kubeconfig))


def config_map(name: str, data: dict[str, str]) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": name, "namespace": "default"},
        "data": data,
    }


async def refused(config: ClusterConfig) -> errors.GitOpsError:
    with pytest.raises(errors.GitOpsError) as caught:
        async with cluster.connect(config, component="test", limits=QUICK) as connected:
            await connected.objects.resource("v1", "Pod")
    return caught.value


async def test_an_untrusted_server_gets_no_credentials(config: ClusterConfig) -> None:
    error = await refused(replace(config, trust=Trust()))
    assert isinstance(error, errors.ClusterUnavailable)
    assert "its certificate is not trusted" in error.cause
    assert str(config.origin) in error.hint


async def test_a_server_of_another_name_is_not_trusted(config: ClusterConfig) -> None:
    error = await refused(replace(config, trust=replace(config.trust, server_name="elsewhere.example")))
    assert "elsewhere.example" in error.cause


async def test_a_name_and_a_skipped_check_are_taken_from_the_kubeconfig_only(config: ClusterConfig) -> None:
    for trust in (replace(config.trust, server_name="kubernetes.default.svc"), Trust(insecure=True)):
        async with cluster.connect(replace(config, trust=trust), component="test") as connected:
            assert (await connected.objects.resource("v1", "Pod")).plural == "pods"


async def test_a_wrong_token_is_denied(config: ClusterConfig) -> None:
    error = await refused(replace(config, certificate=None, bearer=Token("wr0ng")))
    assert isinstance(error, errors.ClusterDenied)
    assert "does not accept our credentials" in error.cause
    assert "wr0ng" not in f"{error} {error.hint} {error.status}"


async def test_a_missing_token_file_is_named(config: ClusterConfig, tmp_path: Path) -> None:
    error = await refused(replace(config, certificate=None, bearer=TokenFile(str(tmp_path / "token"))))
    assert isinstance(error, errors.ConfigError)
    assert f"{tmp_path}/token: No such file" in error.cause


async def test_a_token_in_a_file_and_another_in_its_place(
    bare: BareApiServer, config: ClusterConfig, tmp_path: Path
) -> None:
    for name in ("one", "two"):
        account = {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": {"name": name, "namespace": "default"}}
        bare.apply([account])
    path = tmp_path / "token"
    path.write_text(bare.kubectl("create", "token", "one"))
    asker = replace(config, certificate=None, bearer=TokenFile(str(path)))
    async with cluster.connect(asker, component="test") as connected:
        assert (await connected.access.whoami())[0] == "system:serviceaccount:default:one"
        fresh = tmp_path / "fresh"
        fresh.write_text(bare.kubectl("create", "token", "two"))
        fresh.rename(path)
        assert (await connected.access.whoami())[0] == "system:serviceaccount:default:two"


async def test_impersonation(config: ClusterConfig) -> None:
    who = Impersonation(user="boss", groups=("one", "two"), extra=(("example.com/why", "x"),))
    async with cluster.connect(replace(config, impersonate=who), component="test") as connected:
        user, groups = await connected.access.whoami()
        assert user == "boss"
        assert {"one", "two"} <= set(groups)


async def test_a_denial_says_who_asked_for_what(bare: BareApiServer) -> None:
    config = cluster.load(kubeconfig=str(bare.user("outsider")))
    async with cluster.connect(config, component="test") as connected:
        kind = await connected.objects.resource("v1", "ConfigMap")
        with pytest.raises(errors.ClusterDenied) as caught:
            await connected.objects.apply(kind, config_map("a", {}))
    assert str(caught.value) == (
        'cannot apply ConfigMap default/a: configmaps "a" is forbidden: User "outsider" cannot patch resource '
        '"configmaps" in API group "" in the namespace "default"'
    )
    assert caught.value.hint == "grant this to the account in a Role or ClusterRole"


async def test_what_is_refused_by_schema_names_the_field(config: ClusterConfig) -> None:
    async with cluster.connect(config, component="test") as connected:
        kind = await connected.objects.resource("v1", "ConfigMap")
        wrong = {**config_map("a", {}), "dat": {}}
        for attempt in (connected.objects.apply(kind, wrong, dry_run=True), connected.objects.create(kind, wrong)):
            with pytest.raises(errors.ObjectInvalid, match="dat"):
                await attempt


async def test_a_listing_of_several_pages_is_whole(config: ClusterConfig) -> None:
    async with cluster.connect(config, component="test") as connected:
        kind = await connected.objects.resource("v1", "ConfigMap")
        spaces = await connected.objects.resource("v1", "Namespace")
        await connected.objects.apply(spaces, {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "many"}})
        names = [f"c{number:04}" for number in range(1100)]
        made = [{**config_map(name, {}), "metadata": {"name": name, "namespace": "many"}} for name in names]
        await asyncio.gather(*(connected.objects.create(kind, one) for one in made))
        listing = await connected.objects.list(kind, "many")
    assert [item["metadata"]["name"] for item in listing.items] == names


async def test_what_it_costs_and_who_it_says_it_is(bare: BareApiServer) -> None:
    config = cluster.load(kubeconfig=str(bare.user("counted", groups=("system:masters",))))
    async with cluster.connect(config, component="reconciler") as connected:
        for _ in range(3):
            kind = await connected.objects.resource("v1", "ConfigMap")
            await connected.objects.apply(kind, config_map("counted", {"x": "1"}))
    seen = bare.audit(user="counted")
    assert sorted((entry.verb, entry.uri.partition("?")[0]) for entry in seen) == [
        ("get", "/api"),
        ("get", "/apis"),
        *[("patch", "/api/v1/namespaces/default/configmaps/counted")] * 3,
    ]
    assert {entry.user_agent for entry in seen} == {"gitops/0.1.0 (reconciler)"}


async def test_a_server_gone_and_back(tmp_path: Path) -> None:
    with BareApiServer(tmp_path) as own:
        config = cluster.load(kubeconfig=str(own.kubeconfig))
        async with cluster.connect(config, component="test", limits=QUICK) as connected:
            kind = await connected.objects.resource("v1", "ConfigMap")
            await connected.objects.apply(kind, config_map("a", {"x": "1"}))
            own.stop()
            with pytest.raises(errors.ClusterUnavailable, match=r"no connection to the API server .*refused"):
                await connected.objects.get(kind, "default", "a")
            own.start()
            assert await connected.objects.get(kind, "default", "a")


async def test_events_and_their_counts_are_accepted(config: ClusterConfig) -> None:
    async with cluster.connect(config, component="test") as connected:
        kind = await connected.objects.resource("v1", "ConfigMap")
        told = (await connected.objects.apply(kind, config_map("told", {}))).object
        events = ServerEvents(connected.objects, connected.clock, component="worker", instance="pod-1")
        for _ in range(5):
            await events.tell(told, Happening(reason="Stuck", action="Trying", note="n" * 2000, severity="Warning"))
        found = [
            event
            for event in (await connected.objects.list(EVENTS, "default")).items
            if event["regarding"].get("uid") == told["metadata"]["uid"]
        ]
    assert [(event["reason"], event["series"]["count"]) for event in found] == [("Stuck", 4)]


async def test_of_several_replicas_one_works(config: ClusterConfig) -> None:
    async with cluster.connect(config, component="test") as connected:
        working: list[str] = []
        most = 0

        async def work(name: str) -> None:
            nonlocal most
            working.append(name)
            most = max(most, len(working))
            await asyncio.sleep(0.3)
            working.remove(name)

        async def stand(name: str) -> None:
            election = Election(connected.objects, connected.clock, namespace="default", name="election", identity=name)
            await election.run(lambda: work(name))

        await asyncio.gather(*(stand(name) for name in "abc"))
        lease = await connected.objects.get(LEASES, "default", "election")
    assert most == 1
    assert lease
    assert lease["spec"]["holderIdentity"] == ""
    assert lease["spec"]["leaseTransitions"] == 2
