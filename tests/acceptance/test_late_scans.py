"""Scans that arrive 40 days late: every page follows them; once their month is locked, an adjustment does."""

from collections.abc import Iterator
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from tests.acceptance.made_logs import Punch, attlog
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import DAYS, EMPLOYEES, SCANS, SUMMARY, timesheets
from tests.acceptance.test_live import frames

ZONE = "Asia/Dhaka"
LOCKS = "/api/attendance/locks/"
ADJUSTMENTS = "/api/attendance/adjustments/"
SITES = "/api/attendance/sites/"
BADGE, CODE = "L40X1", "EL40X1"
Shown = tuple[str | None, str | None, float]


def arrives(system: System, day: date, *clocks: str) -> None:
    """A log with these scans is handed in today; they are stored, and their day with them."""
    before = system.admin.count(SCANS, badge=BADGE)
    punches = [Punch(badge=BADGE, at=datetime.fromisoformat(f"{day} {clock}")) for clock in clocks]
    answer = system.admin.call(
        "POST", f"{SCANS}import/", params={"machine": "forty", "timezone": ZONE}, content=attlog(punches)
    )
    assert (answer.status_code, answer.json()["new"]) == (200, len(clocks)), answer.text
    wanted = before + len(clocks)
    until(lambda: system.admin.count(SCANS, badge=BADGE) == wanted, f"{wanted} scans of {BADGE} are stored")


def pages(system: System, day: date) -> list[Shown]:
    """Arrival, departure and hours of the day as its record, the summary and the timesheet have them."""
    on, month = day.isoformat(), f"{day:%Y-%m}"
    (record,) = system.admin.get(DAYS, employee=CODE, date=on)
    (row,) = system.admin.get(SUMMARY, employee=CODE, date=on)
    (sheet,) = timesheets(system.admin, [month], employee=CODE)[month]
    cell = sheet["days"][day.day - 1]
    return [
        (record["first_check_in_formatted"], record["last_check_out_formatted"], record["total_working_hours"]),
        (row["check_in"], row["check_out"], row["working_hours"]),
        (cell["checkIn"], cell["checkOut"], cell["workingHours"]),
    ]


def told(seen: Iterator[dict[str, Any]], kind: str, day: date) -> dict[str, Any]:
    """What the next frame of this kind says about our worker's day."""
    ours = (one["data"] for one in seen if one["type"] == kind and one["employee_id"] == CODE)
    return next(data for data in ours if data["date"] == day.isoformat())


def test_scans_of_40_days_ago_change_their_day_and_adjust_it_when_it_is_locked(system: System) -> None:
    # A site of its own: its month is locked, and nobody else's.
    site = system.admin.post(SITES, {"name": "Forty", "timezone": ZONE})["id"]
    system.admin.post(EMPLOYEES, {"employee_id": CODE, "name": "Late Scan", "badges": [BADGE], "site": site})
    today = datetime.now(ZoneInfo(ZONE)).date()
    day = today - timedelta(days=40)
    with system.live() as connection:
        seen = frames(connection, within=90)
        arrives(system, day, "08:00", "17:00")
        assert told(seen, "attendance_updated", day)["working_hours"] == 8.0
        assert pages(system, day) == [("08:00", "17:00", 8.0)] * 3

        arrives(system, day, "19:30")
        updated = told(seen, "attendance_updated", day)
        assert (updated["check_out"], updated["working_hours"]) == ("19:30", 10.5)
        assert pages(system, day) == [("08:00", "19:30", 10.5)] * 3

        lock = locked(system, site, f"{day:%Y-%m}")
        try:
            arrives(system, day, "20:30")
            adjusted = told(seen, "attendance_adjusted", day)
            assert (adjusted["minutes"]["worked"], adjusted["cancelled"]) == (60, False)
            assert pages(system, day) == [("08:00", "19:30", 10.5)] * 3
            (booked,) = system.admin.get(ADJUSTMENTS, employee=CODE)
            assert (booked["date"], booked["minutes"]["worked"]) == (day.isoformat(), 60)
            assert f"{day:%Y-%m}" < booked["period"] <= f"{today:%Y-%m}"
        finally:
            system.admin.post(f"{LOCKS}{lock}/unlock/", {"reason": "the test is over"})
        assert told(seen, "attendance_adjusted", day)["cancelled"]
        until(lambda: pages(system, day) == [("08:00", "20:30", 11.5)] * 3, "the day follows again", within=60)
        assert told(seen, "attendance_updated", day)["working_hours"] == 11.5


def locked(system: System, site: int, month: str) -> int:
    """The lock of the month; while days are being computed again it is refused."""

    def tried() -> int:
        answer = system.admin.call("POST", LOCKS, json={"month": month, "site": site})
        assert answer.status_code == 201, answer.text
        id_: int = answer.json()["id"]
        return id_

    return until(tried, f"{month} is locked", within=60)
