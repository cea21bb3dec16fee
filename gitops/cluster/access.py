"""The Access port: SelfSubject reviews, which every account may create."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from gitops.cluster.http import Http
from gitops.cluster.request import Request
from gitops.ports.access import Ask, Rule, Rules, Verdict


class ServerAccess:
    """The authorizer of one cluster."""

    def __init__(self, http: Http) -> None:
        self._http = http

    async def may(self, ask: Ask) -> Verdict:
        """See `gitops.ports.access.Access`."""
        resource, _, subresource = ask.plural.partition("/")
        attributes = {
            "verb": ask.verb,
            "group": ask.group,
            "resource": resource,
            "subresource": subresource,
            "namespace": ask.namespace,
            "name": ask.name,
        }
        spec = {"resourceAttributes": {key: value for key, value in attributes.items() if value}}
        status = await self._review("authorization.k8s.io", "SelfSubjectAccessReview", spec)
        return Verdict(allowed=bool(status.get("allowed")), reason=status.get("reason") or "")

    async def rules(self, namespace: str) -> Rules:
        """See `gitops.ports.access.Access`."""
        spec = {"namespace": namespace}
        status = await self._review("authorization.k8s.io", "SelfSubjectRulesReview", spec)
        rules = [
            Rule(
                verbs=rule.get("verbs") or (),
                groups=rule.get("apiGroups") or (),
                resources=rule.get("resources") or (),
                names=rule.get("resourceNames") or (),
            )
            for rule in status.get("resourceRules") or ()
        ]
        return Rules(rules=rules, incomplete=bool(status.get("incomplete")))

    async def whoami(self) -> tuple[str, Sequence[str]]:
        """See `gitops.ports.access.Access`."""
        status = await self._review("authentication.k8s.io", "SelfSubjectReview", {})
        user = status.get("userInfo") or {}
        return user.get("username") or "", user.get("groups") or ()

    async def _review(self, group: str, kind: str, spec: Mapping[str, Any]) -> Mapping[str, Any]:
        body: dict[str, Any] = {"apiVersion": f"{group}/v1", "kind": kind}
        if spec:
            body["spec"] = spec
        request = Request(
            method="POST",
            path=f"/apis/{group}/v1/{kind.lower()}s",
            what="ask the API server what this account may do",
            body=msgspec.json.encode(body),
            idempotent=True,
        )
        answer = await self._http.send(request)
        status: Mapping[str, Any] = msgspec.json.decode(answer.body).get("status") or {}
        return status
