"""The terminal at work: shakes hands, uploads, asks for commands, and sends again what was not answered with OK."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import quote

from services.ingest.vendors.zkteco.adms.simulator.faults import Faults
from services.ingest.vendors.zkteco.adms.simulator.line import NoAnswer, Reply, ask
from services.ingest.vendors.zkteco.adms.simulator.punches import Punch, Unit, body_of

BATCH: Final = 62
"""Lines of a post, as a real unit had it."""
CLONES_ADDRESS: Final = "127.0.0.2"
MOST_HOURS: Final = 14
TEMPLATE: Final = "U0lNVUxBVEVEVEVNUExBVEU"

Notice = Callable[[str], object]


class PushingTerminal:
    """Sends the log of a unit to a server. `delay` and `error_delay` are seconds, until the server says others."""

    def __init__(
        self,
        unit: Unit,
        *,
        host: str,
        port: int,
        faults: Faults,
        key: str = "",
        delay: float = 10.0,
        error_delay: float = 30.0,
        obeys: bool = True,
        notice: Notice = lambda _: None,
    ) -> None:
        """`key` is shown in the path; `obeys` takes the delays that the server gives."""
        self.unit = unit
        self.options: dict[str, str] = {}
        """What the server said in the handshake."""
        self.refusals = 0
        """Answers that were no OK."""
        self._host, self._port = host, port
        self._faults = faults
        self._prefix = f"/{key}/iclock" if key else "/iclock"
        self._delay, self._error_delay, self._obeys = delay, error_delay, obeys
        self._notice = notice
        self._requested: list[Punch] = []
        self._posts = 0
        self._something = asyncio.Event()

    @property
    def done(self) -> bool:
        """Whether all of the log was answered with OK."""
        return self.unit.acknowledged >= len(self.unit.log) and not self._requested

    def punch(self, badge: str, *, state: int = 0, verify: int = 1) -> Punch:
        """Somebody scans now; it is sent at once where the server wants that."""
        made = self.unit.punch(badge, state=state, verify=verify)
        self._something.set()
        return made

    async def run(self) -> None:
        """Push until cancelled."""
        while True:
            try:
                await self._start()
                if self._faults.silent:
                    await asyncio.sleep(self._faults.silent)
                while True:
                    self._something.clear()
                    await self._upload()
                    await self._ask_for_commands()
                    await self._pause()
            except NoAnswer as error:
                self.refusals += 1
                self._notice(f"not taken: {error}")
                await asyncio.sleep(self._error_delay)

    async def _start(self) -> None:
        query = "options=all" if self._faults.old else "options=all&pushver=2.4.1&DeviceType=att"
        reply = await self._ask("cdata", f"{query}&language=69&pushcommkey=")
        if reply.status != 200 or not reply.text.startswith("GET OPTION FROM:"):
            raise NoAnswer(f"the handshake was answered {reply.status}: {reply.text[:100]}")
        self.options = dict(line.split("=", 1) for line in reply.text.splitlines() if "=" in line)
        if self.options.get("Stamp" if self._faults.old else "ATTLOGStamp") in ("0", "None"):
            self.unit.acknowledged = 0
        if self._obeys:
            self._delay = float(self.options.get("Delay", self._delay))
            self._error_delay = float(self.options.get("ErrorDelay", self._error_delay))
        if reply.date is not None and "TimeZone" in self.options:
            self.unit.set_clock(reply.date.replace(tzinfo=None) + _ahead(self.options["TimeZone"]))
        self._notice(f"the server answers; {len(self.unit.log) - self.unit.acknowledged:,} records are to be sent")
        await self._people()

    async def _upload(self) -> None:
        waiting = len(self.unit.log) - self.unit.acknowledged
        if waiting >= max(1, self._faults.burst):
            while self.unit.acknowledged < len(self.unit.log):
                begin = self.unit.acknowledged
                batch = self.unit.log[begin : begin + BATCH]
                await self._post("ATTLOG", body_of(batch, self._faults))
                self.unit.acknowledged = begin + len(batch)
        while self._requested:
            batch = self._requested[:BATCH]
            await self._post("ATTLOG", body_of(batch, self._faults))
            del self._requested[: len(batch)]

    async def _ask_for_commands(self) -> None:
        records = len(self.unit.log)
        reply = await self._ask("getrequest", f"INFO=Ver 8.0.4-SIM,40,40,{records},10.0.0.7,10,7,15,0,111")
        if reply.status != 200:
            raise NoAnswer(f"getrequest was answered {reply.status}: {reply.text[:100]}")
        for line in reply.text.splitlines():
            if line.startswith("C:"):
                _, number, text = line.split(":", 2)
                self._notice(f"asked to {text}")
                await self._post_result(f"ID={number}&{self._result(text)}")
                if text == "CHECK":
                    await self._start()

    def _result(self, command: str) -> str:
        if command.startswith("DATA QUERY ATTLOG"):
            self._requested += self.unit.between(*_span(command))
            self._something.set()
            return "Return=0&CMD=DATA\n"
        if command.startswith("VERIFY SUM ATTLOG"):
            return f"Return=0&CMD=VERIFY SUM&AttlogSum={len(self.unit.between(*_span(command)))}\n"
        if command == "INFO":
            return f"Return=0&CMD=INFO\n~SerialNumber={self.unit.serial}\nTransactionCount={len(self.unit.log)}\n"
        if command in ("CHECK", "LOG"):
            self._something.set()
            return f"Return=0&CMD={command}\n"
        return f"Return=-1002&CMD={command.split(' ', maxsplit=1)[0]}\n"

    async def _people(self) -> None:
        """Those who are enrolled, if it sends them: what nobody is to keep."""
        if self._faults.gbk:
            await self._post("OPERLOG", "USER PIN=1001\tName=张三\tPri=0\tPasswd=\tCard=\tGrp=1\n".encode("gbk"))
        if self._faults.templates:
            user = f"USER PIN=1001\tName=x\tPasswd={TEMPLATE}\nFP PIN=1001\tFID=0\tSize=24\tValid=1\tTMP={TEMPLATE}\n"
            await self._post("OPERLOG", user.encode())
            await self._post("BIODATA", f"BIODATA Pin=1001\tNo=0\tIndex=0\tTmp={TEMPLATE}\n".encode())
            photo = f"PIN=20260105080000-1001.jpg\nSN={self.unit.serial}\nsize=23\nCMD=uploadphoto\0{TEMPLATE}"
            await self._post("ATTPHOTO", photo.encode())

    async def _post(self, table: str, body: bytes) -> None:
        self._posts += 1
        query = f"table={table}&Stamp=9999"
        lost = self._faults.lost_reply and self._posts % self._faults.lost_reply == 0
        reply = await self._ask("cdata", query, body, hang_up=bool(lost))
        if not reply.ok:
            raise NoAnswer(f"{table} was answered {reply.status}: {reply.text[:100]}")
        if self._faults.duplicate:
            await self._ask("cdata", query, body)
        if self._faults.clone:
            await self._ask("cdata", query, body, source=CLONES_ADDRESS)

    async def _post_result(self, text: str) -> None:
        await self._ask("devicecmd", "", text.encode())

    async def _ask(
        self, endpoint: str, query: str, body: bytes | None = None, *, hang_up: bool = False, source: str | None = None
    ) -> Reply:
        name = f"{endpoint}{'.aspx' if self._faults.aspx else ''}{'/' if self._faults.slash else ''}"
        if not self._faults.blanks:
            query = quote(query, safe="=&,")
        target = f"{self._prefix}/{name}?SN={self.unit.serial}&{query}"
        return await ask(self._host, self._port, target, body, hang_up=hang_up, source=source)

    async def _pause(self) -> None:
        wait = self._faults.interval or self._delay
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(wait):
                if self._faults.interval or self._faults.burst:
                    await asyncio.Event().wait()
                await self._something.wait()


@asynccontextmanager
async def pushing(terminal: PushingTerminal) -> AsyncIterator[PushingTerminal]:
    """The terminal, pushing while the context is open."""
    task = asyncio.create_task(terminal.run(), name=f"terminal {terminal.unit.serial}")
    try:
        yield terminal
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


def _ahead(zone: str) -> timedelta:
    """A `TimeZone`: whole hours, or minutes where there are too many for that."""
    number = int(zone)
    return timedelta(hours=number) if abs(number) <= MOST_HOURS else timedelta(minutes=number)


def _span(command: str) -> tuple[datetime, datetime]:
    _, _, times = command.partition("StartTime=")
    first, _, last = times.partition("\tEndTime=")
    return _wall(first), _wall(last)


def _wall(text: str) -> datetime:
    return datetime.strptime(text.strip(), "%Y-%m-%d %H:%M:%S")  # noqa: DTZ007 - a wall time
