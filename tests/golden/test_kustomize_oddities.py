"""What hardly anybody writes: the same bytes as `kubectl kustomize`, or refused by both."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tests.golden.oracle import differences

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: {name}\n"
A, B = MAP.format(name="a") + "data:\n  k: v\n", MAP.format(name="b") + "data:\n  k: v\n"
BOTH = "resources: [a.yaml, b.yaml]\n"
PATCH = "resources: [a.yaml]\npatches: [{path: b.yaml, target: {kind: ConfigMap}}]\n"
QUOTED = MAP.format(name="a") + 'data:\n  "1": v\n'

KEYS = ("1", "1.5", "true", "null", "2020-01-01", "0x1", "'1'", "!!int 1", "!foo a", "!!str 2020-01-01", "''", "12:30")
"""Keys as a file spells them."""

FILES: dict[str, tuple[str, str, str]] = {
    # kustomization, a.yaml, b.yaml
    "label is a number": ('resources: [a.yaml]\ncommonLabels: {"1": x}\n', A, ""),
    "label is a date": ('resources: [a.yaml]\nlabels: [{pairs: {"2020-01-01": x}}]\n', A, ""),
    "label is empty": ('resources: [a.yaml]\nlabels: [{pairs: {"": x}}]\n', A, ""),
    "label is a merge key": ('resources: [a.yaml]\nlabels: [{pairs: {"<<": x}}]\n', A, ""),
    "annotation is a number": ('resources: [a.yaml]\ncommonAnnotations: {"1": x}\n', A, ""),
    "generated key is a number": ('configMapGenerator: [{name: g, literals: ["1=a"]}]\n', "", ""),
    "generated key is null": ('configMapGenerator: [{name: g, literals: ["null=a"]}]\n', "", ""),
    "generated label is a number": (
        'configMapGenerator: [{name: g, literals: [k=a], options: {labels: {"1": x}}}]\n', "", "",
    ),
    "quoted number under a generator": (
        "resources: [a.yaml]\nconfigMapGenerator: [{name: a, behavior: merge, literals: [z=z]}]\n", QUOTED, "",
    ),
    "quoted number under a label": ("resources: [a.yaml]\ncommonLabels: {l: x}\n", QUOTED, ""),
    "number patches a quoted number": (PATCH, QUOTED, QUOTED.replace('"1"', "1")),
    "number is patched under annotations that go": (
        PATCH,
        QUOTED.replace("data:", "  annotations:\n    config.kubernetes.io/index: '0'\ndata:"),
        QUOTED.replace('"1"', "1"),
    ),
    "number is patched away": (PATCH, QUOTED.replace('"1"', "1"), QUOTED.replace('"1": v', "1: null")),
    "JSON patch meets a number": (
        PATCH, QUOTED.replace('"1"', "1"), '[{"op": "add", "path": "/data/z", "value": "z"}]',
    ),
    "replacement makes a date": (
        ("resources: [a.yaml]\nreplacements: [{source: {kind: ConfigMap, name: a, fieldPath: data.k}, targets:"
        " [{select: {kind: ConfigMap}, fieldPaths: [data.2020-01-01], options: {create: true}}]}]\n"), A, "",
    ),
    "field spec with a number": (
        "resources: [a.yaml]\nlabels: [{pairs: {q: x}, fields: [{path: spec/1/z, create: true}]}]\n", A, "",
    ),
    "document is an empty list": (BOTH, A, "[]\n---\n" + B),
    "document is a list": (BOTH, A, "- a\n"),
    "list without items": (BOTH, A, "apiVersion: v1\nkind: List\n"),
    "list whose metadata is text": (BOTH, A, "apiVersion: v1\nkind: FooList\nmetadata: x\n"),
    "patch is an empty mapping": (PATCH, A, "{}\n"),
    "patch is null": (PATCH, A, "null\n"),
    "patch is an empty list": (PATCH, A, "[]\n"),
    "patch is two empty lists": (PATCH, A, "[]\n---\n[]\n"),
    "helmGlobals without charts": ("resources: [a.yaml]\nhelmGlobals: {chartHome: x}\n", A, ""),
    "helmGlobals is a list": ("resources: [a.yaml]\nhelmGlobals: []\n", A, ""),
    "helmCharts is a mapping": ("resources: [a.yaml]\nhelmCharts: {}\n", A, ""),
    "transformer without specs": (
        ('resources: [a.yaml]\ntransformers: ["{apiVersion: builtin, kind: PrefixTransformer, metadata: {name: x},'
        ' prefix: p-}"]\n'), A, "",
    ),
}  # fmt: skip
FILES["label of kustomize's own was there"] = (
    (
        "resources: [a.yaml]\nbuildMetadata: [managedByLabel]\n"
        "labels: [{includeSelectors: true, pairs: {app.kubernetes.io/managed-by: me}}]\n"
    ),
    "apiVersion: v1\nkind: Service\nmetadata: {name: s}\nspec: {selector: {app: x}}\n",
    "",
)
for _key in ("a\nb", "a\rb", "\n", "a\n", "\ufeffx", "x" * 128, "x" * 129, "é" * 65, "a b" * 50, "?"):
    _spec = {"x": {_key: "v"}, "y": _key, "z": [_key, {_key: [1]}, {_key: {"a": 1}}, {_key: []}]}
    _widget = {"apiVersion": "example.org/v1", "kind": "Widget", "metadata": {"name": "w"}, "spec": _spec}
    FILES[f"printed: {_key[:5]!r} of {len(_key)}"] = ("resources: [a.yaml]\n", json.dumps(_widget), "")
FILES["printed: a merge key as a value"] = ("resources: [a.yaml]\n", MAP.format(name="a") + "data: {k: '<<'}\n", "")
for _second in ("y", "x"):
    _configured = "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: %s}\nlabels: {a: b}\n"
    FILES[f"plugins x and {_second}"] = (
        f"resources: [a.yaml]\ntransformers: [b.yaml, {json.dumps(_configured % _second)}]\n", A, _configured % "x",
    )  # fmt: skip
for _kind in ("ConfigMap", "ClusterRole"):
    FILES[f"value added to the namespace of a {_kind}"] = (
        "resources: [a.yaml]\ntransformers: [b.yaml]\n",
        A.replace("ConfigMap", _kind),
        (
            "apiVersion: builtin\nkind: ValueAddTransformer\nmetadata: {name: x}\nvalue: n\n"
            "targets: [{fieldPath: metadata/namespace, filePathPosition: 2}]\n"
        ),
    )
for _labels in ("x", "[]", "null", "{}"):
    FILES[f"label of kustomize's own beside labels that are {_labels}"] = (
        "resources: [a.yaml]\nbuildMetadata: [managedByLabel]\n", MAP.format(name="a") + f"  labels: {_labels}\n", "",
    )  # fmt: skip
PODS = "\n---\n".join(
    json.dumps({"apiVersion": "v1", "kind": "Pod", "metadata": {"name": f"p{i}"}, "spec": {"containers": [container]}})
    for i, container in enumerate(
        {"name": "a", "image": image} for image in ("nginx", "busybox@sha256:abc", "r.io:5000/a/nginx:2", "xbusybox")
    )
)
for _name in ("*", "+", "nginx|busybox", "*nginx", "**", "(?i)NGINX", "a|b|"):
    FILES[f"images: {_name!r}"] = (f'resources: [a.yaml]\nimages: [{{name: "{_name}", newTag: t}}]\n', PODS, "")
for _value in ("{n: , m: 1}", "{n}", "{n: {m: }}", "[a, {b: }]", "{n: !!null , m: 1}", "{a: 12:30}"):
    _text = MAP.format(name="a") + f"spec: {_value}\n"
    FILES[f"between brackets: {_value}"] = ("resources: [a.yaml]\n", _text, "")
    FILES[f"patched between brackets: {_value}"] = (PATCH, _text, MAP.format(name="a") + "other: {n: , m: {x: }}\n")
for _path in ("metadata/labels", "spec/list", "spec/n", "spec/m"):
    for _plugin in (
        {"kind": "PrefixTransformer", "prefix": "q-"},
        {"kind": "NamespaceTransformer", "metadata": {"name": "x", "namespace": "n"}},
        {"kind": "ImageTagTransformer", "imageTag": {"name": "nginx", "newTag": "1"}},
        {"kind": "ReplicaCountTransformer", "replica": {"name": "a", "count": 2}},
        {"kind": "LabelTransformer", "labels": {"a": "b"}},
    ):
        _about = {"apiVersion": "builtin", "metadata": {"name": "x"}, "fieldSpecs": [{"path": _path}], **_plugin}
        FILES[f"{_plugin['kind']} of {_path}"] = (
            "resources: [a.yaml]\ntransformers: [b.yaml]\n",
            MAP.format(name="a") + "  labels: {x: y}\nspec: {list: [a, {b: c}], n: null, m: {}}\n",
            json.dumps(_about),
        )
for _value in ('"0644"', '"1"', '"true"', '""', "0x10"):
    for _fields in ("metadata.annotations.x, spec.new", "data"):
        _replacement = f"{{sourceValue: {_value}, targets: [{{select: {{kind: ConfigMap}}, fieldPaths: [{_fields}]"
        FILES[f"replacement puts {_value} into {_fields}"] = (
            f"resources: [a.yaml]\nreplacements: [{_replacement}, options: {{create: true}}}}]}}]\n", A, "",
        )  # fmt: skip
for _tail in ("foo\n", B, "# nothing\n", "---\n" + B, "x: [\n---\n" + B):
    FILES[f"after the end: {_tail!r}"] = (BOTH, A, MAP.format(name="c") + "...\n" + _tail)
FILES["patch, then text after the end"] = (PATCH, A, A.replace("v", "w") + "...\nfoo\n")
_MEMORIES = {
    "hash": {"needsHashSuffix": "enabled"},
    "names": {"previousNames": "old", "previousNamespaces": "default", "previousKinds": "ConfigMap"},
    "names that do not match": {
        "previousNames": "old,x",
        "previousNamespaces": "default",
        "previousKinds": "ConfigMap",
    },
    "names alone": {"previousNames": "old"},
}
for _memory, _notes in _MEMORIES.items():
    _lines = "".join(f"    internal.config.kubernetes.io/{key}: {value}\n" for key, value in _notes.items())
    _pod = "apiVersion: v1\nkind: Pod\nmetadata: {name: p}\nspec: {volumes: [{name: v, configMap: {name: old}}]}\n"
    FILES[f"memory of kustomize's own: {_memory}"] = (
        BOTH + "nameSuffix: -s\n", MAP.format(name="a") + "  annotations:\n" + _lines, _pod,
    )  # fmt: skip
_WIDGET = "apiVersion: example.org/v1\nkind: Widget\nmetadata: {name: w}\nspec: {items: [{name: a, v: 1}]}\n"
_GVK = {"group": "example.org", "version": "v1", "kind": "Widget"}
_LIST = {"type": "array", "x-kubernetes-patch-strategy": "merge"}
for _schema, _document in {
    "a list": [],
    "paths that are a list": {"paths": [], "definitions": {}},
    "a kind without a kind": {"definitions": {"W": {"x-kubernetes-group-version-kind": [{**_GVK, "kind": None}]}}},
    "a version that is a number": {"definitions": {"W": {"x-kubernetes-group-version-kind": [{**_GVK, "version": 1}]}}},
    "a reference that is a number": {"definitions": {"W": {"properties": {"spec": {"$ref": 5}}}}},
    "a list that merges without a key": {
        "definitions": {
            "W": {
                "properties": {"spec": {"properties": {"items": _LIST}}},
                "x-kubernetes-group-version-kind": [_GVK],
            }
        }
    },
}.items():
    FILES[f"schema is {_schema}"] = (
        f"resources: [a.yaml]\nopenapi: {{path: b.yaml}}\npatches: [{{patch: {json.dumps(_WIDGET)}}}]\n",
        _WIDGET,
        json.dumps(_document),
    )
_PLUGIN = "apiVersion: builtin\nmetadata: {name: x}\n"
for _settings in (
    (
        "kind: LabelTransformer\nlabels: {a: 1, b: true, c: 1.10, d: null, e: 0x10, f: 1e3, g: yes, h: 2001-01-01}\n"
        "fieldSpecs: [{path: metadata/labels, create: true}]\n"
    ),
    "kind: PrefixTransformer\nprefix: 5\nfieldSpecs: [{path: metadata/name}]\n",
    "kind: PrefixTransformer\nprefix: x\nfieldSpecs: [{path: 5}]\n",
    "kind: ImageTagTransformer\nimageTag: {name: nginx, newTag: 1.10}\n",
    "kind: ValueAddTransformer\nvalue: 5\ntargets: [{fieldPath: spec/v}]\n",
    "kind: ValueAddTransformer\nvalue: x\ntargets: [{selector: {kind: 5}, fieldPath: spec/v}]\n",
    "kind: ReplicaCountTransformer\nreplica: {name: a, count: '2'}\nfieldSpecs: [{path: spec/replicas}]\n",
    "kind: ReplacementTransformer\nreplacements: [{sourceValue: 5, targets: [{select: {kind: ConfigMap}}]}]\n",
):
    FILES[f"numbers for strings: {_settings}"] = (
        "resources: [a.yaml]\ntransformers: [b.yaml]\n", A, _PLUGIN + _settings,
    )  # fmt: skip
for _entry in ("", "# nothing", "---", "null", "[]", "{}", "a.yaml#"):
    for _field in ("generators", "transformers", "validators"):
        FILES[f"{_field}: {_entry!r}"] = (f"resources: [a.yaml]\n{_field}: [{_entry!r}]\n", A, "")
for _key in KEYS:
    _line = f"{_key}: v\n"
    FILES[f"key {_key} in data"] = ("resources: [a.yaml]\n", MAP.format(name="a") + "data:\n  " + _line, "")
    FILES[f"key {_key} at the root"] = ("resources: [a.yaml]\n", MAP.format(name="a") + _line, "")
    FILES[f"key {_key} among annotations"] = (
        "resources: [a.yaml]\n", MAP.format(name="a") + "  annotations:\n    " + _line, "",
    )  # fmt: skip


@pytest.mark.parametrize("name", FILES)
def test_oddity(kubectl: Path, name: str) -> None:
    kustomization, a, b = FILES[name]
    files = {"kustomization.yaml": kustomization, "a.yaml": a, "b.yaml": b}
    assert differences(kubectl, files, "") == ""
