"""What tests of watched machines share."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import httpx

from services.ingest.domain.reading import Batch, Mode
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import readings, until

MACHINES = "/api/attendance/machines/"
GATE = {"machine_id": "gate", "name": "Gate", "machine_type": "fake"}


def batch(number: int = 1, *, mode: Mode = Mode.LIVE, complete_until: datetime | None = None, **values: Any) -> Batch:
    return Batch(
        readings=readings(number, **values), mode=mode, received_at=datetime.now(UTC), complete_until=complete_until
    )


async def shown(hr: httpx.AsyncClient, machine: str = "gate") -> dict[str, Any]:
    return (await hr.get(f"{MACHINES}{machine}/")).json()


async def eventually(
    hr: httpx.AsyncClient, condition: Callable[[dict[str, Any]], object], *, machine: str = "gate"
) -> dict[str, Any]:
    async with asyncio.timeout(30):
        while True:
            found = await shown(hr, machine)
            if condition(found):
                return found
            await asyncio.sleep(0.02)


async def told(ingest: Ingest, kind: type, number: int) -> list[Any]:
    await until(lambda: len(ingest.bus.events(kind)) >= number)
    return ingest.bus.events(kind)


async def entered(ingest: Ingest, number: int) -> None:
    """Wait until so many scans are in the ledger, from where they are recognised."""
    async with asyncio.timeout(10), ingest.parts.database.fast() as pg:
        while await pg.fetchval("SELECT count(*) FROM ledger") < number:  # noqa: ASYNC110 - a row is no event
            await asyncio.sleep(0.02)
