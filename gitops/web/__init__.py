"""What the program serves over HTTP: probes and metrics for the cluster, operation logs on loopback."""

from gitops.web.logs import serve_logs
from gitops.web.probes import serve_probes

__all__ = ["serve_logs", "serve_probes"]
