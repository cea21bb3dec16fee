"""Our kinds -> the namespaces, accounts, roles, bindings and Deployments they mean, at render time."""

from gitops.expand.expanded import Context, Expanded, Locate
from gitops.expand.fold import expand

__all__ = ["Context", "Expanded", "Locate", "expand"]
