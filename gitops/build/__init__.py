"""Build an overlay: a tree of files to Kubernetes objects, with kustomize's semantics.

`build` is one function over one value (a tree); `locate` tells where a field of a result was written, `history.history`
what changed it on its way.
"""

from gitops.build.rendered import Build, Rendered, build, locate

__all__ = ["Build", "Rendered", "build", "locate"]
