"""What a pod template cannot set, in the kinds that have one: the program decides it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gitops.api.meta import GROUP
from gitops.api.rules.rule import Rule


def _template_metadata(metadata: Mapping[str, Any]) -> bool:
    ours = (key for part in ("labels", "annotations") for key in metadata.get(part) or {})
    return not any(key.startswith(f"{GROUP}/") for key in ours)


_PROTECTED_SPEC = (
    "restartPolicy",
    "activeDeadlineSeconds",
    "enableServiceLinks",
    "serviceAccountName",
    "serviceAccount",
)
PROTECTED_CONTAINER = (
    "image",
    "command",
    "args",
    "tty",
    "stdin",
    "lifecycle",
    "terminationMessagePath",
    "terminationMessagePolicy",
    "workingDir",
)
"""Of the container the program runs in; `gitops.pods.template` holds a merged pod to the same."""


def _template_spec(template: Mapping[str, Any]) -> bool:
    return not any(name in (template.get("spec") or {}) for name in _PROTECTED_SPEC)


def _template_container(container: Mapping[str, Any]) -> bool:
    return container.get("name") not in {"operation", "gitops"} or not any(
        name in container for name in PROTECTED_CONTAINER
    )


_TEMPLATE_METADATA: dict[str, Any] = {
    "path": "/spec/podTemplate/metadata",
    "cel": " && ".join(
        f"(!has(self.{part}) || self.{part}.all(k, !k.startsWith('{GROUP}/')))" for part in ("labels", "annotations")
    ),
    "holds": _template_metadata,
    "message": f"labels and annotations under {GROUP}/ are the program's own",
    "accepts": ({"labels": {"team": "build"}}, {"annotations": {"a/b": "c"}}, {}),
    "rejects": ({"labels": {f"{GROUP}/pool": "other"}}, {"annotations": {f"{GROUP}/script": "x"}}),
}

_TEMPLATE_SPEC: dict[str, Any] = {
    "path": "/spec/podTemplate",
    "field": "/spec",
    "forbidden": tuple(f"/spec/{name}" for name in _PROTECTED_SPEC),
    "cel": "!has(self.spec) || (" + " && ".join(f"!has(self.spec.{name})" for name in _PROTECTED_SPEC) + ")",
    "holds": _template_spec,
    "message": f"a pod template cannot set {', '.join(_PROTECTED_SPEC[:-1])}: the program decides them",
    "hint": "for the account of a pool's pods use spec.serviceAccount, for clocks spec.timeouts",
    "accepts": ({"spec": {"nodeSelector": {"pool": "build"}}}, {"spec": {"tolerations": [{"operator": "Exists"}]}}),
    "rejects": (
        {"spec": {"restartPolicy": "Always"}},
        {"spec": {"activeDeadlineSeconds": 5}},
        {"spec": {"serviceAccountName": "other"}},
    ),
}


def rules_of(kind: str, container: str) -> tuple[Rule, ...]:
    """The protected fields of a pod template, for the kind whose container has this name."""
    fields = ", ".join(PROTECTED_CONTAINER)
    return (
        Rule(kind=kind, **_TEMPLATE_METADATA),
        Rule(kind=kind, **_TEMPLATE_SPEC),
        Rule(
            kind=kind,
            path="/spec/podTemplate/spec/containers/*",
            cel=f"self.name != '{container}' || ("
            + " && ".join(f"!has(self.{name})" for name in PROTECTED_CONTAINER)
            + ")",
            holds=_template_container,
            forbidden=tuple(f"/{name}" for name in PROTECTED_CONTAINER),
            message=f"a pod template cannot set these of container `{container}`: {fields}",
            hint="the image is spec.image; a side-car needs another name",
            accepts=(
                {"name": container, "env": [{"name": "A", "value": "b"}]},
                {"name": "side-car", "image": "proxy:1", "command": ["proxy"]},
            ),
            rejects=({"name": container, "command": ["sh"]}, {"name": container, "tty": True}),
        ),
    )
