"""Runs and what they found, as answers and as CSV."""

import csv
import io
from collections.abc import AsyncIterator, Mapping
from datetime import date, datetime
from typing import Any, Final, TypedDict
from uuid import UUID

from fastapi import Request
from fastapi.responses import Response, StreamingResponse

from services.attendance.api.day_shapes import day_id
from services.attendance.api.parameters import choice_of
from services.attendance.application.difference import SHOWN
from services.attendance.application.recomputing import Recomputing
from services.attendance.application.run_ports import ChangeFacts
from services.attendance.application.runs import Run
from shared.files.cells import as_text
from shared.web.lists import Window, json_response

FIRST_CHANGES: Final = 100
"""That the answer of what was done at once begins with."""
AT_A_TIME: Final = 500
"""Rows of CSV that are sent together."""
COLUMNS: Final = ("employee_id", "employee_name", "department", "date", "locked", "why")

DRY_RUN: Final = {
    "dry_run": "`true` for what the change would do to days up to today, those on which nobody was seen included, "
    "without making it"
}
_NO_DAYS: Final = (
    "no day was looked at: only dates up to today can be, on which somebody whom it touches was employed; "
    "what a change does to later dates shows once they have come"
)


def dry_run_of(request: Request) -> bool:
    """Whether only a look is wanted."""
    return choice_of(request, "dry_run", ("true", "false")) == "true"


class RunShape(TypedDict):
    """A run in an answer. `employees` says how many people it is about, `totals` what it found, where it only looks."""

    id: UUID
    kind: str
    state: str
    selection: Mapping[str, Any]
    draft: Mapping[str, Any] | None
    date_from: date
    date_to: date
    reason: str | None
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    employees: int
    employees_done: int
    days_looked_at: int
    days_changed: int
    totals: Mapping[str, Any] | None
    rules_changed: bool
    problem: str | None
    note: str | None
    of_run: UUID | None
    real_run: UUID | None


class ChangeShape(TypedDict):
    """A day that would come out otherwise; `before` and `after` hold what differs, in minutes and local times."""

    day: str
    employee: int
    employee_id: str
    employee_name: str
    department: str | None
    date: date
    before: Mapping[str, Any] | None
    after: Mapping[str, Any]
    why: str
    locked: bool


def run_shape(run: Run) -> RunShape:
    """The run as it stands."""
    return {
        "id": run.id,
        "kind": run.kind,
        "state": run.state,
        "selection": run.selection,
        "draft": run.draft,
        "date_from": run.since,
        "date_to": run.until,
        "reason": run.reason,
        "asked_by": run.asked_by,
        "asked_by_name": run.asked_by_name,
        "asked_at": run.asked_at,
        "started_at": run.started_at,
        "finished_at": run.finished_at,
        "employees": run.people,
        "employees_done": run.people_done,
        "days_looked_at": run.days_looked_at,
        "days_changed": run.days_changed,
        "totals": run.totals,
        "rules_changed": run.rules_changed,
        "problem": run.problem,
        "note": _NO_DAYS if run.draft is not None and run.state == "done" and run.days_looked_at == 0 else None,
        "of_run": run.of_run,
        "real_run": run.real_run,
    }


def change_shape(facts: ChangeFacts) -> ChangeShape:
    """A changed day."""
    change = facts.change
    return {
        "day": day_id(change.date, change.person_id),
        "employee": change.person_id,
        "employee_id": facts.code,
        "employee_name": facts.name,
        "department": facts.department,
        "date": change.date,
        "before": change.before,
        "after": change.after,
        "why": change.why,
        "locked": change.locked,
    }


async def looked(recomputing: Recomputing, run: Run, form: str | None) -> Response:
    """A run that only looks: with the first of what it found where it is done, else where it can be followed."""
    where = {"Location": f"/api/attendance/recompute-runs/{run.id}/"}
    if run.state != "done":
        return json_response(run_shape(run), status=202, headers=where)
    if form == "csv":
        return table(recomputing.every_change(run.id), run)
    asked = Window(limit=FIRST_CHANGES, order="date", descending=False)
    found = await recomputing.changes(run.id, asked)
    body = {**run_shape(run), "changes": [change_shape(row) for row in found.rows]}
    return json_response(body, headers=where)


def table(changes: AsyncIterator[ChangeFacts], run: Run) -> Response:
    """All changes as CSV, sent as they are read, with a mark at its beginning by which spreadsheets know UTF-8.

    A cell is empty where that figure does not change.
    """
    name = f"{run.kind.replace('_', '-')}-{run.since}-{run.until}.csv"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    return StreamingResponse(_lines(changes), media_type="text/csv; charset=utf-8", headers=headers)


async def _lines(changes: AsyncIterator[ChangeFacts]) -> AsyncIterator[str]:
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow([*COLUMNS, *(f"{name}_{when}" for name in SHOWN for when in ("before", "after"))])
    waiting = 0
    yield "\ufeff"
    async for facts in changes:
        change = facts.change
        both = (change.before or {}, change.after)
        cells = [facts.code, facts.name, facts.department or "", str(change.date), _text(change.locked), change.why]
        rows.writerow(map(as_text, [*cells, *(_text(values.get(name)) for name in SHOWN for values in both)]))
        waiting += 1
        if waiting == AT_A_TIME:
            yield _taken(out)
            waiting = 0
    yield _taken(out)


def _taken(out: io.StringIO) -> str:
    text = out.getvalue()
    out.seek(0)
    out.truncate()
    return text


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)
