"""What whole trees hold beside the ordinary: kinds that refer to each other, plugins, deprecated fields, odd YAML."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import strategies as st

from tests.golden.overlays import KINDS, Draw, Fields, Repo, _name, _pick

Body = Callable[[Draw, str], dict[str, Any]]
RBAC, ADMISSION, STORAGE = "rbac.authorization.k8s.io/v1", "admissionregistration.k8s.io/v1", "storage.k8s.io/v1"


def _scaler(draw: Draw, folder: str) -> dict[str, Any]:
    kind = draw(st.sampled_from(["Deployment", "StatefulSet", "Widget"]))
    version = {"Widget": "example.org/v1"}.get(kind, draw(st.sampled_from(["apps/v1", "extensions/v1beta1"])))
    target = {"apiVersion": version, "kind": kind, "name": _name(draw, folder)}
    return {"spec": {"scaleTargetRef": target, "minReplicas": 1, "maxReplicas": 3}}


def _claim(draw: Draw, folder: str) -> dict[str, Any]:
    spec = {"accessModes": ["ReadWriteOnce"], "storageClassName": _name(draw, folder)}
    if draw(st.booleans()):
        spec["volumeName"] = _name(draw, folder)
    return {"spec": spec}


def _volume(draw: Draw, folder: str) -> dict[str, Any]:
    claim = {"name": _name(draw, folder), "namespace": draw(st.sampled_from(["default", "apps", ""]))}
    if not claim["namespace"]:
        del claim["namespace"]
    return {"spec": {"claimRef": claim, "storageClassName": _name(draw, folder), "hostPath": {"path": "/x"}}}


def _webhooks(draw: Draw, folder: str) -> dict[str, Any]:
    service = {"name": _name(draw, folder), "namespace": draw(st.sampled_from(["default", "apps", "system"]))}
    return {"webhooks": [{"name": "a.example.org", "clientConfig": {"service": service}, "sideEffects": "None"}]}


def _api_service(draw: Draw, folder: str) -> dict[str, Any]:
    return {"spec": {"service": {"name": _name(draw, folder), "namespace": draw(st.sampled_from(["default", "apps"]))}}}


def _definition(draw: Draw, folder: str) -> dict[str, Any]:
    service = {"name": _name(draw, folder), "namespace": "system"}
    spec: dict[str, Any] = {"group": "example.org", "names": {"kind": "Gadget", "plural": "gadgets"}}
    if draw(st.booleans()):
        spec["conversion"] = {"strategy": "Webhook", "webhook": {"clientConfig": {"service": service}}}
    return {"spec": spec}


def _budget(draw: Draw, _folder: str) -> dict[str, Any]:
    return {"spec": {"minAvailable": 1, "selector": {"matchLabels": {"app": "x"}}}}


def _policy(draw: Draw, _folder: str) -> dict[str, Any]:
    peers = [{"podSelector": {"matchLabels": {"app": "x"}}}, {"namespaceSelector": {"matchLabels": {"n": "x"}}}]
    spec = {"podSelector": {"matchLabels": {"app": "x"}}, "ingress": [{"from": peers}], "egress": [{"to": peers[:1]}]}
    return {"spec": draw(st.sampled_from([spec, {"podSelector": {}}]))}


def _pod(draw: Draw, folder: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [{"name": "main", "image": "nginx:1.2.3"}]}
    sources: list[dict[str, Any]] = [
        {"configMap": {"name": _name(draw, folder)}},
        {"secret": {"name": _name(draw, folder)}},
        {"serviceAccountToken": {"path": "t"}},
    ]
    spec["volumes"] = [
        {"name": "p", "projected": {"sources": sources}},
        {"name": "s", "secret": {"secretName": _name(draw, folder)}},
        {"name": "c", "persistentVolumeClaim": {"claimName": _name(draw, folder)}},
    ]
    spec["imagePullSecrets"] = [{"name": _name(draw, folder)}]
    spec["priorityClassName"] = _name(draw, folder)
    affinity = {"labelSelector": {"matchLabels": {"app": "x"}}, "topologyKey": "zone"}
    spec["affinity"] = {"podAntiAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": [affinity]}}
    spec["topologySpreadConstraints"] = [{**affinity, "maxSkew": 1}]
    return spec


def _templated(draw: Draw, folder: str) -> dict[str, Any]:
    template = {"metadata": {"labels": {"app": "x"}}, "spec": _pod(draw, folder)}
    return {"spec": {"template": template, "selector": {"matchLabels": {"app": "x"}}}}


def _stateful(draw: Draw, folder: str) -> dict[str, Any]:
    body = _templated(draw, folder)
    body["spec"]["serviceName"] = _name(draw, folder)
    labels = draw(
        st.sampled_from([{"metadata": {"name": "data"}}, {"metadata": {"name": "data", "labels": {"a": "b"}}}])
    )
    body["spec"]["volumeClaimTemplates"] = [{**labels, "spec": {"storageClassName": _name(draw, folder)}}]
    return body


def _grants(draw: Draw, folder: str) -> dict[str, Any]:
    resource = draw(st.sampled_from(["secrets", "configmaps", "serviceaccounts", "services"]))
    rule = {"apiGroups": [""], "resources": [resource], "resourceNames": [_name(draw, folder), "other"]}
    return {"rules": [rule, {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}]}


def _backends(draw: Draw, folder: str) -> dict[str, Any]:
    old = {"serviceName": _name(draw, folder), "servicePort": 80}
    rule = {"http": {"paths": [{"path": "/", "backend": old}]}}
    return {"spec": {"backend": old, "rules": [rule], "ingressClassName": _name(draw, folder)}}


def _nothing(_draw: Draw, _folder: str) -> dict[str, Any]:
    return {}


MORE_KINDS: dict[str, tuple[str, Body]] = {
    "HorizontalPodAutoscaler": ("autoscaling/v2", _scaler),
    "PersistentVolumeClaim": ("v1", _claim),
    "PersistentVolume": ("v1", _volume),
    "StorageClass": (STORAGE, _nothing),
    "PriorityClass": ("scheduling.k8s.io/v1", _nothing),
    "IngressClass": ("networking.k8s.io/v1", _nothing),
    "ValidatingWebhookConfiguration": (ADMISSION, _webhooks),
    "MutatingWebhookConfiguration": (ADMISSION, _webhooks),
    "APIService": ("apiregistration.k8s.io/v1", _api_service),
    "PodDisruptionBudget": ("policy/v1", _budget),
    "NetworkPolicy": ("networking.k8s.io/v1", _policy),
    "Pod": ("v1", lambda draw, folder: {"spec": _pod(draw, folder)}),
    "Job": ("batch/v1", _templated),
    "ReplicaSet": ("apps/v1", _templated),
}
OTHERS: dict[str, tuple[str, Body]] = {
    "StatefulSet": ("apps/v1", _stateful),
    "ClusterRole": (RBAC, _grants),
    "Ingress": ("extensions/v1beta1", _backends),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", _definition),
    "Deployment": ("apps/v1", _templated),
}


def _more(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    """More objects, of kinds that refer to others, in one file of YAML or JSON."""
    documents = []
    for i in range(draw(st.integers(1, 4))):
        kinds = {**MORE_KINDS, **OTHERS}
        kind = draw(st.sampled_from(sorted(kinds)))
        version, body = kinds[kind]
        name = f"{_name(draw, folder)}-{i}" if (kind, _name(draw, folder)) in repo.known else _name(draw, folder)
        repo.known.append((kind, name))
        metadata: dict[str, Any] = {"name": name}
        if draw(st.integers(0, 2)) == 0:
            metadata["namespace"] = draw(st.sampled_from(["default", "apps", "system"]))
        documents.append({"apiVersion": version, "kind": kind, "metadata": metadata, **body(draw, folder)})
    if draw(st.integers(0, 3)) == 0:
        documents = [{"apiVersion": "v1", "kind": "List", "items": documents}]
    repo.files[f"{folder}/more.yaml"] = "\n---\n".join(json.dumps(one, indent=1) for one in documents)
    fields["resources"] = [*(fields.get("resources") or []), "more.yaml"]


def _old_patches(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    kind, name = _pick(draw, repo, folder, "Deployment", "ConfigMap", "Service", "StatefulSet")
    version = KINDS[kind][0]
    if draw(st.booleans()):
        patch = {"apiVersion": version, "kind": kind, "metadata": {"name": name, "annotations": {"old": "1"}}}
        text = json.dumps(patch)
        fields["patchesStrategicMerge"] = [text + "\n" if draw(st.booleans()) else "old.yaml"]
        repo.files[f"{folder}/old.yaml"] = text + ("\n---\n" + text if draw(st.booleans()) else "")
        return
    group, _, number = version.rpartition("/")
    target = {"group": group, "version": number, "kind": kind, "name": name}
    ops = [{"op": "add", "path": "/metadata/annotations", "value": {"a~b/c": "1"}}]
    ops += [
        {"op": "replace", "path": "/metadata/annotations/a~0b~1c", "value": draw(st.sampled_from(["2", 3, None, {}]))}
    ]
    fields["patchesJson6902"] = [{"target": target, "patch": json.dumps(ops)}]


def _replacements(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    kind, name = _pick(draw, repo, folder)
    source: dict[str, Any] = {"kind": kind, "name": name}
    source["fieldPath"] = draw(
        st.sampled_from(
            ["metadata.name", "spec.replicas", "data.k", "spec.template.spec.containers.0.image", "spec",
             "metadata.labels",
             "spec.template.spec.containers.[name=main].image", "kind", "apiVersion", "spec.ports.0.port"]
        )
    )  # fmt: skip
    if draw(st.integers(0, 3)) == 0:
        source["options"] = {"delimiter": draw(st.sampled_from([":", "/", "-"])), "index": draw(st.integers(0, 1))}
    select: dict[str, Any] = {}
    if draw(st.integers(0, 3)):
        select["kind"] = draw(st.sampled_from(["Deployment", "ConfigMap", "Service", "Pod", "Widget", "ClusterRole"]))
    if draw(st.integers(0, 3)) == 0:
        select["name"] = _pick(draw, repo, folder)[1]
    target: dict[str, Any] = {"select": select}
    target["fieldPaths"] = draw(
        st.lists(
            st.sampled_from(
                ["metadata.name", "metadata.annotations.x", "spec.template.spec.containers.*.env.[name=A].value",
                 "spec.new",
                 "spec.template.spec.containers.[name=main].args.0", "data.new", "metadata.labels", "spec.ports.0.port",
                 "spec.template.spec.containers.[image=nginx].image", "metadata.annotations.a\\.b/c", "rules.*.verbs.1",
                 "metadata.annotations.[a.b/c]", "spec.items.[name=z].value", "spec.template.metadata.annotations.x"]
            ), min_size=1, max_size=2,
        )
    )  # fmt: skip
    if draw(st.integers(0, 2)) == 0:
        target["reject"] = [{"name": _pick(draw, repo, folder)[1]}]
    if draw(st.integers(0, 3)):
        target["options"] = {"create": True}
    if draw(st.integers(0, 3)) == 0:
        target["options"] = {"delimiter": draw(st.sampled_from([":", "/"])), "index": draw(st.integers(-1, 3))}
    entry: dict[str, Any] = {"source": source, "targets": [target]}
    if draw(st.integers(0, 8)) == 0:
        entry = {"sourceValue": draw(st.sampled_from(["v", "1", "true"])), "targets": [target]}
    if draw(st.integers(0, 2)) == 0:
        repo.files[f"{folder}/replacement.yaml"] = json.dumps(draw(st.sampled_from([entry, [entry]])))
        entry = {"path": "replacement.yaml"}
    fields.setdefault("replacements", []).append(entry)


def _inline(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    """Plugins of the built-in kinds, written in place or in files, more than one."""
    kind, name = _pick(draw, repo, folder)
    version = {**KINDS, **MORE_KINDS}[kind][0]
    specs = draw(
        st.sampled_from(
            [[], [{"path": "metadata/annotations", "create": True}], [{"path": "metadata/labels"}],
             [{"path": "spec/template/metadata/labels", "create": True, "kind": "Deployment"}],
             [{"path": "spec/items[]/name"}], [{"path": "spec/items/name"}], [{"path": "metadata/name", "kind": kind}],
             [{"path": "metadata/name"}, {"path": "spec/ref"}]]
        )
    )  # fmt: skip
    # Without annotations of its own an object may have, or not, those that kustomize keeps in the middle of a build.
    names = [spec for spec in specs if spec["path"] != "metadata/annotations"]
    plugins: list[dict[str, Any]] = [
        {"kind": "LabelTransformer", "labels": {"in": "line"}, "fieldSpecs": specs},
        {"kind": "AnnotationsTransformer", "annotations": {"in": "line", "a/b": "7"}, "fieldSpecs": specs},
        {"kind": "PrefixTransformer", "prefix": "q-", "fieldSpecs": names},
        {"kind": "SuffixTransformer", "suffix": "-q", "fieldSpecs": names},
        {"kind": "PrefixSuffixTransformer", "prefix": "q-", "suffix": "-q", "fieldSpecs": names},
        {"kind": "NamespaceTransformer", "metadata": {"name": "x", "namespace": "other"}, "fieldSpecs": names,
         "unsetOnly": draw(st.booleans()), "setRoleBindingSubjects": draw(st.sampled_from(["", "none"]))},
        {"kind": "ImageTagTransformer", "imageTag": {"name": "nginx", "newName": "n", "digest": "sha256:1"},
         "fieldSpecs": [{"path": "spec/items[]/name"}, {"path": "spec/ref"}]},
        {"kind": "ReplicaCountTransformer", "replica": {"name": name, "count": 2},
         "fieldSpecs": [{"path": "spec/replicas", "create": draw(st.booleans()), "kind": kind}]},
        {"kind": "ConfigMapGenerator", "metadata": {"name": "made"}, "literals": ["a=b"],
         "behavior": draw(st.sampled_from(["", "create", "merge", "replace"]))},
        {"kind": "SecretGenerator", "name": name, "envs": ["e.env"], "behavior": "merge"},
        {"kind": "IAMPolicyGenerator", "cloud": "gke", "kubernetesService": {"name": "k"},
         "serviceAccount": {"name": "s", "projectId": "p"}},
        {"kind": "PatchJson6902Transformer", "target": {"kind": kind, "name": name},
         "jsonOp": '[{"op": "add", "path": "/metadata/labels", "value": {"j": "o"}}]'},
        {"kind": "PatchStrategicMergeTransformer", "patches":
         json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"p": "s"}}})},
        {"kind": "PatchTransformer", "patch":
         json.dumps({"apiVersion": version, "kind": kind, "metadata": {"name": name, "labels": {"p": "t"}}})},
        {"kind": "ReplacementTransformer", "replacements": [
            {"source": {"kind": kind, "name": name}, "targets": [
                {"select": {"kind": "ConfigMap"}, "fieldPaths": ["data.from"], "options": {"create": True}}]}]},
        {"kind": "ValueAddTransformer", "value": draw(st.sampled_from(["", "5", "true", "x/y"])), "targets": [
            {"selector": draw(st.sampled_from([{}, {"kind": kind}, {"name": "w.*"}, {"labelSelector": "app=x"}])),
             "fieldPath": draw(st.sampled_from(["metadata/namespace", "spec/a/b", "metadata/annotations/v"])),
             "filePathPosition": draw(st.integers(0, 3))}]},
        {"kind": "HashTransformer"},
    ]  # fmt: skip
    repo.files[f"{folder}/e.env"] = "A=1\n"
    chosen = draw(st.lists(st.sampled_from(range(len(plugins))), min_size=1, max_size=3))
    for number, index in enumerate(chosen):
        plugin = plugins[index]
        text = json.dumps({"apiVersion": "builtin", "metadata": {"name": f"i{number}"}, **plugin}, indent=1)
        field = "generators" if plugin["kind"].endswith("Generator") else "transformers"
        if draw(st.integers(0, 9)) == 0:
            field = draw(st.sampled_from(["generators", "transformers", "validators"]))
        if draw(st.booleans()):
            repo.files[f"{folder}/plug{number}.yaml"] = text
            text = f"plug{number}.yaml"
        fields.setdefault(field, []).append(text)


AUTHORED = tuple(path.read_text() for path in sorted((Path(__file__).parent / "data" / "authored").glob("*.yaml")))
"""Objects called NAME, as people write them: anchors, comments, block scalars, odd numbers."""


def _yaml(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    text = draw(st.sampled_from(AUTHORED))
    kind = next(k for k in ("Deployment", "ConfigMap", "Widget", "Secret", "Service") if f"kind: {k}" in text)
    name = _name(draw, folder) + "-y"
    repo.known.append((kind, name))
    repo.files[f"{folder}/y.yaml"] = text.replace("NAME", name)
    fields["resources"] = [*(fields.get("resources") or []), "y.yaml"]


def _common(draw: Draw, fields: Fields, _repo: Repo, _folder: str) -> None:
    fields["labels"] = [
        {"pairs": {"a": "1"}, "includeSelectors": draw(st.booleans()), "includeTemplates": draw(st.booleans())},
        {"pairs": {"b": "2"}, "fields": [{"path": "spec/template/metadata/labels", "create": True},
                                          {"path": "spec/items[]/labels", "create": True, "kind": "Widget"}]},
    ]  # fmt: skip


def _swap(draw: Draw, fields: Fields, _repo: Repo, _folder: str) -> None:
    fields["images"] = [
        {"name": "nginx", "newTag": draw(st.sampled_from(["1", "2.0", "v3"]))},
        {"name": "*", "newName": "x"}
        if draw(st.integers(0, 9)) == 0
        else {"name": "registry.example.*", "newName": "r/n"},
        {"name": "nginx", "newName": draw(st.sampled_from(["busybox", "r:5000/n", ""]))},
    ]


def _crds(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    ref = {"x-kubernetes-object-ref-api-version": "v1", "x-kubernetes-object-ref-kind": "ConfigMap"}
    spec = {"properties": {"ref": {"type": "string", **ref}, "sel": {"x-kubernetes-label-selector": ""}}}
    widget = {"Schema": {"properties": {"spec": {"$ref": "WidgetSpec"}, "kind": {}, "apiVersion": {}, "metadata": {}}}}
    document = {"example.org/v1.Widget": widget, "WidgetSpec": {"Schema": spec}}
    repo.files[f"{folder}/crd.json"] = json.dumps(document)
    fields["crds"] = ["crd.json"]


FEATURES: dict[str, Callable[[Draw, Fields, Repo, str], None]] = {
    "common": _common,
    "crds": _crds,
    "inline": _inline,
    "more": _more,
    "oldPatches": _old_patches,
    "replacements": _replacements,
    "swap": _swap,
    "yaml": _yaml,
}
