"""Where configuration comes from, as values: a revision and the immutable tree of files at it."""

from gitops.source.revision import Revision
from gitops.source.tree import EntryKind, MemoryTree, Tree

__all__ = ["EntryKind", "MemoryTree", "Revision", "Tree"]
