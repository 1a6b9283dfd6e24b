"""Making, changing and removing people, importing them, linking badges. Each is one transaction."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date
from typing import TypeVar

from services.attendance.application.announce import PersonState
from services.attendance.application.listing import Page
from services.attendance.application.people_file import Line, ParsedFile, RowError, Rows, column_of, read_people
from services.attendance.application.people_ports import (
    Department,
    Import,
    Once,
    PeopleReading,
    PeopleStore,
    PeopleWriting,
    PlannedRow,
    WantedPeople,
)
from services.attendance.application.person import UNSET, BadgeSpan, Change, Draft, Known, Unset, codes_and_badges
from services.attendance.application.roster import Roster
from services.attendance.application.rulebook import Rulebook
from shared.kernel.clock import Clock
from shared.kernel.errors import Conflict, Invalid, Malformed, MusterError, NotFound, Stale, sentence
from shared.web.idempotency import Answer
from shared.web.lists import Window
from shared.web.scope import Scope

T = TypeVar("T")


class People:
    """The people, and what may be done with them."""

    def __init__(self, store: PeopleStore, clock: Clock, settled: Callable[[], Awaitable[None]]) -> None:
        """`settled` waits a little for the days that a change calls for."""
        self._store = store
        self._clock = clock
        self._settled = settled

    async def listed(self, wanted: WantedPeople, scope: Scope, asked: Window) -> Page[PersonState]:
        """People as they are today."""
        async with self._store.reading() as reading:
            unit_id = None
            if wanted.department is not None and (unit_id := await reading.unit(wanted.department)) is None:
                detail = f"there is no department {wanted.department[:80]!r}"
                raise Malformed(f"department: {detail}", fields={"department": detail})
            rules = await reading.rulebook(self._clock.now())
            return await reading.people(wanted, unit_id, rules.today(), scope, asked)

    async def one(self, person_id: int, scope: Scope) -> PersonState:
        """A person as they are today.

        Raises:
            NotFound: nobody has this id, or the caller may not know.
        """
        async with self._store.reading() as reading:
            return await self._one(reading, person_id, scope)

    async def departments(self, scope: Scope, asked: Window) -> Page[Department]:
        """Departments, each with how many belong to it today."""
        async with self._store.reading() as reading:
            rules = await reading.rulebook(self._clock.now())
            return await reading.departments(rules.today(), scope, asked)

    async def create(self, draft: Draft, once: Once[PersonState]) -> Answer:
        """Make a person. One that was removed comes back.

        Raises:
            Invalid: a value is against a rule.
            Conflict: somebody has the code, or holds a badge.
        """

        async def made(writing: PeopleWriting) -> PersonState:
            roster, rules, _ = await self._roster(writing, [draft])
            known = next(iter(roster.by_code.values()), None)  # the draft names one code at most
            if known is not None and not known.removed:
                detail = f"{known.facts.code!r} is {known.facts.name}'s"
                raise Conflict(f"employee_id: {detail}", fields={"employee_id": detail})
            change = roster.change(draft)
            return await self._applied(writing, change, rules, f"{change.facts.code} was made")

        return await self._once(made, once)

    async def update(
        self, person_id: int, draft: Draft, *, since: date | Unset | None = UNSET, if_version: int | None = None
    ) -> PersonState:
        """Make a person as drafted, from `since` on: today where it is unset, always where it is None.

        Raises:
            NotFound: nobody has this id.
            Stale: the person is no longer at `if_version`.
            Invalid: a value is against a rule.
            Conflict: somebody else has the code, or holds a badge, or days of a locked month would be lost.
        """
        async with self._store.changing() as writing:
            roster, rules, known_by_id = await self._roster(writing, [draft], [person_id])
            known = _there(known_by_id, person_id, if_version)
            change = roster.change(draft, since, known)
            changed = await self._applied(writing, change, rules, f"{known.facts.code} was changed")
        await self._settled()
        return changed

    async def remove(self, person_id: int, *, if_version: int | None = None) -> None:
        """Take a person away as if they had never been there; their badges are free again, their scans stay.

        Whoever left the company is not removed: that is `left_on`.

        Raises:
            NotFound: nobody has this id.
            Stale: the person is no longer at `if_version`.
            Conflict: they worked in a month that is locked.
        """
        async with self._store.changing() as writing:
            rules = await writing.rulebook(self._clock.now())
            roster, known_by_id = await writing.roster(rules.today(), rules.main_site, [], [], [person_id])
            known = _there(known_by_id, person_id, if_version)
            await writing.apply([roster.removal(known)], rules, f"{known.facts.code} was removed")
        await self._settled()

    async def link(self, badge: BadgeSpan, employee: int | str, once: Once[PersonState]) -> Answer:
        """Give a badge that nobody held to a person: its past scans count at once.

        Raises:
            NotFound: it is no unknown badge.
            Invalid: there is no such person, or machine.
            Conflict: somebody held it for some of that time.
        """

        async def linked(writing: PeopleWriting) -> PersonState:
            if not await writing.is_unknown_badge(badge.badge):
                raise NotFound(f"there is no unknown badge {badge.badge[:80]!r}")
            person_id = await writing.person(employee)
            if person_id is None:
                detail = f"there is no employee {employee!r}"
                raise Invalid(f"employee: {detail}", fields={"employee": detail})
            rules = await writing.rulebook(self._clock.now())
            roster, known_by_id = await writing.roster(rules.today(), rules.main_site, [], [badge.badge], [person_id])
            known = known_by_id[person_id]
            change = roster.change(Draft(badge=badge), known=known)
            return await self._applied(writing, change, rules, f"badge {badge.badge} is {known.facts.code}'s")

        return await self._once(linked, once)

    async def import_file(self, rows: Rows, since: date | Unset | None, once: Once[Import]) -> Answer:
        """Make and change people as a file says. Rows with errors are left out and listed; the others all count.

        Raises:
            Malformed: it is no such file.
        """
        parsed = read_people(rows)

        async def imported(writing: PeopleWriting) -> Import:
            done = _begun(parsed, dry_run=False)
            roster, rules, _ = await self._roster(writing, [line.draft for line in parsed.lines])
            changes = _planned(parsed.lines, roster, since, done)
            await writing.apply(changes, rules, "people were imported")
            return done

        return await self._once(imported, once)

    async def try_file(self, rows: Rows, since: date | Unset | None) -> Import:
        """Say what `import_file` would do. Raises as it does."""
        parsed = read_people(rows)
        done = _begun(parsed, dry_run=True)
        async with self._store.reading() as reading:
            roster, _, _ = await self._roster(reading, [line.draft for line in parsed.lines])
        _planned(parsed.lines, roster, since, done)
        return done

    async def _once(self, do: Callable[[PeopleWriting], Awaitable[T]], once: Once[T]) -> Answer:
        async with self._store.changing() as writing:
            if once.key is not None and (before := await writing.earlier_answer(once.key)) is not None:
                return before
            answer = once.shown(await do(writing))
            if once.key is not None:
                await writing.keep_answer(once.key, answer)
        await self._settled()
        return answer

    async def _roster(
        self, reading: PeopleReading, drafts: Sequence[Draft], ids: Sequence[int] = ()
    ) -> tuple[Roster, Rulebook, dict[int, Known]]:
        rules = await reading.rulebook(self._clock.now())
        codes, badges = codes_and_badges(drafts)
        roster, known_by_id = await reading.roster(rules.today(), rules.main_site, codes, badges, ids)
        return roster, rules, known_by_id

    async def _applied(self, writing: PeopleWriting, change: Change, rules: Rulebook, reason: str) -> PersonState:
        if change.changes:
            (person_id,) = await writing.apply([change], rules, reason)
        else:
            assert change.id is not None  # noqa: S101 - whoever is new is a change
            person_id = change.id
        found = await writing.one(person_id, rules.today(), Scope.everything())
        assert found is not None  # noqa: S101 - it was written in this transaction
        return found

    async def _one(self, reading: PeopleReading, person_id: int, scope: Scope) -> PersonState:
        rules = await reading.rulebook(self._clock.now())
        found = await reading.one(person_id, rules.today(), scope)
        if found is None:
            raise NotFound(f"there is no employee {person_id}")
        return found


def _there(known_by_id: dict[int, Known], person_id: int, if_version: int | None) -> Known:
    known = known_by_id.get(person_id)
    if known is None or known.removed:
        raise NotFound(f"there is no employee {person_id}")
    if if_version is not None and if_version != known.n:
        raise Stale(f"employee {person_id} was changed by somebody else; read it again")
    return known


def _begun(parsed: ParsedFile, *, dry_run: bool) -> Import:
    return Import(
        read=parsed.read,
        errors=list(parsed.errors),
        warnings=list(parsed.warnings),
        ignored_columns=parsed.ignored_columns,
        dry_run=dry_run,
        rows=[],
        header=parsed.header,
        cells=parsed.cells,
    )


def _planned(lines: Sequence[Line], roster: Roster, since: date | Unset | None, done: Import) -> list[Change]:
    """The changes that the good lines make; what is wrong with the others is noted in `done`."""
    changes: list[Change] = []
    for line in lines:
        try:
            change = roster.change(line.draft, since)
        except MusterError as error:
            done.errors.extend(RowError(line.number, name, detail) for name, detail in error.fields.items())
            continue
        action = "create" if change.id is None else "update" if change.changes else "unchanged"
        done.rows.append(PlannedRow(line.number, change.facts.code, change.facts.name, action))
        if action == "unchanged":
            continue
        changes.append(change)
        if said := _held_beside(line, change, roster):
            done.warnings.append(RowError(line.number, "badge", said))
    done.created, done.updated, done.unchanged = (
        sum(row.action == action for row in done.rows) for action in ("create", "update", "unchanged")
    )
    done.rows.extend(_skipped(done))
    done.rows.sort()
    done.errors.sort(key=lambda error: error.line)
    done.warnings.sort(key=lambda warning: warning.line)
    return changes


def _skipped(done: Import) -> list[PlannedRow]:
    columns = [column_of(name) for name in done.header]

    def cell(line: int, name: str) -> str:
        cells = done.cells[line]
        return next((text.strip() for column, text in zip(columns, cells, strict=False) if column == name), "")

    lines = {error.line for error in done.errors}
    return [PlannedRow(line, cell(line, "employee_id"), cell(line, "name"), "skip") for line in lines]


def _held_beside(line: Line, change: Change, roster: Roster) -> str:
    """A file that names another badge takes none away: scans of both count. But whoever sends it has to know."""
    badge = line.draft.badge
    known = roster.by_code.get(change.facts.code)
    if badge is None or badge.machine is not None or not change.adds or known is None or known.removed:
        return ""
    others = sorted({row[1].badge for row in known.badges if row[1].span.covers(roster.today)})
    if not others or badge.badge in {row[1].badge for row in known.badges}:
        return ""
    return (
        f"{change.facts.code} holds {badge.badge} from now on, and {sentence(others)} as before; where that is given"
        " back, import it with the date in badge_until"
    )
