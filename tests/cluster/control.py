"""Command lines of the control plane, the same for the bare API server and for the first node."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.cluster import addresses
from tests.cluster.pki import Authority, create_signing_key

ISSUER = "https://kubernetes.default.svc"


@dataclass(frozen=True, slots=True, kw_only=True)
class ControlPlane:
    """Where one control plane listens and keeps its files, as its processes see them."""

    pki: Path
    data: Path
    audit_policy: Path
    audit_log: Path
    advertised: str
    api_port: int
    etcd_port: int
    etcd_peer_port: int
    listen: str

    def etcd(self) -> list[str]:
        """Return the command line of etcd: TLS both ways, and no fsync for it is a test cluster."""
        client = f"https://{addresses.LOOPBACK}:{self.etcd_port}"
        peer = f"https://{addresses.LOOPBACK}:{self.etcd_peer_port}"
        return [
            "etcd",
            "--name=test",
            f"--data-dir={self.data}",
            "--unsafe-no-fsync",
            "--log-level=warn",
            f"--listen-client-urls={client}",
            f"--advertise-client-urls={client}",
            f"--listen-peer-urls={peer}",
            f"--initial-advertise-peer-urls={peer}",
            f"--initial-cluster=test={peer}",
            "--client-cert-auth",
            f"--trusted-ca-file={self.pki}/ca.crt",
            f"--cert-file={self.pki}/etcd.crt",
            f"--key-file={self.pki}/etcd.key",
            "--peer-client-cert-auth",
            f"--peer-trusted-ca-file={self.pki}/ca.crt",
            f"--peer-cert-file={self.pki}/etcd.crt",
            f"--peer-key-file={self.pki}/etcd.key",
        ]

    def api_server(self) -> list[str]:
        """Return the command line of kube-apiserver: Node and RBAC, audited, kubelets verified."""
        return [
            "kube-apiserver",
            f"--bind-address={self.listen}",
            f"--secure-port={self.api_port}",
            f"--advertise-address={self.advertised}",
            f"--etcd-servers=https://{addresses.LOOPBACK}:{self.etcd_port}",
            f"--etcd-cafile={self.pki}/ca.crt",
            f"--etcd-certfile={self.pki}/apiserver-etcd.crt",
            f"--etcd-keyfile={self.pki}/apiserver-etcd.key",
            f"--client-ca-file={self.pki}/ca.crt",
            f"--tls-cert-file={self.pki}/apiserver.crt",
            f"--tls-private-key-file={self.pki}/apiserver.key",
            f"--kubelet-certificate-authority={self.pki}/ca.crt",
            f"--kubelet-client-certificate={self.pki}/apiserver-kubelet.crt",
            f"--kubelet-client-key={self.pki}/apiserver-kubelet.key",
            "--kubelet-preferred-address-types=InternalIP",
            "--authorization-mode=Node,RBAC",
            "--enable-admission-plugins=NodeRestriction",
            "--allow-privileged=true",
            f"--service-cluster-ip-range={addresses.SERVICE_RANGE}",
            f"--service-account-issuer={ISSUER}",
            f"--service-account-key-file={self.pki}/tokens.crt",
            f"--service-account-signing-key-file={self.pki}/tokens.key",
            f"--audit-policy-file={self.audit_policy}",
            f"--audit-log-path={self.audit_log}",
            "--audit-log-maxsize=1000",
            "--audit-log-maxbackup=2",
            "--profiling=false",
        ]

    def controllers(self, kubeconfig: Path, *, only: tuple[str, ...] = ()) -> list[str]:
        """Return the command line of kube-controller-manager, with all its controllers or only some."""
        # Its port is the same everywhere, and nobody asks it there: without one, several run side by side.
        chosen = [f"--controllers={','.join(only)}", "--secure-port=0"] if only else []
        return [
            "kube-controller-manager",
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            f"--bind-address={addresses.LOOPBACK}",
            f"--tls-cert-file={self.pki}/controllers.crt",
            f"--tls-private-key-file={self.pki}/controllers.key",
            f"--root-ca-file={self.pki}/ca.crt",
            f"--service-account-private-key-file={self.pki}/tokens.key",
            "--use-service-account-credentials",
            "--allocate-node-cidrs=false",
            "--profiling=false",
            *chosen,
        ]

    def scheduler(self, kubeconfig: Path) -> list[str]:
        """Return the command line of kube-scheduler."""
        return [
            "kube-scheduler",
            f"--kubeconfig={kubeconfig}",
            "--leader-elect=false",
            f"--bind-address={addresses.LOOPBACK}",
            f"--tls-cert-file={self.pki}/scheduler.crt",
            f"--tls-private-key-file={self.pki}/scheduler.key",
            "--profiling=false",
        ]


def write_certificates(directory: Path, authority: Authority, *, advertised: str) -> None:
    """Write what a control plane's processes need: their certificates, never the authority's key."""
    directory.mkdir(parents=True, exist_ok=True)
    (directory / "ca.crt").write_bytes(authority.pem)
    loopback = [addresses.LOOPBACK, "localhost"]
    api = [*dict.fromkeys([addresses.LOOPBACK, advertised, addresses.SERVICE_ADDRESS]), *addresses.API_NAMES]
    authority.issue("kube-apiserver", addresses=api).write(directory, "apiserver")
    authority.issue("etcd", addresses=loopback).write(directory, "etcd")
    authority.issue("kube-apiserver-etcd-client").write(directory, "apiserver-etcd")
    authority.issue("kube-apiserver-kubelet-client").write(directory, "apiserver-kubelet")
    authority.issue("kube-controller-manager", addresses=loopback).write(directory, "controllers")
    authority.issue("kube-scheduler", addresses=loopback).write(directory, "scheduler")
    create_signing_key().write(directory, "tokens")


def audit_policy() -> dict[str, Any]:
    """Return the audit policy: who asked what, once per request, without bodies and without probes."""
    return {
        "apiVersion": "audit.k8s.io/v1",
        "kind": "Policy",
        "omitStages": ["RequestReceived"],
        "rules": [
            {"level": "None", "nonResourceURLs": ["/healthz*", "/livez*", "/readyz*"]},
            {"level": "Metadata"},
        ],
    }
