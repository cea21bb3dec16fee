"""The library behind the `gitops` program: worker configuration from Git to a Kubernetes cluster, operations to pods.

Read `docs/ARCHITECTURE.md` for the files one commit and one operation pass through, in order.
"""

__version__ = "0.1.0"
