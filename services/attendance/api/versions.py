"""Records whose `ETag` is a digest of what they say, so that no stale change goes through."""

from collections.abc import Callable, Mapping
from hashlib import sha256
from typing import Any, TypeVar

from fastapi import Request
from fastapi.responses import Response

from shared.web.lists import json_response

T = TypeVar("T")

_COUNTED = ("employees", "machines", "children", "head_name")
"""What changes of a record without anybody's changing it."""


def with_version(shape: Mapping[str, Any]) -> Response:
    """The record with its `ETag`."""
    return json_response(shape, headers={"ETag": _version(shape)})


def stale(request: Request, shape: Callable[[T], Mapping[str, Any]]) -> Callable[[T], bool]:
    """Whether a record is no longer the one that the caller read; `shape` is how it is answered."""
    given = (request.headers.get("if-match") or "*").strip().removeprefix("W/")
    return lambda record: given not in ("*", _version(shape(record)))


def _version(shape: Mapping[str, Any]) -> str:
    own = {name: value for name, value in shape.items() if name not in _COUNTED}
    return f'"{sha256(bytes(json_response(own).body)).hexdigest()[:16]}"'
