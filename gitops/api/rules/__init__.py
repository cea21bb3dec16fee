"""Rules across fields: each is one value, so that the validator and the API server cannot disagree.

`cel` goes into the CRD as `x-kubernetes-validations`; `holds` is the same rule for plain data; the examples are run
against both. CEL in CRDs: https://kubernetes.io/docs/reference/using-api/cel/
"""

from gitops.api.rules import gitsync, operation, worker, workerpool
from gitops.api.rules.rule import Rule

__all__ = ["RULES", "Rule", "of_kind"]

RULES: tuple[Rule, ...] = (*workerpool.RULES, *worker.RULES, *gitsync.RULES, *operation.RULES)


def of_kind(kind: str) -> tuple[Rule, ...]:
    """The rules of one kind."""
    return tuple(rule for rule in RULES if rule.kind == kind)
