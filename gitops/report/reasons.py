"""What the reasons in conditions and in the status of operations mean, and what to do about them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason: the CamelCase word, whose it is, what it means, what to try (empty: nothing needs to be done)."""

    name: str
    of: str
    meaning: str
    todo: str = ""


_OPERATION = (
    ("Succeeded", "The script ended with exit code 0.", ""),
    ("ScriptFailed", "The script ran and ended with another exit code than 0.", "gitops operation logs NAME"),
    ("Cancelled", "Somebody asked to end the operation, or deleted it.", ""),
    ("RunTimeout", "The script ran longer than its time-out.", "raise spec.timeout, or the pool's timeouts.run"),
    (
        "QueueTimeout",
        "No place in the pool became free in time.",
        "raise the pool's maxOperations or timeouts.queued; look at what holds the places: gitops operation list",
    ),
    (
        "MutexTimeout",
        "Others held the operation's mutex for too long.",
        "the message names who; raise spec.mutex.wait, or share the mutex",
    ),
    ("Retrying", "The infrastructure failed an attempt; the pool's retry makes another one.", ""),
    (
        "StorageLimitExceeded",
        "The script stored more than the workspace or its ephemeral-storage limit allows.",
        "raise the pool's workspace.sizeLimit or limits, or let the script store less",
    ),
    ("WaitingForMutex", "Another operation was first with the mutex; this one starts after it.", ""),
    ("PoolRemoved", "The WorkerPool was removed while the operation waited in it.", "run it on another pool"),
    ("PoolNotFound", "The operation names a WorkerPool that is not in its namespace.", "check spec.pool"),
    (
        "NotAllowed",
        "The operation asks for an image, account, pull secret, URL or more resources than its pool allows.",
        "leave it out, use another pool, or add it to the pool's spec.allow",
    ),
    ("InvalidSpec", "No pod can be made of the operation and its pool.", "the message names the field"),
    ("InterpreterNotStarted", "The interpreter is not in the image, or cannot be executed.", "check spec.interpreter"),
    (
        "FilesNotWritten",
        "A file of spec.files or filesFrom could not be written in the working directory; the script was not started.",
        "the message or the log names it; check its path and the pool's workspace.sizeLimit",
    ),
    ("FetchingFiles", "The worker fetches files from URLs (spec.filesFrom); the script starts when all are there.", ""),
    (
        "FilesUnavailable",
        "Files from URLs do not come now. After timeouts.files the attempt ends without a start, and may be retried.",
        "the message names the URL and what it answered; check its server, the worker's way to it, and timeouts.files",
    ),
    (
        "FilesInvalid",
        "A URL certainly gives something else: 404, another digest, too large, led elsewhere. Nothing was started.",
        "the message says which; correct spec.filesFrom, or the pool's allow.urls, allow.maxFileSize or ca",
    ),
    (
        "DockerUnavailable",
        "The script called docker, which the image does not have: a pod has no Docker engine.",
        "build images without a daemon (BuildKit rootless, Buildah); see GW303 and docs/how-to/run-operations.md",
    ),
    (
        "Unschedulable",
        "No node fits the pod, and none was added in time.",
        "compare the pool's requests, nodeSelector and tolerations with the nodes; look at the autoscaler's events",
    ),
    ("ScalingUp", "No node fits the pod yet, and an autoscaler makes one.", ""),
    ("NotScheduled", "The scheduler has not looked at the pod yet.", ""),
    ("Preparing", "The node sets up volumes and network for the pod.", ""),
    (
        "VolumeNotMounted",
        "The node cannot mount a volume of the pod; the message has its words.",
        "create the Secret or ConfigMap in the operations namespace, or correct filesFrom",
    ),
    ("SandboxNotMade", "The node cannot set up the pod's network.", "look at the node's network plugin"),
    ("Claimed", "A worker has taken the operation on; its pod is about to be created.", ""),
    (
        "CreateUnanswered",
        "The API server did not answer the create of the pod, and may still carry it out.",
        "wait a minute: the next create is sent when this one can no longer be carried out",
    ),
    ("StartTimeout", "The pod was placed on a node, and its container did not start in time.", "look at its events"),
    ("ImagePullTimeout", "The image did not arrive in time.", "raise timeouts.imagePull, or make the image smaller"),
    (
        "ImageRefused",
        "The registry says definitely no: no such image, or no right to it.",
        "check spec.image and imagePullSecrets of the pool",
    ),
    ("ImageUnavailable", "The image could not be fetched; the fault may pass.", "check network and registry"),
    ("ImagePullThrottled", "The node limits its own pulls; it will come.", ""),
    ("ImageNameInvalid", "The image's name cannot be read.", "correct spec.image of the pool"),
    (
        "ImageNotPresent",
        "imagePullPolicy is Never and the node does not have the image.",
        "load it, or change the policy",
    ),
    (
        "CreateContainerConfigError",
        "A Secret or ConfigMap the pod refers to is missing, or runAsNonRoot meets a root image.",
        "create it in the operations namespace; see gitops explain GW302",
    ),
    ("CreateContainerError", "The container runtime could not make the container.", "the message has its words"),
    ("RunContainerError", "The container runtime could not start the container.", "the message has its words"),
    ("PreStartHookError", "A hook of the container failed.", "the message has its words"),
    ("PostStartHookError", "A hook of the container failed.", "the message has its words"),
    ("ContainerNotStarted", "The container's first process could not be started.", "check the pool's image"),
    ("InitFailed", "An init container of the pool's pod template failed.", "read its log, or remove it"),
    (
        "OutOfMemory",
        "The kernel killed the script, or a process of it, for memory.",
        "raise the pool's memory limit, or let the script use less",
    ),
    (
        "WorkspaceNoexec",
        "The script may not execute something, and its working directory is mounted noexec.",
        "start programs through their interpreter (sh ./tool), or take noexec off the kubelet's root directory",
    ),
    ("RunnerFailed", "The program around the script ended without a record.", "the message says what is known"),
    ("PodDeleted", "Somebody deleted the pod, and nothing shows that the script had ended.", "start it again"),
    (
        "PodLost",
        "The pod is gone and nothing says how the script ended.",
        "check what the script did, then start again",
    ),
    ("PodNameTaken", "A pod of the operation's name exists that is not the operation's.", "remove it"),
    ("NodeUnreachable", "The node does not answer: the script may still be running.", "check the node first"),
    ("NodeLost", "The node is gone, and the pod with it.", "start it again"),
    ("NodeTainted", "The node got a taint that drives pods away.", "tolerate it in the pool's podTemplate"),
    ("Preempted", "A pod of higher priority took the place.", "give the pool's pods a priorityClassName"),
    ("Evicted", "The pod was evicted: a drained node, or too much of memory or disk.", "the message says which"),
    ("Disrupted", "The cluster ended the pod.", "the message has its words"),
    (
        "TakenOver",
        "Another process of the worker looks after the operation now; the last one's pod may still come.",
        "wait a minute: the next create is sent when the last one can no longer be carried out",
    ),
)
_LAUNCH = (
    (
        "LaunchDenied",
        "The worker's account may not create pods in the operations namespace.",
        "its RoleBinding there is missing or was changed: gitops drift shows it, gitops sync brings it back",
    ),
    ("PodRefused", "The API server does not take the pod.", "the message has its words"),
    ("QuotaExceeded", "A ResourceQuota of the operations namespace is used up.", "raise it, or lower maxOperations"),
    ("LimitRangeRefused", "A LimitRange forbids the pod's requests or limits.", "change spec.resources or the range"),
    ("PodSecurityRefused", "The pool's podSecurity level forbids the pod.", "gitops explain GW304"),
    ("PolicyRefused", "An admission policy refuses the pod.", "the message names it"),
    ("WebhookRefused", "An admission webhook refuses the pod.", "the message names it"),
    ("NamespaceTerminating", "The operations namespace is being deleted.", "wait, then gitops sync"),
    ("ServiceAccountMissing", "The pods' account does not exist.", "gitops sync, or create it"),
)
_POOL = (
    ("Ready", "Operations can start.", ""),
    ("Suspended", "The pool admits nothing; running operations finish.", "set spec.suspended to false"),
    ("NamespaceMissing", "The pool's operations namespace does not exist.", "gitops sync: the expansion is missing"),
    ("AccountMissing", "The pods' account does not exist.", "gitops sync: the expansion is missing"),
    ("RunnerMissing", "The ConfigMap with the runner does not exist, or is of another version.", "gitops sync"),
    ("RightsMissing", "The worker may not look into the operations namespace.", "gitops sync"),
)
_WORKER = (
    ("Serving", "All pools of the worker are ready.", ""),
    ("PoolsNotReady", "A pool of the worker is not ready.", "the message says which and why"),
)
_SYNC = (
    ("Applied", "The cluster is as the revision says, and healthy.", ""),
    ("Applying", "A revision is being applied.", ""),
    (
        "Pending",
        "Git is ahead of the cluster, and the mode is report.",
        "gitops plan --sync NAME, then gitops sync NAME",
    ),
    ("LiveDiffers", "The cluster differs from the revision last applied.", "gitops drift NAME"),
    (
        "Fighting",
        "Somebody else writes again what was corrected; after five corrections in a row nobody corrects it any more.",
        "let one of the two go: stop the other writer, or leave the field to it with spec.ignore",
    ),
    ("Deleting", "The GitSync was deleted, and what it owns is being deleted (deletionPolicy: Delete).", ""),
    (
        "DeletionHeld",
        "The GitSync was deleted, and what it owns stays for now: it is suspended, or its mode is report.",
        "gitops resume NAME, or set mode: apply; deletionPolicy: Orphan keeps what it owns",
    ),
    ("RolledBack", "A person rolled back; the commit after it is not applied.", "push a newer commit"),
)
ALL: tuple[Reason, ...] = tuple(
    Reason(name, of, meaning, todo)
    for of, table in (
        ("an operation", _OPERATION),
        ("an operation that cannot start", _LAUNCH),
        ("a WorkerPool", _POOL),
        ("a Worker", _WORKER),
        ("a GitSync", _SYNC),
    )
    for name, meaning, todo in table
)
"""Reasons that are no errors of this program; those are in `gitops.errors`."""
