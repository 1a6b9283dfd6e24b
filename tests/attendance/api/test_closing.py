"""The close of days: absences become facts once a date can no longer change by itself, and follow what is known."""

import asyncio
from datetime import UTC, date, datetime, timedelta
from typing import Any

import msgspec
import pytest

from services.attendance.application.closing import Closing
from services.attendance.storage.closing import PostgresClosing
from services.attendance.storage.recording import PostgresRecordings
from services.attendance.storage.republishing import PostgresStates
from shared.contracts.days import DayClosed, DayUpdated
from shared.contracts.event import Version
from tests.attendance.api.office import Office
from tests.attendance.api.test_corrections import told
from tests.attendance.api.test_schedules import NIGHT, made, works
from tests.attendance.api.test_time_off import everywhere, hear
from tests.attendance.time_off import holiday, leave

MONDAY = "2024-01-15"
WEDNESDAY = datetime(2024, 1, 16, 22, 1, tzinfo=UTC)
"""In Dhaka it is 04:01 of the 17th: Monday's window has been over for 24 hours."""
DAYS = "SELECT date, person_id, status, used, n FROM days ORDER BY date, person_id"


@pytest.fixture
async def firm(company: Office) -> Office:
    """The company on Monday at noon, from which date on its days are closed; Ahmed was there."""
    await company.settle()
    assert await company.closing.once() == 0
    await company.scan("1", f"{MONDAY} 08:00", f"{MONDAY} 17:00")
    return company


async def at(office: Office, time: datetime) -> int:
    """How many dates are closed at a time."""
    office.clock.time = time
    return await office.closing.once()


async def stored(office: Office, on: str = MONDAY) -> dict[str, str]:
    """The status of each person who has a row, by code."""
    sql = "SELECT p.code, d.status FROM days d JOIN people p ON p.id = d.person_id WHERE d.date = $1 ORDER BY 1"
    return dict(await office.sql(sql, date.fromisoformat(on)))


async def changed(office: Office, code: str, **facts: Any) -> None:
    person = (await office.ids())[code]
    await office.ask("PATCH", f"employees/{person}/", json=facts)
    await office.settle()


async def pages(office: Office) -> list[Any]:
    """What readers see of the month, without what only storing tells."""
    listed = await office.get("daily-attendance/", date=MONDAY, ordering="employee_id")
    drop = ("created_at", "updated_at")
    return [
        await office.get("daily-attendance/summary/", date=MONDAY),
        await office.get("timesheet/", month="2024-01"),
        await office.get("statistics/", date=MONDAY),
        [{name: value for name, value in row.items() if name not in drop} for row in listed],
    ]


async def test_once_a_date_is_final_everybody_has_a_day_and_is_told_of(firm: Office):
    firm.clock.time = WEDNESDAY
    before = await pages(firm)

    assert await firm.closing.once() == 1

    assert await stored(firm) == {"EMP001": "Present-OnTime"} | {f"EMP00{n}": "Absent" for n in range(2, 6)}
    assert await pages(firm) == before
    absent = [event for event in await told(firm, DayUpdated) if event.status == "Absent"]
    assert [(one.employee_id, one.shortfall_minutes, one.live, one.version) for one in absent] == [
        (f"EMP00{n}", 480, False, Version(1, 1)) for n in range(2, 6)
    ]
    (closed,) = await told(firm, DayClosed)
    assert (closed.site_id, closed.site, closed.date.isoformat(), closed.zone) == (
        1,
        "Main site",
        MONDAY,
        "Asia/Dhaka",
    )
    assert (closed.people, closed.unseen, closed.counts) == (5, 4, {"Absent": 4, "Present-OnTime": 1})

    rows, heard = await firm.sql(DAYS), await firm.sql("SELECT seq FROM outbox")
    assert await firm.closing.once() == 0
    assert (await firm.sql(DAYS), await firm.sql("SELECT seq FROM outbox")) == (rows, heard)


async def test_of_several_processes_one_closes(firm: Office):
    firm.clock.time = WEDNESDAY
    others = [Closing(PostgresClosing(firm.database), PostgresRecordings(firm.database), firm.clock) for _ in range(3)]
    assert sum(await asyncio.gather(*(one.once() for one in others))) == 1
    assert len(await told(firm, DayClosed)) == 1
    assert len([event for event in await told(firm, DayUpdated) if event.status == "Absent"]) == 4
    async with PostgresClosing(firm.database).leading() as leads:
        assert leads
        assert await at(firm, WEDNESDAY + timedelta(days=3)) == 0
    assert await firm.closing.once() == 3


async def test_a_scan_that_comes_while_a_date_is_closed_counts_whoever_is_first(firm: Office):
    firm.clock.time = WEDNESDAY
    scans = [firm.scan(badge, f"{MONDAY} 08:0{badge}", f"{MONDAY} 17:00") for badge in "2345"]
    await asyncio.gather(firm.closing.once(), *scans)
    statuses = ["Present-OnTime", *["Present-Considered"] * 4]
    assert list((await stored(firm)).values()) == statuses
    newest = {event.employee_id: event for event in await told(firm, DayUpdated)}
    assert [newest[f"EMP00{n}"].status for n in range(1, 6)] == statuses
    assert len(await told(firm, DayClosed)) == 1


async def test_a_date_waits_for_its_machines_and_says_for_which(firm: Office):
    end = datetime(2024, 1, 15, 22, 1, tzinfo=UTC)
    await firm.machine(reported_until=end)
    await firm.machine(machine_id=2, machine="back", name="Back door", reported_until=end - timedelta(hours=5))
    assert await at(firm, end) == 0
    (site,) = await firm.get("closing/", date=MONDAY)
    assert (site["state"], site["closed_at"], site["final_at_latest"]) == ("waiting", None, "2024-01-16T22:01:00Z")
    assert site["waits_for"] == [{"machine_id": "back", "name": "Back door", "reported_until": "2024-01-15T17:01:00Z"}]
    assert (site["people"], site["not_stored"], site["counts"]) == (5, 4, {"Present-OnTime": 1})
    for row in (
        (await firm.get("daily-attendance/summary/", date=MONDAY))[1],
        (await firm.get("daily-attendance/", date=MONDAY))[1],
        await firm.get("explain/", employee="EMP002", date=MONDAY),
    ):
        assert (row["state"], row["waits_for"], row["final_at_latest"]) == (
            "provisional",
            ["back"],
            "2024-01-16T22:01:00Z",
        )
    explained = await firm.get("explain/", employee="EMP002", date=MONDAY)
    assert any("the machines Back door (back) have reported" in sentence for sentence in explained["sentences"])

    await firm.machine(machine_id=2, machine="back", name="Back door", reported_until=end, version=Version(1, 2))
    assert await firm.closing.once() == 1
    (site,) = await firm.get("closing/", date=MONDAY)
    assert (site["state"], site["closed_at"], site["waits_for"]) == ("closed", "2024-01-15T22:01:00Z", [])
    assert (site["people"], site["without_scans"], site["not_stored"]) == (5, 4, 0)
    row = (await firm.get("daily-attendance/summary/", date=MONDAY, shape="camel"))[1]
    assert (row["state"], row["waitsFor"], row["finalAtLatest"]) == ("final", [], None)


async def test_dates_are_closed_in_order_after_days_of_standstill(firm: Office):
    assert await at(firm, WEDNESDAY + timedelta(days=5)) == 6
    closed = [(event.date.isoformat(), event.counts) for event in await told(firm, DayClosed)]
    assert [on for on, _ in closed] == [f"2024-01-{day}" for day in range(15, 21)]
    assert closed[4][1] == {"Weekend": 5}
    (site,) = await firm.get("closing/")
    assert (site["date"], site["state"], site["begins"], site["closes_next"]) == (
        "2024-01-21",
        "waiting",
        MONDAY,
        "2024-01-21",
    )
    (site,) = await firm.get("closing/", date="2024-01-14")
    assert site["state"] == "before"


async def test_a_late_scan_and_another_weekend_change_what_was_closed(firm: Office):
    await at(firm, WEDNESDAY)
    await firm.scan("2", f"{MONDAY} 08:00", f"{MONDAY} 16:00")
    assert (await stored(firm))["EMP002"] == "Present-OnTime"
    last = (await told(firm, DayUpdated))[-1]
    assert (last.employee_id, last.worked_minutes, last.version) == ("EMP002", 420, Version(1, 2))
    await firm.ask("PUT", "settings/?effective_from=2024-01-10", json={"weekend_days": [1]})
    await firm.settle()
    assert await stored(firm) == {
        "EMP001": "Present-OnTime",
        "EMP002": "Present-OnTime",
        "EMP003": "Weekend",
        "EMP004": "Weekend",
        "EMP005": "Weekend",
    }
    assert len(await told(firm, DayClosed)) == 1


async def test_leave_and_holidays_are_in_what_is_closed_whenever_they_come_to_be_known(firm: Office):
    ids = await firm.ids()
    await hear(firm, leave(ids["EMP002"], MONDAY, number=1), leave(ids["EMP003"], f"{MONDAY} morning", number=2))
    await at(firm, WEDNESDAY)
    assert list((await stored(firm)).values()) == ["Present-OnTime", "Leave-Casual", "Leave-Casual", "Absent", "Absent"]
    assert (await told(firm, DayClosed))[0].counts == {"Absent": 2, "Leave-Casual": 2, "Present-OnTime": 1}
    assert await everywhere(firm, MONDAY) == await stored(firm)
    await hear(firm, holiday(first=MONDAY))
    assert list((await stored(firm)).values()) == [
        "Present-OnTime", "Leave-Casual", "Leave-Casual", "Holiday", "Holiday"
    ]  # fmt: skip
    assert await everywhere(firm, MONDAY) == await stored(firm)


async def test_who_works_nights_is_absent_when_the_night_is_over(firm: Office):
    await made(firm, "shifts", NIGHT)
    await works(firm, {"name": "Nights", "shift": "N"}, employee="EMP002")
    assert await at(firm, WEDNESDAY) == 0
    assert set(await stored(firm)) == {"EMP001", "EMP003", "EMP004", "EMP005"}
    (site,) = await firm.get("closing/", date=MONDAY)
    assert (site["state"], site["people"], site["not_stored"]) == ("shifts", 5, 1)
    assert await told(firm, DayClosed) == []
    closed = await at(firm, datetime.fromisoformat(site["final_at_latest"]))
    assert (closed, (await stored(firm))["EMP002"]) == (1, "Absent")
    (event,) = [event for event in await told(firm, DayUpdated) if event.employee_id == "EMP002"]
    assert (event.shift, event.expected_minutes) == ("Night (22:00–06:00)", 480)


async def test_who_joins_leaves_or_is_removed_has_days_or_loses_them(firm: Office):
    await at(firm, WEDNESDAY)
    await changed(firm, "EMP003", left_on="2024-01-14")
    await changed(firm, "EMP001", left_on="2024-01-14")  # who was seen afterwards keeps the evidence
    assert set(await stored(firm)) == {"EMP001", "EMP002", "EMP004", "EMP005"}
    (gone,) = [event for event in await told(firm, DayUpdated) if event.removed]
    assert (gone.employee_id, gone.department, gone.status, gone.version) == ("EMP003", "Hems", "", Version(1, 2))

    await changed(firm, "EMP003", left_on=None)
    back = (await told(firm, DayUpdated))[-1]
    assert (back.employee_id, back.status, back.version, back.removed) == ("EMP003", "Absent", Version(1, 3), False)

    await changed(firm, "EMP004", joined_on="2024-01-16")
    assert "EMP004" not in await stored(firm)
    await changed(firm, "EMP004", joined_on=MONDAY)
    await firm.import_people("employee_id,name,joined_on", "EMP006,Fatima,2024-01-15", "EMP007,Gul,2024-01-16")
    await firm.settle()
    assert set(await stored(firm)) == {f"EMP00{n}" for n in range(1, 7)}

    person = (await firm.ids())["EMP002"]
    await firm.ask("DELETE", f"employees/{person}/", expect=204)
    await firm.settle()
    assert "EMP002" not in await stored(firm)
    assert (await told(firm, DayUpdated))[-1].removed


async def test_what_corrections_say_of_a_day_outlives_that_its_person_left(firm: Office):
    person = (await firm.ids())["EMP002"]
    await at(firm, WEDNESDAY)
    body = {"overtime_hours": 1, "reason": "as agreed"}
    await firm.ask("PUT", f"daily-attendance/20240115-{person}/", json=body)
    await changed(firm, "EMP002", left_on="2024-01-14")
    assert "EMP002" in await stored(firm)


async def test_a_second_site_closes_by_its_own_clock_and_who_moved_there_in_the_past_has_days_there(firm: Office):
    await firm.ask("POST", "sites/", json={"name": "Mill", "timezone": "America/New_York"}, expect=201)
    await firm.closing.once()
    assert await at(firm, WEDNESDAY) == 2  # in New York it was still Sunday when the site was made
    assert await at(firm, WEDNESDAY + timedelta(hours=11)) == 1
    mill = (await told(firm, DayClosed))[-1]
    assert (mill.site, mill.date.isoformat(), mill.people, mill.counts) == ("Mill", MONDAY, 0, {})
    person = (await firm.ids())["EMP005"]
    await firm.ask("PATCH", f"employees/{person}/?effective_from=2024-01-10", json={"site": "Mill"})
    await firm.settle()
    last = (await told(firm, DayUpdated))[-1]
    assert (last.employee_id, last.zone, last.status) == ("EMP005", "America/New_York", "Absent")


async def test_closing_may_begin_earlier_where_hr_says_so(firm: Office):
    assert await at(firm, WEDNESDAY) == 1
    assert await stored(firm, "2024-01-11") == {}
    body = {"begins": "2024-01-11"}
    for by in ("head", "employee", "nobody"):
        await firm.ask("PUT", "closing/1/", by=by, json=body, expect=403)
        await firm.ask("GET", "closing/", by=by, expect=403)
    shown = (await firm.ask("PUT", "closing/1/", json=body)).json()
    assert (shown["begins"], shown["date"], shown["state"]) == ("2024-01-11", "2024-01-11", "closing")
    assert await firm.closing.once() == 5
    assert set((await stored(firm, "2024-01-12")).values()) == {"Weekend"}
    dates = [event.date.isoformat() for event in await told(firm, DayClosed)]
    assert dates == [MONDAY, *(f"2024-01-{day}" for day in range(11, 15))]
    for begins, named in (("2024-01-12", "earlier, not later"), ("2020-01-01", "at the earliest")):
        refused = await firm.ask("PUT", "closing/1/", json={"begins": begins}, expect=409)
        assert named in refused.json()["error"]
    await firm.ask("PUT", "closing/9/", json=body, expect=404)
    assert "is not a date" in (await firm.ask("PUT", "closing/1/", json={"begins": "soon"}, expect=400)).json()["error"]
    assert "date" in await firm.refused("closing/", 400, date="soon")


async def test_what_is_computed_again_comes_before_what_is_closed(firm: Office):
    await firm.sql("INSERT INTO recomputations (reason) VALUES ('a badge was linked') RETURNING 1")
    assert await at(firm, WEDNESDAY) == 0
    await firm.settle()
    assert await firm.closing.once() == 1


async def test_who_joins_a_locked_month_later_is_adjusted_and_dates_close_all_the_same(firm: Office):
    february = datetime(2024, 2, 10, 6, tzinfo=UTC)
    await at(firm, datetime(2024, 1, 31, 6, tzinfo=UTC))
    firm.clock.time = february
    await firm.ask("POST", "locks/", json={"month": "2024-01"}, expect=201)
    await firm.import_people("employee_id,name,joined_on,badge", "EMP006,Fatima,2024-01-15,6")
    await firm.scan("6", "2024-01-30 08:00", "2024-01-30 17:00")
    await firm.settle()
    assert await firm.closing.once() == 10
    assert "EMP006" not in await stored(firm, "2024-01-31")
    assert len(await stored(firm, "2024-02-01")) == 6
    (row,) = await firm.get("daily-attendance/summary/", date="2024-01-30", employee="EMP006")
    assert (row["locked"], row["adjusted"], row["status"]) == (True, True, "Absent")
    sheet = (await firm.get("timesheet/", month="2024-01", employee="EMP006"))[0]["days"]
    assert {day["date"]: day["adjusted"] for day in sheet if day["locked"] and day["adjusted"]} == {"2024-01-30": True}
    assert all(day["locked"] for day in sheet if day["status"])
    person = (await firm.ids())["EMP006"]
    record = await firm.get(f"daily-attendance/20240130-{person}/")
    assert (record["locked"], record["adjusted"]) == (True, True)
    (row,) = await firm.get("daily-attendance/summary/", date="2024-02-01", employee="EMP006")
    assert (row["locked"], row["adjusted"]) == (False, False)


async def test_a_replay_tells_days_as_they_were_told_and_those_that_are_gone(firm: Office):
    await firm.sql("UPDATE units SET kind = 'class_group' WHERE name = 'Hems' RETURNING id")
    await at(firm, WEDNESDAY)
    await changed(firm, "EMP005", joined_on="2024-01-16")
    heard = {(event.person_id, event.date): event for event in await told(firm, DayUpdated)}
    states = [event async for batch in PostgresStates(firm.database, firm.clock)() for event in batch]
    days = {(event.person_id, event.date): event for event in states if isinstance(event, DayUpdated)}
    assert {key for key, event in days.items() if event.removed} == {((await firm.ids())["EMP005"], date(2024, 1, 15))}
    assert {len(event.unit_path) for event in days.values() if event.department == "Hems"} == {2}
    same = {"computed_at": WEDNESDAY, "live": False}
    assert {key: msgspec.structs.replace(event, **same) for key, event in days.items()} == {
        key: msgspec.structs.replace(event, **same) for key, event in heard.items()
    }
