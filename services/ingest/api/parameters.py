"""Reading query parameters and headers, each error naming what is wrong."""

import re
from collections.abc import Collection

from fastapi import Request

from shared.kernel.errors import Malformed, Stale, sentence


def flag(request: Request, name: str) -> bool | None:
    """True or false, or None where it is not given.

    Raises:
        Malformed: it is something else.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    if text.lower() in ("true", "1"):
        return True
    if text.lower() in ("false", "0"):
        return False
    raise bad(name, f"{text!r} is neither true nor false")


def one_of(request: Request, name: str, values: Collection[str]) -> str | None:
    """One of these values, or None where it is not given.

    Raises:
        Malformed: it is another.
    """
    text = request.query_params.get(name)
    if text is not None and text not in values:
        raise bad(name, f"{text!r} is not possible; possible are {sentence(sorted(values))}")
    return text


def revision_wanted(request: Request) -> int | None:
    """The revision in `If-Match`, or None where any will do.

    Raises:
        Stale: it is no ETag that a machine ever had, so that none matches it.
    """
    header = request.headers.get("if-match", "*").strip()
    if header == "*":
        return None
    match = re.fullmatch(r'(?:W/)?"(\d{1,18})"', header)
    if match is None:
        raise Stale("the If-Match header is none that a machine ever had; read it again")
    return int(match[1])


def bad(name: str, detail: str) -> Malformed:
    """The error about a parameter."""
    return Malformed(f"{name}: {detail}", fields={name: detail})
