"""Operation logs that outlive their pods: in a directory, or in a bucket of an S3-compatible object store."""

from gitops.logstore.directory import DirectoryStore
from gitops.logstore.retention import Retention
from gitops.logstore.segmented import SegmentedStore

__all__ = ["DirectoryStore", "Retention", "SegmentedStore"]
