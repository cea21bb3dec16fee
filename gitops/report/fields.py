"""A field of our kinds, explained from the schema that the API server has: type, default, limits, example."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from gitops import errors, yaml
from gitops.api import crds, meta, reference, rules
from gitops.api.structural import Schema
from gitops.lint import structure

_DEFAULT = re.compile(r"(?:^|[.;,] *|\()default:? (?P<value>.+?)\)?$", re.IGNORECASE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """`path` as people write it, after the kind: `spec.pools[]`; empty for the kind itself."""

    kind: crds.Kind
    path: str
    schema: Schema
    required: bool = False

    @property
    def name(self) -> str:
        """Kind and path."""
        return f"{self.kind.name}.{self.path}" if self.path else self.kind.name


def find(topic: str) -> Field:
    """The field that `workerpool.spec.timeouts` names: a kind (also plural or short), then the path.

    Raises:
        ConfigError: no such kind or field; the hint has the nearest one.
    """
    first, *parts = re.sub(r"\[\d*\]", ".[]", topic).split(".")
    kind = kind_of(first)
    if kind is None:
        raise errors.ConfigError(f"there is no kind {first}", hint=structure.nearest(first, names()))
    found = Field(kind=kind, path="", schema=crds.schema(kind))
    for part in parts:
        found = _below(found, part)
    return found


def kind_of(name: str) -> crds.Kind | None:
    """A kind by its name in any case, its plural or a short name."""
    wanted = name.lower()
    return next((kind for kind in crds.KINDS if wanted in {kind.name.lower(), kind.plural, *kind.short}), None)


def names() -> list[str]:
    """The kinds' names in lower case."""
    return [kind.name.lower() for kind in crds.KINDS]


def _below(field: Field, part: str) -> Field:
    schema = field.schema
    if part == "[]" and "items" in schema:
        return Field(kind=field.kind, path=f"{field.path}[]", schema=schema["items"])
    # `pools.name` is as clear as `pools[].name`.
    node, path = (schema["items"], f"{field.path}[]") if "items" in schema else (schema, field.path)
    known: Mapping[str, Schema] = node.get("properties", {})
    name = next((one for one in known if one.lower() == part.lower()), None)
    prefix = f"{path}." if path else ""
    if name is not None:
        required = name in node.get("required", ())
        return Field(kind=field.kind, path=f"{prefix}{name}", schema=known[name], required=required)
    if isinstance(node.get("additionalProperties"), dict):
        return Field(kind=field.kind, path=f"{prefix}{part}", schema=node["additionalProperties"])
    if path == "metadata" or node.get("x-kubernetes-preserve-unknown-fields"):
        place = f"{path}.{part}".replace("[]", "").removeprefix("spec.podTemplate.")
        raise errors.ConfigError(f"{field.name}.{part} is Kubernetes' own field", hint=f"kubectl explain pod.{place}")
    if not known:
        raise errors.ConfigError(f"{field.name} has no fields", cause=f"it is of type {node.get('type', 'any')}")
    raise errors.ConfigError(f"{field.name} has no field {part}", hint=structure.nearest(part, list(known)))


def lines(field: Field) -> Iterator[str]:
    """The explanation, for people."""
    schema = field.schema
    words, default = split(schema.get("description", ""))
    yield f"{field.name}  ({meta.API_VERSION})"
    yield ""
    if words:
        yield f"  {words}"
    yield f"  type:      {'string' if 'enum' in schema else reference.type_name(schema)}"
    yield f"  required:  {'yes' if field.required else 'no'}"
    if default:
        yield f"  default:   {default}"
    if "enum" in schema:
        yield f"  allowed:   {', '.join(schema['enum'])}"
    if schema.get("pattern"):
        yield f"  form:      {meta.IN_WORDS.get(schema['pattern'], schema['pattern'])}"
    yield from (f"  limit:     {text}" for text in _limits(schema))
    yield from _fields(schema)
    yield from _rules(field)
    yield ""
    yield "Example:"
    yield from (f"  {line}" for line in yaml.dump_all([example(field)]).splitlines())


def split(description: str) -> tuple[str, str]:
    """What a description says, and the default that it ends with."""
    found = _DEFAULT.search(description)
    if found is None:
        return description, ""
    return description[: found.start()].rstrip(" .;,("), found["value"]


_LIMITS = {
    "minItems": "number of entries: at least {}",
    "maxItems": "number of entries: at most {}",
    "minLength": "number of characters: at least {}",
    "maxLength": "number of characters: at most {}",
}


def _limits(schema: Schema) -> Iterator[str]:
    return (words.format(schema[name]) for name, words in _LIMITS.items() if name in schema)


def _fields(schema: Schema) -> Iterator[str]:
    node = schema.get("items", schema)
    below: Mapping[str, Schema] = node.get("properties", {})
    if not below:
        return
    yield ""
    yield "Fields:"
    width = max(map(len, below))
    kinds = {name: reference.type_name(one).replace("`", "") for name, one in below.items()}
    for name, one in below.items():
        must = " (required)" if name in node.get("required", ()) else ""
        yield f"  {name.ljust(width)}  {kinds[name]}{must}: {one.get('description', '')}".rstrip(": ")


def _rules(field: Field) -> Iterator[str]:
    pointer = "/" + field.path.replace("[]", "/*").replace(".", "/") if field.path else ""
    told = [rule for rule in rules.of_kind(field.kind.name) if pointer in {rule.path, rule.path + rule.field}]
    if told:
        yield ""
        yield "Rules:"
        yield from (f"  - {rule.message}" for rule in told)


_EXAMPLES: Mapping[str, Any] = {
    "WorkerPool.spec.image": "worker-tools:1",
    "WorkerPool.spec.allow": {"images": ["registry.example/team/*"], "resources": {"cpu": "4", "memory": "8Gi"}},
    "WorkerPool.spec.allow.images[]": "registry.example/team/*",
    "WorkerPool.spec.allow.urls[]": "https://artifacts.example/releases/",
    "WorkerPool.spec.allow.maxFileSize": "2Gi",
    "WorkerPool.spec.allow.resources": {"cpu": "4", "memory": "8Gi"},
    "Operation.spec.mutex": {"name": "database", "mode": "shared"},
    "Operation.spec.image": "registry.example/team/tools:2",
    "Operation.spec.serviceAccount": "deployer",
    "Operation.spec.resources": {"requests": {"cpu": "2"}},
    "Operation.spec.resources.requests": {"cpu": "2"},
    "Operation.spec.resources.limits": {"memory": "1Gi"},
    "WorkerPool.spec.namespace": "builds",
    "WorkerPool.spec.resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    "WorkerPool.spec.resources.requests": {"cpu": "500m", "memory": "512Mi"},
    "WorkerPool.spec.resources.limits": {"memory": "1Gi"},
    "WorkerPool.spec.podTemplate": {"spec": {"nodeSelector": {"disk": "fast"}}},
    "WorkerPool.spec.serviceAccount": {"create": False, "name": "builder"},
    "WorkerPool.spec.rbac": {"profile": "none"},
    "WorkerPool.spec.egress": {"mode": "restricted", "allow": [{"namespace": "registry", "ports": [{"port": 443}]}]},
    "WorkerPool.spec.egress.allow[]": {"cidr": "10.0.0.0/8"},
    "WorkerPool.spec.workspace.sizeLimit": "10Gi",
    "WorkerPool.spec.logs.maxSize": "100Mi",
    "WorkerPool.spec.mirrors": {"docker.io": "mirror.example/hub"},
    "WorkerPool.spec.proxy": {"name": "proxy"},
    "WorkerPool.spec.ca": {"name": "trust", "key": "ca.crt"},
    "Worker.spec.image": "gitops-worker:0.1.0",
    "Worker.spec.resources": {"requests": {"cpu": "500m", "memory": "512Mi"}, "limits": {"memory": "1Gi"}},
    "Worker.spec.podTemplate": {"spec": {"nodeSelector": {"disk": "fast"}}},
    "GitSync.spec.ignore[].paths[]": ".spec.replicas",
    "GitSync.spec.ignore[].objects.kind": "Deployment",
    "GitSync.spec.ignore[].owner": "team-web",
    "GitSync.spec.ignore[].reason": "an autoscaler decides",
    "GitSync.spec.ignore[].expires": "2027-01-31",
    "GitSync.spec.serviceAccount": {"name": "applier"},
    "GitSync.spec.source.url": "https://git.example/team/config.git",
    "Worker.spec.logStore.bucket.endpoint": "https://minio.example:9000",
    "GitSync.spec.source.path": "overlays/production",
    "GitSync.spec.source.ref": {"branch": "main"},
    "GitSync.spec.source.ref.semver": ">=1.2.0 <2.0.0",
    "GitSync.spec.source.ref.commit": "0123456789abcdef0123456789abcdef01234567",
    "Operation.spec.script": "echo hello\n",
    "Operation.spec.interpreter": ["/bin/bash"],
    "Operation.spec.files[]": {"path": "settings/site.json", "text": "{}\n"},
    "Operation.spec.files[].base64": "aGVsbG8K",
    "Operation.spec.filesFrom[]": {"path": "keys", "secret": {"name": "deploy"}},
    "Operation.spec.filesFrom[].url": "https://artifacts.example/releases/big.tar",
    "Operation.spec.filesFrom[].digest": f"sha256:{'0123456789abcdef' * 4}",
    "Operation.spec.env[]": {"name": "STAGE", "value": "test"},
}
_RULE = {"apiGroups": [""], "resources": ["pods"], "verbs": ["get", "list"]}
_NAMES = {
    "apiGroups": [""],
    "verbs": ["get", "list"],
    "resources": ["pods"],
    "resourceNames": ["settings"],
    "nonResourceURLs": ["/healthz"],
    "rules": [_RULE],
    "clusterRules": [_RULE],
    "commitRules": [_RULE],
    "imagePullSecrets": ["registry"],
    "imagePullSecrets[]": "registry",
    "except": ["10.1.0.0/16"],
}
_FORMS = {meta.CIDR: "10.0.0.0/8", meta.DURATION: "5m", meta.NAME: "linux", meta.QUANTITY: "500m"}


def example(field: Field) -> Any:
    """The field with a value, in everything around it."""
    value = _value(field.name, field.schema)
    for part in reversed(field.path.split(".") if field.path else []):
        name = part.removesuffix("[]")
        value = {name: [value]} if part.endswith("[]") else {name: value}
    return value if field.path else {"apiVersion": meta.API_VERSION, "kind": field.kind.name, **value}


def _value(name: str, schema: Schema) -> Any:
    last = name.rpartition(".")[2]
    if name in _EXAMPLES:
        return _EXAMPLES[name]
    if last in _NAMES:
        return _NAMES[last]
    if "properties" in schema:
        return _object(name, schema)
    if "items" in schema:
        return [_value(f"{name}[]", schema["items"])]
    if isinstance(schema.get("additionalProperties"), dict):
        return {"key": _value(f"{name}.key", schema["additionalProperties"])}
    return _scalar(last, schema)


def _object(name: str, schema: Schema) -> dict[str, Any]:
    """What must be there and what has a default; else the first field."""
    properties: Mapping[str, Schema] = schema["properties"]
    if "metadata" in properties and "spec" in properties:
        return {"metadata": {"name": "linux"}, "spec": _value(f"{name}.spec", properties["spec"])}
    chosen = [one for one in properties if one in schema.get("required", ())]
    chosen += [one for one in properties if one not in chosen and _is_plain_default(properties[one])]
    return {one: _value(f"{name}.{one}", properties[one]) for one in chosen or list(properties)[:1]}


def _is_plain_default(schema: Schema) -> bool:
    default = split(schema.get("description", ""))[1]
    return bool(default) and schema.get("type") in {"string", "integer"} and " " not in default


def _scalar(last: str, schema: Schema) -> Any:
    default = split(schema.get("description", ""))[1]
    if schema.get("x-kubernetes-int-or-string"):
        return "500m"
    match schema.get("type"):
        case "boolean":
            return default != "true"
        case "integer":
            return int(default) if default.isdigit() else schema.get("minimum", 1)
        case "string":
            return default if default and " " not in default else _text(last, schema)
        case _:
            return {}


def _text(last: str, schema: Schema) -> str:
    """A string that the schema allows: an allowed word, the pattern's own example, or the field's name."""
    if "enum" in schema:
        return str(schema["enum"][0])
    name = last.removesuffix("[]").lower()
    pattern = schema.get("pattern", "")
    return _FORMS.get(pattern) or next((one for one in (name, "name", "a=b") if re.search(pattern, one)), name)
