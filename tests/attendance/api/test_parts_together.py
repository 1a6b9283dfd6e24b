"""Leave, holidays, the close of days, groups, inferred shifts, weeks and corrections on the same people, in any order.

However they came, days are as if all had been known from the start, and every page says the same of them.
"""

import random
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.attendance.api.office import Office
from tests.attendance.api.test_time_off import everywhere, hear
from tests.attendance.time_off import holiday, leave

Deed = Callable[[], Awaitable[Any]]

JANUARY = {"date_from": "2024-01-01", "date_to": "2024-01-31"}
PERIOD = {"date_from": "2023-12-25", "date_to": "2024-02-12"}


def deeds(office: Office, ids: dict[str, int], group: int, schedule: int, dice: random.Random) -> list[Deed]:
    """What happens to the company, in no order."""

    def ask(method: str, path: str, body: Any, expect: int = 200, **params: Any) -> Deed:
        return lambda: office.ask(method, path, json=body, params=params, expect=expect)

    found = [
        ask("PUT", "settings/", {"infer_shifts": True}, effective_from="2024-01-01", department="Sewing"),
        ask("PUT", "settings/", {"overtime_week_hours": 40}, effective_from="2024-01-01"),
        ask("PUT", "settings/", {"weekend_days": [5, 6]}, effective_from="2024-01-12", department="Office"),
        ask("POST", f"schedules/{schedule}/assign/", {"group": group, "since": "2024-01-05"}),
        ask("POST", f"groups/{group}/members/", {"employee": ids["EMP003"], "since": "2024-01-03"}, 201),
        ask("POST", f"groups/{group}/members/", {"employee": ids["EMP005"], "until": "2024-01-20"}, 201),
        ask("PATCH", f"employees/{ids['EMP005']}/", {"joined_on": "2024-01-04", "left_on": "2024-01-25"}),
        ask("PATCH", f"employees/{ids['EMP001']}/", {"department": "Office"}, effective_from="2024-01-17"),
        ask(
            "POST",
            "daily-attendance/",
            {"employee": "EMP004", "date": "2024-01-10", "reason": "forgotten", "first_check_in": "09:10"},
            201,
        ),
        lambda: hear(office, holiday(first="2024-01-17")),
        lambda: hear(office, holiday(first="2024-01-17", last="2024-01-18", n=2)),
        lambda: hear(office, holiday(8, first="2020-01-23", is_recurring=True)),
        office.settle,
        office.closing.once,
        office.closing.once,
    ]
    for number, person in enumerate(ids.values()):
        dates = [f"2024-01-{day:02}" for day in sorted(dice.sample(range(1, 32), 6))]
        first = leave(person, *dates[:3], number=2 * number)
        parts = [f"{day} {dice.choice(['morning', 'afternoon'])}" for day in dates[3:]]
        second = leave(person, *parts, number=2 * number + 1, type_="without_pay")
        shorter = leave(person, dates[0], number=2 * number, n=2)
        found += [lambda event=event: hear(office, event) for event in (first, second, shorter)]  # type: ignore[misc]
    for badge in "12345":
        moments = []
        for day in range(-2, 33):
            night = badge in "123" and dice.random() < 0.4
            came = datetime(2024, 1, 1, 22 if night else 8) + timedelta(days=day, minutes=dice.randint(-20, 30))
            gone = came + timedelta(minutes=dice.randint(400, 600))
            moments += [f"{moment:%Y-%m-%d %H:%M}" for moment in (came, gone)[: dice.choice((0, 1, 2, 2, 2, 2))]]
        dice.shuffle(moments)
        found += [lambda badge=badge, part=moments[n::2]: office.scan(badge, *part) for n in (0, 1)]  # type: ignore[misc]
    dice.shuffle(found)
    return found


@pytest.fixture
async def lived(company: Office) -> Office:
    """The company on 10 February, after all of that has happened in some order."""
    await company.settle()
    await company.closing.once()
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    await company.ask("PUT", "closing/1/", json={"begins": "2024-01-01"})
    for code, start, end in (("D", "08:00", "16:00"), ("N", "22:00", "06:00")):
        shift = {"code": code, "parts": [{"start": start, "end": end}], "breaks": []}
        await company.ask("POST", "shifts/", json=shift, expect=201)
    cycle = {"name": "Crew", "cycle": ["D", "N", None], "anchor": "2024-01-01"}
    schedule = (await company.ask("POST", "schedules/", json=cycle, expect=201)).json()["id"]
    group = (await company.ask("POST", "groups/", json={"name": "Crew"}, expect=201)).json()["id"]
    for deed in deeds(company, await company.ids(), group, schedule, random.Random(20240210)):
        await deed()
    await company.settle()
    while await company.closing.once():
        pass
    return company


async def test_nothing_is_left_to_be_computed_and_every_page_says_the_same(lived: Office):
    found = (await lived.ask("POST", "recompute/", json={**PERIOD, "dry_run": True})).json()
    assert (found["state"], found["changes"]) == ("done", [])
    assert found["totals"]["days_looked_at"] > 150

    payroll = {row["employee_id"]: row for row in (await lived.get("payroll/", month="2024-01"))["rows"]}
    sheets = {row["employee_id"]: row["days"] for row in await lived.get("timesheet/", month="2024-01")}
    records: dict[str, dict[str, Any]] = {}
    for record in await lived.get("daily-attendance/", limit=10_000, **JANUARY):
        records.setdefault(record["employee_id"], {})[record["date"]] = record
    for code, row in payroll.items():
        days = [day for day in sheets[code] if day["status"]]
        for day in days:
            record = records[code][day["date"]]
            shown = [record[name] for name in ("status", "state", "total_working_hours", "overtime_hours")]
            assert [day[name] for name in ("status", "state", "workingHours", "overtime")] == shown
        statuses = [day["status"].partition("-")[0] for day in days]
        for name, status in (("leave", "Leave"), ("holiday", "Holiday"), ("weekend", "Weekend"), ("absent", "Absent")):
            assert row[f"{name}_days"] == statuses.count(status)
        assert row["worked_minutes"] == sum(round(day["workingHours"] * 60) for day in days)
        assert row["expected_minutes"] == sum(round(one["expected_hours"] * 60) for one in records[code].values())
        assert row["shortfall_minutes"] == sum(one["shortfall_minutes"] for one in records[code].values())
    totals = {name: sum(row[f"{name}_days"] for row in payroll.values()) for name in ("leave", "holiday", "absent")}
    assert all(totals.values())  # or it would all be equal for want of anything that could differ

    for date in ("2024-01-10", "2024-01-17"):
        statuses = list((await everywhere(lived, date)).values())
        figures = await lived.get("statistics/", date=date)
        for name, status in (("leave", "Leave"), ("present", "Present"), ("absent", "Absent")):
            assert figures[f"{name}_today"] == sum(one.startswith(status) for one in statuses)
