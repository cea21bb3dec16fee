"""The server's refusals, turned into this program's errors: the only place that reads a Status object.

Which answer means what was tried on a real server, case by case (server-side-apply.md): several are not what their HTTP
status suggests, such as 500 for a field the schema lacks and 422 for another object's uid.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from http import HTTPStatus
from typing import Any

import msgspec

from gitops.cluster.request import Request
from gitops.errors import (
    ClusterDenied,
    ClusterError,
    ClusterUnavailable,
    FieldConflict,
    KindUnknown,
    ObjectExists,
    ObjectInvalid,
    ObjectMissing,
    VersionConflict,
)

# The authorizer's own sentences; any other 403 comes from an admission plugin, which refuses the object, not the asker.
_NOT_ALLOWED = re.compile(r'[Uu]ser "[^"]*" (cannot [\w*-]+ (resource|path) |.*is attempting to grant RBAC)', re.DOTALL)
# A webhook chooses the code of its refusal, and whatever it chooses becomes the answer's.
_DENIED = re.compile(r'admission webhook "[^"]*" denied the request')
# A webhook that does not answer, or says no with a code of its own: nothing was stored, for admission comes before.
_NOT_ADMITTED = re.compile(rf'failed calling webhook "|{_DENIED.pattern}')
# Server-side apply of a field the schema lacks, of a wrong type or with a doubled list key: 500 without a reason.
_NOT_TYPED = re.compile(r"failed to create typed patch object|field not declared in schema")

_BAD_BODY = {HTTPStatus.BAD_REQUEST, HTTPStatus.REQUEST_ENTITY_TOO_LARGE, HTTPStatus.UNSUPPORTED_MEDIA_TYPE}


class Expired(ClusterError):
    """410: the resourceVersion or list cursor is too old; start from a new list."""

    reason = "Expired"


def read(body: bytes) -> Mapping[str, Any]:
    """The Status object of an error response; what is not one becomes its message."""
    try:
        status = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError):
        status = None
    if isinstance(status, dict) and status.get("kind") == "Status":
        return status
    return {"message": body[:500].decode("utf-8", "replace").strip()}


def error_of(request: Request, code: int, status: Mapping[str, Any], retry_after: float = 0.0) -> ClusterError:
    """The error for an answer of 400 and above, or for an ERROR event of a watch."""
    cause = str(status.get("message") or f"the API server answered {code}")
    kind = _kind(request, code, status)
    if kind is ClusterDenied and code == HTTPStatus.UNAUTHORIZED:
        cause = f"the API server does not accept our credentials ({cause})"
    hint = _hint(kind, code, cause)
    error = kind(f"cannot {request.what}", cause=cause, hint=hint, ref=request.ref, status=status)
    if isinstance(error, ClusterUnavailable):
        error.retry_after = retry_after
        # 429 and the quota's 409 come before the request is carried out; any other 5xx may come after.
        early = code in {HTTPStatus.CONFLICT, HTTPStatus.TOO_MANY_REQUESTS} or bool(_NOT_ADMITTED.search(cause))
        error.ambiguous = not early and not request.safe
    return error


def retry_after(value: str) -> float:
    """The Retry-After header in seconds: a number, or a date of which the past counts as now."""
    if not value:
        return 0.0
    try:
        return max(0.0, float(value))
    except ValueError:
        pass
    try:
        when = parsedate_to_datetime(value)
    except ValueError:
        return 0.0
    return max(0.0, (when - datetime.now(UTC)).total_seconds())


def _kind(request: Request, code: int, status: Mapping[str, Any]) -> type[ClusterError]:
    decided = code < HTTPStatus.INTERNAL_SERVER_ERROR and code != HTTPStatus.TOO_MANY_REQUESTS
    if decided and _DENIED.search(str(status.get("message"))):
        return ObjectInvalid
    match code:
        case 401:
            return ClusterDenied
        case 403:
            return ClusterDenied if _NOT_ALLOWED.search(str(status.get("message"))) else ObjectInvalid
        case 404:
            # A path that is not served has no object to name: plain text, or a Status without details.
            return ObjectMissing if (status.get("details") or {}).get("name") else KindUnknown
        case 409:
            return _conflict(request, status)
        case 410:
            return Expired
        case 422:
            return _invalid(status)
        case 429:
            return ClusterUnavailable
        case _ if code >= HTTPStatus.INTERNAL_SERVER_ERROR:
            return ObjectInvalid if _NOT_TYPED.search(str(status.get("message"))) else ClusterUnavailable
        case _:
            return ObjectInvalid if code in _BAD_BODY else ClusterError


def _conflict(request: Request, status: Mapping[str, Any]) -> type[ClusterError]:
    details = status.get("details") or {}
    if status.get("reason") == "AlreadyExists":
        return ObjectExists
    if any(cause.get("reason") == "FieldManagerConflict" for cause in details.get("causes") or ()):
        return FieldConflict
    if details.get("kind") == "resourcequotas" and "/resourcequotas" not in request.path:
        return ClusterUnavailable  # two creates met at the quota; ours was not carried out
    return VersionConflict


def _invalid(status: Mapping[str, Any]) -> type[ClusterError]:
    causes = (status.get("details") or {}).get("causes") or ()
    if causes and all(cause.get("field") == "metadata.uid" for cause in causes):
        return VersionConflict
    return ObjectInvalid


def _hint(kind: type[ClusterError], code: int, cause: str) -> str:
    if kind is KindUnknown:
        return "is its CustomResourceDefinition installed?"
    if kind is not ClusterDenied:
        return ""
    if code == HTTPStatus.UNAUTHORIZED:
        return "the token or certificate is wrong or has expired"
    if "attempting to grant RBAC" in cause:
        return "an account can only grant rights it has itself"
    return "grant this to the account in a Role or ClusterRole"
