"""Payroll in answers and files. Columns are a contract: new ones go to the end (docs/payroll.md)."""

import asyncio
from collections.abc import Iterator, Sequence
from datetime import date
from typing import Any, Final

from services.attendance.api.table_files import Cell, Table
from services.attendance.application.days import AT_A_STRETCH
from services.attendance.application.pay_codes import PayCodesInForce
from services.attendance.application.payroll import Coded, PersonPay
from services.attendance.application.payroll_ports import Period
from services.attendance.domain.pay_codes import pay_code_values, rounded
from services.attendance.domain.payroll import AMOUNTS, VERSION, Amounts, with_hours

Json = dict[str, Any]

PLACE: Final = {
    "version": "of these columns: 1",
    "employee_id": "the company's own code",
    "employee_name": "as it is now",
    "department": "where the person was last in the period, as the next three",
    "designation": "empty where nobody said one",
    "level_of_work": "Worker, Staff or the company's own",
    "site": "a site's id; empty for who belongs to none, whose days go by the first site",
    "date_from": "the first date of the period",
    "date_to": "the last date of it",
    "is_locked": "true where every day is of a locked month, so that nothing changes any more",
}
"""Columns that say whose row it is."""

COLUMNS: Final = (*PLACE, *with_hours(dict.fromkeys((amount.name for amount in AMOUNTS), 0)))

CODED: Final = {
    "version": "of these columns",
    "employee_id": "the company's code",
    "employee_name": "",
    "code": "the site's own; empty where nobody said one",
    "quantity": "the amount times its factor, in the unit; four decimals",
    "unit": "hours, minutes, days or count",
    "amount": "minutes, days or times, before any factor",
    "kinds": "what the amount is made of",
}


async def rows_answer(period: Period, rows: Sequence[PersonPay]) -> Json:
    """A row a person, and the totals of all."""
    total = Amounts()
    shown = []
    for number, row in enumerate(rows, 1):
        total.add(row.amounts)
        shown.append(_row(period, row))
        if number % AT_A_STRETCH == 0:
            await asyncio.sleep(0)
    return {**_head(period), "rows": shown, "totals": with_hours(total.all())}


def rows_table(period: Period, rows: Sequence[PersonPay]) -> Table:
    """The same as a file has it."""

    def cells() -> Iterator[Sequence[Cell]]:
        for row in rows:
            yield list(_row(period, row).values())

    words = {**PLACE, **dict.fromkeys(COLUMNS, "hours"), **PLACE, **{one.name: one.words for one in AMOUNTS}}
    return Table("Payroll", {name: words[name] for name in COLUMNS}, cells())


def coded_answer(period: Period, coded: Coded) -> Json:
    """A row a person and code; and what has none."""
    lines = [
        {
            "employee_id": line.place.code,
            "employee_name": line.place.name,
            "code": line.code,
            "quantity": rounded(line.quantity),
            "unit": line.unit,
            "amount": line.amount,
            "kinds": line.kinds,
        }
        for line in coded.lines
    ]
    unmapped: dict[str, Json] = {}
    for one in coded.unmapped:
        kind = unmapped.setdefault(one.kind, {"kind": one.kind, "unit": one.unit, "amount": 0, "employees": 0})
        kind["amount"] += one.amount
        kind["employees"] += 1
    return {**_head(period), "layout": "codes", "rows": lines, "unmapped": list(unmapped.values())}


def coded_table(coded: Coded) -> Table:
    """The same as a file has it: what has no code has a row without one."""

    def cells() -> Iterator[Sequence[Cell]]:
        for line in coded.lines:
            who, kinds = line.place, " ".join(line.kinds)
            quantity = rounded(line.quantity)
            yield [VERSION, who.code, who.name, line.code, quantity, line.unit, line.amount, kinds]
        for one in coded.unmapped:
            yield [VERSION, one.place.code, one.place.name, None, one.amount, one.unit, one.amount, one.kind]

    return Table("Pay codes", CODED, cells())


def pay_codes(found: PayCodesInForce) -> Json:
    """The pay codes of a site, and who said so."""
    codes = found.codes
    return {
        "site": found.site_id,
        "site_name": found.site,
        "valid_from": found.since,
        "valid_until": found.until,
        "changed_by": None if codes is None else codes.by,
        "changed_by_name": None if codes is None else codes.by_name,
        "changed_at": None if codes is None else codes.at,
        "codes": {} if codes is None else pay_code_values(codes.codes),
    }


def _head(period: Period) -> Json:
    return {"version": VERSION, "date_from": period.first, "date_to": period.last}


def _row(period: Period, row: PersonPay) -> dict[str, Cell]:
    place, amounts = row.place, row.amounts.all()
    first: date = period.first
    return {
        "version": VERSION,
        "employee_id": place.code,
        "employee_name": place.name,
        "department": place.department,
        "designation": place.designation,
        "level_of_work": place.level_of_work,
        "site": place.site_id,
        "date_from": first,
        "date_to": period.last,
        "is_locked": amounts["days"] == amounts["locked_days"] > 0,
        **with_hours(amounts),
    }
