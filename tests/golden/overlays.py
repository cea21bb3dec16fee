"""Whole kustomize repositories, drawn at random: what two builds of the same files are compared on."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from hypothesis import strategies as st

Draw = Callable[[st.SearchStrategy[Any]], Any]

NAMES = ("web", "db", "api", "cache")
LABELS = ("app", "tier", "app.kubernetes.io/name", "team", "app.kubernetes.io/managed-by")
IMAGES = ("nginx", "registry.example/tools", "registry.example:5000/a/b", "busybox")
TAGS = ("", ":1.2.3", ":latest", "@sha256:24a0c4b4a4c0eb97a1aabb8e29f18e917d05abfe1b7a7c07857230879ce7d3d3")
LITERALS = ("a=1", "b='q'", 'c="x y"', "d=", "e=a=b", "f=<&>", "a b=c", "../h=1")
SPELLINGS = (
    "abc", "yes", "0644", "1.10", "1e3", "12:30", "true", "True", "~", "null", "", "2024-01-02", "0x1F", "1_000",
    '"quoted"', "'007'", "on", "-1", ".5", "+7", "a: b", "*star", "# no comment", "x y ", "é", "tab\there", "- dash",
)  # fmt: skip


@dataclass
class Repo:
    """Files by path, and the objects in them: most references are drawn from these."""

    files: dict[str, str] = field(default_factory=dict)
    known: list[tuple[str, str]] = field(default_factory=list)
    below: dict[str, list[tuple[str, str]]] = field(default_factory=dict)


@st.composite
def repositories(draw: Draw) -> dict[str, str]:
    """Paths and contents; the folder to build is `top`."""
    repo = Repo()
    bases = draw(st.integers(1, 2))
    for i in range(bases):
        _folder(draw, repo, f"base{i}", [])
    components = []
    if draw(st.integers(0, 3)) == 0:
        _folder(draw, repo, "component", [], component=True)
        components = ["../component"]
    below = [f"../base{i}" for i in range(bases)]
    if draw(st.booleans()):
        _folder(draw, repo, "middle", below[:1])
        below = ["../middle", *below[1:]]
    _folder(draw, repo, "top", below, components=components)
    if any("Generator" in text for text in repo.files.values()):
        # A generated object of another kind gets a hash of lines and columns, which is not ours to know.
        for path, text in repo.files.items():
            repo.files[path] = text.replace('"allowKindChange": true', '"allowKindChange": false')
    return repo.files


def _folder(
    draw: Draw,
    repo: Repo,
    folder: str,
    below: list[str],
    *,
    components: list[str] | None = None,
    component: bool = False,
) -> None:
    """One kustomization: resources of its own, and a handful of transformers."""
    seen = [path.removeprefix("../") for path in (*below, *(components or ()))]
    repo.known = [one for path in seen for one in repo.below[path]]
    fields: dict[str, Any] = {"resources": list(below)}
    if component:
        fields = {"apiVersion": "kustomize.config.k8s.io/v1alpha1", "kind": "Component", "resources": []}
    if components:
        fields["components"] = components
    manifests = [_manifest(draw, repo, folder) for _ in range(draw(st.integers(0 if below else 1, 4)))]
    if manifests:
        repo.files[f"{folder}/objects.yaml"] = "---\n".join(manifests)
        fields["resources"].append("objects.yaml")
    chosen = draw(st.lists(st.sampled_from(sorted(FEATURES)), max_size=5, unique=True))
    for name in chosen:
        FEATURES[name](draw, fields, repo, folder)
    if not fields["resources"]:
        del fields["resources"]
    repo.below[folder] = repo.known
    repo.files[f"{folder}/kustomization.yaml"] = json.dumps(fields)


def _name(draw: Draw, folder: str) -> str:
    return f"{draw(st.sampled_from(NAMES))}-{folder}" if draw(st.integers(0, 2)) else draw(st.sampled_from(NAMES))


def _pick(draw: Draw, repo: Repo, folder: str, *kinds: str) -> tuple[str, str]:
    """A kind and name to refer to: mostly of an object that is there."""
    there = [one for one in repo.known if not kinds or one[0] in kinds]
    if there and draw(st.integers(0, 12)):
        chosen: tuple[str, str] = draw(st.sampled_from(there))
        return chosen
    return draw(st.sampled_from(kinds or sorted(KINDS))), _name(draw, folder)


def _idle(draw: Draw, repo: Repo, *kinds: str) -> bool:
    """Whether there is nothing for a feature to work on, so that kustomize would mostly refuse it."""
    return not any(kind in kinds for kind, _ in repo.known) and bool(draw(st.integers(0, 9)))


def _manifest(draw: Draw, repo: Repo, folder: str) -> str:
    kind = draw(st.sampled_from(sorted(KINDS)))
    api_version, body = KINDS[kind]
    name = _name(draw, folder)
    for _ in range(9):
        # The same object twice is refused: one attempt in ten is enough to see it.
        if (kind, name) in repo.known:
            name = f"{name}-{draw(st.integers(0, 9))}"
    repo.known.append((kind, name))
    metadata: dict[str, Any] = {"name": name}
    if draw(st.integers(0, 3)) == 0:
        metadata["namespace"] = draw(st.sampled_from(["default", "apps"]))
    if draw(st.booleans()):
        metadata["labels"] = {draw(st.sampled_from(LABELS)): draw(st.sampled_from(["x", "y"]))}
    lines = json.dumps({"apiVersion": api_version, "kind": kind, "metadata": metadata, **body(draw, folder)}, indent=1)
    if draw(st.integers(0, 4)) == 0:
        # A value no JSON can spell: how it is written decides what it means.
        spelled = draw(st.sampled_from(SPELLINGS))
        lines = (
            f"apiVersion: {api_version}\nkind: {kind}\nmetadata:\n  name: {name}\n  annotations:\n    odd: {spelled}\n"
        )
        lines += f"data:\n  odd: {spelled}\n  more: |2\n     text\n    {spelled}\n" if kind == "ConfigMap" else ""
    return lines + "\n"


def _container(draw: Draw, folder: str) -> dict[str, Any]:
    container: dict[str, Any] = {
        "name": draw(st.sampled_from(["main", "side", "log"])),
        "image": draw(st.sampled_from(IMAGES)) + draw(st.sampled_from(TAGS)),
    }
    if draw(st.booleans()):
        container["env"] = [_env(draw, folder) for _ in range(draw(st.integers(1, 2)))]
    if draw(st.integers(0, 2)) == 0:
        ports = [{"containerPort": draw(st.sampled_from([80, 8080, 53]))} for _ in range(draw(st.integers(1, 2)))]
        for port in ports:
            if draw(st.booleans()):
                port["protocol"] = draw(st.sampled_from(["TCP", "UDP"]))
        container["ports"] = ports
    if draw(st.integers(0, 2)) == 0:
        container["envFrom"] = [{"configMapRef": {"name": _name(draw, folder)}}]
    if draw(st.integers(0, 3)) == 0:
        container["args"] = draw(st.lists(st.sampled_from(["--x", "$(VAR)", "$$(VAR)", "a $(VAR) b"]), max_size=3))
    return container


def _env(draw: Draw, folder: str) -> dict[str, Any]:
    env: dict[str, Any] = {"name": draw(st.sampled_from(["A", "B", "C"]))}
    match draw(st.integers(0, 2)):
        case 0:
            env["value"] = draw(st.sampled_from(["1", "two", "$(VAR)", "a,b,c"]))
        case 1:
            env["valueFrom"] = {"configMapKeyRef": {"name": _name(draw, folder), "key": "k"}}
        case _:
            env["valueFrom"] = {"secretKeyRef": {"name": _name(draw, folder), "key": "k"}}
    return env


def _template(draw: Draw, folder: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"containers": [_container(draw, folder) for _ in range(draw(st.integers(1, 2)))]}
    if draw(st.integers(0, 2)) == 0:
        spec["volumes"] = [{"name": "v", "configMap": {"name": _name(draw, folder)}}]
    if draw(st.integers(0, 2)) == 0:
        spec["serviceAccountName"] = _name(draw, folder)
    if draw(st.integers(0, 3)) == 0:
        spec["initContainers"] = [_container(draw, folder)]
    template: dict[str, Any] = {"spec": spec}
    if draw(st.booleans()):
        template["metadata"] = {"labels": {"app": "x"}}
    return template


def _workload(draw: Draw, folder: str) -> dict[str, Any]:
    spec: dict[str, Any] = {"template": _template(draw, folder)}
    if draw(st.booleans()):
        spec["replicas"] = draw(st.integers(0, 3))
    if draw(st.booleans()):
        spec["selector"] = {"matchLabels": {"app": "x"}}
    return {"spec": spec}


def _cron(draw: Draw, folder: str) -> dict[str, Any]:
    return {"spec": {"schedule": "0 * * * *", "jobTemplate": {"spec": {"template": _template(draw, folder)}}}}


def _binding(draw: Draw, folder: str) -> dict[str, Any]:
    subject: dict[str, Any] = {
        "kind": "ServiceAccount",
        "name": draw(st.sampled_from([_name(draw, folder), "default"])),
    }
    if draw(st.booleans()):
        subject["namespace"] = draw(st.sampled_from(["default", "apps"]))
    kind = draw(st.sampled_from(["Role", "ClusterRole"]))
    reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": kind, "name": _name(draw, folder)}
    return {"roleRef": reference, "subjects": [subject]}


def _service(draw: Draw, _folder: str) -> dict[str, Any]:
    ports: list[dict[str, Any]] = [{"port": draw(st.sampled_from([80, 443]))} for _ in range(draw(st.integers(1, 2)))]
    if draw(st.booleans()):
        ports[0]["protocol"] = "TCP"
    return {"spec": {"ports": ports, **({"selector": {"app": "x"}} if draw(st.booleans()) else {})}}


def _data(draw: Draw, _folder: str) -> dict[str, Any]:
    return {"data": {"k": draw(st.sampled_from(["v", "1", "a\nb\n", "x: y"])), "n": "2"}}


def _rules(draw: Draw, folder: str) -> dict[str, Any]:
    rule = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get"]}
    return {"rules": [{**rule, "resourceNames": [_name(draw, folder)]}]}


def _nothing(_draw: Draw, _folder: str) -> dict[str, Any]:
    return {}


def _custom(draw: Draw, folder: str) -> dict[str, Any]:
    return {"spec": {"items": [{"name": "a", "value": 1}, {"name": "b"}], "ref": _name(draw, folder), "n": None}}


def _ingress(draw: Draw, folder: str) -> dict[str, Any]:
    backend = {"service": {"name": _name(draw, folder), "port": {"number": 80}}}
    rule = {"host": "example.org", "http": {"paths": [{"path": "/", "backend": backend}]}}
    return {"spec": {"tls": [{"secretName": _name(draw, folder)}], "rules": [rule]}}


KINDS: dict[str, tuple[str, Callable[[Draw, str], dict[str, Any]]]] = {
    "ConfigMap": ("v1", _data),
    "Secret": ("v1", _data),
    "Service": ("v1", _service),
    "ServiceAccount": ("v1", _nothing),
    "Namespace": ("v1", _nothing),
    "Deployment": ("apps/v1", _workload),
    "StatefulSet": ("apps/v1", _workload),
    "DaemonSet": ("apps/v1", _workload),
    "CronJob": ("batch/v1", _cron),
    "Role": ("rbac.authorization.k8s.io/v1", _rules),
    "ClusterRole": ("rbac.authorization.k8s.io/v1", _rules),
    "RoleBinding": ("rbac.authorization.k8s.io/v1", _binding),
    "ClusterRoleBinding": ("rbac.authorization.k8s.io/v1", _binding),
    "Ingress": ("networking.k8s.io/v1", _ingress),
    "Widget": ("example.org/v1", _custom),
    "CustomResourceDefinition": ("apiextensions.k8s.io/v1", _nothing),
}


Fields = dict[str, Any]


def _set(field: str, values: st.SearchStrategy[Any]) -> Callable[[Draw, Fields, Repo, str], None]:
    def feature(draw: Draw, fields: Fields, _repo: Repo, _folder: str) -> None:
        fields[field] = draw(values)

    return feature


_PAIRS = st.dictionaries(st.sampled_from(LABELS), st.sampled_from(["prod", "1", "true", "é"]), min_size=1, max_size=2)
_WORDS = st.sampled_from(["p-", "a-", "9-"])


def _labels(draw: Draw, fields: Fields, _repo: Repo, _folder: str) -> None:
    entry: dict[str, Any] = {"pairs": draw(_PAIRS)}
    if draw(st.booleans()):
        entry["includeSelectors"] = True
    elif draw(st.booleans()):
        entry["includeTemplates"] = True
    if draw(st.integers(0, 3)) == 0:
        entry["fields"] = [{"path": "spec/extra", "create": draw(st.booleans()), "kind": "Widget"}]
    fields["labels"] = [entry]


def _images(draw: Draw, fields: Fields, _repo: Repo, _folder: str) -> None:
    entry = {"name": draw(st.sampled_from(IMAGES))}
    changes = {"newName": "mirror.example/x", "newTag": "9.9", "digest": "sha256:abc", "tagSuffix": "-s"}
    entry |= {name: value for name, value in changes.items() if draw(st.booleans())}
    fields["images"] = [entry]


def _replicas(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    if _idle(draw, repo, "Deployment", "StatefulSet"):
        return
    _, name = _pick(draw, repo, folder, "Deployment", "StatefulSet")
    fields["replicas"] = [{"name": name, "count": draw(st.integers(0, 9))}]


def _generator(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    field = draw(st.sampled_from(["configMapGenerator", "secretGenerator"]))
    kind = "ConfigMap" if field == "configMapGenerator" else "Secret"
    behavior = draw(st.sampled_from(["", "", "create", "merge", "replace"]))
    if behavior in ("merge", "replace") and _idle(draw, repo, kind):
        behavior = ""
    name = _pick(draw, repo, folder, kind)[1] if behavior in ("merge", "replace") else f"gen{len(repo.known)}"
    if draw(st.integers(0, 9)) == 0:
        name = _name(draw, folder)
    repo.known.append((kind, name))
    entry: dict[str, Any] = {"name": name}
    entry["literals"] = draw(st.lists(st.sampled_from(LITERALS), max_size=3, unique=True))
    if draw(st.integers(0, 2)) == 0:
        repo.files[f"{folder}/some.txt"] = draw(st.sampled_from(["text", "line\nline\n", "", "é" * 40, " lead\n"]))
        entry["files"] = draw(st.sampled_from([["some.txt"], ["k=some.txt"]]))
    if draw(st.integers(0, 2)) == 0:
        repo.files[f"{folder}/some.env"] = "# comment\nX=1\n  Y= two \n\nZ\n=no name\n1x=2\n"
        entry[draw(st.sampled_from(["env", "envs"]))] = "some.env"
        if "envs" in entry:
            entry["envs"] = ["some.env"]
    if behavior:
        entry["behavior"] = behavior
    if draw(st.integers(0, 2)) == 0:
        entry["options"] = {"disableNameSuffixHash": draw(st.booleans()), "labels": {"gen": "yes"}}
    if draw(st.integers(0, 8)) == 0:
        entry["namespace"] = "apps"
    if field == "secretGenerator" and draw(st.booleans()):
        entry["type"] = "example.org/custom"
    fields.setdefault(field, []).append(entry)


def _strategic(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    kinds = ("Deployment", "StatefulSet", "ConfigMap", "Service", "Widget", "CronJob")
    if _idle(draw, repo, *kinds):
        return
    kind, name = _pick(draw, repo, folder, *kinds)
    api_version = KINDS[kind][0]
    patch: dict[str, Any] = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    patch |= _change(draw, kind, folder)
    if draw(st.integers(0, 5)) == 0:
        patch["$patch"] = draw(st.sampled_from(["delete", "replace", "merge"]))
    if draw(st.booleans()):
        patch["metadata"][draw(st.sampled_from(["labels", "annotations"]))] = {
            "patched": draw(st.sampled_from(["yes", None]))
        }
    entry: dict[str, Any] = {}
    if draw(st.booleans()):
        entry["patch"] = json.dumps(patch, indent=1)
    else:
        repo.files[f"{folder}/patch.yaml"] = json.dumps(patch)
        entry["path"] = "patch.yaml"
    if draw(st.integers(0, 2)):
        entry["target"] = _target(draw, folder, kind)
    if draw(st.integers(0, 4)) == 0:
        entry["options"] = {draw(st.sampled_from(["allowNameChange", "allowKindChange"])): True}
    fields.setdefault("patches", []).append(entry)


def _target(draw: Draw, folder: str, kind: str) -> dict[str, Any]:
    target: dict[str, Any] = {}
    if draw(st.integers(0, 3)):
        target["kind"] = kind
    if draw(st.integers(0, 2)) == 0:
        target["name"] = draw(st.sampled_from([_name(draw, folder), "web.*", "(web|db)", ".*"]))
    if draw(st.integers(0, 4)) == 0:
        target["labelSelector"] = draw(st.sampled_from(["app=x", "app!=x", "app in (x, y)", "!team", "team"]))
    if draw(st.integers(0, 6)) == 0:
        target["namespace"] = draw(st.sampled_from(["default", "apps"]))
    return target


def _change(draw: Draw, kind: str, folder: str) -> dict[str, Any]:
    if kind in ("Deployment", "StatefulSet", "CronJob"):
        template = {"template": {"spec": _pod_change(draw, folder)}}
        return {"spec": {"jobTemplate": {"spec": template}}} if kind == "CronJob" else {"spec": template}
    if kind == "Service":
        return {"spec": {"ports": [{"port": draw(st.sampled_from([80, 443])), "protocol": "TCP", "name": "p"}]}}
    if kind == "Widget":
        return {"spec": {"items": [{"name": "a", "value": 2}], "more": {"x": None, "y": 1}}}
    return {"data": {"k": draw(st.sampled_from(["new", None])), "z": "1"}}


def _pod_change(draw: Draw, folder: str) -> dict[str, Any]:
    spec: dict[str, Any] = {}
    containers = [_container(draw, folder) for _ in range(draw(st.integers(0, 2)))]
    for container in containers:
        if draw(st.integers(0, 2)):
            del container["image"]
        if draw(st.integers(0, 6)) == 0:
            container["$patch"] = draw(st.sampled_from(["delete", "replace"]))
        if draw(st.integers(0, 4)) == 0:
            container["env"] = None
    if containers:
        spec["containers"] = containers
    if draw(st.integers(0, 6)) == 0:
        spec.setdefault("containers", []).insert(0, {"$patch": draw(st.sampled_from(["replace", "delete", "merge"]))})
    if draw(st.integers(0, 3)) == 0:
        volumes = [[{"name": "v", "emptyDir": {}}], [{"name": "v", "configMap": None}], None]
        spec["volumes"] = draw(st.sampled_from(volumes))
    return spec


def _json_patch(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    pool = OPERATIONS if draw(st.integers(0, 3)) == 0 else OPERATIONS[:5]
    ops = draw(st.lists(st.sampled_from(pool), min_size=1, max_size=2))
    if _idle(draw, repo, "Deployment", "ConfigMap", "Service"):
        return
    kind, name = _pick(draw, repo, folder, "Deployment", "ConfigMap", "Service")
    target = _target(draw, folder, kind) if draw(st.integers(0, 3)) == 0 else {"kind": kind, "name": name}
    fields.setdefault("patches", []).append({"patch": json.dumps(ops), "target": target})


OPERATIONS: tuple[dict[str, Any], ...] = (
    {"op": "add", "path": "/metadata/labels", "value": {"json": "1"}},
    {"op": "add", "path": "/metadata/annotations", "value": {"json": "true"}},
    {"op": "replace", "path": "/metadata/name", "value": "renamed"},
    {"op": "add", "path": "/spec", "value": {"replicas": 5, "ports": [{"port": 1}]}},
    {"op": "copy", "from": "/metadata/name", "path": "/metadata/generateName"},
    {"op": "remove", "path": "/spec"},
    {"op": "add", "path": "/data/new", "value": "<&>"},
    {"op": "test", "path": "/kind", "value": "Deployment"},
    {"op": "add", "path": "/metadata/annotations/json", "value": 1.0},
    {"op": "remove", "path": "/metadata/annotations"},
    {"op": "replace", "path": "/metadata/labels/none", "value": "x"},
    {"op": "replace", "path": "/data/none", "value": "x"},
    {"op": "add", "path": "/spec/ports/-1", "value": {"port": 2}},
    {"op": "move", "from": "/metadata/labels", "path": "/metadata/annotations"},
    {"op": "test", "path": "/data/none", "value": None},
)


def _replacement(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    if _idle(draw, repo, "ConfigMap", "Secret", "Deployment"):
        return
    kind, name = _pick(draw, repo, folder, "ConfigMap", "Secret", "Deployment")
    source = {"kind": kind, "name": name}
    if draw(st.booleans()):
        source["fieldPath"] = draw(st.sampled_from(["data.k", "metadata.name", "metadata.namespace"]))
    target: dict[str, Any] = {"select": {"kind": draw(st.sampled_from(["Deployment", "ConfigMap", "Widget"]))}}
    create = bool(draw(st.integers(0, 3)))
    target["fieldPaths"] = [
        draw(
            st.sampled_from(
                [
                    "metadata.annotations.copied",
                    "metadata.labels.[app.kubernetes.io/name]",
                    "spec.template.spec.containers.[name=main].image",
                    "spec.template.spec.containers.*.image",
                    "spec.items.0.value",
                    "data.k",
                ]
            )
        )
    ]
    if create:
        target["options"] = {"create": True}
    if draw(st.integers(0, 3)) == 0:
        target.setdefault("options", {}).update(
            {"delimiter": draw(st.sampled_from([":", "-"])), "index": draw(st.integers(-1, 2))}
        )
    fields["replacements"] = [{"source": source, "targets": [target]}]


def _vars(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    if _idle(draw, repo, "ConfigMap", "Service", "Deployment"):
        return
    kind, name = _pick(draw, repo, folder, "ConfigMap", "Service", "Deployment")
    ref = {"kind": kind, "apiVersion": KINDS[kind][0], "name": name}
    variable = "VAR" if draw(st.integers(0, 5)) else "OTHER"
    entry: dict[str, Any] = {"name": variable if folder == "top" else f"{variable}_{folder}", "objref": ref}
    if draw(st.booleans()):
        paths = ["metadata.name"] * 3 + ["metadata.namespace", "data.k" if kind == "ConfigMap" else "metadata.name"]
        entry["fieldref"] = {"fieldpath": draw(st.sampled_from(paths))}
    fields["vars"] = [entry]


def _plugin(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    kind, settings = draw(st.sampled_from(PLUGINS))
    plugin = {"apiVersion": "builtin", "kind": kind, "metadata": {"name": "plugin"}, **settings}
    repo.files[f"{folder}/plugin.yaml"] = json.dumps(plugin)
    fields["generators" if kind.endswith("Generator") else "transformers"] = ["plugin.yaml"]


_EVERYWHERE = [{"path": "metadata/labels", "create": True}]
PLUGINS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("LabelTransformer", {"labels": {"plugged": "1"}, "fieldSpecs": _EVERYWHERE}),
    (
        "AnnotationsTransformer",
        {"annotations": {"plugged": "1"}, "fieldSpecs": [{"path": "metadata/annotations", "create": True}]},
    ),
    ("PrefixTransformer", {"prefix": "plug-", "fieldSpecs": [{"path": "metadata/name"}]}),
    ("SuffixTransformer", {"suffix": "-plug", "fieldSpecs": [{"path": "metadata/name", "kind": "ConfigMap"}]}),
    ("NamespaceTransformer", {"metadata": {"name": "n", "namespace": "plugged"}, "unsetOnly": True}),
    (
        "NamespaceTransformer",
        {"metadata": {"name": "n", "namespace": "plugged"}, "setRoleBindingSubjects": "allServiceAccounts"},
    ),
    ("ImageTagTransformer", {"imageTag": {"name": "nginx", "newTag": "p"}, "fieldSpecs": []}),
    (
        "ReplicaCountTransformer",
        {"replica": {"name": "web", "count": 4}, "fieldSpecs": [{"path": "spec/replicas", "kind": "Deployment"}]},
    ),
    ("ConfigMapGenerator", {"name": "plugged", "literals": ["a=1"]}),
    ("SecretGenerator", {"metadata": {"name": "plugged-secret", "namespace": "apps"}, "literals": ["a=1"]}),
    (
        "PatchTransformer",
        {
            "patch": '[{"op": "add", "path": "/metadata/annotations", "value": {"p": "1"}}]',
            "target": {"kind": "Service"},
        },
    ),
    ("HashTransformer", {}),
    ("ValueAddTransformer", {"value": "v1", "targets": [{"fieldPath": "metadata/annotations/added"}]}),
    (
        "ValueAddTransformer",
        {"value": "7", "targets": [{"selector": {"kind": "Widget"}, "fieldPath": "spec/ref", "filePathPosition": 1}]},
    ),
)


def _openapi(draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    merged = {"type": "array", "x-kubernetes-patch-strategy": "merge", "x-kubernetes-patch-merge-key": "name"}
    spec = {"type": "object", "properties": {"items": {**merged, "items": {"type": "object"}}}}
    kind = {"group": "example.org", "version": "v1", "kind": "Widget"}
    widget = {"type": "object", "properties": {"spec": spec}, "x-kubernetes-group-version-kind": [kind]}
    repo.files[f"{folder}/schema.json"] = json.dumps({"definitions": {"org.example.Widget": widget}})
    fields["openapi"] = draw(
        st.sampled_from([{"path": "schema.json"}, {"path": "schema.json"}, {"version": "v1.21.2"}])
    )


def _configurations(_draw: Draw, fields: Fields, repo: Repo, folder: str) -> None:
    widget = {"kind": "Widget", "path": "spec/ref"}
    repo.files[f"{folder}/config.yaml"] = json.dumps(
        {
            "nameReference": [{"kind": "ConfigMap", "version": "v1", "fieldSpecs": [widget]}],
            "commonLabels": [{"kind": "Widget", "path": "spec/selector", "create": True}],
            "images": [{"kind": "Widget", "path": "spec/items/image"}],
        }
    )
    fields["configurations"] = ["config.yaml"]


FEATURES: dict[str, Callable[[Draw, Fields, Repo, str], None]] = {
    "annotations": _set("commonAnnotations", _PAIRS),
    "commonLabels": _set("commonLabels", _PAIRS),
    "configurations": _configurations,
    "generator": _generator,
    "generatorOptions": _set(
        "generatorOptions",
        st.sampled_from([{"disableNameSuffixHash": True}, {"immutable": True, "annotations": {"o": "1"}}]),
    ),
    "images": _images,
    "jsonPatch": _json_patch,
    "labels": _labels,
    "metadata": _set(
        "buildMetadata",
        st.lists(st.sampled_from(["originAnnotations", "transformerAnnotations", "managedByLabel"]), unique=True),
    ),
    "namespace": _set("namespace", st.sampled_from(["prod", "apps", "default"])),
    "openapi": _openapi,
    "plugin": _plugin,
    "prefix": _set("namePrefix", _WORDS),
    "replacement": _replacement,
    "replicas": _replicas,
    "sort": _set(
        "sortOptions",
        st.sampled_from(
            [
                {"order": "fifo"},
                {"order": "legacy"},
                {"order": "legacy", "legacySortOptions": {"orderFirst": ["Secret"], "orderLast": ["Namespace"]}},
            ]
        ),
    ),
    "strategic": _strategic,
    "suffix": _set("nameSuffix", st.sampled_from(["-s", "-9"])),
    "vars": _vars,
}
