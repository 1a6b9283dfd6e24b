"""Computing days again on demand, trying what would change, and following both."""

from datetime import date
from typing import Annotated, Any
from uuid import UUID

from fastapi import APIRouter, Body, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.attendance.api.correction_bodies import PlausibleDay, Reason
from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import choice_of, known
from services.attendance.api.people_bodies import Filled, Id
from services.attendance.api.run_shapes import ChangeShape, RunShape, change_shape, looked, run_shape, table
from services.attendance.api.schedules import OWNERS, named
from services.attendance.application.drafts import Draft, DraftAssignment, DraftSettings, DraftVersion
from services.attendance.application.people_ports import Once
from services.attendance.application.recomputing import Asked, Recomputing
from services.attendance.application.runs import Run, Selection
from shared.kernel.errors import Invalid, NotFound, sentence
from shared.web.callers import HR
from shared.web.lists import answer, described, json_response, window

LONGEST = 366
"""Dates of a selection."""
KINDS = ("dry_run", "recompute", "sandbox", "preview")
STATES = ("waiting", "running", "done", "cancelled", "failed")
RUNS = {"kind": "one of dry_run, recompute, sandbox, preview", "state": f"one of {', '.join(STATES)}"}
FORMAT = {"format": "csv for all days that would change, where it is done at once"}


class WhoseBody(BaseModel):
    """Whose days: of all that is named, those to whom all of it applies; nothing named is everybody."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employees: list[Id | Filled] | None = Field(
        default=None, min_length=1, max_length=100_000, description="ids, codes"
    )
    department: Id | Filled | None = Field(default=None, description="a department's id or name")
    unit: Id | Filled | None = Field(default=None, description="a unit's id or name")
    group: Id | Filled | None = Field(default=None, description="a group's id or name")
    site: Id | Filled | None = Field(default=None, description="a site's id or name")

    @property
    def selection(self) -> Selection:
        names = ("department", "unit", "group", "site")
        texts = {name: str(value) for name in names if (value := getattr(self, name)) is not None}
        return Selection(employees=self.employees, **texts)


class RecomputeBody(WhoseBody):
    """What is to be computed again, and why."""

    date_from: PlausibleDay
    date_to: PlausibleDay = Field(description="the last date")
    reason: Reason | None = Field(default=None, description="why; needed where days are to change")
    dry_run: bool = Field(default=True, description="only say what would change")

    @model_validator(mode="after")
    def _possible(self) -> "RecomputeBody":
        _in_order(self.date_from, self.date_to)
        if not self.dry_run and self.reason is None:
            raise ValueError("say the reason for which days are to be computed again")
        return self


class RunBody(BaseModel):
    """Why; the dry run's own reason, unless another is given."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    reason: Reason | None = None


class OwnerBody(BaseModel):
    """Whom it is about: one of these."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employee: Id | Filled | None = None
    department: Id | Filled | None = None
    unit: Id | Filled | None = None
    site: Id | Filled | None = None

    @property
    def owner(self) -> tuple[str, str] | None:
        names = [name for name in OWNERS if name in type(self).model_fields]
        given = [(name, str(value)) for name in names if (value := getattr(self, name)) is not None]
        if len(given) > 1:
            raise Invalid(f"say whom it is about: one of {sentence(names)}")
        return given[0] if given else None


class SettingsDraft(OwnerBody):
    """Settings of somebody: of the main site, where nobody is named."""

    values: dict[str, Any] = Field(min_length=1, description="as for PUT settings/")


class AssignmentDraft(OwnerBody):
    """Who goes by a schedule: an id or a name, or null for none."""

    group: Id | Filled | None = None
    schedule: Id | Filled | None = None


class SandboxBody(WhoseBody):
    """A draft, and whose days it is tried on: of whom it touches, unless somebody is selected; of last month.

    All of it holds from `date_from` on. A shift or schedule of a name that there is, stands for its change.
    """

    date_from: PlausibleDay | None = None
    date_to: PlausibleDay | None = None
    settings: SettingsDraft | None = None
    shift: dict[str, Any] | None = Field(default=None, description="as for POST shifts/")
    schedule: dict[str, Any] | None = Field(default=None, description="as for POST schedules/")
    assign: AssignmentDraft | None = None

    @model_validator(mode="after")
    def _possible(self) -> "SandboxBody":
        if (self.date_from is None) != (self.date_to is None):
            raise ValueError("say date_from and date_to, or neither for last month")
        if self.date_from is not None and self.date_to is not None:
            _in_order(self.date_from, self.date_to)
        if not (self.settings or self.shift or self.schedule or self.assign):
            raise ValueError("say what is tried: settings, a shift, a schedule or assign")
        return self

    def draft(self, since: date) -> Draft:
        """What is tried, from a date on.

        Raises:
            Invalid: it cannot be read.
        """
        span = (since, None)
        assigned, settings, owner = None, None, None
        if self.assign is not None:
            if (owner := self.assign.owner) is None:
                raise Invalid(f"assign: say whom it is about: one of {sentence(OWNERS)}")
            wanted = self.assign.schedule
            if wanted is None and self.schedule is not None:
                wanted = named(self.schedule, "name")[0]
            assigned = DraftAssignment(schedule=wanted, kind=owner[0], text=owner[1], span=span)
        if self.settings is not None:
            kind, text = self.settings.owner or ("site", None)
            settings = DraftSettings(kind=kind, text=text, values=self.settings.values, span=span)
        return Draft(
            shift=_version(self.shift, "code", span),
            schedule=_version(self.schedule, "name", span),
            assign=assigned,
            settings=settings,
        )


SandboxExample = Annotated[
    SandboxBody,
    Body(
        openapi_examples={
            "settings": {"value": {"settings": {"department": "Sewing", "values": {"late_entry_time": "08:15"}}}},
            "shift": {
                "value": {
                    "date_from": "2026-01-01",
                    "date_to": "2026-01-31",
                    "shift": {"code": "D2", "name": "Day", "parts": [{"start": "08:30", "end": "17:00"}]},
                    "schedule": {"name": "Later", "shift": "D2"},
                    "assign": {"department": "Sewing"},
                }
            },
        }
    ),
]


def router(recomputing: Recomputing) -> APIRouter:
    """The routes of runs."""
    routes = APIRouter(prefix="/api/attendance", tags=["recompute"])

    @routes.post(
        "/recompute/",
        summary="Say what would change if days were computed again, or let them be",
        description="A dry run that is little is answered at once, with the first days that would change; a larger one "
        "is answered with 202 and followed under `recompute-runs/`, as is whatever changes days.",
        openapi_extra=described(FORMAT),
    )
    async def recompute(body: RecomputeBody, request: Request, who: HR) -> Response:
        form = _form(request)
        asked = Asked(body.selection, body.date_from, body.date_to, body.reason)
        if body.dry_run:
            return await looked(recomputing, await recomputing.dry_run(asked, who), form)
        once: Once[Run] = Once(await key_from(request, who), lambda run: answered(run_shape(run), 202))
        return sent(await recomputing.recompute(asked, who, once))

    @routes.post(
        "/sandbox/",
        summary="Try settings, a shift, a schedule or whose it is on days that were, without changing anything",
        description="What the change itself would be refused for, this is refused for. Answered as a dry run is. "
        "Days up to today on which somebody was not seen count, too: they are worked out by both rules.",
        openapi_extra=described(FORMAT),
    )
    async def sandbox(body: SandboxExample, request: Request, who: HR) -> Response:
        form = _form(request)
        since, until = body.date_from, body.date_to
        if since is None or until is None:
            since, until = await recomputing.last_month()
        run = await recomputing.sandbox(Asked(body.selection, since, until), body.draft(since), who)
        return await looked(recomputing, run, form)

    @routes.get(
        "/recompute-runs/",
        summary="Runs: what is or was computed again, or tried",
        openapi_extra=described(RUNS, a_list=True, rows=RunShape),
    )
    async def listed(request: Request, _: HR) -> Response:
        asked = window(request, filters=RUNS, orders=("asked_at",), default="-asked_at", limit=100)
        kind, state = choice_of(request, "kind", KINDS), choice_of(request, "state", STATES)
        found = await recomputing.listed(kind, state, asked)
        rows = [run_shape(run) for run in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.get("/recompute-runs/{run_id}/", summary="How far a run is, and what it found")
    async def one(run_id: str, request: Request, _: HR) -> Response:
        known(request)
        return json_response(run_shape(await recomputing.one(_id(run_id))))

    @routes.get(
        "/recompute-runs/{run_id}/changes/",
        summary="Days that would come out otherwise",
        openapi_extra=described({}, a_list=True, rows=ChangeShape),
    )
    async def changes(run_id: str, request: Request, _: HR) -> Response:
        asked = window(request, filters=(), orders=("date", "employee_id"), default="date", limit=100)
        found = await recomputing.changes(_id(run_id), asked)
        rows = [change_shape(row) for row in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    # The gateway writes a slash behind whatever it passes on.
    @routes.get("/recompute-runs/{run_id}/changes.csv/", include_in_schema=False)
    @routes.get("/recompute-runs/{run_id}/changes.csv", summary="All of them, as CSV")
    async def changes_as_csv(run_id: str, request: Request, _: HR) -> Response:
        known(request)
        run = await recomputing.one(_id(run_id))
        return table(recomputing.every_change(run.id), run)

    @routes.post("/recompute-runs/{run_id}/cancel/", summary="End a run that is not done")
    async def cancel(run_id: str, request: Request, _: HR) -> Response:
        known(request)
        return json_response(run_shape(await recomputing.cancel(_id(run_id))))

    @routes.post(
        "/recompute-runs/{run_id}/run/",
        summary="Let a dry run be done, unless the rules changed since",
        description="Once only: whoever sends it again is answered with the same run, as it stands by then, and with "
        "the reason that it was begun with; the reason of the later request is not kept.",
    )
    async def run(run_id: str, request: Request, who: HR, body: RunBody | None = None) -> Response:
        known(request)
        reason = None if body is None else body.reason
        return json_response(run_shape(await recomputing.turned_real(_id(run_id), reason, who)), status=202)

    return routes


def _in_order(since: date, until: date) -> None:
    if not 0 <= (until - since).days < LONGEST:
        raise ValueError(f"date_to must be from date_from on, and less than {LONGEST} days later")


def _version(body: dict[str, Any] | None, name: str, span: tuple[date, None]) -> DraftVersion | None:
    if body is None:
        return None
    called, values = named(body, name)
    return DraftVersion(name=called, values=values, span=span)


def _form(request: Request) -> str | None:
    known(request, *FORMAT)
    return choice_of(request, "format", ("json", "csv"))


def _id(text: str) -> UUID:
    try:
        return UUID(text)
    except ValueError as error:
        raise NotFound(f"there is no run {text[:40]!r}: a run's id is a UUID") from error
