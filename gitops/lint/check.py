"""Everything lint has to say of a folder: its files, its objects, its installation. Nothing hides anything else."""

from __future__ import annotations

import functools
import itertools
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from gitops import build, errors, expand
from gitops.api import GROUP
from gitops.lint import (
    codes,
    containers,
    files,
    ignore,
    podfields,
    podsecurity,
    pools,
    rights,
    scalars,
    secrecy,
    sequence,
    validate,
)
from gitops.lint.code import Code, Severity
from gitops.lint.files import Role, Survey
from gitops.lint.finding import Finding
from gitops.lint.subject import Subject, Told, mapping
from gitops.location import Location
from gitops.objects import ref_of
from gitops.ref import ResourceRef
from gitops.source.tree import Tree
from gitops.yaml import load_all
from gitops.yaml.reader import Document, load_tracked, nearest
from gitops.yaml.scan import Scan, scan

RULES: tuple[Callable[[Subject], Iterator[Told]], ...] = (
    containers.look,
    podfields.look,
    podsecurity.look,
    rights.look,
    pools.look,
)
"""Rules about single objects."""

_BY_OVERLAYS = frozenset({codes.MISSING_FIELD.code})
"""What an object in a base may lack, because an overlay adds it: not said of files that were not built."""
_STANDS = frozenset(one.code for one in (codes.WILDCARD, codes.ESCALATION, codes.CLUSTER_ADMIN, codes.DOCKER))
"""Warnings that hold whatever an overlay adds."""
_MARKER = re.compile(rb"^---(?=\s|$)", re.MULTILINE)
_OURS = f"{GROUP}/".encode()
_MOST_APART = 100
"""Documents of a broken file that are read one by one: each is read behind as many empty lines as come before it."""
_IMAGES = re.compile(rb"^\s*images\s*:", re.MULTILINE)
_TEXT = frozenset(one.code for one in (codes.WORD, codes.OCTAL, codes.DATE, codes.BIG_INTEGER, codes.NOT_A_STRING))


@dataclass(frozen=True, slots=True, kw_only=True)
class Checked:
    """Findings in the order of their places; how many files and objects were looked at.

    `secrets` are values that must not be shown when lines of the files are.
    """

    findings: tuple[Finding, ...]
    files: int
    objects: int
    secrets: frozenset[str] = frozenset()


def check(tree: Tree, path: str, *, runner: Mapping[str, bytes]) -> Checked:
    """Look at the kustomization in `path`, at those below it, or at the YAML files below it.

    `runner`: the files of the in-pod runner, for expansion. What is wrong is a finding, never an exception.

    Raises:
        ConfigError: a file cannot be read from the tree.
    """
    found = files.survey(tree, path)
    contents = {file: tree.read(file) for file in found.files}
    scans = {file: scan(content, file) for file, content in contents.items()}
    findings = [one for file, role in found.files.items() for one in scalars.look(contents[file], scans[file], role)]
    objects, failed = 0, False
    for folder in found.folders:
        try:
            subjects = _built(tree, folder)
        except (errors.ConfigError, errors.SeveralErrors) as error:
            failed = True
            findings += (_of_error(codes.BUILD, one) for one in errors.singles(error))
        else:
            objects += len(subjects)
            findings += _installation(subjects, runner)
    if failed or not found.folders:
        subjects = [one for file, role in found.files.items() if role is Role.RESOURCE for one in _read(contents, file)]
        objects = objects or len(subjects)
        # What a Worker serves may stand in a document that cannot be read.
        broken = {one.location.file for one in findings if one.location and one.code in {codes.BROKEN, codes.DUPLICATE}}
        whole = not any(_OURS in contents[file] for file in broken)
        findings += _unbuilt(subjects, found, contents) if failed else _plain(subjects, whole=whole)
    excused = ignore.apply(_distinct(findings), {file: ignore.read(text, file) for file, text in contents.items()})
    ordered = sorted((_marked(one, scans) for one in excused), key=lambda one: one.order)
    secrets = frozenset(secrecy.values(scans.values()))
    return Checked(findings=tuple(ordered), files=len(found.files), objects=objects, secrets=secrets)


def _marked(finding: Finding, scans: Mapping[str, Scan]) -> Finding:
    """The finding with its extent; that a field is unknown is said of its name, not of its value."""
    where = finding.location
    scanned = scans.get(where.file) if where else None
    if where is None or scanned is None:
        return finding
    if finding.code in {codes.UNKNOWN_FIELD, codes.UNKNOWN_POD_FIELD}:
        where = scanned.keys.get(where, where)
    return replace(finding, location=where, length=max(finding.length, scanned.lengths.get(where, 1)))


def _built(tree: Tree, folder: str) -> list[Subject]:
    return [
        Subject(
            manifest=one.manifest,
            ref=one.ref,
            locate=functools.partial(build.locate, one),
            names=one.names,
        )
        for one in build.build(tree, folder).objects
    ]


def _read(contents: Mapping[str, bytes], file: str) -> Iterator[Subject]:
    """The objects of a file as they are written: those that can be read, if there are others."""
    for document in _documents(contents[file], file):
        value = dict(mapping(document.value))
        stated = (value.get("apiVersion"), value.get("kind"), mapping(value, "metadata").get("name"))
        if all(isinstance(one, str) for one in stated):
            yield Subject(manifest=value, ref=ref_of(value), locate=functools.partial(_position, document))


def _documents(content: bytes, file: str) -> Sequence[Document]:
    """All documents of a file; if it cannot be read, those that can be read alone, at their own lines."""
    try:
        return load_all(content, file)
    except errors.ConfigError:
        starts = [found.start() for found in _MARKER.finditer(content)]
    if len(starts) > _MOST_APART:
        return ()
    parts = itertools.pairwise((0, *starts, len(content)))
    return [one for begin, end in parts for one in _alone(content, begin, end, file)]


def _alone(content: bytes, begin: int, end: int, file: str) -> Sequence[Document]:
    """The documents in a part of a file that begins at a line."""
    try:
        return load_all(b"\n" * content.count(b"\n", 0, begin) + content[begin:end], file)
    except errors.ConfigError:
        return ()


def _position(document: Document, pointer: str) -> Location:
    tracked = load_tracked(document.text, document.start.file, document.dialect)
    return nearest(tracked[document.index].value, pointer) or document.start


def _installation(subjects: Sequence[Subject], runner: Mapping[str, bytes]) -> list[Finding]:
    """What there is to say of the objects of one build, each and together."""
    found = _plain(subjects)
    found += (_finding(subject, told) for subject, told in sequence.together(subjects))
    # An object that cannot be read cannot be expanded, and what is missing then is not missing in Git.
    if not any(one.severity is Severity.ERROR and one.code.code.startswith("GW1") for one in found):
        said = {one.location for one in found if one.code is codes.NO_POOL}
        found += (one for one in _expanded(subjects, runner) if one.location not in said)
    return found


def _plain(subjects: Sequence[Subject], *, whole: bool = True) -> list[Finding]:
    """What there is to say of each object and, if all are there, of them together."""
    found = [finding for subject in subjects for finding in _object(subject)]
    return found + [_finding(subject, told) for subject, told in (pools.together(subjects) if whole else ())]


def _unbuilt(subjects: Sequence[Subject], found: Survey, contents: Mapping[str, bytes]) -> list[Finding]:
    """Of objects no overlay has touched, only what overlays are not there to mend."""
    told = (finding for subject in subjects for finding in _object(subject))
    retagged = any(_IMAGES.search(contents[file]) for file, role in found.files.items() if role is Role.KUSTOMIZATION)
    stands = _STANDS if retagged else _STANDS | {codes.UNPINNED.code}
    return [
        one
        for one in told
        if one.code.code in stands or (one.severity is Severity.ERROR and one.code.code not in _BY_OVERLAYS)
    ]


def _object(subject: Subject) -> Iterator[Finding]:
    violations = list(validate.violations(subject.manifest)) if subject.ours else []
    for one in violations:
        yield _finding(subject, Told(one.code, one.pointer, one.message, one.hint))
    rules = [*RULES, pools.template] if not violations else RULES
    for rule in rules:
        for told in rule(subject):
            yield _finding(subject, told)


def _expanded(subjects: Sequence[Subject], runner: Mapping[str, bytes]) -> Iterator[Finding]:
    places = {one.ref: one.locate for one in subjects}

    def locate(ref: ResourceRef, pointer: str) -> Location | None:
        return places[ref](pointer) if ref in places else None

    try:
        expand.expand([one.manifest for one in subjects], context=expand.Context(runner=runner, locate=locate))
    except (errors.ConfigError, errors.SeveralErrors) as error:
        for one in errors.singles(error):
            yield _of_error(codes.NOT_EXPANDED, one)


def _finding(subject: Subject, told: Told) -> Finding:
    where = subject.locate(told.pointer)
    return Finding(code=told.code, message=told.message, hint=told.hint, location=where, ref=subject.ref)


def _of_error(code: Code, error: errors.GitOpsError) -> Finding:
    message = f"{error.message}: {error.cause}" if error.cause else error.message
    return Finding(code=code, message=message, hint=error.hint, location=error.location, ref=error.ref)


def _distinct(findings: Iterable[Finding]) -> list[Finding]:
    """Each thing once: bases are built more than once, and a file's mistake is found by more than one reader."""
    unique = {(one.code.code, one.location, one.message): one for one in findings}
    texts = {one.location for one in unique.values() if one.code.code in _TEXT}
    lines = {
        (one.location.file, one.location.line)
        for one in unique.values()
        if one.location and one.severity is Severity.ERROR and one.code is not codes.BUILD
    }
    return [one for one in unique.values() if not _told_already(one, texts, lines)]


def _told_already(finding: Finding, texts: set[Location | None], lines: set[tuple[str, int]]) -> bool:
    where = finding.location
    if finding.code is codes.WRONG_TYPE:
        return where in texts
    return finding.code is codes.BUILD and where is not None and (where.file, where.line) in lines
