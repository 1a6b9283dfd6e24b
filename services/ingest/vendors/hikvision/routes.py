"""`/hikvision/events/…`: where terminals call whose httpHosts name us. They have no token; each has a key in its path.

What a terminal does when it is not answered 200 depends on its firmware: most come again. So it is 200 only once
nothing of the event can be lost, and never withheld for what cannot be read.
"""

from typing import Final

from fastapi import APIRouter, Request, Response
from starlette.requests import ClientDisconnect

from services.ingest.application.desk import Desk
from services.ingest.application.drivers import Phase
from services.ingest.application.pushing import Call, NotAccepted, Pushing
from services.ingest.domain.reading import Batch, Mode, Unreadable
from services.ingest.vendors.hikvision.batches import batch_of
from services.ingest.vendors.hikvision.events import AccessEvent
from services.ingest.vendors.hikvision.pushed import Push, TooLarge
from services.ingest.vendors.hikvision.settings import HikvisionSettings
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable

KIND: Final = "hikvision"
PATH: Final = "/hikvision/events/{serial}"


def hikvision_router(pushing: Pushing, clock: Clock) -> APIRouter:
    """The routes. A machine shows its `push_key` as the last part of the path."""
    router = APIRouter(include_in_schema=False)

    @router.api_route(PATH, methods=["POST", "PUT"])
    async def without_key(request: Request, serial: str) -> Response:
        return await answered(request, serial, None)

    @router.api_route(PATH + "/{push_key}", methods=["POST", "PUT"])
    async def with_key(request: Request, serial: str, push_key: str) -> Response:
        return await answered(request, serial, push_key)

    async def answered(request: Request, serial: str, key: str | None) -> Response:
        source = request.client.host if request.client else ""
        try:
            desk = await pushing.desk(Call(kind=KIND, serial=serial, source=source, secret=key))
            push = Push()
            async for some in request.stream():
                push.feed(some)
            await _taken(desk, push, clock)
        except NotAccepted as refused:
            return _text(refused.message, 403)
        except TooLarge as refused:
            return _text(str(refused), 413)
        except Unavailable as away:
            return _text(away.message, 503, {"Retry-After": str(max(1, round(away.retry_after)))})
        except ClientDisconnect:
            return _text("", 400)  # nobody is there to read it, and nothing was taken
        return _text("")

    return router


async def _taken(desk: Desk, push: Push, clock: Clock) -> None:
    """Return once nothing of it can be lost."""
    settings = HikvisionSettings.model_validate(desk.machine.config)
    events, now = push.finish(), clock.now()

    def batch(some: list[AccessEvent], mode: Mode) -> Batch:
        return batch_of(some, mode, settings=settings, contact=desk.contact, received_at=now)

    stored = batch([event for event in events if event.stored], Mode.REPLAY)
    fresh = batch([event for event in events if not event.stored], Mode.LIVE)
    if stored.readings or stored.unreadable:
        await desk.take(stored)
    if fresh.readings or fresh.unreadable:
        # What was not taken at once comes again later, and does not say so.
        mode = desk.mode_of(fresh.readings)
        await desk.take(Batch(readings=fresh.readings, unreadable=fresh.unreadable, mode=mode, received_at=now))
    if push.unreadable:
        kept = [Unreadable(reason=reason, raw=document) for document, reason in push.unreadable]
        await desk.take(Batch(readings=(), unreadable=kept, mode=Mode.REPLAY, received_at=now))
    if not stored.readings:
        desk.contact.phase(Phase.LIVE)


def _text(text: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(text, status, headers, media_type="text/plain")
