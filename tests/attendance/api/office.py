"""The API of attendance on a database of its own: callers in each role, a worker beside it, a clock that stands."""

import uuid
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import httpx

from services.attendance.application.closing import Closing
from services.attendance.application.previewing import Previewing
from services.attendance.application.recompute import Recompute
from services.attendance.application.record_scans import RecordScans
from services.attendance.settings import Settings
from services.attendance.storage.closing import PostgresClosing
from services.attendance.storage.looking import PostgresViews
from services.attendance.storage.looks import PostgresLooks
from services.attendance.storage.machines import PostgresMachines, adopt_zone
from services.attendance.storage.recomputations import PostgresRecomputations
from services.attendance.storage.recording import PostgresRecordings
from services.attendance.storage.scheduling import PostgresScheduling
from services.attendance.wiring import build
from shared.contracts.event import Version
from shared.contracts.machines import MachineChanged
from shared.contracts.scans import ScanReceived
from shared.runtime.peers import LocalTransport
from shared.storage.database import Database
from shared.web.scope import Caller
from shared.web.tokens import Tokens
from tests.fakes.bus import FakeBus

ZONE = "Asia/Dhaka"
SECRET = "a secret of this test alone, long enough"
NAMESPACE = uuid.UUID("7b1f2f3e-0000-4000-8000-000000000001")
ROLES = ("admin", "hr", "head", "employee", "trainer", "device", "nobody")


@dataclass
class StandingClock:
    """Says what it was told."""

    time: datetime

    def now(self) -> datetime:
        return self.time


@dataclass
class Office:
    """An attendance service with an API."""

    database: Database
    clock: StandingClock
    bus: FakeBus
    client: httpx.AsyncClient
    record: RecordScans
    recompute: Recompute
    closing: Closing
    previewing: Previewing
    callers: dict[str, Caller] = field(
        default_factory=lambda: {
            "admin": Caller(user=1, username="admin", roles=frozenset({"super_admin"})),
            "hr": Caller(user=2, username="hr", roles=frozenset({"hr"})),
            "device": Caller(user=3, username="door", roles=frozenset({"device"})),
            "nobody": Caller(user=4, username="guest", roles=frozenset()),
        }
    )

    async def ask(
        self, method: str, path: str, *, by: str | None = "hr", expect: int | None = 200, **options: Any
    ) -> httpx.Response:
        """A request by somebody in a role; the path is below /api/attendance/."""
        headers = dict(options.pop("headers", {}))
        if by is not None:
            token = Tokens(SECRET).sign(self.callers[by], now=self.clock.now(), lasts=timedelta(hours=1))
            headers["Authorization"] = f"Bearer {token}"
        url = path if path.startswith("/") else f"/api/attendance/{path}"
        answer = await self.client.request(method, url, headers=headers, **options)
        if expect is not None:
            assert answer.status_code == expect, f"{method} {url}: {answer.status_code} {answer.text[:500]}"
        return answer

    async def get(self, path: str, *, by: str = "hr", **parameters: Any) -> Any:
        """The JSON of a GET that succeeds."""
        return (await self.ask("GET", path, by=by, params=parameters)).json()

    async def refused(self, path: str, expected: int, /, *, by: str = "hr", **parameters: Any) -> str:
        """The sentence of a GET that is refused."""
        answer = await self.ask("GET", path, by=by, expect=expected, params=parameters)
        assert answer.headers["content-type"] == "application/problem+json"
        return str(answer.json()["error"])

    async def import_people(self, *lines: str, expect: int = 200, by: str = "hr", **parameters: Any) -> Any:
        body = "\n".join(lines).encode()
        headers = {"Content-Type": "text/csv"}
        answer = await self.ask(
            "POST", "employees/import/", by=by, expect=expect, content=body, headers=headers, params=parameters
        )
        return answer.json()

    async def scan(self, badge: str, *moments: str, **changed: Any) -> None:
        """Scans at local times such as "2024-01-15 08:00", through the worker."""
        await self.record([scan_of(badge, moment, **changed) for moment in moments])

    async def machine(self, **changed: Any) -> None:
        facts: dict[str, Any] = {
            "machine_id": 1,
            "machine": "door",
            "name": "Front door",
            "machine_type": "zkteco",
            "site_id": 1,
            "zone": ZONE,
            "department": None,
            "location": None,
            "status": "active",
            "reports_by_itself": True,
            "is_connected": True,
            "last_scan_at": None,
            "reported_until": None,
            "version": Version(1, 1),
        }
        await PostgresMachines(self.database).apply([MachineChanged(**(facts | changed))])

    async def settle(self) -> None:
        """Do all recomputations that wait, and all runs."""
        while await self.recompute.next() or await self.previewing.next():
            pass

    async def ids(self) -> dict[str, int]:
        """Everybody's id by their code."""
        return {row["employee_id"]: row["id"] for row in await self.get("employees/")}

    async def sql(self, query: str, *arguments: object) -> Sequence[Any]:
        async with self.database.fast() as pg:
            rows: Sequence[Any] = await pg.fetch(query, *arguments)
        return rows


def scan_of(badge: str, moment: str, **changed: Any) -> ScanReceived:
    """A scan at a local time such as "2024-01-15 08:00"."""
    local = datetime.fromisoformat(moment)
    zone = changed.get("zone", ZONE)
    facts: dict[str, Any] = {
        "scan_id": uuid.uuid5(NAMESPACE, f"{changed.get('machine_id', 1)}|{badge}|{local.isoformat()}"),
        "machine_id": 1,
        "machine": "door",
        "site_id": 1,
        "badge": badge,
        "device_time": moment,
        "local_time": local,
        "zone": zone,
        "at": local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC),
        "quality": "ok",
        "state": "0",
        "type": "IN",
        "received_at": datetime(2024, 2, 1, tzinfo=UTC),
    }
    return ScanReceived(**(facts | changed))


@asynccontextmanager
async def office_on(url: str) -> AsyncIterator[Office]:
    """The service on a migrated database, at noon in Dhaka on Monday, 15 January 2024."""
    database = Database(url, schema="attendance")
    await adopt_zone(database, 1, ZONE)
    clock = StandingClock(datetime(2024, 1, 15, 6, 0, tzinfo=UTC))
    bus = FakeBus()
    async with httpx.AsyncClient() as peers:
        service = build(
            Settings(timezone=ZONE), database=database, bus=bus, peers=peers, clock=clock, tokens=Tokens(SECRET)
        )
        async with httpx.AsyncClient(transport=LocalTransport(service.app), base_url="http://attendance") as client:
            recordings = PostgresRecordings(database)
            yield Office(
                database=database,
                clock=clock,
                bus=bus,
                client=client,
                record=RecordScans(recordings, clock),
                recompute=Recompute(PostgresRecomputations(database), recordings, clock),
                closing=Closing(PostgresClosing(database), recordings, clock),
                previewing=Previewing(
                    PostgresLooks(database), PostgresViews(database), PostgresScheduling(database), clock
                ),
            )
    await database.close()
