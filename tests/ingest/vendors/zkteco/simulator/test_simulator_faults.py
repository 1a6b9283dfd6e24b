"""Each fault does what its name says; seen by a client that sees every byte."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.vendors.faults import WrongFault
from services.ingest.vendors.zkteco.simulator import Device, Faults, Running, simulator
from services.ingest.vendors.zkteco.simulator.faults import FAULTS, parsed
from tests.ingest.fakes import FakeClock, until
from tests.ingest.vendors.zkteco.simulator.raw import Raw, raw

MORNING = datetime(2026, 1, 5, 8)
RECORDS = 100
WHOLE = 4 + 40 * RECORDS


def held() -> Device:
    device = Device(users=["1", "2", "3"], clock=FakeClock(datetime(2026, 1, 5, 12, tzinfo=UTC)))
    for number in range(RECORDS):
        device.record_at(str(1 + number % 3), MORNING + timedelta(minutes=number))
    return device


@asynccontextmanager
async def terminal(*named: str, device: Device | None = None) -> AsyncIterator[Running]:
    async with simulator(device or held(), faults=parsed(named)) as running:
        yield running


@asynccontextmanager
async def connected(*named: str, device: Device | None = None) -> AsyncIterator[Raw]:
    async with terminal(*named, device=device) as running, raw(running) as client:
        await client.connect()
        yield client


async def pieces(client: Raw, until: int) -> list[int]:
    """Sizes of the reads in which so many bytes came."""
    sizes: list[int] = []
    async with asyncio.timeout(10):
        while sum(sizes) < until:
            sizes.append(len(await client.reader.read(1 << 20)))
    return sizes


CHUNK = bytes(4) + WHOLE.to_bytes(4, "little")
ANSWER = 16 + 8 + 4 * 16 + WHOLE + 16
"""PREPARE, four DATA, OK."""


async def test_without_faults_packets_come_one_by_one() -> None:
    async with connected() as client:
        await client.prepare()
        client.say(1504, CHUNK)
        assert await pieces(client, ANSWER) == [24, 1024, 1024, 1024, 16 + WHOLE - 3 * 1008, 16]


async def test_burst_sends_all_packets_of_an_answer_in_one_piece() -> None:
    async with connected("burst") as client:
        await client.prepare()
        client.say(1504, CHUNK)
        assert await pieces(client, ANSWER) == [ANSWER]


async def test_split_sends_everything_in_small_pieces() -> None:
    async with connected("split=7") as client:
        client.say(201)
        assert await pieces(client, 20) == [7, 7, 6]


async def test_a_split_download_is_complete_all_the_same() -> None:
    device = held()
    async with simulator(device, faults=Faults(split=3), pace=0) as running, raw(running) as client:
        await client.connect()
        assert await client.download() == device.log_set()


async def test_cut_hangs_up_after_so_many_bytes() -> None:
    async with terminal("cut=1500") as running, raw(running) as client:
        await client.connect()
        await client.prepare()
        client.say(1504, CHUNK)
        assert 16 + 29 + len(await client.rest()) == 1500


async def test_a_half_frame_is_followed_by_nothing() -> None:
    async with connected("half-frame") as client:
        await client.prepare()
        client.say(1504, CHUNK)
        assert (await client.packet()).code == 1500
        assert len(await client.reader.readexactly(512)) == 512
        client.say(201)
        assert await client.silence()


async def test_a_huge_frame_claims_a_gigabyte() -> None:
    async with connected("huge-frame") as client:
        await client.prepare()
        client.say(1504, CHUNK)
        assert (await client.packet()).code == 1500
        assert await client.reader.readexactly(8) == bytes.fromhex("5050827d00000040")


async def test_garbage_stands_before_a_download() -> None:
    async with connected("garbage") as client:
        await client.prepare()
        client.say(1504, CHUNK)
        assert (await client.packet()).code == 1500
        assert (await client.reader.readexactly(5)) == b"HTTP/"


async def test_a_wrong_checksum_is_on_every_packet() -> None:
    async with terminal("wrong-checksum") as running, raw(running) as client:
        assert not (await client.connect()).sound
        assert not (await client.ask(201)).sound


async def test_silent_takes_connections_and_never_answers() -> None:
    async with terminal("silent") as running, raw(running) as client:
        client.say(1000)
        assert await client.silence()
        assert running.connections == 1


async def test_silent_may_begin_later() -> None:
    async with terminal("silent=2") as running, raw(running) as client:
        await client.connect()
        await client.ask(201)
        client.say(201)
        assert await client.silence()


async def test_slow_waits_before_each_answer() -> None:
    async with terminal("slow=0.1") as running, raw(running) as client:
        begun = time.monotonic()
        await client.connect()
        assert time.monotonic() - begun >= 0.1


async def test_one_connection_hangs_up_on_the_second_and_takes_the_next_after_the_first() -> None:
    async with terminal("one-connection") as running:
        async with raw(running) as first:
            await first.connect()
            async with raw(running) as second:
                assert await second.rest() == b""
            assert (await first.ask(201)).code == 2000
            await first.ask(1001)
        await until(lambda: not running.connections)
        async with raw(running) as following:
            assert (await following.connect()).code == 2000


async def test_a_late_reply_comes_before_the_right_one() -> None:
    async with connected("late-reply") as client:
        first = await client.ask(201)
        assert (first.code, first.reply) == (2000, 0)
        assert (await client.packet()).reply == 1
        assert (await client.ask(201)).reply == 1
        assert (await client.packet()).reply == 2


async def test_an_event_stands_in_the_middle_of_a_download() -> None:
    device = held()
    before = device.log_set()
    async with terminal("event-in-download=2", device=device) as running, raw(running) as client:
        await client.connect()
        await client.prepare()
        packets = await client.chunk(0, WHOLE)
        assert [packet.code for packet in packets] == [1500, 500, 1501, 500, 1501, 1501, 1501, 2000]
        assert b"".join(packet.data for packet in packets if packet.code == 1501) == before
        assert len(device.entries) == RECORDS + 2


async def test_an_event_stands_between_a_request_and_its_small_answer() -> None:
    device = Device(users=["1"])
    async with connected("event-in-download", device=device) as client:
        assert (await client.prepare()).code == 500
        assert (await client.packet()).data == bytes(4)


async def test_others_hear_of_who_scanned_during_a_download() -> None:
    async with terminal("event-in-download") as running, raw(running) as listener, raw(running) as reader:
        await listener.connect()
        await listener.ask(500, b"\1\0\0\0")
        await reader.connect()
        assert len(await reader.download()) == WHOLE
        assert (await listener.packet()).code == 500


@pytest.mark.parametrize(("named", "counted"), [("count-off", 101), ("count-off=-1", 99), ("count-off=+7", 107)])
async def test_the_count_is_off(named: str, counted: int) -> None:
    async with connected(named) as client:
        sizes = await client.ask(50)
        assert int.from_bytes(sizes.data[32:36], "little") == counted
        assert len(await client.download()) == WHOLE


async def test_chunks_are_refused_so_often() -> None:
    async with connected("chunk-error=2") as client:
        await client.prepare()
        assert [(await client.ask(1504, CHUNK)).code for _ in range(2)] == [2001, 2001]
        assert (await client.chunk(0, WHOLE))[0].code == 1500


async def test_a_short_chunk_lacks_its_end() -> None:
    async with connected("short-chunk=40") as client:
        await client.prepare()
        packets = await client.chunk(0, WHOLE)
        assert packets[0].data[:4] == WHOLE.to_bytes(4, "little")
        assert sum(len(packet.data) for packet in packets if packet.code == 1501) == WHOLE - 40


@pytest.mark.parametrize(
    ("named", "shown"),
    [
        ("clock=+3600", datetime(2026, 1, 5, 13)),
        ("clock=-90", datetime(2026, 1, 5, 11, 58, 30)),
        ("clock-reset", datetime(2000, 1, 1)),
    ],
)
async def test_the_clock_is_wrong_and_goes_on_from_there(named: str, shown: datetime) -> None:
    clock = FakeClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    device = Device(clock=clock)
    async with terminal(named, device=device):
        assert device.wall() == shown
        clock.forward(timedelta(minutes=1))
        assert device.wall() == shown + timedelta(minutes=1)


async def test_a_clock_drifts_by_so_many_seconds_a_day() -> None:
    clock = FakeClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    device = Device(clock=clock)
    async with terminal("drift=-4.5", device=device):
        clock.forward(timedelta(days=10))
        assert device.wall() == datetime(2026, 1, 15, 11, 59, 15)


async def test_cyclic_delete_keeps_the_count_and_drops_the_oldest() -> None:
    device = held()
    oldest = device.entries[RECORDS - 10]
    async with terminal("cyclic-delete=10", device=device) as running:
        assert (len(device.entries), device.entries[0]) == (10, oldest)
        await running.scan("1")
        assert len(device.entries) == 10
        assert oldest not in device.entries
        assert len(device.log_set()) == 4 + 10 * 40


async def test_impossible_dates_are_spread_over_the_log() -> None:
    device = held()
    good = device.log_set()
    async with connected("impossible-dates=5", device=device) as client:
        read = await client.download()
        times = [read[start + 27 : start + 31] for start in range(4, WHOLE, 40)]
        spoilt = [number for number, time in enumerate(times) if time == (0x321E4600 + 8 * 3600).to_bytes(4, "little")]
        assert spoilt == [0, 20, 40, 60, 80]
        assert len(read) == len(good)


async def test_records_of_an_unknown_size_hold_no_badge_that_one_could_find() -> None:
    async with connected("unknown-record-size=23") as client:
        read = await client.download()
        assert len(read) == 4 + 23 * RECORDS


async def test_old_firmware_does_not_know_of_pieces() -> None:
    async with connected("old-firmware") as client:
        assert (await client.prepare()).code == 65535


def test_every_fault_has_a_name_and_every_name_a_fault() -> None:
    assert {name.replace("-", "_") for name in FAULTS} == set(Faults.__dataclass_fields__)


@pytest.mark.parametrize("name", FAULTS)
def test_every_example_is_understood(name: str) -> None:
    fault = FAULTS[name]
    assert parsed([f"{name}={fault.example}" if fault.example else name]) != Faults()


def test_faults_are_named_with_or_without_a_number() -> None:
    assert parsed(["split", "cut=99", "silent", "clock=+60"]) == Faults(
        split=3, cut=99, silent=0, clock=timedelta(minutes=1)
    )


@pytest.mark.parametrize(
    ("named", "sentence"),
    [
        ("spilt=3", r"There is no fault 'spilt'\. There are: burst, split, cut"),
        ("split=0", r"split=0 is not understood; a number is, such as split=3"),
        ("split=", "split= is not understood"),
        ("cut=many", "cut=many is not understood"),
        ("burst=3", "burst takes no number: all packets"),
        ("clock", r"clock needs a number, such as clock=\+3600"),
        ("slow=nan", "slow=nan is not understood"),
        ("clock=99999999999999999", "is not understood"),
    ],
)
def test_what_is_no_fault_is_refused_with_a_sentence(named: str, sentence: str) -> None:
    with pytest.raises(WrongFault, match=sentence):
        parsed([named])


async def test_a_confirmation_has_no_answer_that_could_be_slow() -> None:
    async with terminal("slow=0.5") as running, raw(running) as client:
        await client.connect()
        began = time.monotonic()
        for _ in range(50):
            client.say(2000)
        await client.ask(201)
        assert time.monotonic() - began < 5


async def test_who_is_cut_off_is_gone_at_once_whatever_they_had_asked() -> None:
    async with terminal("slow=0.5", "one-connection") as running, raw(running) as client:
        for _ in range(50):
            client.say(1000)
        await until(lambda: len(running.received) > 0)
        running.kill()
        running.kill()
        await until(lambda: running.connections == 0, within=3)
