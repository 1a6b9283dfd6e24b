"""Writing changes of people: whole columns at a time, with the events and the recomputations that follow from them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

import asyncpg

from services.attendance.application.announce import person_changed
from services.attendance.application.person import ALWAYS, BadgeSpan, Change
from services.attendance.application.rulebook import Rulebook
from services.attendance.storage.person_states import read_states
from services.attendance.storage.rules import ask_expected, ask_recompute
from services.attendance.storage.unknown_badges import count_again
from shared.kernel.errors import Conflict
from shared.outbox.writing import add_fast

Stay = tuple[date | None, date | None]
ONE_BY_ONE = 50
"""People whose days are computed again by a note each; for more of them there is one note for all."""


async def write_changes(
    pg: "asyncpg.Connection[Any]", changes: Sequence[Change], rules: Rulebook, reason: str
) -> list[int]:
    """Write them, in a transaction that holds the rules. Returns the people's ids, in the order of the changes.

    Raises:
        Conflict: days of a locked month on which somebody worked would no longer be theirs.
    """
    if not changes:
        return []
    await _keep_locked(pg, [change for change in changes if change.removed or change.facts_changed])
    stays = await _stays(pg, changes)
    ids = await _people(pg, changes, rules.now)
    await _assignments(pg, changes, ids)
    # What was seen of the badges has to be known before it is forgotten.
    first_seen = await _first_seen(pg, changes)
    await _badges(pg, changes, ids)
    await _unknown_badges(pg, changes, rules)
    affected = _affected(changes, ids, first_seen, by_place=await pg.fetchval(_BY_PLACE))
    for person_id, since in await _beside(pg, changes, first_seen):
        affected[person_id] = _earlier(affected[person_id], since) if person_id in affected else since
    for person_id, since in _closed(changes, ids, stays, await pg.fetchval(_FIRST_CLOSED)).items():
        affected[person_id] = _earlier(affected[person_id], since) if person_id in affected else since
    await _recompute(pg, affected, reason)
    if elsewhere := _expected_elsewhere(changes, ids):
        await ask_expected(pg, elsewhere)
    epoch = await pg.fetchval("SELECT epoch FROM epoch")
    states = await read_states(pg, ids, rules.today())
    await add_fast(pg, [person_changed(states[person_id], epoch) for person_id in ids], time=rules.now)
    return ids


async def _people(pg: "asyncpg.Connection[Any]", changes: Sequence[Change], now: datetime) -> list[int]:
    new = [change for change in changes if change.id is None]
    made = {row["code"]: row["id"] for row in await pg.fetch(_MAKE, *_facts(new), now)} if new else {}
    old = [change for change in changes if change.id is not None]
    if old:
        await pg.execute(_CHANGE, *_facts(old), now, [c.id for c in old], [c.removed for c in old])
    return [made[change.facts.code] if change.id is None else change.id for change in changes]


async def _keep_locked(pg: "asyncpg.Connection[Any]", changes: Sequence[Change]) -> None:
    columns = ([c.id for c in changes], [c.removed for c in changes], *_facts(changes)[-2:])
    if changes and (lost := await pg.fetchrow(_LOST, *columns)):
        raise Conflict(f"{lost['code']} worked on {lost['date']}, in a month that is locked; unlock it first")


def _facts(changes: Iterable[Change]) -> list[list[Any]]:
    facts = [change.facts for change in changes]
    return [
        [f.code for f in facts],
        [f.name for f in facts],
        [f.email for f in facts],
        [f.phone for f in facts],
        [f.gender for f in facts],
        [f.joined_on for f in facts],
        [f.left_on for f in facts],
    ]


async def _assignments(pg: "asyncpg.Connection[Any]", changes: Sequence[Change], ids: Sequence[int]) -> None:
    moves = [(id_, change.since) for id_, change in zip(ids, changes, strict=True) if change.places]
    if not moves:
        return
    pieces = [(id_, span, place) for id_, change in zip(ids, changes, strict=True) for span, place in change.places]
    people, spans, places = (list(column) for column in zip(*pieces, strict=True))
    departments = sorted({place.department for place in places if place.department is not None})
    await pg.execute(_MAKE_UNITS, departments)
    # What began later than the change goes; what lasts over it ends there.
    for statement in (_END_LATER, _END_THERE):
        await pg.execute(statement, *map(list, zip(*moves, strict=True)))
    await pg.execute(
        _PLACE,
        people,
        [span.since for span in spans],
        [span.until for span in spans],
        [place.department for place in places],
        [place.site_id for place in places],
        [place.designation for place in places],
        [place.level_of_work for place in places],
    )


async def _badges(pg: "asyncpg.Connection[Any]", changes: Sequence[Change], ids: Sequence[int]) -> None:
    dropped = [row_id for change in changes for row_id, _ in change.drops]
    if dropped:
        await pg.execute("DELETE FROM badges WHERE id = ANY($1::int[])", dropped)
    added = [(b.badge, id_, *b.span, b.machine) for id_, change in zip(ids, changes, strict=True) for b in change.adds]
    if added:
        await pg.execute(_HOLD, *map(list, zip(*added, strict=True)))


async def _first_seen(pg: "asyncpg.Connection[Any]", changes: Sequence[Change]) -> dict[str, date]:
    """The date of the first scan of each badge that is added; none where it was never seen.

    What nobody ever held is in `unknown_badges`. Only for the rest is it worth looking into the scans.
    """
    added = sorted({badge.badge for change in changes for badge in change.adds})
    if not added:
        return {}
    rows = await pg.fetch(_FIRST_SEEN, added)
    return {row["badge"]: row["first_at"].date() for row in rows if row["first_at"] is not None}


async def _unknown_badges(pg: "asyncpg.Connection[Any]", changes: Sequence[Change], rules: Rulebook) -> None:
    """Badges that are somebody's for ever and everywhere are no longer unknown; the others are counted again."""
    adds = [badge for change in changes for badge in change.adds]
    now_held = {badge.badge for badge in adds if badge.span == ALWAYS and badge.machine is None}
    again = {badge.badge for badge in adds} - now_held
    again |= {badge.badge for change in changes for _, badge in change.drops}
    if now_held:
        await pg.execute("DELETE FROM unknown_badges WHERE badge = ANY($1)", sorted(now_held))
    if again:
        await count_again(pg, sorted(again), rules)


def _affected(
    changes: Sequence[Change], ids: Sequence[int], first_seen: dict[str, date], *, by_place: bool
) -> dict[int, date | None]:
    """Whose days have to be computed again, and since when; None is always.

    `by_place` says that units or sites have schedules, or units settings: who moves has other windows, even on the
    date before.
    """
    affected: dict[int, date | None] = {}

    def add(person_id: int, since: date | None) -> None:
        affected[person_id] = _earlier(affected.get(person_id, since), since)

    for person_id, change in zip(ids, changes, strict=True):
        if change.places and by_place:
            add(person_id, None if change.since is None else change.since - timedelta(days=1))
        elif change.counts_differently:
            add(person_id, change.since)
        for _, badge in change.drops:
            add(person_id, badge.span.since)
        for badge in change.adds:
            if first := first_seen.get(badge.badge):
                add(person_id, _since_seen(badge, first))
    return affected


def _since_seen(badge: BadgeSpan, first: date) -> date:
    # The business date of a scan may be the day before that of its instant.
    return max(first - timedelta(days=1), badge.span.since or date.min)


async def _beside(
    pg: "asyncpg.Connection[Any]", changes: Sequence[Change], first_seen: Mapping[str, date]
) -> Sequence[tuple[int, date | None]]:
    """Who holds a number everywhere that comes to be, or no longer is, somebody's on a machine; and since when."""
    dropped = [(b, b.span.since) for change in changes for _, b in change.drops if b.machine is not None]
    added = [
        (b, _since_seen(b, first_seen[b.badge]))
        for change in changes
        for b in change.adds
        if b.machine is not None and b.badge in first_seen
    ]
    if not (bound := [*dropped, *added]):
        return []
    columns = ([b.badge for b, _ in bound], [since for _, since in bound], [b.span.until for b, _ in bound])
    return [(row["person_id"], row["since"]) for row in await pg.fetch(_BESIDE, *columns)]


def _expected_elsewhere(changes: Sequence[Change], ids: Sequence[int]) -> list[int]:
    """Who is new, moves, or belongs to the company from or until another date."""
    return [
        id_
        for id_, change in zip(ids, changes, strict=True)
        if change.id is None or change.places or change.facts_changed or change.removed
    ]


def _closed(
    changes: Sequence[Change], ids: Sequence[int], stays: dict[int, Stay], first: date | None
) -> dict[int, date]:
    """Who was employed on other dates than before, and since when: dates that are closed have a day of everybody.

    `first` is the first of these; None where there is none.
    """
    found: dict[int, date] = {}
    if first is None:
        return found
    for person_id, change in zip(ids, changes, strict=True):
        before = stays.get(person_id)
        after = None if change.removed else (change.facts.joined_on, change.facts.left_on)
        if before == after:
            continue
        edges = [first]
        if before is not None and after is not None:
            starts = [first] if before[0] != after[0] else []
            ends = [end for end in (before[1], after[1]) if end is not None] if before[1] != after[1] else []
            edges = [*starts, *ends]
        found[person_id] = max(first, min(edges))
    return found


def _earlier(one: date | None, other: date | None) -> date | None:
    return None if one is None or other is None else min(one, other)


async def _stays(pg: "asyncpg.Connection[Any]", changes: Sequence[Change]) -> dict[int, Stay]:
    """From when to when whoever is changed was employed; removed people were not."""
    known = [change.id for change in changes if change.id is not None]
    return {row["id"]: (row["joined_on"], row["left_on"]) for row in await pg.fetch(_STAYS, known)} if known else {}


async def _recompute(pg: "asyncpg.Connection[Any]", affected: dict[int, date | None], reason: str) -> None:
    if len(affected) <= ONE_BY_ONE:
        for person_id, since in sorted(affected.items()):
            await ask_recompute(pg, reason=reason, person_id=person_id, since=since, expected=False)
        return
    dates = [since for since in affected.values() if since is not None]
    since = min(dates) if len(dates) == len(affected) else None
    await ask_recompute(pg, reason=reason, people=sorted(affected), since=since, expected=False)


_LOST = """
SELECT p.code, d.date
FROM unnest($1::int[], $2::bool[], $3::date[], $4::date[]) AS c (id, removed, joined_on, left_on)
JOIN people p ON p.id = c.id CROSS JOIN locks l
JOIN days d ON d.person_id = p.id AND d.date >= l.month AND d.date < (l.month + interval '1 month')::date AND d.used > 0
JOIN assignments a ON a.person_id = p.id AND a.site_id = l.site_id AND a.during @> d.date
WHERE l.unlocked_at IS NULL AND (c.removed OR d.date < c.joined_on OR d.date > c.left_on)
ORDER BY d.date DESC LIMIT 1
"""

_STAYS = "SELECT id, joined_on, left_on FROM people WHERE id = ANY($1::int[]) AND NOT removed"
_FIRST_CLOSED = "SELECT min(date) FROM closed_dates"

_BY_PLACE = """
SELECT EXISTS (SELECT FROM schedule_assignments WHERE person_id IS NULL)
    OR EXISTS (SELECT FROM settings WHERE unit_id IS NOT NULL)
"""

_UNNEST = "unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::text[], $6::date[], $7::date[]"

_MAKE = f"""
INSERT INTO people (code, name, email, phone, gender, joined_on, left_on, created_at, updated_at)
SELECT f.*, $8, $8 FROM {_UNNEST}) AS f RETURNING id, code
"""

_CHANGE = f"""
UPDATE people p SET code = f.code, name = f.name, email = f.email, phone = f.phone, gender = f.gender,
    joined_on = f.joined_on, left_on = f.left_on, removed = f.removed, n = p.n + 1, updated_at = $8
FROM {_UNNEST}, $9::int[], $10::bool[])
    AS f (code, name, email, phone, gender, joined_on, left_on, id, removed)
WHERE p.id = f.id
"""

_MAKE_UNITS = """
INSERT INTO units (kind, name) SELECT 'department', name FROM unnest($1::text[]) AS new (name)
ON CONFLICT (kind, lower(name)) DO NOTHING
"""

_END_LATER = """
DELETE FROM assignments a USING unnest($1::int[], $2::date[]) AS c (person_id, since)
WHERE a.person_id = c.person_id AND (c.since IS NULL OR lower(a.during) >= c.since)
"""
_END_THERE = """
UPDATE assignments a SET during = daterange(lower(a.during), c.since)
FROM unnest($1::int[], $2::date[]) AS c (person_id, since)
WHERE a.person_id = c.person_id AND a.during @> c.since
"""
_PLACE = """
INSERT INTO assignments (person_id, unit_id, site_id, designation, level_of_work, during)
SELECT c.person_id, u.id, c.site_id, c.designation, c.level_of_work, daterange(c.since, c.until)
FROM unnest($1::int[], $2::date[], $3::date[], $4::text[], $5::int[], $6::text[], $7::text[])
    AS c (person_id, since, until, department, site_id, designation, level_of_work)
LEFT JOIN units u ON u.kind = 'department' AND lower(u.name) = lower(c.department)
"""

_HOLD = """
INSERT INTO badges (badge, person_id, during, machine_id)
SELECT c.badge, c.person_id, daterange(c.since, c.until), c.machine_id
FROM unnest($1::text[], $2::int[], $3::date[], $4::date[], $5::int[]) AS c (badge, person_id, since, until, machine_id)
"""

_BESIDE = """
SELECT b.person_id, c.since FROM unnest($1::text[], $2::date[], $3::date[]) AS c (badge, since, until)
JOIN badges b ON b.badge = c.badge AND b.machine_id IS NULL AND coalesce(upper(b.during) > c.since, true)
             AND coalesce(lower(b.during) < c.until, true)
"""

_FIRST_SEEN = """
SELECT c.badge, least(
    CASE WHEN EXISTS (SELECT FROM badges b WHERE b.badge = c.badge)
    THEN (SELECT min(s.at) FROM scans s WHERE s.badge = c.badge)
    ELSE (SELECT u.first_at FROM unknown_badges u WHERE u.badge = c.badge) END,
    (SELECT min(r.at) FROM releases r WHERE r.badge = c.badge AND r.withdrawn_at IS NULL)) AS first_at
FROM unnest($1::text[]) AS c (badge)
"""
