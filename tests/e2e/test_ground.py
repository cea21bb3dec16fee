"""The ground of the e2e layer: two real nodes that run real pods, guarded as a real cluster is."""

from __future__ import annotations

import datetime as dt
import json
import time
from collections.abc import Callable
from typing import Any

import pytest

from tests.cluster import addresses
from tests.cluster.cluster import Cluster
from tests.cluster.errors import GroundError

pytestmark = pytest.mark.e2e

ASK_API = """
import os, ssl, urllib.request
mounted = "/var/run/secrets/kubernetes.io/serviceaccount"
trusted = ssl.create_default_context(cafile=f"{mounted}/ca.crt")
token = open(f"{mounted}/token").read()
url = f"https://{os.environ['KUBERNETES_SERVICE_HOST']}/api"
request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
print(urllib.request.urlopen(request, context=trusted).status)
"""


def pod(name: str, *command: str, image: str = "busybox:1", **spec: Any) -> dict[str, Any]:
    container = {"name": "main", "image": image, "imagePullPolicy": "IfNotPresent", "command": list(command)}
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name},
        "spec": {
            "containers": [container],
            "restartPolicy": "Never",
            "terminationGracePeriodSeconds": 0,
            **spec,
        },
    }


def create(cluster: Cluster, namespace: str, manifest: dict[str, Any]) -> str:
    return cluster.kubectl("create", "-n", namespace, "-f", "-", stdin=json.dumps(manifest))


def wait_for(cluster: Cluster, namespace: str, name: str, condition: str) -> None:
    cluster.kubectl("wait", "-n", namespace, f"pod/{name}", f"--for={condition}", "--timeout=60s")


def eventually(check: Callable[[], bool], seconds: float = 30) -> bool:
    deadline = time.monotonic() + seconds
    while not check():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True


def test_two_nodes_are_ready(cluster: Cluster) -> None:
    assert cluster.unready_nodes() == []
    nodes = cluster.get("nodes")["items"]
    assert {node["status"]["nodeInfo"]["kubeletVersion"] for node in nodes} == {"v1.35.4"}
    assert len(nodes) == 2


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_logs_and_exec_work_through_the_verified_kubelet(cluster: Cluster, namespace: str, node: str) -> None:
    create(cluster, namespace, pod("here", "sh", "-c", "echo out of $HOSTNAME; sleep 600", nodeName=node))
    wait_for(cluster, namespace, "here", "condition=Ready")
    assert cluster.kubectl("logs", "-n", namespace, "here") == "out of here\n"
    assert cluster.kubectl("exec", "-n", namespace, "here", "--", "echo", "inside") == "inside\n"


@pytest.mark.parametrize("node", addresses.NODES, ids=lambda node: node.name)
def test_the_kubelet_knows_no_strangers(cluster: Cluster, node: addresses.Node) -> None:
    ask = ["python3", "-c", _ASK_KUBELET, f"https://{node.address}:10250/pods", "/node/pki/ca.crt"]
    assert cluster.execute("node1", *ask) == "401\n"


_ASK_KUBELET = """
import ssl, sys, urllib.error, urllib.request
trusted = ssl.create_default_context(cafile=sys.argv[2])
try:
    print(urllib.request.urlopen(sys.argv[1], context=trusted).status)
except urllib.error.HTTPError as error:
    print(error.code)
"""


@pytest.mark.parametrize("node", ["node1", "node2"])
def test_a_pod_calls_the_api_server_by_its_service(cluster: Cluster, namespace: str, node: str) -> None:
    create(cluster, namespace, pod("asks", "python3", "-c", ASK_API, image="worker-tools:1", nodeName=node))
    wait_for(cluster, namespace, "asks", "jsonpath={.status.phase}=Succeeded")
    assert cluster.kubectl("logs", "-n", namespace, "asks") == "200\n"
    user = f"system:serviceaccount:{namespace}:default"
    assert [event.uri for event in cluster.audit(user=user)] == ["/api"]


def test_pods_of_both_nodes_reach_each_other(cluster: Cluster, namespace: str) -> None:
    serve = "mkdir /tmp/www && echo hello > /tmp/www/index.html && exec httpd -f -p 8080 -h /tmp/www"
    create(cluster, namespace, pod("serves", "sh", "-c", serve, nodeName="node1"))
    wait_for(cluster, namespace, "serves", "condition=Ready")
    address = cluster.kubectl("get", "pod", "serves", "-n", namespace, "-o", "jsonpath={.status.podIP}")
    fetch = f"until wget -qO- http://{address}:8080/; do sleep 0.2; done"
    create(cluster, namespace, pod("fetches", "sh", "-c", fetch, nodeName="node2"))
    wait_for(cluster, namespace, "fetches", "jsonpath={.status.phase}=Succeeded")
    assert cluster.kubectl("logs", "-n", namespace, "fetches").endswith("hello\n")


def test_pod_security_refuses_a_privileged_pod(cluster: Cluster, namespace: str) -> None:
    label = "pod-security.kubernetes.io/enforce=restricted"
    cluster.kubectl("label", "namespace", namespace, label)
    wild = pod("wild", "true")
    wild["spec"]["containers"][0]["securityContext"] = {"privileged": True}
    with pytest.raises(GroundError, match='violates PodSecurity "restricted:latest": privileged'):
        create(cluster, namespace, wild)


def test_an_admission_policy_is_enforced(cluster: Cluster, namespace: str) -> None:
    group = "admissionregistration.k8s.io"
    only_here = {"matchLabels": {"kubernetes.io/metadata.name": namespace}}
    policy = {
        "apiVersion": f"{group}/v1",
        "kind": "ValidatingAdmissionPolicy",
        "metadata": {"name": namespace},
        "spec": {
            "matchConstraints": {
                "resourceRules": [
                    {
                        "apiGroups": [""],
                        "apiVersions": ["v1"],
                        "operations": ["CREATE"],
                        "resources": ["configmaps"],
                    }
                ]
            },
            "validations": [
                {
                    "expression": "!object.metadata.name.startsWith('forbidden')",
                    "message": "not by that name",
                }
            ],
        },
    }
    binding = {
        "apiVersion": f"{group}/v1",
        "kind": "ValidatingAdmissionPolicyBinding",
        "metadata": {"name": namespace},
        "spec": {
            "policyName": namespace,
            "validationActions": ["Deny"],
            "matchResources": {"namespaceSelector": only_here},
        },
    }

    def refused() -> bool:
        try:
            cluster.kubectl("create", "configmap", "forbidden", "-n", namespace, "--dry-run=server")
        except GroundError as error:
            return "not by that name" in error.why
        return False

    cluster.apply([policy, binding])
    try:
        assert eventually(refused)
        cluster.kubectl("create", "configmap", "allowed", "-n", namespace)
    finally:
        kinds = ("validatingadmissionpolicybinding", "validatingadmissionpolicy")
        cluster.kubectl("delete", f"{kinds[0]}/{namespace}", f"{kinds[1]}/{namespace}")


def test_a_kubelet_may_not_touch_another_node(cluster: Cluster) -> None:
    kubelet = cluster.user("system:node:node2", groups=("system:nodes",))
    with pytest.raises(GroundError, match="only its own Node object"):
        cluster.kubectl("label", "node", "node1", "by=another", user=kubelet)


def test_an_image_that_does_not_exist_is_said_at_once(cluster: Cluster, namespace: str) -> None:
    create(cluster, namespace, pod("bad", "true", image="nowhere:1"))

    def reason() -> str:
        path = "jsonpath={.status.containerStatuses[0].state.waiting.reason}"
        return cluster.kubectl("get", "pod", "bad", "-n", namespace, "-o", path)

    assert eventually(lambda: reason() in {"ErrImagePull", "ImagePullBackOff"}, seconds=20)


def test_the_viewer_sees_pods_and_roles_but_no_secrets(cluster: Cluster, namespace: str) -> None:
    assert cluster.kubectl("auth", "can-i", "list", "pods", "-n", namespace, user=cluster.viewer) == "yes\n"
    assert cluster.kubectl("auth", "can-i", "list", "clusterroles", user=cluster.viewer) == "yes\n"
    with pytest.raises(GroundError, match='"viewer" cannot list resource "secrets"'):
        cluster.kubectl("get", "secrets", "-n", namespace, user=cluster.viewer)


def test_requests_are_counted_by_user(cluster: Cluster, namespace: str) -> None:
    before = dt.datetime.now(dt.UTC)
    user = cluster.user("counted")
    with pytest.raises(GroundError, match="cannot get"):
        cluster.kubectl("get", "--raw", f"/api/v1/namespaces/{namespace}", user=user)
    assert [(event.verb, event.code) for event in cluster.audit(user="counted", since=before)] == [("get", 403)]


def test_a_pod_clones_from_the_git_server(cluster: Cluster, namespace: str) -> None:
    name = f"from-pod-{namespace}"
    cluster.git.create_repo(name)
    ca = cluster.git.ca_file.read_text()
    cluster.kubectl("create", "configmap", "git-ca", "-n", namespace, f"--from-literal=ca.crt={ca}")
    ask = (
        "import base64, ssl, sys, urllib.request\n"
        "trusted = ssl.create_default_context(cafile='/ca/ca.crt')\n"
        "secret = base64.b64encode(('x:' + sys.argv[2]).encode()).decode()\n"
        "request = urllib.request.Request(sys.argv[1], headers={'Authorization': 'Basic ' + secret})\n"
        "print(urllib.request.urlopen(request, context=trusted).read(30).decode())\n"
    )
    url = f"{cluster.git.cluster_url(name)}/info/refs?service=git-upload-pack"
    manifest = pod("clones", "python3", "-c", ask, url, cluster.git.token, image="worker-tools:1")
    manifest["spec"]["volumes"] = [{"name": "ca", "configMap": {"name": "git-ca"}}]
    manifest["spec"]["containers"][0]["volumeMounts"] = [{"name": "ca", "mountPath": "/ca"}]
    create(cluster, namespace, manifest)
    wait_for(cluster, namespace, "clones", "jsonpath={.status.phase}=Succeeded")
    assert "# service=git-upload-pack" in cluster.kubectl("logs", "-n", namespace, "clones")


def test_the_second_node_rotates_small_logs(cluster: Cluster, namespace: str) -> None:
    burst = "head -c 100000 /dev/zero | tr '\\0' x | fold -w 99"
    talk = f"i=0; while [ $i -lt 30 ]; do {burst}; sleep 0.3; i=$((i+1)); done"
    create(cluster, namespace, pod("talks", "sh", "-c", f"{talk}; sleep 600", nodeName="node2"))
    wait_for(cluster, namespace, "talks", "condition=Ready")
    uid = cluster.kubectl("get", "pod", "talks", "-n", namespace, "-o", "jsonpath={.metadata.uid}")
    place = f"/var/log/pods/{namespace}_talks_{uid}/main"
    assert eventually(lambda: len(cluster.execute("node2", "ls", place).split()) > 1)


def test_a_held_component_stays_down_until_it_is_released(cluster: Cluster) -> None:
    with cluster.held("node2", "kube-proxy"):
        assert eventually(lambda: "kube-proxy" not in cluster.execute("node2", "ps", "-eo", "comm"))
        time.sleep(0.7)
        assert "kube-proxy" not in cluster.execute("node2", "ps", "-eo", "comm")
    assert eventually(lambda: "kube-proxy" in cluster.execute("node2", "ps", "-eo", "comm"))
