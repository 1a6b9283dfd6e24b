"""People first, then the log of their terminal: nothing is lost, nothing counts twice, and both shapes agree."""

from collections import Counter
from collections.abc import Callable
from contextlib import ExitStack
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.conftest import SHAPES, Starting
from tests.acceptance.made_logs import Crew, Punch, attlog, csv, glog, months_of_work, xlsx
from tests.acceptance.oracle import expected_timesheet
from tests.acceptance.real_logs import days_with_a_scan, months, one_worker_a_badge
from tests.acceptance.shapes import System
from tests.acceptance.steps import (
    DAYS,
    SCANS,
    all_are_stored,
    crew_comes,
    differences,
    imported,
    people_come,
    printed,
    stored,
    timesheets,
)

SHANGHAI = "Asia/Shanghai"

MALFORMED = b"      306\t1971--10--29 -23:-23:-27\t1\t0\t0\t0\r\n"
"""As a terminal wrote it whose clock had run below zero."""


def test_a_log_is_stored_once_and_becomes_the_days_that_the_rules_say(system: System) -> None:
    crew = Crew(prefix="IMP", size=25)
    punches = months_of_work(crew, date(2025, 2, 10), 40, seed="importing")
    crew_comes(system, crew)
    first = imported(system, attlog(punches), "importing", "Asia/Dhaka")
    assert (first["read"], first["new"], first["unreadable"]) == (len(punches), len(punches), 0)
    all_are_stored(system, "importing", len(punches))

    sheets = timesheets(system.admin, ["2025-02", "2025-03"], department=crew.department)
    for month, rows in sheets.items():
        assert differences(rows, expected_timesheet(crew, punches, month, "Asia/Dhaka")) == []

    second = imported(system, attlog(punches), "importing", "Asia/Dhaka")
    assert (second["new"], second["already_known"]) == (0, len(punches))
    assert stored(system, "importing") == len(punches)
    assert timesheets(system.admin, ["2025-02", "2025-03"], department=crew.department) == sheets


def test_what_cannot_be_read_is_reported_by_line_and_kept_and_a_reset_clock_does_not_count(system: System) -> None:
    crew = Crew(prefix="BAD", size=3)
    crew_comes(system, crew)
    good = months_of_work(crew, date(2025, 4, 6), 6, seed="bad lines")
    reset = [Punch(badge=crew.badges[1], at=datetime(2000, 1, 1, 0, minute)) for minute in range(8)]
    lines = attlog([*good[:5], *reset, *good[5:]]).splitlines(keepends=True)
    log = b"".join([*lines[:2], MALFORMED, MALFORMED, *lines[2:], b"what is this\r\n"])

    first = imported(system, log, "bad-lines", "Asia/Dhaka")
    assert (first["read"], first["new"]) == (len(lines) + 3, len(lines))
    assert [line["line"] for line in first["unreadable_lines"]] == [3, 4, len(lines) + 3]
    assert first["unreadable_new"] == 3
    assert [line["line"] for line in first["quarantined_lines"]] == list(range(8, 16))
    all_are_stored(system, "bad-lines", len(lines))
    assert stored(system, "bad-lines", quality="implausible_past") == first["quarantined"] == 8
    assert not any(
        scan["is_processed"] for scan in system.admin.get(SCANS, quality="implausible_past", machine="bad-lines")
    )
    shown = timesheets(system.admin, ["2025-04"], department=crew.department)["2025-04"]
    assert differences(shown, expected_timesheet(crew, good, "2025-04", "Asia/Dhaka")) == []
    assert {day["status"] for day in in_month(system, crew.department, "2000-01")} <= {"Absent", "Weekend"}

    second = imported(system, log, "bad-lines", "Asia/Dhaka")
    assert (second["new"], second["unreadable"], second["unreadable_new"]) == (0, 3, 0), "each is kept once"


def padded(punches: list[Punch]) -> bytes:
    return attlog(punches) + b"\0" * 7000


@pytest.mark.parametrize(
    ("written", "log_of"), [("glog", glog), ("padded attlog", padded), ("csv", csv), ("xlsx", xlsx)]
)
def test_the_format_of_a_file_is_found_out(
    system: System, written: str, log_of: Callable[[list[Punch]], bytes]
) -> None:
    prefix = written[0].upper() + "FORM"
    crew = Crew(prefix=prefix, size=4)
    crew_comes(system, crew)
    punches = months_of_work(crew, date(2025, 4, 6), 12, seed="formats")
    summary = imported(system, log_of(punches), prefix, "Asia/Dhaka")
    assert (summary["format"], summary["new"]) == (written.rsplit(maxsplit=1)[-1], len(punches))
    assert summary["unreadable"] == 0
    all_are_stored(system, prefix, len(punches))
    shown = timesheets(system.admin, ["2025-04"], department=crew.department)["2025-04"]
    assert differences(shown, expected_timesheet(crew, punches, "2025-04", "Asia/Dhaka")) == []
    if written != "glog":  # which has words for its states
        assert imported(system, attlog(punches), prefix, "Asia/Dhaka")["new"] == 0, "a copy of the same log"


def test_a_dry_run_says_what_would_be_and_changes_nothing(system: System) -> None:
    crew = Crew(prefix="DRY", size=2)
    file = system.folder / "dry.csv"
    file.write_bytes(crew.csv())
    assert printed(system.cli("people", "import", file, "--dry-run", "--json"))["created"] == 2
    punches = months_of_work(crew, date(2025, 4, 6), 3)
    log = system.folder / "dry.dat"
    log.write_bytes(attlog(punches))
    summary = printed(system.cli("import", log, "--machine", "dry", "--timezone", "Asia/Dhaka", "--dry-run", "--json"))
    assert (summary["new"], summary["dry_run"]) == (len(punches), True)
    assert system.admin.count("/api/attendance/employees/", search="EDRY") == 0
    assert system.admin.count("/api/attendance/machines/", search="dry") == 0


def test_who_comes_after_their_scans_has_their_days_at_once(system: System) -> None:
    crew = Crew(prefix="LATE", size=4)
    punches = months_of_work(crew, date(2025, 4, 6), 10, seed="late")
    imported(system, attlog(punches), "late", "Asia/Dhaka")
    all_are_stored(system, "late", len(punches))
    assert stored(system, "late", unknown="true") == len(punches)
    assert {row["badge"] for row in system.admin.every("/api/attendance/unknown-badges/")} >= set(crew.badges)
    crew_comes(system, crew)
    assert stored(system, "late", unknown="true") == 0
    shown = timesheets(system.admin, ["2025-04"], department=crew.department)["2025-04"]
    assert differences(shown, expected_timesheet(crew, punches, "2025-04", "Asia/Dhaka")) == []


@pytest.fixture(scope="module")
def offices(request: pytest.FixtureRequest, real_data: Path) -> dict[str, Any]:
    """The real office in both shapes: what the import printed, and every month's timesheet."""
    log = (real_data / "punches/zk_office_cn_2018_2021_attlog.dat").read_bytes()
    found: dict[str, Any] = {"log": log}
    for shape in ("embedded", "compose"):
        with ExitStack() as stack:
            start = Starting(request, stack)
            system = start(shape)  # no zone is set: that of the first machine is the site's
            people_come(system, one_worker_a_badge(log))
            first = imported(system, log, "office", SHANGHAI)
            all_are_stored(system, "office", first["new"], within=180)
            found[shape] = {
                "first": first,
                "second": imported(system, log, "office", SHANGHAI),
                "stored": stored(system, "office"),
                "quarantined": system.admin.every(SCANS, machine="office", quality="implausible_past"),
                "unknown": stored(system, "office", unknown="true"),
                "machine": system.admin.get("/api/attendance/machines/office/"),
                "sheets": timesheets(system.admin, months("2018-05", "2021-01")),
            }
    return found


@pytest.mark.real_data
@pytest.mark.rabbit
@pytest.mark.timeout(600)
class TestAnOfficeOfThreeYears:
    """The log of a real terminal, one worker for each badge."""

    @pytest.mark.parametrize("shape", SHAPES)
    def test_every_good_row_is_stored_once_and_every_bad_one_is_reported(
        self, offices: dict[str, Any], shape: str
    ) -> None:
        # Counted here by itself: 44,479 rows, of which 145 have no date that can be read; no two of the rest say the
        # same of badge, second and state, so that each is a scan of its own.
        rows = [line.split(b"\t") for line in offices["log"].splitlines()]
        good = [row for row in rows if b"--" not in row[1]]
        assert len({(row[0].strip(), row[1], row[3]) for row in good}) == len(good) == 44_334
        seen = offices[shape]
        assert (seen["first"]["new"], seen["first"]["unreadable"], seen["first"]["quarantined"]) == (44_334, 145, 8)
        malformed = [number for number, row in enumerate(rows, 1) if b"--" in row[1]]
        assert malformed[0] == 2386
        assert [line["line"] for line in seen["first"]["unreadable_lines"]] == malformed
        assert seen["first"]["unreadable_new"] == 145
        assert seen["stored"] == 44_334
        assert seen["unknown"] == 0
        assert len(seen["quarantined"]) == 8
        assert {scan["device_time"][:4] for scan in seen["quarantined"]} == {"2000"}

    @pytest.mark.parametrize("shape", SHAPES)
    def test_a_second_import_adds_nothing(self, offices: dict[str, Any], shape: str) -> None:
        second = offices[shape]["second"]
        assert (second["new"], second["already_known"], second["unreadable_new"]) == (0, 44_334, 0)

    @pytest.mark.parametrize("shape", SHAPES)
    def test_its_days_are_plausible(
        self, offices: dict[str, Any], shape: str, record_property: Callable[[str, object], None]
    ) -> None:
        present = Counter[str]()
        for month, rows in offices[shape]["sheets"].items():
            assert len(rows) == 189
            days = [day for row in rows for day in row["days"]]
            seen = [day for day in days if day["status"].startswith("Present")]
            present[month] = len(seen)
            assert all(0 <= day["workingHours"] <= 24 for day in days)
            assert all(day["overtime"] + day["extraOvertime"] <= day["workingHours"] + 0.011 for day in days), "rounded"
            assert all(day["checkIn"] for day in seen)
        said = ", ".join(f"{month} {number}" for month, number in present.items())
        record_property("figures", f"present days by month, {shape}: {said}")
        assert present == days_with_a_scan(offices["log"])

    def test_both_shapes_have_the_same_timesheet_for_every_month(self, offices: dict[str, Any]) -> None:
        one, other = offices["embedded"]["sheets"], offices["compose"]["sheets"]
        assert len(one) == 33
        for month in one:
            assert differences(one[month], other[month]) == []


@pytest.mark.real_data
@pytest.mark.timeout(300)
@pytest.mark.parametrize("shape", SHAPES)
def test_of_a_log_of_rotating_shifts_every_scan_is_accounted_for(
    start: Starting, real_data: Path, shape: str, record_property: Callable[[str, object], None]
) -> None:
    log = (real_data / "punches/zk_in_rotating_2015_1_attlog.dat").read_bytes()
    system = start(shape)
    badges = sorted({line.split(b"\t")[0].strip().decode() for line in log.splitlines()}, key=int)
    strangers = set(badges[9::10])
    people_come(system, one_worker_a_badge(log, leave_out=strangers))
    assert imported(system, log, "rotating", "Asia/Kolkata")["new"] == 5_567
    all_are_stored(system, "rotating", 5_567)

    days = system.admin.every(DAYS)
    count = Counter({"used and merged": sum(day["total_scans"] for day in days)})
    for quality in ("implausible_past", "future"):
        count["quarantined"] += stored(system, "rotating", quality=quality, unknown="false")
    unknown = system.admin.every("/api/attendance/unknown-badges/")
    count["unknown"] = sum(row["scans"] for row in unknown)
    assert {row["badge"] for row in unknown} == strangers
    assert sum(count.values()) == 5_567, count
    hours = ("total_working_hours", "overtime_hours", "extra_overtime_hours")
    figures = (*hours, "late_minutes", "early_departure_minutes", "shortfall_minutes")
    assert all(day[figure] >= 0 for day in days for figure in figures)

    # Who was unknown is found out: then it is the whole log again, of which the number of long spans is known.
    people_come(system, one_worker_a_badge(log))
    assert stored(system, "rotating", unknown="true") == 0
    days = system.admin.every(DAYS)
    assert len(days) == 2_357
    assert sum(day["total_scans"] for day in days) + count["quarantined"] == 5_567
    long = [day for day in days if "long_span" in day["flags"]]
    shown = ", ".join(f"{day['date']} {day['employee_id']}" for day in sorted(long, key=lambda day: str(day["id"])))
    record_property("figures", f"{shape}: {dict(count)}; {len(long)} of {len(days)} days span over 14 h: {shown}")
    assert len(long) == 76
    for day in days:
        span = timedelta()
        if day["first_check_in"] and day["last_check_out"]:
            span = datetime.fromisoformat(day["last_check_out"]) - datetime.fromisoformat(day["first_check_in"])
        assert (span > timedelta(hours=14)) == ("long_span" in day["flags"]), day


def in_month(system: System, department: str, month: str) -> list[dict[str, Any]]:
    return [day for row in timesheets(system.admin, [month], department=department)[month] for day in row["days"]]
