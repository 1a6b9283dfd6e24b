"""Terminals that push (ADMS): posts a second until acknowledged, next to another package's endpoint."""

import asyncio
import contextlib
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections import deque
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncpg
import httpx

from tests.benchmarks.company import OFFSET, ZONE, hire
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
PEER = "django-fingerprint-attendance under gunicorn"
WAYS = ("ingest", "ingest, days computed beside it")
"""The peer computes a day within each post; here that is a worker's, which may run anywhere."""
LOOK_EVERY = 0.1


async def bench_adms(postgres: PostgresServer, rabbit: RabbitServer, *, rounds: int) -> None:
    """Prints posts a second of single scans and of hundreds, by ingest and by `django-fingerprint-attendance`."""
    heading(f"ADMS: posts acknowledged, {AT_ONCE} terminals at once ({rounds} rounds)")
    found: dict[tuple[str, int], list[float]] = {}
    for number in range(rounds):
        for size in (1, 100):
            say(f"{size} a post, round {number + 1} of {rounds}")
            for beside in (False, True):
                async with _ours(postgres, rabbit, beside=beside) as (url, database):
                    found.setdefault((WAYS[beside], size), []).append(await _posted(url, "ours", size))
                    if beside:
                        await _all_in_days(database, POSTS["ours"][size] * size)
            async with _peer() as url:
                found.setdefault((PEER, size), []).append(await _posted(url, "peer", size))
    for size in (1, 100):
        peer = found[PEER, size]
        line(f"{PEER}: {size} a post", rate(peer, "posts/s"))
        for way in WAYS:
            line(f"{way}: {size} a post", rate(found[way, size], "posts/s"), _times(found[way, size], peer))


def _times(ours: list[float], peer: list[float]) -> str:
    return f"{paired(ours, peer):.1f} × the peer"


@asynccontextmanager
async def _ours(postgres: PostgresServer, rabbit: RabbitServer, *, beside: bool) -> AsyncIterator[tuple[str, str]]:
    with fresh(postgres, rabbit) as (database, broker):
        await hire(database)
        async with service("attendance", database, broker) as worker, service("ingest", database, broker) as (url, _):
            if not beside:
                os.kill(worker.pid, signal.SIGSTOP)  # its queue is there, and nobody works at it
            async with httpx.AsyncClient(base_url=url, headers=administrator(), trust_env=False) as client:
                for serial in SERIALS:
                    body = {"machine_id": serial, "machine_type": "zkteco", "serial": serial, "zone": ZONE}
                    (await client.post("/api/attendance/machines/", json=body)).raise_for_status()
            await _greeted(url)
            try:
                yield url, database
            finally:
                os.kill(worker.pid, signal.SIGCONT)


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
    bodies = deque(_bodies(POSTS[whose][size], size))

    def terminal(serial: str) -> None:
        # A plain socket in a thread: terminals are many small machines, and ours is to cost as little as it can.
        while bodies:
            with contextlib.suppress(IndexError):
                body = bodies.popleft()
                head = (
                    f"POST /iclock/cdata?SN={serial}&table=ATTLOG&Stamp=9999 HTTP/1.1\r\nHost: {host}\r\n"
                    f"Content-Length: {len(body)}\r\nContent-Type: text/plain\r\nConnection: close\r\n\r\n"
                )
                with socket.create_connection((host, port), timeout=60) as line:
                    line.sendall(head.encode() + body)
                    answer = b"".join(iter(lambda: line.recv(65536), b""))
                _, _, told = answer.partition(b"\r\n\r\n")
                if not re.search(rb"^OK: ?%d\s" % size, told + b"\n", re.MULTILINE):  # the peer's is chunked
                    raise AssertionError(f"{whose} answered {answer[-200:]!r}")

    started = time.perf_counter()
    async with asyncio.TaskGroup() as tasks:
        for serial in SERIALS:
            tasks.create_task(asyncio.to_thread(terminal, serial))
    return POSTS[whose][size] / (time.perf_counter() - started)


def _bodies(posts: int, size: int) -> Iterator[bytes]:
    """Everybody in turn, none twice: single scans of just now, hundreds of a log that grew for days."""
    # By the wall clock of the zone; the last ones are still of the last minutes.
    moment = (datetime.now(UTC) + OFFSET).replace(microsecond=0, tzinfo=None) if size == 1 else datetime(2026, 1, 5, 8)
    apart = timedelta(seconds=1) if size == 1 else timedelta(minutes=1)
    for post in range(posts):
        numbers = range(post * size, (post + 1) * size)
        lines = [f"{1 + n % PEOPLE}\t{moment - apart * (n // PEOPLE)}\t0\t1\t0\t0\n" for n in numbers]
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
