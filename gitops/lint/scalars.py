"""What is written in a file, judged before it means anything: duplicate keys, scalars that read two ways."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

from gitops import errors
from gitops.api import crds, schemas
from gitops.api.meta import DURATION, GROUP
from gitops.lint import codes, places, structure
from gitops.lint.code import Code
from gitops.lint.files import Role
from gitops.lint.finding import Finding
from gitops.lint.places import Place, Wanted
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
_TAKES_QUOTES = frozenset({Wanted.STRING, Wanted.ANNOTATION})
_NUMBERS = frozenset({Wanted.INTEGER, Wanted.QUANTITY})


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
    place = places.at(role, scanned.headers[scalar.document], scalar.pointer)
    refused = _refused(text, place, scalar.pointer)
    code = _code(code, text, place, role, refused=bool(refused))
    if code is not None:
        mended = _mended(code, text, place, refused)
        yield Finding(
            code=code,
            message=_message(code, text, place),
            hint=_hint(code, text, place, refused),
            location=scalar.at,
            length=len(text),
            # What an alias repeats may be meant otherwise in another place.
            edits=(edit.Edit(scalar.start, scalar.end, mended),) if mended and not scalar.anchored else (),
        )


def _refused(text: str, place: Place, pointer: str) -> str:
    """Why the text would not do as a string in its place; empty if it would, or if no string is wanted."""
    if place.wanted is not Wanted.STRING:
        return ""
    return next((one.hint or one.message for one in structure.violations(text, place.schema, pointer)), "")


def _code(code: Code | None, text: str, place: Place, role: Role, *, refused: bool) -> Code | None:
    """What to report; nothing where the validator has more to say of the value."""
    if code in {codes.WORD, codes.DATE}:
        return None if refused or place.wanted in _NUMBERS else code
    if code is codes.OCTAL and place.wanted is Wanted.MODE:
        return None
    if code is not None and not refused:
        return code
    # null stands for nothing, and in a patch removes.
    return codes.NOT_A_STRING if place.wanted is Wanted.STRING and _read(text, role) is not None else code


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


def _message(code: Code, text: str, place: Place) -> str:
    other = "true" if WORDS.get(text.lower()) else "false"
    match code:
        case codes.WORD if place.wanted is Wanted.BOOLEAN:
            return f"{text} is a string to Kubernetes and {other} to YAML 1.1"
        case codes.WORD:
            return f"{text} is a string to some programs and {other} to others"
        case codes.OCTAL:
            read = _read(text, Role.RESOURCE)
            return f"{text} is read as the {'' if read == _decimal(text) else 'octal '}number {read}"
        case codes.DATE:
            return f"{text} is read as the point in time {timestamp(text)}"
        case codes.BIG_INTEGER:
            return f"{text} is beyond 2^53: some programs change its last digits"
        case _:
            return f"{text} is no string, and Kubernetes wants one here"


def _hint(code: Code, text: str, place: Place, refused: str) -> str:
    mended = _mended(code, text, place, refused)
    if mended:
        return f"write {mended}"
    if refused:
        return f"quotes would not do: what is wanted is {refused}"
    if code is codes.OCTAL:
        as_text = "" if place.wanted in _NUMBERS else f", {edit.quoted(text)} for the string"
        meant, read = _decimal(text), _read(text, Role.RESOURCE)
        number = f"write {read}" if read == meant else f"write {meant} if that is meant, {read} for what is read now"
        return number + as_text
    if code is codes.BIG_INTEGER and place.wanted is Wanted.INTEGER:
        return "write a smaller number: no text is allowed here"
    if code is codes.WORD:
        return f"write {edit.quoted(text)} for the string, {_boolean(text)} for the boolean"
    return f"write {edit.quoted(text)}"


def _mended(code: Code, text: str, place: Place, refused: str) -> str:
    """What to write instead; empty where it is not certain what was meant, or the field would refuse that too."""
    if refused:
        nothing = place.schema.get("pattern") == DURATION and _read(text, Role.RESOURCE) == 0
        return "0s" if nothing else ""
    if place.wanted in _TAKES_QUOTES or (code is codes.BIG_INTEGER and place.wanted is Wanted.QUANTITY):
        return edit.quoted(text)
    return _boolean(text) if place.wanted is Wanted.BOOLEAN and code is codes.WORD else ""


def _boolean(word: str) -> str:
    return "true" if WORDS[word.lower()] else "false"


def _decimal(octal: str) -> int:
    """The number that the digits are when the zeros before them mean nothing."""
    return int(octal.replace("_", ""))


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
