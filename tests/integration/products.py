"""Kustomizations whose work is a product: so many entries, each for so many objects, fields or levels.

Every one is a function of how many entries; with it go the sizes to try and words of the refusal of the largest.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

Files = dict[str, str | bytes]

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
COMPONENT = {"kind": "Component", "apiVersion": "kustomize.config.k8s.io/v1alpha1"}
WIDE = MAP + f"l: [{','.join(['{a: [' + ','.join(['{b: c}'] * 100) + ']}'] * 100)}]\n"
"""One object with 10,000 mappings at l/a."""
STEPS = "the build takes more than 2500000 steps"

PRODUCTS: dict[str, tuple[Callable[[int], Files], tuple[int, ...], str]] = {}
"""By name: what makes the files, the sizes, and words of the refusal; no words: the largest is built too."""


def _top(**fields: Any) -> str:
    return json.dumps(fields)


def _with(text: str, **fields: Any) -> Files:
    files = fields.pop("files", {})
    return {"kustomization.yaml": _top(resources=["a.yaml"], **fields), "a.yaml": text, **files}


def _maps(count: int, data: str = "{a: b}") -> str:
    return "---\n".join(f"{MAP.replace('{name: a}', f'{{name: o{n}}}')}data: {data}\n" for n in range(count))


def _deployments(count: int, containers: int = 1) -> str:
    return "".join(json.dumps(_deployment(f"d{n}", containers)) + "\n---\n" for n in range(count))


def _deployment(name: str, containers: int) -> dict[str, Any]:
    pod = {"containers": [{"name": f"c{n}", "image": f"reg.example/i{n}:1"} for n in range(containers)]}
    template = {"metadata": {"labels": {"app": "a"}}, "spec": pod}
    spec = {"selector": {"matchLabels": {"app": "a"}}, "template": template}
    return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": name}, "spec": spec}


def _plugins(kind: str, count: int, **settings: Any) -> str:
    made = (
        {"apiVersion": "builtin", "kind": kind, "metadata": {"name": f"x{n}", "namespace": f"n{n}"}, **settings}
        for n in range(count)
    )
    return "".join(json.dumps(one) + "\n---\n" for one in made)


def _configured(field: str, specs: list[dict[str, Any]], text: str, **fields: Any) -> Files:
    return _with(text, configurations=["c"], files={"c": _top(**{field: specs})}, **fields)


def _copied(path: str, **select: Any) -> dict[str, Any]:
    target = {"select": {"kind": "ConfigMap", **select}, "fieldPaths": [path], "options": {"create": True}}
    return {"sourceValue": "x", "targets": [target]}


def _add(name: str, sizes: tuple[int, ...], words: str, make: Callable[[int], Files]) -> None:
    PRODUCTS[name] = make, sizes, words


def _patches() -> None:
    everything = {"kind": "ConfigMap"}
    merged = [{"target": everything, "patch": f"{MAP}data: {{k{n}: v}}\n"} for n in range(1_000)]
    added = [
        {"target": everything, "patch": json.dumps([{"op": "add", "path": f"/data/k{n}", "value": "v"}])}
        for n in range(1_000)
    ]
    looking = [{"target": {"name": f"x{n}.*"}, "patch": MAP} for n in range(1_000)]
    large = MAP + "data: {" + ",".join(f"k{n}: v" for n in range(1_000)) + "}\n"
    _add("patches-of-all", (50, 100, 500), STEPS, lambda n: _with(_maps(1_000), patches=merged[:n]))
    _add("json-patches-of-all", (50, 100, 500), STEPS, lambda n: _with(_maps(1_000), patches=added[:n]))
    _add("patches-of-none", (300, 1_000), "patches look for", lambda n: _with(_maps(1_000), patches=looking[:n]))
    _add(
        "patches-of-a-large-map",
        (500, 1_000),
        "",
        lambda n: _with(_maps(1, "{" + ",".join(f"q{i}: v" for i in range(5_000)) + "}"), patches=merged[:n]),
    )
    _add(
        "one-large-patch-often",
        (100, 500, 1_900),
        "to read the patches",
        lambda n: _with(_maps(1), patches=[{"path": "p", "target": {"name": "o0"}}] * n, files={"p": large}),
    )
    container = {"name": "c0", "env": [{"name": "E", "value": "v"}]}
    patch = json.dumps({**_deployment("x", 0), "spec": {"template": {"spec": {"containers": [container]}}}})
    entry = {"target": {"kind": "Deployment"}, "patch": patch}
    _add("patches-of-containers", (10, 100), STEPS, lambda n: _with(_deployments(300, 5), patches=[entry] * n))


def _transformers() -> None:
    pairs = {f"l{n}": "x" for n in range(1_000)}
    images = [{"name": f"reg.example/i{n}", "newTag": "2"} for n in range(1_000)]
    _add("images-of-containers", (20, 100), STEPS, lambda n: _with(_deployments(300, 20), images=images[:n]))
    _add("images-of-objects", (50, 1_000), STEPS, lambda n: _with(_deployments(1_000), images=images[:n]))
    _add(
        "labels-with-selectors",
        (20, 300),
        "of 1000 objects",
        lambda n: _with(_deployments(1_000), commonLabels=dict(list(pairs.items())[:n])),
    )
    _add(
        "label-entries",
        (20, 300),
        "of 1000 objects",
        lambda n: _with(_deployments(1_000), labels=[{"pairs": {k: "x"}, "includeSelectors": True} for k in pairs][:n]),
    )
    _add(
        "nested-prefixes",
        (20, 49),
        "namePrefix of 1000 objects",
        lambda n: {
            "kustomization.yaml": _top(resources=["d0"]),
            **{f"d{i}/kustomization.yaml": _top(resources=[f"../d{i + 1}"], namePrefix="a") for i in range(n)},
            f"d{n}/kustomization.yaml": _top(resources=["a.yaml"]),
            f"d{n}/a.yaml": _maps(1_000),
        },
    )
    _add(
        "nested-components",
        (10, 49),
        "",
        lambda n: {
            **_with(_maps(1_000), components=["c0"]),
            **{
                f"c{i}/kustomization.yaml": _top(**COMPONENT, components=[f"../c{i + 1}"], commonLabels={f"l{i}": "x"})
                for i in range(n)
            },
            f"c{n}/kustomization.yaml": _top(**COMPONENT, namePrefix="b"),
        },
    )
    plugins: dict[str, dict[str, Any]] = {
        "AnnotationsTransformer": {"annotations": {"a": "b"}, "fieldSpecs": [{"path": "a", "create": True}]},
        "ImageTagTransformer": {"imageTag": {"name": "x", "newTag": "v"}, "fieldSpecs": [{"path": "data/a"}]},
        "PrefixTransformer": {"prefix": "a", "fieldSpecs": [{"path": "metadata/name"}]},
        "NamespaceTransformer": {},
    }
    for kind, settings in plugins.items():
        _plugged(kind, settings)
    checks: dict[str, Any] = {"labels": {}, "fieldSpecs": []}
    _add(
        "validators",
        (100, 1_000),
        "to run LabelTransformer",
        lambda n: _with(_maps(1_000), validators=["t"], files={"t": _plugins("LabelTransformer", n, **checks)}),
    )


def _plugged(kind: str, settings: dict[str, Any]) -> None:
    def make(count: int) -> Files:
        return _with(_maps(1_000), transformers=["t"], files={"t": _plugins(kind, count, **settings)})

    _add(f"many-{kind}", (30, 1_000), STEPS, make)


def _replacements() -> None:
    all_of_them = [_copied(f"data.k{n}") for n in range(1_000)]
    rejected = {
        "select": {"kind": "ConfigMap"},
        "reject": [{"name": f"x{n}"} for n in range(100)],
        "fieldPaths": ["data.a"],
    }
    copying = "to look for the sources and targets of replacements"
    _add("replacements-of-all", (20, 1_000), STEPS, lambda n: _with(_maps(1_000), replacements=all_of_them[:n]))
    _add("replacements-in-lists", (10, 100), copying, lambda n: _with(WIDE, replacements=[_copied("l.*.a.*.b")] * n))
    _add(
        "replacements-with-rejects",
        (2, 20),
        copying,
        lambda n: _with(_maps(1_000), replacements=[{"sourceValue": "x", "targets": [rejected] * n}]),
    )


def _specs() -> None:
    fields: dict[str, dict[str, Any]] = {
        "commonLabels": {"commonLabels": {"a": "b"}},
        "commonAnnotations": {"commonAnnotations": {"a": "b"}},
        "namespace": {"namespace": "x"},
        "namePrefix": {"namePrefix": "x"},
        "images": {"images": [{"name": "q", "newTag": "z"}]},
        "replicas": {"replicas": [{"name": "a", "count": 2}] * 100},
    }
    for field, use in fields.items():
        _specified(field, use)
    paths = [{"path": f"l/a/b{n}"} for n in range(2_000)]
    kinds = [{"kind": f"K{n}", "fieldSpecs": [{"path": f"data/b{i}"} for i in range(100)]} for n in range(100)]
    named = "{" + ",".join(f"b{n}: o{n}" for n in range(100)) + "}"
    mean = "to find what references mean"

    def referring(count: int) -> Files:
        reference = {"kind": "ConfigMap", "fieldSpecs": paths[:count]}
        return _configured("nameReference", [reference], WIDE, namePrefix="x")

    _add("specs-of-references", (20, 2_000), mean, referring)
    _add(
        "kinds-of-references",
        (2, 100),
        mean,
        lambda n: _configured("nameReference", kinds[:n], _maps(300, named), namePrefix="x"),
    )
    variable = {"name": "V", "objref": {"kind": "ConfigMap", "name": "a", "apiVersion": "v1"}}
    _add(
        "specs-of-variables",
        (100, 2_000),
        "to look for references to variables",
        lambda n: _configured("varReference", paths[:n], WIDE, vars=[variable]),
    )
    specs = [{"path": f"a/b{n}", "create": True} for n in range(100)]
    _add(
        "specs-of-folders",
        (10, 200),
        STEPS,
        lambda n: {
            "kustomization.yaml": _top(resources=[f"d{i}" for i in range(n)]),
            **{f"d{i}/kustomization.yaml": _top(configurations=["c"]) for i in range(n)},
            **{f"d{i}/c": _top(commonLabels=specs).replace("a/b", f"a{i}/b") for i in range(n)},
        },
    )
    deep = MAP + "x: " + "{a: " * 96 + "b" + "}" * 96 + "\n"
    below = [{"path": "x" + "/a" * 94 + f"/z{n}", "create": True} for n in range(100)]
    objects = "---\n".join(deep.replace("{name: a}", f"{{name: o{n}}}") for n in range(300))
    _add(
        "specs-far-below",
        (10, 100),
        "to find every place for them",
        lambda n: _configured("commonLabels", below[:n], objects, commonLabels={"a": "b"}),
    )


def _specified(field: str, use: dict[str, Any]) -> None:
    def make(count: int) -> Files:
        create = field not in ("images", "namePrefix")
        return _configured(field, [{"path": f"l/a/b{n}", "create": create} for n in range(count)], WIDE, **use)

    _add(f"specs-of-{field}", (20, 2_000), STEPS, make)


def _sizes() -> None:
    maps = {f"{n}.yaml": _maps(1, "{" + ",".join(f"k{i}: v" for i in range(90_000)) + "}") for n in range(5)}
    _add(
        "wide-maps",
        (1, 5),
        "the manifests hold more than 200000 values",
        lambda n: {
            "kustomization.yaml": _top(resources=list(maps)[:n]),
            **{name: text.replace("o0", f"o{name}") for name, text in maps.items()},
        },
    )
    _add("one-long-line", (7,), "", lambda n: _with(MAP + f"data: {{a: {'x' * (n << 20)}, b: '{'a b ' * 100_000}'}}\n"))
    _add(
        "tiny-files",
        (11_000,),
        "",
        lambda n: {
            "kustomization.yaml": _top(resources=[f"f/{i}.yaml" for i in range(n)]),
            **{f"f/{i}.yaml": "#" for i in range(n)},
        },
    )
    _add(
        "diamonds",
        (200, 1_001),
        "enters more than 1000 folders",
        lambda n: {
            "kustomization.yaml": _top(resources=[f"o{i}" for i in range(n)]),
            "base/kustomization.yaml": _top(resources=["a.yaml"]),
            "base/a.yaml": _deployments(5),
            **{f"o{i}/kustomization.yaml": _top(resources=["../base"], namePrefix=f"p{i}-") for i in range(n)},
        },
    )
    order = {"orderFirst": [f"K{n}" for n in range(1_900)], "orderLast": [f"L{n}" for n in range(1_900)]}
    _add(
        "long-orders",
        (10_000,),
        "",
        lambda n: _with(_maps(n), sortOptions={"order": "legacy", "legacySortOptions": order}),
    )
    marks = {f"l{n}": "v" for n in range(1_000)}
    _add(
        "marks-of-generators",
        (100, 1_000),
        "to label what is generated",
        lambda n: {
            "kustomization.yaml": _top(
                configMapGenerator=[{"name": f"g{i}"} for i in range(1_000)],
                generatorOptions={"labels": dict(list(marks.items())[:n])},
            )
        },
    )
    _add(
        "generators-of-a-file",
        (100, 1_000),
        "",
        lambda n: {
            "kustomization.yaml": _top(configMapGenerator=[{"name": f"g{i}", "files": ["a"]} for i in range(n)]),
            "a": "x" * 30_000,
        },
    )


for _part in (_patches, _transformers, _replacements, _specs, _sizes):
    _part()
NAMES = tuple(PRODUCTS)
