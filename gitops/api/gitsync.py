"""`GitSync`: which commit of which repository this namespace follows."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta

from gitops.api.meta import (
    API_VERSION,
    SEMVER_RANGE,
    Condition,
    Duration,
    KeyReference,
    LocalReference,
    Metadata,
    Wire,
    Word,
)


class Mode(Word):
    """What happens to a new commit."""

    APPLY = "apply"
    REPORT = "report"


class DriftMode(Word):
    """What happens to drift."""

    REPORT = "report"
    CORRECT = "correct"


class DeletionPolicy(Word):
    """What happens to everything a GitSync owns when the GitSync itself is deleted."""

    DELETE = "Delete"
    ORPHAN = "Orphan"


class Reference(Wire, frozen=True, kw_only=True):
    """What to follow; exactly one field is set."""

    branch: Annotated[str, Meta(description="Follow a branch")] = ""
    tag: Annotated[str, Meta(description="Stay at a tag")] = ""
    semver: Annotated[
        str,
        Meta(
            pattern=f"^$|{SEMVER_RANGE}",
            max_length=256,
            description="Follow the newest tag in a range of versions: `>=1.2.0 <2`, `^1.4`, `1.x`;"
            " pre-releases only if the range names one (`>=1.2.0-0`)",
        ),
    ] = ""
    commit: Annotated[str, Meta(pattern=r"^([0-9a-f]{40})?$", description="Stay at a commit")] = ""


class VerifyMode(Word):
    """Whose signature counts."""

    HEAD = "head"
    TAG = "tag"


class Verification(Wire, frozen=True, kw_only=True):
    """Signatures of people; without a good one nothing is read from a commit."""

    mode: Annotated[
        VerifyMode, Meta(description="head: the commit is signed; tag: the annotated tag that is followed is")
    ] = VerifyMode.HEAD
    secret: Annotated[LocalReference | None, Meta(description="Secret with the keys, instead of a ConfigMap")] = None
    config_map: Annotated[
        LocalReference | None,
        Meta(
            description="ConfigMap with the keys: each value holds lines of an SSH allowed signers file, SSH public"
            " keys, or armored OpenPGP public keys"
        ),
    ] = None


class Source(Wire, frozen=True, kw_only=True):
    """Where configuration comes from."""

    url: Annotated[
        str,
        Meta(
            min_length=1,
            max_length=2048,
            pattern=r"^(https|ssh|file)://",
            description="https://…, ssh://git@… or, if the program was started to allow it, file://…;"
            " never with credentials in it",
        ),
    ]
    ref: Annotated[Reference, Meta(description="Branch, tag, range of versions or commit; default: branch main")] = (
        Reference(branch="main")
    )
    path: Annotated[
        str, Meta(max_length=512, description="Directory of the kustomization, from the repository's root")
    ] = ""
    credentials: Annotated[
        LocalReference | None,
        Meta(
            description="Secret with `token`; or `username` and `password`; or, for ssh, `identity` and `known_hosts`"
            " (and `password` for a passphrase); or `githubAppID`, `githubAppInstallationID`, `githubAppPrivateKey`"
            " (and `githubAppBaseURL`)"
        ),
    ] = None
    proxy: Annotated[
        LocalReference | None,
        Meta(
            description="Secret with the `address` of an HTTP proxy for https, and its `username` and `password`;"
            " default: HTTPS_PROXY and NO_PROXY"
        ),
    ] = None
    verify: Annotated[Verification | None, Meta(description="Read signed commits only")] = None
    ca: Annotated[
        KeyReference | None,
        Meta(description="ConfigMap key with the PEM certificates that sign the server's"),
    ] = None


class DeletionBudget(Wire, frozen=True, kw_only=True):
    """How much one commit may delete without being asked; objects as authored in Git, a pool is one."""

    count: Annotated[int, Meta(ge=0, description="This many always pass")] = 2
    percent: Annotated[int, Meta(ge=0, le=100, description="Above `count`, at most this share of what we own")] = 20


class IgnoredObjects(Wire, frozen=True, kw_only=True):
    """Which objects an ignore rule is about; what is left out means any."""

    kind: Annotated[str, Meta(min_length=1, max_length=63, description="Kind, as in manifests: `Deployment`")]
    group: Annotated[str | None, Meta(description='API group; `""` is the core group')] = None
    namespace: Annotated[str, Meta(max_length=63, description="Namespace")] = ""
    name: Annotated[str, Meta(max_length=253, description="Name; `*` stands for any characters")] = ""


class IgnoreRule(Wire, frozen=True, kw_only=True):
    """Fields others may write, for a time: no drift, not corrected, not taken back by a commit."""

    objects: Annotated[IgnoredObjects, Meta(description="Which objects")]
    paths: Annotated[
        list[Annotated[str, Meta(min_length=2, max_length=512, pattern=r"^[./]")]],
        Meta(
            min_length=1,
            max_length=32,
            description="Fields, with all below them: `.spec.replicas`, `.spec.containers[name=main].image`,"
            " `.metadata.annotations.*`, or JSON Pointers",
        ),
    ]
    owner: Annotated[str, Meta(min_length=1, max_length=128, description="Who answers for the rule")]
    reason: Annotated[str, Meta(min_length=1, max_length=512, description="Why")]
    expires: Annotated[
        str,
        Meta(
            pattern=r"^[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])$",
            description="The last day it holds (UTC): `2027-01-31`; after it the rule hides nothing, and that is said",
        ),
    ]


class GitSyncSpec(Wire, frozen=True, kw_only=True):
    """What to follow and how."""

    source: Annotated[Source, Meta(description="Where configuration comes from")]
    interval: Annotated[Duration, Meta(description="How often the source is asked")] = "1m"
    mode: Annotated[Mode, Meta(description="apply new commits, or report what they would change")] = Mode.APPLY
    drift: Annotated[DriftMode, Meta(description="report drift, or correct it")] = DriftMode.REPORT
    suspend: Annotated[bool, Meta(description="Do nothing until this is false again")] = False
    service_account: Annotated[
        LocalReference | None,
        Meta(
            description="Account in this namespace with whose rights commits are applied, instead of the reconciler's"
        ),
    ] = None
    prune: Annotated[bool, Meta(description="Delete what left Git")] = True
    deletion_budget: Annotated[DeletionBudget, Meta(description="How much one commit may delete")] = DeletionBudget()
    deletion_policy: Annotated[
        DeletionPolicy,
        Meta(
            description="When this GitSync is deleted, delete what it owns, by the same rules as a commit, or leave it"
            " where it is (Orphan)"
        ),
    ] = DeletionPolicy.ORPHAN
    timeout: Annotated[Duration, Meta(description="For waiting until what was applied is healthy")] = "5m"
    ignore: Annotated[
        list[IgnoreRule], Meta(max_length=50, description="Fields left to others, each with owner, reason and last day")
    ] = []


class SyncDrift(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """One drifted path, shortened; the whole report is `gitops drift`."""

    object: str
    path: str
    manager: str = ""


class Correction(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """How hot an object is: how often it was corrected of late, and who wrote to it each time."""

    object: str
    path: Annotated[str, Meta(description="The first path that differed")] = ""
    manager: Annotated[str, Meta(description="The other writer, as far as the cluster names one")] = ""
    count: Annotated[int, Meta(description="Corrections in a row, each followed by drift again")] = 0
    at: Annotated[str, Meta(description="When it was last corrected (RFC 3339)")] = ""


class Rollback(Wire, frozen=True, kw_only=True, omit_defaults=False):
    """A rollback: `pinned` is not applied again by itself, a newer commit is."""

    pinned: Annotated[str, Meta(description="The newest revision when it was rolled back: not applied again by itself")]
    to: Annotated[str, Meta(description="The revision applied instead")]
    by: Annotated[str, Meta(description="Who did it")] = ""
    at: Annotated[str, Meta(description="When (RFC 3339)")] = ""


class GitSyncStatus(Wire, frozen=True, kw_only=True):
    """Where the sync stands."""

    observed_generation: int = 0
    last_attempted_revision: Annotated[str, Meta(description="The revision last tried")] = ""
    last_applied_revision: Annotated[
        str, Meta(description="The revision whose objects were last applied completely")
    ] = ""
    refused_revision: Annotated[str, Meta(description="The revision a guard refused; not tried again by itself")] = ""
    rollback: Annotated[Rollback | None, Meta(description="Set after a rollback, until a newer commit is applied")] = (
        None
    )
    last_checked_at: Annotated[str, Meta(description="When live was last compared (RFC 3339)")] = ""
    objects: Annotated[int, Meta(description="Objects in the inventory")] = 0
    drift: Annotated[list[SyncDrift], Meta(description="What differs from the revision last applied (first 20)")] = []
    ignored: Annotated[int, Meta(description="Paths that differ and that an ignore rule leaves to others")] = 0
    corrections: Annotated[
        list[Correction], Meta(description="What was corrected of late (drift: correct), hottest first")
    ] = []
    conditions: Annotated[list[Condition], Meta(description="Ready, Reconciling, Stalled, Drifted")] = []


class GitSync(Wire, frozen=True, kw_only=True):
    """Follows a Git repository and makes this cluster what it says."""

    api_version: str = API_VERSION
    kind: str = "GitSync"
    metadata: Metadata = Metadata()
    spec: GitSyncSpec
    status: GitSyncStatus = GitSyncStatus()
