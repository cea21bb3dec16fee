from __future__ import annotations

from typing import Any

import pytest

from gitops.api import crds, rules
from gitops.api.rules import Rule

EXAMPLES = [
    pytest.param(rule, value, wanted, id=f"{rule.kind}{rule.path}-{'accepts' if wanted else 'rejects'}-{index}")
    for rule in rules.RULES
    for wanted, values in ((True, rule.accepts), (False, rule.rejects))
    for index, value in enumerate(values)
]


@pytest.mark.parametrize(("rule", "value", "wanted"), EXAMPLES)
def test_the_predicate_agrees_with_the_examples(rule: Rule, value: Any, *, wanted: bool) -> None:
    assert rule.holds is not None
    assert bool(rule.holds(value)) is wanted


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: f"{rule.kind}{rule.path}")
def test_a_rule_has_examples_of_both_sorts_unless_only_the_server_can_judge(rule: Rule) -> None:
    assert (rule.holds is None) == ("oldSelf" in rule.cel)
    assert rule.holds is None or (rule.accepts and rule.rejects)


@pytest.mark.parametrize("rule", rules.RULES, ids=lambda rule: f"{rule.kind}{rule.path}")
def test_a_rule_stands_in_the_schema_of_its_kind(rule: Rule) -> None:
    kind = crds.kind_named(rule.kind)
    assert kind is not None
    node = crds.node_at(crds.schema(kind), rule.path)
    assert rule.cel in [validation["rule"] for validation in node["x-kubernetes-validations"]]
