"""Shifts and schedules through the whole system: entered over the API, scanned at a terminal, shown on every page."""

from datetime import datetime, timedelta
from typing import Any

from tests.acceptance.made_logs import Crew, Punch, attlog
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import DAYS, SUMMARY, all_are_stored, crew_comes, imported, timesheets

ZONE = "Asia/Dhaka"
SHIFTS = "/api/attendance/shifts/"
SCHEDULES = "/api/attendance/schedules/"
Shown = dict[str, tuple[str, str | None, str | None, float]]


def shift(code: str, start: str, end: str) -> dict[str, Any]:
    return {"code": code, "name": code, "parts": [{"start": start, "end": end}], "breaks": []}


def works(system: System, body: dict[str, Any], **owner: Any) -> None:
    """A schedule of this body, for an owner."""
    schedule = system.admin.post(SCHEDULES, body)["id"]
    system.admin.post(f"{SCHEDULES}{schedule}/assign/", owner)


def scanned(system: System, badge: str, machine: str, *moments: str) -> None:
    """A log with these moments is read, and its days are there."""
    punches = [Punch(badge=badge, at=datetime.fromisoformat(moment)) for moment in moments]
    imported(system, attlog(punches), machine, ZONE)
    all_are_stored(system, machine, len(moments))


def shown(system: System, code: str, first: str, last: str) -> Shown:
    rows = system.admin.get(DAYS, employee=code, date_from=first, date_to=last)
    return {
        row["date"]: (
            row["status"],
            row["first_check_in_formatted"],
            row["last_check_out_formatted"],
            row["total_working_hours"],
        )
        for row in rows
    }


def becomes(system: System, code: str, wanted: Shown) -> None:
    """Wait for days that are computed again in the background."""
    first, last = min(wanted), max(wanted)
    until(lambda: shown(system, code, first, last) == wanted, f"the days of {code} are {wanted}", within=60)


def test_a_night_over_midnight_is_one_day_on_every_page(system: System) -> None:
    crew_comes(system, Crew(prefix="NGT", size=1))
    system.admin.post(SHIFTS, shift("NGT", "22:00", "06:00"))
    works(system, {"name": "NGT nights", "shift": "NGT"}, department="Crew NGT")
    scanned(system, "NGT1", "nights", "2025-05-05 21:52:10", "2025-05-06 06:03:44", "2025-05-06 22:20:00")
    becomes(
        system,
        "ENGT1",
        {
            "2025-05-05": ("Present-OnTime", "21:52", "06:03", 8.18),
            "2025-05-06": ("Present-Late", "22:20", None, 0.0),
            "2025-05-07": ("Absent", None, None, 0.0),
        },
    )
    (row,) = system.admin.get(SUMMARY, date="2025-05-05", employee="ENGT1")
    assert (row["check_in"], row["check_out"], row["attendance_count"]) == ("21:52", "06:03", 2)
    day = timesheets(system.admin, ["2025-05"], employee="ENGT1")["2025-05"][0]["days"][4]
    assert (day["checkIn"], day["checkOut"], day["workingHours"]) == ("21:52", "06:03", 8.18)
    # The departure that was missing arrives with another log, on the morning after.
    scanned(system, "NGT1", "nights-late", "2025-05-07 05:58:00")
    becomes(
        system,
        "ENGT1",
        {"2025-05-06": ("Present-Late", "22:20", "05:58", 7.63), "2025-05-07": ("Absent", None, None, 0.0)},
    )


def test_a_rotating_pattern_follows_its_cycle(system: System) -> None:
    crew_comes(system, Crew(prefix="ROT", size=1))
    system.admin.post(SHIFTS, shift("ROT-D", "07:00", "15:00"))
    system.admin.post(SHIFTS, shift("ROT-N", "22:00", "06:00"))
    cycle = ["ROT-D", "ROT-D", "ROT-N", "ROT-N", None, None]
    works(system, {"name": "ROT", "cycle": cycle, "anchor": "2025-06-01"}, employee="EROT1")
    moments = []
    for number in range(12):
        date = datetime(2025, 6, 1) + timedelta(days=number)
        code = cycle[number % 6]
        if code is not None:
            start = date.replace(hour=7 if code == "ROT-D" else 22)
            moments += [f"{start:%Y-%m-%d %H:%M}", f"{start + timedelta(hours=8):%Y-%m-%d %H:%M}"]
    scanned(system, "ROT1", "rotating", *moments)
    day, night, off = ("Present-OnTime", "07:00", "15:00", 8.0), ("Present-OnTime", "22:00", "06:00", 8.0), (
        "Weekend",
        None,
        None,
        0.0,
    )  # fmt: skip
    wanted = [day, day, night, night, off, off] * 2
    becomes(system, "EROT1", {f"2025-06-{number:02}": one for number, one in enumerate(wanted, 1)})


def test_a_scan_moves_between_dates_and_a_shift_changed_in_the_past_counts_at_once(system: System) -> None:
    crew_comes(system, Crew(prefix="MOV", size=1))
    made = system.admin.post(SHIFTS, shift("MOV", "20:00", "04:30"))
    scanned(system, "MOV1", "moving", "2025-07-07 19:58", "2025-07-08 04:31", "2025-07-09 20:20", "2025-07-10 04:31")
    # Without a schedule the day begins after 04:00, and the departure stands under the next date.
    becomes(
        system,
        "EMOV1",
        {
            "2025-07-07": ("Present-Late", "19:58", None, 0.0),
            "2025-07-08": ("Present-OnTime", "04:31", None, 0.0),
            "2025-07-09": ("Present-Late", "20:20", None, 0.0),
            "2025-07-10": ("Present-OnTime", "04:31", None, 0.0),
        },
    )
    works(system, {"name": "MOV", "shift": "MOV"}, employee="EMOV1", since="2025-07-01", until="2025-08-01")
    days: Shown = {
        "2025-07-07": ("Present-OnTime", "19:58", "04:31", 8.55),
        "2025-07-08": ("Absent", None, None, 0.0),
        "2025-07-09": ("Present-Late", "20:20", "04:31", 8.18),
        "2025-07-10": ("Absent", None, None, 0.0),
    }
    becomes(system, "EMOV1", days)
    later = system.admin.call(
        "PUT", f"{SHIFTS}{made['id']}/?effective_from=2025-07-09", json=shift("MOV", "20:30", "05:00")
    )
    assert later.status_code == 200, later.text
    becomes(system, "EMOV1", {**days, "2025-07-09": ("Present-OnTime", "20:20", "04:31", 8.18)})
