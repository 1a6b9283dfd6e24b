"""Queries put together from constants, with every value a parameter; and pages of them."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg

from services.attendance.application.listing import Page
from shared.kernel.errors import Malformed
from shared.web.lists import EXACT_TO, Window
from shared.web.scope import Scope


class Where:
    """Conditions joined by AND. Values are numbered as they come."""

    def __init__(self, *values: object) -> None:
        """`values` are those that the rest of the query names itself, `$1` first."""
        self.values: list[object] = list(values)
        self._conditions: list[str] = []

    def value(self, value: object) -> str:
        """The placeholder of a value."""
        self.values.append(value)
        return f"${len(self.values)}"

    def add(self, condition: str, *values: object) -> None:
        """A condition in which each `{}` stands for one of the values."""
        self._conditions.append(condition.format(*map(self.value, values)))

    def copy(self) -> "Where":
        """One that can grow by itself."""
        other = Where(*self.values)
        other._conditions = list(self._conditions)
        return other

    def __str__(self) -> str:
        return " AND ".join(self._conditions) or "TRUE"


BELOW = (  # of units, and all that is below them
    "WITH RECURSIVE below AS (SELECT id FROM units WHERE id = ANY({}::int[]) "
    "UNION SELECT units.id FROM units JOIN below ON units.parent_id = below.id) SELECT id FROM below"
)


def seen_by(where: Where, scope: Scope, *, person: str, unit: str) -> None:
    """Leave only what the caller may see. `person` and `unit` are columns: whom a row is about, and where they were.

    `unit` has to be that of the date in question. A trainer sees sessions, which are not here: for now, oneself.
    """
    if scope.reach == "all":
        return
    if scope.reach == "none":
        where.add("FALSE")
    elif scope.reach == "units":
        where.add(f"({unit} IN ({BELOW}) OR {person} = {{}}::int)", list(scope.units), scope.person)
    else:
        where.add(f"{person} = {{}}::int", scope.person)


def people_counted(where: Where, scope: Scope, of: str) -> str:
    """How many are somewhere today, as far as the caller sees them: a column for queries whose `$1` is today's date.

    `of` says of an assignment `a` that it is there.
    """
    seen = Where()
    seen.values = where.values
    seen.add(f"{of} AND a.during @> $1::date AND NOT p.removed AND coalesce(p.left_on >= $1::date, true)")
    seen_by(seen, scope, person="p.id", unit="a.unit_id")
    counted = f"(SELECT count(*) FROM assignments a JOIN people p ON p.id = a.person_id WHERE {seen})"
    if scope.reach != "all":
        where.add(f"{counted} >= 0")  # or the query that counts the rows would have values that it does not know
    return counted


def in_unit(where: Where, unit_id: int, *, unit: str) -> None:
    """Leave only what belongs to a unit or to one below it."""
    where.add(f"{unit} IN ({BELOW})", [unit_id])


def like(text: str) -> str:
    """A pattern that finds `text` anywhere, with its own signs taken literally."""
    escaped = text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


@dataclass(frozen=True, slots=True)
class Key:
    """A column that a list is ordered by. It is never NULL."""

    column: str
    type: str
    read: Callable[[Any], object]
    """From what a cursor holds."""


def day_key(column: str) -> Key:
    """A key that is a date."""
    return Key(column, "date", date.fromisoformat)


def text_key(column: str) -> Key:
    """A key that is text; in the order of its bytes, which a cursor can rely on."""
    return Key(f'({column}) COLLATE "C"', "text", str)


def number_key(column: str) -> Key:
    """A key that is a whole number."""
    return Key(column, "bigint", _whole)


def time_key(column: str) -> Key:
    """A key that is a wall-clock time."""
    return Key(column, "timestamp", partial(_moment, aware=False))


def instant_key(column: str) -> Key:
    """A key that is an instant."""
    return Key(column, "timestamptz", partial(_moment, aware=True))


def uuid_key(column: str) -> Key:
    """A key that is a UUID."""
    return Key(column, "uuid", UUID)


async def page(
    pg: "asyncpg.Connection[Any]",
    *,
    select: str,
    source: str,
    where: Where,
    first: Key,
    then: Sequence[Key],
    asked: Window,
    count_source: str | None = None,
    counted: int | None = None,
) -> Page[asyncpg.Record]:
    """One page of `SELECT select FROM source WHERE where`, in the order of `first` (as asked) and `then` (rising).

    `first` and `then` together are unique. `count_source` is a shorter one with as many rows. Who has `counted` all
    rows may leave out of `source` what no row of this page comes from.

    Raises:
        Malformed: the cursor is none of this list.
    """
    total, exact = (counted, True) if counted is not None else await count(pg, count_source or source, where)
    keys = [first, *then]
    narrowed = where.copy()
    if asked.after is not None:
        _go_after(narrowed, keys, asked)
    down = "DESC" if asked.descending else "ASC"
    order = ", ".join([f"{first.column} {down}", *(key.column for key in then)])
    shown = ", ".join(f"{key.column} AS key_{number}" for number, key in enumerate(keys))
    sql = (
        f"SELECT {select}, {shown} FROM {source} WHERE {narrowed} "
        f"ORDER BY {order} LIMIT {narrowed.value(asked.limit + 1)}"
    )
    if asked.offset:
        sql += f" OFFSET {narrowed.value(min(asked.offset, 1 << 62))}"
    rows = await pg.fetch(sql, *narrowed.values)
    more = len(rows) > asked.limit
    rows = rows[: asked.limit]
    after = tuple(rows[-1][f"key_{number}"] for number in range(len(keys))) if more else None
    return Page(rows=rows, total=total, exact=exact, next_after=after)


async def count(pg: "asyncpg.Connection[Any]", source: str, where: Where) -> tuple[int, bool]:
    """How many rows there are, and whether that is exact: past `EXACT_TO` it is the planner's estimate."""
    bounded = f"SELECT count(*) FROM (SELECT FROM {source} WHERE {where} LIMIT {EXACT_TO + 1}) AS bounded"
    found: int = await pg.fetchval(bounded, *where.values)
    if found <= EXACT_TO:
        return found, True
    plan = await pg.fetchval(f"EXPLAIN SELECT FROM {source} WHERE {where}", *where.values)
    estimate = re.search(r"rows=(\d+)", plan)
    return max(int(estimate[1]) if estimate else 0, found), False


def _go_after(where: Where, keys: Sequence[Key], asked: Window) -> None:
    """Continue behind the row whose keys the cursor holds."""
    assert asked.after is not None  # noqa: S101 - the caller has looked
    if len(asked.after) != len(keys):
        raise _not_ours()
    try:
        values = [key.read(value) for key, value in zip(keys, asked.after, strict=True)]
    except (TypeError, ValueError, AttributeError, OverflowError) as error:
        raise _not_ours() from error
    places = [f"{where.value(value)}::{key.type}" for key, value in zip(keys, values, strict=True)]
    first, its_place = keys[0].column, places[0]
    sign = "<" if asked.descending else ">"
    rest = f"({', '.join(key.column for key in keys[1:])}) > ({', '.join(places[1:])})"
    # The first comparison is what an index or a partition can be chosen by.
    where.add(f"{first} {sign}= {its_place} AND ({first} {sign} {its_place} OR {rest})")


def _moment(value: Any, *, aware: bool) -> datetime:
    moment = datetime.fromisoformat(value)
    if (moment.tzinfo is not None) != aware:
        raise ValueError("an instant has a zone, and a wall clock has none")
    return moment


def _whole(value: Any) -> int:
    number = int(value)
    if not -(1 << 63) <= number < 1 << 63:
        raise ValueError("larger than any column")
    return number


def _not_ours() -> Malformed:
    detail = "is not one that this list has given out"
    return Malformed(f"cursor: {detail}", fields={"cursor": detail})
