from __future__ import annotations

import json
from typing import Any

import pytest
import yaml as pyyaml

from gitops import convert, errors
from gitops.api import crds
from gitops.convert import chart, report
from gitops.convert.chart import Fate
from gitops.lint import validate

NAMES = convert.Names(namespace="tools", worker="worker", pool="linux", image="gitops-worker:1")


def made(values: Any) -> convert.Conversion:
    text = values if isinstance(values, str) else pyyaml.safe_dump(values)
    return convert.convert(convert.read(text.encode(), "values.yaml"), NAMES)


def nested(path: str, value: Any) -> dict[str, Any]:
    first, *rest = path.split(".")
    return {first: nested(".".join(rest), value) if rest else value}


def pool(values: Any) -> dict[str, Any]:
    return dict(made(values).pool.manifest()["spec"])


def notices(values: Any) -> list[str]:
    return [f"{one.path} {one.text}".strip() for one in made(values).notices]


def test_without_values_it_is_the_charts_worker() -> None:
    spec = pool("")
    assert spec["image"] == "octopusdeploy/worker-tools:ubuntu.24.04"
    assert spec["imagePullPolicy"] == "IfNotPresent"
    assert spec["resources"] == {"requests": {"cpu": "25m", "memory": "100Mi"}}
    assert spec["timeouts"] == {"unschedulable": "1h", "imagePull": "1h"}
    assert spec["rbac"] == {"profile": "namespace-admin"}
    assert "podTemplate" not in spec, "what the chart asks of nodes, the program asks by itself"
    assert "podSecurity" not in spec


@pytest.mark.parametrize("values", ["", {"scriptPods": {"resources": {"requests": {"cpu": "50m"}}}}])
def test_what_is_made_passes_our_validator(values: Any) -> None:
    for document in (made(values).pool, made(values).worker):
        assert validate.validate(document.manifest("tools"), document.locate) == ()


def test_a_value_we_would_refuse_is_said_with_its_place_in_the_values() -> None:
    one = made("scriptPods:\n  resources:\n    requests:\n      cpu: lots\n")
    [error] = validate.validate(one.pool.manifest("tools"), one.pool.locate)
    assert str(error.location) == "values.yaml:4:12"


@pytest.mark.parametrize("path", [row.path for row in chart.ROWS if row.fate is Fate.CARRIED])
def test_every_field_the_table_names_exists(path: str) -> None:
    kind, _, fields = chart.BY_PATH[path].words.partition(" ")
    schema = crds.schema(next(one for one in crds.KINDS if one.name == kind))
    node: dict[str, Any] = {"properties": {**schema["properties"], "metadata": {"properties": {"name": {}}}}}
    for part in fields.split(",")[0].split(" and ")[0].split("."):
        if not node.get("properties"):
            break
        if node.get("x-kubernetes-preserve-unknown-fields") and part not in node["properties"]:
            break
        node = node["properties"][part]


SAMPLES: dict[type, Any] = {str: "x1", list: ["x1"], dict: {"x1": "y1"}, bool: True, int: 7}
SPECIAL = {
    "agent.deploymentTarget.enabled": "false",
    "agent.affinity": {"nodeAffinity": {}},
    "scriptPods.affinity": {"nodeAffinity": {}},
    "persistence.nfs.affinity": {"nodeAffinity": {}},
    "scriptPods.workerRoleRules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
    "scriptPods.podTemplate.enabled": False,
}


@pytest.mark.parametrize("path", [row.path for row in chart.ROWS])
def test_every_value_of_the_chart_is_accounted_for_once(path: str) -> None:
    value = SPECIAL.get(path, SAMPLES[type(chart.BY_PATH[path].default)])
    found = [entry for entry in made(nested(path, value)).entries if entry.path == path]
    assert [entry.words != "" for entry in found] == [True]
    assert found[0].location is not None
    assert found[0].fate is not Fate.UNKNOWN


def test_computed_values_at_their_defaults_are_as_no_values() -> None:
    root: dict[str, Any] = {}
    for row in chart.ROWS:
        node = root
        *above, last = row.path.split(".")
        for key in above:
            node = node.setdefault(key, {})
        node[last] = row.default
    computed = made(f"COMPUTED VALUES:\n{json.dumps(root)}")
    assert computed.entries == ()
    assert computed.pool.manifest() == made("").pool.manifest()
    assert computed.worker.manifest() == made("").worker.manifest()


def test_rules_are_carried_over_and_the_reconciler_may_grant_them() -> None:
    rules = [{"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["get", "patch"]}]
    one = made(nested("scriptPods.workerRoleRules", rules))
    assert one.pool.manifest()["spec"]["rbac"] == {"profile": "custom", "rules": rules}
    assert one.worker.manifest()["spec"]["commitRules"] == rules


def test_a_rule_for_everything_does_not_reach_the_cluster() -> None:
    rules = [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]
    one = made(nested("scriptPods.workerRoleRules", rules))
    assert one.pool.manifest()["spec"]["rbac"] == {"profile": "namespace-admin"}
    assert "commitRules" not in one.worker.manifest()["spec"]
    assert any("a rule allows everything" in text for text in notices(nested("scriptPods.workerRoleRules", rules)))


def test_an_empty_list_of_rules_is_called_out_where_it_stands() -> None:
    one = made("scriptPods:\n  workerRoleRules: []\n")
    [notice] = [notice for notice in one.notices if notice.path == "scriptPods.workerRoleRules"]
    assert str(notice.location) == "values.yaml:2:3"
    assert "reads as everything" in notice.text
    assert "profile: none" in notice.text


@pytest.mark.parametrize("path", [path for path in chart.RULES if path != "scriptPods.workerRoleRules"])
def test_every_other_empty_list_of_rules_is_called_out_too(path: str) -> None:
    assert any(text.startswith(f"{path} is an empty list") for text in notices(nested(path, [])))


def test_target_namespaces_of_a_worker_are_not_granted() -> None:
    """The chart makes no binding for them in a worker, so carrying them over would give more than there was."""
    values = nested("scriptPods.serviceAccount.targetNamespaces", ["shop"])
    assert pool(values)["rbac"] == {"profile": "namespace-admin"}


def test_a_pod_template_replaces_the_flat_settings() -> None:
    values = {
        "scriptPods": {
            "tolerations": [{"key": "ignored"}],
            "resources": {"limits": {"cpu": 9}},
            "metadata": {"labels": {"flat": "yes"}},
            "podTemplate": {
                "enabled": True,
                "podSpec": {"nodeSelector": {"a": "b"}, "restartPolicy": "Always", "containers": [{"name": "x"}]},
                "podMetadata": {"labels": {"template": "yes"}},
                "scriptContainerSpec": {
                    "name": "mine",
                    "resources": {"requests": {"cpu": 1}},
                    "volumeMounts": [{"name": "c", "mountPath": "/c"}],
                },
            },
        }
    }
    spec = pool(values)
    assert spec["resources"] == {"requests": {"cpu": 1}}
    assert spec["podTemplate"] == {
        "metadata": {"labels": {"flat": "yes", "template": "yes"}},
        "spec": {
            "nodeSelector": {"a": "b"},
            "containers": [{"name": "operation", "volumeMounts": [{"name": "c", "mountPath": "/c"}]}],
        },
    }
    said = " ".join(notices(values))
    for path in ("podSpec.restartPolicy", "podSpec.containers", "scriptContainerSpec.name"):
        assert f"scriptPods.podTemplate.{path} left out" in said
    fates = {entry.path: entry.fate for entry in made(values).entries}
    assert fates["scriptPods.tolerations"] is Fate.MEANINGLESS


def test_what_the_program_sets_on_pods_itself_is_left_out() -> None:
    metadata = {
        "annotations": {"cluster-autoscaler.kubernetes.io/safe-to-evict": "true", "kept": "a"},
        "labels": {"app.kubernetes.io/managed-by": "Helm", "gitops-worker.io/pool": "x"},
    }
    values = nested("scriptPods.metadata", metadata)
    assert pool(values)["podTemplate"]["metadata"] == {"annotations": {"kept": "a"}}
    assert sum("which the program sets itself" in text for text in notices(values)) == 3


def test_proxies_reach_the_script_in_both_spellings() -> None:
    [container] = pool(nested("scriptPods.proxies", {"http_proxy": "http://p:1", "no_proxy": ".svc"}))["podTemplate"][
        "spec"
    ]["containers"]
    assert container["env"] == [
        {"name": "HTTP_PROXY", "value": "http://p:1"},
        {"name": "http_proxy", "value": "http://p:1"},
        {"name": "NO_PROXY", "value": ".svc"},
        {"name": "no_proxy", "value": ".svc"},
    ]


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"hostNetwork": True}, "hostNetwork"),
        ({"volumes": [{"name": "h", "hostPath": {"path": "/"}}]}, "hostPath volumes"),
        ({"securityContext": {"seLinuxOptions": {"type": "spc_t"}}}, "seLinuxOptions"),
        ({"securityContext": {"sysctls": [{"name": "kernel.msgmax", "value": "1"}]}}, "sysctl kernel.msgmax"),
    ],
)
def test_pods_that_baseline_refuses_are_made_possible_and_called_out(spec: dict[str, Any], why: str) -> None:
    values = nested("scriptPods.podTemplate", {"enabled": True, "podSpec": spec})
    assert pool(values)["podSecurity"] == "privileged"
    assert any("podSecurity: privileged" in text and why in text for text in notices(values))


def test_a_privileged_script_container_is_called_out() -> None:
    context = {"securityContext": {"privileged": True, "capabilities": {"add": ["SYS_ADMIN", "CHOWN"]}}}
    text = made(nested("scriptPods.podTemplate", {"enabled": True, "scriptContainerSpec": context})).pool.text()
    assert "# For privileged, capability SYS_ADMIN.\n  podSecurity: privileged" in text


def test_what_the_template_refers_to_must_be_made_in_the_pods_namespace() -> None:
    env = [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "build", "key": "a"}}}]
    said = notices(nested("scriptPods.podTemplate", {"enabled": True, "scriptContainerSpec": {"env": env}}))
    assert any("refers to Secret build" in text and "tools-linux-ops" in text for text in said)


def test_unknown_keys_are_listed_with_place_and_proposal() -> None:
    text = (
        "scriptPod: {}\nscriptPods:\n  tolerationss: []\n  Resources: {}\nworkerRoleRules: []\nagent.name: x\n"
        "zzz: 1\nkubernetes-agent:\n  agent: {}\n"
    )
    found = [(str(one.location), one.path, one.words) for one in made(text).entries if one.fate is Fate.UNKNOWN]
    assert found == [
        ("values.yaml:1:1", "scriptPod", "did you mean scriptPods?"),
        ("values.yaml:3:3", "scriptPods.tolerationss", "did you mean scriptPods.tolerations?"),
        ("values.yaml:4:3", "scriptPods.Resources", "did you mean scriptPods.resources?"),
        ("values.yaml:5:1", "workerRoleRules", "did you mean scriptPods.workerRoleRules?"),
        ("values.yaml:6:13", "agent.name", "Helm does not split keys: write it nested"),
        ("values.yaml:7:6", "zzz", ""),
        ("values.yaml:8:1", "kubernetes-agent", "values of a parent chart? Give the part below this key"),
    ]


def test_an_affinity_nested_too_deep_is_found_and_not_carried_over() -> None:
    """Kubernetes drops it without a word, and so did Helm: OctopusDeploy/Issues#9865."""
    values = nested("scriptPods.affinity.nodeAffinity.podAntiAffinity", {"required": []})
    [entry] = [one for one in made(values).entries if one.fate is Fate.UNKNOWN]
    assert entry.words == "did you mean scriptPods.affinity.podAntiAffinity?"
    assert pool(values)["podTemplate"]["spec"]["affinity"] == chart.LINUX


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"agent": {"deploymentTarget": {"enabled": True}}}, "install a deployment target"),
        ({"agent": {"deploymentTarget": {"enabled": True}, "worker": {"enabled": True}}}, "at once"),
        ({"agent": {"targetEnvironments": ["dev"]}}, "chart 1"),
        ({"scriptPods": {"workerRoleRules": {"a": 1}}}, "scriptPods.workerRoleRules must be a list"),
        ({"scriptPods": {"pendingPodsTimeoutMinutes": "soon"}}, "a number of minutes"),
        ({"scriptPods": {"worker": {"image": {"repository": ""}}}}, "is empty"),
    ],
)
def test_what_is_no_worker_is_refused(values: Any, words: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        made(values)
    assert words in caught.value.message
    assert caught.value.location is not None


def test_names_come_from_the_values_unless_given() -> None:
    text = b"agent: {name: 'Build Agents (EU)', worker: {initial: {workerPools: [WorkerPools-7, 'Linux Pool', other]}}}"
    values = convert.read(text, "values.yaml")
    found = convert.names_for(values, image="i:1")
    assert (found.worker, found.pool, found.namespace) == ("build-agents-eu", "linux-pool", "gitops-worker")
    assert found.operations == "gitops-worker-linux-pool-ops"
    given = convert.names_for(values, image="i:1", namespace="n", worker="w", pool="p")
    assert (given.worker, given.pool, given.namespace) == ("w", "p", "n")


def test_settings_of_the_agents_own_pod_reach_the_worker_but_not_its_programs() -> None:
    agent = {
        "spec": {"priorityClassName": "high", "shareProcessNamespace": True},
        "tolerations": [{"operator": "Exists"}],
        "metadata": {"labels": {"team": "a"}},
        "containers": {"tentacle": {"env": [{"name": "X", "value": "canary"}]}},
    }
    one = made({"agent": agent})
    template = one.worker.manifest()["spec"]["podTemplate"]
    assert template == {
        "metadata": {"labels": {"team": "a"}},
        "spec": {"priorityClassName": "high", "tolerations": [{"operator": "Exists"}]},
    }
    assert any(notice.path == "agent.spec.shareProcessNamespace" for notice in one.notices)


def test_the_report_counts_and_groups() -> None:
    text = "\n".join(report.lines(made({"agent": {"space": "A", "serverUrl": "b"}, "persistence": {"size": "1Gi"}})))
    assert text.startswith("3 values: not yet 2, without meaning here 1\n")
    assert text.count("nothing here connects to an Octopus Server") == 1


def test_the_name_of_a_registry_is_no_secret() -> None:
    """The registry of the agent's credentials is mostly the one of the pool's image."""
    one = made(
        {
            "agent": {"username": "deployments", "upgrade": {"dockerAuth": {"registry": "registry.example"}}},
            "scriptPods": {
                "metadata": {"labels": {"team": "deployments"}},
                "worker": {"image": {"repository": "registry.example/tools", "tag": "1"}},
            },
        }
    )
    assert one.pool.manifest()["spec"]["image"] == "registry.example/tools:1"


def test_a_password_in_a_url_is_refused_where_no_reference_can_stand() -> None:
    annotations = 'scriptPods:\n  metadata:\n    annotations:\n      docs: "https://me:s3cret@docs.example"\n'
    with pytest.raises(errors.ConfigError, match="a URL with a password") as caught:
        made(annotations)
    assert str(caught.value.location) == "values.yaml:4:13"
    assert "s3cret" not in str(caught.value)
