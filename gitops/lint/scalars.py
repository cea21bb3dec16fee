"""What is written in a file, judged before it means anything: duplicate keys, scalars that read two ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gitops import errors
from gitops.api import crds, schemas
from gitops.api.meta import GROUP
from gitops.lint import codes, places
from gitops.lint.code import Code
from gitops.lint.files import Role
from gitops.lint.finding import Finding
from gitops.lint.places import Wanted
from gitops.lint.structure import WORDS
from gitops.location import Location
from gitops.yaml import Dialect, edit, load_all, load_config
from gitops.yaml.scalars import Authored, resolve, timestamp
from gitops.yaml.scan import Scalar, Scan

SAFE_INTEGER = 2**53
"""Above it not every integer has a double of its own (IEEE 754)."""
_SPELLINGS = frozenset(spelling for word in WORDS for spelling in (word, word.capitalize(), word.upper()))
_OCTAL = re.compile(r"[-+]?0[0-9_]+$")
_MODELINE = re.compile(r"^#\s*yaml-language-server:\s*\$schema=", re.MULTILINE)
_QUOTES_FIX = {Wanted.STRING, Wanted.ANNOTATION}


def look(content: bytes, scanned: Scan, role: Role) -> tuple[Finding, ...]:
    """All findings about the text of one file, of which `scanned` is the scan.

    Broken YAML is one of them, so that it hides nothing in other files.
    """
    found = [*_duplicates(scanned), *_broken(content, role, scanned)]
    found += [finding for one in scanned.scalars if one.plain for finding in _scalar(one, role, scanned)]
    found += _no_schema(content, scanned) if role is Role.RESOURCE else []
    return tuple(found)


def _broken(content: bytes, role: Role, scanned: Scan) -> Iterator[Finding]:
    reader = load_config if role is Role.KUSTOMIZATION else load_all
    try:
        reader(content, scanned.file)
    except errors.ConfigError as error:
        if error.location not in {one.at for one in scanned.duplicates}:
            message = f"{error.message}: {error.cause}" if error.cause else error.message
            yield Finding(code=codes.BROKEN, message=message, hint=error.hint, location=error.location)


def _duplicates(scanned: Scan) -> Iterator[Finding]:
    for one in scanned.duplicates:
        message = f"the key {one.key!r} is there already, in line {one.first.line}"
        yield Finding(code=codes.DUPLICATE, message=message, location=one.at, length=len(one.key))


def _scalar(scalar: Scalar, role: Role, scanned: Scan) -> Iterator[Finding]:
    text = scalar.text
    code = _ambiguity(text)
    if code is None and (not text or _read(text, role) == text):
        return
    place = places.wanted(role, scanned.headers[scalar.document], scalar.pointer)
    if code is codes.OCTAL and place is Wanted.MODE:
        return
    if code is None:
        code = _needs_quotes(text, place, role)
    if code is not None:
        yield Finding(
            code=code,
            message=_message(code, text, place),
            hint=_hint(code, text, place),
            location=scalar.at,
            length=len(text),
            edits=_edits(code, scalar, place),
        )


def _ambiguity(text: str) -> Code | None:
    if text in _SPELLINGS:
        return codes.WORD
    if not text[:1].isdigit() and text[:1] not in {"-", "+"}:
        return None
    if timestamp(text):
        return codes.DATE
    value = _read(text, Role.RESOURCE)
    if not isinstance(value, int) or isinstance(value, bool):
        return None
    if _OCTAL.match(text):
        return codes.OCTAL
    return codes.BIG_INTEGER if abs(value) > SAFE_INTEGER else None


def _read(text: str, role: Role) -> Any:
    try:
        value = resolve(text, Dialect.CONFIG if role is Role.KUSTOMIZATION else Dialect.MANIFEST)
    except ValueError:
        return text
    return value.value if isinstance(value, Authored) else value


def _needs_quotes(text: str, place: Wanted, role: Role) -> Code | None:
    """A string is wanted and this is none; null stands for nothing, and in a patch removes."""
    return codes.NOT_A_STRING if place is Wanted.STRING and _read(text, role) is not None else None


def _message(code: Code, text: str, place: Wanted) -> str:
    other = "true" if WORDS.get(text.lower()) else "false"
    match code:
        case codes.WORD if place is Wanted.BOOLEAN:
            return f"{text} is a string to Kubernetes and {other} to YAML 1.1"
        case codes.WORD:
            return f"{text} is a string to some programs and {other} to others"
        case codes.OCTAL:
            return f"{text} is read as the octal number {_read(text, Role.RESOURCE)}"
        case codes.DATE:
            return f"{text} is read as the point in time {timestamp(text)}"
        case codes.BIG_INTEGER:
            return f"{text} is beyond 2^53: some programs change its last digits"
        case _:
            return f"{text} is no string, and Kubernetes wants one here"


def _hint(code: Code, text: str, place: Wanted) -> str:
    boolean = "true" if WORDS.get(text.lower()) else "false"
    if code is codes.WORD and place is Wanted.BOOLEAN:
        return f"write {boolean}"
    if code is codes.WORD and place is Wanted.UNKNOWN:
        return f"write {edit.quoted(text)} for the string, {boolean} for the boolean"
    return f"write {edit.quoted(text)}"


def _edits(code: Code, scalar: Scalar, place: Wanted) -> tuple[edit.Edit, ...]:
    """Only where it is certain what was meant."""
    if place in _QUOTES_FIX:
        return (edit.Edit(scalar.start, scalar.end, edit.quoted(scalar.text)),)
    if place is Wanted.BOOLEAN and code is codes.WORD:
        return (edit.Edit(scalar.start, scalar.end, "true" if WORDS[scalar.text.lower()] else "false"),)
    return ()


def _no_schema(content: bytes, scanned: Scan) -> list[Finding]:
    """One line at the top serves a whole file, so it must be of one kind of ours."""
    headers = set(scanned.headers)
    if len(headers) != 1:
        return []
    [(api_version, kind)] = headers
    text = content.decode("utf-8", "replace")
    if not api_version.startswith(f"{GROUP}/") or crds.kind_named(kind) is None or _MODELINE.search(text):
        return []
    line = schemas.editor_line(kind)
    end = "\r\n" if "\r\n" in text else "\n"
    return [
        Finding(
            code=codes.NO_SCHEMA,
            message=f"editors are not told the schema of this {kind}",
            hint=f"begin the file with: {line}",
            location=Location(scanned.file, 1, 1),
            edits=(edit.Edit(0, 0, line + end),),
        )
    ]
