"""The driver that docs/drivers.md has people start from keeps all promises, and reads a log to its end."""

import asyncio
from pathlib import Path

import pytest

from services.ingest.application.drivers import Unreachable
from services.ingest.domain.reading import Batch
from services.ingest.vendors.conformance import check
from services.ingest.vendors.conformance.quality import RULES
from services.ingest.vendors.discovery import in_folder
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeContact
from tests.ingest.vendors.following import gate

CLOCK = SystemClock()
DOCS = Path(__file__).parents[3] / "docs"
LOG = b"".join(b"%04d 2026-10-05 08:%02d:00\n" % (number, number % 60) for number in range(750))


def test_the_page_has_all_rules_in_their_order() -> None:
    rows = [line for line in (DOCS / "drivers.md").read_text().splitlines() if line.split("|")[1:2] and "`" in line]
    told = [line for line in rows if line.split("|")[1].strip() in RULES]
    assert told == [f"| {tier} | `{rule}` | {what} |" for tier, rules in RULES.items() for rule, what in rules.items()]


async def test_it_keeps_all_promises() -> None:
    folder = DOCS / "example_driver"
    found = [finding async for finding in check(in_folder(folder, CLOCK), folder, CLOCK, contact_for=0.5)]
    assert [finding for finding in found if finding.ok is False] == []


async def read_from(answer: bytes) -> list[Batch]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        assert await reader.readline() == b"LOG\n"
        writer.write(answer)
        await writer.drain()
        writer.close()

    batches: list[Batch] = []
    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        driver = in_folder(DOCS / "example_driver", CLOCK)
        machine = gate("example", server.sockets[0].getsockname()[1], {})
        async with driver.session(machine, FakeContact()) as session:  # type: ignore[attr-defined]
            try:
                async for batch in session.batches():
                    batches.append(batch)
            except Unreachable:
                batches.append(None)  # type: ignore[arg-type]
    return batches


async def test_it_reads_a_log_and_says_that_it_is_all() -> None:
    batches = await read_from(LOG + b"END\n")
    assert [len(batch.readings) for batch in batches] == [500, 250, 0]
    assert [batch.complete_until is not None for batch in batches] == [False, False, True]
    assert batches[0].readings[7].badge == "0007"


@pytest.mark.parametrize("end", [b"", b"END"], ids=["no end", "half an end"])
async def test_a_log_that_breaks_off_is_not_all(end: bytes) -> None:
    batches = await read_from(LOG + end)
    assert batches.pop() is None
    assert all(batch.complete_until is None for batch in batches)
