"""Lists: a bare array with `X-Total-Count` and `Link`, or with `?page=` the envelope that older pages know."""

import base64
import json
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import msgspec
from fastapi import Request
from fastapi.responses import Response

from shared.kernel.errors import Malformed, sentence

PAGE_SIZE, MOST_IN_A_PAGE = 20, 100
EXACT_TO = 100_000
"""Counts beyond it are estimated, and say so."""

Orders: TypeAlias = Collection[str] | Mapping[str, tuple[type, ...]]
"""What a list may be ordered by; a mapping says beside each order of which types its cursors are made."""

_encoder = msgspec.json.Encoder(uuid_format="canonical")


def json_response(value: Any, *, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """`value` as JSON, quickly: plain values, dataclasses, structs, dates, UUIDs."""
    return Response(_encoder.encode(value), status, headers, media_type="application/json")


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """Which part of a list is asked for, and how it is ordered."""

    limit: int
    offset: int | None = None
    """Where a page is asked for."""
    after: tuple[Any, ...] | None = None
    """Where a cursor is given: the sort key of the last row that the caller has."""
    page: int | None = None
    order: str
    """The field, without its sign."""
    descending: bool
    search: str | None = None


def known(request: Request, *names: str) -> None:
    """Refuse parameters that the route does not have: a misspelt filter must not answer with everything.

    Nor may one be given twice: which of the two counts, only we would know.

    Raises:
        Malformed: names them.
    """
    unknown = sorted(set(request.query_params) - set(names))
    if unknown:
        fields = dict.fromkeys(unknown, "is not a parameter here")
        possible = f"possible are {sentence(sorted(names))}" if names else "there is none here"
        raise Malformed(f"unknown parameter {sentence(unknown)}; {possible}", fields=fields)
    given = Counter(name for name, _ in request.query_params.multi_items())
    if twice := sorted(name for name, times in given.items() if times > 1):
        raise Malformed(f"{sentence(twice)}: is given more than once", fields=dict.fromkeys(twice, "more than once"))


LIST_PARAMETERS = {
    "limit": "at most this many",
    "cursor": "where the page before ended, as its `Link` header says",
    "page": "the number of a page, from 1; the answer is then the envelope `count, next, previous, results`",
    "page_size": "1 to 100, with `page`",
    "ordering": "a field, with `-` before it for falling order",
    "search": "text that a row must hold",
}


def described(
    parameters: Mapping[str, str], *, a_list: bool = False, required: Collection[str] = (), rows: Any = None
) -> dict[str, Any]:
    """The parameters as `openapi_extra` takes them; `a_list` adds those of all lists, `rows` what a row of it is."""
    every = {**parameters, **(LIST_PARAMETERS if a_list else {})}
    answers = {} if rows is None else {"responses": {"200": _a_list_of(rows)}}
    return {
        **answers,
        "parameters": [
            {
                "name": name,
                "in": "query",
                "required": name in required,
                "description": description,
                "schema": {"type": "integer" if name in ("limit", "page", "page_size") else "string"},
            }
            for name, description in every.items()
        ],
    }


def _a_list_of(row: Any) -> dict[str, Any]:
    (schema,), parts = msgspec.json.schema_components([list[row]])

    def whole(value: Any) -> Any:
        if isinstance(value, dict):
            if "$ref" in value:
                return whole(parts[value["$ref"].rpartition("/")[2]])
            return {name: whole(inner) for name, inner in value.items()}
        return [whole(inner) for inner in value] if isinstance(value, list) else value

    said = "The rows; with `page` they are the `results` of the envelope `count, next, previous, results`"
    return {"description": said, "content": {"application/json": {"schema": whole(schema)}}}


def window(request: Request, *, filters: Collection[str], orders: Orders, default: str, limit: int) -> Window:
    """Read the parameters that all lists share; `default` is an order such as `-date`, `limit` the usual length.

    A cursor of other types than `orders` says is refused here; where it says none, whoever reads the rows has to look.

    Raises:
        Malformed: one is unknown or cannot be read; it is named.
    """
    known(request, *LIST_PARAMETERS, *filters)
    parameters = request.query_params
    ordering = parameters.get("ordering") or default
    order, descending = ordering.removeprefix("-"), ordering.startswith("-")
    if order not in orders:
        raise _bad("ordering", f"{ordering!r} is not possible; possible are {sentence(sorted(orders))}")
    search = (parameters.get("search") or "").strip() or None
    if "page" in parameters:
        size = _number(parameters.get("page_size"), "page_size", PAGE_SIZE, most=MOST_IN_A_PAGE)
        page = _number(parameters["page"], "page", 1, most=1_000_000)
        return Window(
            limit=size, offset=(page - 1) * size, page=page, order=order, descending=descending, search=search
        )
    return Window(
        limit=_number(parameters.get("limit"), "limit", limit, most=10_000),
        after=_cursor(parameters["cursor"], order, descending, orders) if "cursor" in parameters else None,
        order=order,
        descending=descending,
        search=search,
    )


def answer(
    request: Request,
    rows: Sequence[Any],
    asked: Window,
    *,
    total: int,
    next_after: tuple[Any, ...] | None = None,
    exact: bool = True,
) -> Response:
    """The rows as the caller asked for them. `next_after` is the sort key of the last row, where there are more."""
    headers = {"X-Total-Count": str(total)}
    if not exact:
        headers["X-Total-Count-Exact"] = "false"
    if asked.page is not None:
        pages = -(-total // asked.limit)
        following = str(_url(request, page=asked.page + 1)) if asked.page < pages else None
        previous = str(_url(request, page=asked.page - 1)) if asked.page > 1 else None
        return json_response(
            {"count": total, "next": following, "previous": previous, "results": rows}, headers=headers
        )
    if next_after is not None:
        headers["Link"] = f'<{_url(request, cursor=encode_cursor(next_after, asked))}>; rel="next"'
    return json_response(rows, headers=headers)


def encode_cursor(after: tuple[Any, ...], asked: Window) -> str:
    """An opaque place in a list; good only for the order it was made in."""
    raw = json.dumps([asked.order, asked.descending, *after], default=str, separators=(",", ":"))
    return base64.urlsafe_b64encode(raw.encode()).decode().rstrip("=")


def _cursor(text: str, order: str, descending: bool, orders: Orders) -> tuple[Any, ...]:
    try:
        its_order, its_descending, *after = json.loads(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)))
    except (ValueError, TypeError, RecursionError) as error:
        raise _bad("cursor", "is not one that this list has given out") from error
    if (its_order, its_descending) != (order, descending):
        raise _bad("cursor", "was given out for another ordering")
    # Exactly: to `isinstance` True is an int, and to a database it is not.
    if isinstance(orders, Mapping) and tuple(map(type, after)) != orders[order]:
        raise _bad("cursor", "is not one that this list has given out")
    return tuple(after)


def _number(text: str | None, name: str, default: int, *, most: int | None = None) -> int:
    if text is None or text == "":
        return default
    if not text.isascii() or not text.isdigit() or len(text) > 18 or int(text) < 1:
        raise _bad(name, f"{text!r} is not a whole number from 1 on")
    if most is not None and int(text) > most:
        raise _bad(name, f"{text} is more than {most}")
    return int(text)


def _url(request: Request, **changed: object) -> str:
    """A relative reference, so that it is right behind any gateway or proxy."""
    url = request.url.include_query_params(**changed)
    return f"{request.headers.get('x-forwarded-prefix', '')}{url.path}?{url.query}"


def _bad(name: str, detail: str) -> Malformed:
    return Malformed(f"{name}: {detail}", fields={name: detail})
