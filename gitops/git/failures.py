"""What went wrong between us and a Git server, told once, in our own words."""

from __future__ import annotations

import re
import socket
import ssl

import pygit2

from gitops import errors
from gitops.git.site import Site

STATUS = re.compile(r"unexpected http status code: (\d+)")
NET_HINT = "check the URL, the proxy (HTTPS_PROXY, NO_PROXY) and the network policy"


class Stopped(Exception):
    """The caller gave up: a thread in libgit2 is left by raising this from a callback."""


class TooLarge(Exception):
    """The server sent more than we take."""


class BadCredentials(Exception):
    """The server asked again after it had got our credentials, or asked though we have none."""


class Elsewhere(Exception):
    """Somebody other than the site asks for its credentials: a redirect, or a proxy."""


OURS = (BadCredentials, Elsewhere, TooLarge)


def translate(error: Exception, site: Site) -> errors.GitOpsError:
    """The error a person gets for what libgit2, or a callback of ours, raised while talking to the site."""
    match error:
        case errors.GitOpsError():
            return error
        case BadCredentials():
            return refused(site)
        case Elsewhere():
            return errors.SourceDenied(
                f"{site.host} sent us to {error}",
                cause="credentials are given to the configured host alone",
                hint="write the final address in the URL",
            )
        case TooLarge():
            return errors.SourceError(f"{site.name} is too large", cause=str(error))
        case pygit2.CertificateError():
            return untrusted(site)
        case _:
            return _by_words(site.scrub(str(error)), site)


def _by_words(words: str, site: Site) -> errors.GitOpsError:
    status = STATUS.search(words)
    if status is not None:
        return _by_status(int(status[1]), site)
    if site.local is not None and "failed to resolve path" in words:
        return missing(site)
    if words.startswith("cannot redirect"):
        return translate(Elsewhere("another address"), site)
    if "authentication" in words:
        return refused(site)
    if "certificate" in words:
        return untrusted(site)
    if "Resource temporarily unavailable" in words or "timed out" in words.lower():
        words = "it did not answer in time"
    return errors.SourceUnavailable(f"cannot reach {site.name}", cause=words, hint=NET_HINT)


def _by_status(status: int, site: Site) -> errors.GitOpsError:
    match status:
        case 401 | 403 | 407:
            return refused(site, status)
        case 404 | 410:
            return missing(site)
        case _:
            return errors.SourceUnavailable(f"cannot read {site.name}", cause=f"the server answers {status}")


def refused(site: Site, status: int = 401) -> errors.SourceDenied:
    """The server wants other credentials; the message names the host and never the token."""
    if site.credentials is None:
        return errors.SourceDenied(
            f"{site.host} wants credentials for {site.name}",
            hint="name a Secret with `token`, or `username` and `password`, in spec.source.credentials",
        )
    return errors.SourceDenied(
        f"{site.host} refuses the credentials of {site.credentials.username!r}",
        cause=f"the server answers {status}",
        hint="is the token expired, revoked, or without read access to this repository?",
    )


def missing(site: Site) -> errors.RevisionNotFound:
    """No repository there; servers say the same of one the credentials may not see."""
    if site.local is not None:
        return errors.RevisionNotFound(f"no repository at {site.name}", hint="check the path")
    may = " (or it is hidden from these credentials)" if site.credentials else " (or it wants credentials)"
    return errors.RevisionNotFound(f"no repository at {site.name}{may}", cause="the server answers 404")


def untrusted(site: Site) -> errors.SourceDenied:
    """The server's certificate does not verify; why, as far as a second handshake of our own can tell."""
    return errors.SourceDenied(
        f"the certificate of {site.host} is not trusted",
        cause=_handshake(site),
        hint="name a private CA in spec.source.ca (gitops install: --git-ca-file); the check cannot be skipped",
    )


def _handshake(site: Site) -> str:
    """OpenSSL's own words; libgit2 passes on only that it said no. Nothing but the handshake is sent."""
    host, _, port = site.host.rpartition(":") if re.search(r":\d+$", site.host) else (site.host, "", "443")
    context = ssl.create_default_context()
    if site.ca:
        context.load_verify_locations(cadata=site.ca)
    host = host.strip("[]")
    try:
        with (
            socket.create_connection((host, int(port)), timeout=5) as plain,
            context.wrap_socket(plain, server_hostname=host),
        ):
            return "it does not verify"
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    except OSError as error:
        return f"it does not verify, and now the handshake fails: {error}"
