"""Settings of sites, units and people."""

from typing import Any

from fastapi import APIRouter, Request
from fastapi.responses import Response

from services.attendance.api.parameters import bad, date_of, known, text_of
from services.attendance.api.rule_bodies import SettingsBody
from services.attendance.api.run_shapes import DRY_RUN, dry_run_of, looked
from services.attendance.api.schedules import FROM, effective
from services.attendance.api.versions import stale, with_version
from services.attendance.application.drafts import Draft, DraftSettings
from services.attendance.application.recomputing import Recomputing
from services.attendance.application.settling import InForce, Settling
from services.attendance.domain.settings import settings_values
from shared.web.callers import HR, CurrentScope
from shared.web.lists import described

OWNER = {
    "site": "a site's id or name; the main site, unless something else is named",
    "department": "a department's id or name",
    "unit": "a unit's id or name",
    "employee": "a person's id, or their code",
}
SETTINGS = {**OWNER, "date": "today, unless another is named"}
ONLY_SHOWN = ("site", "timezone", "valid_from", "valid_until", "of", "id", "name", "own")
"""Whoever sends back what they read need not take these out."""


def router(settling: Settling, recomputing: Recomputing) -> APIRouter:
    """The routes of settings."""
    routes = APIRouter(prefix="/api/attendance", tags=["operations"])

    @routes.get(
        "/settings/",
        summary="The settings that hold on a date",
        description="Of a site, or over them those of its units from the top down, or over them a person's; `own` has "
        "what was said of the one that is asked for alone.",
        openapi_extra=described(SETTINGS),
    )
    async def settings(request: Request, scope: CurrentScope) -> Response:
        known(request, *SETTINGS)
        return with_version(_shown(await settling.of(*_owner(request), date_of(request, "date"), scope)))

    @routes.put(
        "/settings/",
        summary="Change settings from a date on; the days that they touch are computed again",
        description="Settings that are not named stay; `null` goes back to what lies above.",
        openapi_extra=described({**OWNER, **FROM, **DRY_RUN}),
    )
    async def change(body: SettingsBody, request: Request, who: HR) -> Response:
        known(request, *OWNER, *FROM, *DRY_RUN)
        values = {name: value for name, value in body.items() if name not in ONLY_SHOWN}
        span = await effective(request, settling.today)
        if dry_run_of(request):
            kind, text = _owner(request)
            draft = Draft(settings=DraftSettings(kind=kind, text=text, values=values, span=span))
            return await looked(recomputing, await recomputing.preview(draft, who), None)
        return with_version(_shown(await settling.change(*_owner(request), values, span, stale(request, _shown))))

    return routes


def _owner(request: Request) -> tuple[str, str | None]:
    given = [(name, text) for name in OWNER if (text := text_of(request, name)) is not None]
    if len(given) > 1:
        raise bad(given[1][0], f"stands against {given[0][0]}; give one")
    return given[0] if given else ("site", None)


def _shown(found: InForce) -> dict[str, Any]:
    return {
        **settings_values(found.settings),
        "site": found.site,
        "timezone": found.zone,
        "valid_from": found.since,
        "valid_until": found.until,
        "of": found.owner.kind,
        "id": found.owner.id,
        "name": found.owner.name,
        "own": found.own,
    }
