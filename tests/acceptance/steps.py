"""What people do with Muster, in a line each."""

import json
from collections.abc import Iterable
from typing import Any

from tests.acceptance.made_logs import Crew
from tests.acceptance.processes import Result
from tests.acceptance.shapes import Caller, System, until

SCANS = "/api/attendance/scans/"
DAYS = "/api/attendance/daily-attendance/"
SUMMARY = f"{DAYS}summary/"
TIMESHEET = "/api/attendance/timesheet/"
MACHINES = "/api/attendance/machines/"
EMPLOYEES = "/api/attendance/employees/"

Timesheets = dict[str, list[Any]]


def people_come(system: System, csv: bytes) -> Any:
    """`muster people import`, and what it printed."""
    file = system.folder / "people.csv"
    file.write_bytes(csv)
    return printed(system.cli("people", "import", file, "--json"))


def crew_comes(system: System, crew: Crew) -> None:
    """Everybody of the crew is new."""
    done = people_come(system, crew.csv())
    assert (done["created"], done["errors"]) == (crew.size, []), done


def imported(system: System, log: bytes, machine: str, timezone: str) -> Any:
    """`muster import`, and what it printed."""
    file = system.folder / f"{machine}.dat"
    file.write_bytes(log)
    return printed(system.cli("import", file, "--machine", machine, "--timezone", timezone, "--json", within=300))


def printed(result: Result) -> Any:
    """The JSON of a command that is done; 3 says that some lines could not be read."""
    summary = json.loads(result.out)
    unreadable = summary.get("unreadable", 0) if isinstance(summary, dict) else 0
    assert result.code == (3 if unreadable else 0), result
    return summary


def stored(system: System, machine: str, **filters: str) -> int:
    """How many scans of a machine attendance has."""
    return system.admin.count(SCANS, machine=machine, **filters)


def all_are_stored(system: System, machine: str, number: int, *, within: float = 60) -> None:
    """Wait for the last scan of a machine; days are committed together with their scans."""
    until(lambda: stored(system, machine) == number, f"{number} scans of {machine} are stored", within=within)


def timesheets(caller: Caller, months: Iterable[str], **filters: str) -> Timesheets:
    """The timesheet of each month, such as 2025-03."""
    return {month: caller.get(TIMESHEET, month=month, **filters) for month in months}


def of_nobody(sheets: Timesheets, prefix: str) -> Timesheets:
    """Timesheets of a crew without what tells it from another crew."""
    text = json.dumps(sheets)
    for named in (f"Crew {prefix}", f"Person {prefix}", f"E{prefix}"):
        text = text.replace(f'"{named}', '"')
    return {month: sorted(rows, key=lambda row: int(row["employee_id"])) for month, rows in json.loads(text).items()}


def differences(one: list[Any], other: list[Any]) -> list[str]:
    """Where two timesheets of one month differ, a line for each day."""
    ours, theirs = ({row["employee_id"]: row for row in rows} for rows in (one, other))
    found = [f"only in one of them: {code}" for code in sorted(ours.keys() ^ theirs.keys())]
    for code in sorted(ours.keys() & theirs.keys()):
        mine, its = dict(ours[code]), dict(theirs[code])
        pairs = zip(mine.pop("days"), its.pop("days"), strict=True)
        found += [f"{code}: {one_day} is not {other_day}" for one_day, other_day in pairs if one_day != other_day]
        if mine != its:
            found.append(f"{mine} is not {its}")
    return found
