"""One plan and one drift report with a bit of everything, hostile text included; nothing in it is of this moment."""

from __future__ import annotations

import copy
from dataclasses import replace
from typing import Any

from gitops.api.gitsync import IgnoredObjects, IgnoreRule
from gitops.api.plan import DriftReport, PlanDocument, PlanSource
from gitops.location import Location
from gitops.objects import Manifest, inventory, ref_of
from gitops.plan import ignore
from gitops.plan.attribution import Owner
from gitops.plan.budget import consent_name
from gitops.plan.change import Desired, Left, Taken
from gitops.plan.compare import ABSENT
from gitops.plan.draft import Differs, Item, Missing, Surplus
from gitops.plan.drift import Drift, Manner, Severity
from gitops.plan.settle import Header, Prediction, Rules, settle
from gitops.ref import ResourceRef
from gitops.report import documents, drifts
from gitops.review.rbac import GROUP

SALT = "5a17"
REVISION = "main@sha1:" + "c0ffee" * 6 + "beef"
HOSTILE = "\x1b[31mred\x1b[0m \u202egpj.exe <script>alert(1)</script> @everyone `code` | pipe"
LONG = "/".join(f"part-{number}" for number in range(40))


def manifest(kind: str, name: str, *, api: str = "v1", namespace: str = "shop", **body: Any) -> Manifest:
    metadata: dict[str, Any] = {"name": name, "uid": f"uid-{name}", "resourceVersion": "7"}
    if namespace:
        metadata["namespace"] = namespace
    return {"apiVersion": api, "kind": kind, "metadata": metadata, **body}


def _desired(one: Manifest, line: int, authored: ResourceRef | None = None) -> Desired:
    wanted = copy.deepcopy(one)
    for key in ("uid", "resourceVersion"):
        wanted["metadata"].pop(key, None)
    ref = ref_of(wanted)
    return Desired(manifest=wanted, ref=ref, authored=authored or ref, location=Location("base/all.yaml", line, 1))


def _differs(live: Manifest, line: int, authored: ResourceRef | None = None, **changes: Any) -> Differs:
    wanted = copy.deepcopy(live)
    for path, value in changes.items():
        at: Any = wanted
        *above, last = path.split("__")
        for key in above:
            at = at[int(key)] if isinstance(at, list) else at[key]
        at[last] = value
    desired = _desired(wanted, line, authored)
    return Differs(desired=desired, live=live, predicted=wanted, patch=({"op": "test", "path": ""},))


def _surplus(live: Manifest, *, superseded: bool = False) -> Surplus:
    ref = ref_of(live)
    return Surplus(ref=ref, entry=inventory.Entry(version="v1", authored=ref), live=live, superseded=superseded)


OURS = "gitops-worker.io/v1alpha1"
POOL = manifest(
    "WorkerPool",
    "linux",
    api=OURS,
    spec={"image": "tools:1", "maxOperations": 4, "resources": {"requests": {"cpu": "100m"}}},
)
WORKER = manifest("Worker", "main", api=OURS, spec={"image": "gitops-worker:1", "pools": ["linux"]})
CONTAINERS = [{"name": "gitops", "image": "gitops-worker:1"}]
DEPLOYMENT = manifest(
    "Deployment", "main", api="apps/v1", spec={"replicas": 1, "template": {"spec": {"containers": CONTAINERS}}}
)
WEB = manifest("Deployment", "web", api="apps/v1", spec={"replicas": 2, "paused": False})
SECRET = manifest("Secret", "key", data={"word": "aGlkZGVuLXZhbHVl", "same": "c2FtZQ=="})
SERVICE = manifest("Service", "front", spec={"clusterIP": "10.0.0.1"})
SETTINGS = manifest("ConfigMap", "settings", data={"text": "plain", "path": LONG})
STAYS = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
ROLE = manifest(
    "Role", "robot", api=f"{GROUP}/v1", rules=[STAYS, {"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}]
)
BINDING = manifest(
    "RoleBinding",
    "robot",
    api=f"{GROUP}/v1",
    roleRef={"apiGroup": GROUP, "kind": "Role", "name": "robot"},
    subjects=[{"kind": "ServiceAccount", "name": "robot", "namespace": "shop"}],
)
DEFINITION = manifest(
    "CustomResourceDefinition", "workers.gitops-worker.io", api="apiextensions.k8s.io/v1", namespace=""
)
RULES = [
    STAYS,
    {"apiGroups": [""], "resources": ["secrets"], "verbs": ["get", "list"]},
    {"apiGroups": [""], "resources": ["pods/exec"], "verbs": ["create"]},
    {"apiGroups": ["apps"], "resources": ["*"], "verbs": ["*"]},
]


def items() -> tuple[list[Item], dict[ResourceRef, Prediction]]:
    """What Git wants and what lives, and what the server said of it."""
    worker = ref_of(WORKER)
    account = manifest("ServiceAccount", "fresh")
    hostile = manifest("ConfigMap", "hostile", data={"text": HOSTILE})
    found: list[Item] = [
        Missing(desired=_desired(account, 3)),
        Missing(desired=_desired(hostile, 5)),
        _differs(POOL, 10, spec__image="tools:2", spec__resources__requests__cpu="200m", spec__maxOperations=8),
        _differs(WORKER, 20, spec__image="gitops-worker:2"),
        _differs(DEPLOYMENT, 20, worker, spec__template__spec__containers__0__image="gitops-worker:2"),
        _differs(WEB, 30, spec__replicas=5),
        _differs(SECRET, 40, data__word="b3RoZXItdmFsdWU="),
        _differs(SERVICE, 50, spec__clusterIP="10.0.0.2"),
        _differs(SETTINGS, 60, data__text=HOSTILE, data__path=f"{LONG}/more"),
        _differs(ROLE, 70, rules=RULES),
        _surplus(manifest("ConfigMap", "old")),
        _surplus(manifest("ConfigMap", "made-abcdef2345"), superseded=True),
        _surplus(manifest("WorkerPool", "batch", api=OURS)),
        _surplus(manifest("Namespace", "shop-batch-ops", namespace="")),
        _surplus(DEFINITION),
    ]  # fmt: skip
    said = {one.desired.ref: Prediction(object=one.predicted) for one in found if isinstance(one, Differs)}
    said[ref_of(account)] = Prediction(unverified="namespace shop is only planned")
    said[ref_of(hostile)] = Prediction(object=hostile)
    said[ref_of(SERVICE)] = Prediction(immutable="spec.clusterIP: field is immutable: may not change once set")
    taken = (Taken(path=".spec.replicas", manager="kubectl-scale"),)
    said[ref_of(WEB)] = Prediction(object=_of(found, WEB), taken=taken)
    return found, said


def _of(found: list[Item], live: Manifest) -> Manifest:
    return next(one.predicted for one in found if isinstance(one, Differs) and one.live is live)


def plan() -> PlanDocument:
    """Creates, updates, a replacement, deletions, what is kept and what is refused."""
    found, said = items()
    owned = inventory.Inventory(
        entries={one.ref: one.entry for one in found if isinstance(one, Surplus)}
        | {ref_of(WEB): inventory.Entry(version="v1", authored=ref_of(WEB))}
    )
    agreed = frozenset({consent_name(ref_of(SERVICE)), "workerpool/batch", "configmap/old"})
    rules = Rules(force=True, consent=agreed)
    header = Header(name="shop", namespace="shop", revision=REVISION)
    made = settle(found, said, owned, header=header, rules=rules)
    left = Left(
        ref=ref_of(DEPLOYMENT), path="/spec/replicas", manager="kube-controller-manager", owner="team web @everyone",
        reason=f"the autoscaler decides {HOSTILE}", expires="2030-01-31",
    )  # fmt: skip
    made = replace(made, left=(left,))
    live = {ref_of(one): one for one in (POOL, WORKER, DEPLOYMENT, WEB, SECRET, SERVICE, SETTINGS, ROLE, BINDING)}
    source = PlanSource(sync="shop", path="overlays/shop", revision=REVISION)
    return documents.of(documents.Made(plan=made, source=source, rules=rules, live=live), salt=SALT, locate=_locate)


def _locate(ref: ResourceRef, pointer: str) -> Location | None:
    """Every field stands in a line of its own."""
    if ref.kind != "WorkerPool":
        return None
    return Location("base/pool.yaml", 4 + pointer.count("/"), 3)


def drift() -> DriftReport:
    """Changed, removed, added, missing; one manager, several candidates, nobody."""
    somebody = Owner(manager="kubectl-edit", operation="Update", time="2026-01-02T03:04:05Z")
    perhaps = Owner(manager="argocd", operation="Apply", time="2026-01-01T00:00:00Z", certain=False)
    web, secret, pool = ref_of(WEB), ref_of(SECRET), ref_of(POOL)
    place = Location("base/all.yaml", 30, 1)
    found = (
        Drift(ref=web, path="/spec/replicas", manner=Manner.CHANGED, severity=Severity.CAPACITY, desired=2, live=5,
              owners=(somebody,), location=place),
        Drift(ref=web, path="/spec/template/spec/containers/1", manner=Manner.ADDED, severity=Severity.SECURITY,
              desired=ABSENT, live={"name": "side-car", "image": HOSTILE}, owners=(somebody,)),
        Drift(ref=web, path="/metadata/labels/team", manner=Manner.REMOVED, severity=Severity.COSMETIC,
              desired="shop", live=ABSENT, owners=(perhaps,), location=place),
        Drift(ref=secret, path="/data/word", manner=Manner.CHANGED, severity=Severity.SECURITY,
              desired="aGlkZGVuLXZhbHVl", live="b3RoZXItdmFsdWU=", owners=(somebody,)),
        Drift(ref=pool, path="", manner=Manner.MISSING, severity=Severity.SECURITY, location=place),
    )  # fmt: skip
    rules = ignore.rules_of(
        (
            IgnoreRule(
                objects=IgnoredObjects(kind="Deployment"), paths=[".spec.replicas"], owner="team web @everyone",
                reason=f"the autoscaler decides {HOSTILE}", expires="2030-01-31",
            ),
            IgnoreRule(
                objects=IgnoredObjects(kind="Secret"), paths=[".data.*"], owner="team vault",
                reason="rotated elsewhere", expires="2025-12-31",
            ),
        )
    )  # fmt: skip
    scaled = Drift(
        ref=ref_of(DEPLOYMENT), path="/spec/replicas", manner=Manner.CHANGED, severity=Severity.CAPACITY, desired=1,
        live=4, owners=(somebody,),
    )  # fmt: skip
    sorted_ = ignore.Sorted(
        drifts=found, ignored=(ignore.Ignored(drift=scaled, rule=rules[0]),), expired=((rules[1], 1),)
    )
    unreadable = {ref_of(SERVICE): "user viewer may not get services"}
    header = ("shop", "shop", REVISION)
    return drifts.report(found, unreadable, header=header, compared=12, salt=SALT, rules=sorted_)
