"""Operation logs on a volume: one file an operation, frames as the runner wrote them."""

from gitops.logstore.directory import DirectoryStore, Retention

__all__ = ["DirectoryStore", "Retention"]
