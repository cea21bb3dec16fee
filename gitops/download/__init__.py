"""Adapter: files from addresses, over HTTP."""

from gitops.download.client import HttpDownloads, Patience

__all__ = ["HttpDownloads", "Patience"]
