"""The server's own answers, as recorded from Kubernetes 1.35.4, and what they mean."""

from __future__ import annotations

from typing import Any

import pytest

from gitops import errors
from gitops.cluster import status
from gitops.cluster.request import Request

POST = Request(method="POST", path="/api/v1/namespaces/n/configmaps", what="create ConfigMap n/a")
GET = Request(method="GET", path="/api/v1/namespaces/n/configmaps/a", what="read ConfigMap n/a")


def answer(reason: str, message: str, **details: Any) -> dict[str, Any]:
    return {"kind": "Status", "reason": reason, "message": message, "details": details}


DENIED = 'admission webhook "teams.example.org" denied the request: no team'

CASES = [
    (401, answer("", DENIED), errors.ObjectInvalid),
    (404, answer("NotFound", DENIED), errors.ObjectInvalid),
    (409, answer("Conflict", DENIED, name="a", kind="configmaps"), errors.ObjectInvalid),
    (429, answer("TooManyRequests", DENIED), errors.ClusterUnavailable),
    (500, answer("", DENIED), errors.ClusterUnavailable),
    (401, answer("Unauthorized", "Unauthorized"), errors.ClusterDenied),
    (
        403,
        answer("Forbidden", 'x is forbidden: User "v" cannot list resource "x" in API group ""'),
        errors.ClusterDenied,
    ),
    (403, answer("Forbidden", 'forbidden: User "v" cannot get path "/metrics"'), errors.ClusterDenied),
    (
        403,
        answer("Forbidden", 'roles "r" is forbidden: user "v" (groups=["g"]) is attempting to grant RBAC permissions'),
        errors.ClusterDenied,
    ),
    (403, answer("Forbidden", 'pods "p" is forbidden: exceeded quota: q, requested: pods=1'), errors.ObjectInvalid),
    (403, answer("Forbidden", 'pods "p" is forbidden: violates PodSecurity "baseline:latest"'), errors.ObjectInvalid),
    (403, answer("Forbidden", 'pods "p" is forbidden: error looking up service account n/a'), errors.ObjectInvalid),
    (404, answer("NotFound", 'configmaps "a" not found', name="a", kind="configmaps"), errors.ObjectMissing),
    (404, answer("NotFound", "the server could not find the requested resource"), errors.KindUnknown),
    (404, status.read(b"404 page not found\n"), errors.KindUnknown),
    (409, answer("AlreadyExists", "exists", name="a"), errors.ObjectExists),
    (409, answer("Conflict", "c", causes=[{"reason": "FieldManagerConflict"}]), errors.FieldConflict),
    (409, answer("Conflict", "the object has been modified", name="a", kind="configmaps"), errors.VersionConflict),
    (409, answer("Conflict", "modified", name="q", kind="resourcequotas"), errors.ClusterUnavailable),
    (410, answer("Expired", "too old"), status.Expired),
    (422, answer("Invalid", "x", causes=[{"field": "metadata.uid", "reason": "x"}]), errors.VersionConflict),
    (422, answer("Invalid", "x", causes=[{"field": "spec.selector", "reason": "x"}]), errors.ObjectInvalid),
    (400, answer("BadRequest", 'strict decoding error: unknown field "dat"'), errors.ObjectInvalid),
    (413, status.read(b"too large"), errors.ObjectInvalid),
    (429, answer("TooManyRequests", "later"), errors.ClusterUnavailable),
    (500, answer("", "failed to create typed patch object (n/a): .dat: field not declared"), errors.ObjectInvalid),
    (500, answer("InternalError", "failed calling webhook"), errors.ClusterUnavailable),
    (503, status.read(b"<html>"), errors.ClusterUnavailable),
    (405, answer("MethodNotAllowed", "no"), errors.ClusterError),
]


@pytest.mark.parametrize(("code", "body", "kind"), CASES)
def test_what_an_answer_means(code: int, body: dict[str, Any], kind: type[errors.ClusterError]) -> None:
    error = status.error_of(POST, code, body)
    assert type(error) is kind
    assert error.message == "cannot create ConfigMap n/a"
    assert body["message"] in error.cause


@pytest.mark.parametrize(
    ("request_", "code", "ambiguous"), [(POST, 500, True), (POST, 503, True), (POST, 429, False), (GET, 500, False)]
)
def test_whether_it_may_have_been_done(request_: Request, code: int, ambiguous: bool) -> None:  # noqa: FBT001 - a table
    error = status.error_of(request_, code, {})
    assert isinstance(error, errors.ClusterUnavailable)
    assert error.ambiguous is ambiguous


@pytest.mark.parametrize(
    "words",
    [
        'Internal error occurred: failed calling webhook "a.example.org": Post "https://a": EOF',
        'admission webhook "a.example.org" denied the request: out of order',
    ],
)
def test_what_a_webhook_did_not_let_pass_was_certainly_not_done(words: str) -> None:
    error = status.error_of(POST, 500, {"message": words})
    assert isinstance(error, errors.ClusterUnavailable)
    assert not error.ambiguous


@pytest.mark.parametrize(
    ("value", "seconds"),
    [("", 0), ("7", 7), ("1.5", 1.5), ("-3", 0), ("soon", 0), ("Mon, 01 Jan 2001 00:00:00 GMT", 0)],
)
def test_retry_after(value: str, seconds: float) -> None:
    assert status.retry_after(value) == seconds


def test_a_future_date_to_retry_after() -> None:
    assert status.retry_after("Fri, 01 Jan 2100 00:00:00 GMT") > 1e9
