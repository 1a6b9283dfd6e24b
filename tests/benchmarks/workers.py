"""Broker → committed days: real worker processes on RabbitMQ and PostgreSQL, next to plain INSERTs of the same rows."""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from datetime import datetime
from typing import Any

import asyncpg

from shared.bus.opening import open_bus
from shared.bus.port import Delivery, Message, Refusal, Subscription
from shared.contracts.scans import ScanReceived
from tests.benchmarks.company import hire, live_mix, log_of_few, messages
from tests.benchmarks.installation import fresh, service, standing_still
from tests.benchmarks.plain import plain_inserts
from tests.benchmarks.report import heading, line, paired, rate, say
from tests.servers import PostgresServer, RabbitServer

MET_IN = 44_000
"""Scans of two days: enough for two workers to meet everybody."""
LOOK_EVERY = 0.03
"""Seconds, at the end."""


async def bench_workers(postgres: PostgresServer, rabbit: RabbitServer, *, scans: int, rounds: int) -> None:
    """Prints scans a second with one and with two workers, for two kinds of input."""
    heading(f"Broker → committed days ({scans:,} scans, 500 a message, {rounds} rounds)")
    kinds: list[tuple[str, Callable[[int], list[ScanReceived]]]] = [
        ("live mix (5,000 people)", live_mix),
        ("a long log of 200 people", log_of_few),
    ]
    for name, make in kinds:
        rows = make(scans)
        sent = messages(rows)
        plain, one, two = [], [], []
        for number in range(rounds):
            say(f"{name}, round {number + 1} of {rounds}")
            with fresh(postgres, rabbit) as (database, _):
                await hire(database)
                plain.append(await plain_inserts(database, rows))
            one.append(await through_workers(postgres, rabbit, sent, len(rows), workers=1))
            two.append(await through_workers(postgres, rabbit, sent, len(rows), workers=2))
        line(f"{name}: plain INSERT … unnest … ON CONFLICT", rate(plain))
        line(f"{name}: one worker", rate(one), f"{paired(one, plain):.2f} of plain")
        line(f"{name}: two workers", rate(two), f"{paired(two, plain):.2f} of plain, {paired(two, one):.2f} of one")


async def through_workers(
    postgres: PostgresServer, rabbit: RabbitServer, sent: Sequence[Message], scans: int, *, workers: int
) -> float:
    """Scans a second from the moment that all of them wait in the queue until the last, and its day, is committed.

    The workers have met the people in two days of scans before, as they have in production, and stand still (SIGSTOP)
    while the queue is filled: what is measured is their work, not their start, nor the publisher's work.
    """
    before = live_mix(MET_IN, start=datetime(2026, 1, 5), seed=3)
    with fresh(postgres, rabbit) as (database, broker):
        await hire(database)
        async with AsyncExitStack() as stack:
            bus = await stack.enter_async_context(open_bus(broker, name="bench"))
            # Somebody has to want what the workers announce; reports does, in production.
            await bus.declare([Subscription(queue="bench.days", patterns=("attendance.#",), handle=_never)])
            running = [await stack.enter_async_context(service("attendance", database, broker)) for _ in range(workers)]
            pg = await asyncpg.connect(database)
            stack.push_async_callback(pg.close)
            await asyncio.gather(*(bus.publish(message) for message in messages(before)))
            await _all_stored(pg, len(before))
            with standing_still(running):
                await asyncio.gather(*(bus.publish(message) for message in sent))
            started = time.perf_counter()
            await _all_stored(pg, len(before) + scans)
            took = time.perf_counter() - started
            counted = await pg.fetchval("SELECT sum(used + merged) FROM attendance.days")
            if counted != len(before) + scans:
                raise AssertionError(f"{len(before) + scans} scans were stored, and {counted} are in days")
            return scans / took


async def _all_stored(pg: "asyncpg.Connection[Any]", wanted: int) -> None:
    """Nothing tells from outside that the last one is committed; counting often would slow down what is measured."""
    started = time.perf_counter()
    first = stored = await pg.fetchval("SELECT count(*) FROM attendance.scans")
    while stored < wanted:
        passed = time.perf_counter() - started
        left = passed * (wanted - stored) / (stored - first) if stored > first else 1.0
        await asyncio.sleep(min(max(left / 2, LOOK_EVERY), 1.0))
        stored = await pg.fetchval("SELECT count(*) FROM attendance.scans")


async def _never(_: Sequence[Delivery]) -> Sequence[Refusal]:
    raise AssertionError("declared, not consumed")
