"""Kinds of well-known projects whose conventions are their own; what follows the common ones needs no rule here.

Each rule is read from the project's own documentation of its status; Argo CD's recorded cases agree with them where the
tests say so.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gitops.health import generic
from gitops.health.verdict import (
    HEALTHY,
    Health,
    Verdict,
    condition,
    degraded,
    holds,
    progressing,
    status_of,
    words,
)
from gitops.objects import Manifest


def awaited(manifest: Manifest) -> Verdict:
    """Kinds whose controller always writes a status."""
    return generic.of(manifest, awaited=True)


def strict(manifest: Manifest) -> Verdict:
    """Kinds whose Ready is False only when they failed, and Unknown on the way."""
    return generic.of(manifest, strict=True, awaited=True)


def certificate_request(manifest: Manifest) -> Verdict:
    """Signed, unless somebody denied it; Ready is False with reason Pending on the way."""
    ready = condition(manifest, "Ready") or {}
    if ready.get("status") == "False" and ready.get("reason") == "Pending" and not _denied(manifest):
        return progressing(words(manifest, "Ready"))
    return strict(manifest)


def _denied(manifest: Manifest) -> bool:
    return holds(manifest, "Denied") or holds(manifest, "InvalidRequest")


def acme(manifest: Manifest) -> Verdict:
    """Orders and challenges have a state of their own."""
    status = status_of(manifest)
    match status.get("state"):
        case "valid":
            return HEALTHY
        case "invalid" | "expired" | "errored" as state:
            return degraded(str(status.get("reason") or state))
        case state:
            return progressing(str(status.get("reason") or state or "not seen yet"))


# Of the condition Progressing of a Rollout: it will not get there by itself.
_GIVEN_UP = frozenset({"RolloutAborted", "ProgressDeadlineExceeded"})
_WORKLOAD = "rollout.argoproj.io/workload-generation"


def rollout(manifest: Manifest) -> Verdict:
    """Argo Rollouts says itself where it is; versions before 1.1 only by conditions and counts."""
    status = status_of(manifest)
    if holds(manifest, "InvalidSpec"):
        return degraded(words(manifest, "InvalidSpec"))
    # The pods may be those of a Deployment it refers to, which has a generation of its own.
    referred = (manifest["metadata"].get("annotations") or {}).get(_WORKLOAD)
    if referred is not None and str(status.get("workloadObservedGeneration")) != str(referred):
        return progressing("its controller has not seen the pods it refers to yet")
    said = str(status.get("message") or "")
    match status.get("phase"):
        case "Healthy":
            return HEALTHY
        case "Degraded":
            return degraded(said or "degraded")
        case "Paused":
            return Verdict(Health.SUSPENDED, said or "paused")
        case "Progressing":
            return progressing(said or "progressing")
    if (condition(manifest, "Progressing") or {}).get("reason") in _GIVEN_UP:
        return degraded(words(manifest, "Progressing"))
    return _counted(manifest, status)


def _counted(manifest: Manifest, status: Mapping[str, Any]) -> Verdict:
    spec = manifest.get("spec") or {}
    if spec.get("paused") is True or status.get("pauseConditions"):
        return Verdict(Health.SUSPENDED, "paused")
    newest = status.get("currentPodHash")
    if not newest:
        return progressing("its controller has not seen it yet")
    wanted = 1 if spec.get("replicas") is None else int(spec["replicas"])
    updated, available = int(status.get("updatedReplicas") or 0), int(status.get("availableReplicas") or 0)
    if updated < wanted:
        return progressing(f"{updated} of {wanted} replicas updated")
    if available < updated:
        return progressing(f"{available} of {updated} replicas available")
    return _served(spec.get("strategy") or {}, status, newest)


def _served(strategy: Mapping[str, Any], status: Mapping[str, Any], newest: Any) -> Verdict:
    """Whether the newest pods are those that serve; a blue-green rollout keeps its old ones for a while."""
    stable = status.get("stableRS") or (status.get("canary") or {}).get("stableRS")
    if "blueGreen" in strategy:
        serves = (status.get("blueGreen") or {}).get("activeSelector") == newest and stable in (None, "", newest)
        return HEALTHY if serves else progressing("the newest pods do not serve yet")
    if int(status.get("replicas") or 0) > int(status.get("updatedReplicas") or 0):
        return progressing("old replicas still run")
    return HEALTHY if "canary" not in strategy or stable == newest else progressing("not all steps are done")


def run(manifest: Manifest) -> Verdict:
    """Workflows and analyses end; until then they run."""
    match status_of(manifest).get("phase"):
        case "Succeeded" | "Successful":
            return HEALTHY
        case "Failed" | "Error" | "Inconclusive" as phase:
            return degraded(str(status_of(manifest).get("message") or phase))
        case phase:
            return progressing(str(status_of(manifest).get("message") or phase or "not started yet"))


def application(manifest: Manifest) -> Verdict:
    """An Argo CD Application knows the health of what it deploys, in our own words."""
    found = status_of(manifest).get("health") or {}
    name = found.get("status") if isinstance(found, Mapping) else found
    try:
        return Verdict(Health(str(name)), "" if name == "Healthy" else str(found.get("message") or ""))
    except ValueError:
        return progressing("not seen yet")


def route(manifest: Manifest) -> Verdict:
    """Every gateway that a route names has accepted it, and found what it leads to."""
    parents = status_of(manifest).get("parents") or ()
    if not parents:
        return progressing("no gateway has seen it yet")
    verdicts = [_parent(manifest, one) for one in parents]
    return max(verdicts, key=lambda one: _WORST.index(one.health))


_WORST: Sequence[Health] = (Health.HEALTHY, Health.SUSPENDED, Health.PROGRESSING, Health.DEGRADED)


def _parent(manifest: Manifest, one: Mapping[str, Any]) -> Verdict:
    """A parent's conditions judged as those of an object."""
    accepted = {"metadata": manifest["metadata"], "status": {"conditions": one.get("conditions") or ()}}
    verdict = generic.of(accepted)
    return verdict if condition(accepted, "Accepted") else progressing("no gateway has accepted it yet")


_ROUTES = ("HTTPRoute", "GRPCRoute", "TCPRoute", "TLSRoute", "UDPRoute")
_AWAITED = {
    "addons.cluster.x-k8s.io": "ClusterResourceSet",
    "bitnami.com": "SealedSecret",
    "external-secrets.io": "ClusterExternalSecret ExternalSecret PushSecret",
    "gateway.networking.k8s.io": "Gateway",
    "helm.toolkit.fluxcd.io": "HelmRelease",
    "kafka.strimzi.io": "Kafka KafkaBridge KafkaConnect KafkaConnector KafkaTopic KafkaUser",
    "keda.sh": "ScaledObject",
    "kustomize.toolkit.fluxcd.io": "Kustomization",
    "pkg.crossplane.io": "Provider",
    "rabbitmq.com": "RabbitmqCluster",
    "source.toolkit.fluxcd.io": "Bucket GitRepository HelmChart HelmRepository OCIRepository",
}
RULES = {
    **{(group, kind): awaited for group, kinds in _AWAITED.items() for kind in kinds.split()},
    ("acme.cert-manager.io", "Challenge"): acme,
    ("acme.cert-manager.io", "Order"): acme,
    ("argoproj.io", "AnalysisRun"): run,
    ("argoproj.io", "Application"): application,
    ("argoproj.io", "Experiment"): run,
    ("argoproj.io", "Rollout"): rollout,
    ("argoproj.io", "Workflow"): run,
    ("cert-manager.io", "Certificate"): strict,
    ("cert-manager.io", "CertificateRequest"): certificate_request,
    ("cert-manager.io", "ClusterIssuer"): strict,
    ("cert-manager.io", "Issuer"): strict,
    **{("gateway.networking.k8s.io", kind): route for kind in _ROUTES},
    ("serving.knative.dev", "Service"): strict,
}
