"""Sockets and TLS: whom we believe, and connections that notice a dead peer."""

from __future__ import annotations

import asyncio.sslproto
import socket
import ssl
import tempfile

import aiohttp

from gitops.cluster.settings import Certificate, Trust
from gitops.errors import ConfigError

# One receive buffer a connection; asyncio's 256 KiB costs 320 KiB for every followed log, 64 KiB costs 124 KiB,
# and a log line is far smaller (worker-peers.md 7.3 measured both).
_RECEIVE_BUFFER = 64 * 1024

# Seconds, seconds, probes, milliseconds: a load balancer that forgot a connection is noticed in 35 s, not 15 minutes.
_KEEPALIVE = (("TCP_KEEPIDLE", 20), ("TCP_KEEPINTVL", 5), ("TCP_KEEPCNT", 3))


def context(trust: Trust, certificate: Certificate | None, origin: str) -> ssl.SSLContext:
    """What TLS connections believe and show; `origin` names the configuration in errors.

    Raises:
        ConfigError: a certificate or key that cannot be read.
    """
    try:
        authority = trust.authority.decode("ascii") or None
        made = ssl.create_default_context(cadata=authority)
    except (ssl.SSLError, UnicodeDecodeError) as error:
        raise ConfigError("the certificate authority is not PEM", cause=f"{origin}: {error}") from error
    # Python 3.13 refuses authorities without a key identifier, which Go programs and older clusters do not write.
    made.verify_flags &= ~ssl.VERIFY_X509_STRICT
    if trust.insecure:
        made.check_hostname = False
        made.verify_mode = ssl.CERT_NONE
    if certificate:
        present(made, certificate, origin)
    limit_receive_buffer()
    return made


def present(made: ssl.SSLContext, certificate: Certificate, origin: str) -> None:
    """Show this client certificate on connections opened from now on.

    Raises:
        ConfigError: the certificate and key do not fit together.
    """
    # The ssl module reads files only; a temporary file is readable by its owner alone and gone at once.
    with tempfile.NamedTemporaryFile() as file:
        file.write(certificate.certificate + b"\n" + certificate.key)
        file.flush()
        try:
            made.load_cert_chain(file.name)
        except ssl.SSLError as error:
            raise ConfigError("the client certificate and key are not usable", cause=f"{origin}: {error}") from error


def open_socket(address: aiohttp.AddrInfoType, *, unheard: int) -> socket.socket:
    """A socket whose kernel probes a silent peer, as HTTP/1.1 itself cannot.

    It gives up on one that takes nothing for `unheard` seconds.
    """
    family, kind, protocol = address[:3]
    made = socket.socket(family, kind, protocol)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, value in (*_KEEPALIVE, ("TCP_USER_TIMEOUT", unheard * 1000)):
        option = getattr(socket, name, None)  # Linux has all four, other systems some
        if option is not None:
            made.setsockopt(socket.IPPROTO_TCP, option, value)
    made.setblocking(False)  # noqa: FBT003 - the standard library's signature
    return made


def limit_receive_buffer() -> None:
    """Have asyncio's TLS connections take a smaller buffer from now on; harmless where there is no such setting."""
    protocol = asyncio.sslproto.SSLProtocol
    if getattr(protocol, "max_size", 0) > _RECEIVE_BUFFER:
        protocol.max_size = _RECEIVE_BUFFER
