"""Imports through a real server and socket, where a body is not in memory."""

from collections.abc import AsyncIterator

import httpx

from shared.runtime.serving import served
from tests.ingest.conftest import Ingest

IMPORT = "/api/attendance/scans/import/"


async def large(start: bytes) -> AsyncIterator[bytes]:
    yield start
    for _ in range(500):
        yield b"x" * 65_536


async def test_a_refused_file_is_answered_although_it_is_still_being_sent(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    async with (
        served(ingest.service.app, host="127.0.0.1", port=0) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", headers=hr.headers, timeout=60) as client,
    ):
        for zone, start, error in (
            ("UTC", b"\x89PNG\r\n\x1a\n", "this is a PNG picture, not a log of a machine"),
            ("Mars", b"1\t", "timezone: 'Mars' is not an IANA time zone, such as Asia/Dhaka"),
        ):
            answer = await client.post(IMPORT, params={"machine": "m", "timezone": zone}, content=large(start))
            assert (answer.status_code, answer.json()["error"]) == (400, error)
