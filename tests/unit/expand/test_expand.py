from __future__ import annotations

import copy
from collections.abc import Iterator
from typing import Any

import pytest

from gitops import errors, expand
from gitops.location import Location
from gitops.objects import Manifest, ref_of
from gitops.ref import ResourceRef

CONTEXT = expand.Context(
    runner={"start": b"#!/bin/sh\n", "runner-amd64": b"\x7fELF", "runner-arm64": b"\x7fELF"},
    locate=lambda ref, pointer: Location(f"{ref.name}.yaml#{pointer}", 1, 1),
)


def pool(name: str = "linux", namespace: str = "ci", **spec: Any) -> Manifest:
    return {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "WorkerPool",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"image": "worker-tools:1", **spec},
    }


def worker(name: str = "worker", namespace: str = "ci", **spec: Any) -> Manifest:
    return {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Worker",
        "metadata": {"name": name, "namespace": namespace},
        "spec": {"image": "gitops-worker:1", "pools": ["linux"], **spec},
    }


def grown(*manifests: Manifest) -> list[Manifest]:
    return [item.manifest for item in expand.expand(manifests, context=CONTEXT)]


def of(manifests: list[Manifest], kind: str, namespace: str = "") -> dict[str, Manifest]:
    return {
        one["metadata"]["name"]: one
        for one in manifests
        if one["kind"] == kind and one["metadata"].get("namespace", "") == namespace
    }


def rules(manifests: list[Manifest]) -> Iterator[tuple[str, dict[str, Any]]]:
    for one in manifests:
        if one["kind"] in {"Role", "ClusterRole"}:
            yield from ((one["metadata"]["name"], rule) for rule in one["rules"])


def refusal(*manifests: Manifest) -> errors.GitOpsError:
    with pytest.raises(errors.GitOpsError) as caught:
        grown(*manifests)
    return caught.value


def test_authored_objects_come_first_and_unchanged() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    authored = [pool(), config, worker()]
    before = copy.deepcopy(authored)
    items = expand.expand(authored, context=CONTEXT)
    assert [item.manifest for item in items[:3]] == before == authored
    assert [item.authored for item in items[:3]] == [ref_of(one) for one in authored]


def test_without_kinds_of_ours_nothing_is_added() -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "a", "namespace": "b"}}
    assert grown(config) == [config]


def test_every_object_has_one_identity_and_one_origin() -> None:
    items = expand.expand([pool(), pool("gpu"), worker(pools=["linux", "gpu"])], context=CONTEXT)
    refs = [ref_of(item.manifest) for item in items]
    assert len(set(refs)) == len(refs)
    origins = {item.authored.name for item in items if item.manifest["metadata"].get("namespace") == "ci-gpu-ops"}
    assert origins == {"gpu"}


def test_no_role_has_a_wildcard_or_an_empty_group_by_mistake() -> None:
    for name, rule in rules(grown(pool(), worker(topology="split"))):
        for part in ("verbs", "resources", "apiGroups"):
            assert rule[part], name
            assert "*" not in rule[part], name
        assert "escalate" not in rule["verbs"], name
        assert "impersonate" not in rule["verbs"], name


def test_bind_is_limited_to_our_own_roles() -> None:
    bound = [rule for _, rule in rules(grown(pool(), worker())) if "bind" in rule["verbs"]]
    assert len(bound) == 1
    assert all(name.startswith("gitops-worker:ci:") for name in bound[0]["resourceNames"])


def test_namespace_admin_cannot_touch_the_namespace_itself() -> None:
    role = of(grown(pool(), worker()), "ClusterRole")["gitops-worker:ci:namespace-admin"]
    resources = {resource for rule in role["rules"] for resource in rule["resources"]}
    assert not {"namespaces", "nodes", "persistentvolumes", "clusterroles"} & resources
    written = {
        resource for rule in role["rules"] for resource in rule["resources"] if {"create", "patch"} & set(rule["verbs"])
    }
    assert not {"networkpolicies", "resourcequotas", "limitranges"} & written


def test_the_reconciler_reads_only_the_secrets_named() -> None:
    sync = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "GitSync",
        "metadata": {"name": "config", "namespace": "ci"},
        "spec": {"source": {"url": "https://git.example/c.git", "credentials": {"name": "forge"}}},
    }
    home = of(grown(pool(), worker(), sync), "ClusterRole")["gitops-worker:ci:home"]
    [secrets] = [rule for rule in home["rules"] if "secrets" in rule["resources"]]
    assert secrets == {
        "apiGroups": [""],
        "resources": ["secrets"],
        "verbs": ["get"],
        "resourceNames": ["forge", "worker-git"],
    }


def test_the_reconciler_acts_only_as_the_accounts_named() -> None:
    sync = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "GitSync",
        "metadata": {"name": "config", "namespace": "ci"},
        "spec": {"source": {"url": "https://git.example/c.git"}, "serviceAccount": {"name": "applier"}},
    }
    home = of(grown(pool(), worker(), sync), "ClusterRole")["gitops-worker:ci:home"]
    assert [rule for rule in home["rules"] if "impersonate" in rule["verbs"]] == [
        {
            "apiGroups": [""],
            "resources": ["serviceaccounts"],
            "verbs": ["impersonate"],
            "resourceNames": ["applier"],
        }
    ]
    plain = of(grown(pool(), worker()), "ClusterRole")["gitops-worker:ci:home"]
    assert not any("impersonate" in rule["verbs"] for rule in plain["rules"])


def test_embedded_is_one_account_and_split_two() -> None:
    one = grown(pool(), worker())
    two = grown(pool(), worker(topology="split"))
    assert list(of(one, "Deployment", "ci")) == list(of(one, "ServiceAccount", "ci")) == ["worker"]
    assert list(of(two, "Deployment", "ci")) == ["worker-reconciler", "worker-worker"]
    for name, deployment in of(two, "Deployment", "ci").items():
        assert deployment["spec"]["template"]["spec"]["serviceAccountName"] == name


def test_split_halves_hold_only_their_own_rights() -> None:
    made = grown(pool(), worker(topology="split"))
    subjects = {
        (one["roleRef"]["name"], one["metadata"].get("namespace", "")): [who["name"] for who in one["subjects"]]
        for one in made
        if one["kind"] in {"RoleBinding", "ClusterRoleBinding"}
    }
    assert subjects["gitops-worker:ci:worker", "ci"] == ["worker-worker"]
    assert subjects["gitops-worker:ci:home", "ci"] == ["worker-reconciler"]
    assert subjects["gitops-worker:ci:reconciler", ""] == ["worker-reconciler"]
    assert subjects["gitops-worker:ci:operations", "ci-linux-ops"] == ["worker-worker"]
    assert subjects["gitops-worker:ci:expansion", "ci-linux-ops"] == ["worker-reconciler"]
    assert subjects["gitops-worker:ci:namespace-admin", "ci-linux-ops"] == ["linux"]


def test_none_binds_nothing_and_mounts_no_token() -> None:
    made = grown(pool(rbac={"profile": "none"}), worker())
    bound = [
        one["metadata"]["name"]
        for one in made
        if one["kind"] == "RoleBinding" and any(who["namespace"] == "ci-linux-ops" for who in one["subjects"])
    ]
    assert bound == []
    assert of(made, "ServiceAccount", "ci-linux-ops")["linux"]["automountServiceAccountToken"] is False


def test_custom_gives_exactly_the_rules_in_each_place() -> None:
    listed = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    paths = [{"nonResourceURLs": ["/healthz"], "verbs": ["get"]}]
    rbac = {"profile": "custom", "rules": listed, "clusterRules": paths, "targetNamespaces": ["apps"]}
    made = grown(pool(rbac=rbac), worker())
    for namespace in ("ci-linux-ops", "apps"):
        assert of(made, "Role", namespace)["gitops-worker:ci:pool:linux"]["rules"] == listed
        binding = of(made, "RoleBinding", namespace)["gitops-worker:ci:pool:linux"]
        assert binding["subjects"] == [{"kind": "ServiceAccount", "name": "linux", "namespace": "ci-linux-ops"}]
    assert of(made, "ClusterRole")["gitops-worker:ci:pool:linux"]["rules"] == paths


@pytest.mark.parametrize("rbac", [{"profile": "custom"}, {"profile": "custom", "rules": []}])
def test_an_empty_list_of_rules_means_no_rights(rbac: dict[str, Any]) -> None:
    made = grown(pool(rbac=rbac), worker())
    assert of(made, "Role", "ci-linux-ops") == {}
    assert "gitops-worker:ci:namespace-admin" not in of(made, "RoleBinding", "ci-linux-ops")


def test_the_runner_is_immutable_and_named_after_its_content() -> None:
    [name] = of(grown(pool(), worker()), "ConfigMap", "ci-linux-ops")
    other = expand.Context(runner={**CONTEXT.runner, "start": b"#!/bin/sh -e\n"})
    [changed] = of(
        [item.manifest for item in expand.expand([pool(), worker()], context=other)], "ConfigMap", "ci-linux-ops"
    )
    assert name != changed
    assert of(grown(pool(), worker()), "ConfigMap", "ci-linux-ops")[name]["immutable"] is True


def test_labels_of_the_pool_reach_its_objects_but_never_replace_ours() -> None:
    labelled = pool()
    labelled["metadata"]["labels"] = {"team": "build", "gitops-worker.io/pool": "other"}
    space = of(grown(labelled, worker()), "Namespace")["ci-linux-ops"]
    assert space["metadata"]["labels"]["team"] == "build"
    assert space["metadata"]["labels"]["gitops-worker.io/pool"] == "linux"
    assert space["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "baseline"


def test_an_account_that_exists_is_not_made() -> None:
    made = grown(pool(serviceAccount={"create": False, "name": "builder"}), worker())
    assert of(made, "ServiceAccount", "ci-linux-ops") == {}
    binding = of(made, "RoleBinding", "ci-linux-ops")["gitops-worker:ci:namespace-admin"]
    assert binding["subjects"][0]["name"] == "builder"


def test_a_pod_template_is_merged_into_the_program_by_container() -> None:
    template = {
        "spec": {"nodeSelector": {"a": "b"}, "containers": [{"name": "gitops", "env": [{"name": "A", "value": "1"}]}]}
    }
    made = grown(pool(), worker(podTemplate=template))
    pod = of(made, "Deployment", "ci")["worker"]["spec"]["template"]["spec"]
    assert pod["nodeSelector"] == {"a": "b"}
    [container] = pod["containers"]
    assert {one["name"] for one in container["env"]} == {"A", "POD_NAME", "POD_NAMESPACE", "MALLOC_ARENA_MAX"}
    assert container["image"] == "gitops-worker:1"


def test_a_pod_template_cannot_change_the_labels_the_deployment_selects_by() -> None:
    template = {"metadata": {"labels": {"app.kubernetes.io/instance": "x"}}}
    error = refusal(pool(), worker(podTemplate=template))
    assert str(error).startswith("worker.yaml#/spec/podTemplate/metadata/labels:1:1: ")


def test_a_claim_is_handed_over_not_shared() -> None:
    made = grown(pool(), worker(logStore={"claimName": "logs"}))
    deployment = of(made, "Deployment", "ci")["worker"]
    assert deployment["spec"]["strategy"]["rollingUpdate"] == {"maxSurge": 0, "maxUnavailable": 1}
    volumes = deployment["spec"]["template"]["spec"]["volumes"]
    assert {"name": "logs", "persistentVolumeClaim": {"claimName": "logs"}} in volumes


def test_a_worker_that_serves_a_missing_pool_is_an_error_at_that_line() -> None:
    error = refusal(pool(), worker(pools=["linux", "gpu"]))
    assert str(error) == "worker.yaml#/spec/pools/1:1:1: Worker worker serves a pool that is not in this build: gpu"
    assert "WorkerPool gpu in namespace ci" in error.hint


def test_a_pool_of_another_namespace_is_not_served() -> None:
    assert "not in this build" in str(refusal(pool(namespace="other"), worker()))


def test_a_pool_without_a_worker_expands_without_the_workers_rights() -> None:
    made = grown(pool())
    assert list(of(made, "RoleBinding", "ci-linux-ops")) == ["gitops-worker:ci:namespace-admin"]


def test_a_pool_needs_a_namespace() -> None:
    error = refusal(pool(namespace=""))
    assert str(error) == "linux.yaml#/metadata:1:1: WorkerPool linux has no namespace"
    assert "kustomization" in error.hint


def test_a_target_namespace_named_twice_counts_once() -> None:
    listed = [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
    rbac = {"profile": "custom", "rules": listed, "targetNamespaces": ["apps", "apps"]}
    made = grown(pool(rbac=rbac), worker())
    refs = [ref_of(one) for one in made]
    assert len(refs) == len(set(refs))


def test_operations_never_run_where_the_program_lives() -> None:
    own = pool()
    own["spec"]["namespace"] = "ci"
    assert "would run its pods in ci, where workers and pools live" in str(refusal(own, worker()))


def test_two_pools_never_share_an_operations_namespace() -> None:
    first, second = pool("a"), pool("b")
    first["spec"]["namespace"] = second["spec"]["namespace"] = "builds"
    assert "would share the operations namespace builds" in str(refusal(first, second))


def test_target_namespaces_are_never_those_of_pools_or_workers() -> None:
    rbac = {"profile": "custom", "rules": [], "targetNamespaces": ["ci", "ci-gpu-ops", "apps"]}
    error = refusal(pool(rbac=rbac), pool("gpu"), worker())
    assert isinstance(error, errors.SeveralErrors)
    assert len(error.errors) == 2


def test_a_namespace_written_beside_the_pool_is_a_collision() -> None:
    space = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "ci-linux-ops"}}
    error = refusal(pool(), worker(), space)
    assert "expands to Namespace ci-linux-ops, which is written in this build already" in str(error)


def test_an_operation_in_git_is_refused() -> None:
    operation = {
        "apiVersion": "gitops-worker.io/v1alpha1",
        "kind": "Operation",
        "metadata": {"name": "once", "namespace": "ci"},
        "spec": {"pool": "linux", "script": "true"},
    }
    error = refusal(operation)
    assert "Operation once is in Git" in str(error)
    assert error.ref == ResourceRef("gitops-worker.io", "Operation", "ci", "once")


def test_the_order_of_the_input_does_not_matter_to_what_is_made() -> None:
    forward = grown(pool(), pool("gpu"), worker(pools=["linux", "gpu"]))
    backward = grown(worker(pools=["linux", "gpu"]), pool("gpu"), pool())
    by_ref = {ref_of(one): one for one in backward}
    assert by_ref == {ref_of(one): one for one in forward}


def test_pods_with_work_in_them_are_not_evicted() -> None:
    """The budget wants more pods than a pool can have, and selects what the worker labels."""
    objects = grown(pool(maxOperations=10000), worker())
    [budget] = of(objects, "PodDisruptionBudget", "ci-linux-ops").values()
    assert budget["spec"]["minAvailable"] >= 10000
    assert isinstance(budget["spec"]["minAvailable"], int)
    assert budget["spec"]["selector"] == {
        "matchLabels": {"gitops-worker.io/pool": "linux", "gitops-worker.io/protected": "true"}
    }


def test_egress_is_open_unless_the_pool_restricts_it() -> None:
    assert set(of(grown(pool(), worker()), "NetworkPolicy", "ci-linux-ops")) == {"deny-ingress"}
    open_in_words = pool(egress={"mode": "open"})
    assert grown(open_in_words, worker())[2:] == grown(pool(), worker())[2:]
    restricted = of(grown(pool(egress={"mode": "restricted"}), worker()), "NetworkPolicy", "ci-linux-ops")
    assert set(restricted) == {"deny-ingress", "restrict-egress"}
    [names_served] = restricted["restrict-egress"]["spec"]["egress"]
    assert {(one["port"], one["protocol"]) for one in names_served["ports"]} == {(53, "UDP"), (53, "TCP")}


def test_restricted_egress_lists_addresses_and_namespaces() -> None:
    allow = [{"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"], "ports": [{"port": 443}]}, {"namespace": "registry"}]
    objects = grown(pool(egress={"mode": "restricted", "allow": allow}), worker())
    policy = of(objects, "NetworkPolicy", "ci-linux-ops")["restrict-egress"]
    assert policy["spec"]["egress"][1:] == [
        {
            "to": [{"ipBlock": {"cidr": "10.0.0.0/8", "except": ["10.1.0.0/16"]}}],
            "ports": [{"port": 443, "protocol": "TCP"}],
        },
        {"to": [{"namespaceSelector": {"matchLabels": {"kubernetes.io/metadata.name": "registry"}}}]},
    ]


def test_of_the_cluster_the_worker_sees_whether_a_node_is_emptied_and_nothing_else() -> None:
    objects = grown(pool(), worker(topology="split"))
    bindings = of(objects, "ClusterRoleBinding")
    mine = [
        one["roleRef"]["name"]
        for one in bindings.values()
        if {"worker-worker"} == {subject["name"] for subject in one["subjects"]}
    ]
    assert mine == ["gitops-worker:ci:nodes"]
    assert of(objects, "ClusterRole")["gitops-worker:ci:nodes"]["rules"] == [
        {"apiGroups": [""], "resources": ["nodes"], "verbs": ["get", "list"]}
    ]
