"""Errors as RFC 9457 `application/problem+json`, with the member `error` that older pages show."""

import math
from http import HTTPStatus
from typing import Any

import structlog
from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from starlette.exceptions import HTTPException

from shared.kernel import errors
from shared.kernel.in_words import by_name, in_words
from shared.observability.logs import get_logger

log = get_logger(__name__)

STATUS: dict[type[errors.MusterError], int] = {
    errors.Invalid: 422,
    errors.Malformed: 400,
    errors.Denied: 403,
    errors.Unauthenticated: 401,
    errors.NotFound: 404,
    errors.Conflict: 409,
    errors.Stale: 412,
    errors.Unavailable: 503,
    errors.TooMany: 429,
}
"""The one place where a category becomes a status."""

_TEXT = {"type": "string"}
PROBLEM: dict[str, Any] = {
    "type": "object",
    "description": "An error, as RFC 9457 has it; `error` is a sentence for a person",
    "required": ["type", "title", "status", "detail", "error"],
    "properties": {
        "type": _TEXT,
        "title": _TEXT,
        "status": {"type": "integer"},
        "detail": _TEXT,
        "error": _TEXT,
        "errors": {
            "type": "array",
            "description": "what is wrong with single inputs",
            "items": {"type": "object", "properties": {"pointer": _TEXT, "detail": _TEXT}},
        },
        "request_id": _TEXT,
    },
}
_EXPECTED = "is missing: this needs a body of JSON, with the header `Content-Type: application/json`"
PROBLEMS: dict[int | str, dict[str, Any]] = {
    "default": {
        "description": "An error",
        "content": {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}},
    }
}
"""What every route answers where it does not answer what it says: responses of the OpenAPI document."""


def status_of(error: errors.MusterError) -> int:
    """The status of the nearest category."""
    return next((STATUS[kind] for kind in type(error).__mro__ if kind in STATUS), 500)


def problem(
    status: int, message: str, *, fields: dict[str, str] | None = None, headers: dict[str, str] | None = None
) -> Response:
    """A problem as a response."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": message,
        "error": message,
    }
    if fields:
        body["errors"] = [{"pointer": name, "detail": detail} for name, detail in fields.items()]
    if request_id := structlog.contextvars.get_contextvars().get("request_id"):
        body["request_id"] = request_id
    return JSONResponse(body, status, headers, media_type="application/problem+json")


def add_problem_handlers(app: FastAPI) -> None:
    """Turn every error that leaves a route into a problem."""
    app.add_exception_handler(errors.MusterError, _known)
    app.add_exception_handler(RequestValidationError, _malformed)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(UnicodeEncodeError, _half_a_character)


async def _known(_request: Request, error: Exception) -> Response:
    assert isinstance(error, errors.MusterError)  # noqa: S101 - registered for it
    return respond(error)


def respond(error: errors.MusterError) -> Response:
    """The response to an error of ours."""
    headers = {}
    if isinstance(error, errors.Unavailable):
        headers["Retry-After"] = str(max(1, math.ceil(error.retry_after)))
    if isinstance(error, errors.Unauthenticated):
        headers["WWW-Authenticate"] = "Bearer"
    return problem(status_of(error), error.message, fields=error.fields, headers=headers)


async def _malformed(_request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for it
    fields: dict[str, str] = {}
    inside: list[dict[str, Any]] = []
    for item in error.errors():
        place, *steps = item["loc"]
        if not steps or item["type"] == "json_invalid":
            fields[str(place)] = _EXPECTED if item["type"] == "missing" else in_words(item)
        elif place == "body":
            inside.append({**item, "loc": steps})
        else:
            fields[str(steps[0])] = in_words(item)
    fields |= by_name(inside, error.body)
    return problem(400, "; ".join(f"{name}: {detail}" for name, detail in fields.items()), fields=fields)


async def _http(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for it
    if error.status_code == 404 and error.detail == "Not Found":
        return problem(404, f"there is nothing at {request.url.path}")
    if error.status_code == 405:
        return problem(
            405, f"{request.method} is not possible at {request.url.path}", headers=dict(error.headers or {})
        )
    return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _half_a_character(_request: Request, _error: Exception) -> Response:
    """JSON can spell half of a surrogate pair, and Python takes it for a text; nothing else does."""
    return problem(400, "the request holds half of a surrogate pair, which is no character")


def bug(method: str, path: str, error: Exception) -> Response:
    """The response to an error that is nobody's but ours, which the log tells all about."""
    log.error("http.bug", method=method, path=path, exc_info=error)
    return problem(500, "something went wrong inside Muster; the log has the details")
