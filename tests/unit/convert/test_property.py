"""Whatever stands in a values file, the import ends in objects that read back as made, or in an error of ours."""

from __future__ import annotations

import json
import os
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from gitops import convert, errors, yaml
from gitops.convert import chart, report
from gitops.lint import validate

NAMES = convert.Names(namespace="tools", worker="worker", pool="linux", image="gitops-worker:1")
EXAMPLES = min(int(os.environ.get("GITOPS_FUZZ_EXAMPLES", "100")), 5000)
TEXT = st.text(max_size=8) | st.sampled_from(
    ["true", "null", "1", "a: b", "# c", "*x", "x\ny", "\x1b[2J", "name", "value"]
)
SCALARS = st.none() | st.booleans() | st.integers(-5, 100) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
JSON: st.SearchStrategy[Any] = st.recursive(
    SCALARS,
    lambda below: st.lists(below, max_size=3) | st.dictionaries(TEXT, below, max_size=3),
    max_leaves=8,
)
KUBERNETES = st.sampled_from(
    [
        [{"name": "A_TOKEN", "value": "s"}, {"value": 1}, "x", {"name": None}],
        {"env": [{"name": "A", "value": "b"}], "resources": {"limits": {"cpu": 1}}, "securityContext": None},
        {"volumes": [None, {"hostPath": None}], "containers": "x", "securityContext": {"capabilities": None}},
        [{"apiGroups": None, "resources": "*", "verbs": ["*"]}],
        {"nodeAffinity": None, "podAffinity": []},
        {"labels": {"a": 1}, "annotations": None},
        {"labels": ["a"]},
        {"securityContext": {"capabilities": {"add": "x"}, "seLinuxOptions": [], "sysctls": "abc", "procMount": {}}},
        {"capabilities": [1], "seccompProfile": 5, "seLinuxOptions": {"type": {}}, "sysctls": [{"name": None}]},
        {"capabilities": {"add": [1, {}]}, "seccompProfile": {"type": "Unconfined"}, "privileged": "yes"},
        {"env": [{"name": {}, "value": {}}, {"name": "A_TOKEN", "value": {"a": 1}}], "volumes": {"hostPath": 1}},
        {"env": {"name": "x"}, "volumes": [{"secret": {"secretName": None}}, {"configMap": {"name": ["x"]}}]},
    ]
)


@st.composite
def values(draw: Any) -> dict[str, Any]:
    root: dict[str, Any] = {}
    for path in draw(st.lists(st.sampled_from([row.path for row in chart.ROWS]), max_size=8)):
        node = root
        *above, last = path.split(".")
        for key in above:
            node = node.setdefault(key, {})
        default = chart.BY_PATH[path].default
        node[last] = draw(JSON | KUBERNETES | st.just(default))
    if draw(st.booleans()):
        root.setdefault("scriptPods", {}).setdefault("podTemplate", {})["enabled"] = True
    if draw(st.integers(0, 5)) == 0:
        root |= draw(st.dictionaries(TEXT, JSON, max_size=2))
    return root


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values())
def test_property_an_import_ends_in_objects_or_in_words(root: dict[str, Any]) -> None:
    try:
        made = convert.convert(convert.read(json.dumps(root).encode(), "values.json"), NAMES)
    except errors.ConfigError:
        return
    for document in (made.pool, made.worker):
        [read_back] = yaml.load_all(document.text("tools").encode(), "made.yaml")
        assert read_back.value == json.loads(json.dumps(document.manifest("tools")))
        assert all(error.message for error in validate.validate(document.manifest("tools"), document.locate))
    assert "\n".join(report.lines(made))
    assert json.dumps(report.document(made))
