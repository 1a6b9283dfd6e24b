"""The clock of a machine: how it goes, what it was off by at some time, and having it set."""

import re
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, Final
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Request, Response

from services.ingest.api.parameters import bad
from services.ingest.application.drivers import SET_CLOCK
from services.ingest.application.setting_clocks import Known, SettingClocks
from services.ingest.domain.clock_line import Jump, Line, Measurement, jumps_of, minute_wrong_at
from services.ingest.domain.clock_proof import Held, held_at, held_when_shown
from services.ingest.domain.clock_words import clock_in_words, jump_in_words, proof_in_words
from shared.web.callers import HR, CurrentScope
from shared.web.lists import described, json_response, known

YEARS: Final = range(1970, 2201)
"""Clocks that began again show 1970 or 2000; beyond lie only mistakes."""
FILTERS: Final = {
    "at": "a time at which its clock showed a scan, without a zone, or an instant: what it was off by then",
}


def clock_router(clocks: SettingClocks) -> APIRouter:
    """The routes of `/api/attendance/machines/{key}/clock/`."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    @router.get(
        "/{key}/clock/",
        summary="What its clock is off by, how it drifts and when it jumped; with at, what it was off by then",
        openapi_extra=described(FILTERS),
    )
    async def show(request: Request, key: str, scope: CurrentScope) -> Response:
        known(request, *FILTERS)
        text = request.query_params.get("at")
        at = _moment(text) if text is not None else None
        return json_response(_shown(await clocks.known(key, scope), at))

    @router.post("/{key}/clock/", summary="Set it to the time of its place, once; 409 says why that cannot be")
    async def set_it(request: Request, key: str, who: HR) -> Response:
        known(request)
        asked = await clocks.set(key, who.scope, by=who.user, by_name=who.username)
        outcome = asked.outcome
        answer = {
            "machine_id": asked.machine.machine_id,
            "sentence": asked.will,
            "was_offset_seconds": _seconds(outcome.before) if outcome else None,
            "offset_seconds": _seconds(outcome.after) if outcome else None,
            "command": asked.command,
        }
        return json_response(answer, status=200 if outcome else 202)

    return router


_PLUS_READ_AS_BLANK: Final = re.compile(r"(:\d\d(?:\.\d+)?) (\d\d:?\d\d)$")
"""In a query a plus that is not written %2B is a blank."""


def _moment(text: str) -> datetime:
    try:
        at = datetime.fromisoformat(_PLUS_READ_AS_BLANK.sub(r"\1+\2", text))
    except ValueError as error:
        raise bad("at", f"{text[:40]!r} is no time, such as 2000-01-01T00:10:00 or 2026-01-31T08:00:00Z") from error
    if at.year not in YEARS:
        raise bad("at", f"a year from {YEARS[0]} to {YEARS[-1]}")
    return at


def _shown(found: Known, at: datetime | None) -> dict[str, Any]:
    machine, lines, zone = found.machine, found.lines, ZoneInfo(found.machine.zone)
    line = lines[-1] if lines else None
    answer = {
        "machine_id": machine.machine_id,
        "zone": machine.zone,
        "sentence": clock_in_words(lines, zone, now=found.now),
        "offset_seconds": machine.clock_offset_seconds,
        "measured_at": machine.clock_measured_at,
        "drift_seconds_per_day": round(line.drift, 3) if line and line.drift is not None else None,
        "since": line.since if line else None,
        "minute_wrong_at": minute_wrong_at(line, found.now) if line else None,
        "set_clock": machine.config.get(SET_CLOCK) is True,
        "cannot_be_set": found.cannot_be_set,
        "jumps": [_jump(jump, zone) for jump in jumps_of(lines)],
        "measurements": [_measurement(one) for one in found.measurements],
    }
    return answer if at is None else {**answer, **_proof(lines, at, zone, found.now)}


def _proof(lines: Sequence[Line], at: datetime, zone: ZoneInfo, now: datetime) -> dict[str, Any]:
    held = held_when_shown(lines, at, zone, now=now) if at.tzinfo is None else held_at(lines, at, zone, now=now)
    return {"at": at, "proof": proof_in_words(held), "held": [_held(one) for one in held]}


def _held(held: Held) -> dict[str, Any]:
    return {
        "at": held.at,
        "offset_seconds": _seconds(held.offset),
        "release_with_offset_seconds": held.correction,
        "proven": held.proven,
        "since": held.since,
        "until": held.until,
    }


def _jump(jump: Jump, zone: ZoneInfo) -> dict[str, Any]:
    return {
        "after": jump.after,
        "before": jump.before,
        "seconds": _seconds(jump.by),
        "set_by_muster": jump.set_by is not None,
        "by": jump.set_by or None,
        "sentence": jump_in_words(jump, zone),
    }


def _measurement(one: Measurement) -> dict[str, Any]:
    return {
        "measured_at": one.at,
        "offset_seconds": _seconds(one.offset),
        "kind": one.kind.value,
        "by": one.by or None,
    }


def _seconds(offset: timedelta | None) -> float | None:
    return None if offset is None else round(offset.total_seconds(), 3)
