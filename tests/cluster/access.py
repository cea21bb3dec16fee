"""Ways into one API server: a user per client, and the requests each of them made."""

from __future__ import annotations

import datetime as dt
import http.client
import json
import re
import ssl
import time
import urllib.error
import urllib.request
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from tests.cluster import audit, binary, cache, kubeconfig, process
from tests.cluster.audit import AuditEvent
from tests.cluster.errors import GroundError
from tests.cluster.pki import Authority
from tests.cluster.rights import VIEWER

ADMIN = "admin"
MASTERS = "system:masters"


class Access:
    """An API server as its clients see it.

    `kubeconfig` is the administrator's (system:masters): for set-up only, since it hides every missing
    right. `viewer` may read, nothing else. `user` makes any other.
    """

    def __init__(self, *, directory: Path, server: str, authority: Authority, audit_log: Path) -> None:
        self.directory = directory
        self.server = server
        self._authority = authority
        self._audit_log = audit_log

    @property
    def kubeconfig(self) -> Path:
        """The administrator's kubeconfig."""
        return self.user(ADMIN, groups=(MASTERS,))

    @property
    def viewer(self) -> Path:
        """The kubeconfig of a user who may only read, and no Secrets."""
        return self.user(VIEWER)

    @property
    def ca_file(self) -> Path:
        """The certificate that verifies the API server."""
        path = self.directory / "ca.crt"
        if not path.exists():
            path.write_bytes(self._authority.pem)
        return path

    def user(self, name: str, *, groups: Sequence[str] = ()) -> Path:
        """Return a kubeconfig for that user name and groups, issuing its certificate at first use."""
        path = self.directory / "users" / f"{_file_name(name, groups)}.kubeconfig"
        if not path.exists():
            pair = self._authority.issue(name, groups=groups)
            made = path.with_suffix(f".{time.monotonic_ns()}")
            kubeconfig.write(made, server=self.server, authority=self._authority, user=name, pair=pair)
            made.rename(path)
        return path

    def audit(self, *, user: str | None = None, since: dt.datetime | None = None) -> list[AuditEvent]:
        """Return the requests that user made since then, oldest first, each once."""
        return audit.read(self._audit_log, user=user, since=since)

    def kubectl(self, *arguments: str, user: Path | None = None, stdin: str | None = None) -> str:
        """Run the pinned kubectl, as the administrator unless a kubeconfig is given; returns its output."""
        return process.output([binary.kubectl(), f"--kubeconfig={user or self.kubeconfig}", *arguments], stdin=stdin)

    def get(self, *arguments: str) -> dict[str, Any]:
        """Run `kubectl get … -o json` as the administrator and return the object or list."""
        found: dict[str, Any] = json.loads(self.kubectl("get", *arguments, "-o", "json"))
        return found

    def apply(self, manifests: Sequence[Mapping[str, Any]]) -> None:
        """Apply manifests as the administrator."""
        listed = {"apiVersion": "v1", "kind": "List", "items": list(manifests)}
        self.kubectl("apply", "--server-side", "--field-manager=test-setup", "-f", "-", stdin=json.dumps(listed))

    def readiness(self) -> str:
        """Ask /readyz, open to everybody, over a verified connection: "ok", or what is wrong."""
        trusted = ssl.create_default_context(cafile=str(self.ca_file))
        try:
            with urllib.request.urlopen(f"{self.server}/readyz", context=trusted, timeout=2) as answer:  # noqa: S310
                return str(answer.read().decode())
        except urllib.error.HTTPError as error:
            with error:
                return error.read().decode(errors="replace")
        except (OSError, http.client.HTTPException) as error:
            return str(error)

    def await_ready(self, seconds: float) -> None:
        """Wait until the API server is ready; GroundError with its last words otherwise."""
        deadline = time.monotonic() + seconds
        while (words := self.readiness()) != "ok":
            if time.monotonic() > deadline:
                raise GroundError(f"no ready API server in {seconds:.0f} s", why=words)
            time.sleep(0.05)


def _file_name(name: str, groups: Sequence[str]) -> str:
    safe = re.sub(r"[^A-Za-z0-9.-]", "_", name)
    plain = safe == name and (not groups or name == ADMIN)
    return safe if plain else f"{safe}-{cache.key(name, *groups)[:8]}"
