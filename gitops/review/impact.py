"""What a change does to running work, in a class and a sentence for each changed path.

A table by kind and place. Our own kinds say exactly what happens; of a kind nobody here knows the sentence says that.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from gitops.api.meta import GROUP
from gitops.plan import secrecy
from gitops.plan.change import Action, Change, PatchOp
from gitops.plan.compare import ABSENT
from gitops.ref import ResourceRef
from gitops.review import wording


class Impact(StrEnum):
    """How deep a change cuts, from least to most."""

    NONE = "none"
    NEXT_OPERATION = "next-operation"
    RESTART = "restart"
    DESTRUCTIVE = "destructive"

    @property
    def rank(self) -> int:
        """0 is least."""
        return list(Impact).index(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Effect:
    """One changed path: its class and what happens, in words."""

    path: str
    impact: Impact
    words: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One operation of a patch as the table's rules see it: old and new value, `ABSENT` where there is none."""

    change: Change
    path: str
    old: Any
    new: Any

    @property
    def moved(self) -> str:
        """`old → new`, short; of a Secret only that it changes."""
        if secrecy.is_secret(self.change.ref):
            return "changes"
        return wording.moved(self.old, self.new)


Words = Callable[[Step], str]
Rule = tuple[str, Impact, Words]
_GOES_ON = "running operations go on"
_NEW_ONLY = "new operations only"


def effects(change: Change) -> tuple[Effect, ...]:
    """One effect for each operation of the patch; one for the object as a whole if it appears, goes or is replaced."""
    match change.action:
        case Action.CREATE:
            return (Effect(path="", impact=Impact.NONE, words=f"new {change.ref.kind}: nothing that runs is touched"),)
        case Action.UPDATE:
            return tuple(_effect(step) for step in _steps(change))
        case Action.REPLACE:
            words = f"{wording.named(change.ref)} is deleted and made again: {change.why}"
            return (Effect(path="", impact=Impact.DESTRUCTIVE, words=words),)
        case Action.DELETE:
            return (_deletion(change),)
        case _:
            return ()


def worst(found: Sequence[Effect]) -> Impact:
    """The deepest of several."""
    return max((one.impact for one in found), key=lambda impact: impact.rank, default=Impact.NONE)


def pairs(patch: Sequence[PatchOp], tests: Sequence[PatchOp]) -> Iterator[tuple[PatchOp, PatchOp | None]]:
    """Each operation with the test of the value it replaces or removes: there is one for each of those, in order."""
    left = iter(tests)
    for op in patch:
        yield op, None if op["op"] == "add" else next(left, None)


def _steps(change: Change) -> Iterator[Step]:
    for op, test in pairs(change.patch, change.tests):
        old = ABSENT if test is None else test["value"]
        yield Step(change=change, path=op["path"], old=old, new=op.get("value", ABSENT))


def _effect(step: Step) -> Effect:
    for prefix, impact, words in _rules(step.change):
        if step.path == prefix or step.path.startswith(f"{prefix}/"):
            return Effect(path=step.path, impact=impact, words=words(step))
    if step.path.startswith("/metadata/"):
        return Effect(path=step.path, impact=Impact.NONE, words="only describes")
    return Effect(path=step.path, impact=Impact.NONE, words=_otherwise(step.change.ref))


def _otherwise(ref: ResourceRef) -> str:
    if "." not in ref.group or ref.group.endswith(".k8s.io") or ref.group == GROUP:
        return "nothing that runs is touched"
    return f"what follows is up to the controller of {ref.kind}"


def _deletion(change: Change) -> Effect:
    ref, authored = change.ref, change.authored
    if change.superseded:
        words = "superseded by a newer one: goes when nothing that runs refers to it"
        return Effect(path="", impact=Impact.NONE, words=words)
    if (ref.group, ref.kind) == (GROUP, "WorkerPool"):
        words = (
            f"pool {ref.name} is removed: it admits nothing more, running operations finish, queued ones fail "
            "(PoolRemoved), then its namespace is deleted with all in it"
        )
    elif ref.kind == "Namespace" and not ref.group:
        words = f"namespace {ref.name} is deleted with all in it"
    else:
        words = _GONE.get(ref.kind, f"{wording.named(ref)} is deleted")
    if authored != ref and (ref.group, ref.kind) != (GROUP, "WorkerPool"):
        words = f"{words} (belongs to {wording.named(authored)})"
    return Effect(path="", impact=Impact.DESTRUCTIVE, words=words)


_GONE = {
    "PersistentVolumeClaim": "the claim is deleted, and as its class says the data in it",
    "PersistentVolume": "the volume is deleted, and as its policy says the data in it",
    "Secret": "the values in it are gone; pods that mount it cannot start any more",
    "CustomResourceDefinition": "every object of this kind in the whole cluster is deleted",
    "Deployment": "its pods stop",
    "StatefulSet": "its pods stop",
    "DaemonSet": "its pods stop on every node",
    "Job": "its pods stop",
}


def _rules(change: Change) -> Sequence[Rule]:
    ref = change.ref
    if change.authored.kind == "Worker" and ref.kind == "Deployment":
        return _PROGRAM
    return _TABLE.get((ref.group, ref.kind), ())


def _about(text: str) -> Words:
    """A sentence with `{moved}`, `{field}` and `{name}` filled in."""

    def words(step: Step) -> str:
        field = wording.field(step.path)
        return text.format(moved=step.moved, field=field, name=step.change.ref.name)

    return words


def _suspended(step: Step) -> str:
    if step.new is True:
        return f"pool {step.change.ref.name} admits nothing more; running operations finish"
    return f"pool {step.change.ref.name} admits operations again"


def _replicas(step: Step) -> str:
    words = f"{wording.named(step.change.ref)}: replicas {step.moved}"
    return f"{words}: every pod of it stops" if step.new == 0 else words


_POOL: tuple[Rule, ...] = (
    ("/spec/image", Impact.NEXT_OPERATION, _about(f"image {{moved}} on pool {{name}}: {_NEW_ONLY}")),
    (
        "/spec/resources",
        Impact.NEXT_OPERATION,
        _about(f"operation pods {{field}} {{moved}} on pool {{name}}: {_NEW_ONLY}"),
    ),
    (
        "/spec/maxOperations",
        Impact.NEXT_OPERATION,
        _about(f"at most {{moved}} operations at a time on pool {{name}}; {_GOES_ON}"),
    ),
    ("/spec/suspended", Impact.NEXT_OPERATION, _suspended),
    (
        "/spec/namespace",
        Impact.DESTRUCTIVE,
        _about("operations of pool {name} move to another namespace ({moved}); the old one is deleted with all in it"),
    ),
    (
        "/spec/allow/urls",
        Impact.NEXT_OPERATION,
        _about(f"what the worker fetches for operations of pool {{name}} changes ({{moved}}): {_NEW_ONLY}"),
    ),
    ("/spec/timeouts", Impact.NEXT_OPERATION, _about(f"{{field}} {{moved}} on pool {{name}}: {_NEW_ONLY}")),
    (
        "/spec/rbac",
        Impact.NEXT_OPERATION,
        _about("rights of the pods of pool {name} change at once, for running operations too"),
    ),
    ("/spec", Impact.NEXT_OPERATION, _about(f"{{field}} {{moved}} on pool {{name}}: {_NEW_ONLY}")),
)
_RESTARTS = f"the program restarts, {_GOES_ON}"
_WORKER: tuple[Rule, ...] = (
    ("/spec/replicas", Impact.NONE, _replicas),
    ("/spec/pools", Impact.NEXT_OPERATION, _about(f"the pools worker {{name}} serves change: {_NEW_ONLY}")),
    ("/spec/commitRules", Impact.NONE, _about("what a commit may apply and grant changes; nothing restarts")),
    ("/spec/image", Impact.RESTART, _about(f"image of worker {{name}} {{moved}}: {_RESTARTS}")),
    ("/spec", Impact.RESTART, _about(f"{{field}} of worker {{name}} {{moved}}: {_RESTARTS}")),
)
_PROGRAM: tuple[Rule, ...] = (
    ("/spec/replicas", Impact.NONE, _replicas),
    ("/spec/template", Impact.RESTART, _about(f"{{field}} {{moved}} in Deployment {{name}}: {_RESTARTS}")),
)
_WORKLOAD: tuple[Rule, ...] = (
    ("/spec/replicas", Impact.NONE, _replicas),
    ("/spec/template", Impact.RESTART, _about("{field} {moved}: the pods of {name} are replaced")),
)
_DATA = "pods see it within a minute or two where it is a mounted file, as an environment variable only after a restart"
_NEW_PODS = "{field} {moved}: judged when a pod is made, pods that run go on"
_RIGHTS = "rights change at once: see the rights before and after"
_TABLE: dict[tuple[str, str], tuple[Rule, ...]] = {
    (GROUP, "WorkerPool"): _POOL,
    (GROUP, "Worker"): _WORKER,
    (GROUP, "GitSync"): (("/spec", Impact.NONE, _about("{field} {moved}: from the next look at Git on")),),
    ("apps", "Deployment"): _WORKLOAD,
    ("apps", "StatefulSet"): _WORKLOAD,
    ("apps", "DaemonSet"): _WORKLOAD,
    ("batch", "CronJob"): (("/spec", Impact.NEXT_OPERATION, _about("{field} {moved}: from the next run on")),),
    ("", "ConfigMap"): (("/data", Impact.NONE, _about(_DATA)), ("/binaryData", Impact.NONE, _about(_DATA))),
    ("", "Secret"): (("/data", Impact.NONE, _about(_DATA)),),
    ("", "Namespace"): (("/metadata/labels/pod-security", Impact.NEXT_OPERATION, _about(_NEW_PODS)),),
    ("", "ResourceQuota"): (("/spec", Impact.NEXT_OPERATION, _about(_NEW_PODS)),),
    ("", "LimitRange"): (("/spec", Impact.NEXT_OPERATION, _about(_NEW_PODS)),),
    ("", "Service"): (("/spec", Impact.NONE, _about("{field} {moved}: traffic changes at once, no pod restarts")),),
    ("networking.k8s.io", "NetworkPolicy"): (
        ("/spec", Impact.NONE, _about("what pods may reach changes at once, for running ones too")),
    ),
    **{
        ("rbac.authorization.k8s.io", kind): (
            ("/rules", Impact.NONE, _about(_RIGHTS)),
            ("/subjects", Impact.NONE, _about(_RIGHTS)),
            ("/aggregationRule", Impact.NONE, _about(_RIGHTS)),
        )
        for kind in ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
    },
}
