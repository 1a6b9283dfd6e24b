"""What years of use do to a terminal that calls: its clock is lost and set, and it was away for days."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until


@pytest.fixture
async def terminal(ingest: Ingest, hr: httpx.AsyncClient) -> AsyncIterator[httpx.AsyncClient]:
    """A terminal that is registered, as a client."""
    body = {"machine_id": "gate", "machine_type": "zkteco", "serial": "S1", "zone": "UTC"}
    assert (await hr.post(MACHINES, json=body)).status_code == 201
    calls = httpx.ASGITransport(ingest.service.app, client=("10.0.0.7", 40000))
    async with httpx.AsyncClient(transport=calls, base_url="http://ingest") as client:
        yield client


async def post(terminal: httpx.AsyncClient, table: str, *lines: str) -> str:
    answer = await terminal.post(f"/iclock/cdata?SN=S1&table={table}&Stamp=9999", content="\n".join(lines) + "\n")
    assert answer.status_code == 200, answer.text
    return answer.text


def line(badge: str, at: datetime | str, state: int = 0) -> str:
    return (
        f"{badge}\t{at:%Y-%m-%d %H:%M:%S}\t{state}\t1\t\t0\t0\t" if isinstance(at, datetime) else f"{badge}\t{at}\t0\t1"
    )


def published(ingest: Ingest) -> dict[str, Any]:
    """Scans by their badge."""
    return {event.badge: event for event in ingest.bus.events(ScanReceived)}


def now() -> datetime:
    return datetime.now(UTC).replace(tzinfo=None, microsecond=0)


async def test_scans_of_days_ago_are_taken_after_those_of_today(ingest: Ingest, terminal: httpx.AsyncClient) -> None:
    async with ingest.running():
        assert await post(terminal, "ATTLOG", line("1", now())) == "OK:1"
        assert (
            await post(terminal, "ATTLOG", *(line(str(n), now() - timedelta(days=n)) for n in range(2, 12))) == "OK:10"
        )
        await until(lambda: len(published(ingest)) == 11)
        assert {event.quality for event in published(ingest).values()} == {"ok"}


async def test_scans_of_one_second_are_all_taken_and_in_two_posts_too(
    ingest: Ingest, terminal: httpx.AsyncClient
) -> None:
    async with ingest.running():
        at = now()
        assert await post(terminal, "ATTLOG", line("1", at), line("2", at), line("1", at)) == "OK:3"
        assert await post(terminal, "ATTLOG", line("1", at, state=1), line("3", at)) == "OK:2"
        await until(lambda: len({event.scan_id for event in ingest.bus.events(ScanReceived)}) == 4)


async def test_an_impossible_date_costs_its_own_line_alone(
    ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
) -> None:
    async with ingest.running():
        assert (
            await post(terminal, "ATTLOG", line("1", now()), line("2", "2026-02-30 08:00:00"), line("3", now()))
            == "OK:3"
        )
        await until(lambda: set(published(ingest)) == {"1", "3"})
        (kept,) = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
        assert bytes.fromhex(kept["raw"]).startswith(b"2\t2026-02-30")


async def test_scans_of_a_clock_that_was_lost_are_quarantined_until_it_is_set_and_that_is_told(
    ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
) -> None:
    async with ingest.running():
        await post(terminal, "ATTLOG", line("1", datetime(2000, 1, 1, 0, 5)))
        await post(terminal, "ATTLOG", line("2", now()))
        await until(lambda: len(published(ingest)) == 2)
        scans = published(ingest)
        assert (scans["1"].quality, scans["2"].quality) == ("implausible_past", "ok")
        at = now()
        await post(terminal, "OPERLOG", f"OPLOG 21\t1\t{at}\t0\t0\t0\t0")
        await eventually(hr, lambda m: f"its clock was set at the machine ({at})" in m["status_text"])
