"""The figures of RULES section 4, through the whole system: from a terminal's log to every page that shows them."""

from datetime import date, datetime, timedelta
from typing import Any

import pytest

from tests.acceptance.made_logs import Crew, Punch, attlog
from tests.acceptance.shapes import System
from tests.acceptance.steps import DAYS, SUMMARY, all_are_stored, crew_comes, imported, timesheets

ZONE = "Asia/Dhaka"
DAYS_OF_WORK = [date(2025, 3, day) for day in (2, 3, 4, 5, 6, 8, 9, 10, 11)]
"""Without the Friday, on which nobody is expected."""

CASES: list[tuple[str, str, dict[str, Any]]] = [
    ("08:00", "17:30", {"hours": 8.5, "overtime": 0.5, "extra": 0.0, "status": "Present-OnTime"}),
    ("08:10", "20:00", {"hours": 10.83, "overtime": 2.0, "extra": 1.0, "status": "Present-Late", "snacks": True,
                        "short": 10}),
    ("08:00", "24:00", {"hours": 15.0, "overtime": 2.0, "extra": 5.0, "status": "Present-OnTime", "snacks": True,
                        "night": True, "flags": ["long_span"]}),
    ("08:00", "26:00", {"hours": 17.0, "overtime": 2.0, "extra": 7.0, "status": "Present-OnTime", "snacks": True,
                        "night": True, "flags": ["long_span"]}),
    ("08:20", "16:45", {"hours": 7.42, "overtime": 0.0, "extra": 0.0, "status": "Present-Late", "early": 15,
                        "short": 35}),
    ("08:30", "17:00", {"hours": 7.5, "overtime": 0.0, "extra": 0.0, "status": "Present-Late", "short": 30}),
    ("08:05", "17:00", {"hours": 7.92, "overtime": 0.0, "extra": 0.0, "status": "Present-Considered", "short": 5}),
    ("08:06", "18:59", {"hours": 9.88, "overtime": 1.98, "extra": 0.0, "status": "Present-Late", "short": 6}),
    ("07:58", "", {"hours": 0.0, "overtime": 0.0, "extra": 0.0, "status": "Present-OnTime", "short": 480,
                   "flags": ["missing_check_out"]}),
]  # fmt: skip
"""Arrival, departure (24:00 and later on the next date) and what a worker's day has to be."""


def moment(day: date, clock: str) -> datetime:
    hour, minute = map(int, clock.split(":"))
    # Seconds are dropped: 08:00:41 is on time.
    return datetime.combine(day, datetime.min.time()) + timedelta(hours=hour, minutes=minute, seconds=41)


@pytest.fixture(scope="session")
def worked(system: System) -> System:
    """One worker and one of the staff who worked all the days of the table."""
    punches = []
    for crew in (Crew(prefix="FIGW", size=1), Crew(prefix="FIGS", size=1, level="Staff")):
        crew_comes(system, crew)
        for number, (arrives, leaves, _) in enumerate(CASES):
            day = DAYS_OF_WORK[number]
            moments = [moment(day, clock) for clock in (arrives, leaves) if clock]
            punches += [Punch(badge=crew.badges[0], at=at, state="01"[at != moments[0]]) for at in moments]
    imported(system, attlog(sorted(punches, key=lambda punch: punch.at)), "figures", ZONE)
    all_are_stored(system, "figures", len(punches))
    return system


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_a_workers_day_has_the_figures_of_the_rules_on_every_page(worked: System, number: int, case: Any) -> None:
    arrives, leaves, wanted = case
    day = (DAYS_OF_WORK[number]).isoformat()
    check_out = f"{int(leaves[:2]) % 24:02}{leaves[2:]}" if leaves else None
    record = worked.admin.get(DAYS, employee="EFIGW1", date=day)[0]
    assert {
        "status": record["status"],
        "in": record["first_check_in_formatted"],
        "out": record["last_check_out_formatted"],
        "hours": record["total_working_hours"],
        "overtime": record["overtime_hours"],
        "extra": record["extra_overtime_hours"],
        "snacks": record["snacks_eligible"],
        "night": record["night_bill_eligible"],
        "early": record["early_departure_minutes"],
        "short": record["shortfall_minutes"],
        "flags": record["flags"],
        "scans": record["total_scans"],
    } == {
        "snacks": False,
        "night": False,
        "early": 0,
        "short": 0,
        "flags": [],
        **wanted,
        "in": arrives,
        "out": check_out,
        "scans": 2 if leaves else 1,
    }
    row = worked.admin.get(SUMMARY, date=day, employee="EFIGW1")[0]
    shown = timesheets(worked.admin, [day[:7]], employee="EFIGW1")[day[:7]][0]["days"][int(day[8:]) - 1]
    figures = (wanted["status"], arrives, check_out, wanted["hours"], wanted["overtime"], wanted["extra"])
    summed = ("status", "check_in", "check_out", "working_hours", "overtime", "extra_overtime")
    assert tuple(row[name] for name in summed) == figures
    listed = ("status", "checkIn", "checkOut", "workingHours", "overtime", "extraOvertime")
    assert tuple(shown[name] for name in listed) == figures
    assert [scan["type"] for scan in row["scans"]] == ["IN", "OUT"][: record["total_scans"]]


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[f"{case[0]}-{case[1]}" for case in CASES])
def test_staff_get_the_hours_and_no_overtime(worked: System, number: int, case: Any) -> None:
    day = (DAYS_OF_WORK[number]).isoformat()
    row = worked.admin.get(SUMMARY, date=day, employee="EFIGS1")[0]
    record = worked.admin.get(DAYS, employee="EFIGS1", date=day)[0]
    assert (row["working_hours"], row["status"]) == (case[2]["hours"], case[2]["status"])
    assert (row["overtime"], row["extra_overtime"]) == (0.0, 0.0)
    assert not record["snacks_eligible"]
    assert not record["night_bill_eligible"]


def test_a_day_without_scans_is_absent_and_friday_is_the_weekend(worked: System) -> None:
    days = timesheets(worked.admin, ["2025-03"], employee="EFIGW1")["2025-03"][0]["days"]
    assert days[0]["status"] == "Absent"
    assert [day["status"] for day in days[5:8]] == ["Present-Late", "Weekend", "Present-Late"]
