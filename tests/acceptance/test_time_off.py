"""Holidays and leave as the bus brings them: in the days of every page, and in what is expected."""

from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

from shared.bus.opening import open_bus
from shared.bus.port import EVENT, Message
from shared.contracts.cloudevents import encode
from shared.contracts.event import Event
from tests.acceptance.made_logs import Crew
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import SUMMARY, crew_comes
from tests.attendance.time_off import holiday, leave

EXPECTED = "/api/attendance/expected-days/"


def message(event: Event) -> Message:
    id_ = str(uuid4())
    return Message(id=id_, type=event.wire_type, body=encode(event, id=id_, time=datetime.now(UTC)), content_type=EVENT)


async def test_a_holiday_and_leave_are_in_the_days_and_what_is_expected_is_told(system: System) -> None:
    crew_comes(system, Crew(prefix="OFF", size=2))
    ids = {row["employee_id"]: row["id"] for row in system.admin.get("/api/attendance/employees/", search="EOFF")}
    # Dates to come, which are no other test's; a Friday is nobody's.
    first = (datetime.now(UTC).date().replace(day=1) + timedelta(days=40)).replace(day=10)
    off, away = [day for n in range(3) if (day := first + timedelta(days=n)).weekday() != 4][:2]
    async with open_bus(system.bus_url, name="leave-of-another-system") as bus:
        await bus.publish(message(holiday(4711, off.isoformat())))
        await bus.publish(message(leave(ids["EOFF1"], away.isoformat(), number=4711)))

    def statuses(day: date) -> dict[str, str]:
        rows = system.admin.get(SUMMARY, date=day.isoformat(), search="EOFF")
        return {row["employee_id"]: row["status"] for row in rows}

    until(lambda: statuses(off) == {"EOFF1": "Holiday", "EOFF2": "Holiday"}, "it is a holiday", within=60)
    until(lambda: statuses(away) == {"EOFF1": "Leave-Casual", "EOFF2": "Absent"}, "one is on leave", within=60)

    def expected(code: str) -> list[int]:
        rows: list[dict[str, Any]] = system.admin.get(EXPECTED, month=f"{off:%Y-%m}", employee=code)
        return [minutes for row in rows for minutes in row["minutes"]]

    until(lambda: expected("EOFF1")[off.day - 1 : off.day] == [0], "the holiday is told", within=60)
    assert expected("EOFF1")[away.day - 1] > 0  # leave is charged by it
    assert expected("EOFF1") == expected("EOFF2")
