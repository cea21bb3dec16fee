"""Files that are generated from the types, and committed: none may be stale.

GITOPS_REGENERATE=1 writes them anew.
"""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from gitops.api import crds, reference, schemas
from gitops.expand import teach
from gitops.report import catalogue

ROOT = Path(__file__).parents[2]


def crd_file(kind: crds.Kind) -> str:
    return yaml.safe_dump(crds.crd(kind), sort_keys=False, width=1000, allow_unicode=True)


def schema_file(kind: crds.Kind) -> str:
    return json.dumps(schemas.json_schema(kind), indent=2, ensure_ascii=False) + "\n"


def generated() -> Iterator[tuple[str, str]]:
    for kind in crds.KINDS:
        name = kind.name.lower()
        yield f"base/crds/{kind.plural}.yaml", crd_file(kind)
        yield f"docs/schemas/{name}.json", schema_file(kind)
        yield f"docs/reference/{name}.md", reference.page(kind)
    yield "docs/reference/findings.md", catalogue.findings_page()
    yield "docs/reference/reasons.md", catalogue.reasons_page()
    yield "base/kustomize/openapi.json", json.dumps(teach.openapi(), indent=1) + "\n"
    yield "base/kustomize/configurations.yaml", yaml.safe_dump(teach.configurations(), sort_keys=False)


GENERATED = dict(generated())


@pytest.mark.parametrize("name", sorted(GENERATED))
def test_the_committed_file_is_what_the_types_say(name: str) -> None:
    path, wanted = ROOT / name, GENERATED[name]
    if os.environ.get("GITOPS_REGENERATE"):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(wanted, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == wanted, f"{name} is stale: run this test with GITOPS_REGENERATE=1"
