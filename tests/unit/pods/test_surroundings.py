"""The proxy, the certificates and the mirrors of a pool."""

from __future__ import annotations

from gitops.pods import render
from tests.unit.pods.test_render import container, launch


def test_the_proxy_is_a_reference_in_both_spellings_and_hidden() -> None:
    pod = render.pod(launch({"proxy": {"name": "proxy"}}, env=[{"name": "NO_PROXY", "value": "all.example"}]))
    env = container(pod)["env"]
    required = {"secretKeyRef": {"name": "proxy", "key": "https_proxy"}}
    assert env[:2] == [{"name": name, "valueFrom": required} for name in ("HTTPS_PROXY", "https_proxy")]
    assert env[2]["valueFrom"]["secretKeyRef"] == {"name": "proxy", "key": "http_proxy", "optional": True}
    assert [one["name"] for one in env].count("no_proxy") == 1
    # Of two variables of a name the last one counts: what an operation says wins.
    assert [one for one in env if one["name"] == "NO_PROXY"][-1] == {"name": "NO_PROXY", "value": "all.example"}
    args = container(pod)["args"]
    assert [args[at + 1] for at, one in enumerate(args) if one == "--mask"] == ["HTTPS_PROXY", "HTTP_PROXY"]


def test_the_certificates_are_mounted_and_programs_are_told() -> None:
    pod = render.pod(launch({"ca": {"name": "trust", "key": "bundle.pem"}}))
    [volume] = [one for one in pod["spec"]["volumes"] if one["name"] == "gitops-ca"]
    assert volume["configMap"] == {"name": "trust", "items": [{"key": "bundle.pem", "path": "ca.crt"}]}
    [mount] = [one for one in container(pod)["volumeMounts"] if one["name"] == "gitops-ca"]
    told = {one["name"]: one.get("value") for one in container(pod)["env"]}
    assert told["SSL_CERT_FILE"] == told["GIT_SSL_CAINFO"] == f"{mount['mountPath']}/ca.crt"


def test_every_image_of_the_pod_comes_from_its_mirror() -> None:
    template = {"spec": {"initContainers": [{"name": "a", "image": "busybox:1"}]}}
    pool = {"mirrors": {"docker.io": "mirror.example/hub"}, "podTemplate": template}
    pod = render.pod(launch(pool, image="registry.example/own:1"))
    assert pod["spec"]["initContainers"][0]["image"] == "mirror.example/hub/library/busybox:1"
    assert container(pod)["image"] == "registry.example/own:1"
    assert container(render.pod(launch(pool)))["image"] == "mirror.example/hub/library/tools:1"


def test_a_limit_of_the_log_reaches_the_runner_in_bytes() -> None:
    args = container(render.pod(launch({"logs": {"maxSize": "1Ki"}})))["args"]
    assert args[args.index("--log-limit") + 1] == "1024"
    assert "--log-limit" not in container(render.pod(launch()))["args"]
