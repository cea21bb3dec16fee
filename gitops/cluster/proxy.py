"""Which proxy, if any, leads to the API server: HTTPS_PROXY and NO_PROXY as Go reads them, address ranges included."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping
from urllib.parse import urlsplit


def of(server: str, environ: Mapping[str, str]) -> str:
    """The proxy's URL for this server, or nothing."""
    url = urlsplit(server)
    host = url.hostname or ""
    name = "HTTPS_PROXY" if url.scheme == "https" else "HTTP_PROXY"
    proxy = environ.get(name) or environ.get(name.lower()) or ""
    excluded = environ.get("NO_PROXY") or environ.get("no_proxy") or ""
    if not proxy or _is_local(host) or any(_covers(entry.strip(), host) for entry in excluded.split(",")):
        return ""
    return proxy if "://" in proxy else f"http://{proxy}"


def _is_local(host: str) -> bool:
    address = _address(host)
    return host == "localhost" or (address is not None and address.is_loopback)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(text)
    except ValueError:
        return None


def _covers(entry: str, host: str) -> bool:
    if not entry:
        return False
    address = _address(host)
    if address is not None:
        try:
            return address in ipaddress.ip_network(entry, strict=False)
        except ValueError:
            return entry == "*"
    suffix = entry.removeprefix("*").removeprefix(".")
    return entry == "*" or host == suffix or host.endswith(f".{suffix}")
