"""Terminals that push (ADMS): posts a second until acknowledged, next to another package's endpoint."""

import asyncio
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

from tests.benchmarks.company import ZONE, hire
from tests.benchmarks.installation import administrator, fresh, service
from tests.benchmarks.report import heading, line, paired, rate, say
from tests.servers import PostgresServer, RabbitServer
from tests.servers.ports import free_port

PEOPLE = 200
AT_ONCE = 8
"""Posts under way; each over a connection of its own, as terminals make them."""
SERIALS = [f"T{number}" for number in range(AT_ONCE)]
POSTS = {"ours": {1: 4_000, 100: 1_000}, "peer": {1: 400, 100: 40}}
"""How many, by how many scans each has: enough for some seconds."""
LOOK_EVERY = 0.1


async def bench_adms(postgres: PostgresServer, rabbit: RabbitServer, *, rounds: int) -> None:
    """Prints posts a second of single scans and of hundreds, by ingest and by `django-fingerprint-attendance`."""
    heading(f"ADMS: posts acknowledged, {AT_ONCE} terminals at once, days computed beside it ({rounds} rounds)")
    found: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds):
        for size in (1, 100):
            say(f"{size} a post, round {number + 1} of {rounds}")
            async with _ours(postgres, rabbit) as (url, database):
                found.setdefault(("ours", size), []).append(await _posted(url, "ours", size))
                await _all_in_days(database, POSTS["ours"][size] * size)
            async with _peer() as url:
                found.setdefault(("peer", size), []).append(await _posted(url, "peer", size))
    for size in (1, 100):
        ours, peer = found["ours", size], found["peer", size]
        line(f"django-fingerprint-attendance under gunicorn: {size} a post", rate(peer, "posts/s"))
        line(f"ingest: {size} a post", rate(ours, "posts/s"), f"{paired(ours, peer):.0f} × the peer")


@asynccontextmanager
async def _ours(postgres: PostgresServer, rabbit: RabbitServer) -> AsyncIterator[tuple[str, str]]:
    with fresh(postgres, rabbit) as (database, broker):
        await hire(database)
        async with service("attendance", database, broker), service("ingest", database, broker) as (url, _):
            async with httpx.AsyncClient(base_url=url, headers=administrator(), trust_env=False) as client:
                for serial in SERIALS:
                    body = {"machine_id": serial, "machine_type": "zkteco", "serial": serial, "zone": ZONE}
                    (await client.post("/api/attendance/machines/", json=body)).raise_for_status()
            await _greeted(url)
            yield url, database


@asynccontextmanager
async def _peer() -> AsyncIterator[str]:
    """One worker on SQLite, as its documentation begins: it computes a day within each post."""
    port = free_port()
    with tempfile.TemporaryDirectory() as folder:
        environment: Mapping[str, str] = {**os.environ, "PEER_DATABASE": str(Path(folder, "peer.db"))}
        site = "tests.benchmarks.peer_site"
        await asyncio.to_thread(
            subprocess.run, [sys.executable, "-m", site, str(PEOPLE), *SERIALS], env=environment, check=True
        )
        command = [sys.executable, "-m", "gunicorn", f"{site}:application", "-b", f"127.0.0.1:{port}"]
        gunicorn = subprocess.Popen(  # noqa: ASYNC220 - it takes a millisecond, and nothing is being measured yet
            [*command, "--log-level", "warning", "--no-control-socket"], env=environment
        )
        try:
            url = f"http://127.0.0.1:{port}"
            await _greeted(url)
            yield url
        finally:
            gunicorn.terminate()
            gunicorn.wait(30)


async def _greeted(url: str) -> None:
    """All terminals shake hands, once the endpoint is there and knows them."""
    waiting = list(SERIALS)
    async with httpx.AsyncClient(base_url=url, trust_env=False) as client, asyncio.timeout(30):
        while waiting:
            try:
                if (await client.get(f"/iclock/cdata?SN={waiting[-1]}&options=all")).status_code == 200:
                    waiting.pop()
                    continue
            except httpx.TransportError:
                pass
            await asyncio.sleep(LOOK_EVERY)


async def _posted(url: str, whose: str, size: int) -> float:
    """Posts a second until all are acknowledged."""
    host, port = httpx.URL(url).host, httpx.URL(url).port
    bodies = _bodies(POSTS[whose][size], size)

    async def terminal(serial: str) -> None:
        for body in bodies:
            head = (
                f"POST /iclock/cdata?SN={serial}&table=ATTLOG&Stamp=9999 HTTP/1.1\r\nHost: {host}\r\n"
                f"Content-Length: {len(body)}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
            )
            reader, writer = await asyncio.open_connection(host, port)
            writer.write(head.encode() + body)
            answer = await reader.read()
            writer.close()
            _, _, told = answer.partition(b"\r\n\r\n")
            if not re.search(rb"^OK: ?%d\s" % size, told + b"\n", re.MULTILINE):  # the peer's is chunked
                raise AssertionError(f"{whose} answered {answer[-200:]!r}")

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for serial in SERIALS:
            tasks.create_task(terminal(serial))
    return POSTS[whose][size] / (time.perf_counter() - started)


def _bodies(posts: int, size: int) -> Iterator[bytes]:
    """Everybody in turn, a minute apart, none twice."""
    moment = datetime(2026, 1, 5, 8)
    for post in range(posts):
        numbers = range(post * size, (post + 1) * size)
        lines = [
            f"{1 + number % PEOPLE}\t{moment + timedelta(minutes=number // PEOPLE)}\t0\t1\t0\t0\n" for number in numbers
        ]
        yield "".join(lines).encode()


async def _all_in_days(database: str, scans: int) -> None:
    pg = await asyncpg.connect(database)
    try:
        async with asyncio.timeout(120):
            # Nothing tells from outside that the last one is committed.
            while await pg.fetchval("SELECT coalesce(sum(used + merged), 0) FROM attendance.days") < scans:  # noqa: ASYNC110
                await asyncio.sleep(LOOK_EVERY)
    finally:
        await pg.close()
