"""An overlay of many pools of ten objects each: the work on which builds are measured.

    python benchmarks/fleet.py FOLDER [POOLS]     # 100 pools: 1,000 objects in 200 files

The same arguments always write the same bytes.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

_RBAC = "rbac.authorization.k8s.io"


def _pool(name: str, number: int) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """A pool's objects, for its two files."""
    labels = {"app": name}
    container = {
        "name": "worker",
        "image": f"registry.example/worker:1.{number}",
        "resources": {
            "requests": {"cpu": f"{100 + number % 9 * 50}m", "memory": "0.25Gi"},
            "limits": {"memory": "512Mi"},
        },
        "env": [{"name": "POOL", "value": name}],
        "ports": [{"name": "http", "containerPort": 8080}],
        "volumeMounts": [{"name": "config", "mountPath": "/config"}],
    }
    pod = {
        "serviceAccountName": name,
        "containers": [container],
        "volumes": [{"name": "config", "configMap": {"name": f"{name}-config"}}],
    }
    rights = {
        "apiGroups": [""],
        "resources": ["pods", "pods/log", "configmaps"],
        "verbs": ["get", "list", "watch", "create"],
    }
    first = [
        _object("v1", "ServiceAccount", name),
        _object(
            f"{_RBAC}/v1",
            "Role",
            name,
            rules=[rights, {"apiGroups": ["apps"], "resources": ["deployments"], "verbs": ["*"]}],
        ),
        _object(
            f"{_RBAC}/v1",
            "RoleBinding",
            name,
            roleRef={"apiGroup": _RBAC, "kind": "Role", "name": name},
            subjects=[{"kind": "ServiceAccount", "name": name}],
        ),
        _object(
            "v1", "ConfigMap", f"{name}-config", data={"pool.yaml": f"name: {name}\nimage: worker:{number}\nsize: 3\n"}
        ),
        _object("v1", "ConfigMap", f"{name}-env", data={"POOL": name, "INDEX": str(number)}),
    ]
    second = [
        _object(
            "apps/v1",
            "Deployment",
            name,
            spec={
                "replicas": 0,
                "selector": {"matchLabels": labels},
                "template": {"metadata": {"labels": labels}, "spec": pod},
            },
        ),
        _object(
            "v1",
            "Service",
            name,
            spec={"clusterIP": "None", "selector": labels, "ports": [{"name": "http", "port": 80}]},
        ),
        _object("networking.k8s.io/v1", "NetworkPolicy", name, spec={"podSelector": {"matchLabels": labels}}),
        _object(
            "policy/v1", "PodDisruptionBudget", name, spec={"maxUnavailable": 1, "selector": {"matchLabels": labels}}
        ),
        _object("v1", "Secret", f"{name}-token", stringData={"token": f"not-a-token-{number}"}),
    ]
    return first, second


def _object(api_version: str, kind: str, name: str, **fields: Any) -> dict[str, Any]:
    return {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}


def _lines(value: Any, indent: str = "") -> list[str]:
    """Block YAML, as a person writes it."""
    lines: list[str] = []
    entries = value.items() if isinstance(value, dict) else ((None, item) for item in value)
    for key, item in entries:
        head = f"{indent}- " if key is None else f"{indent}{key}:"
        if isinstance(item, dict | list) and item:
            below = _lines(item, indent + "  ")
            if key is None:
                below[0] = head + below[0].lstrip()
                lines += below
            else:
                lines += [head, *below]
        else:
            lines.append(f"{head.rstrip()} {json.dumps(item)}")
    return lines


def write(folder: Path, pools: int) -> Path:
    """Write the repository; returns the overlay to build."""
    resources = []
    for number in range(pools):
        name = f"pool-{number:04}"
        home = folder / "base" / name
        home.mkdir(parents=True, exist_ok=True)
        for file, objects in zip(("pool.yaml", "worker.yaml"), _pool(name, number), strict=True):
            (home / file).write_text("---\n".join("\n".join(_lines(one)) + "\n" for one in objects))
            resources.append(f"{name}/{file}")
    (folder / "base" / "kustomization.yaml").write_text("resources:\n" + "".join(f"- {path}\n" for path in resources))
    overlay = folder / "overlays" / "production"
    overlay.mkdir(parents=True, exist_ok=True)
    (folder / ".git").mkdir(exist_ok=True)
    patch = [{"op": "add", "path": "/spec/template/spec/automountServiceAccountToken", "value": True}]
    kustomization = {
        "namespace": "fleet",
        "namePrefix": "prod-",
        "resources": ["../../base"],
        "labels": [{"pairs": {"env": "production"}, "includeTemplates": True}],
        "images": [{"name": "registry.example/worker", "newName": "mirror.example/worker"}],
        "patches": [{"target": {"kind": "Deployment"}, "patch": json.dumps(patch)}],
    }
    (overlay / "kustomization.yaml").write_text("\n".join(_lines(kustomization)) + "\n")
    return overlay


if __name__ == "__main__":
    write(Path(sys.argv[1]), int(sys.argv[2]) if len(sys.argv) > 2 else 100)  # noqa: PLR2004 - FOLDER POOLS
