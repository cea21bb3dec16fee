"""The Operation that a command line of `gitops operation run` asks for."""

from __future__ import annotations

import base64
import shlex
import stat
import sys
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from gitops import api, errors
from gitops.api import duration
from gitops.lint import validate
from gitops.objects import Manifest
from gitops.pods import marks, render
from gitops.report import redact

LARGEST = 262_144
"""Bytes of a script: the schema's limit, for it travels inside the pod object."""
LARGEST_FILE = LARGEST // 4 * 3
"""Bytes of a file: the same, in base64."""
KINDS = {"secret": "secret", "configmap": "configMap"}
"""What follows `--env-from` and `--files-from`, and the field it becomes."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What to run. `script` is empty for a command, `-` for stdin."""

    pool: str
    script: str
    words: tuple[str, ...]
    name: str
    env: tuple[str, ...]
    env_from: tuple[str, ...]
    files: tuple[str, ...]
    files_from: tuple[str, ...]
    fetch: tuple[str, ...]
    interpreter: str
    timeout: str
    step: str
    labels: tuple[str, ...]
    image: str
    image_pull_secrets: tuple[str, ...]
    service_account: str
    platform: str
    priority: int
    mutex: str
    shared: bool
    mutex_wait: str
    idempotent: bool
    ttl: str
    resources: tuple[str, ...]
    limits: tuple[str, ...]


def operation(options: Options) -> Manifest:
    """The object, without a namespace; without a name of its own it has a generateName.

    Raises:
        ConfigError: a file cannot be read, an option is not written as it should be, or it all is no operation a pod
            could run.
    """
    text = script(options.script) if options.script else ""
    named = {"name": options.name} if options.name else {"generateName": f"{options.pool[:200]}-"}
    metadata = {**named, **({"labels": found} if (found := labels(options)) else {})}
    made = {
        "apiVersion": api.API_VERSION,
        "kind": "Operation",
        "metadata": metadata,
        "spec": specification(options, text),
    }
    wrong = [errors.ConfigError(f"{one.pointer}: {one.message}", hint=one.hint) for one in validate.violations(made)]
    if wrong:
        raise wrong[0] if len(wrong) == 1 else errors.SeveralErrors(wrong)
    render.check(msgspec.convert(made, api.Operation))
    return made


def script(file: str) -> str:
    """The text of a script file, or of stdin.

    Raises:
        ConfigError: it cannot be read, is no text, or is too large.
    """
    content = _read(file, LARGEST)
    try:
        text = content.decode()
    except UnicodeDecodeError as error:
        raise errors.ConfigError(f"{file} is no text", cause=str(error), hint="a script is UTF-8") from error
    if len(content) > LARGEST:
        raise errors.ConfigError(
            f"{file} is too large",
            cause=f"a script may have {LARGEST} bytes",
            hint="put it into the pool's image, or fetch it",
        )
    if not text.strip():
        raise errors.ConfigError(f"{file} is empty")
    return text


def specification(options: Options, text: str) -> dict[str, Any]:
    """The Operation's spec. A command is run by a script of one line, so that no word is split or expanded again.

    Raises:
        ConfigError: an option is not written as it should be, or a file cannot be read.
    """
    made: dict[str, Any] = {
        "pool": options.pool,
        "script": text or 'exec "$@"\n',
        "arguments": list(options.words),
        "interpreter": shlex.split(options.interpreter) or _shebang(text),
        "env": _environment(options),
        "files": [_file(one) for one in options.files],
        "filesFrom": [*map(_files_from, options.files_from), *map(_fetched, options.fetch)],
        "timeout": _duration(options.timeout),
        "image": options.image,
        "imagePullSecrets": list(options.image_pull_secrets),
        "serviceAccount": options.service_account,
        "platform": options.platform,
        "priority": options.priority,
        "mutex": _mutex(options),
        "idempotent": options.idempotent,
        "ttlAfterFinished": _duration(options.ttl),
        "resources": _filled(
            {
                "requests": _pairs(options.resources, "resource request", "--request"),
                "limits": _pairs(options.limits, "resource limit", "--limit"),
            }
        ),
    }
    return _filled(made)


def labels(options: Options) -> dict[str, str]:
    """The Operation's labels.

    Raises:
        ConfigError: one is not written NAME=VALUE.
    """
    found = dict(_pairs(options.labels, "label", "--label"))
    return found | ({marks.STEP: options.step} if options.step else {})


def _filled(values: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in values.items() if value}


def _duration(given: str) -> str:
    if given:
        duration.seconds(given)
    return given


def _mutex(options: Options) -> dict[str, str]:
    if not options.mutex:
        for given, name in ((options.shared, "--shared"), (options.mutex_wait, "--mutex-wait")):
            if given:
                raise errors.ConfigError(f"{name} says how a mutex is held", hint="name it with --mutex")
        return {}
    mode = "shared" if options.shared else "exclusive"
    return {"name": options.mutex, "mode": mode, **_filled({"wait": _duration(options.mutex_wait)})}


def _environment(options: Options) -> list[dict[str, Any]]:
    values = _pairs(options.env, "environment variable", "--env")
    sources = _pairs(options.env_from, "environment variable", "--env-from")
    for name in values.keys() & sources.keys():
        raise errors.ConfigError(f"{name} is given twice", cause="by --env and by --env-from", hint="leave one out")
    found: list[dict[str, Any]] = [{"name": name, "value": value} for name, value in values.items()]
    for name, value in sources.items():
        source, _, key = value.partition(":")
        kind, reference = _reference(source, f"--env-from {name}=secret/NAME:KEY")
        if not key:
            raise errors.ConfigError(f"{source} has many keys", hint=f"write --env-from {name}={source}:KEY")
        found.append({"name": name, kind: {"name": reference, "key": key}})
    return found


def _files_from(given: str) -> dict[str, Any]:
    written = "--files-from secret/NAME:PATH[:KEY,...]"
    source, _, rest = given.partition(":")
    path, _, keys = rest.partition(":")
    kind, reference = _reference(source, written)
    if not path:
        raise errors.ConfigError(f"where do the files of {source} go?", hint=f"write {written}")
    chosen = [key for key in keys.split(",") if key]
    return {"path": path, kind: {"name": reference}, **_filled({"keys": chosen})}


def _fetched(given: str) -> dict[str, Any]:
    """A file from a URL. The digest tells the URL from the path: a URL may have colons and @ in it."""
    url, marked, rest = given.rpartition("@sha256:")
    digest, _, place = rest.partition(":")
    path, _, executable = place.partition(":")
    if not marked or executable not in {"", "x"}:
        raise errors.ConfigError(
            "a file from a URL has a digest",
            hint="write --fetch URL@sha256:DIGEST[:PATH[:x]]; sha256sum FILE prints it",
        )
    path = path or url.partition("?")[0].rpartition("/")[2]
    return {"path": path, "url": url, "digest": f"sha256:{digest}", **_filled({"executable": executable == "x"})}


def _reference(given: str, written: str) -> tuple[str, str]:
    """The field for a kind, and the object's name.

    Raises:
        ConfigError: it is not written KIND/NAME with a kind that can be read from.
    """
    kind, _, name = given.partition("/")
    field = KINDS.get(kind.lower())
    if field is None or not name:
        raise errors.ConfigError(
            f"not a Secret or ConfigMap: {given!r}", hint=f"write {written}, or configmap/ instead of secret/"
        )
    return field, name


def _file(given: str) -> dict[str, Any]:
    """A local file, as it is brought: as text where that shows the same.

    Raises:
        ConfigError: it cannot be read, or is too large.
    """
    local, colon, path = given.rpartition(":")
    if not colon or Path(given).exists():
        local, path = given, Path(given).name
    content = _read(local, LARGEST_FILE)
    if len(content) > LARGEST_FILE:
        raise errors.ConfigError(
            f"{local} is too large",
            cause=f"a file that travels in the pod may have {LARGEST_FILE} bytes",
            hint="put it into a ConfigMap or Secret (--files-from), where a URL leads (--fetch), or into the image",
        )
    executable = bool(Path(local).stat().st_mode & stat.S_IXUSR)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        text = "\0"
    binary = redact.CONTROL.search(text) is not None
    brought = {"base64": base64.b64encode(content).decode()} if binary else {"text": text}
    return {"path": path, **brought, **_filled({"executable": executable})}


def _read(file: str, most: int) -> bytes:
    """A file's content, one byte more than `most` at the most; `-` is stdin."""
    try:
        if file == "-":
            return sys.stdin.buffer.read(most + 1)
        with Path(file).open("rb") as opened:
            return opened.read(most + 1)
    except OSError as error:
        raise errors.ConfigError(f"cannot read {file}", cause=error.strerror or str(error)) from error


def _shebang(text: str) -> list[str]:
    first = text.partition("\n")[0].strip()
    return shlex.split(first[2:]) if first.startswith("#!") else []


def _pairs(given: Iterable[str], what: str, option: str) -> Mapping[str, str]:
    found: dict[str, str] = {}
    for each in given:
        name, equals, value = each.partition("=")
        if not name or not equals:
            article = "an" if what[0] in "aeiou" else "a"
            raise errors.ConfigError(f"not {article} {what}: {name!r}", hint=f"write {option} NAME=VALUE")
        found[name] = value
    return found
