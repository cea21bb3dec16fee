"""What went wrong between us and a Git server, told once, in our own words."""

from __future__ import annotations

import re
import socket
import ssl
from urllib.parse import urlsplit

import pygit2

from gitops import errors
from gitops.git.credentials import App, Credentials, SshKey
from gitops.git.site import Site
from gitops.source import known_hosts

STATUS = re.compile(r"unexpected http status code: (\d+)")
NET_HINT = "check the URL, the proxy (spec.source.proxy, else HTTPS_PROXY and NO_PROXY) and the network policy"

NO_COMMON_KEY = "exchange encryption keys"
"""In libssh2's words when server and client know no common type of key."""


class Stopped(Exception):
    """The caller gave up: a thread in libgit2 is left by raising this from a callback."""


class TooLarge(Exception):
    """The server sent more than we take."""


class BadCredentials(Exception):
    """The server asked again after it had got our credentials, or asked though we have none."""


class Elsewhere(Exception):
    """Somebody other than the site asks for its credentials: a redirect, or a proxy."""


class WrongHost(Exception):
    """The SSH server shows a key that known_hosts does not name for it."""

    def __init__(self, standing: known_hosts.Standing, key: bytes) -> None:
        super().__init__(standing)
        self.standing = standing
        self.key = key


OURS = (BadCredentials, Elsewhere, TooLarge, WrongHost)


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
        case WrongHost():
            return wrong_host(site, error.standing, error.key)
        case TooLarge():
            return errors.SourceError(f"{site.name} is too large", cause=str(error))
        case pygit2.CertificateError():
            return untrusted(site)
        case _:
            return _by_words(site.scrub(str(error)), site)


def _by_words(words: str, site: Site) -> errors.GitOpsError:
    if "out of memory" in words.lower():
        return translate(TooLarge("what it sends takes more memory than is allowed"), site)
    status = STATUS.search(words)
    if status is not None:
        return _by_status(int(status[1]), site)
    if site.local is not None and "failed to resolve path" in words:
        return missing(site)
    if site.scheme == "ssh" and (told := _of_ssh(words, site)):
        return told
    if words.startswith("cannot redirect"):
        return translate(Elsewhere("another address"), site)
    if "authentication" in words:
        return proxy_refused(site) if "proxy" in words else refused(site)
    if "certificate" in words:
        return untrusted(site)
    if "Resource temporarily unavailable" in words or "timed out" in words.lower():
        words = "it did not answer in time"
    through = f" through the proxy {site.proxy.address}" if site.proxy else ""
    return errors.SourceUnavailable(f"cannot reach {site.name}{through}", cause=words, hint=NET_HINT)


def _by_status(status: int, site: Site) -> errors.GitOpsError:
    match status:
        case 407:
            return proxy_refused(site)
        case 401 | 403:
            return refused(site, status)
        case 404 | 410:
            return missing(site)
        case _:
            return errors.SourceUnavailable(f"cannot read {site.name}", cause=f"the server answers {status}")


def refused(site: Site, status: int = 401) -> errors.SourceDenied:
    """The server wants other credentials; the message names the host and never the token."""
    match site.credentials:
        case None:
            return errors.SourceDenied(
                f"{site.host} wants credentials for {site.name}",
                hint="name a Secret with `token`, or `username` and `password`, in spec.source.credentials",
            )
        case SshKey(fingerprint=fingerprint):
            return errors.SourceDenied(
                f"{site.host} refuses the key {fingerprint or 'in the Secret'}",
                hint="is its public half registered there, with read access to this repository? Is the user right?",
            )
        case Credentials(username=username):
            whose = f"the credentials of {username!r}"
        case App(app=app, installation=installation):
            whose = f"the token of GitHub App {app}, installation {installation}"
    return errors.SourceDenied(
        f"{site.host} refuses {whose}",
        cause=f"the server answers {status}",
        hint="is the token expired, revoked, or without read access to this repository?",
    )


def proxy_refused(site: Site) -> errors.SourceDenied:
    """Not the server but the proxy before it says no."""
    address = urlsplit(site.proxy.address).netloc if site.proxy else "in HTTPS_PROXY"
    named = f"the user {site.proxy.username!r}" if site.proxy and site.proxy.username else "a request without a user"
    return errors.SourceDenied(
        f"the proxy {address} refuses {named}",
        cause="it answers 407",
        hint="give the Secret named in spec.source.proxy `username` and `password`",
    )


def wrong_host(site: Site, standing: known_hosts.Standing, key: bytes) -> errors.SourceDenied:
    """The SSH server is not proven to be the one meant; nothing was sent to it."""
    _, host, port = site.origin
    seen = f"{known_hosts.kind(key)} {known_hosts.fingerprint(key)}" if key else "a key of an unknown kind"
    match standing:
        case known_hosts.Standing.UNKNOWN:
            cause = f"it shows {seen}; known_hosts has no line for {known_hosts.written(host, port)}"
        case known_hosts.Standing.REVOKED:
            cause = f"it shows {seen}, which known_hosts revokes"
        case _:
            cause = f"it shows {seen}; known_hosts has another key for {known_hosts.written(host, port)}"
    return errors.SourceDenied(
        f"the host key of {site.host} is {standing}",
        cause=cause,
        hint="compare the fingerprint with the one the server's owner publishes, then put the line into `known_hosts`"
        " of the Secret; the check cannot be skipped",
    )


def _of_ssh(words: str, site: Site) -> errors.GitOpsError | None:
    """What libssh2, and git at the other end, say."""
    if any(told in words for told in ("Unable to extract public key", "Unsupported private key", "Wrong passphrase")):
        return errors.ConfigError(
            f"the SSH key for {site.host} cannot be read",
            cause=words,
            hint="`identity` holds an ed25519, ecdsa or rsa key, `password` its passphrase",
        )
    if "authenticat" in words:
        return refused(site)
    if any(told in words for told in ("does not appear to be a git repository", "not found", "does not exist")):
        return missing(site)
    if "bad packet length" in words:
        return errors.SourceUnavailable(
            f"what answers at {site.name} is not Git",
            hint="may this user run git there? ssh -T USER@HOST tells",
        )
    return None


def missing(site: Site) -> errors.RevisionNotFound:
    """No repository there; servers say the same of one the credentials may not see."""
    if site.local is not None:
        return errors.RevisionNotFound(f"no repository at {site.name}", hint="check the path")
    may = " (or it is hidden from these credentials)" if site.credentials else " (or it wants credentials)"
    cause = "the server answers 404" if site.scheme == "https" else ""
    return errors.RevisionNotFound(f"no repository at {site.name}{may}", cause=cause)


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
