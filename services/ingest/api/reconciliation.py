"""What machines hold against what of them is here."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.ingest.api.machines import ORDERS
from services.ingest.application.machines import Machines
from services.ingest.application.ports import Registry, Wanted
from services.ingest.application.reconciling import Reconciliation, Reconciling
from services.ingest.application.syncing import reads_again, takes_commands
from services.ingest.domain.machine import State, pause_in_words
from shared.kernel.errors import NotFound
from shared.web.callers import CurrentScope
from shared.web.lists import answer, described, json_response, known, window


def reconciliation_router(registry: Registry, machines: Machines, reconciling: Reconciling) -> APIRouter:
    """The routes `/api/attendance/machines/reconciliation/` and `…/{key}/reconciliation/`.

    To be had before those of the machines, where the first would be a machine of that code.
    """
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    @router.get(
        "/reconciliation/",
        summary="What each machine holds against what of it is here",
        openapi_extra=described({}, a_list=True),
    )
    async def every(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=(), orders=ORDERS, default="machine_id", limit=100)
        found = await registry.find(
            Wanted(
                search=asked.search,
                order=asked.order,
                descending=asked.descending,
                limit=asked.limit,
                offset=asked.offset,
                after=asked.after,
            ),
            scope,
        )
        rows = [shown(one, machines) for one in await reconciling.of(found.machines)]
        return answer(request, rows, asked, total=found.total, next_after=found.next_after)

    @router.get("/{key}/reconciliation/", summary="What a machine holds against what of it is here, by day")
    async def one(request: Request, key: str, scope: CurrentScope) -> Response:
        known(request)
        machine = await registry.one(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        (found,) = await reconciling.of([machine])
        return json_response({**shown(found, machines), "days": await reconciling.days(found)})

    return router


def shown(found: Reconciliation, machines: Machines) -> dict[str, Any]:
    """As clients read it."""
    machine, figures, here = found.machine, found.figures, found.received
    reading, counted = figures.reading, figures.counted
    state = machines.state_of(machine)
    return {
        "id": machine.id,
        "machine_id": machine.machine_id,
        "name": machine.name,
        "zone": machine.zone,
        "state": state.value,
        "status_text": pause_in_words(machine) if state is State.PAUSED else machine.status_text,
        "may_be_read_again": reads_again(machines, machine) or takes_commands(machines, machine),
        "missing": found.verdict.missing,
        "sentence": found.verdict.sentence,
        "last_contact_at": machine.last_contact_at,
        "reported_until": machine.reported_until,
        "sync_asked_at": machine.sync_asked_at,
        "records_on_machine": figures.on_machine,
        "records_received": figures.handed_over,
        "record_capacity": machine.record_capacity,
        "log_cleared_at": machine.log_cleared_at,
        "records_cleared": machine.records_cleared,
        "received": here,
        "last_reading": None
        if reading is None
        else {
            "began_at": reading.began_at,
            "ended_at": reading.ended_at,
            "records_on_machine": reading.on_machine,
            "read": reading.read,
            "new": reading.new,
            "known": reading.known,
            "repeated": reading.repeated,
            "quarantined": reading.quarantined,
            "unreadable": reading.unreadable,
        },
        "last_count": None
        if counted is None
        else {
            "first": counted.first,
            "last": counted.last,
            "records_on_machine": counted.records,
            "received": figures.counted_here,
            "at": found.counted_at,
        },
        "gaps": figures.gaps,
    }
