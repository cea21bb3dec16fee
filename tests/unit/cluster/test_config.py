from __future__ import annotations

import base64
from pathlib import Path
from typing import Any

import pytest
import yaml

from gitops.cluster import config, serviceaccount
from gitops.cluster.settings import Impersonation, Plugin, Token, TokenFile
from gitops.errors import ConfigError


def document(**changes: Any) -> dict[str, Any]:
    return {
        "apiVersion": "v1",
        "kind": "Config",
        "current-context": "dev",
        "contexts": [
            {"name": "dev", "context": {"cluster": "one", "user": "me", "namespace": "team"}},
            {"name": "bare", "context": {"cluster": "one"}},
        ],
        "clusters": [{"name": "one", "cluster": {"server": "https://one.example:6443/"}}],
        "users": [{"name": "me", "user": {"token": "t0ken"}}],
        **changes,
    }


def user(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "me", "user": fields}]


def cluster(**fields: Any) -> list[dict[str, Any]]:
    return [{"name": "one", "cluster": {"server": "https://one.example:6443", **fields}}]


def write(path: Path, content: dict[str, Any]) -> str:
    path.write_text(yaml.safe_dump(content))
    return str(path)


def test_the_current_context(tmp_path: Path) -> None:
    path = write(tmp_path / "config", document())
    found = config.load(kubeconfig=path, environ={})
    assert (found.server, found.namespace, found.bearer) == ("https://one.example:6443", "team", Token("t0ken"))
    assert found.origin == f"{path} (context dev)"
    assert not found.trust.insecure


def test_another_context(tmp_path: Path) -> None:
    found = config.load(kubeconfig=write(tmp_path / "config", document()), context="bare", environ={})
    assert (found.namespace, found.bearer) == ("default", None)


def test_a_secret_is_never_printed(tmp_path: Path) -> None:
    assert "t0ken" not in repr(config.load(kubeconfig=write(tmp_path / "config", document()), environ={}))


def test_of_several_files_the_first_wins_and_paths_start_at_their_own_file(tmp_path: Path) -> None:
    (tmp_path / "b").mkdir()
    (tmp_path / "b" / "ca.pem").write_text("CA")
    first = {"contexts": [{"name": "dev", "context": {"cluster": "two", "user": "me"}}]}
    second = document()
    second["clusters"].append({"name": "two", "cluster": {"server": "https://two", "certificate-authority": "ca.pem"}})
    files = [write(tmp_path / "a", first), str(tmp_path / "missing"), write(tmp_path / "b" / "config", second)]
    found = config.load(environ={"KUBECONFIG": ":".join(files)})
    assert (found.server, found.trust.authority) == ("https://two", b"CA")


def test_home_then_the_pod(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    account = tmp_path / "account"
    account.mkdir()
    for name in ("token", "ca.crt", "namespace"):
        (account / name).write_text(f"{name}\n")
    monkeypatch.setattr(serviceaccount, "FOLDER", account)
    environ = {"HOME": str(tmp_path), "KUBERNETES_SERVICE_HOST": "fd00::1", "KUBERNETES_SERVICE_PORT": "443"}
    found = serviceaccount.read(environ, account)
    assert (found.server, found.namespace) == ("https://[fd00::1]:443", "namespace")
    assert found.bearer == TokenFile(str(account / "token"))
    (tmp_path / ".kube").mkdir()
    write(tmp_path / ".kube" / "config", document())
    assert config.load(environ=environ).server == "https://one.example:6443"


def test_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"no cluster is configured: .*\.kube/config, and this is not a pod"):
        config.load(environ={"HOME": str(tmp_path)})


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"current-context": ""}, "no context is chosen"),
        ({"current-context": "prod"}, "current-context names context 'prod', which does not exist"),
        ({"clusters": []}, "context 'dev' names cluster 'one', which does not exist"),
        ({"users": []}, "context 'dev' names user 'me', which does not exist"),
        ({"clusters": "x"}, "clusters must be a list of named entries"),
        ({"clusters": [{"name": "one", "cluster": {}}]}, "cluster 'one' cannot be used: it has no server"),
        ({"clusters": [{"name": "one", "cluster": {"server": "one:6443"}}]}, "is not an http or https URL"),
        ({"clusters": cluster(**{"certificate-authority": "ca"})}, "certificate-authority: .*/ca: No such file"),
        ({"clusters": cluster(**{"certificate-authority-data": "%"})}, "certificate-authority-data is not base64"),
        ({"clusters": cluster(**{"insecure-skip-tls-verify": "yes"})}, "must be true or false"),
        ({"clusters": cluster(**{"proxy-url": "socks5://p"})}, "is not an HTTP proxy"),
        (
            {"clusters": cluster(**{"insecure-skip-tls-verify": True, "certificate-authority-data": "eA=="})},
            "both insecure-skip-tls-verify and a certificate-authority",
        ),
        ({"users": user(username="a", password="b")}, "user name and password"),
        ({"users": user(**{"client-certificate-data": "eA=="})}, "needs both client-certificate and client-key"),
    ],
)
def test_what_cannot_be_used_names_its_file(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    path = write(tmp_path / "config", document(**changes))
    with pytest.raises(ConfigError, match=words) as caught:
        config.load(kubeconfig=path, environ={})
    assert path in str(caught.value)


def test_broken_yaml_is_shown_where(tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text("a: b\nc: [\n")
    with pytest.raises(ConfigError, match=rf"{path}:3:1: the kubeconfig is not YAML"):
        config.load(kubeconfig=str(path), environ={})


def test_a_file_that_was_asked_for_must_exist(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="none: No such file"):
        config.load(kubeconfig=str(tmp_path / "none"), environ={})


def test_certificates_inline_and_as_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_bytes(b"KEY")
    fields = {"client-certificate-data": base64.b64encode(b"CERT").decode(), "client-key": "key"}
    found = config.load(kubeconfig=write(tmp_path / "config", document(users=user(**fields))), environ={})
    assert found.certificate
    assert (found.certificate.certificate, found.certificate.key) == (b"CERT", b"KEY")


def test_names_proxies_and_impersonation(tmp_path: Path) -> None:
    who = {"token": "t", "as": "boss", "as-groups": ["a", "b"], "as-user-extra": {"why": ["x"]}}
    where = cluster(**{"tls-server-name": "inner", "proxy-url": "http://proxy:3128"})
    path = write(tmp_path / "config", document(users=user(**who), clusters=where))
    found = config.load(kubeconfig=path, environ={})
    assert (found.trust.server_name, found.proxy) == ("inner", "http://proxy:3128")
    assert found.impersonate == Impersonation(user="boss", groups=("a", "b"), extra=(("why", "x"),))


def test_a_plugin_beside_the_file_is_found_there(tmp_path: Path) -> None:
    plugin = {"apiVersion": "client.authentication.k8s.io/v1", "command": "./login"}
    found = config.load(kubeconfig=write(tmp_path / "config", document(users=user(exec=plugin))), environ={})
    assert isinstance(found.bearer, Plugin)
    assert found.bearer.kubeconfig["users"][0]["user"]["exec"]["command"] == f"{tmp_path}/login"


@pytest.mark.parametrize(
    ("excluded", "proxy"),
    [
        ("", "http://proxy:1"),
        ("example", ""),
        (".example", ""),
        ("*.example,x", ""),
        ("ample", "http://proxy:1"),
        ("*", ""),
        ("10.0.0.0/8", "http://proxy:1"),
    ],
)
def test_a_proxy_from_the_environment(tmp_path: Path, excluded: str, proxy: str) -> None:
    path = write(tmp_path / "config", document())
    assert config.load(kubeconfig=path, environ={"HTTPS_PROXY": "proxy:1", "no_proxy": excluded}).proxy == proxy


@pytest.mark.parametrize(("address", "proxied"), [("10.1.2.3", False), ("192.168.0.1", True), ("127.0.0.1", False)])
def test_addresses_are_excluded_by_range(tmp_path: Path, address: str, proxied: bool) -> None:  # noqa: FBT001 - a table
    where = [{"name": "one", "cluster": {"server": f"https://{address}"}}]
    path = write(tmp_path / "config", document(clusters=where))
    found = config.load(kubeconfig=path, environ={"https_proxy": "http://proxy:1", "NO_PROXY": "10.0.0.0/8"})
    assert bool(found.proxy) is proxied
