"""Payroll: its totals are those of the timesheet, however a period is cut; files; pay codes; who may see what."""

import csv
import io
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any

import openpyxl
import pytest

from services.attendance.api.payroll_shapes import COLUMNS
from services.attendance.domain.hours import hours
from services.attendance.domain.payroll import AMOUNTS, WORK
from tests.attendance.api.office import Office
from tests.attendance.api.test_time_off import hear
from tests.attendance.time_off import leave

JANUARY = {"month": "2024-01"}
ALWAYS = {"effective_from": "always"}


async def pay(office: Office, by: str = "hr", **parameters: Any) -> dict[str, dict[str, Any]]:
    """The rows by the company's code."""
    found = await office.get("payroll/", by=by, **(parameters or JANUARY))
    return {row["employee_id"]: row for row in found["rows"]}


async def set_(office: Office, values: dict[str, Any], **where: Any) -> None:
    await office.ask("PUT", "settings/", json=values, params={**ALWAYS, **where})


@pytest.fixture
async def busy(company: Office) -> Office:
    """A January of everything: shifts, a cycle, settings that change, a move, overtime by the week, holes and doubles.

    It is the 29th, so that some days are final, some provisional, and some not due.
    """
    company.clock.time = datetime(2024, 1, 29, 3, 30, tzinfo=UTC)
    dice = random.Random(20240129)
    for shift in (
        {"code": "D", "parts": [{"start": "08:00", "end": "16:00"}], "breaks": []},
        {"code": "N", "parts": [{"start": "22:00", "end": "06:00"}], "breaks": []},
    ):
        await company.ask("POST", "shifts/", json=shift, expect=201)
    cycle = {"name": "Crew", "cycle": ["D", "N", None], "anchor": "2024-01-01"}
    made = await company.ask("POST", "schedules/", json=cycle, expect=201)
    await company.ask("POST", f"schedules/{made.json()['id']}/assign/", json={"employee": "EMP003"})
    await set_(company, {"overtime_week_hours": 40, "week_starts_on": 0, "half_day_below_hours": 4})
    await set_(company, {"overtime_week_hours": 30}, employee="EMP002", effective_from="2024-01-10")
    await set_(company, {"overtime_needs_approval": True}, department="Sewing")
    ids = await company.ids()
    await company.ask(
        "PATCH", f"employees/{ids['EMP001']}/", json={"department": "Office"}, params={"effective_from": "2024-01-17"}
    )
    await company.import_people("employee_id,joined_on,left_on", "EMP005,2024-01-04,2024-01-25")
    for badge in "12345":
        moments = []
        for number in range(-4, 29):
            on = datetime(2024, 1, 1) + timedelta(days=number)
            if dice.random() < 0.75:
                came = on + timedelta(minutes=dice.randint(7 * 60, 9 * 60))
                moments.append(f"{came:%Y-%m-%d %H:%M}")
                if dice.random() < 0.9:
                    moments.append(f"{came + timedelta(minutes=dice.randint(60, 14 * 60)):%Y-%m-%d %H:%M}")
        await company.scan(badge, *moments)
    await company.settle()
    return company


async def test_totals_are_those_of_the_timesheet_and_of_the_records(busy: Office):
    rows = await pay(busy)
    sheets = {row["employee_id"]: row["days"] for row in await busy.get("timesheet/", **JANUARY)}
    january = {"date_from": "2024-01-01", "date_to": "2024-01-31"}
    records: dict[str, list[Any]] = {}
    for record in await busy.get("daily-attendance/", limit=10_000, **january):
        records.setdefault(record["employee_id"], []).append(record)
    assert rows.keys() == sheets.keys() == records.keys()
    weeks = 0
    for code, row in rows.items():
        its, days = records[code], [day for day in sheets[code] if day["status"]]
        assert row["days"] == len(days) == len(its)
        statuses = Counter(day["status"] for day in days)
        assert [row[f"{name}_days"] for name in ("on_time", "considered", "late", "weekend")] == [
            statuses[status] for status in ("Present-OnTime", "Present-Considered", "Present-Late", "Weekend")
        ]
        absent = Counter(day["state"] for day in days if day["status"] == "Absent")
        assert (row["absent_days"], row["absent_open_days"]) == (absent["final"], absent.total() - absent["final"])
        states = Counter(day["state"] for day in days)
        assert (row["expected_days"], row["provisional_days"]) == (states["expected"], states["provisional"])
        # Of a day, hours with two decimals tell its minutes.
        for names, fields in (
            (("worked",), ("workingHours",)),
            (
                ("overtime", "extra_overtime", "week_overtime", "weekend_overtime", "holiday_overtime"),
                ("overtime", "extraOvertime", "weekOvertime"),
            ),
        ):
            expected = sum(round(day[field] * 60) for day in days for field in fields)
            assert sum(row[f"{name}_minutes"] for name in names) == expected
        for name in ("late", "early_departure"):
            assert row[f"{name}_minutes"] == sum(record[f"{name}_minutes"] for record in its)
        sure = [one for one in its if one["state"] == "final" or one["status"] != "Absent" or one["total_scans"]]
        assert row["shortfall_minutes"] == sum(one["shortfall_minutes"] for one in sure)
        assert row["expected_minutes"] == sum(round(one["expected_hours"] * 60) for one in its)
        assert row["snacks"] == sum(one["snacks_eligible"] for one in its)
        assert row["night_bill"] == sum(one["night_bill_eligible"] for one in its)
        assert row["half_days"] == sum("half_day" in one["flags"] for one in its)
        assert row["flagged_days"] == sum(bool(one["flags"]) for one in its)
        assert row["missing_check_out_days"] == sum("missing_check_out" in one["flags"] for one in its)
        assert row["unapproved_overtime_days"] == sum(one["overtime_unapproved"] for one in its)
        weeks += row["week_overtime_minutes"]
    # Or it would all be equal for want of anything that could differ.
    assert weeks > 0
    assert all(sum(row[name] for row in rows.values()) for name in ("absent_days", "absent_open_days", "late_minutes"))
    assert all(sum(row[name] for row in rows.values()) for name in ("half_days", "weekend_overtime_minutes", "snacks"))


def _added(*parts: dict[str, dict[str, Any]]) -> dict[str, Counter[str]]:
    found: dict[str, Counter[str]] = {}
    for part in parts:
        for code, row in part.items():
            found.setdefault(code, Counter()).update({amount.name: row[amount.name] for amount in AMOUNTS})
    return found


async def test_kinds_make_up_the_whole_and_so_do_parts_of_a_period_wherever_it_is_cut(busy: Office):
    rows = await pay(busy)
    for row in rows.values():
        assert row["worked_minutes"] == sum(row[amount.name] for amount in WORK) > 0
        assert row["worked_hours"] == hours(row["worked_minutes"])
        there = ("on_time_days", "considered_days", "late_days")
        away = ("absent_days", "absent_open_days", "weekend_days", "holiday_days", "leave_days")
        assert row["present_days"] == sum(row[name] for name in there)
        assert row["days"] == row["present_days"] + sum(row[name] for name in away)
    whole = _added(rows)
    for cut in ("2024-01-03", "2024-01-17", "2024-01-24"):
        before = str(date.fromisoformat(cut) - timedelta(days=1))
        first = await pay(busy, date_from="2024-01-01", date_to=before)
        assert _added(first, await pay(busy, date_from=cut, date_to="2024-01-31")) == whole


async def test_places_and_levels_add_up_though_somebody_moved_and_groups_have_the_dates_of_their_people(busy: Office):
    whole = _added(await pay(busy))
    parts = [await pay(busy, **JANUARY, department=name) for name in ("Sewing", "Office")]
    assert {row["department"] for row in parts[1].values()} == {"Office"}
    assert parts[0]["EMP001"]["days"] == 16
    nowhere = {"EMP005": (await pay(busy, **JANUARY, employee="EMP005"))["EMP005"]}
    assert _added(*parts, nowhere) == whole
    assert _added(*[await pay(busy, **JANUARY, level_of_work=level) for level in ("Worker", "Staff")]) == whole
    assert _added(await pay(busy, **JANUARY, site="1")) == whole
    # The row shows where somebody was last.
    assert (await pay(busy))["EMP001"]["department"] == "Office"

    group = (await busy.ask("POST", "groups/", json={"name": "Dayshift"}, expect=201)).json()["id"]
    ids = await busy.ids()
    for code, since, until in (("EMP001", "2024-01-10", "2024-01-20"), ("EMP002", None, "2024-01-05")):
        member = {"employee": ids[code], "since": since, "until": until}
        await busy.ask("POST", f"groups/{group}/members/", json=member, expect=201)
    rows = await pay(busy, **JANUARY, group="Dayshift")
    assert {code: row["days"] for code, row in rows.items()} == {"EMP001": 10, "EMP002": 4}
    part = (await pay(busy, date_from="2024-01-10", date_to="2024-01-19", employee="EMP001"))["EMP001"]
    assert all(rows["EMP001"][amount.name] == part[amount.name] for amount in AMOUNTS)


async def test_overtime_by_the_week_stands_in_records_timesheet_and_explanation(company: Office):
    """Sunday to Thursday, nine hours each without lunch: the last five lie above 40."""
    await set_(company, {"overtime_by": "week", "overtime_week_hours": 40, "week_starts_on": 0})
    await set_(company, {"lunch_break_duration": 0})
    days = [f"2024-01-{number:02}" for number in range(7, 12)]
    for badge in ("1", "4"):
        await company.scan(badge, *[f"{day} {time}" for day in days for time in ("08:00", "17:00")])
    ids = await company.ids()
    thursday = await company.get(f"daily-attendance/20240111-{ids['EMP001']}/")
    assert (thursday["total_working_hours"], thursday["overtime_hours"], thursday["week_overtime_hours"]) == (9, 0, 5)
    assert (await company.get(f"daily-attendance/20240111-{ids['EMP004']}/"))["week_overtime_hours"] == 0  # staff
    listed = await company.get("daily-attendance/", employee="EMP001", date_from=days[0], date_to=days[-1])
    assert {row["date"]: row["week_overtime_hours"] for row in listed if row["week_overtime_hours"]} == {days[-1]: 5}
    sheet = (await company.get("timesheet/", employee="EMP001", **JANUARY))[0]["days"]
    assert {day["date"]: day["weekOvertime"] for day in sheet if day["weekOvertime"]} == {days[-1]: 5}
    explained = await company.get("explain/", employee="EMP001", date=days[-1])
    (figure,) = [one for one in explained["figures"] if one["name"] == "week_overtime"]
    assert (figure["value"], figure["settings"]) == (5, {"overtime_week_hours": 40.0, "week_starts_on": 0})
    assert any(
        one.startswith("week_overtime 5.0: 45 h 00 min were worked from 2024-01-07, the first date of the week")
        for one in explained["sentences"]
    )
    rows = await pay(company)
    told = ("regular_minutes", "week_overtime_minutes", "worked_minutes")
    assert [rows["EMP001"][name] for name in told] == [40 * 60, 5 * 60, 45 * 60]
    assert [rows["EMP004"][name] for name in told] == [45 * 60, 0, 45 * 60]
    # A later day of the week takes nothing from it, an earlier one pushes it over.
    await company.scan("1", "2024-01-12 08:00", "2024-01-12 10:00")
    row = (await pay(company))["EMP001"]
    assert (row["week_overtime_minutes"], row["weekend_minutes"], row["weekend_overtime_minutes"]) == (300, 0, 120)


async def test_adjustments_of_earlier_months_are_amounts_of_their_own(company: Office):
    await company.scan("1", "2024-01-14 08:00", "2024-01-14 17:00")
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    await company.settle()
    await company.ask("POST", "locks/", json={"month": "2024-01"}, expect=201)
    january = await pay(company)
    assert january["EMP001"]["is_locked"]
    await company.scan("1", "2024-01-14 19:30")
    await company.scan("2", "2024-01-14 08:00", "2024-01-14 16:00")
    ids = await company.ids()
    last = {"left_on": "2024-01-31"}
    await company.ask("PATCH", f"employees/{ids['EMP002']}/", json=last)
    await company.settle()
    assert await pay(company) == january
    rows = await pay(company, month="2024-02")
    told = {
        code: {name: row[name] for name in row if name.startswith("adjustment") and row[name]}
        for code, row in rows.items()
    }
    assert told == {
        "EMP001": {
            "adjustments": 1,
            "adjustment_worked_minutes": 150,
            "adjustment_overtime_minutes": 120,
            "adjustment_extra_overtime_minutes": 30,
        },
        # Who has left by then is paid all the same.
        "EMP002": {
            "adjustments": 1,
            "adjustment_present_days": 1,
            "adjustment_absent_days": -1,
            "adjustment_worked_minutes": 420,
            "adjustment_regular_minutes": 420,
            "adjustment_early_departure_minutes": 60,
            "adjustment_shortfall_minutes": -420,
        },
        **{code: {} for code in ("EMP003", "EMP004", "EMP005")},
    }
    assert (rows["EMP002"]["days"], rows["EMP001"]["locked_days"], rows["EMP001"]["is_locked"]) == (0, 0, False)
    half = await pay(company, date_from="2024-02-02", date_to="2024-02-29")
    assert half["EMP001"]["adjustments"] == 0
    assert (await pay(company, month="2024-02", department="Office"))["EMP004"]["adjustments"] == 0
    assert (await pay(company, by="head", month="2024-02")).keys() == {"EMP001", "EMP002", "EMP003", "EMP004"}


async def test_leave_that_was_approved_after_the_lock_is_an_amount_of_its_own(company: Office):
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], "2024-01-09", number=1, type_="sick"))
    await company.ask("POST", "locks/", json={"month": "2024-01"}, expect=201)
    await hear(
        company,
        leave(ids["EMP001"], "2024-01-09", "2024-01-10", number=1, type_="without_pay", n=2),
        leave(ids["EMP002"], "2024-01-09", number=2),
    )
    names = ("adjustments", "adjustment_absent_days", "adjustment_leave_days", "adjustment_leave_without_pay_days")
    rows = await pay(company, month="2024-02")
    assert [rows["EMP001"][name] for name in names] == [2, -1, 1, 2]
    assert [rows["EMP002"][name] for name in names] == [1, -1, 1, 0]
    codes = {
        "adjustment-leave-withoutpay": {"code": "9", "unit": "days"},
        "adjustment-leave-*": {"code": "8", "unit": "days"},
        "leave-*": {"code": "7", "unit": "days"},
    }
    await company.ask("PUT", "pay-codes/", json=codes, params=ALWAYS)
    coded = await company.get("payroll/", month="2024-02", layout="codes")
    assert [(row["employee_id"], row["code"], row["quantity"]) for row in coded["rows"]] == [
        ("EMP001", "8", -1.0),
        ("EMP001", "9", 2.0),
        ("EMP002", "8", 1.0),
    ]


async def test_half_a_day_of_leave_is_told_whether_somebody_came_or_not(company: Office):
    ids = await company.ids()
    await hear(company, leave(ids["EMP001"], "2024-01-09 morning", "2024-01-10 afternoon", "2024-01-11"))
    await company.scan("1", "2024-01-09 14:00", "2024-01-09 17:30")
    row = (await pay(company))["EMP001"]
    assert (row["half_leave_days"], row["leave_days"], row["present_days"]) == (2, 2, 1)


async def test_files_have_the_same_rows_and_no_formulas(company: Office):
    evil = '=cmd|" /C calc"!A1'
    ids = await company.ids()
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"name": evil, "designation": "+1+1"})
    await company.scan("1", "2024-01-14 08:00", "2024-01-14 20:00")
    rows = list((await pay(company)).values())
    answer = await company.ask("GET", "payroll/", params={**JANUARY, "format": "csv"})
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert 'filename="payroll-v1-2024-01-01-2024-01-31.csv"' in answer.headers["content-disposition"]
    lines = list(csv.reader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert tuple(lines[0]) == COLUMNS == tuple(rows[0])
    assert lines[1][lines[0].index("employee_name")] == f"'{evil}"
    assert not any(cell[:1] in ("=", "+", "@") for line in lines for cell in line)
    assert [float(line[lines[0].index("worked_hours")]) for line in lines[1:]] == [row["worked_hours"] for row in rows]
    answer = await company.ask("GET", "payroll/", params={**JANUARY, "format": "xlsx"})
    sheet = openpyxl.load_workbook(io.BytesIO(answer.content))["Payroll"]
    cells = list(sheet.iter_rows())
    assert tuple(cell.value for cell in cells[0]) == COLUMNS
    assert {cell.data_type for row in cells for cell in row} == {"s", "n", "b"}
    name = cells[1][COLUMNS.index("employee_name")]
    assert (name.value, name.data_type) == (evil, "s")
    assert [row[COLUMNS.index("worked_minutes")].value for row in cells[1:]] == [row["worked_minutes"] for row in rows]


CODES = {
    "regular": {"code": "100", "unit": "hours"},
    "overtime": {"code": "150", "unit": "hours", "factor": "1.5"},
    "extra_overtime": {"code": "150", "unit": "hours", "factor": 2},
    "weekend": {"code": "200", "unit": "hours"},
    "weekend_overtime": {"code": "200", "unit": "hours"},
    "absent": {"code": "ABS", "unit": "days"},
    "snacks": {"code": "SN"},
    **dict.fromkeys(("present", "late", "early_departure", "shortfall")),
}


async def coded(office: Office, **parameters: Any) -> tuple[dict[tuple[str, str], tuple[float, str, int]], Any]:
    found = await office.get("payroll/", layout="codes", **(parameters or JANUARY))
    rows = {
        (row["employee_id"], row["code"]): (row["quantity"], row["unit"], row["amount"])
        for row in found["rows"]
        if row["code"] != "ABS"
    }
    return rows, found["unmapped"]


async def test_amounts_go_to_payroll_by_the_codes_of_the_site(company: Office):
    # Sunday to 20:00: eight hours, two of overtime, one extra. Friday: from 08:00 to 18:00, one of overtime.
    await company.scan("1", "2024-01-07 08:00", "2024-01-07 20:00", "2024-01-12 08:00", "2024-01-12 18:00")
    await set_(company, {"weekend_multiplier": 1.25})
    await company.ask("PUT", "pay-codes/", json=CODES, params=ALWAYS)
    rows, unmapped = await coded(company)
    assert rows == {
        ("EMP001", "100"): (8.0, "hours", 480),
        ("EMP001", "150"): (5.0, "hours", 180),
        ("EMP001", "200"): (11.25, "hours", 540),
        ("EMP001", "SN"): (1.0, "count", 1),
    }
    assert unmapped == []
    # From the 10th on there are other codes, and from the 12th another multiplier.
    later = {**CODES, "regular": {"code": "101", "unit": "minutes", "factor": "0.3333"}, "snacks": None}
    del later["weekend"]
    await company.ask("PUT", "pay-codes/", json=later, params={"effective_from": "2024-01-10"})
    await set_(company, {"weekend_multiplier": 2}, effective_from="2024-01-12")
    await company.scan("1", "2024-01-10 08:00", "2024-01-10 09:00")
    rows, unmapped = await coded(company)
    assert rows == {
        ("EMP001", "100"): (8.0, "hours", 480),
        ("EMP001", "101"): (19.998, "minutes", 60),
        ("EMP001", "150"): (5.0, "hours", 180),
        ("EMP001", "200"): (2.0, "hours", 60),
        ("EMP001", "SN"): (1.0, "count", 1),
    }
    assert unmapped == [{"kind": "weekend", "unit": "minutes", "amount": 480, "employees": 1}]
    answer = await company.ask("GET", "payroll/", params={**JANUARY, "layout": "codes", "format": "csv"})
    lines = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    told = ("code", "quantity", "unit", "kinds")
    assert {tuple(line[name] for name in told) for line in lines if line["kinds"] != "absent"} == {
        ("100", "8.0", "hours", "regular"),
        ("101", "19.998", "minutes", "regular"),
        ("150", "5.0", "hours", "overtime extra_overtime"),
        ("200", "2.0", "hours", "weekend_overtime"),
        ("SN", "1.0", "count", "snacks"),
        ("", "480", "minutes", "weekend"),
    }  # fmt: skip


async def test_pay_codes_are_read_as_they_were_put_with_who_said_so(company: Office):
    assert (await company.get("pay-codes/"))["codes"] == {}
    await company.ask("PUT", "pay-codes/", json=CODES, params={"effective_from": "2024-01-10"})
    found = await company.get("pay-codes/", date="2024-01-10")
    assert found["codes"]["overtime"] == {"code": "150", "unit": "hours", "factor": "1.5"}
    assert found["codes"]["snacks"] == {"code": "SN", "unit": "count", "factor": None}
    assert found["codes"]["late"] is None
    assert (found["valid_from"], found["valid_until"], found["changed_by_name"]) == ("2024-01-10", None, "hr")
    assert (await company.get("pay-codes/", date="2024-01-09"))["codes"] == {}
    sent_back = await company.ask("PUT", "pay-codes/", json=found["codes"], params={"effective_from": "2024-01-12"})
    assert sent_back.json()["codes"] == found["codes"]
    await company.ask("PUT", "pay-codes/", json={}, params=ALWAYS)
    assert (await company.get("pay-codes/", date="2024-01-12"))["codes"] == {}


async def test_pay_codes_that_cannot_be_are_named_and_change_nothing(company: Office):
    body = {"late": {"code": "3", "factor": "a lot"}}
    answer = await company.ask("PUT", "pay-codes/", json=body, expect=422)
    assert [one["pointer"].removeprefix("#").removeprefix("/") for one in answer.json()["errors"]] == ["late/factor"]
    assert (await company.get("pay-codes/"))["codes"] == {}
    await company.ask("PUT", "pay-codes/", json=CODES, params={"site": "Moon"}, expect=400)


async def test_what_payroll_cannot_read_is_named(company: Office):
    cases: list[tuple[dict[str, str], str]] = [
        ({}, "month"),
        ({"month": "13"}, "year"),
        ({"date_from": "2024-01-01"}, "date_to"),
        ({"date_to": "2024-01-01"}, "date_from"),
        ({"date_from": "2024-01-02", "date_to": "2024-01-01"}, "date_to"),
        ({"date_from": "2024-01-01", "date_to": "2025-01-01"}, "date_to"),
        ({"month": "2024-01", "date_from": "2024-01-01"}, "month"),
        ({**JANUARY, "format": "pdf"}, "format"),
        ({**JANUARY, "layout": "wide"}, "layout"),
        ({**JANUARY, "department": "Sewing", "unit": "Hems"}, "unit"),
        ({**JANUARY, "site": "Moon"}, "site"),
        ({**JANUARY, "group": "Nobody"}, "group"),
        ({**JANUARY, "employe": "EMP001"}, "employe"),
    ]
    for parameters, named in cases:
        assert named in await company.refused("payroll/", 400, **parameters)


async def test_hr_see_everybody_and_heads_their_units(company: Office):
    await company.scan("1", "2024-01-14 08:00", "2024-01-14 17:00")
    assert (await pay(company, by="admin")).keys() == {f"EMP00{number}" for number in range(1, 6)}
    # The head leads Sewing with Hems, and belongs to the office.
    assert (await pay(company, by="head")).keys() == {"EMP001", "EMP002", "EMP003", "EMP004"}
    assert (await pay(company, by="head", **JANUARY, department="Office")).keys() == {"EMP004"}
