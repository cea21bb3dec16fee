"""Health kind by kind, beyond the cases recorded from kstatus: built-in, by convention, of other people."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gitops import health
from gitops.health import Health, compute
from gitops.objects import Manifest

H, P, D, S, U = Health.HEALTHY, Health.PROGRESSING, Health.DEGRADED, Health.SUSPENDED, Health.UNKNOWN


def made(kind: str, api: str = "example.org/v1", *, spec: Any = None, status: Any = None, **metadata: Any) -> Manifest:
    out: Manifest = {"apiVersion": api, "kind": kind, "metadata": {"name": "x", **metadata}}
    if spec is not None:
        out["spec"] = spec
    if status is not None:
        out["status"] = status
    return out


def conditions(*told: tuple[str, str] | tuple[str, str, str], **status: Any) -> dict[str, Any]:
    """Type, status and perhaps reason of each."""
    found = [{"type": one[0], "status": one[1], "reason": one[2] if len(one) > 2 else "Because"} for one in told]
    return {"conditions": found, **status}


HPA, CERT, ARGO = "autoscaling/v2", "cert-manager.io/v1", "argoproj.io/v1alpha1"
GATEWAY = "gateway.networking.k8s.io/v1"
ACTIVE = ("ScalingActive", "True", "ValidMetricFound")
COUNTS = {"currentPodHash": "h", "replicas": 1, "updatedReplicas": 1, "availableReplicas": 1}
CASES: list[tuple[str, Manifest, Health]] = [
    ("hpa scales", made("HorizontalPodAutoscaler", HPA, status=conditions(("AbleToScale", "True"), ACTIVE)), H),
    (
        "hpa at its limit",
        made("HorizontalPodAutoscaler", HPA, status=conditions(ACTIVE, ("ScalingLimited", "True"))),
        H,
    ),
    ("hpa unseen", made("HorizontalPodAutoscaler", HPA, status={}), P),
    (
        "hpa without metrics",
        made("HorizontalPodAutoscaler", HPA, status=conditions(("ScalingActive", "False", "FailedGetResourceMetric"))),
        D,
    ),
    (
        "hpa without target",
        made("HorizontalPodAutoscaler", HPA, status=conditions(("AbleToScale", "False", "FailedGetScale"))),
        D,
    ),
    (
        "hpa of nothing",
        made("HorizontalPodAutoscaler", HPA, status=conditions(("ScalingActive", "False", "ScalingDisabled"))),
        H,
    ),
    (
        "hpa v1",
        made(
            "HorizontalPodAutoscaler",
            "autoscaling/v1",
            annotations={
                "autoscaling.alpha.kubernetes.io/conditions": json.dumps(
                    [{"type": "AbleToScale", "status": "False", "reason": "FailedGetScale"}]
                )
            },
        ),
        D,
    ),
    ("api served", made("APIService", "apiregistration.k8s.io/v1", status=conditions(("Available", "True"))), H),
    ("api not served", made("APIService", "apiregistration.k8s.io/v1", status=conditions(("Available", "False"))), P),
    ("claim lost", made("PersistentVolumeClaim", "v1", status={"phase": "Lost"}), D),
    ("claim pending", made("PersistentVolumeClaim", "v1", status={"phase": "Pending"}), P),
    ("volume bound", made("PersistentVolume", "v1", status={"phase": "Bound"}), H),
    ("volume failed", made("PersistentVolume", "v1", status={"phase": "Failed"}), D),
    ("load balancer", made("Service", "v1", spec={"type": "LoadBalancer", "clusterIP": "10.0.0.1"}, status={}), P),
    (
        "load balancer with given addresses",
        made("Service", "v1", spec={"type": "LoadBalancer", "externalIPs": ["10.1.1.1"]}),
        H,
    ),
    ("external name", made("Service", "v1", spec={"type": "ExternalName"}), H),
    ("ingress", made("Ingress", "networking.k8s.io/v1", status={"loadBalancer": {}}), H),
    ("budget that allows none", made("PodDisruptionBudget", "policy/v1", status={"observedGeneration": 1}), H),
    ("cron job", made("CronJob", "batch/v1", spec={}), H),
    ("cron job suspended", made("CronJob", "batch/v1", spec={"suspend": True}), S),
    ("job suspended", made("Job", "batch/v1", spec={"suspend": True}, status=conditions(("Suspended", "True"))), S),
    ("job failed", made("Job", "batch/v1", status=conditions(("Failed", "True", "BackoffLimitExceeded"))), D),
    (
        "names taken",
        made("CustomResourceDefinition", "apiextensions.k8s.io/v1", status=conditions(("NamesAccepted", "False"))),
        D,
    ),
    (
        "definition going",
        made(
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            status=conditions(("Established", "True"), ("Terminating", "True")),
        ),
        P,
    ),
    (
        "schema not structural",
        made(
            "CustomResourceDefinition",
            "apiextensions.k8s.io/v1",
            status=conditions(("Established", "True"), ("NonStructuralSchema", "True")),
        ),
        D,
    ),
    (
        "request denied",
        made("CertificateSigningRequest", "certificates.k8s.io/v1", status=conditions(("Denied", "True"))),
        D,
    ),
    (
        "replication controller",
        made(
            "ReplicationController",
            "v1",
            spec={"replicas": 2},
            status={"replicas": 2, "readyReplicas": 1, "availableReplicas": 2},
        ),
        P,
    ),
    (
        "daemon set on delete",
        made(
            "DaemonSet",
            "apps/v1",
            spec={"updateStrategy": {"type": "OnDelete"}},
            status={
                "observedGeneration": 1,
                "desiredNumberScheduled": 1,
                "currentNumberScheduled": 1,
                "updatedNumberScheduled": 0,
                "numberAvailable": 1,
                "numberReady": 1,
            },
        ),
        H,
    ),
    ("nothing to say", made("ConfigMap", "v1"), H),
    ("no status", made("Thing"), H),
    ("ready", made("Thing", status=conditions(("Ready", "True"))), H),
    ("not ready", made("Thing", status=conditions(("Ready", "False"))), P),
    ("unknown", made("Thing", status=conditions(("Ready", "Unknown"))), P),
    ("not ready for good", made("Thing", status=conditions(("Ready", "False", "ValidationFailed"))), D),
    ("stalled wins", made("Thing", status=conditions(("Ready", "True"), ("Stalled", "True"))), D),
    ("reconciling wins", made("Thing", status=conditions(("Ready", "True"), ("Reconciling", "True"))), P),
    ("not synced", made("Thing", status=conditions(("Synced", "False"), ("Ready", "True"))), D),
    (
        "available and moving",
        made("Thing", status=conditions(("Available", "True"), ("Progressing", "True"))),
        P,
    ),
    ("degraded", made("Thing", status=conditions(("Available", "True"), ("Degraded", "True"))), D),
    ("not degraded", made("Thing", status=conditions(("Available", "True"), ("Degraded", "False"))), H),
    ("kapp failed", made("App", status=conditions(("ReconcileFailed", "True"))), D),
    ("kapp done", made("App", status=conditions(("ReconcileSucceeded", "True"))), H),
    (
        "a generation behind",
        made("Thing", generation=3, status={"observedGeneration": 2, **conditions(("Ready", "True"))}),
        P,
    ),
    (
        "a condition behind",
        made(
            "Thing",
            generation=3,
            status={"conditions": [{"type": "Ready", "status": "True", "observedGeneration": 2}]},
        ),
        P,
    ),
    ("suspended", made("Kustomization", "kustomize.toolkit.fluxcd.io/v1", spec={"suspend": True}), S),
    ("pool suspended", made("WorkerPool", "gitops-worker.io/v1alpha1", spec={"suspended": True}), S),
    (
        "sync fights",
        made("GitSync", "gitops-worker.io/v1alpha1", status=conditions(("Ready", "False"), ("Stalled", "True"))),
        D,
    ),
    ("phase failed", made("Thing", status={"phase": "Failed"}), D),
    ("phase lost its way", made("Thing", status={"phase": "CrashLoopBackOff"}), D),
    ("phase pending", made("Thing", status={"phase": "Pending"}), P),
    ("phase running", made("Thing", status={"phase": "Running"}), H),
    ("state in progress", made("Thing", status={"state": "IN_PROGRESS"}), P),
    ("phase paused", made("Thing", status={"phase": "Paused"}), S),
    ("certificate", made("Certificate", CERT, status=conditions(("Ready", "True"))), H),
    ("certificate unseen", made("Certificate", CERT), P),
    ("certificate issuing", made("Certificate", CERT, status=conditions(("Ready", "False"), ("Issuing", "True"))), P),
    ("certificate refused", made("Certificate", CERT, status=conditions(("Ready", "False", "ConfigError"))), D),
    ("issuer", made("ClusterIssuer", CERT, status=conditions(("Ready", "False", "ErrRegisterACMEAccount"))), D),
    ("signing pending", made("CertificateRequest", CERT, status=conditions(("Ready", "False", "Pending"))), P),
    (
        "signing denied",
        made("CertificateRequest", CERT, status=conditions(("Denied", "True"), ("Ready", "False", "Denied"))),
        D,
    ),
    ("order valid", made("Order", "acme.cert-manager.io/v1", status={"state": "valid"}), H),
    ("order errored", made("Order", "acme.cert-manager.io/v1", status={"state": "errored"}), D),
    ("rollout", made("Rollout", ARGO, generation=2, status={"observedGeneration": "2", "phase": "Healthy"}), H),
    ("rollout behind", made("Rollout", ARGO, generation=2, status={"observedGeneration": "1", "phase": "Healthy"}), P),
    ("rollout paused", made("Rollout", ARGO, status={"phase": "Paused", "message": "CanaryPauseStep"}), S),
    ("rollout degraded", made("Rollout", ARGO, status={"phase": "Degraded", "message": "ProgressDeadlineExceeded"}), D),
    ("rollout invalid", made("Rollout", ARGO, status=conditions(("InvalidSpec", "True"))), D),
    (
        "old rollout",
        made(
            "Rollout",
            ARGO,
            generation=2,
            spec={"replicas": 2},
            status={
                "observedGeneration": "5bf9",
                "currentPodHash": "h",
                "replicas": 2,
                "updatedReplicas": 2,
                "availableReplicas": 1,
            },
        ),
        P,
    ),
    (
        "rollout aborted",
        made("Rollout", ARGO, status=conditions(("Progressing", "False", "RolloutAborted"), currentPodHash="h")),
        D,
    ),
    (
        "rollout of pods elsewhere",
        made(
            "Rollout",
            ARGO,
            status={"phase": "Healthy", "workloadObservedGeneration": "1"},
            annotations={"rollout.argoproj.io/workload-generation": "2"},
        ),
        P,
    ),
    (
        "canary on its way",
        made("Rollout", ARGO, spec={"strategy": {"canary": {}}}, status={**COUNTS, "stableRS": "g"}),
        P,
    ),
    ("canary done", made("Rollout", ARGO, spec={"strategy": {"canary": {}}}, status={**COUNTS, "stableRS": "h"}), H),
    (
        "blue, green waits",
        made(
            "Rollout",
            ARGO,
            spec={"strategy": {"blueGreen": {}}},
            status={**COUNTS, "replicas": 2, "blueGreen": {"activeSelector": "g"}},
        ),
        P,
    ),
    (
        "green serves",
        made(
            "Rollout",
            ARGO,
            spec={"strategy": {"blueGreen": {}}},
            status={**COUNTS, "replicas": 2, "blueGreen": {"activeSelector": "h"}},
        ),
        H,
    ),
    ("workflow runs", made("Workflow", ARGO, status={"phase": "Running"}), P),
    ("workflow failed", made("Workflow", ARGO, status={"phase": "Error"}), D),
    ("application", made("Application", ARGO, status={"health": {"status": "Missing"}}), Health.MISSING),
    ("route unseen", made("HTTPRoute", GATEWAY, status={"parents": []}), P),
    (
        "route taken",
        made("HTTPRoute", GATEWAY, status={"parents": [conditions(("Accepted", "True"), ("ResolvedRefs", "True"))]}),
        H,
    ),
    (
        "route leads nowhere",
        made(
            "HTTPRoute",
            GATEWAY,
            status={
                "parents": [
                    conditions(("Accepted", "True")),
                    conditions(("Accepted", "True"), ("ResolvedRefs", "False", "BackendNotFound")),
                ]
            },
        ),
        D,
    ),
    (
        "gateway",
        made("Gateway", GATEWAY, status=conditions(("Accepted", "True"), ("Programmed", "False", "Pending"))),
        P,
    ),
    (
        "scaler paused",
        made("ScaledObject", "keda.sh/v1alpha1", status=conditions(("Ready", "True"), ("Paused", "True"))),
        S,
    ),
    (
        "knative failed",
        made("Service", "serving.knative.dev/v1", status=conditions(("Ready", "False", "RevisionMissing"))),
        D,
    ),
    ("status is no map", made("Thing", status=["what"]), H),
    ("conditions are no list", made("Thing", status={"conditions": {"Ready": "True"}}), H),
    ("replicas are words", made("Deployment", "apps/v1", spec={"replicas": "many"}, status={}), U),
]


@pytest.mark.parametrize(("manifest", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES])
def test_kind(manifest: Manifest, expected: Health) -> None:
    verdict = health.of(manifest)
    assert verdict.health is expected, verdict.message
    assert bool(verdict.message) is (expected is not H) or expected is Health.MISSING


ANYTHING = st.recursive(
    st.none() | st.booleans() | st.integers(-5, 5) | st.text(max_size=8),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
FIELDS = st.sampled_from(
    ["conditions", "phase", "state", "replicas", "observedGeneration", "loadBalancer", "parents", "health"]
)


@given(
    st.sampled_from(sorted(compute._RULES)),  # noqa: SLF001 - every kind there is a rule for
    st.dictionaries(FIELDS, ANYTHING, max_size=4) | ANYTHING,
    st.dictionaries(st.sampled_from(["replicas", "suspend", "updateStrategy"]), ANYTHING, max_size=3) | ANYTHING,
)
def test_property_no_status_is_too_strange(kind: tuple[str, str], status: Any, spec: Any) -> None:
    group, name = kind
    assert isinstance(health.of(made(name, f"{group}/v1" if group else "v1", spec=spec, status=status)), health.Verdict)
