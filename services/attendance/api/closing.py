"""The close of days: how far the dates of each site are closed, and what an open one waits for."""

from datetime import date, datetime
from typing import Annotated, TypedDict

from fastapi import APIRouter, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field

from services.attendance.api.parameters import date_of, known, read_date
from services.attendance.application.closing import STATES, Closing, SiteDate
from shared.kernel.errors import NotFound
from shared.web.callers import HR
from shared.web.lists import described, json_response

CLOSING = {"date": "such as 2024-01-15; for each site the date that it closes next, unless one is named"}


class BeginsBody(BaseModel):
    """The first date that is to be closed."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    begins: Annotated[str, Field(max_length=20, description="such as 2024-01-15")]


class MachineShape(TypedDict):
    """A machine that a date waits for."""

    machine_id: str
    name: str
    reported_until: datetime | None


class ClosingShape(TypedDict):
    """A date of a site in an answer."""

    site: int
    name: str
    timezone: str
    date: date
    state: str
    why: str
    closed_at: datetime | None
    final_at_latest: datetime | None
    waits_for: list[MachineShape]
    people: int
    without_scans: int
    not_stored: int
    counts: dict[str, int]
    begins: date | None
    closes_next: date | None


def router(closing: Closing) -> APIRouter:
    """The routes of the close of days."""
    routes = APIRouter(prefix="/api/attendance", tags=["closing"])

    @routes.get(
        "/closing/",
        summary="Whether a date is closed at each site, who was there, and what it waits for",
        openapi_extra=described(CLOSING, rows=ClosingShape),
    )
    async def closings(request: Request, _: HR) -> Response:
        known(request, *CLOSING)
        return json_response([_shown(each) for each in await closing.at(date_of(request, "date"))])

    @routes.put(
        "/closing/{site_id}/",
        summary="Close the dates of a site from an earlier one on",
        description=(
            "Closing begins with the date on which a site was first there. Who imports the log of a longer past may let"
            " it begin earlier, at most two years ago: everybody employed then gets a day for each date, and their"
            " absences are told to reports and others."
        ),
    )
    async def begin(site_id: str, body: BeginsBody, request: Request, who: HR) -> Response:
        known(request)
        if not (site_id.isascii() and site_id.isdigit() and len(site_id) <= 9):
            raise NotFound(f"there is no site {site_id[:40]!r}: a site's id is a number")
        begins = read_date(body.begins, "begins")
        return json_response(_shown(await closing.begin_earlier(int(site_id), begins, who)))

    return routes


def _shown(each: SiteDate) -> ClosingShape:
    return {
        "site": each.site_id,
        "name": each.name,
        "timezone": each.zone,
        "date": each.date,
        "state": each.state,
        "why": f"{each.date.isoformat()} {STATES[each.state]}",
        "closed_at": each.closed_at,
        "final_at_latest": each.final_at_latest,
        "waits_for": [
            {"machine_id": machine.code, "name": machine.name, "reported_until": machine.reported_until}
            for machine in each.waits_for
        ],
        "people": each.counts.people,
        "without_scans": each.counts.unseen,
        "not_stored": each.counts.people - sum(each.counts.statuses.values()),
        "counts": dict(each.counts.statuses),
        "begins": each.begins,
        "closes_next": each.closes_next,
    }
