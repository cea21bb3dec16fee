"""Kubernetes objects as plain data: identity, conditions, quantities, the inventory."""

from gitops.objects.manifest import Manifest, api_version_of, group_of, ref_of

__all__ = ["Manifest", "api_version_of", "group_of", "ref_of"]
