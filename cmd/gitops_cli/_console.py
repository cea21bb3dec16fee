"""The only module that knows whether somebody is watching: terminal, colour, width, questions.

Answers go to stdout, everything else to stderr. Whatever is printed has secrets masked and control characters removed.
"""

from __future__ import annotations

import io
import re
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TextIO

import click

from gitops.report import redact

STYLE = re.compile(r"(\x1b\[[0-9;]*m)")
PIPE_WIDTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Console:
    """Prints and asks."""

    redactor: redact.Redactor
    environment: Mapping[str, str]
    color: str = "auto"
    quiet: bool = False
    verbose: int = 0
    no_input: bool = False

    def answer(self, text: str) -> None:
        """What was asked for, to stdout; the text may carry styles made by `paint`."""
        self._write(sys.stdout, text)

    def note(self, text: str) -> None:
        """Progress and hints, to stderr; silent with -q."""
        if not self.quiet:
            self._write(sys.stderr, text)

    def detail(self, text: str, *, level: int = 1) -> None:
        """What only -v (or -vv, level 2) wants to know."""
        if self.verbose >= level:
            self._write(sys.stderr, text)

    def complain(self, text: str) -> None:
        """An error or a warning, to stderr; -q does not silence it."""
        self._write(sys.stderr, text)

    def transcript(self, lines: Iterable[bytes], *, to_answer: bool = True) -> None:
        """What a script wrote, to stdout (or stderr): byte for byte into a pipe or file, harmless on a terminal.

        A terminal shows what a line was at last, after its carriage returns, in the script's colours.
        """
        stream = sys.stdout if to_answer else sys.stderr
        if stream.isatty():
            for line in lines:
                self._write(stream, line.rstrip(b"\r").rpartition(b"\r")[2].decode("utf-8", "replace"))
        else:
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(encoding="utf-8", errors="surrogateescape")
            for line in lines:
                stream.write(self.redactor.clean(line.decode("utf-8", "surrogateescape")) + "\n")
        stream.flush()

    def table(self, header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Aligned columns on a terminal; in a pipe tab-separated and without a header, so that cut and awk work."""
        cells = [[redact.plain(cell).replace("\t", " ").replace("\n", " ") for cell in row] for row in rows]
        if not self.interactive_output:
            for row in cells:
                self.answer("\t".join(row))
            return
        widths = [max(map(len, column)) for column in zip(header, *cells, strict=True)]
        for row in [[self.paint(title, "bold") for title in _padded(header, widths)], *cells]:
            self.answer("  ".join(_padded(row, widths)).rstrip())

    def confirm(self, question: str) -> bool:
        """Ask on the terminal; no, if nobody can be asked or nothing is typed."""
        if self.no_input or not (sys.stdin.isatty() and sys.stderr.isatty()):
            return False
        return click.confirm(self._clean(question, styled=False), default=False, err=True)

    def paint(self, text: str, *styles: str, error: bool = False) -> str:
        """Style text for stdout (or stderr): a colour's name, `bold` or `dim`. Untrusted text loses its own styles."""
        text = redact.plain(text)
        if not self.colored(sys.stderr if error else sys.stdout):
            return text
        color = next((style for style in styles if style not in {"bold", "dim"}), None)
        return click.style(text, fg=color, bold="bold" in styles or None, dim="dim" in styles or None)

    @property
    def interactive_output(self) -> bool:
        """Whether stdout is a terminal."""
        return sys.stdout.isatty()

    @property
    def width(self) -> int:
        """Columns to fold at."""
        return shutil.get_terminal_size((PIPE_WIDTH, 24)).columns if self.interactive_output else PIPE_WIDTH

    def colored(self, stream: TextIO) -> bool:
        """--color, then NO_COLOR, then FORCE_COLOR and CLICOLOR_FORCE, then whether it is a terminal that can."""
        if self.color != "auto":
            return self.color == "always"
        if self.environment.get("NO_COLOR"):
            return False
        if any(self.environment.get(name, "0") != "0" for name in ("FORCE_COLOR", "CLICOLOR_FORCE")):
            return True
        return stream.isatty() and self.environment.get("TERM") != "dumb"

    def _write(self, stream: TextIO, text: str) -> None:
        cleaned = self._clean(text, styled=self.colored(stream))
        try:
            stream.write(f"{cleaned}\n")
        except UnicodeEncodeError:
            encoding = stream.encoding
            stream.write(f"{cleaned}\n".encode(encoding, "replace").decode(encoding))
        if stream is sys.stderr:
            stream.flush()

    def _clean(self, text: str, *, styled: bool) -> str:
        text = self.redactor.clean(text)
        if not styled:
            return redact.plain(STYLE.sub("", text))
        pieces = STYLE.split(text)
        return "".join(piece if index % 2 else redact.plain(piece) for index, piece in enumerate(pieces))


def _padded(row: Sequence[str], widths: Sequence[int]) -> list[str]:
    return [cell + " " * (width - len(STYLE.sub("", cell))) for cell, width in zip(row, widths, strict=True)]
