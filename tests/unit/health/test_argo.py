"""The cases recorded from Argo CD: Kubernetes' own kinds, and those of projects many clusters have."""

import json
from pathlib import Path
from typing import Any

import pytest

from gitops import health
from gitops.health import Health

CASES = json.loads((Path(__file__).parents[2] / "data" / "argo-health.json").read_text())
P, H, D = Health.PROGRESSING, Health.HEALTHY, Health.DEGRADED

# Where we differ on purpose, and why.
DIFFERENT = {
    # It can never get anywhere by itself: nobody decided.
    "argoproj.io/AnalysisRun/inconclusiveAnalysisRun": D,
    "argoproj.io/AnalysisRun/inconclusiveAnalysisRunWithStatusMessage": D,
    # It cannot read its metrics, or not find its target, and says so.
    "autoscaling/HorizontalPodAutoscaler/hpa-v1-healthy": D,
    "autoscaling/HorizontalPodAutoscaler/hpa-v1-progressing": D,
    # Nothing it says is wrong; that it could scale it has not had to show yet.
    "autoscaling/HorizontalPodAutoscaler/hpa-v2-progressing": H,
    # A job that runs does not hold up what comes after it (kstatus says the same).
    "batch/Job/job-running": H,
    # So does a pod that is ready, whether or not it is started again when it ends.
    "core/Pod/pod-running-restart-never": H,
    # A crash loop, whatever restartPolicy says.
    "core/Pod/pod-running-restart-onfailure": D,
    # Many controllers never write an address.
    "networking.k8s.io/Ingress/ingress-unassigned": H,
    # `invalid` is no state nobody knows.
    "beat.k8s.elastic.co/Beat/invalid": D,
    # Replicas of a kind nobody has told us how to count, or a status without a word we know.
    "beat.k8s.elastic.co/Beat/progressing": H,
    "beat.k8s.elastic.co/Beat/unknown": H,
    "elasticsearch.k8s.elastic.co/Elasticsearch/progressing": H,
    "elasticsearch.k8s.elastic.co/Elasticsearch/unknown": H,
    "cluster.x-k8s.io/MachineHealthCheck/degraded_expectedMachines": H,
    "external-secrets.io/ClusterExternalSecret/partiallyready": H,
    "keda.sh/ScaledObject/keda-progressing": H,
    "operators.coreos.com/Subscription/install_plan_pending": H,
    # Ready is true: what it is doing besides takes nothing away.
    "cluster.x-k8s.io/Cluster/progressing_provisioning": H,
    "pkg.crossplane.io/Provider/degraded_healthy": H,
    # They are being deleted.
    **{
        f"kafka.strimzi.io/{kind}/{state}": P
        for kind in ("KafkaBridge", "KafkaConnect", "KafkaConnector")
        for state in ("degraded", "healthy")
    },
    # Not available, or not known to be, for no reason that speaks of a failure: it may get there.
    "monitoring.coreos.com/Prometheus/degraded": P,
    "operator.knative.dev/KnativeEventing/degraded": P,
    "operator.knative.dev/KnativeServing/degraded": P,
    "rabbitmq.com/RabbitmqCluster/degraded_cluster_unknown": P,
    "rabbitmq.com/RabbitmqCluster/degraded_replicas_unknown": P,
}


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
def test_case(case: dict[str, Any]) -> None:
    verdict = health.of(case["object"])

    assert verdict.health is DIFFERENT.get(case["name"], Health(case["expected"])), verdict.message
    assert verdict.message or verdict.health is H


def test_every_difference_is_still_one() -> None:
    expected = {case["name"]: Health(case["expected"]) for case in CASES}

    assert all(expected[name] is not ours for name, ours in DIFFERENT.items())
