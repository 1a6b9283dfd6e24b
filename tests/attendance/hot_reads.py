"""What people and pages ask attendance for again and again, and what its workers ask PostgreSQL for with each batch."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from services.attendance.storage.rules import ask_recompute, change_rules
from shared.web.scope import Caller
from tests.attendance.api.office import Office, scan_of

LARGE = frozenset({"scans", "days", "releases", "corrections", "changes", "adjustments", "outbox", "inbox", "answers"})
"""Tables that grow for ever."""
DAYS = "daily-attendance/"


@dataclass(frozen=True, slots=True, kw_only=True)
class Use:
    """Something that is done often, and of how many months it reads scans and days; None: there is no bound."""

    name: str
    do: Callable[[Office], Awaitable[object]]
    months: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Somebody and a date in what was made in bulk: the last on which people worked."""

    last: date
    person: int = 17

    def moment(self, clock: str, days_before: int = 0) -> str:
        """As `scan_of` takes it."""
        return datetime.combine(self.last - timedelta(days=days_before), time.fromisoformat(clock)).isoformat(" ")


def reads(place: Place) -> list[Use]:
    """The reads of the API, by everybody's filters and orders, and by those who see only some people."""
    on, month, code = place.last.isoformat(), f"{place.last:%Y-%m}", f"EMP{place.person:05}"
    day = f"{DAYS}{place.last:%Y%m%d}-{place.person}/"
    month_ago = (place.last - timedelta(days=30)).isoformat()
    before = (place.last - timedelta(days=59)).isoformat()
    of_a_month, of_two = {"date_from": month_ago, "date_to": on}, {"date_from": before, "date_to": on}
    asked: list[tuple[str, str, dict[str, str], int | None]] = [
        ("summary", f"{DAYS}summary/", {"date": on}, 1),
        ("summary of one", f"{DAYS}summary/", {"date": on, "employee": code}, 1),
        ("summary of a department", f"{DAYS}summary/", {"date": on, "department": "Line 3"}, 1),
        ("summary of a group", f"{DAYS}summary/", {"date": on, "group": "Choir"}, 1),
        ("summary by level", f"{DAYS}summary/", {"date": on, "level_of_work": "Staff"}, 1),
        ("summary by search", f"{DAYS}summary/", {"date": on, "search": "person 17"}, 1),
        ("timesheet", "timesheet/", {"month": month}, 1),
        ("timesheet of one", "timesheet/", {"month": month, "employee": code}, 1),
        ("timesheet of a department", "timesheet/", {"month": month, "department": "Line 3"}, 1),
        ("timesheet of a group", "timesheet/", {"month": month, "group": "Choir"}, 1),
        ("days of a date", DAYS, {"date": on}, 1),
        ("days of a month", DAYS, of_a_month, 2),
        ("days of a month, one person", DAYS, {**of_a_month, "employee": code}, 2),
        ("days of a month, absent", DAYS, {**of_a_month, "status": "Absent"}, 2),
        ("days of a month, by hours", DAYS, {**of_a_month, "ordering": "-total_working_hours"}, 2),
        ("days of two months", DAYS, of_two, 3),
        ("days of two months, a department", DAYS, {**of_two, "department": "Line 3"}, 3),
        ("days of two months, by status", DAYS, {**of_two, "ordering": "status"}, 3),
        ("days, newest first", DAYS, {}, None),
        ("days, page 3", DAYS, {"page": "3"}, None),
        ("days of one", DAYS, {"employee": code}, None),
        ("days of a status", DAYS, {"status": "Present-Late"}, None),
        ("one day", day, {}, 1),
        ("explain", f"{day}explain/", {}, 2),
        ("explain by code", "explain/", {"employee": code, "date": on}, 2),
        ("history", f"{day}history/", {}, 2),
        ("statistics", "statistics/", {"date": on}, 1),
        ("statistics of a department", "statistics/", {"date": on, "department": "Line 3"}, 1),
        ("scans, newest first", "scans/", {}, None),
        ("scans of a date", "scans/", {"date": on}, 1),
        ("scans of one", "scans/", {"employee": code}, None),
        ("scans of one on a date", "scans/", {"employee": code, "date": on}, 1),
        ("scans of a badge", "scans/", {"badge": str(place.person)}, None),
        ("scans of a machine", "scans/", {"machine": "gate-3"}, None),
        ("scans to be looked at", "scans/", {"quarantined": "true"}, None),
        ("scans of a quality", "scans/", {"quality": "future"}, None),
        ("scans of nobody", "scans/", {"unknown": "true"}, None),
        ("scans by search", "scans/", {"search": code}, None),
        ("unknown badges", "unknown-badges/", {}, 0),
        ("presence", "presence/", {}, 2),
        ("presence of a department", "presence/", {"department": "Line 3"}, 2),
        ("muster list", "presence/muster/", {"format": "csv"}, 2),
        ("corrections", "corrections/", {}, 0),
        ("corrections to be decided", "corrections/", {"state": "requested"}, 0),
        ("corrections of one", "corrections/", {"employee": code}, 0),
        ("corrections of dates", "corrections/", {**of_a_month, "ordering": "-date"}, 0),
        ("adjustments", "adjustments/", {}, 0),
        ("adjustments of a period", "adjustments/", {"period": month}, 0),
        ("adjustments of one", "adjustments/", {"employee": code}, 0),
        ("adjustments of dates", "adjustments/", of_a_month, 0),
        ("locks", "locks/", {}, 0),
        ("employees", "employees/", {}, 0),
        ("system status", "system-status/", {}, 0),
    ]
    by_a_head = {
        "summary",
        "timesheet",
        "days of a date",
        "days of a month",
        "scans of a date",
        "corrections",
        "presence",
    }
    by_an_employee = {
        *("summary", "timesheet", "days of a month", "days, newest first", "one day", "explain", "history"),
        *("scans, newest first", "corrections", "adjustments", "presence"),
    }
    return [
        Use(name=name if who == "hr" else f"{name}, by {who}", do=_get(path, who, parameters), months=months)
        for who, names in (("hr", None), ("head", by_a_head), ("employee", by_an_employee))
        for name, path, parameters, months in asked
        if names is None or name in names
    ]


def works(place: Place) -> list[Use]:
    """What workers do, and what people change."""
    person, badge = place.person, str(place.person)
    day = f"{DAYS}{place.last:%Y%m%d}-{person}/"
    batch = [scan_of(str(one), place.moment("17:03:09")) for one in range(person, person + 40)]
    strangers = [scan_of(f"S{one}", place.moment("08:01")) for one in range(3)]
    late = [scan_of(badge, place.moment("19:40", days_before=40))]
    ahead = scan_of("999999", place.moment("11:11"), quality="future")

    async def computed_again(office: Office) -> None:
        async with office.database.fast() as pg:
            await change_rules(pg)
            since = place.last - timedelta(days=30)
            await ask_recompute(pg, reason="a shift was changed", person_id=person, since=since, until=place.last)
        await office.settle()

    async def linked(office: Office) -> None:
        await office.ask("POST", "unknown-badges/S1/link/", json={"employee": person})
        await office.settle()

    async def edited(office: Office) -> None:
        await office.ask("PUT", day, json={"last_check_out": "18:10", "reason": "stayed"})

    async def undone(office: Office) -> None:
        await office.ask("DELETE", day, expect=204)

    async def released(office: Office) -> None:
        await office.record([ahead])
        body = {"reason": "the clock was wrong", "local_time": place.moment("18:20").replace(" ", "T")}
        await office.ask("POST", f"scans/{ahead.scan_id}/release/", json=body)

    return [
        Use(name="a batch of scans", do=lambda office: office.record(batch), months=2),
        Use(name="the same batch again", do=lambda office: office.record(batch), months=2),
        Use(name="scans of strangers", do=lambda office: office.record(strangers), months=2),
        Use(name="a scan of 40 days ago", do=lambda office: office.record(late), months=2),
        Use(name="a month of one computed again", do=computed_again, months=4),
        Use(name="a badge is linked", do=linked, months=None),
        Use(name="a day is edited", do=edited, months=2),
        Use(name="the edit is undone", do=undone, months=2),
        Use(name="a scan is released", do=released, months=None),
    ]


def callers(unit: int, person: int) -> dict[str, Caller]:
    """Those who see only some people, beside the office's own."""
    head = Caller(user=11, username="head", roles=frozenset({"department_head"}), person=person + 1, units=(unit,))
    return {
        "head": head,
        "employee": Caller(user=12, username="employee", roles=frozenset({"employee"}), person=person),
    }


def _get(path: str, who: str, parameters: dict[str, str]) -> Callable[[Office], Awaitable[object]]:
    return lambda office: office.ask("GET", path, by=who, params=parameters)
