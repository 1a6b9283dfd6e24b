"""What years of use do to a machine of any make: clocks that are wrong, texts of its country, power that goes."""

import asyncio
import socket
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading, Unreadable
from services.ingest.domain.scan import Naming
from services.ingest.vendors.generic.driver import Generic
from services.ingest.vendors.generic.framers import framer
from services.ingest.vendors.generic.interpreting import Interpreter
from services.ingest.vendors.generic.lines import StreamPeer
from services.ingest.vendors.generic.settings import read
from shared.kernel.clock import SystemClock

NOW = datetime(2026, 10, 5, 9, tzinfo=UTC)
BERLIN: dict[str, Any] = {"zone": "Europe/Berlin", "machine_type": "generic", "machine_id": "gate", "name": "Gate"}


def records(of: Mapping[str, Any], sent: bytes, *, zone: str = "UTC") -> list[Reading | Unreadable]:
    """What it says, in its order."""
    settings = read({"profile": "csv", "connection": {"side": "client"}, **of})
    framing, interpreter = framer(settings.framing), Interpreter(settings, ZoneInfo(zone))
    heard = [interpreter.hear(frame, NOW) for frame in framing.feed(sent)]
    return [record for each in heard for record in (*each.readings, *each.unreadable)]


def readings(of: Mapping[str, Any], sent: bytes, *, zone: str = "UTC") -> list[Reading]:
    return [record for record in records(of, sent, zone=zone) if isinstance(record, Reading)]


@pytest.mark.parametrize("encoding", ["gbk", "big5", "utf-8", "utf-16-be"])
def test_a_badge_is_read_in_the_encoding_of_its_country(encoding: str) -> None:
    line = "王7,2026-10-05 08:01:22,in,1\r\n"
    of = {"decoding": {"encoding": encoding}, "framing": {"kind": "fixed", "length": len(line.encode(encoding))}}
    (reading,) = readings(of, line.encode(encoding))
    assert (reading.badge, reading.local_time) == ("王7", datetime(2026, 10, 5, 8, 1, 22))


def test_bytes_that_are_no_text_stay_visible_and_always_the_same() -> None:
    line = b"J\xf6rg,2026-10-05 08:01:22,in,1\r\n"
    assert [reading.badge for reading in readings({}, line * 2)] == ["J\\xf6rg"] * 2
    assert [reading.badge for reading in readings({"decoding": {"encoding": "cp1252"}}, line)] == ["Jörg"]


@pytest.mark.parametrize(
    ("form", "time", "local", "offset"),
    [
        ("epoch_seconds", b"1791187282", datetime(2026, 10, 5, 10, 1, 22), timedelta(hours=2)),
        ("epoch_seconds_local", b"1791187282", datetime(2026, 10, 5, 8, 1, 22), None),
        ("iso", b"2026-10-05T08:01:22Z", datetime(2026, 10, 5, 10, 1, 22), timedelta(hours=2)),
        ("iso", b"2026-10-05T08:01:22", datetime(2026, 10, 5, 8, 1, 22), None),
    ],
)
def test_times_without_a_zone_are_of_its_place_and_so_are_those_with_a_wrong_one_where_that_is_said(
    form: str, time: bytes, local: datetime, offset: timedelta | None
) -> None:
    (reading,) = readings({"times": [form]}, b"7," + time + b",in,1\r\n", zone="Europe/Berlin")
    assert (reading.local_time, reading.offset) == (local, offset)


def test_an_impossible_date_costs_its_own_record_alone() -> None:
    first, second, third = records({}, b"".join(b"7,2026-02-%d 08:00:00,in,1\r\n" % day for day in (27, 30, 28)))
    assert isinstance(first, Reading)
    assert isinstance(second, Unreadable)
    assert second.raw.startswith(b"7,2026-02-30")
    assert isinstance(third, Reading)


def test_scans_of_one_second_and_of_years_ago_are_taken_and_the_latter_of_a_lost_clock_are_quarantined() -> None:
    times = (b"7,2026-10-05 08:00:00,in", b"8,2026-10-05 08:00:00,in", b"7,2026-10-05 08:00:00,out")
    lost = (b"7,1970-01-01 06:27:32,in", b"7,2000-01-01 00:00:05,in")
    taken = readings({}, b"".join(one + b",1\r\n" for one in (*times, b"7,2023-03-01 08:00:00,in", *lost)))
    naming = Naming(Machine(id=1, created_at=NOW, updated_at=NOW, **BERLIN))
    scans = list(naming.scans(Batch(readings=taken, mode=Mode.REPLAY, received_at=NOW)))
    assert len({scan.id for scan in scans}) == 6
    assert [scan.quality.quarantined for scan in scans] == [False] * 4 + [True] * 2


async def test_the_network_finds_out_about_a_machine_that_lost_power_within_a_minute() -> None:
    """Its connection stands for hours otherwise, as it may be silent for as long as it likes."""
    settings = Generic(SystemClock()).validated({"profile": "csv", "connection": {"side": "client"}})
    assert settings["connection"].get("silence") is None
    async with await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", 0) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        StreamPeer(reader, writer, framer(read({"profile": "csv"}).framing))
        line: socket.socket = writer.get_extra_info("socket")
        asked = [line.getsockopt(socket.IPPROTO_TCP, option) for option in (socket.TCP_KEEPIDLE, socket.TCP_KEEPINTVL)]
        times = line.getsockopt(socket.IPPROTO_TCP, socket.TCP_KEEPCNT)
        assert line.getsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE)
        assert asked[0] + times * asked[1] <= 60
        writer.close()
