"""Adapter: the Kubernetes API over aiohttp. `load` finds the cluster, `connect` gives its ports."""

from gitops.cluster.config import ClusterConfig, load
from gitops.cluster.connection import Cluster, connect
from gitops.cluster.http import Limits
from gitops.cluster.operations import OperationObjects
from gitops.cluster.reflector import Patience
from gitops.cluster.settings import Impersonation

__all__ = ["Cluster", "ClusterConfig", "Impersonation", "Limits", "OperationObjects", "Patience", "connect", "load"]
