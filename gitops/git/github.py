"""A GitHub App's installation token: asked for with its key, used like a password, kept until it is about to expire.

https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
"""

from __future__ import annotations

import base64
import http.client
import json
import ssl
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gitops import errors
from gitops.git.credentials import App, Credentials
from gitops.git.site import Site

USERNAME = "x-access-token"
SECONDS = 30
MARGIN = 300.0
"""Seconds before its end after which a token is not used any more: a long fetch must not outlive it."""
SKEW = 60
LIFE = 540
LARGEST = 65_536


@dataclass(frozen=True, slots=True)
class _Token:
    credentials: Credentials
    until: float


class Tokens:
    """The tokens of a process, for all its mirrors and threads. `learned` is told every one, so that it is masked."""

    def __init__(
        self, *, now: Callable[[], float] = time.time, learned: Callable[[str], None] = lambda _secret: None
    ) -> None:
        self._now = now
        self._learned = learned
        self._lock = threading.Lock()
        self._known: dict[App, _Token] = {}

    def kept(self, app: App) -> Credentials | None:
        """A token that is still good for a while."""
        with self._lock:
            found = self._known.get(app)
            return found.credentials if found and self._now() < found.until else None

    def fresh(self, app: App, site: Site) -> Credentials:
        """A new token.

        Raises:
            ConfigError: the App's key is none.
            SourceDenied: GitHub does not accept the App, its key or the installation.
            SourceUnavailable: no answer.
        """
        now = self._now()
        answer = _ask(app, site, now)
        credentials = Credentials(username=USERNAME, password=answer.token)
        self._learned(answer.token)
        left = answer.expires - now
        with self._lock:
            self._known[app] = _Token(credentials, answer.expires - min(MARGIN, left / 2))
        return credentials


@dataclass(frozen=True, slots=True)
class _Answer:
    token: str
    expires: float


def _ask(app: App, site: Site, now: float) -> _Answer:
    request = urllib.request.Request(  # noqa: S310  # App.api is checked to be https
        f"{app.api}/app/installations/{app.installation}/access_tokens",
        method="POST",
        data=b"{}",
        headers={
            "Authorization": f"Bearer {claim(app, now)}",
            "Accept": "application/vnd.github+json",
            "Content-Type": "application/json",
            "User-Agent": "gitops-worker",
        },
    )
    try:
        with _opener(site).open(request, timeout=SECONDS) as response:
            return _read(response.read(LARGEST))
    except urllib.error.HTTPError as error:
        with error:
            raise _by_status(error, app, site) from None
    except (OSError, http.client.HTTPException) as error:
        raise _unreached(error, app, site) from None
    except (ValueError, KeyError, TypeError) as error:
        raise errors.SourceUnavailable(f"{app.api} gives no token", cause="its answer cannot be read") from error


def _read(body: bytes) -> _Answer:
    found: dict[str, Any] = json.loads(body)
    return _Answer(str(found["token"]), datetime.fromisoformat(found["expires_at"]).timestamp())


def claim(app: App, now: float) -> str:
    """A JWT (RFC 7519, RS256) that says who asks; good for nine minutes from a minute ago.

    Raises:
        ConfigError: the key is no RSA private key.
    """
    from cryptography.hazmat.primitives import hashes, serialization  # noqa: PLC0415  # only those with an App pay
    from cryptography.hazmat.primitives.asymmetric import padding, rsa  # noqa: PLC0415

    try:
        key = serialization.load_pem_private_key(app.key.encode(), password=None)
    except (ValueError, TypeError):
        key = None
    if not isinstance(key, rsa.RSAPrivateKey):
        raise errors.ConfigError(
            f"githubAppPrivateKey of GitHub App {app.app} is no RSA private key",
            hint="put the whole .pem file that GitHub gave you into the Secret",
        )
    body = {"iat": int(now) - SKEW, "exp": int(now) + LIFE, "iss": app.app}
    signed = b".".join(_coded(json.dumps(part).encode()) for part in ({"alg": "RS256", "typ": "JWT"}, body))
    return (signed + b"." + _coded(key.sign(signed, padding.PKCS1v15(), hashes.SHA256()))).decode()


def _coded(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


class _Nowhere(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the claim is for the configured host alone."""

    def redirect_request(self, *_arguments: Any, **_named: Any) -> None:
        return None


def _opener(site: Site) -> urllib.request.OpenerDirector:
    context = ssl.create_default_context()
    if site.ca:
        context.load_verify_locations(cadata=site.ca)
    proxy = urllib.request.ProxyHandler({"https": site.proxy.url} if site.proxy else None)
    return urllib.request.build_opener(proxy, urllib.request.HTTPSHandler(context=context), _Nowhere)


def _by_status(error: urllib.error.HTTPError, app: App, site: Site) -> errors.SourceError:
    who = f"GitHub App {app.app}, installation {app.installation}"
    match error.code:
        case 401 | 403:
            cause = f"{app.api} answers {error.code}: {_words(error, site)}"
            hint = "do githubAppID and githubAppPrivateKey belong together? Is this machine's clock right?"
            return errors.SourceDenied(f"GitHub refuses {who}", cause=cause, hint=hint)
        case 404 | 422:
            cause = f"{app.api} answers {error.code}: {_words(error, site)}"
            hint = "githubAppInstallationID is the number at the end of the installation's settings page"
            return errors.SourceDenied(f"GitHub does not know {who}", cause=cause, hint=hint)
        case code if 300 <= code < 400:  # noqa: PLR2004  # redirects
            hint = "write the final address into githubAppBaseURL"
            return errors.SourceDenied(f"{app.api} sends us elsewhere", hint=hint)
        case _:
            return errors.SourceUnavailable(f"{app.api} gives no token", cause=f"it answers {error.code}")


def _words(error: urllib.error.HTTPError, site: Site) -> str:
    """GitHub's own explanation."""
    try:
        return site.scrub(str(json.loads(error.read(LARGEST))["message"]))[:200]
    except (OSError, ValueError, KeyError, TypeError):
        return error.reason


def _unreached(error: Exception, app: App, site: Site) -> errors.SourceError:
    reason = getattr(error, "reason", error)
    if isinstance(reason, ssl.SSLCertVerificationError):
        return errors.SourceDenied(
            f"the certificate of {app.api} is not trusted",
            cause=reason.verify_message,
            hint="name a private CA in spec.source.ca; the check cannot be skipped",
        )
    return errors.SourceUnavailable(f"cannot reach {app.api}", cause=site.scrub(str(reason)))
