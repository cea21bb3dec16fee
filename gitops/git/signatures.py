"""Whether a commit, or the tag that is followed, is signed by somebody who counts."""

from __future__ import annotations

from gitops import errors
from gitops.git import gpg
from gitops.report import redact
from gitops.source import known_hosts, signed, signers, sshsig
from gitops.source.signed import Form, Signed


def check(found: Signed, policy: signers.Policy, *, what: str, moment: int) -> str:
    """Who signed it. `what` names it in errors; `moment` is when its author says it was made.

    Raises:
        SignatureInvalid: not signed, not rightly, or by a key that does not count.
        ConfigError: an OpenPGP signature, and no gpg.
    """
    match found.form:
        case Form.SSH:
            return _ssh(found, policy, what, moment)
        case Form.OPENPGP:
            return _openpgp(found, policy, what)
        case Form.NONE:
            raise errors.SignatureInvalid(
                f"{what} is not signed",
                cause="spec.source.verify wants a signature",
                hint=f"sign it with {_wanted(policy)}: git commit -S, git tag -s",
            )
        case Form.X509 | Form.UNKNOWN:
            raise errors.SignatureInvalid(
                f"{what} has a signature of a kind that is not verified",
                cause=found.form,
                hint="sign with SSH or OpenPGP",
            )


def _ssh(found: Signed, policy: signers.Policy, what: str, moment: int) -> str:
    try:
        signature = sshsig.read(found.signature)
    except sshsig.Malformed as error:
        raise _refused(what, "a key that cannot be told", f"the signature cannot be read: {error}", policy) from error
    key = f"{known_hosts.kind(signature.key)} {known_hosts.fingerprint(signature.key)}"
    if not sshsig.holds(signature, found.payload, namespace=signers.NAMESPACE):
        raise _refused(what, key, "it was made for other content, or for another purpose than Git", policy)
    known = [signer for signer in policy.signers if signer.key == signature.key]
    if not known:
        raise _refused(what, key, "this key is not one of those that count", policy)
    counting = [signer for signer in known if signer.counts_at(moment)]
    if not counting:
        raise _refused(what, f"{key} ({known[0].name})", "this key does not count at the time it was made", policy)
    return f"{counting[0].name} ({key})".lstrip()


def _openpgp(found: Signed, policy: signers.Policy, what: str) -> str:
    if not policy.openpgp and not gpg.installed():
        raise _refused(what, "an OpenPGP key", "none counts, SSH keys do", policy)
    finding = gpg.verify(found.signature, found.payload, policy.openpgp)
    key = f"OpenPGP {finding.key or 'key that cannot be told'}"
    if finding.name:
        key += f" ({finding.name})"
    if finding.wrong:
        raise _refused(what, key, finding.wrong, policy)
    return key


def _refused(what: str, key: str, why: str, policy: signers.Policy) -> errors.SignatureInvalid:
    return errors.SignatureInvalid(
        f"the signature of {what} does not count: {redact.plain(key)}", cause=why, hint=f"it must be {_wanted(policy)}"
    )


def _wanted(policy: signers.Policy) -> str:
    """The keys that count, in few words."""
    names = [f"{one.name or 'a key'} ({known_hosts.fingerprint(one.key)})" for one in policy.signers[:3]]
    if policy.openpgp:
        names.append(f"one of {len(policy.openpgp)} OpenPGP keys" if len(policy.openpgp) > 1 else "the OpenPGP key")
    more = len(policy.signers) - 3
    return redact.plain(" or ".join(names)) + (f" or {more} more" if more > 0 else "")


def of_commit(raw: bytes, policy: signers.Policy, *, what: str) -> str:
    """Who signed a commit object."""
    return check(signed.of_commit(raw), policy, what=what, moment=signed.committed_at(raw))


def of_tag(raw: bytes, policy: signers.Policy, *, name: str) -> str:
    """Who signed a tag object, which must be the tag of that name.

    Raises:
        SignatureInvalid: also if the object was made as another tag: a signed v1 put where v2 should be.
    """
    own = signed.tag_object(raw)
    if not own.target:
        raise errors.SignatureInvalid(
            f"tag {name} is not signed",
            cause="it is a lightweight tag, a mere name for a commit",
            hint="spec.source.verify.mode: tag wants git tag -s",
        )
    who = check(signed.of_tag(raw), policy, what=f"tag {name}", moment=own.tagged_at)
    if own.name != name:
        raise errors.SignatureInvalid(
            f"the signed tag behind {name} is {redact.plain(own.name)!r}",
            cause="somebody put the object of one tag in the place of another",
            hint="tag it anew: git tag -s",
        )
    return who
