"""Days of people without a schedule, whose shifts the worker finds in their scans."""

import asyncio
import random
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from services.attendance.application.computing import compute, row_of
from services.attendance.application.directory import Assignment, Holder, Span
from services.attendance.application.people_ports import Once
from services.attendance.application.scheduling import Entry, Scheduling
from services.attendance.application.settling import Settling
from services.attendance.domain.inference import infer
from services.attendance.domain.scans import SCAN_TYPES, Scan
from services.attendance.domain.settings import DaySettings, settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.shift_values import shift_from
from services.attendance.domain.window import Slot, date_at, frame_of
from services.attendance.storage.rules import ask_recompute, change_rules
from services.attendance.storage.scheduling import PostgresScheduling
from shared.contracts.scans import ScanReceived
from shared.web.idempotency import Answer
from tests.attendance.worker.company import ZONE, Company, company, scan, torn
from tests.fakes.clock import FakeClock

NOW = datetime(2026, 1, 31, tzinfo=UTC)
DAY = {"parts": [{"start": "07:00", "end": "19:00"}], "breaks": []}
NIGHT = {"parts": [{"start": "19:00", "end": "07:00"}], "breaks": []}
OFFICE = {"parts": [{"start": "09:00", "end": "18:00"}]}
SHIFTS = {"Day": DAY, "Night": NIGHT, "Office": OFFICE}


async def nothing() -> None:
    """Nobody waits here: the test does what is asked for itself."""


def settling(firm: Company) -> Settling:
    return Settling(PostgresScheduling(firm.database), FakeClock(NOW), nothing)


def scheduling(firm: Company) -> Scheduling:
    return Scheduling(PostgresScheduling(firm.database), FakeClock(NOW), nothing)


async def shifts_made(firm: Company, shifts: Mapping[str, dict[str, Any]] = SHIFTS) -> None:
    for name, values in shifts.items():
        once: Once[Any] = Once(None, lambda _: Answer(201, b""))
        await scheduling(firm).create("shift", name, {"name": name, **values}, Span(), once)


async def infers(firm: Company, owner: tuple[str, str | None] = ("site", None), **values: object) -> None:
    """Let the scans decide from now on, and always."""
    await settling(firm).change(*owner, {"infer_shifts": True, **values}, Span())
    await firm.settle()


async def seen(firm: Company) -> list[dict[str, Any]]:
    """The days with scans; a day that a scan has left keeps its row."""
    return [day for day in await firm.days() if day["used"]]


def rotation(people: int, days: int, *, seed: int) -> list[ScanReceived]:
    """Day, night and office work in turns that nobody wrote down; some scans are forgotten, some come twice."""
    rnd = random.Random(seed)
    found = []
    for person in range(1, people + 1):
        for number in range(days):
            start, end = rnd.choice([(7, 19), (19, 31), (9, 18), (19, 31), (0, 0)])
            midnight = datetime(2026, 1, 5) + timedelta(days=number)
            moments = [midnight + timedelta(hours=hour, minutes=rnd.randrange(-40, 40)) for hour in (start, end)]
            if rnd.random() < 0.3:
                moments.append(moments[0] + timedelta(seconds=rnd.randrange(1, 90)))
            if rnd.random() < 0.3:
                moments.append(midnight + timedelta(hours=rnd.uniform(start, end)))
            if start != end:
                found += [scan(str(person), one.replace(microsecond=0)) for one in moments if rnd.random() > 0.12]
    return found


def at_once(scans: Sequence[ScanReceived], shifts: Sequence[Shift], rules: DaySettings) -> list[dict[str, Any]]:
    """The days of these scans by the rules alone: each person's shifts are found in all scans there are."""
    place = Assignment(
        span=Span(), site_id=1, department="Sewing", unit_path=[1], designation=None, level_of_work="Worker"
    )
    rows = []
    people: dict[str, set[Scan]] = defaultdict(set)
    for one in scans:
        people[one.badge].add(Scan(int(one.at.timestamp()), one.scan_id, SCAN_TYPES[one.type]))
    for badge, its in people.items():

        @cache
        def slot_on(on: date, its: frozenset[Scan] = frozenset(its)) -> Slot:
            return infer(its, on, ZONE, shifts).slot(rules)

        under: dict[date, list[Scan]] = defaultdict(list)
        for one in its:
            under[date_at(one.instant, ZONE, slot_on)].append(one)
        for on, of_day in under.items():
            own, step = slot_on(on), timedelta(days=1)
            slots = (slot_on(on - step)._replace(confidence=None), own, slot_on(on + step)._replace(confidence=None))
            holder = Holder(person_id=int(badge), code="", name="", assignments=(place,), badges=())
            rows.append(row_of(compute(of_day, holder, frame_of(on, ZONE, rules, slots), place))._asdict())
    return sorted(rows, key=lambda row: (row["date"], row["person_id"]))


@pytest.mark.parametrize("seed", range(3))
async def test_in_any_order_and_any_batches_the_days_are_those_of_all_scans_at_once(firm: Company, seed: int):
    await shifts_made(firm)
    await infers(firm, weekend_days=[5])
    scans = rotation(5, 9, seed=seed)
    batches = iter(torn(scans, seed=seed, size=1 + 13 * seed))
    rival = company(firm.database.url)

    async def record(through: Company) -> None:
        for batch in batches:
            await through.record(batch)

    async with asyncio.TaskGroup() as rivals:
        for through in (firm, rival, firm):
            rivals.create_task(record(through))
    shifts = [shift_from({"name": name, **values}) for name, values in SHIFTS.items()]
    expected = at_once(scans, shifts, settings_from({"infer_shifts": True}))
    days = await seen(firm)
    assert days == expected
    # Nothing is lost and nothing counts twice, and there is something to be found.
    assert sum(day["used"] + day["merged"] for day in days) == len({one.scan_id for one in scans})
    assert await firm.value("SELECT count(*) FROM unknown_badges") == 0
    assert {day["shift"] for day in days} > {f"{name} ({one.times})" for name, one in zip(SHIFTS, shifts, strict=True)}
    await rival.database.close()


async def test_scans_first_or_the_setting_first_the_days_are_the_same(migrated: Callable[..., str]):
    scans = rotation(4, 8, seed=11)
    first, last = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (first, last):
        await firm.hire(4)
        await firm.record(scans[:1])  # the site takes its zone
    await shifts_made(first)
    await infers(first)
    for batch in torn(scans, seed=11, size=20):
        await first.record(batch)
    for batch in torn(scans, seed=12, size=50):
        await last.record(batch)
    without = await seen(last)
    # Then the setting, for one and all, and a shift that comes last.
    await infers(last)
    assert await seen(last) == without
    await shifts_made(last)
    await last.settle()
    days = await seen(first)
    assert await seen(last) == days != without
    # Without the setting all is as it was.
    await settling(first).change("site", None, {"infer_shifts": None}, Span())
    await first.settle()
    assert await seen(first) == without
    for firm in (first, last):
        await firm.database.close()


def night(badge: str, day: int) -> list[ScanReceived]:
    return [scan(badge, datetime(2026, 1, day, 18, 55)), scan(badge, datetime(2026, 1, day + 1, 7, 4))]


async def test_a_late_scan_moves_its_neighbours_and_is_announced_with_them(firm: Company):
    await shifts_made(firm)
    await infers(firm)
    await firm.record([*night("1", 5), night("1", 6)[1]])
    # Without its arrival the second night cannot be told, and its departure is the only scan of the seventh.
    days = {day["date"].day: day for day in await seen(firm)}
    assert {on: day["shift"] for on, day in days.items()} == {5: "Night (19:00–07:00)", 7: None}
    await firm.record(night("1", 6)[:1])
    days = {day["date"].day: day for day in await firm.days()}
    assert {on: (day["shift"], day["worked"], day["used"]) for on, day in days.items()} == {
        5: ("Night (19:00–07:00)", 729, 2),
        6: ("Night (19:00–07:00)", 729, 2),
        7: (None, 0, 0),
    }
    assert days[7]["status"] == "Absent"
    assert all("inferred_shift" in day["flags"].split() for day in days.values() if day["used"])


async def test_the_last_departure_of_a_badge_counts_on_the_morning_after_its_last_date(migrated: Callable[..., str]):
    firm = company(migrated("attendance"))
    await firm.hire(2, badges=False)
    await firm.link("card", 1, "(,2026-01-06)")
    await firm.link("card", 2, "[2026-01-08,)")
    await shifts_made(firm)
    await infers(firm)
    late = scan("card", datetime(2026, 1, 6, 18, 50))
    await firm.record([*night("card", 5), late, *night("card", 8)])
    assert [(day["date"].day, day["person_id"], day["used"]) for day in await seen(firm)] == [(5, 1, 2), (8, 2, 2)]
    # Only the evening on which nobody had the badge is nobody's.
    assert await firm.value("SELECT scans FROM unknown_badges WHERE badge = 'card'") == 1
    await firm.database.close()


@pytest.mark.parametrize("seed", range(2))
async def test_two_with_one_number_on_two_machines_are_as_two_with_numbers_of_their_own(
    migrated: Callable[..., str], seed: int
):
    apart, together = company(migrated("attendance")), company(migrated("attendance"))
    await apart.hire(2)
    await together.hire(2, badges=False)
    await together.link("7", 1)
    await together.link("7", 2, machine=2)
    for firm in (apart, together):
        await shifts_made(firm)
        await infers(firm)
    own = [replace(one, machine_id=int(one.badge)) for one in rotation(2, 12, seed=seed)]
    await apart.record(own)
    for batch in torn([replace(one, badge="7") for one in own], seed=seed, size=5):
        await together.record(batch)
    assert await together.value("SELECT count(*) FROM unknown_badges") == 0
    for _ in range(2):
        assert await seen(together) == await seen(apart)
        assert len({day["shift"] for day in await seen(apart)}) > 2
        async with together.database.fast() as pg:
            await change_rules(pg)
            await ask_recompute(pg, reason="all of it again")
        await together.settle()
    for firm in (apart, together):
        await firm.database.close()


async def test_what_somebody_said_wins_and_tells_what_lies_beside_it(firm: Company):
    await shifts_made(firm)
    await infers(firm, ("employee", "EMP1"))
    await scheduling(firm).put_roster([Entry(people=["EMP1"], dates=[date(2026, 1, 5)], shift="Night")])
    await firm.settle()
    await firm.record([*night("1", 5), *night("1", 6), *night("2", 5)])
    days = {(day["person_id"], day["date"].day): day for day in await seen(firm)}
    assert days[1, 5]["shift"] == days[1, 6]["shift"] == "Night (19:00–07:00)"
    assert (days[1, 5]["shift_confidence"], days[1, 6]["shift_confidence"]) == (None, 97)
    # Nobody asked the scans of somebody else.
    assert [days[2, on]["shift"] for on in (5, 6)] == [None, None]


async def test_only_the_shifts_that_are_named_are_thought_of(firm: Company):
    await shifts_made(firm)
    ids = {one.name: one.id for one in await scheduling(firm).listed("shift")}
    await infers(firm, infer_shifts_from=[ids["Office"]])
    await firm.record([*night("1", 5), scan("1", datetime(2026, 1, 8, 9)), scan("1", datetime(2026, 1, 8, 18))])
    assert [day["shift"] for day in await seen(firm)] == [None, None, "Office (09:00–18:00)"]


ROTATING = "zk_in_rotating_2015_1_attlog.dat"
FOUND = {
    "General": {"parts": [{"start": "09:00", "end": "18:00"}]},
    "Day": DAY,
    "Night": NIGHT,
    "Late": {"parts": [{"start": "11:00", "end": "20:00"}]},
    "Early": {"parts": [{"start": "08:30", "end": "17:00"}]},
    "Morning": {"parts": [{"start": "07:00", "end": "16:00"}], "breaks": None},
}
"""Found by looking at when people of the rotating log come and go."""


_HELD = """
INSERT INTO badges (badge, person_id, during)
SELECT badge, number, '(,)' FROM unnest($1::text[]) WITH ORDINALITY AS held (badge, number)
"""


@pytest.mark.real_data
@pytest.mark.slow
async def test_of_76_long_spans_of_the_rotating_log_14_stay_in_whatever_order_it_comes(
    migrated: Callable[..., str], real_data: Path
):
    lines = [line.split("\t") for line in (real_data / "punches" / ROTATING).read_text().splitlines()]
    moments = [(one[0].strip(), datetime.fromisoformat(one[1])) for one in lines]
    scans = [scan(badge, moment, zone="Asia/Kolkata", type="UNKNOWN") for badge, moment in moments]
    spans = "SELECT count(*) FROM days WHERE flags LIKE '%long_span%'"
    orderly, torn_up = company(migrated("attendance")), company(migrated("attendance"))
    badges = sorted({badge for badge, _ in moments})
    for firm in (orderly, torn_up):
        await firm.hire(len(badges), badges=False)
        async with firm.database.fast() as pg:
            await pg.execute(_HELD, badges)
        await firm.record(scans[:1])
        await shifts_made(firm, FOUND)
    await orderly.record(scans)
    assert await orderly.value(spans) == 76
    await infers(orderly)
    await infers(torn_up)
    some = set(badges[::4])
    for batch in torn([one for one in scans if one.badge in some], seed=2015, size=400):
        await torn_up.record(batch)
    days = await seen(orderly)
    assert await orderly.value(spans) == 14
    people = {number for number, badge in enumerate(badges, 1) if badge in some}
    assert await seen(torn_up) == [day for day in days if day["person_id"] in people]
    assert sum(day["shift_confidence"] is not None for day in days) == 1_658
    assert sum(day["used"] + day["merged"] for day in days) == len({one.scan_id for one in scans})
    for firm in (orderly, torn_up):
        await firm.database.close()
