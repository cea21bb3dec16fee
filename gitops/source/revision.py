"""A revision: the reference somebody follows and the commit it stood for."""

from __future__ import annotations

from dataclasses import dataclass

from gitops import errors


@dataclass(frozen=True, slots=True)
class Revision:
    """`main@sha1:<hex>` for a branch or tag, `sha1:<hex>` for a bare commit (Flux RFC-0005's form)."""

    commit: str
    reference: str = ""

    def __str__(self) -> str:
        return f"{self.reference}@sha1:{self.commit}" if self.reference else f"sha1:{self.commit}"

    @property
    def short(self) -> str:
        """For people: the reference and twelve digits."""
        return f"{self.reference}@{self.commit[:12]}" if self.reference else self.commit[:12]

    @classmethod
    def parse(cls, text: str) -> Revision:
        """Read what `str` wrote.

        Raises:
            ConfigError: the text is not a revision.
        """
        reference, _, commit = text.rpartition("sha1:")
        if not commit or (reference and not reference.endswith("@")):
            raise errors.ConfigError(f"not a revision: {text!r}", hint="write main@sha1:<40 hex digits>")
        return cls(commit=commit, reference=reference[:-1])
