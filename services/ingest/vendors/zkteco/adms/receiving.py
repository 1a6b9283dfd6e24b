"""What is done with each call of a machine that is known, and what it is answered."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from fastapi import Request

from services.ingest.application.bookmarks import Bookmarks
from services.ingest.application.commanding import Commanding
from services.ingest.application.desk import Desk
from services.ingest.domain.reading import Batch, Reading, Unreadable
from services.ingest.vendors.zkteco.adms import commands, handshake
from services.ingest.vendors.zkteco.adms.attlog import Attlog, attlog
from services.ingest.vendors.zkteco.adms.body import lines_in, unpacked, whole
from services.ingest.vendors.zkteco.adms.calls import Asked
from services.ingest.vendors.zkteco.adms.operlog import operlog
from services.ingest.vendors.zkteco.operations import CLEARED, CLOCK_LOST
from services.ingest.vendors.zkteco.settings import ZktecoSettings
from shared.kernel.clock import Clock
from shared.kernel.errors import Malformed
from shared.observability.logs import get_logger
from shared.observability.metrics import Counter

DROPPED: Final = frozenset({
    "BIODATA", "BIOPHOTO", "FP", "FACE", "FVEIN", "USERINFO", "USERPIC", "IDCARD", "ERRORLOG", "ERRLOG", "OPTIONS",
})  # fmt: skip
"""Tables of which nothing is wanted: people with their templates, what the machine can do, its own troubles."""
STARTING: Final = timedelta(seconds=30)
"""After a handshake, in which it may ask for commands before it sends what it has."""
RECENT: Final = timedelta(days=1)
"""What was done at the machine longer ago is no news."""
PANEL: Final = "acc"
ATTLOG: Final = "ATTLOG"

PASSED_OVER = Counter("muster_ingest_adms_lines_dropped_total", "Lines that were acknowledged and dropped", ["table"])

log = get_logger(__name__)


@dataclass(slots=True)
class _Known:
    """What is remembered of a machine from call to call."""

    started_at: datetime | None = None
    records: int | None = None


class Receiving:
    """One for all machines."""

    def __init__(self, commanding: Commanding, bookmarks: Bookmarks, clock: Clock) -> None:
        self._commanding = commanding
        self._bookmarks = bookmarks
        self._clock = clock
        self._known: dict[int, _Known] = {}

    async def handshake(self, desk: Desk, call: Asked, _request: Request) -> str:
        """Its settings; or that somebody whom it does not know is nobody that we would tell it of."""
        if call.table or "type" in call.parameters:
            return "OK"
        if call.parameters.get("devicetype", "").lower() == PANEL:
            desk.contact.warn("access panel", "it says that it is an access panel; its events may come in another form")
        now = self._clock.now()
        self._of(desk).started_at = now
        its_own = ZktecoSettings.model_validate(desk.machine.config)
        ahead = handshake.ahead_of_utc(desk.machine.zone, now) if its_own.set_clock else None
        stamp = await self._bookmarks.of(call.serial, ATTLOG) or handshake.ALL
        return handshake.settings(call.serial, stamp=stamp, clock=ahead)

    async def table(self, desk: Desk, call: Asked, request: Request) -> str:
        """Records. Of people, templates and photos nothing is kept."""
        if call.table == "ATTPHOTO":
            return await self.passed_over(desk, call, request)
        if call.table in ("ATTLOG", ""):
            desk.owes()  # until all of it was read, and taken
        if call.table in ("ATTLOG", "OPERLOG", ""):
            return await self._records(desk, call, await whole(request.stream()))
        count = await lines_in(request.stream())
        if call.table not in DROPPED:
            log.info("adms.unknown_table", machine=desk.machine.machine_id, table=call.table[:40], lines=count)
        PASSED_OVER.labels(call.table if call.table in DROPPED else "other").inc(count)
        return f"OK:{count}"

    async def request(self, desk: Desk, call: Asked, _request: Request) -> str:
        """A command, if there is one. It asks while it has nothing to send."""
        if (records := commands.records_told(call.parameters.get("info", ""))) is not None:
            self._note_records(desk, call, records)
        command = await self._commanding.next(desk.machine)
        if command is not None:
            return commands.sent(command.id, command.text)
        started_at = self._of(desk).started_at
        if started_at is None or self._clock.now() - started_at >= STARTING:
            desk.at_rest()
        return "OK"

    async def results(self, desk: Desk, _call: Asked, request: Request) -> str:
        """What became of commands."""
        for result in commands.results(await whole(request.stream())):
            said = "\n".join(filter(None, (commands.meaning(result.code), result.text)))
            await self._commanding.answered(desk.machine, result.id, code=result.code, result=said)
        return "OK"

    async def ping(self, _desk: Desk, _call: Asked, _request: Request) -> str:
        """A sign of life during long uploads."""
        return "OK"

    async def passed_over(self, _desk: Desk, call: Asked, request: Request) -> str:
        """A photo, or something else that is neither needed nor kept."""
        await lines_in(request.stream())
        PASSED_OVER.labels(call.table if call.table == "ATTPHOTO" else "other").inc()
        return "OK"

    async def _records(self, desk: Desk, call: Asked, body: bytes) -> str:
        if call.parameters.get("contenttype", "").lower() == "tgz":
            try:
                body = unpacked(body)
            except Malformed as error:
                # As it is, it would come again for ever; of people nothing is kept even then.
                evidence = [Unreadable(reason=error.message, raw=body[:65536])] if call.table == "ATTLOG" else []
                await self._take(desk, Attlog([], evidence))
                return "OK:1"
        if call.table == "OPERLOG":
            return f"OK:{self._told(desk, call, body)}"
        found = attlog(body, source=desk.source)
        # Where nobody says that these are scans, what else is in it may be a person's.
        await self._take(desk, found if call.table else Attlog(found.readings, []))
        self._bookmarks.put(call.serial, ATTLOG, call.parameters.get("stamp") or handshake.GO_ON)
        return f"OK:{found.count}"

    async def _take(self, desk: Desk, found: Attlog) -> None:
        readings = _placed(desk, found.readings)
        await desk.take(
            Batch(
                readings=readings,
                unreadable=found.unreadable,
                mode=desk.mode_of(readings),
                received_at=self._clock.now(),
            )
        )

    def _note_records(self, desk: Desk, call: Asked, records: int) -> None:
        known = self._of(desk)
        before, known.records = known.records, records
        desk.contact.counts(records=records)
        if before is not None and records < before:
            said = f"it holds {records:,} records and held {before:,}: its log was cleared"
            desk.contact.warn(CLEARED, said)
            self._begins_anew(call)

    def _told(self, desk: Desk, call: Asked, body: bytes) -> int:
        """Tell what was done at the machine of late; how many lines there were."""
        found, now = operlog(body), self._wall_now(desk)
        for done in found.done:
            # A clock that was lost says nothing of when that was.
            if done.about == CLOCK_LOST or abs(now - done.at) <= RECENT:
                desk.contact.warn(done.about, f"{done.sentence} ({done.at})")
                if done.about == CLEARED:
                    self._begins_anew(call)
        PASSED_OVER.labels("OPERLOG").inc(found.count - len(found.done))
        return found.count

    def _begins_anew(self, call: Asked) -> None:
        """What a stamp counted is gone: an old one would have it leave out its new scans."""
        self._bookmarks.put(call.serial, ATTLOG, "")

    def _wall_now(self, desk: Desk) -> datetime:
        now = self._clock.now() + desk.standing.offset
        return now.astimezone(ZoneInfo(desk.machine.zone)).replace(tzinfo=None)

    def _of(self, desk: Desk) -> _Known:
        return self._known.setdefault(desk.machine.id, _Known(records=desk.machine.records_on_machine))


def _placed(desk: Desk, readings: Sequence[Reading]) -> Sequence[Reading]:
    """The offset that a machine says is believed where its zone can have it: it tells the hour that happens twice.

    Elsewhere the zone decides, as for the same scan when it is read by another way.
    """
    zone = ZoneInfo(desk.machine.zone)
    placed = []
    for reading in readings:
        local, said = reading.local_time, reading.offset
        if said is not None and said not in {local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1)}:
            hours = said.total_seconds() / 3600
            desk.contact.warn("zone", f"it says that its clock is at UTC{hours:+g} h, and {desk.machine.zone} is not")
            placed.append(replace(reading, offset=None))
        else:
            placed.append(reading)
    return placed
