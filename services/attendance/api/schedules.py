"""Shifts, schedules, who goes by them, and the roster."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import date, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request
from fastapi.responses import Response
from pydantic import BaseModel, ConfigDict, Field, model_validator

from services.attendance.api.once import answered, key_from, sent
from services.attendance.api.parameters import bad, date_of, known, read_date, required_date, text_of
from services.attendance.api.people_bodies import Filled, Id, PlausibleDate, span_of
from services.attendance.api.rule_bodies import ScheduleBody, ShiftBody
from services.attendance.api.run_shapes import DRY_RUN, dry_run_of, looked
from services.attendance.application.drafts import Draft, DraftAssignment, DraftVersion
from services.attendance.application.holders import Span, on_date
from services.attendance.application.people_ports import Once
from services.attendance.application.recomputing import Recomputing
from services.attendance.application.scheduling import Entry, Scheduling
from services.attendance.application.scheduling_ports import Assigned, Kind, Named, RosterDay
from shared.kernel.errors import Invalid, NotFound, sentence
from shared.web.callers import HR, CurrentCaller, CurrentScope
from shared.web.lists import answer, described, json_response, window

FROM = {
    "effective_from": "the date from which it holds: today, unless another, or `always`, is named",
    "effective_until": "the date before which it ends; without one, whatever was to hold later is replaced, too",
}
BORN = {**FROM, "effective_from": "the date from which it exists; always, unless one is named"}
ON = {"date": "the date whose values are wanted; today, unless another is named"}
OF = {"schedule": "a schedule's id"}
ROSTER = {
    "date_from": "the first date",
    "date_to": "the last date, at most a year later",
    "employee": "a person's id, or their code",
    "department": "a department's name or id; those below it belong to it",
}
OWNERS = ("employee", "department", "unit", "group", "site")
"""Whose a schedule can be."""
LONGEST_ROSTER = 366
MOST_ENTRIES = 10_000


class OwnerBody(BaseModel):
    """Whom it is about: one of the five; and when, `until` exclusive. Without dates it is always."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employee: Id | Filled | None = Field(default=None, description="a person's id, or their code")
    department: Id | Filled | None = Field(default=None, description="a department's id or name")
    unit: Id | Filled | None = Field(default=None, description="a unit's id or name")
    group: Id | Filled | None = Field(default=None, description="a group's id or name")
    site: Id | Filled | None = Field(default=None, description="a site's id or name")
    since: PlausibleDate | None = None
    until: PlausibleDate | None = None

    @property
    def owner(self) -> tuple[str, str]:
        """What kind it is, and which.

        Raises:
            Invalid: it is none of the five, or several.
        """
        given = [(name, str(value)) for name in OWNERS if (value := getattr(self, name)) is not None]
        if len(given) != 1:
            raise Invalid(f"say whom it is about: one of {sentence(OWNERS)}")
        return given[0]


class EntryBody(BaseModel):
    """Some people on some dates: a shift, `null` for off, or `clear` for whatever their schedules say."""

    model_config = ConfigDict(extra="forbid", str_strip_whitespace=True)

    employees: list[Id | Filled] = Field(min_length=1, max_length=100_000, description="ids, or codes")
    dates: list[PlausibleDate] | None = Field(default=None, max_length=LONGEST_ROSTER)
    date_from: PlausibleDate | None = None
    date_to: PlausibleDate | None = None
    shift: Id | Filled | None = Field(default=None, description="a shift's id or code")
    clear: bool = False

    @model_validator(mode="after")
    def _one_way(self) -> "EntryBody":
        if (self.dates is None) == (self.date_from is None or self.date_to is None):
            raise ValueError("say dates, or date_from and date_to")
        if self.clear and self.shift is not None:
            raise ValueError("what is cleared has no shift")
        if not self.clear and "shift" not in self.model_fields_set:
            raise ValueError("say a shift, null for off, or clear")
        if self.date_from and self.date_to and not 0 <= (self.date_to - self.date_from).days < LONGEST_ROSTER:
            raise ValueError(f"date_to must be from date_from on, and less than {LONGEST_ROSTER} days later")
        return self

    @property
    def entry(self) -> Entry:
        dates = self.dates
        if dates is None:
            assert self.date_from is not None and self.date_to is not None  # noqa: S101, PT018 - validated
            length = (self.date_to - self.date_from).days + 1
            dates = [self.date_from + timedelta(days=n) for n in range(length)]
        return Entry(people=self.employees, dates=dates, shift=self.shift, clear=self.clear)


class RosterBody(BaseModel):
    """Later entries win over earlier ones."""

    model_config = ConfigDict(extra="forbid")

    entries: list[EntryBody] = Field(min_length=1, max_length=MOST_ENTRIES)


def router(scheduling: Scheduling, recomputing: Recomputing) -> APIRouter:
    """The routes of shifts, schedules and the roster."""
    routes = APIRouter(prefix="/api/attendance", tags=["schedules"])

    # Before those with an id in the same place.
    @routes.get(
        "/schedules/assignments/",
        summary="Who goes by which schedule, and when",
        openapi_extra=described(OF, a_list=True),
    )
    async def assignments(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=OF, orders=("schedule_name",), default="schedule_name", limit=10_000)
        text = text_of(request, "schedule")
        found = await scheduling.assigned(None if text is None else _id("schedule", text), scope, asked)
        rows = [_assigned(one) for one in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.post("/schedules/unassign/", summary="Let somebody go by no schedule of their own for some time")
    async def unassign(body: OwnerBody, request: Request, _: HR) -> Response:
        known(request)
        span = span_of(body.since, body.until)
        owner = await scheduling.assign(None, body.owner, span)
        return json_response({"schedule": None, "of": owner.kind, "id": owner.id, "name": owner.name, **_span(span)})

    @routes.post(
        "/schedules/{schedule_id}/assign/",
        summary="Let a person, a group, a unit or a site go by a schedule",
        description="Whatever else was theirs alone in that time is replaced. The nearest wins: a single date of the "
        "roster, the person's schedule, that of a group of theirs, of the nearest unit, and at last the site's.",
        openapi_extra=described(DRY_RUN),
    )
    async def assign(schedule_id: str, body: OwnerBody, request: Request, who: HR) -> Response:
        known(request, *DRY_RUN)
        span, id_ = span_of(body.since, body.until), _id("schedule", schedule_id)
        if dry_run_of(request):
            kind, text = body.owner
            draft = Draft(assign=DraftAssignment(schedule=id_, kind=kind, text=text, span=span))
            return await looked(recomputing, await recomputing.preview(draft, who), None)
        owner = await scheduling.assign(id_, body.owner, span)
        return json_response({"schedule": id_, "of": owner.kind, "id": owner.id, "name": owner.name, **_span(span)})

    _crud(routes, scheduling, recomputing, "shift", _shift)
    _crud(routes, scheduling, recomputing, "schedule", _schedule)

    @routes.get(
        "/roster/",
        summary="Single dates of people, as somebody entered them",
        openapi_extra=described(ROSTER, a_list=True, required=["date_from", "date_to"]),
    )
    async def roster(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=ROSTER, orders=("employee_id",), default="employee_id", limit=10_000)
        since, until = required_date(request, "date_from"), required_date(request, "date_to")
        if not 0 <= (until - since).days < LONGEST_ROSTER:
            raise bad("date_to", f"must be from date_from on, and less than {LONGEST_ROSTER} days later")
        found = await scheduling.roster(
            since, until, text_of(request, "employee"), text_of(request, "department"), scope, asked=asked
        )
        rows = [_roster_day(day) for day in found.rows]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after, exact=found.exact)

    @routes.put(
        "/roster/",
        summary="Say what single dates of people are, many at once",
        description="All of it counts, or nothing: whoever or whatever is not known is named.",
    )
    async def put_roster(body: RosterBody, request: Request, _: HR) -> Response:
        known(request)
        return json_response({"dates": await scheduling.put_roster([one.entry for one in body.entries])})

    return routes


def _crud(
    routes: APIRouter,
    scheduling: Scheduling,
    recomputing: Recomputing,
    kind: Kind,
    shown: Callable[[Named, date], dict[str, Any]],
) -> None:
    """The routes that shifts and schedules both have."""
    name = "code" if kind == "shift" else "name"
    id_type: Any = Annotated[str, Path(alias=f"{kind}_id")]
    body_type: Any = ShiftBody if kind == "shift" else ScheduleBody

    @routes.get(f"/{kind}s/", summary=f"All {kind}s", openapi_extra=described(ON, a_list=True), name=f"list_{kind}s")
    async def listed(request: Request, _: CurrentCaller) -> Response:
        asked = window(request, filters=ON, orders=(name,), default=name, limit=10_000)
        on = date_of(request, "date") or await scheduling.today()
        rows = [shown(one, on) for one in await scheduling.listed(kind)]
        if asked.search:
            rows = [row for row in rows if asked.search.lower() in f"{row[name]} {row.get('name')}".lower()]
        rows = rows[::-1] if asked.descending else rows
        match asked.after:
            case None:
                start = asked.offset or 0
            case (str(last),):  # which may be gone by now
                beyond = (
                    at for at, row in enumerate(rows) if (row[name] < last if asked.descending else row[name] > last)
                )
                start = next(beyond, len(rows))
            case _:
                raise bad("cursor", "is not one that this list has given out")
        part = rows[start : start + asked.limit]
        following = (part[-1][name],) if start + asked.limit < len(rows) else None
        return answer(request, part, asked, total=len(rows), next_after=following)

    @routes.post(
        f"/{kind}s/",
        summary=f"Make a {kind}",
        status_code=201,
        openapi_extra=described(BORN),
        name=f"make_{kind}",
    )
    async def create(body: body_type, request: Request, who: HR) -> Response:
        known(request, *BORN)
        span = _effective(request) or Span(None, _until(request))
        on = span.since or await scheduling.today()
        once: Once[Named] = Once(await key_from(request, who), lambda made: answered(_whole(shown, made, on), 201))
        return sent(await scheduling.create(kind, *named(body, name), span, once))

    @routes.get(
        f"/{kind}s/{{{kind}_id}}/",
        summary=f"One {kind}, with all of its versions",
        openapi_extra=described(ON),
        name=f"one_{kind}",
    )
    async def one(id_: id_type, request: Request, _: CurrentCaller) -> Response:
        known(request, *ON)
        found = await scheduling.one(kind, _id(kind, id_))
        return _record(shown, found, date_of(request, "date") or await scheduling.today())

    @routes.put(
        f"/{kind}s/{{{kind}_id}}/",
        summary=f"Change all of a {kind} from a date on; days that went by it are computed again",
        openapi_extra=described({**FROM, **DRY_RUN}),
        name=f"change_{kind}",
    )
    async def change(id_: id_type, body: body_type, request: Request, who: HR) -> Response:
        known(request, *FROM, *DRY_RUN)
        span = await effective(request, scheduling.today)
        if dry_run_of(request):
            called, values = named(body, name)
            version = DraftVersion(name=called, values=values, span=span, id=_id(kind, id_))
            draft = Draft(shift=version) if kind == "shift" else Draft(schedule=version)
            return await looked(recomputing, await recomputing.preview(draft, who), None)
        changed = await scheduling.change(kind, _id(kind, id_), *named(body, name), span, if_version=_if_match(request))
        on = span.since if span is not None and span.since is not None else await scheduling.today()
        return _record(shown, changed, on)

    @routes.delete(
        f"/{kind}s/{{{kind}_id}}/",
        summary=f"Forget a {kind} that nobody went by",
        status_code=204,
        name=f"remove_{kind}",
    )
    async def remove(id_: id_type, request: Request, _: HR) -> Response:
        known(request)
        await scheduling.remove(kind, _id(kind, id_))
        return Response(status_code=204)


async def effective(request: Request, today: Callable[[], Awaitable[date]]) -> Span | None:
    """The span that `effective_from` and `effective_until` name, from today on where only its end is named.

    None where neither is.
    """
    found, until = _effective(request), _until(request)
    return span_of(await today(), until) if found is None and until is not None else found


def _effective(request: Request) -> Span | None:
    text = text_of(request, "effective_from")
    if text is None:
        return None
    return span_of(None if text == "always" else read_date(text, "effective_from"), _until(request))


def _until(request: Request) -> date | None:
    return date_of(request, "effective_until")


def named(body: Mapping[str, Any], name: str) -> tuple[str, dict[str, Any]]:
    """The name (of a shift, its code) and the values that a body holds.

    Raises:
        Invalid: there is no name.
    """
    values = dict(body)
    given = values.pop(name, None)
    if not isinstance(given, str) or not given.strip() or len(given) > 60 or not given.isprintable():
        detail = "must be a text of 1 to 60 characters"
        raise Invalid(f"{name}: {detail}", fields={name: detail})
    if name == "code":
        values.setdefault("name", given.strip())
    for shown in _ONLY_SHOWN:
        values.pop(shown, None)
    return given.strip(), values


_ONLY_SHOWN = ("id", "valid_from", "valid_until", "versions")
"""Whoever sends back what they read need not take these out."""


def _id(kind: str, text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 9):
        raise NotFound(f"there is no {kind} {text[:40]!r}: a {kind}'s id is a number")
    return int(text)


def _if_match(request: Request) -> str | None:
    given = request.headers.get("if-match", "*").strip()
    return None if given == "*" else given.removeprefix("W/").strip('"')


def _record(shown: Callable[[Named, date], dict[str, Any]], one: Named, on: date) -> Response:
    return json_response(_whole(shown, one, on), headers={"ETag": f'"{one.version}"'})


def _whole(shown: Callable[[Named, date], dict[str, Any]], one: Named, on: date) -> dict[str, Any]:
    versions = [{**_span(span, "valid"), **values} for span, values in one.versions]
    return {**shown(one, on), "versions": versions}


def _shift(one: Named, on: date) -> dict[str, Any]:
    return {"id": one.id, "code": one.name, **_version(one, on)}


def _schedule(one: Named, on: date) -> dict[str, Any]:
    return {"id": one.id, "name": one.name, **_version(one, on)}


def _version(one: Named, on: date) -> dict[str, Any]:
    """The values of a date; where it has none, those that begin next, or ended last."""
    values = on_date(one.versions, on)
    if values is None:
        span, values = next((each for each in one.versions if each[0].since and each[0].since > on), one.versions[-1])
    else:
        span = next(span for span, _ in one.versions if span.covers(on))
    return {**values, **_span(span, "valid")}


def _span(span: Span, prefix: str = "") -> dict[str, date | None]:
    if prefix:
        return {f"{prefix}_from": span.since, f"{prefix}_until": span.until}
    return {"since": span.since, "until": span.until}


def _assigned(one: Assigned) -> dict[str, Any]:
    return {
        "schedule": one.schedule_id,
        "schedule_name": one.schedule,
        "of": one.owner.kind,
        "id": one.owner.id,
        "name": one.owner.name,
        **_span(one.span),
    }


def _roster_day(day: RosterDay) -> dict[str, Any]:
    return {
        "employee": day.person_id,
        "employee_id": day.code,
        "employee_name": day.name,
        "date": day.date,
        "shift": day.shift_id,
        "shift_code": day.shift,
    }


__all__ = ["FROM", "effective", "router"]
