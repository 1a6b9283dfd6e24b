"""What the gateway needs around it: services that keep the contract of API §3, events, and a clock to turn."""

import asyncio
import inspect
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import uuid4

import httpx
from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse, StreamingResponse
from pwdlib.hashers.argon2 import Argon2Hasher

from services.gateway.application.passwords import Passwords
from services.gateway.application.users import Users
from services.gateway.settings import Settings
from services.gateway.storage.accounts import PostgresStore
from services.gateway.wiring import build
from shared.contracts.days import DayUpdated, ScanOfDay
from shared.contracts.event import Version
from shared.contracts.people import BadgeHeld, PersonChanged
from shared.contracts.scans import ScanReceived
from shared.runtime.hosting import hosted
from shared.runtime.peers import connect_peers
from shared.runtime.service import Service
from shared.runtime.serving import served
from shared.storage.database import Database
from shared.web.tokens import Tokens
from tests.fakes.bus import FakeBus
from tests.fakes.machines import Fleet, add_machines

SECRET = "a secret of the tests that is long enough for every algorithm that an attacker may try"
PASSWORD = "correct horse battery"
TODAY = date(2024, 1, 15)
NOON = datetime(2024, 1, 15, 12, 0, tzinfo=UTC)


class TurnableClock:
    """Real time plus what a test turned it by."""

    def __init__(self) -> None:
        self.turned = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.turned

    def turn(self, by: timedelta) -> None:
        self.turned += by


def quick_passwords() -> Passwords:
    """argon2id as always, but for its cost."""
    return Passwords(Argon2Hasher(time_cost=1, memory_cost=1024, parallelism=1))


@dataclass
class Seen:
    """What a fake service was asked."""

    requests: list[dict[str, Any]] = field(default_factory=list)


def fake_attendance(seen: Seen | None = None, rows: list[dict[str, Any]] | None = None) -> FastAPI:
    """Attendance as far as the page and the tests of forwarding need it."""
    app = FastAPI(title="Muster attendance", docs_url=None, redoc_url=None)
    asked = seen if seen is not None else Seen()
    shown = rows if rows is not None else [summary_row(n) for n in range(1, 13)]

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/attendance/system-status/")
    async def status() -> dict[str, Any]:
        return {"business_date": TODAY.isoformat(), "is_running": True, "total_machines": 3, "connected_machines": 2}

    @app.get("/api/attendance/daily-attendance/summary/")
    async def summary(request: Request) -> JSONResponse:
        _note(asked, request)
        return JSONResponse(shown, headers={"X-Total-Count": str(len(shown)), "ETag": '"7"'})

    @app.api_route(
        "/api/attendance/echo/{rest:path}",
        methods=["GET", "POST", "PUT", "DELETE", "PATCH", "HEAD"],
        include_in_schema=False,
    )
    async def echo(request: Request) -> JSONResponse:
        _note(asked, request)
        body = await request.body()
        said = {
            "method": request.method,
            "path": request.url.path,
            "query": request.url.query,
            "headers": dict(request.headers),
            "body": body.decode("latin-1"),
        }
        return JSONResponse(
            said,
            headers={
                "X-Total-Count": "3",
                "Link": '</next>; rel="next"',
                "ETag": '"1"',
                "Connection": "X-Hop",
                "X-Hop": "1",
            },
        )

    @app.get("/api/attendance/no-slash")
    async def no_slash() -> None:
        """Starlette answers its address with a slash by a redirect."""

    @app.post("/api/attendance/count/")
    async def count(request: Request) -> dict[str, int]:
        chunks = size = 0
        async for chunk in request.stream():
            chunks += bool(chunk)
            size += len(chunk)
        return {"chunks": chunks, "size": size}

    @app.get("/api/attendance/drip/")
    async def drip() -> StreamingResponse:
        async def drops() -> AsyncIterator[bytes]:
            yield b"first"
            await asyncio.Event().wait()

        return StreamingResponse(drops())

    @app.get("/api/attendance/stuck/")
    async def stuck(request: Request) -> None:
        while not await request.is_disconnected():  # noqa: ASYNC110 - Starlette offers nothing to wait for
            await asyncio.sleep(0.02)

    @app.get("/api/attendance/bug/")
    async def bug() -> None:
        raise RuntimeError("on purpose")

    return app


def _note(seen: Seen, request: Request) -> None:
    seen.requests.append({"path": request.url.path, "headers": dict(request.headers)})


def fake_ingest(fleet: Fleet | None = None) -> FastAPI:
    """A service that is there, with machines."""
    app = FastAPI(title="Muster ingest", docs_url=None, redoc_url=None)

    @app.get("/health/ready")
    async def ready() -> dict[str, str]:
        return {"status": "ok"}

    @app.get("/api/attendance/machines/")
    async def machines() -> list[dict[str, Any]]:
        return []

    @app.post("/api/ingest/scans/")
    async def scans(request: Request) -> dict[str, Any]:
        return {"headers": dict(request.headers)}

    add_machines(app, fleet if fleet is not None else Fleet())

    return app


_NAMES = (
    "Ahmed Khan",
    "Fatima Begum",
    "Rahim Uddin",
    "Nasrin Akter",
    "José Álvarez",
    "李娜",
    "Amina Yusuf",
    "Ole Hansen",
)
_DEPARTMENTS = ("Sewing", "Cutting", "Finishing", "Office")


def summary_row(number: int, **changed: Any) -> dict[str, Any]:
    """A row of the summary (API §3)."""
    status = ("Present-OnTime", "Present-OnTime", "Present-Late", "Absent", "Leave-Casual", "Present-OnTime")[
        number % 6
    ]
    present = status.startswith("Present")
    scans = [{"time": "08:00", "type": "IN"}, {"time": "17:30", "type": "OUT"}] if present else []
    row = {
        "employee_id": f"EMP{number:03}",
        "employee_name": _NAMES[number % len(_NAMES)],
        "department": _DEPARTMENTS[number % len(_DEPARTMENTS)],
        "designation": "Senior Tailor",
        "level_of_work": "Worker",
        "date": TODAY.isoformat(),
        "status": status,
        "check_in": "08:00" if present else None,
        "check_out": "17:30" if present and number % 2 else None,
        "working_hours": 8.5 if present else 0.0,
        "overtime": 0.5 if present and number % 3 == 0 else 0.0,
        "extra_overtime": 0.0,
        "attendance_count": len(scans),
        "scans": scans,
        "state": "provisional",
    }
    return {**row, **changed}


def person(
    number: int, *, badge: str | None = None, unit_path: tuple[int, ...] = (), n: int = 1, **changed: Any
) -> PersonChanged:
    """A person as attendance announces one."""
    values: dict[str, Any] = {
        "person_id": number,
        "code": f"EMP{number:03}",
        "name": _NAMES[number % len(_NAMES)],
        "email": None,
        "department": "Sewing",
        "unit_id": unit_path[0] if unit_path else None,
        "unit_path": list(unit_path),
        "designation": None,
        "level_of_work": "Worker",
        "site_id": 1,
        "joined_on": None,
        "left_on": None,
        "badges": [BadgeHeld(badge=badge or str(number))],
        "version": Version(epoch=1, n=n),
        **changed,
    }
    return PersonChanged(**values)


def scan(badge: str, *, at: datetime = NOON, mode: str = "live", **changed: Any) -> ScanReceived:
    """A scan as ingest announces one."""
    values: dict[str, Any] = {
        "scan_id": uuid4(),
        "machine_id": 1,
        "machine": "gate-1",
        "site_id": 1,
        "badge": badge,
        "device_time": "2024-01-15 18:00:00",
        "local_time": (at + timedelta(hours=6)).replace(tzinfo=None),
        "zone": "Asia/Dhaka",
        "at": at,
        "quality": "ok",
        "state": "0",
        "type": "IN",
        "received_at": at,
        "mode": mode,
        **changed,
    }
    return ScanReceived(**values)


def day(
    number: int, *, unit_path: tuple[int, ...] = (), live: bool = True, worked: int = 505, **changed: Any
) -> DayUpdated:
    """A day as attendance announces one."""
    values: dict[str, Any] = {
        "person_id": number,
        "employee_id": f"EMP{number:03}",
        "employee_name": _NAMES[number % len(_NAMES)],
        "department": "Sewing",
        "designation": "Senior Tailor",
        "level_of_work": "Worker",
        "unit_path": list(unit_path),
        "site_id": 1,
        "zone": "Asia/Dhaka",
        "date": TODAY,
        "status": "Present-OnTime",
        "first_in": NOON,
        "last_out": None,
        "check_in": "08:00",
        "check_out": None,
        "worked_minutes": worked,
        "overtime_minutes": 30,
        "extra_overtime_minutes": 0,
        "late_minutes": 0,
        "early_departure_minutes": 0,
        "shortfall_minutes": 0,
        "snacks_eligible": False,
        "night_bill_eligible": False,
        "flags": [],
        "total_scans": 1,
        "scans": [ScanOfDay(time="08:00", type="IN")],
        "computed_at": NOON,
        "live": live,
        "version": Version(epoch=1, n=1),
        **changed,
    }
    return DayUpdated(**values)


@dataclass(frozen=True, kw_only=True)
class Gateway:
    """A gateway that runs, on sockets of its own."""

    service: Service
    bus: FakeBus
    clock: TurnableClock
    tokens: Tokens
    database: Database
    http: httpx.AsyncClient
    port: int
    live_port: int
    users: Users

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def live_url(self) -> str:
        return f"ws://127.0.0.1:{self.live_port}/"

    async def sign_in(self, username: str = "admin", password: str = PASSWORD) -> dict[str, Any]:
        """Tokens, and who it is."""
        answer = await self.http.post("/api/auth/token/", json={"username": username, "password": password})
        assert answer.status_code == 200, answer.text
        self.http.cookies.clear()
        granted: dict[str, Any] = answer.json()
        return granted

    async def bearer(self, username: str = "admin", password: str = PASSWORD) -> dict[str, str]:
        """The header of somebody signed in."""
        return {"Authorization": f"Bearer {(await self.sign_in(username, password))['access']}"}

    async def user(self, username: str, *roles: str, units: tuple[int, ...] = (), person: int | None = None) -> int:
        """A user to be, with the usual password."""
        draft = await self.users.draft(username, PASSWORD, roles=roles, units=units, person=person)
        async with self.users.transaction() as accounts:
            return (await self.users.add(accounts, draft, by=None)).id


@asynccontextmanager
async def running_gateway(
    url: str,
    *,
    local: dict[str, Any] | None = None,
    remote: dict[str, str] | None = None,
    settings: Settings | None = None,
    host: str = "127.0.0.1",
) -> AsyncIterator[Gateway]:
    """A gateway on a migrated database, with `admin` in it."""
    clock, bus, tokens = TurnableClock(), FakeBus(), Tokens(SECRET)
    database = Database(url, schema="gateway")
    peers = connect_peers(
        local if local is not None else {"attendance": fake_attendance(), "ingest": fake_ingest()}, remote or {}
    )
    passwords = quick_passwords()
    users = Users(PostgresStore(database), passwords, clock)
    await users.ensure_administrator(PASSWORD)
    service = build(
        settings or Settings(), database=database, bus=bus, peers=peers, clock=clock, tokens=tokens, passwords=passwords
    )
    try:
        async with (
            hosted([service], bus),
            served(service.app, host=host, port=0) as port,
            served(dict(service.endpoints)["live"], host=host, port=0) as live_port,
            httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=10) as http,
        ):
            await until(lambda: bus.ears == 1)
            yield Gateway(
                service=service, bus=bus, clock=clock, tokens=tokens, database=database, http=http, port=port,
                live_port=live_port, users=users,
            )  # fmt: skip
    finally:
        await peers.aclose()
        await database.close()


async def until(holds: Callable[[], Any], *, within: float = 30.0) -> None:
    """Wait for a condition, which may be a coroutine function."""
    async with asyncio.timeout(within):
        while True:
            answer = holds()
            if await answer if inspect.isawaitable(answer) else answer:
                return
            await asyncio.sleep(0.01)
