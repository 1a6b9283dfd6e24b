"""What is expected of people: told 18 months ahead, and again exactly where it changed."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from services.attendance.application.expected_days import Expecting
from services.attendance.storage.expected_days import PostgresExpectedDays
from services.attendance.storage.republishing import PostgresStates
from shared.contracts.expected_days import ExpectedDays
from tests.attendance.api.office import Office
from tests.attendance.api.test_corrections import told
from tests.attendance.api.test_time_off import hear
from tests.attendance.time_off import holiday, leave

Month = tuple[str, str]


class Expected:
    """The loop, and what it tells."""

    def __init__(self, office: Office) -> None:
        self.office = office
        self._expecting = Expecting(PostgresExpectedDays(office.database), office.clock)
        self._known: dict[tuple[str, str, int], list[int]] = {}

    async def news(self) -> dict[Month, list[int]]:
        """What was told since it was last asked, by code and month."""
        while await self._expecting.next():
            pass
        events = await told(self.office, ExpectedDays)
        new = {(e.employee_id, e.month, e.version.n): e.minutes for e in events}
        found = {key[:2]: minutes for key, minutes in new.items() if key not in self._known}
        self._known |= new
        return found


@pytest.fixture
async def expected(company: Office) -> Expected:
    """The company; everything was told."""
    loop = Expected(company)
    await loop.news()
    return loop


def by_the_week(month: str, length: int) -> list[int]:
    first = date.fromisoformat(f"{month}-01")
    return [0 if date.fromordinal(first.toordinal() + n).weekday() == 4 else 480 for n in range(length)]


async def test_eighteen_months_of_everybody_are_told_from_the_present_one_on(company: Office):
    news = await Expected(company).news()
    months = [f"{2024 + n // 12}-{n % 12 + 1:02}" for n in range(18)]
    assert set(news) == {(f"EMP00{n}", month) for n in range(1, 6) for month in months}
    assert news["EMP001", "2024-01"] == by_the_week("2024-01", 31)
    assert news["EMP005", "2024-02"] == by_the_week("2024-02", 29)


async def test_nothing_is_told_twice(expected: Expected):
    office = expected.office
    assert await expected.news() == {}
    await office.ask("PUT", "settings/", json={"safe_entry_time": "08:01"}, params={"effective_from": "always"})
    await office.import_people("employee_id,name,badge", "EMP001,Ahmed Khan,99")
    assert await expected.news() == {}


async def test_a_change_is_told_of_whom_and_when_it_concerns(expected: Expected):
    office = expected.office
    ids = await office.ids()
    shift = {"code": "D", "parts": [{"start": "09:00", "end": "15:00"}], "breaks": []}
    await office.ask("POST", "shifts/", json=shift, expect=201)
    assert await expected.news() == {}
    roster = {"entries": [{"employees": ["EMP001"], "dates": ["2024-03-05", "2024-03-06"], "shift": "D"}]}
    await office.ask("PUT", "roster/", json=roster)
    news = await expected.news()
    assert set(news) == {("EMP001", "2024-03")}
    assert news["EMP001", "2024-03"][3:7] == [480, 360, 360, 480]

    await hear(office, holiday(first="2024-04-30", last="2024-05-01"))
    news = await expected.news()
    assert set(news) == {(code, month) for code in ids for month in ("2024-04", "2024-05")}
    assert [news["EMP002", month][day] for month, day in (("2024-04", 28), ("2024-04", 29), ("2024-05", 0))] == [
        480, 0, 0,
    ]  # fmt: skip

    await hear(office, leave(ids["EMP002"], "2024-05-02"))
    assert await expected.news() == {}  # leave is charged by what is expected, so it lowers nothing

    hours = {"standard_working_hours": 7.5}
    await office.ask("PUT", "settings/", json=hours, params={"effective_from": "2025-06-30"})
    news = await expected.news()
    assert {month for _, month in news} == {"2025-06"}
    assert news["EMP003", "2025-06"][-2:] == [480, 450]

    dates = {"joined_on": "2024-01-10", "left_on": "2024-02-04"}
    await office.ask("PATCH", f"employees/{ids['EMP004']}/", json=dates)
    news = await expected.news()
    assert {code for code, _ in news} == {"EMP004"}
    assert len(news) == 18
    assert (news["EMP004", "2024-01"][8:10], news["EMP004", "2024-02"][3:5]) == ([0, 480], [480, 0])
    assert not any(sum(minutes) for (_, month), minutes in news.items() if month > "2024-02")

    await office.ask("DELETE", f"employees/{ids['EMP005']}/", expect=204)
    news = await expected.news()
    assert {code for code, _ in news} == {"EMP005"}
    assert not any(map(sum, news.values()))

    await office.import_people("employee_id,name,department,joined_on,badge", "EMP006,New,Sewing,2025-06-15,6")
    news = await expected.news()
    assert set(news) == {("EMP006", "2025-06")}  # before, nobody of that name belonged to the company
    assert news["EMP006", "2025-06"][13:16] == [0, 480, 480]


async def test_it_is_what_days_say(expected: Expected):
    office = expected.office
    cycle = {"name": "Turns", "cycle": ["D", "N", None], "anchor": "2024-01-01"}
    day = {"code": "D", "parts": [{"start": "09:00", "end": "15:00"}], "breaks": []}
    night = {"code": "N", "parts": [{"start": "22:00", "end": "06:00"}], "breaks": []}
    for shift in (day, night):
        await office.ask("POST", "shifts/", json=shift, expect=201)
    made = (await office.ask("POST", "schedules/", json=cycle, expect=201)).json()
    where = {"department": "Sewing", "since": "2024-01-10"}
    await office.ask("POST", f"schedules/{made['id']}/assign/", json=where)
    await hear(office, holiday(first="2024-01-18"))
    await expected.news()
    listed = await office.get("daily-attendance/", date_from="2024-01-01", date_to="2024-01-31", limit=1000)
    days = {(row["employee_id"], row["date"]): round(row["expected_hours"] * 60) for row in listed}
    months = await office.get("expected-days/", month="2024-01")
    assert len(months) == 5
    for row in months:
        its = [days[row["employee_id"], f"2024-01-{n:02}"] for n in range(1, 32)]
        assert row["minutes"] == its


async def test_each_month_that_begins_rolls_on(expected: Expected):
    expected.office.clock.time = datetime(2024, 2, 29, 23, tzinfo=UTC)
    news = await expected.news()
    assert {month for _, month in news} == {"2025-07"}
    expected.office.clock.time = datetime(2024, 5, 1, tzinfo=UTC)
    assert {month for _, month in await expected.news()} == {"2025-08", "2025-09", "2025-10"}
    # What was told of months that are over is told again where it changes.
    await hear(expected.office, holiday(first="2024-01-17"))
    assert {month for _, month in await expected.news()} == {"2024-01"}
    # But not for ever.
    expected.office.clock.time = datetime(2025, 2, 1, tzinfo=UTC)
    await expected.news()
    await hear(expected.office, holiday(8, "2024-01-18"))
    assert await expected.news() == {}


async def test_one_process_looks_at_the_notes_and_none_is_lost(expected: Expected):
    office = expected.office
    await hear(office, holiday(first="2024-04-30"))
    store = PostgresExpectedDays(office.database)
    async with store.leading(date(2025, 6, 1)) as first, store.leading(date(2025, 6, 1)) as second:
        assert first is not None
        assert second is None
    assert len(await expected.news()) == 5


async def test_a_replay_tells_all_of_it_again(expected: Expected):
    states = PostgresStates(expected.office.database, expected.office.clock)
    again = [event async for batch in states() for event in batch if isinstance(event, ExpectedDays)]
    assert len(again) == 5 * 18
    before = {event.event_id(): event for event in await told(expected.office, ExpectedDays)}
    assert {event.event_id(): event for event in again} == before


async def test_people_see_what_is_expected_of_whom_they_see(expected: Expected):
    office = expected.office
    ids = await office.ids()
    path = f"employees/{ids['EMP001']}/"
    await office.ask("PATCH", path, json={"department": "Office"}, params={"effective_from": "2024-01-11"})
    await expected.news()

    async def seen(by: str, **parameters: Any) -> dict[str, list[int | None]]:
        rows = await office.get("expected-days/", by=by, month="2024-01", **parameters)
        return {row["employee_id"]: row["minutes"] for row in rows}

    whole = by_the_week("2024-01", 31)
    assert await seen("hr") == {f"EMP00{n}": whole for n in range(1, 6)}
    assert await seen("hr", employee="EMP002") == {"EMP002": whole}
    assert await seen("employee") == {"EMP002": whole}
    head = await seen("head")
    assert set(head) == {"EMP001", "EMP002", "EMP003", "EMP004"}
    assert head["EMP001"] == [*whole[:10], *[None] * 21]  # in another department since
    assert head["EMP004"] == whole  # their own
    assert await seen("nobody") == {}
    assert "there is no employee" in await office.refused(
        "expected-days/", 400, by="employee", month="2024-01", employee="EMP001"
    )
    assert "month" in await office.refused("expected-days/", 400)
    assert "unit" in await office.refused("expected-days/", 400, month="2024-01", unit="3")
    answer = await office.ask("GET", "expected-days/", params={"month": "2024-01", "limit": "2"})
    assert [row["employee_id"] for row in answer.json()] == ["EMP001", "EMP002"]
    assert answer.headers["x-total-count"] == "5"
