from __future__ import annotations

import asyncio.sslproto
import socket
import ssl

import pytest

from gitops.cluster import tls
from gitops.cluster.settings import Certificate, Trust
from gitops.errors import ConfigError


def test_nothing_is_skipped_unless_said() -> None:
    made = tls.context(Trust(), None, "a file")
    assert made.verify_mode is ssl.CERT_REQUIRED
    assert made.check_hostname
    assert tls.context(Trust(insecure=True), None, "a file").verify_mode is ssl.CERT_NONE


def test_a_connection_takes_a_small_buffer() -> None:
    tls.context(Trust(), None, "a file")
    assert asyncio.sslproto.SSLProtocol.max_size <= 64 * 1024


@pytest.mark.parametrize(
    ("trust", "certificate", "words"),
    [
        (Trust(authority=b"nonsense"), None, "the certificate authority is not PEM: a file"),
        (Trust(), Certificate(certificate=b"x", key=b"s3cret"), "certificate and key are not usable: a file"),
    ],
)
def test_what_is_not_pem_is_named(trust: Trust, certificate: Certificate | None, words: str) -> None:
    with pytest.raises(ConfigError, match=words) as caught:
        tls.context(trust, certificate, "a file")
    assert "s3cret" not in str(caught.value)


def test_a_socket_notices_a_dead_peer() -> None:
    with tls.open_socket((socket.AF_INET, socket.SOCK_STREAM, 0, "", ("127.0.0.1", 1)), unheard=10) as made:
        assert made.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        if hasattr(socket, "TCP_USER_TIMEOUT"):
            assert made.getsockopt(socket.IPPROTO_TCP, socket.TCP_USER_TIMEOUT) == 10_000
