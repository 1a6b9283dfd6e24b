"""The close of days through the whole system: absences are told on the bus as facts, and so is the date."""

import asyncio
from collections.abc import Callable
from datetime import date, timedelta
from typing import Any

from shared.bus.opening import open_bus
from shared.bus.port import Message
from shared.contracts.cloudevents import decode
from shared.contracts.days import DayClosed, DayUpdated
from tests.acceptance.shapes import System
from tests.acceptance.steps import SUMMARY, people_come

CLOSING = "/api/attendance/closing/"
HEADER = "employee_id,name,joined_on,site,badge\n"


async def test_days_close_and_absences_are_told_on_the_bus(system: System) -> None:
    admin = system.admin
    today = date.fromisoformat(admin.get("/api/attendance/system-status/")["business_date"])
    # Of a site without machines the last date but one has been over for 24 hours, and the one after it has not.
    first, last = today - timedelta(days=3), today - timedelta(days=2)
    site = admin.post("/api/attendance/sites/", {"name": "Closed mill", "timezone": "Asia/Dhaka"})["id"]
    people = people_come(
        system, f"{HEADER}ECLO1,One,{first},Closed mill,CLO1\nECLO2,Two,{last},Closed mill,CLO2\n".encode()
    )
    assert people["created"] == 2, people

    days: list[DayUpdated] = []
    closed: list[DayClosed] = []

    def hear(message: Message) -> None:
        if message.type == DayClosed.wire_type:
            closed.extend(event.data for event in decode(message.body, message.content_type, DayClosed))
        else:
            days.extend(event.data for event in decode(message.body, message.content_type, DayUpdated))

    async with (
        open_bus(system.bus_url, name="another-system") as bus,
        bus.listen((DayClosed.wire_type, DayUpdated.wire_type), hear),
    ):
        answer = await asyncio.to_thread(admin.call, "PUT", f"{CLOSING}{site}/", json={"begins": first.isoformat()})
        assert answer.status_code == 200, answer.text
        await _until(lambda: len([one for one in closed if one.site_id == site]) == 2)
        await _until(lambda: len([one for one in days if one.employee_id.startswith("ECLO")]) == 3)

    assert [(one.date, one.people, one.unseen) for one in closed if one.site_id == site] == [
        (first, 1, 1),
        (last, 2, 2),
    ]
    mine = {(one.employee_id, one.date): one for one in days if one.employee_id.startswith("ECLO")}
    assert {key: one.status for key, one in mine.items()} == {
        ("ECLO1", first): _nobody_there(first),
        ("ECLO1", last): _nobody_there(last),
        ("ECLO2", last): _nobody_there(last),
    }
    assert {(one.total_scans, one.live, one.version.n) for one in mine.values()} == {(0, False, 1)}
    shown = _at_site(admin.get(CLOSING, date=last.isoformat()), site)
    assert (shown["state"], shown["people"], shown["not_stored"]) == ("closed", 2, 0)
    assert _at_site(admin.get(CLOSING), site)["date"] == (last + timedelta(days=1)).isoformat()
    rows = [row for row in admin.get(SUMMARY, date=last.isoformat()) if row["employee_id"].startswith("ECLO")]
    assert [(row["status"], row["state"]) for row in rows] == [(_nobody_there(last), "final")] * 2


def _nobody_there(day: date) -> str:
    return "Weekend" if day.isoweekday() == 5 else "Absent"


def _at_site(sites: list[dict[str, Any]], site: int) -> dict[str, Any]:
    (found,) = [one for one in sites if one["site"] == site]
    return found


async def _until(done: Callable[[], bool]) -> None:
    async with asyncio.timeout(30):
        while not done():  # noqa: ASYNC110 - the bus calls back, and nobody is told of it
            await asyncio.sleep(0.05)
