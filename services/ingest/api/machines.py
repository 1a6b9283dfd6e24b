"""The machines of API §2."""

from collections.abc import Callable, Mapping

from fastapi import APIRouter, Request, Response

from services.ingest.api.models import MachineBody, NewMachineBody, ShownMachine, WholeMachineBody, shown
from services.ingest.api.parameters import flag, one_of, revision_wanted
from services.ingest.application.drivers import Driver
from services.ingest.application.machines import Changes, Machines
from services.ingest.application.ports import Registry, Wanted
from services.ingest.application.probing import probe
from services.ingest.domain.machine import Machine, Status
from shared.kernel.errors import NotFound
from shared.web.callers import HR, CurrentScope
from shared.web.idempotency import Answer, key_of
from shared.web.lists import answer, described, json_response, known, window
from shared.web.scope import Scope

FILTERS = {
    "machine_type": "simulated, zkteco, suprema, hikvision, generic or http",
    "status": "active, inactive, maintenance or error",
    "is_connected": "true or false",
    "department": "a department's id or name",
}
_TEXTS = (
    "machine_id",
    "name",
    "machine_type",
    "status",
    "location",
    "department_name",
    "created_at",
    "updated_at",
    "last_sync",
)
ORDERS = {"id": (int, int), **dict.fromkeys(_TEXTS, (str, int))}
"""What the list may be ordered by, and what its cursors are made of."""


def machines_router(
    registry: Registry, machines: Machines, drivers: Mapping[str, Driver], *, answers: Callable[[int], None]
) -> APIRouter:
    """The routes of `/api/attendance/machines/`. `answers` is told of machines that a test has found well."""
    router = APIRouter(prefix="/api/attendance/machines", tags=["machines"])

    async def found(key: str, scope: Scope) -> Machine:
        machine = await registry.one(key, scope)
        if machine is None:
            raise NotFound(f"there is no machine {key!r}")
        return machine

    def said(machine: Machine, status: int = 200) -> Response:
        headers = {"ETag": f'"{machine.revision}"'}
        if status == 201:
            headers["Location"] = f"/api/attendance/machines/{machine.id}/"
        return json_response(shown(machine, machines), status=status, headers=headers)

    @router.get("/", summary="The machines", openapi_extra=described(FILTERS, a_list=True, rows=ShownMachine))
    async def find(request: Request, scope: CurrentScope) -> Response:
        asked = window(request, filters=FILTERS, orders=ORDERS, default="machine_id", limit=1000)
        result = await registry.find(
            Wanted(
                machine_type=one_of(request, "machine_type", drivers),
                status=one_of(request, "status", [status.value for status in Status]),
                is_connected=flag(request, "is_connected"),
                department=request.query_params.get("department") or None,
                search=asked.search,
                order=asked.order,
                descending=asked.descending,
                limit=asked.limit,
                offset=asked.offset,
                after=asked.after,
            ),
            scope,
        )
        rows = [shown(machine, machines) for machine in result.machines]
        return answer(request, rows, asked, total=result.total, next_after=result.next_after)

    @router.post("/", status_code=201, summary="Register a machine")
    async def register(request: Request, body: NewMachineBody, who: HR) -> Response:
        known(request)
        key = key_of(
            request.headers.get("idempotency-key"),
            caller=who.user,
            method="POST",
            path=request.url.path,
            body=await request.body(),
        )
        async with machines.work() as work:
            if key is not None and (before := await work.earlier_answer(key)) is not None:
                return Response(before.body, before.status, media_type="application/json")
            response = said(await machines.register(work, body.changes()), 201)
            if key is not None:
                await work.keep_answer(key, Answer(201, bytes(response.body)))
        return response

    @router.get("/{key}/", summary="One machine, by its id or its machine_id")
    async def show(request: Request, key: str, scope: CurrentScope) -> Response:
        known(request)
        return said(await found(key, scope))

    @router.put("/{key}/", summary="Change a machine; what the body does not name stays")
    async def put(request: Request, key: str, body: WholeMachineBody, who: HR) -> Response:
        return await _change(request, key, body.changes(), who.scope)

    @router.patch("/{key}/", summary="Change a part of a machine")
    async def patch(request: Request, key: str, body: MachineBody, who: HR) -> Response:
        return await _change(request, key, body.changes(), who.scope)

    async def _change(request: Request, key: str, changes: Changes, scope: Scope) -> Response:
        known(request)
        async with machines.work() as work:
            machine = await machines.change(work, key, changes, scope, revision=revision_wanted(request))
        return said(machine)

    @router.delete("/{key}/", status_code=204, summary="Take a machine out; its scans stay")
    async def remove(request: Request, key: str, who: HR) -> Response:
        known(request)
        async with machines.work() as work:
            await machines.remove(work, key, who.scope, revision=revision_wanted(request))
        return Response(status_code=204)

    @router.post("/test/", summary="Try a machine, new or changed, before it is saved")
    async def try_out(request: Request, body: NewMachineBody, who: HR) -> Response:
        known(request)
        async with registry.work() as work:
            candidate = await machines.candidate(work, body.changes(), who.scope)
        return (await tried(candidate))[1]

    @router.post("/{key}/test/", summary="Connect, really, step by step")
    async def test(request: Request, key: str, who: HR) -> Response:
        known(request)
        machine = await found(key, who.scope)
        well, response = await tried(machine)
        if well:
            answers(machine.id)
        return response

    async def tried(machine: Machine) -> tuple[bool, Response]:
        steps = await probe(machine, machines.driver_of(machine))
        well = bool(steps) and all(step.ok for step in steps)
        return well, json_response({
            "machine_id": machine.machine_id,
            "is_connected": well,
            "last_sync": machine.last_sync,
            "steps": steps,
        })  # fmt: skip

    return router
