"""Values of the chart -> one WorkerPool and one Worker, and everything there is to tell about the way there."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from gitops import api, errors, yaml
from gitops.api import names
from gitops.api.workerpool import WorkerPoolSpec
from gitops.convert import chart, entries, rights, secrecy, security, template, unknown
from gitops.convert.document import Document, Section
from gitops.convert.entries import Entry
from gitops.convert.notices import Notice
from gitops.convert.rights import Rights
from gitops.convert.secrecy import Needed
from gitops.convert.template import Found
from gitops.convert.values import Values
from gitops.location import Location

NAMESPACE: Final = "gitops-worker"
_SHORTEST_SECRET: Final = 8
"""A shorter value may stand in the output by chance."""
_REFER: Final = "put a reference to a Secret there"


@dataclass(frozen=True, slots=True, kw_only=True)
class Names:
    """What the made objects are called; `image` is that of this program, `beside` the other pools its Worker serves."""

    namespace: str
    worker: str
    pool: str
    image: str
    beside: tuple[str, ...] = ()

    @property
    def operations(self) -> str:
        """The namespace of the pool's pods."""
        metadata = api.Metadata(name=self.pool, namespace=self.namespace)
        return names.operations_namespace(api.WorkerPool(metadata=metadata, spec=WorkerPoolSpec(image="-")))


@dataclass(frozen=True, slots=True, kw_only=True)
class Conversion:
    """The made objects, and what to tell: what became of each value, Secrets to make, what to know or decide."""

    names: Names
    pool: Document
    worker: Document
    entries: tuple[Entry, ...]
    needed: tuple[Needed, ...]
    notices: tuple[Notice, ...]


def names_for(values: Values, *, image: str, namespace: str = "", worker: str = "", pool: str = "") -> Names:
    """Names as asked for; else after agent.name and the first of agent.worker.initial.workerPools."""
    pools = [yaml.text_of(name) for name in values.items("agent.worker.initial.workerPools")]
    # The list takes names, slugs and IDs; an ID tells nobody anything.
    first = next((name for name in pools if not re.fullmatch(r"WorkerPools-[0-9]+", name)), "")
    return Names(
        namespace=namespace or NAMESPACE,
        worker=worker or _label(values.text("agent.name")) or "worker",
        pool=pool or _label(first) or "octopus",
        image=image,
    )


def convert(values: Values, wanted: Names) -> Conversion:
    """Make our kinds of the values.

    Raises:
        ConfigError: they install no worker, a value has a wrong shape, or a credential would stand in the result.
    """
    _check_worker(values)
    found = Found()
    granted = rights.rights(values)
    pool_template = template.of_pool(values, pool=wanted.pool, operations=wanted.operations, found=found)
    pull = _pull_secrets(values)
    secrets = secrecy.inline(values, namespace=wanted.namespace, worker=wanted.worker)
    made = Conversion(
        names=wanted,
        pool=_pool(values, wanted, granted.pool, pool_template),
        worker=_worker(values, wanted, granted, template.of_worker(values, found)),
        entries=tuple(sorted((*entries.known(values), *unknown.unknown(values)), key=_place)),
        needed=(*secrets, *found.needed, *_pulled(values, wanted, pull)),
        notices=(*granted.notices, *found.notices, *_notices(values, wanted, pool_template, found)),
    )
    _check_secrecy(values, made)
    return made


def _check_worker(values: Values) -> None:
    target, worker = values.flag("agent.deploymentTarget.enabled"), values.flag("agent.worker.enabled")
    hint = "give the values of an agent with agent.worker.enabled: true"
    if target and worker:
        message = "the values install a worker and a deployment target at once, which the agent refuses at its start"
        raise errors.ConfigError(message, location=values.location("agent.deploymentTarget.enabled"), hint=hint)
    if target:
        message = "the values install a deployment target: a pool stands for a worker"
        raise errors.ConfigError(message, location=values.location("agent.deploymentTarget.enabled"), hint=hint)
    for path in sorted(chart.CHART_1):
        if values.raw(path) is not None and not worker:
            message = f"{path} is a value of chart 1, which knew deployment targets only"
            raise errors.ConfigError(message, location=values.location(path), hint=hint)


def _pool(values: Values, wanted: Names, rbac: Section, pod_template: dict[str, Any]) -> Document:
    beyond = security.beyond_baseline(pod_template)
    sections = [
        Section(key="image", value=_image(values), words=("From scriptPods.worker.image.",)),
        Section(key="imagePullPolicy", value=values.text("scriptPods.worker.image.pullPolicy")),
        Section(key="imagePullSecrets", value=_pull_secrets(values), words=(f"Secrets in {wanted.operations}.",)),
        Section(key="resources", value=_resources(values), words=(_resources_from(values),)),
        Section(key="maxOperations", value=10, words=("The chart has no limit of its own: an Octopus Server has.",)),
        Section(key="timeouts", value=_timeouts(values), words=_TIMEOUTS),
        Section(key="serviceAccount", value=_account(values), words=("From scriptPods.serviceAccount.",)),
        rbac,
        Section(key="podSecurity", value="privileged" if beyond else "", words=(f"For {', '.join(beyond)}.",)),
        Section(key="podTemplate", value=pod_template),
    ]
    words = (f"Where operations run. Their pods live in namespace {wanted.operations}.",)
    return Document(kind="WorkerPool", name=wanted.pool, words=words, sections=_filled(sections))


def _worker(values: Values, wanted: Names, granted: Rights, pod_template: dict[str, Any]) -> Document:
    resources = values.mapping("agent.resources") if values.given("agent.resources") else {}
    sections = [
        Section(key="image", value=wanted.image, words=("This program, as your registry has it.",)),
        Section(key="pools", value=[wanted.pool, *wanted.beside]),
        Section(key="resources", value=resources, words=("From agent.resources, sized for another program: check.",)),
        Section(key="commitRules", value=granted.commit_rules, words=_COMMIT_RULES),
        Section(key="podTemplate", value=pod_template),
    ]
    words = ("The program: it follows Git and runs the pool's operations.",)
    return Document(kind="Worker", name=wanted.worker, words=words, sections=_filled(sections))


_TIMEOUTS: Final = (
    "From scriptPods.pendingPodsTimeoutMinutes, one clock for all waiting. The chart does not limit",
    "how long a script runs; here `run` does, 6h unless it is written.",
)
_COMMIT_RULES: Final = ("What the reconciler must hold to be able to give the pool its rights: the pool's rules.",)


def _filled(sections: list[Section]) -> tuple[Section, ...]:
    return tuple(section for section in sections if section.value)


def _image(values: Values) -> str:
    repository = values.text("scriptPods.worker.image.repository")
    if not repository:
        path = "scriptPods.worker.image.repository"
        raise errors.ConfigError(f"{path} is empty", location=values.location(path), hint="name the image of the pool")
    return f"{repository}:{values.text('scriptPods.worker.image.tag') or 'latest'}"


def _resources(values: Values) -> dict[str, Any]:
    if not values.flag("scriptPods.podTemplate.enabled"):
        return values.mapping("scriptPods.resources")
    inside = values.mapping("scriptPods.podTemplate.scriptContainerSpec").get("resources") or {}
    return inside if isinstance(inside, dict) and inside else values.mapping("scriptPods.resources")


def _resources_from(values: Values) -> str:
    template = values.flag("scriptPods.podTemplate.enabled")
    return f"From scriptPods.{'podTemplate.scriptContainerSpec.' if template else ''}resources."


def _pull_secrets(values: Values) -> list[Any]:
    entries_ = values.items("imagePullSecrets")
    return [entry["name"] if isinstance(entry, dict) and "name" in entry else entry for entry in entries_]


def _pulled(values: Values, wanted: Names, pull: list[Any]) -> Iterator[Needed]:
    for index, name in enumerate(pull):
        yield Needed(
            path="imagePullSecrets",
            location=values.location(f"imagePullSecrets.{index}"),
            namespace=wanted.operations,
            secret=yaml.text_of(name),
            key=secrecy.DOCKER,
            user="WorkerPool spec.imagePullSecrets",
        )


def _timeouts(values: Values) -> dict[str, str]:
    path = "scriptPods.pendingPodsTimeoutMinutes"
    minutes = values.text(path)
    if minutes and not re.fullmatch(r"[0-9]{1,6}", minutes):
        raise values.wrong(path, "a number of minutes")
    if not minutes or int(minutes) == 0:
        return {}
    hours, rest = divmod(int(minutes), 60)
    text = f"{f'{hours}h' if hours else ''}{f'{rest}m' if rest else ''}"
    return {"unschedulable": text, "imagePull": text}


def _account(values: Values) -> dict[str, Any]:
    account = {
        "name": values.text("scriptPods.serviceAccount.name"),
        "annotations": values.mapping("scriptPods.serviceAccount.annotations"),
    }
    return {key: value for key, value in account.items() if value}


def _notices(values: Values, wanted: Names, pod_template: dict[str, Any], found: Found) -> Iterator[Notice]:
    yield from _about_values(values, wanted)
    beyond = security.beyond_baseline(pod_template)
    if beyond:
        yield Notice(text=f"the pods need podSecurity: privileged, because of {', '.join(beyond)}")
    ours = {one.secret for one in found.needed}
    for kind, name in sorted(set(template.references(pod_template))):
        if name not in ours:
            text = f"the pod template refers to {kind} {name}: pods find it in {wanted.operations} only, make it there"
            yield Notice(text=text)
    yield Notice(
        text="an Octopus Server cannot send work here yet: callers use `gitops operation run` or make Operations"
    )
    yield Notice(text="a script runs for 6h at most (spec.timeouts.run of the pool); the chart has no limit")
    yield Notice(text="10 operations run at once (spec.maxOperations of the pool); the chart has no limit of its own")
    yield Notice(text="operations share no /octopus volume: what one leaves on disk, another does not find")


def _about_values(values: Values, wanted: Names) -> Iterator[Notice]:
    if not values.given("agent.worker.enabled"):
        yield Notice(text="agent.worker.enabled is not set: the values are taken for those of a worker")
    path = "agent.worker.initial.workerPools"
    if len(values.items(path)) > 1:
        text = (
            "names several pools; here a pool is what its pods may do and where: one was made, copy it if they differ"
        )
        yield Notice(path=path, location=values.location(path), text=text)
    path = "scriptPods.worker.image.tag"
    if values.raw(path) is not None and not yaml.is_string(values.raw(path)):
        text = "is a number to YAML, and was taken as Helm prints it: put it into quotes"
        yield Notice(path=path, location=values.location(path), text=text)
    path = "scriptPods.pendingPodsTimeoutMinutes"
    if values.given(path) and not _timeouts(values):
        text = "switches the limit off; here every state has a clock (spec.timeouts of the pool)"
        yield Notice(path=path, location=values.location(path), text=text)
    path = "scriptPods.serviceAccount.annotations"
    if values.mapping(path):
        account = values.text("scriptPods.serviceAccount.name") or wanted.pool
        text = (
            f"a cloud role trusts an account by name; this one is system:serviceaccount:{wanted.operations}:{account}"
        )
        yield Notice(path=path, location=values.location(path), text=text)


def _check_secrecy(values: Values, made: Conversion) -> None:
    """The last line: a credential that somebody also wrote elsewhere, say into an annotation."""
    written = [text for one in (made.pool, made.worker) for text in _texts([part.value for part in one.sections])]
    for row in chart.ROWS:
        if row.fate is not chart.Fate.CREDENTIAL or row.path in chart.NO_SECRETS or values.raw(row.path) is None:
            continue
        secret = yaml.text_of(values.raw(row.path))
        if len(secret) >= _SHORTEST_SECRET and any(secret in text for text, _ in written):
            message = f"the value of {row.path} stands in another value that would be carried over"
            raise errors.ConfigError(message, location=values.location(row.path), hint=_REFER)
    for text, at in written:
        if secrecy.PASSWORD.search(text):
            raise errors.ConfigError("a URL with a password in it would be carried over", location=at, hint=_REFER)


def _texts(value: Any) -> Iterator[tuple[str, Location | None]]:
    """Every word of a value, keys too, with its place in the values file if it comes from there."""
    if isinstance(value, dict):
        yield from ((str(key), getattr(value, "at", None)) for key in value)
        yield from _texts(list(value.values()))
    elif isinstance(value, list):
        for item in value:
            yield from _texts(item)
    else:
        yield str(yaml.plain(value)), getattr(value, "at", None)


def _place(entry: Entry) -> tuple[int, int]:
    return (entry.location.line, entry.location.column) if entry.location else (0, 0)


def _label(text: str) -> str:
    """A DNS label of at most 50 characters after a name people gave."""
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")[:50].rstrip("-")
