"""`POST /api/ingest/scans/`: where any other system hands over its scans, with its key.

It is answered 200 once nothing of the call can be lost, with what became of each item. Where that cannot be, nothing
is promised: 503, and the same call again is right, because a scan that comes again changes nothing.
"""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from typing import Final
from uuid import UUID
from zoneinfo import ZoneInfo

import msgspec
from fastapi import APIRouter, Request, Response

from services.ingest.application.desk import Desk
from services.ingest.application.drivers import Phase
from services.ingest.application.pushing import Call, Pushing
from services.ingest.domain.instants import Quality
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.domain.scan import Scan
from services.ingest.vendors.files.cells import NotReadable
from services.ingest.vendors.http.document import DESCRIPTION, DOCUMENT
from services.ingest.vendors.http.items import MOST, items, reading
from services.ingest.vendors.http.settings import HttpSettings
from shared.kernel.clock import Clock
from shared.kernel.errors import Unauthenticated
from shared.web.lists import json_response, known
from shared.web.problems import problem

KIND: Final = "http"
PATH: Final = "/api/ingest/scans/"
LARGEST: Final = 1 << 21
"""Bytes of a body: 500 items of the longest."""
READ_ON: Final = 1 << 24
"""Bytes that are read of a larger one, and thrown away: who is still sending would not read the answer."""
WHY: Final = {
    Quality.IMPLAUSIBLE_PAST: "its time is from before this machine can have been in use",
    Quality.FUTURE: "its time is more than a day ahead",
}


class Answer(msgspec.Struct):
    """What became of one item."""

    status: str
    scan_id: UUID | None = None
    reason: str | None = None


def http_router(pushing: Pushing, clock: Clock) -> APIRouter:
    """The route. Who calls shows the `api_key` of a machine, which says which machine it is."""
    router = APIRouter(tags=["scans"])

    @router.post(PATH.rstrip("/"), include_in_schema=False)  # a POST is not sent on to where it should have gone
    @router.post(PATH, summary="Hand over scans, with the key of a machine", description=DESCRIPTION, **DOCUMENT)
    async def take(request: Request) -> Response:
        # No address: a system may call from many, and proves itself by its key.
        desk = await pushing.desk(Call(kind=KIND, serial=None, source="", secret=_key(request)))
        known(request)
        if request.headers.get("content-encoding", "identity").lower() != "identity":
            return problem(415, "the body is compressed; send it as it is")
        body = await _body(request)
        if body is None:
            return problem(413, f"the body has more than {LARGEST:,} bytes; send fewer scans in a call")
        return json_response(await _taken(desk, items(body), clock))

    return router


def _key(request: Request) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    key = request.headers.get("x-api-key") or (token.strip() if scheme.lower() == "bearer" else "")
    if not key:
        raise Unauthenticated("this needs the key of a machine: `Authorization: Bearer <key>` or `X-Api-Key: <key>`")
    return key


async def _body(request: Request) -> bytes | None:
    """None where it is too large."""
    body, size = bytearray(), 0
    async for some in request.stream():
        size += len(some)
        if size <= LARGEST:
            body += some
        elif size > READ_ON:
            break
    return bytes(body) if size <= LARGEST else None


async def _taken(desk: Desk, given: Sequence[bytes], clock: Clock) -> Sequence[Answer]:
    """What became of each item, once nothing of them can be lost."""
    settings = HttpSettings.model_validate(desk.machine.config)
    zone = ZoneInfo(desk.machine.zone)
    answers: list[Answer | str | None] = []
    """Of each item: the answer, or what is odd about its reading, whose answer comes when it is safe."""
    readings: list[Reading] = []
    unreadable: list[Unreadable] = []
    for position, item in enumerate(given, 1):
        try:
            read, odd = reading(item, zone, settings.directions, position=position)
            readings.append(read)
            answers.append(odd)
        except NotReadable as error:
            unreadable.append(Unreadable(reason=str(error), raw=item, position=position))
            answers.append(Answer("unreadable", reason=str(error)))
    became = await _became(desk, readings, unreadable, clock)
    desk.contact.phase(Phase.LIVE)
    named = iter(became)
    return [answer if isinstance(answer, Answer) else _remarked(next(named), answer) for answer in answers]


def _remarked(answer: Answer, odd: str | None) -> Answer:
    if odd and answer.status == "known":
        odd = f"{odd}; the scan that was here stays as it is"
    return Answer(answer.status, answer.scan_id, "; ".join(filter(None, (answer.reason, odd))) or None)


async def _became(
    desk: Desk, readings: Sequence[Reading], unreadable: Sequence[Unreadable], clock: Clock
) -> Sequence[Answer]:
    if not readings and not unreadable:
        return []  # a sign of life
    became: list[Answer] = []
    here: set[UUID] = set()

    def told(scans: Sequence[Scan], before: AbstractSet[UUID]) -> None:
        for scan in scans:
            quarantined = scan.quality.quarantined
            status = "quarantined" if quarantined else "known" if scan.id in before or scan.id in here else "stored"
            became.append(Answer(status, scan.id, WHY[scan.quality] if quarantined else None))
            here.add(scan.id)

    mode = desk.mode_of(readings, most=MOST) if readings else Mode.REPLAY
    batch = Batch(readings=readings, unreadable=unreadable, mode=mode, received_at=clock.now())
    await desk.take(batch, told=told)
    return became
