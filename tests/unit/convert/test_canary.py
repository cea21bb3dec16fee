"""No credential of a values file is in anything the import prints or writes."""

from __future__ import annotations

import base64
import json
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml as pyyaml

from gitops import convert
from gitops.convert import files, report
from gitops_cli import _edge, main

CANARY = "cAnAry-{}-77f1"
VALUES = {
    "agent": {
        "worker": {"enabled": True},
        "serverApiKey": CANARY.format("api"),
        "bearerToken": CANARY.format("bearer"),
        "username": CANARY.format("user"),
        "password": CANARY.format("password"),
        "certificate": CANARY.format("pfx"),
        "serverCertificate": CANARY.format("ca"),
        "pollingProxy": {"host": "proxy", "username": CANARY.format("pu"), "password": CANARY.format("pp")},
        "upgrade": {"dockerAuth": {"username": CANARY.format("du"), "password": CANARY.format("dp"), "registry": "r"}},
        "containers": {"tentacle": {"env": [{"name": "PLAIN", "value": CANARY.format("agentenv")}]}},
        "misspelt": CANARY.format("unknown"),
    },
    "global": {"serverCertificate": CANARY.format("gca")},
    "kubernetesMonitor": {"registration": {"serverAccessToken": CANARY.format("monitor")}},
    "testing": {"tentacle": {"configMap": {"data": {"key": CANARY.format("identity")}}}},
    "scriptPods": {
        "proxies": {"http_proxy": f"http://u:{CANARY.format('proxy/slash')}@proxy:3128"},
        "podTemplate": {
            "enabled": True,
            "scriptContainerSpec": {
                "env": [
                    {"name": "NPM_TOKEN", "value": CANARY.format("token")},
                    {"name": "DATABASE", "value": f"postgres://app:{CANARY.format('url')}@db/x"},
                    {"name": "COPY", "value": CANARY.format("password")},
                    {"name": "HARMLESS", "value": "kept"},
                ]
            },
        },
    },
}


@pytest.fixture(autouse=True)
def _signals() -> Iterator[None]:
    before = signal.getsignal(signal.SIGTERM)
    yield
    signal.signal(signal.SIGTERM, before)


def clean(text: str) -> bool:
    encoded = base64.b64encode(CANARY.format("api").encode()).decode()
    return "cAnAry" not in text and "77f1" not in text and encoded not in text


def test_nothing_relies_on_the_masking_at_the_edge() -> None:
    values = convert.read(pyyaml.safe_dump(VALUES).encode(), "values.yaml")
    made = convert.convert(values, convert.names_for(values, image="i:1"))
    assert clean("\n".join(report.lines(made)))
    assert clean(json.dumps(report.document(made)))
    assert clean(files.stream(made) + "".join(files.files(made, source="values.yaml").values()))


@pytest.mark.parametrize("form", ["text", "json"])
def test_no_credential_is_printed_or_written(tmp_path: Path, capfd: pytest.CaptureFixture[str], form: str) -> None:
    file, out = tmp_path / "values.yaml", tmp_path / "out"
    file.write_text(pyyaml.safe_dump(VALUES))
    for target in ("-", str(out)):
        assert _edge.run(main.group(), ["gitops", "-vv", "import", "helm", str(file), "-o", target,
                                        "--report", form]) == 0  # fmt: skip
    printed = "".join(capfd.readouterr())
    written = "".join(path.read_text() for path in out.rglob("*") if path.is_file())
    assert "value: kept" in printed
    assert "value: kept" in written
    assert clean(printed)
    assert clean(written)


def test_every_credential_has_a_secret_to_take_its_place(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(pyyaml.safe_dump(VALUES))
    arguments = ["gitops", "import", "helm", str(file), "--pool", "linux", "--name", "w", "--report", "json"]
    assert _edge.run(main.group(), arguments) == 0
    out, err = capfd.readouterr()
    report = json.loads(err)
    secrets = {(one["namespace"], one["name"], one["key"]) for one in report["secrets"]}
    assert secrets == {
        ("gitops-worker", "w-octopus", "api-key"),
        ("gitops-worker", "w-octopus", "bearer-token"),
        ("gitops-worker", "w-octopus", "username"),
        ("gitops-worker", "w-octopus", "password"),
        ("gitops-worker", "w-octopus", "certificate.pfx"),
        ("gitops-worker", "w-octopus", "octopus-server-certificate.pem"),
        ("gitops-worker", "w-octopus", "proxy-username"),
        ("gitops-worker", "w-octopus", "proxy-password"),
        ("gitops-worker", "w-registry", ".dockerconfigjson"),
        ("gitops-worker-linux-ops", "linux-proxy", "http_proxy"),
        ("gitops-worker-linux-ops", "linux-env", "NPM_TOKEN"),
        ("gitops-worker-linux-ops", "linux-env", "DATABASE"),
        ("gitops-worker-linux-ops", "linux-env", "COPY"),
    }
    assert len(report["commands"]) == 4
    [pool] = [one for one in pyyaml.safe_load_all(out) if one["kind"] == "WorkerPool"]
    [container] = pool["spec"]["podTemplate"]["spec"]["containers"]
    variables = {one["name"]: one.get("value") or one["valueFrom"]["secretKeyRef"] for one in container["env"]}
    assert variables["COPY"] == {"name": "linux-env", "key": "COPY"}
    assert variables["HTTP_PROXY"] == variables["http_proxy"] == {"name": "linux-proxy", "key": "http_proxy"}


@pytest.mark.parametrize(
    "values",
    [
        {"agent": {"password": CANARY.format("p")}, "scriptPods": {"metadata": {"labels": {"x": CANARY.format("p")}}}},
        {
            "agent": {"password": CANARY.format("'q: #p")},
            "scriptPods": {"metadata": {"annotations": {"x": "Bearer " + CANARY.format("'q: #p")}}},
        },
        {"agent": {"password": CANARY.format("p"), "worker": {"enabled": CANARY.format("p")}}},
        {"agent": {"password": CANARY.format("p"), "name": [CANARY.format("p")]}},
        {
            "agent": {"password": CANARY.format("p")},
            "scriptPods": {"resources": {"requests": {"cpu": CANARY.format("p")}}},
        },
    ],
)
def test_errors_do_not_show_it_either(tmp_path: Path, capfd: pytest.CaptureFixture[str], values: object) -> None:
    file = tmp_path / "values.yaml"
    file.write_text(pyyaml.safe_dump(values))
    assert _edge.run(main.group(), ["gitops", "--traceback", "import", "helm", str(file)]) == 2
    out, err = capfd.readouterr()
    assert out == ""
    assert "error[ConfigInvalid]" in err
    assert clean(err)
