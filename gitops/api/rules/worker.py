"""The rules of a Worker."""

from __future__ import annotations

from gitops.api.rules import policy, template
from gitops.api.rules.rule import Rule, count, short_name

RULES: tuple[Rule, ...] = (
    Rule(
        kind="Worker",
        path="",
        field="/metadata/name",
        cel="size(self.metadata.name) <= 50 && self.metadata.name.matches('^[a-z0-9]([-a-z0-9]*[a-z0-9])?$')",
        holds=short_name(50),
        message="the name of a worker is a DNS label of at most 50 characters: it becomes a label and part of names",
        accepts=({"metadata": {"name": "worker"}},),
        rejects=({"metadata": {"name": "w" * 51}}, {"metadata": {"name": "worker.eu"}}),
    ),
    Rule(kind="Worker", path="/spec/commitRules/*", **policy.RULE),
    *template.rules_of("Worker", "gitops"),
    Rule(
        kind="Worker",
        path="/spec/logStore",
        cel="!has(self.bucket) || (!has(self.claimName) && !has(self.sizeLimit))",
        holds=lambda value: "bucket" not in value or not count(value, "claimName", "sizeLimit"),
        message="logs are kept in a bucket or on a volume",
        hint="remove bucket, or claimName and sizeLimit",
        forbidden=("/claimName", "/sizeLimit"),
        accepts=({"bucket": {"name": "logs"}}, {"claimName": "logs"}, {"sizeLimit": "1Gi"}, {}),
        rejects=({"bucket": {"name": "logs"}, "claimName": "logs"}, {"bucket": {"name": "logs"}, "sizeLimit": "1Gi"}),
    ),
)
