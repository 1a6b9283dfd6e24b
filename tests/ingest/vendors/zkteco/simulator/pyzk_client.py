"""Reading a simulated terminal with pyzk, which nobody here wrote."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Any, TypeVar

from zk import ZK
from zk.exception import ZKNetworkError

from services.ingest.vendors.zkteco.simulator import Running

T = TypeVar("T")
Row = tuple[str, str, int, int]


async def with_pyzk(
    running: Running,
    use: Callable[[Any], T],
    *,
    comm_key: int = 0,
    patience: float = 10,
    attempts: int = 1,
    udp: bool = False,
) -> T:
    """What `use` makes of a connected pyzk, in a thread: it blocks.

    pyzk hangs, or breaks with a TypeError, where it is too slow for a packet to have a read of its own. With small
    packets on a busy machine that happens, and another attempt is the only remedy.
    """

    def visit() -> T:
        client = ZK(
            running.host, port=running.port, timeout=patience, password=comm_key, ommit_ping=True, force_udp=udp
        )
        connected = client.connect()
        try:
            return use(connected)
        finally:
            connected.disconnect()

    for _ in range(attempts - 1):
        with contextlib.suppress(OSError, TypeError, ZKNetworkError):
            return await asyncio.to_thread(visit)
    return await asyncio.to_thread(visit)


def log_of(client: Any) -> list[Row]:
    """Badge, wall time, verify and state of all records."""
    return [(row.user_id, str(row.timestamp), row.status, row.punch) for row in client.get_attendance()]
