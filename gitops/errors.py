"""Every error this program can tell a person about, in one tree.

    GitOpsError
    ├── ConfigError                a person must edit a file
    │   └── BuildError             the configuration cannot be rendered
    ├── SourceError                where configuration comes from
    │   ├── SourceUnavailable *    server not reachable
    │   ├── SourceDenied           credentials missing or refused
    │   ├── SignatureInvalid       not signed, or by nobody we know
    │   └── RevisionNotFound       no such branch, tag, commit or path
    ├── ClusterError               the Kubernetes API
    │   ├── ClusterUnavailable *   not reachable, overloaded, or answering 5xx
    │   ├── ClusterDenied          401 or 403
    │   ├── KindUnknown            no such kind on the server (yet)
    │   ├── ObjectMissing          404
    │   ├── ObjectExists           409 AlreadyExists
    │   ├── FieldConflict          409 from server-side apply: another manager owns a field
    │   ├── VersionConflict *      409: the object moved, or is another one
    │   └── ObjectInvalid          422, and 400 of a schema
    ├── Refused                    a guard says no: nothing was written
    │   ├── PlanStale              the cluster moved since the plan was made
    │   └── OwnsReconciler         a GitSync that is deleted owns what its own reconciler runs on
    ├── LogStoreUnavailable *      the store of operation logs cannot be reached, or refuses
    ├── DownloadError              a file that an operation names by its address
    │   ├── DownloadUnavailable *  no answer, 5xx, or it broke off
    │   └── DownloadRefused        404, another digest, too large, or an address that is not allowed
    ├── OperationError             an operation did not succeed
    ├── TimedOut                   a wait ended without what it waited for
    └── SeveralErrors              more than one of the above

    * worth trying again by itself

Raised where it happens, chained with `from`, and translated once: to a condition, an event or an exit code.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, ClassVar

from gitops.location import Location
from gitops.ref import ResourceRef

MAX_MESSAGE = 1_000
MAX_CAUSE = 10_000
"""Characters. Both may quote what stands in a file, and what stands there may be endless."""


def _clipped(text: str, most: int) -> str:
    half = most // 2
    return text if len(text) <= most else f"{text[:half]} … {text[-half:]}"


class GitOpsError(Exception):
    """What failed (`message`), why (`cause`), where (`location`, `ref`) and what to try (`hint`).

    `reason` is CamelCase and the same word in a condition, an event, a metric label and JSON.
    """

    reason: ClassVar[str] = "Error"
    exit_code: ClassVar[int] = 2
    retry: ClassVar[bool] = False

    def __init__(
        self,
        message: str,
        *,
        cause: str = "",
        hint: str = "",
        location: Location | None = None,
        ref: ResourceRef | None = None,
    ) -> None:
        message = _clipped(message, MAX_MESSAGE)
        super().__init__(message)
        self.message = message
        self.cause = _clipped(cause, MAX_CAUSE)
        self.hint = hint
        self.location = location
        self.ref = ref

    def __str__(self) -> str:
        where = f"{self.location}: " if self.location else ""
        why = f": {self.cause}" if self.cause else ""
        return f"{where}{self.message}{why}"


class ConfigError(GitOpsError):
    """A file in the repository, or an argument, must be edited by a person."""

    reason = "ConfigInvalid"


class BuildError(ConfigError):
    """The configuration cannot be rendered."""

    reason = "BuildFailed"


class SourceError(GitOpsError):
    """Configuration could not be read from where it comes from."""

    reason = "SourceFailed"
    exit_code = 3


class SourceUnavailable(SourceError):
    """The Git server cannot be reached or broke off."""

    reason = "SourceUnavailable"
    retry = True


class SourceDenied(SourceError):
    """The Git server wants other credentials, or its certificate is not trusted."""

    reason = "SourceDenied"
    exit_code = 4


class SignatureInvalid(SourceError):
    """The commit or tag is not signed, or not by a key that counts; nothing is read from it."""

    reason = "SignatureInvalid"
    exit_code = 5


class RevisionNotFound(SourceError):
    """The branch, tag, commit or path is not in the repository."""

    reason = "RevisionNotFound"
    exit_code = 2


class ClusterError(GitOpsError):
    """The Kubernetes API server did not do what was asked; `status` is its Status object, if it sent one."""

    reason = "ClusterFailed"
    exit_code = 3

    def __init__(
        self,
        message: str,
        *,
        cause: str = "",
        hint: str = "",
        location: Location | None = None,
        ref: ResourceRef | None = None,
        status: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message, cause=cause, hint=hint, location=location, ref=ref)
        self.status: Mapping[str, Any] = status or {}

    @property
    def causes(self) -> Sequence[Mapping[str, Any]]:
        """The server's `details.causes`: reason, message and field of each violated rule."""
        causes: Sequence[Mapping[str, Any]] = (self.status.get("details") or {}).get("causes") or ()
        return causes


class ClusterUnavailable(ClusterError):
    """No connection, a time-out, 429 or 5xx; `retry_after` is the server's wish in seconds, 0 if it had none.

    `ambiguous`: the request may have been carried out all the same (an answer was lost, or broke off). False means
    that it certainly was not.
    """

    reason = "ClusterUnavailable"
    retry = True
    retry_after: float = 0.0
    ambiguous: bool = False


class ClusterDenied(ClusterError):
    """401 or 403: who asked for what is in the message."""

    reason = "ClusterDenied"
    exit_code = 4


class KindUnknown(ClusterError):
    """The server serves no such kind: its CRD is missing or not established yet."""

    reason = "KindUnknown"


class ObjectMissing(ClusterError):
    """404: the object, or the namespace it would be in, does not exist."""

    reason = "ObjectMissing"


class ObjectExists(ClusterError):
    """409 AlreadyExists on a create."""

    reason = "ObjectExists"
    exit_code = 5


class FieldConflict(ClusterError):
    """Server-side apply: another manager owns a field we would change."""

    reason = "FieldConflict"
    exit_code = 5


class VersionConflict(ClusterError):
    """The object changed, or was deleted and made again, since it was read."""

    reason = "VersionConflict"
    exit_code = 5
    retry = True


class ObjectInvalid(ClusterError):
    """The server's validation or an admission policy refuses the object."""

    reason = "ObjectInvalid"
    exit_code = 2


class Refused(GitOpsError):
    """A guard refuses; nothing was written."""

    reason = "Refused"
    exit_code = 5


class PlanStale(Refused):
    """The cluster is not what the plan was made against."""

    reason = "PlanStale"


class OwnsReconciler(Refused):
    """The GitSync is being deleted and owns what its own reconciler runs on, which would stop half-way."""

    reason = "OwnsReconciler"


class LogStoreUnavailable(GitOpsError):
    """The store of operation logs cannot be reached, or does not let us in."""

    reason = "LogStoreUnavailable"
    exit_code = 3
    retry = True


class DownloadError(GitOpsError):
    """A file that an operation names by its address did not come; no message has the address' query."""

    reason = "DownloadFailed"
    exit_code = 3


class DownloadUnavailable(DownloadError):
    """The server gives no answer, one that asks for patience, or breaks off; `retry_after` is its wish in seconds."""

    reason = "DownloadUnavailable"
    retry = True
    retry_after: float = 0.0


class DownloadRefused(DownloadError):
    """What the address gives is certain and not what was asked for, or the address is not allowed."""

    reason = "DownloadRefused"
    exit_code = 5


class OperationError(GitOpsError):
    """An operation did not succeed."""

    reason = "OperationFailed"
    exit_code = 1


class TimedOut(GitOpsError):
    """A wait ended without what it waited for."""

    reason = "TimedOut"
    exit_code = 124


class SeveralErrors(GitOpsError):
    """More than one error at once; its exit code is that of the first."""

    reason = "SeveralErrors"

    def __init__(self, errors: Sequence[GitOpsError]) -> None:
        super().__init__(f"{len(errors)} errors, the first: {errors[0]}")
        self.errors = tuple(errors)
        self.exit_code = errors[0].exit_code  # type: ignore[misc]
        self.retry = all(error.retry for error in errors)  # type: ignore[misc]

    def __reduce__(self) -> tuple[type[SeveralErrors], tuple[Sequence[GitOpsError]]]:
        """How it comes out of a process: an exception is made anew from its message otherwise."""
        return type(self), (self.errors,)


def singles(error: GitOpsError) -> Iterator[GitOpsError]:
    """The single errors in an error."""
    if isinstance(error, SeveralErrors):
        for one in error.errors:
            yield from singles(one)
    else:
        yield error


def flatten(group: BaseExceptionGroup[GitOpsError]) -> GitOpsError:
    """The errors of a task group as one error: itself if there is only one."""
    found = tuple(_leaves(group))
    return found[0] if len(found) == 1 else SeveralErrors(found)


def _leaves(group: BaseExceptionGroup[GitOpsError]) -> Iterator[GitOpsError]:
    for error in group.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from _leaves(error)
        else:
            yield error
