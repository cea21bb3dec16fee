"""Kinds of Kubernetes that are no workloads: autoscalers, extensions of the API, volumes, requests."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from gitops.health.verdict import (
    HEALTHY,
    Health,
    Verdict,
    condition,
    conditions_of,
    degraded,
    holds,
    progressing,
    status_of,
    words,
)
from gitops.objects import Manifest

# autoscaling/v1 keeps the conditions of autoscaling/v2 in this annotation.
_SCALER_CONDITIONS = "autoscaling.alpha.kubernetes.io/conditions"
_LIMITS_OF_SCALING = "ScalingDisabled"


def autoscaler(manifest: Manifest) -> Verdict:
    """It can read its metrics and scale its target; that it scales to nothing is what somebody wanted."""
    found = {str(one.get("type")): one for one in _scaler_conditions(manifest)}
    if not found:
        return progressing("it has not looked at its target yet")
    for kind in ("AbleToScale", "ScalingActive"):
        one = found.get(kind) or {}
        if one.get("status") == "False" and one.get("reason") != _LIMITS_OF_SCALING:
            return degraded(str(one.get("message") or one.get("reason") or kind))
    return HEALTHY


def _scaler_conditions(manifest: Manifest) -> Sequence[Mapping[str, Any]]:
    found = conditions_of(manifest)
    if found:
        return found
    text = (manifest["metadata"].get("annotations") or {}).get(_SCALER_CONDITIONS)
    told = json.loads(text) if isinstance(text, str) and text else ()
    return [one for one in told if isinstance(one, dict)] if isinstance(told, list) else ()


def api_service(manifest: Manifest) -> Verdict:
    """Available: requests for its group are answered."""
    if holds(manifest, "Available"):
        return HEALTHY
    return progressing(words(manifest, "Available") if condition(manifest, "Available") else "not looked at yet")


def volume(manifest: Manifest) -> Verdict:
    """Bound, or there to be bound."""
    match status_of(manifest).get("phase"):
        case "Available" | "Bound" | "Released":
            return HEALTHY
        case "Failed":
            return degraded(str(status_of(manifest).get("message") or "the volume failed"))
        case phase:
            return progressing(f"the volume is {phase or 'not seen yet'}")


def signing_request(manifest: Manifest) -> Verdict:
    """The certificate is there."""
    for kind in ("Denied", "Failed"):
        if holds(manifest, kind):
            return degraded(words(manifest, kind))
    if status_of(manifest).get("certificate"):
        return HEALTHY
    return progressing("no certificate yet" if holds(manifest, "Approved") else "not approved yet")


def snapshot(manifest: Manifest) -> Verdict:
    """Ready to be restored from."""
    status = status_of(manifest)
    error = status.get("error") or {}
    if error:
        return degraded(str(error.get("message") or "the snapshot failed"))
    return HEALTHY if status.get("readyToUse") is True else progressing("not ready to use yet")


def cron_job(manifest: Manifest) -> Verdict:
    """There; whether a run of it failed is its Jobs' health."""
    suspended = (manifest.get("spec") or {}).get("suspend") is True
    return Verdict(Health.SUSPENDED, "suspended") if suspended else HEALTHY


RULES = {
    ("", "PersistentVolume"): volume,
    ("apiregistration.k8s.io", "APIService"): api_service,
    ("autoscaling", "HorizontalPodAutoscaler"): autoscaler,
    ("batch", "CronJob"): cron_job,
    ("certificates.k8s.io", "CertificateSigningRequest"): signing_request,
    ("snapshot.storage.k8s.io", "VolumeSnapshot"): snapshot,
    ("snapshot.storage.k8s.io", "VolumeSnapshotContent"): snapshot,
}
