"""The lock that workers and changes of rules share, and the counter that tells workers of a change.

A worker holds the lock *shared* through its transaction, so that what it computes by cannot change under it. Whoever
changes people, badges, assignments, settings, sites or zones takes it *exclusively*, raises `rules.n`, and notes
which days are to be computed again; the change commits at once, the days follow in the background.
"""

from collections.abc import Collection, Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID

import asyncpg

RULES_LOCK = 0x6D75_7374  # any number that only this means


async def share_rules(pg: "asyncpg.Connection[Any]") -> int:
    """Hold the rules still until the transaction ends; returns `rules.n` as it then stands."""
    await pg.execute("SELECT pg_advisory_xact_lock_shared($1)", RULES_LOCK)
    # A statement of its own: its snapshot has to be younger than the lock.
    n: int = await pg.fetchval("SELECT n FROM rules")
    return n


async def change_rules(pg: "asyncpg.Connection[Any]") -> int:
    """Wait for the workers under way, hold up new ones until this transaction ends, and raise `rules.n`."""
    await hold_rules(pg)
    n: int = await pg.fetchval("UPDATE rules SET n = n + 1 RETURNING n")
    return n


async def hold_rules(pg: "asyncpg.Connection[Any]") -> None:
    """Wait for the workers under way, and hold up new ones until this transaction ends; the rules stay as they are."""
    await pg.execute("SELECT pg_advisory_xact_lock($1)", RULES_LOCK)


async def ask_days(
    pg: "asyncpg.Connection[Any]", people: Collection[int], since: date | None, until: date | None, reason: str
) -> None:
    """Note the days of these people from `since` on and before `until`, and those beside them.

    What moves the window of a date moves those of its neighbours.
    """
    before = None if since is None else since - timedelta(days=1)
    # The end of a span is exclusive, that of a note is not.
    await ask_recompute(pg, reason=reason, people=sorted(people), since=before, until=until)


async def ask_recompute(
    pg: "asyncpg.Connection[Any]",
    *,
    reason: str,
    person_id: int | None = None,
    people: Sequence[int] | None = None,
    since: date | None = None,
    until: date | None = None,
    expected: bool = True,
    run_id: UUID | None = None,
) -> None:
    """Note days to compute again (of everybody; always), in the transaction of what made it necessary.

    `until` is inclusive. Of nobody, where `people` is empty. With `expected` it may change what is expected, too; with
    a run, somebody follows it.
    """
    if people is not None and not people and run_id is None:
        return
    await pg.execute(
        "INSERT INTO recomputations (person_id, people, since, until, reason, run_id) VALUES ($1, $2, $3, $4, $5, $6)",
        person_id,
        people,
        since,
        until,
        reason,
        run_id,
    )
    if expected:
        await ask_expected(pg, people if person_id is None else [person_id], since, until)


async def ask_expected(
    pg: "asyncpg.Connection[Any]",
    people: Sequence[int] | None,
    since: date | None = None,
    until: date | None = None,
) -> None:
    """Note that other hours may be expected of these people (of everybody) on these dates; `until` is inclusive."""
    await pg.execute("INSERT INTO expected_notes (people, since, until) VALUES ($1, $2, $3)", people, since, until)
