"""POSTs that may be sent again: their keys, and answers that can be kept; and the version that a change is made to."""

from collections.abc import Mapping
from typing import Any

from fastapi import Request
from fastapi.responses import Response

from shared.kernel.errors import Stale
from shared.web.idempotency import Answer, Key, key_of
from shared.web.lists import json_response
from shared.web.scope import Caller


async def key_from(request: Request, who: Caller, body: bytes | None = None) -> Key | None:
    """The request's Idempotency-Key, if it has one; `body` where it was read already.

    Raises:
        Malformed: it is empty or too long.
    """
    return key_of(
        request.headers.get("idempotency-key"),
        caller=who.user,
        method=request.method,
        path=f"{request.url.path}?{request.url.query}",
        body=await request.body() if body is None else body,
    )


def answered(body: Mapping[str, Any], status: int) -> Answer:
    """An answer that can be kept."""
    return Answer(status, bytes(json_response(body).body))


def sent(answer: Answer) -> Response:
    """The answer on its way."""
    return Response(answer.body, answer.status, media_type="application/json")


def if_match(request: Request) -> int | None:
    """The version that the caller read; None where any will do.

    Raises:
        Stale: it is none that ever was.
    """
    given = request.headers.get("if-match")
    if given is None or given.strip() == "*":
        return None
    version = given.strip().removeprefix("W/").strip('"')
    if not (version.isascii() and version.isdigit() and len(version) <= 18):
        raise Stale("the If-Match header is none that this record ever had; read it again")
    return int(version)
