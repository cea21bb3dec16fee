"""Options several commands share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

import click

Command = TypeVar("Command", bound=Callable[..., Any])


def names(given: tuple[str, ...]) -> frozenset[str]:
    """What `--consent` agrees to: repeated, or several at once separated by commas, as in a trailer."""
    return frozenset(one.strip().lower() for text in given for one in text.split(",") if one.strip())


def output(*formats: str, default: str | None = None) -> Callable[[Command], Command]:
    """`-o FORMAT`, as the argument `output`; the first format is the default unless another is named."""
    return click.option(
        "-o",
        "--output",
        type=click.Choice(formats),
        default=default or formats[0],
        show_default=True,
        help="Form of the answer.",
    )
