"""What an operation asks for beyond its pool's own settings, and whether the pool allows it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from typing import Any

from gitops import api
from gitops.api import names
from gitops.api.meta import Resources
from gitops.api.workerpool import WorkerPoolSpec
from gitops.objects import quantity
from gitops.pods import delivery


def refusals(operation: api.Operation, pool: api.WorkerPool) -> list[str]:
    """Everything the pool does not allow, in words; empty if the operation may run as it asks."""
    spec, rules = operation.spec, pool.spec.allow
    found: list[str] = []
    if spec.image not in {"", pool.spec.image} and not any(matches(one, spec.image) for one in rules.images):
        found.append(_words("image", spec.image, [pool.spec.image, *rules.images]))
    own = names.pod_account(pool)
    if spec.service_account not in {"", own, *rules.service_accounts}:
        found.append(_words("serviceAccount", spec.service_account, [own, *rules.service_accounts]))
    secrets = [*pool.spec.image_pull_secrets, *rules.image_pull_secrets]
    found += (_words("imagePullSecrets", one, secrets) for one in spec.image_pull_secrets if one not in secrets)
    platforms = [f"linux/{one}" for one in pool.spec.architectures]
    if spec.platform and platforms and spec.platform not in platforms:
        found.append(_words("platform", spec.platform, platforms))
    found += delivery.refusals(operation, rules)
    found += _too_much(spec.resources, pool.spec)
    return found


def resources(operation: api.Operation, pool: api.WorkerPool) -> Resources:
    """The pool's, with what the operation asks for in their place, name by name."""
    asked, own = operation.spec.resources, pool.spec.resources
    return Resources(requests=own.requests | asked.requests, limits=own.limits | asked.limits)


def matches(pattern: str, image: str) -> bool:
    """Whether an image is one of those a pattern names: `*` stands for anything without a slash."""
    return re.fullmatch("[^/]*".join(re.escape(part) for part in pattern.split("*")), image) is not None


def _too_much(asked: Resources, pool: WorkerPoolSpec) -> Iterator[str]:
    own = pool.resources
    for name, value in asked.requests.items():
        most = pool.allow.resources.get(name, _larger(own.requests.get(name), own.limits.get(name)))
        yield from _beyond("requests", name, value, most)
    for name, value in asked.limits.items():
        # Where the pool sets no limit, a limit is no more than the pool itself may use.
        if name in pool.allow.resources or name in own.limits or name not in own.requests:
            yield from _beyond("limits", name, value, pool.allow.resources.get(name, own.limits.get(name)))
    requests, limits = own.requests | asked.requests, own.limits | asked.limits
    for name in (asked.requests | asked.limits).keys() & requests.keys() & limits.keys():
        if _number(requests[name]) > _number(limits[name]):
            yield f"resources: {name} {requests[name]} is requested, and the limit is {limits[name]}"


def _beyond(part: str, name: str, value: Any, most: Any) -> Iterator[str]:
    if most is None:
        yield f"resources.{part}.{name} {value} (the pool has no {name})"
    elif _number(value) > _number(most):
        yield f"resources.{part}.{name} {value} (at most {most})"


def _larger(one: Any, other: Any) -> Any:
    return max((value for value in (one, other) if value is not None), key=_number, default=None)


def _number(value: Any) -> Decimal:
    """What is no quantity is more than anything: the schema lets none through."""
    found = quantity.parse(value)
    return Decimal("Infinity") if found is None else found


def _words(field: str, asked: str, allowed: Iterable[str]) -> str:
    return f"{field} {asked} (allowed: {', '.join(dict.fromkeys(allowed)) or 'none'})"


def named(found: Iterable[str], pool: str) -> str:
    """The refusals as one message."""
    return f"pool {pool} does not allow {'; '.join(found)}. A pool's spec.allow says what its operations may ask for"
