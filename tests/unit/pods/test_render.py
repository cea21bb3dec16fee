"""Operation x pool -> pod."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from gitops import api, errors
from gitops.objects import Manifest
from gitops.pods import marks, render

UID = "4f6c2f3e-0f0e-4f55-9f9b-1c1f7f2b9f10"


def launch(pool: dict[str, Any] | None = None, **operation: Any) -> render.Launch:
    metadata = {"name": "build", "namespace": "ci", "uid": UID}
    spec = {"pool": "linux", "script": "echo hi\n", **operation}
    return render.Launch(
        operation=msgspec.convert({"metadata": metadata, "spec": spec}, api.Operation),
        pool=msgspec.convert(
            {"metadata": {"name": "linux", "namespace": "ci"}, "spec": {"image": "tools:1", **(pool or {})}},
            api.WorkerPool,
        ),
        worker="main",
        runner="gitops-runner-0123456789ab",
    )


def container(pod: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = next(one for one in pod["spec"]["containers"] if one["name"] == marks.CONTAINER)
    return found


def test_everything_the_pod_needs_travels_in_it() -> None:
    pod = render.pod(launch())
    assert pod["metadata"]["name"] == f"op-{UID}-1"
    assert pod["metadata"]["namespace"] == "ci-linux-ops"
    assert pod["metadata"]["annotations"][marks.SCRIPT] == "echo hi\n"
    assert marks.key_of(pod) == (UID, 1)
    assert "ownerReferences" not in pod["metadata"]
    assert "finalizers" not in pod["metadata"]
    spec = pod["spec"]
    assert (spec["restartPolicy"], spec["enableServiceLinks"], spec["serviceAccountName"]) == ("Never", False, "linux")
    assert container(pod)["args"][-3:] == ["--", "/bin/sh", "/opt/gitops/script/script"]
    assert container(pod)["image"] == "tools:1"
    volumes = {volume["name"]: volume for volume in spec["volumes"]}
    assert volumes["gitops-runner"]["configMap"]["name"] == "gitops-runner-0123456789ab"


def test_the_same_operation_makes_the_same_pod() -> None:
    assert render.spec_hash(render.pod(launch())) == render.spec_hash(render.pod(launch()))
    assert render.spec_hash(render.pod(launch())) != render.spec_hash(render.pod(launch({"image": "tools:2"})))


def test_the_kubelet_expands_nothing() -> None:
    pod = render.pod(launch(arguments=["$(HOME)", "$$"], env=[{"name": "A", "value": "$(B)"}]))
    assert container(pod)["args"][-2:] == ["$$(HOME)", "$$$$"]
    assert container(pod)["env"][-1] == {"name": "A", "value": "$$(B)"}


def test_secrets_are_references_and_are_masked() -> None:
    env = [
        {"name": "TOKEN", "secret": {"name": "deploy", "key": "token"}},
        {"name": "CITY", "configMap": {"name": "places", "key": "home"}},
    ]
    pod = render.pod(launch(env=env))
    assert container(pod)["env"][1:] == [
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "deploy", "key": "token"}}},
        {"name": "CITY", "valueFrom": {"configMapKeyRef": {"name": "places", "key": "home"}}},
    ]
    args = container(pod)["args"]
    assert args[args.index("--mask") + 1] == "TOKEN"
    assert args.count("--mask") == 1


def test_clocks_come_from_the_pool_unless_the_operation_says_otherwise() -> None:
    args = container(render.pod(launch({"timeouts": {"run": "1h", "grace": "7s"}})))["args"]
    assert args[args.index("--timeout") + 1] == "3600"
    assert args[args.index("--grace") + 1] == "7"
    args = container(render.pod(launch({"timeouts": {"run": "1h"}}, timeout="90s")))["args"]
    assert args[args.index("--timeout") + 1] == "90"
    pod = render.pod(launch({"timeouts": {"run": "1h", "grace": "7s"}}))
    assert pod["spec"]["terminationGracePeriodSeconds"] > 7
    assert pod["spec"]["activeDeadlineSeconds"] > 3600 + 7


def test_a_script_too_long_for_a_pod_is_refused_with_its_size() -> None:
    with pytest.raises(errors.ConfigError, match="too long to travel in a pod: 260000 bytes"):
        render.pod(launch(script="x" * 260_000))


def test_a_restricted_pool_asks_for_nothing_a_restricted_namespace_refuses() -> None:
    pod = render.pod(launch({"podSecurity": "restricted"}))
    assert pod["spec"]["securityContext"]["runAsNonRoot"]
    assert pod["spec"]["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert container(pod)["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert "securityContext" not in render.pod(launch())["spec"]


def test_the_template_is_merged() -> None:
    template = {
        "metadata": {"labels": {"team": "a"}},
        "spec": {
            "nodeSelector": {"disk": "fast"},
            "containers": [
                {"name": "operation", "env": [{"name": "PROXY", "value": "http://p"}]},
                {"name": "side", "image": "side:1"},
            ],
            "volumes": [{"name": "workspace", "emptyDir": {"medium": "Memory"}}],
        },
    }
    pod = render.pod(launch({"podTemplate": template}))
    assert pod["metadata"]["labels"]["team"] == "a"
    assert pod["spec"]["nodeSelector"] == {"disk": "fast"}
    assert {one["name"] for one in pod["spec"]["containers"]} == {"operation", "side"}
    assert {"name": "PROXY", "value": "http://p"} in container(pod)["env"]
    assert container(pod)["command"][0] == "/bin/sh"


@pytest.mark.parametrize(
    ("template", "named"),
    [
        ({"spec": {"restartPolicy": "Always"}}, "spec.restartPolicy"),
        ({"spec": {"activeDeadlineSeconds": 1}}, "spec.activeDeadlineSeconds"),
        ({"spec": {"containers": [{"name": "operation", "command": ["sh"]}]}}, "spec.containers[operation].command"),
        ({"spec": {"containers": [{"name": "operation", "tty": True}]}}, "spec.containers[operation].tty"),
        ({"spec": {"volumes": [{"name": "gitops-spool", "emptyDir": {"medium": "Memory"}}]}}, "volumes[gitops-spool]"),
        ({"metadata": {"labels": {marks.OPERATION: "x"}}}, f"metadata.labels.{marks.OPERATION}"),
        ({"metadata": {"ownerReferences": [{"uid": "x", "name": "y"}]}}, "metadata.ownerReferences or finalizers"),
        ({"metadata": {"name": "x"}}, "metadata.name"),
    ],
)
def test_the_template_does_not_touch_what_the_worker_relies_on(template: dict[str, Any], named: str) -> None:
    with pytest.raises(errors.ConfigError) as caught:
        render.pod(launch({"podTemplate": template}))
    assert named in caught.value.message


def test_a_template_that_spreads_by_itself_is_left_to_it() -> None:
    own = {"maxSkew": 2, "topologyKey": "kubernetes.io/hostname", "whenUnsatisfiable": "DoNotSchedule"}
    pod = render.pod(launch({"podTemplate": {"spec": {"topologySpreadConstraints": [own]}}}))
    assert pod["spec"]["topologySpreadConstraints"] == [own]
