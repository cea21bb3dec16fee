"""The mirror through a proxy, over a line that breaks, and as a GitHub App."""

from __future__ import annotations

import base64
import json
import os
import ssl
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

from gitops import errors
from gitops.api.gitsync import Reference
from gitops.git import credentials, github, site
from gitops.git.mirror import Mirror
from tests.cluster import between
from tests.cluster.gitserver import LocalGitServer
from tests.contract.hosting import Bare

pytestmark = pytest.mark.integration
MAIN = Reference(branch="main")
FILES = {"base/pool.yaml": b"a: 1\n"}
PRIVATE = rsa.generate_private_key(65537, 2048)
PEM = PRIVATE.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalGitServer]:
    with LocalGitServer(tmp_path_factory.mktemp("git")) as running:
        yield running


class Place:
    """One repository on the server, and mirrors of it."""

    def __init__(self, server: LocalGitServer, directory: Path) -> None:
        self.server = server
        self.directory = directory
        self.hosted = Bare(server.create_repo(directory.name), self.mirror())

    def mirror(
        self,
        *,
        login: credentials.Login | None = None,
        proxy: site.Proxy | None = None,
        port: int = 0,
        tokens: github.Tokens | None = None,
    ) -> Mirror:
        url = self.server.url(self.directory.name).replace(str(self.server.port), str(port or self.server.port))
        where = site.site(
            url,
            credentials=login or site.Credentials(password=self.server.token),
            ca=self.server.ca_file.read_text(),
            proxy=proxy,
        )
        return Mirror(self.directory / "mirrors", where, tokens=tokens)


@pytest.fixture
def place(server: LocalGitServer, tmp_path: Path) -> Place:
    return Place(server, tmp_path)


async def _refusal(mirror: Mirror) -> errors.GitOpsError:
    with pytest.raises(errors.GitOpsError) as caught:
        await mirror.resolve(MAIN)
    return caught.value


def _said(error: errors.GitOpsError) -> str:
    return f"{error!r} {error} {error.cause} {error.hint} {error.__cause__!r} {error.__context__!r}"


def _through(seen: between.Proxied, *, user: str = "", password: str = "") -> site.Proxy:
    return site.Proxy(address=f"http://127.0.0.1:{seen.port}", username=user, password=password)


async def test_everything_goes_through_the_proxy_that_is_named_and_it_sees_no_token(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    with between.proxy() as seen:
        mirror = place.mirror(proxy=_through(seen))
        assert await mirror.resolve(MAIN) == pushed
        await mirror.fetch(pushed)
        assert (await mirror.tree(pushed)).names("") == ("base",)
    assert seen.let_through >= 2
    told = "\n".join(seen.seen)
    assert place.server.token not in told
    assert base64.b64encode(f"git:{place.server.token}".encode()).decode() not in told


async def test_a_proxy_that_wants_a_user_gets_its_own_and_no_other(place: Place) -> None:
    pushed = place.hosted.push(FILES)
    with between.proxy(user="ada@corp", password="proxy:p/ss") as seen:
        assert await place.mirror(proxy=_through(seen, user="ada@corp", password="proxy:p/ss")).resolve(MAIN) == pushed
        for user, password in (("ada@corp", "wrong-password"), ("", "")):
            error = await _refusal(place.mirror(proxy=_through(seen, user=user, password=password)))
            assert isinstance(error, errors.SourceDenied)
            assert error.message.startswith(f"the proxy 127.0.0.1:{seen.port} refuses")
            assert "spec.source.proxy" in error.hint
            assert "wrong-password" not in _said(error)
            assert place.server.token not in _said(error)


async def test_a_proxy_that_is_not_there_is_named(place: Place) -> None:
    proxy = site.Proxy(address="http://127.0.0.1:1", username="ada", password="do-not-show")
    error = await _refusal(place.mirror(proxy=proxy))
    assert isinstance(error, errors.SourceUnavailable)
    assert error.message.endswith("through the proxy http://127.0.0.1:1")
    assert "do-not-show" not in _said(error)


async def test_a_pack_that_breaks_off_is_tried_again_and_leaves_what_was_there(place: Place) -> None:
    first = place.hosted.push(FILES)
    with between.line_to(place.server.port) as (port, line):
        mirror = place.mirror(port=port)
        await mirror.fetch(first)
        second = place.hosted.push({"noise": os.urandom(3_000_000)})
        line.limit = 1_000_000
        with pytest.raises(errors.SourceUnavailable) as caught:
            await mirror.fetch(second)
        assert caught.value.retry
        assert (await mirror.tree(first)).read("base/pool.yaml") == b"a: 1\n"
        with pytest.raises(errors.RevisionNotFound):
            await mirror.tree(second)
        line.limit = None
        await mirror.fetch(second)
        assert len((await mirror.tree(second)).read("noise")) == 3_000_000


@pytest.fixture
def app_service(server: LocalGitServer) -> Iterator[between.GitHub]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(server.home / "tls" / "git.crt", server.home / "tls" / "git.key")
    with between.github(tls) as service:
        service.token = lambda: server.token
        yield service


def _app(service: between.GitHub, key: bytes = PEM) -> credentials.Login:
    return credentials.from_secret(
        {
            "githubAppID": b"4711",
            "githubAppInstallationID": b"99",
            "githubAppPrivateKey": key,
            "githubAppBaseURL": service.url.encode(),
        }
    )


async def test_an_app_exchanges_its_key_for_a_token_and_keeps_it(place: Place, app_service: between.GitHub) -> None:
    pushed = place.hosted.push(FILES)
    learned: list[str] = []
    tokens = github.Tokens(learned=learned.append)
    mirror = place.mirror(login=_app(app_service), tokens=tokens)
    assert await mirror.resolve(MAIN) == pushed
    await mirror.fetch(pushed)
    assert await place.mirror(login=_app(app_service), tokens=tokens).resolve(MAIN) == pushed
    assert learned == [place.server.token]
    [(path, headers)] = app_service.asked
    assert path == "/app/installations/99/access_tokens"
    _check_claim(headers["Authorization"].removeprefix("Bearer "))


def _check_claim(claim: str) -> None:
    """Three parts, signed by the App's key, good for less than ten minutes (GitHub's limit)."""
    head, body, signature = (base64.urlsafe_b64decode(part + "==") for part in claim.split("."))
    PRIVATE.public_key().verify(signature, claim.rpartition(".")[0].encode(), padding.PKCS1v15(), hashes.SHA256())
    assert json.loads(head) == {"alg": "RS256", "typ": "JWT"}
    told = json.loads(body)
    assert told["iss"] == "4711"
    assert 0 < told["exp"] - told["iat"] <= 600


async def test_a_token_is_renewed_before_it_expires(place: Place, app_service: between.GitHub) -> None:
    place.hosted.push(FILES)
    now = [1_000_000_000.0]
    mirror = place.mirror(login=_app(app_service), tokens=github.Tokens(now=lambda: now[0]))
    await mirror.resolve(MAIN)
    await mirror.resolve(MAIN)
    assert len(app_service.asked) == 1
    now[0] += 10**9
    await mirror.resolve(MAIN)
    assert len(app_service.asked) == 2


async def test_a_token_that_expires_midway_is_replaced_once(place: Place, app_service: between.GitHub) -> None:
    first = place.hosted.push(FILES)
    mirror = place.mirror(login=_app(app_service), tokens=github.Tokens())
    await mirror.resolve(MAIN)
    old = place.server.token
    place.server.token_file.write_text("another-token")
    try:
        await mirror.fetch(first)
        assert len(app_service.asked) == 2
        app_service.token = lambda: "revoked-token-do-not-show"
        place.server.token_file.write_text("a-third-token")
        error = await _refusal(mirror)
        assert isinstance(error, errors.SourceDenied)
        assert "revoked-token-do-not-show" not in _said(error)
    finally:
        place.server.token_file.write_text(old)


@pytest.mark.parametrize(
    ("status", "kind", "words"),
    [
        (401, errors.SourceDenied, "GitHub refuses GitHub App 4711, installation 99"),
        (404, errors.SourceDenied, "GitHub does not know GitHub App 4711, installation 99"),
        (301, errors.SourceDenied, "sends us elsewhere"),
        (502, errors.SourceUnavailable, "gives no token"),
    ],
)
async def test_what_github_answers_is_said(
    place: Place, app_service: between.GitHub, status: int, kind: type[errors.SourceError], words: str
) -> None:
    app_service.status = status
    error = await _refusal(place.mirror(login=_app(app_service)))
    assert type(error) is kind
    assert words in error.message
    claims = [headers["Authorization"].removeprefix("Bearer ") for _, headers in app_service.asked]
    assert claims
    assert not any(claim in _said(error) for claim in claims)


async def test_a_token_of_a_short_life_is_used_all_the_same(place: Place, app_service: between.GitHub) -> None:
    pushed = place.hosted.push(FILES)
    app_service.life = timedelta(minutes=2)
    mirror = place.mirror(login=_app(app_service), tokens=github.Tokens())
    assert await mirror.resolve(MAIN) == pushed
    assert await mirror.resolve(MAIN) == pushed
    assert len(app_service.asked) == 1


async def test_an_app_is_asked_about_through_the_proxy_too(place: Place, app_service: between.GitHub) -> None:
    pushed = place.hosted.push(FILES)
    with between.proxy() as seen:
        assert await place.mirror(login=_app(app_service), proxy=_through(seen)).resolve(MAIN) == pushed
    assert any(app_service.url.removeprefix("https://") in line for line in seen.seen)


async def test_a_key_that_is_none_is_said_so_and_not_shown(place: Place, app_service: between.GitHub) -> None:
    error = await _refusal(place.mirror(login=_app(app_service, b"secret-key-do-not-show")))
    assert isinstance(error, errors.ConfigError)
    assert "secret-key-do-not-show" not in _said(error)
    assert app_service.asked == []


async def test_the_token_service_must_be_trusted(
    place: Place, app_service: between.GitHub, server: LocalGitServer
) -> None:
    where = site.site(server.url(place.directory.name), credentials=_app(app_service))
    error = await _refusal(Mirror(place.directory / "untrusting", where))
    assert isinstance(error, errors.SourceDenied)
    assert error.message == f"the certificate of {app_service.url} is not trusted"
