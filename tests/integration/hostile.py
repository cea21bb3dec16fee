"""Repositories that try to lead outside, to stay for ever, or to fill the memory; and what a build says of each."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

Files = dict[str, str | bytes]

ATTACKS: dict[str, tuple[Files | Callable[[Path], None], str]] = {}
"""By name: the files, or what makes them, and words of the refusal; no words: it is built."""

MAP = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: a}\n"
BOMB = "a: &a [1,2,3,4,5,6,7,8,9,0]\n" + "".join(
    f"{name}: &{name} [{','.join([f'*{below}'] * 10)}]\n" for below, name in zip("abcdefgh", "bcdefghi", strict=True)
)
TEXT_BOMB = f"a: &a {'x' * 1_000_000}\nb: [{','.join(['*a'] * 50_000)}]\n"


def _top(**fields: Any) -> str:
    return json.dumps(fields)


def _maps(count: int, more: str = "data: {a: b}\n") -> str:
    return "---\n".join(MAP.replace("{name: a}", f"{{name: o{n}}}") + more for n in range(count))


def _with(text: str = MAP, **fields: Any) -> Files:
    return {"kustomization.yaml": _top(resources=["a.yaml"], **fields), "a.yaml": text}


FIELDS: dict[str, Any] = {
    "resources": ["p"],
    "components": ["p"],
    "patches": [{"path": "p"}],
    "patchesStrategicMerge": ["p"],
    "patchesJson6902": [{"path": "p", "target": {"version": "v1", "kind": "ConfigMap", "name": "a"}}],
    "replacements": [{"path": "p"}],
    "configMapGenerator": [{"name": "b", "files": ["p"]}],
    "secretGenerator": [{"name": "b", "envs": ["p"]}],
    "generators": ["p"],
    "transformers": ["p"],
    "validators": ["p"],
    "configurations": ["p"],
    "crds": ["p"],
    "openapi": {"path": "p"},
}
"""Every field of a kustomization that names files, each naming one called p."""


def _naming(field: str, path: str) -> Files:
    value = json.loads(json.dumps(FIELDS[field]).replace('"p"', json.dumps(path)))
    return {"kustomization.yaml": json.dumps({"resources": ["a.yaml"]} | {field: value}), "a.yaml": MAP}


def _written(root: Path, files: Files) -> None:
    for name, content in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_bytes(content if isinstance(content, bytes) else content.encode())


def write(root: Path, files: Files | Callable[[Path], None]) -> None:
    """Put an attack where it is to be built."""
    root.mkdir()
    if callable(files):
        files(root)
    else:
        _written(root, files)


def _linked(files: Files, link: str, target: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        _written(root, files)
        (root / link).symlink_to(target)

    return make


def _sparse(files: Files, name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        _written(root, files)
        with (root / name).open("wb") as file:
            file.truncate(4 << 30)

    return make


def _fifo(files: Files, name: str) -> Callable[[Path], None]:
    def make(root: Path) -> None:
        _written(root, files)
        os.mkfifo(root / name)

    return make


def _badly_named(root: Path) -> None:
    _written(root, _with())
    Path(os.fsdecode(os.fsencode(root) + b"/\xff.yaml")).write_text(MAP)


def _paths() -> None:
    for field in FIELDS:
        ATTACKS[f"link-{field}"] = (_linked(_naming(field, "p"), "p", "/etc/passwd"), "p is a symbolic link")
        ATTACKS[f"climb-{field}"] = (_naming(field, "../../../etc/passwd"), "leads outside the repository")
        ATTACKS[f"absolute-{field}"] = (_naming(field, "/etc/passwd"), "the path /etc/passwd is absolute")
    through = _linked(_naming("resources", "d/passwd"), "d", "/etc")
    ATTACKS["link-on-the-way"] = (through, "d/passwd is a symbolic link")
    ATTACKS["link-to-itself"] = (_linked(_naming("resources", "l"), "l", "l"), "l is a symbolic link")
    ATTACKS["link-as-kustomization"] = (_linked({}, "kustomization.yaml", "/etc/passwd"), "is a symbolic link")
    ATTACKS["git-directory"] = (
        {".git/config": "x", **_naming("resources", ".git/config")},
        "no file or folder .git/config",
    )
    ATTACKS["submodule"] = (
        {"s/.git": "gitdir: x", "s/kustomization.yaml": "", **_naming("resources", "s")},
        "submodule",
    )
    ATTACKS["control-characters"] = (_naming("resources", "a\x1b[31mb\nc"), "there is no file or folder a\ufffd[31mb c")
    ATTACKS["nul"] = (_naming("resources", "a\0b"), "none a file can have")
    ATTACKS["long-path"] = (_naming("resources", "a/" * 3000 + "b"), "none a file can have")
    ATTACKS["long-name"] = (_naming("resources", "a" * 900), "there is no file or folder aaa")
    ATTACKS["not-utf-8"] = ({"kustomization.yaml": b'resources: ["\xff.yaml"]\n'}, "the file is not UTF-8 text")
    ATTACKS["name-not-utf-8"] = (_badly_named, "")
    ATTACKS["pipe"] = (_fifo(_naming("resources", "p"), "p"), "no file or folder p")
    ATTACKS["pipe-as-kustomization"] = (_fifo({}, "kustomization.yaml"), "no kustomization file")
    ATTACKS["remote"] = (_naming("resources", "https://example.org/x?ref=1"), "is a remote address")


def _bombs() -> None:
    deep = "a: " + "[" * 100_000
    for name, text, words in (
        ("aliases", BOMB, "more than 100000 values"),
        ("texts", TEXT_BOMB, "more than 100000 values"),
        ("deep", deep, "nests deeper than 200 levels"),
    ):
        ATTACKS[f"{name}-in-a-manifest"] = (_with(MAP + text), words)
        ATTACKS[f"{name}-in-a-kustomization"] = ({"kustomization.yaml": text}, words)
        ATTACKS[f"{name}-in-a-patch"] = (_with(patches=[{"patch": MAP + text}]), words)
        for field in ("configurations", "crds", "transformers", "openapi", "replacements"):
            head = MAP if field == "transformers" else ""
            ATTACKS[f"{name}-in-{field}"] = ({**_naming(field, "p"), "p": head + text}, words)
    merged = f"a: &a {{k: {'x' * 1_000_000}}}\nb:\n" + "".join(f"- {{<<: *a, n: {i}}}\n" for i in range(20_000))
    ATTACKS["merge-keys"] = (_with(MAP + merged), "more than 100000 values")
    lists = "a: &a {kind: List, items: [{kind: A, metadata: {name: a}}]}\nkind: List\nitems: ["
    ATTACKS["lists-of-lists"] = (_with(lists + ",".join(["*a"] * 20_000) + "]\n"), "more than 100000 values")
    json_deep = '{"definitions":' + '{"a":' * 100_000 + "1" + "}" * 100_001
    ATTACKS["deep-json"] = ({**_naming("openapi", "p"), "p": json_deep}, "nests deeper than 200 levels")
    ATTACKS["deep-patch"] = (
        _with(patches=[{"target": {"kind": "ConfigMap"}, "patch": "[" * 100_000}]),
        "nests deeper than 200 levels",
    )
    ATTACKS["deep-path"] = (_with(replacements=[_replacement(".".join("x" * 20_000))]), "more than 100 parts")
    refs = {"properties": {f: {"$ref": "A"} for f in ("a", "b", "kind", "apiVersion", "metadata")}}
    definitions = json.dumps({"A": {"Schema": refs}})
    ATTACKS["definitions"] = ({**_naming("crds", "p"), "p": definitions}, "refer to each other")


def _replacement(path: str, source: str = "metadata.name", **options: Any) -> dict[str, Any]:
    target = {"select": {"kind": "ConfigMap"}, "fieldPaths": [path], "options": {"create": True, **options}}
    return {"source": {"kind": "ConfigMap", "name": "a", "fieldPath": source}, "targets": [target]}


def _sizes() -> None:
    for name in ("a.yaml", "kustomization.yaml"):
        files: Files = {} if name == "kustomization.yaml" else {"kustomization.yaml": _top(resources=["a.yaml"])}
        ATTACKS[f"huge-{name}"] = (_sparse(files, name), "is too large")
    generator = {"kustomization.yaml": _top(configMapGenerator=[{"name": "a", "files": ["a.bin"]}])}
    ATTACKS["huge-generator-file"] = (_sparse({**generator}, "a.bin"), "is too large")
    ATTACKS["many-values"] = (_with(MAP + "data:\n" + "".join(f"  k{i}: 1\n" for i in range(120_000))), "100000 values")
    ATTACKS["many-documents"] = (_with("---\n{}\n" * 500_000), "more than 20000 documents")
    large = MAP + "data:\n" + "".join(f"  k{i}: {'x' * 600}\n" for i in range(5_000))
    names = [f"a{n}.yaml" for n in range(30)]
    many = {name: large.replace("{name: a}", f"{{name: {name}}}") for name in names}
    ATTACKS["many-large-files"] = (
        {"kustomization.yaml": _top(resources=names), **many},
        "the build reads more than 32",
    )
    ATTACKS["many-files"] = (
        {"kustomization.yaml": _top(resources=[f"f/{n}.yaml" for n in range(20_000)])},
        "20000 entries of resources",
    )
    ATTACKS["many-unrelated-files"] = ({**_with(), **{f"f{n % 50}/{n}": "" for n in range(20_000)}}, "")
    ATTACKS["many-mistakes"] = ({"kustomization.yaml": "".join(f"x{i}: 1\n" for i in range(50_000))}, "100 errors")
    ATTACKS["long-number"] = (_with(MAP + "data: {a: " + "9" * 1_000_000 + "}\n"), "")


def _cycles() -> None:
    folder = _top(resources=["../b"])
    ATTACKS["cycle"] = (
        {
            "kustomization.yaml": _top(resources=["a"]),
            "a/kustomization.yaml": folder,
            "b/kustomization.yaml": _top(resources=["../a"]),
        },
        "a is being built already",
    )
    ATTACKS["cycle-of-one"] = (
        {"kustomization.yaml": _top(resources=["b"]), "b/kustomization.yaml": folder},
        "b is being built already",
    )
    ATTACKS["cycle-to-the-root"] = (
        {"kustomization.yaml": _top(resources=["a"]), "a/kustomization.yaml": _top(resources=[".."])},
        "the root of the repository is being built already",
    )
    component = _top(kind="Component", components=["../c"])
    ATTACKS["cycle-of-components"] = (
        {**_with(components=["c"]), "c/kustomization.yaml": component},
        "c is being built already",
    )
    ATTACKS["cycle-of-transformers"] = (
        {**_with(transformers=["t"]), "t/kustomization.yaml": _top(resources=["../t"])},
        "t is being built already",
    )
    doubled: Files = {f"d{n}/kustomization.yaml": _top(resources=[f"../d{n + 1}"] * 2) for n in range(40)}
    last: Files = {"kustomization.yaml": _top(resources=["d0"]), "d40/kustomization.yaml": _top(namePrefix="x")}
    ATTACKS["bases-that-double"] = ({**doubled, **last}, "enters more than 1000 folders")
    chain: Files = {f"d{n}/kustomization.yaml": _top(resources=[f"../d{n + 1}"]) for n in range(200)}
    ATTACKS["long-chain"] = ({**chain, "kustomization.yaml": _top(resources=["d0"])}, "deeper than 50 levels")


def _work() -> None:
    target = {"version": "v1", "kind": "ConfigMap", "name": "a"}
    op = '[{"op": "add", "path": "/data", "value": {}}]'
    ten_thousand: dict[str, Any] = {
        "patches": [{"patch": MAP}] * 10_000,
        "patchesStrategicMerge": [MAP] * 10_000,
        "patchesJson6902": [{"target": target, "patch": op}] * 10_000,
        "images": [{"name": "a", "newTag": "b"}] * 10_000,
        "labels": [{"pairs": {"a": "b"}}] * 10_000,
        "configMapGenerator": [{"name": f"g{n}"} for n in range(10_000)],
    }
    for field, entries in ten_thousand.items():
        ATTACKS[f"10000-{field}"] = (_with(**{field: entries}), "10000")
    patch = {"target": {"name": "o.*"}, "patch": MAP}
    ATTACKS["patches-on-many"] = (_with(_maps(5_000), patches=[patch] * 2_000), "2000 patches look for")
    replacement = {"source": {"name": "o1"}, "targets": [{"select": {"kind": "ConfigMap"}}]}
    ATTACKS["replacements-on-many"] = (_with(_maps(5_000), replacements=[replacement] * 2_000), "2000 replacements for")
    ATTACKS["images-on-many"] = (_with(_maps(5_000), images=[{"name": "a"}] * 2_000), "2000 images for 5000 objects")
    pairs = {f"l{n}": "x" for n in range(1_000)}
    ATTACKS["labels-on-many"] = (_with(_maps(5_000), commonLabels=pairs), "commonLabels of 5000 objects")
    ATTACKS["exact-patches-on-many"] = (
        _with(_maps(1_500), patches=[{"patch": MAP.replace("a}", f"o{n}}}")} for n in range(1_500)]),
        "",
    )
    long = "x" * 100_000
    ATTACKS["long-prefix"] = (_with(_maps(5_000), namePrefix=long), "namePrefix of 5000 objects")
    ATTACKS["long-label"] = (_with(_maps(5_000), commonLabels={"a": long}), "commonLabels of 5000 objects")
    double = [_replacement(f"data.d{n}", "data") for n in range(60)]
    ATTACKS["replacements-that-double"] = (_with(MAP + "data: {a: b}\n", replacements=double), "2500000 steps")
    spliced = [_replacement("data.a", "data.a", delimiter="/", index=9) for _ in range(60)]
    ATTACKS["texts-that-double"] = (_with(MAP + "data: {a: b}\n", replacements=spliced), "2500000 steps")
    copies = [{"op": "copy", "from": "/data", "path": f"/data/c{n}"} for n in range(60)]
    ATTACKS["copies-that-double"] = (
        _with(MAP + "data: {a: b}\n", patches=[{"target": target, "patch": json.dumps(copies)}]),
        "to copy what JSON patches copy",
    )
    ATTACKS["variables"] = (
        {
            **_with(
                MAP + f"data:\n  a: {long}\n" + "".join(f"  b{n}: {'$(V)' * 9}\n" for n in range(2_000)),
                vars=[{"name": "V", "objref": {**target, "apiVersion": "v1"}, "fieldref": {"fieldpath": "data.a"}}],
                configurations=["c"],
            ),
            "c": _top(varReference=[{"path": "data"}]),
        },
        "to write the values of variables",
    )
    noted = {"buildMetadata": ["transformerAnnotations"], "labels": [{"pairs": {"a": "b"}}] * 300}
    ATTACKS["notes"] = (_with(_maps(500), **noted), "to note every transformer")


def _generators() -> None:
    one: dict[str, Any] = {"name": "a", "files": [f"k{n}=a.bin" for n in range(10_000)]}
    for name, content in (("text", b"x"), ("binary", b"\xff")):
        files: Files = {"kustomization.yaml": _top(secretGenerator=[one]), "a.bin": content * (1 << 20)}
        ATTACKS[f"generator-{name}-10000-times"] = (files, "the build reads more than 32 MiB")
    lines = "".join(f"k{n}=v\n" for n in range(600_000))
    ATTACKS["generator-lines"] = (
        {"kustomization.yaml": _top(configMapGenerator=[{"name": "a", "envs": ["e"]}]), "e": lines},
        "to make the keys of the ConfigMap a",
    )
    merging = [{"name": "a", "behavior": "merge", "literals": [f"k{n}=v"]} for n in range(1_500)]
    ATTACKS["generators-that-merge"] = ({"kustomization.yaml": _top(configMapGenerator=[{"name": "a"}, *merging])}, "")


def _patterns() -> None:
    for name, pattern, words in (
        ("nested", "(a+)+b", "it repeats a group"),
        ("choices", "(a|a)" * 60 + "b", "too many choices"),
        ("optional", "a?" * 60 + "a" * 60, "too many choices"),
        ("bounded", "a{0,9}" * 30, "too many choices"),
        ("cubic", "a*a*a*b", "to look for what the patches select"),
        ("backwards", r"(a*)\1\1b", r"\1 is no syntax"),
        ("long", "(a)" * 200_000, "longer than 1000 characters"),
    ):
        patch = {"target": {"name": pattern}, "patch": MAP}
        ATTACKS[f"pattern-{name}"] = (
            _with(MAP.replace("{name: a}", f"{{name: {'a' * 20_000}}}"), patches=[patch]),
            words,
        )
    items = f"l: [{{n: {'a' * 20_000}}}]\n"
    ATTACKS["pattern-in-a-path"] = (_with(MAP + items, replacements=[_replacement("l.[n=a*a*a*b].x")]), "2500000 steps")
    containers = f"containers: [{{image: {'a' * 20_000}}}]\n"
    ATTACKS["pattern-of-an-image"] = (_with(MAP + containers, images=[{"name": "a*a*a*b"}]), "look for images")
    selector = {"target": {"labelSelector": "a,(" * 100_000}, "patch": MAP}
    ATTACKS["selector"] = (_with(patches=[selector]), "the selector has more than 4000 characters")


def _specs() -> None:
    labels = [{"path": f"a/b{n}", "create": True} for n in range(30_000)]
    ATTACKS["field-specs"] = ({**_naming("configurations", "p"), "p": _top(commonLabels=labels)}, "")
    ATTACKS["field-specs-again"] = (
        {**_with(configurations=["p"] * 2_000), "p": _top(commonLabels=labels[:1_000])},
        "to read configurations",
    )
    env = [{"name": f"e{n}", "value": "x"} for n in range(15_000)]
    ports = [{"containerPort": n} for n in range(15_000)]
    for name, container, words in (("named", {"env": env}, ""), ("numbered", {"ports": ports}, "to merge into Pod a")):
        pod = {"containers": [{"name": "c", **container}]}
        workload = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "a"}, "spec": pod}
        ATTACKS[f"long-{name}-lists"] = (_with(json.dumps(workload), patches=[{"path": "a.yaml"}]), words)


def all_of(*parts: Callable[[], None]) -> Iterable[str]:
    """The names of all attacks, which the parts enter."""
    for part in parts:
        part()
    return tuple(ATTACKS)


NAMES = all_of(_paths, _bombs, _sizes, _cycles, _work, _generators, _patterns, _specs)
