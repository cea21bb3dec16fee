"""The embedded worker: operations to pods, pods to results, without a lost or doubled line. Takes ports only.

reflect    watches -> roster
admit      who may start now
launch     claim, then create, until the answer is definite
attend     one pod to its end: clocks, cancel
voice      where it stands, said when it takes long; pending says why it waits for a node; tell makes Events
follow     its log to the store
drive      the steps of one operation, each of which may be the first after a restart
adopt      what a worker that died left behind
inspect    pools' and Worker's conditions
canary     tries pools after a change
ledger     what operations used, in their pools' status
service    all of it together
"""

from gitops.worker.serve import Identity, serve
from gitops.worker.service import Service
from gitops.worker.station import Ports

__all__ = ["Identity", "Ports", "Service", "serve"]
