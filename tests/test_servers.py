"""The servers that the other tests rely on: that they are found, belong to one test alone, and can be broken."""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import aio_pika
import asyncpg
import pytest

from tests.servers import PostgresServer, PrivatePostgres, PrivateRabbit, RabbitServer
from tests.servers.rabbit import speaks_amqp


async def test_a_database_is_empty_and_the_tests_own(database: str, postgres_server: PostgresServer) -> None:
    connection = await asyncpg.connect(database)
    tables = "SELECT count(*) FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
    assert await connection.fetchval(tables) == 0
    assert await connection.fetchval("SELECT current_database()") in database
    await connection.close()


async def test_a_virtual_host_is_the_tests_own_and_quickly_made(vhost: str, rabbit_server: RabbitServer) -> None:
    async with await aio_pika.connect(vhost) as connection:
        channel = await connection.channel()
        await channel.declare_queue("q", durable=True, arguments={"x-queue-type": "quorum"})
    began = time.monotonic()
    rabbit_server.delete(rabbit_server.create())
    assert time.monotonic() - began < 2


async def test_a_private_postgres_survives_kill_and_thaws_after_a_freeze(private_postgres: PrivatePostgres) -> None:
    connection = await asyncpg.connect(private_postgres.url)
    await connection.execute("CREATE TABLE kept AS SELECT 7 AS number")
    await asyncio.to_thread(private_postgres.kill)
    await asyncio.to_thread(private_postgres.start)
    connection = await asyncpg.connect(private_postgres.url)
    private_postgres.freeze()
    with pytest.raises(TimeoutError):
        await connection.fetchval("SELECT number FROM kept", timeout=0.3)
    private_postgres.thaw()
    connection = await asyncpg.connect(private_postgres.url)
    assert await connection.fetchval("SELECT number FROM kept") == 7
    await connection.close()


@pytest.mark.slow
async def test_a_private_rabbit_is_killed_frozen_and_back(private_rabbit: PrivateRabbit) -> None:
    assert private_rabbit.erlang.evaluate("1 + 1.") == "2"
    private_rabbit.freeze()
    assert not await asyncio.to_thread(speaks_amqp, "127.0.0.1", private_rabbit.port)
    private_rabbit.thaw()
    await asyncio.to_thread(private_rabbit.kill)
    assert not await asyncio.to_thread(speaks_amqp, "127.0.0.1", private_rabbit.port)
    await asyncio.to_thread(private_rabbit.start)
    async with await aio_pika.connect(private_rabbit.url) as connection:
        channel = await connection.channel()
        # What was declared less than some five seconds before the kill is not looked for: RabbitMQ 3.10 keeps the
        # name of such a quorum queue and loses its members, so that nothing answers for it any more.
        await channel.declare_queue("new", durable=True, arguments={"x-queue-type": "quorum"})


def test_what_was_left_out_is_said_in_the_very_last_lines() -> None:
    environment = {name: value for name, value in os.environ.items() if name != "MUSTER_REAL_DATA"}
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", __file__, "-k", "virtual_host"],
        cwd=Path(__file__).parents[1],
        env={**environment, "MUSTER_TEST_BUS_URL": "none"},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stdout + run.stderr
    *_, loud, file = run.stdout.strip().splitlines()
    assert loud.startswith("!!! 1 TESTS DID NOT RUN: no RabbitMQ could be had. Install one")
    assert file == "!!!   tests/test_servers.py (1)"
