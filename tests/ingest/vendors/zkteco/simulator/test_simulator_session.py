"""What a terminal answers, byte by byte and command by command."""

import asyncio
import struct
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import repeat

import pytest

from services.ingest.vendors.zkteco.simulator import Device, User, simulator
from services.ingest.vendors.zkteco.simulator.device import LogFull, NobodyThere
from services.ingest.vendors.zkteco.simulator.encoding import LAYOUTS
from tests.ingest.fakes import FakeClock, until
from tests.ingest.vendors.zkteco.simulator.raw import raw

SESSION = 0x45CF
TOP = "5050827d"


def bytes_of(*texts: str) -> bytes:
    return b"".join(bytes.fromhex(text) for text in texts)


def user_row(uid: int, user_id: str, name: str) -> bytes:
    return struct.pack("<HB8s24sIB8x24s", uid, 0, b"", name.encode(), 0, 1, user_id.encode())


WORKED = [
    ("connect", "08000000 e803 17fc 0000 0000", "08000000 d507 5bb2 cf45 0000"),
    ("authenticate", "0c000000 4e04 4198 cf45 0100 6de1323c", "08000000 d007 5fb2 cf45 0100"),
    ("disable", "08000000 eb03 43b6 cf45 0200", "08000000 d007 5eb2 cf45 0200"),
    (
        "serial number",
        "16000000 0b00 1f71 cf45 0300" + b"~SerialNumber\0".hex(),
        "24000000 d007 ceba cf45 0300" + b"~SerialNumber=AIOR192960031\0".hex(),
    ),
    ("time", "08000000 c900 63b9 cf45 0400", "0c000000 d007 829f cf45 0400 56df8333"),
    (
        "sizes",
        "08000000 3200 f9b9 cf45 0500",
        "64000000 d007 883f cf45 0500"
        + struct.pack("<23i", *[0] * 4, 2, 0, 0, 0, 2, *[0] * 5, 3000, 10000, 100000, 3000, 9998, 99998, 0, 0, 0).hex(),
    ),
    (
        "log",
        "13000000 df05 46a7 cf45 0a00 01 0d00 00000000 00000000",
        "5c000000 dd05 9728 cf45 0a00 50000000"
        + f"0100 31303031{'00' * 20} 01 809ccf31 00 00000000 ff000000"
        + f"0200 31303032{'00' * 20} 01 a59ccf31 01 00000000 ff000000",
    ),
    ("enable", "08000000 ea03 3bb6 cf45 0b00", "08000000 d007 55b2 cf45 0b00"),
    ("events", "0c000000 f401 2bb8 cf45 1000 01000000", "08000000 d007 50b2 cf45 1000"),
]
EVENT = f"28000000 f401 8874 0100 0000 31303031{'00' * 20} 01 00 1a0a05080116"
ACKNOWLEDGED = "08000000 d007 60b2 cf45 0000"
EXIT = ("08000000 e903 35b6 cf45 1200", "08000000 d007 4eb2 cf45 1200")


async def test_a_session_is_the_one_that_was_captured_byte_by_byte() -> None:
    clock = FakeClock(datetime(2026, 11, 22, 5, 53, 26, tzinfo=UTC))
    device = Device(clock=clock, serial="AIOR192960031", comm_key=12_345, users=["1001", "1002"])
    device.record_at("1001", datetime(2026, 1, 1, 8))
    device.record_at("1002", datetime(2026, 1, 1, 8, 0, 37), state=1)
    async with simulator(device, sessions=repeat(SESSION)) as running, raw(running) as client, asyncio.timeout(10):
        for what, asked, answered in WORKED:
            client.writer.write(bytes_of(TOP, asked))
            expected = bytes_of(TOP, answered)
            assert (await client.reader.readexactly(len(expected))).hex(" ") == expected.hex(" "), what
        clock.present = datetime(2026, 10, 5, 8, 1, 22, tzinfo=UTC)
        await running.scan("1001")
        event = bytes_of(TOP, EVENT)
        assert (await client.reader.readexactly(len(event))).hex(" ") == event.hex(" ")
        client.writer.write(bytes_of(TOP, ACKNOWLEDGED))
        await until(lambda: running.acknowledged)
        client.writer.write(bytes_of(TOP, EXIT[0]))
        assert await client.reader.readexactly(16) == bytes_of(TOP, EXIT[1])


async def test_a_large_set_comes_in_chunks_as_captured() -> None:
    device = Device()
    for number in range(30):
        device.record_at(str(1001 + number), datetime(2026, 1, 1, 8) + timedelta(seconds=37 * number))
    async with simulator(device, sessions=repeat(SESSION)) as running, raw(running) as client:
        await client.connect()
        client.reply = 6
        prepared = await client.prepare()
        assert (prepared.code, prepared.reply) == (2000, 6)
        assert prepared.data.hex() == "00b4040000b404000012345678"
        packets = await client.chunk(0, 1204)
        assert [(packet.code, len(packet.data), packet.reply) for packet in packets] == [
            (1500, 8, 7),
            (1501, 1008, 7),
            (1501, 196, 7),
            (2000, 0, 7),
        ]
        assert packets[0].data.hex() == "b4040000f0030000"
        assert (packets[1].data + packets[2].data)[:4].hex() == "b0040000"
        assert (await client.ask(1502)).code == 2000


async def test_users_come_as_rows_of_72_bytes_with_their_length_before_them() -> None:
    device = Device(users=[User(uid=7, user_id="A17", name="Amina")])
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        assert await client.download(9, 5) == b"\x48\0\0\0" + user_row(7, "A17", "Amina")


async def test_old_terminals_have_rows_of_28_bytes() -> None:
    person = User(uid=7, user_id="1001", name="JOHN", password="12345", card=222, group=0)
    async with simulator(Device(layout="16", users=[person])) as running, raw(running) as client:
        await client.connect()
        row = "0700 00 3132333435 4a4f484e00000000 de000000 00 00 0000 e9030000"
        assert await client.download(9, 5) == bytes_of("1c000000", row)


@pytest.mark.parametrize(
    ("layout", "record"),
    [
        ("8", "0700 01 52b54433 00"),
        ("8b", "0700 01 00 52b54433"),
        ("16", "e9030000 52b54433 01 00 0000 00000000"),
        ("40", f"0700 31303031{'00' * 20} 01 52b54433 00 00000000 ff000000"),
        ("49", f"0700 31303031{'00' * 20} 01 52b54433 00 00000000 ff000000 00ff00000000000000"),
    ],
)
async def test_a_record_is_laid_out_as_its_kind_of_terminal_does_it(layout: str, record: str) -> None:
    device = Device(layout=layout, users=[User(uid=7, user_id="1001")])
    device.record_at("1001", datetime(2026, 10, 5, 8, 1, 22))
    expected = bytes_of(record)
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        assert await client.download() == len(expected).to_bytes(4, "little") + expected


@pytest.mark.parametrize(
    ("code", "data", "answered", "with_data"),
    [
        (11, b"~Platform\0", 2000, b"~Platform=ZMM220_TFT\0"),
        (11, b"IsSupportABCPin\0", 2000, b"IsSupportABCPin=1\0"),
        (11, b"NoSuchOption\0", 2001, b""),
        (12, b"SDKBuild=1\0", 2000, b""),
        (69, b"", 2000, b"\x18"),
        (1100, b"", 2000, b"Ver 6.60 Apr 26 2016\0"),
        (60, b"", 2000, b""),
        (62, b"", 2000, b""),
        (1013, b"", 2000, b""),
        (1503, b"\x01", 65533, b""),
        (1503, bytes.fromhex("0122000000000000000000"), 1501, bytes(4)),
        (1504, struct.pack("<ii", 0, 100), 2001, b""),
        (8, b"", 65535, b""),
        (9999, b"", 65535, b""),
    ],
)
async def test_every_command_has_its_answer(code: int, data: bytes, answered: int, with_data: bytes) -> None:
    async with simulator(Device()) as running, raw(running) as client:
        await client.connect()
        client.reply = 4711
        answer = await client.ask(code, data)
        assert (answer.code, answer.data, answer.reply) == (answered, with_data, 4711)


async def test_the_state_stands_in_the_sessions_place() -> None:
    device = Device()
    device.state = 3
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        assert (await client.ask(64)).session == 3


async def test_nothing_is_told_to_who_has_not_connected() -> None:
    async with simulator(Device(comm_key=5)) as running, raw(running) as client:
        assert (await client.ask(201)).code == 2005
        assert (await client.connect()).code == 2005
        assert (await client.ask(201)).code == 2005
        assert (await client.ask(1102, b"\1\2\3\4")).code == 2005


async def test_the_clock_can_be_set_and_not_to_what_is_no_time() -> None:
    device = Device(zone="Asia/Dhaka")
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        assert (await client.ask(202, bytes.fromhex("52b54433"))).code == 2000
        assert timedelta(0) <= device.wall() - datetime(2026, 10, 5, 8, 1, 22) < timedelta(seconds=5)
        assert (await client.ask(202, bytes.fromhex("00461e32"))).code == 2001


async def test_the_log_can_be_cleared_as_other_software_does_it() -> None:
    device = Device()
    device.record_at("1", datetime(2026, 1, 1))
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        assert (await client.ask(15)).code == 2000
        assert await client.download() == bytes(4)


async def test_a_log_that_grows_while_it_is_read_is_read_as_it_was() -> None:
    device = Device()
    for _ in range(100):
        device.record_at("1", datetime(2026, 1, 1))
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        await client.prepare()
        await running.scan("1")
        assert (await client.chunk(0, 4004))[0].code == 1500
        assert (await client.ask(1504, struct.pack("<ii", 4004, 40))).code == 2001
        assert len(await client.download()) == 4 + 101 * 40


async def test_scans_are_told_to_all_who_asked_and_to_nobody_else() -> None:
    async with (
        simulator(Device(users=["1"])) as running,
        raw(running) as one,
        raw(running) as two,
        raw(running) as deaf,
    ):
        for client in (one, two, deaf):
            await client.connect()
        for client in (one, two):
            await client.ask(500, b"\1\0\0\0")
        await running.scan("1")
        assert [(await client.packet()).session for client in (one, two)] == [1, 1]
        assert await deaf.silence()
        await two.ask(500, bytes(4))
        await running.scan("1")
        assert (await one.packet()).code == 500
        assert await two.silence()


async def test_who_is_off_can_be_reached_again_on_the_same_port_with_the_same_log() -> None:
    device = Device(users=["1"])
    async with simulator(device) as running:
        async with raw(running) as client:
            await client.connect()
            await running.off()
            with pytest.raises(ConnectionResetError):
                await client.rest()
        with pytest.raises(OSError, match="onnect"):
            async with raw(running):
                pass
        device.scan("1")
        await running.on()
        async with raw(running) as client:
            await client.connect()
            assert len(await client.download()) == 44


async def test_connections_are_cut_without_a_word() -> None:
    async with simulator(Device()) as running, raw(running) as client:
        await client.connect()
        running.kill()
        with pytest.raises(ConnectionResetError):
            await client.rest()
        await until(lambda: running.connections == 0)


async def test_any_bytes_can_be_sent() -> None:
    async with simulator(Device()) as running, raw(running) as client:
        await client.connect()
        await running.send(b"anything")
        assert await client.reader.readexactly(8) == b"anything"


async def test_it_remembers_what_it_was_asked() -> None:
    async with simulator(Device()) as running, raw(running) as client:
        await client.connect()
        await client.ask(201)
        assert [packet.code for packet in running.received] == [1000, 201]


async def test_old_firmware_sends_all_of_it_unasked() -> None:
    device = Device()
    device.buffered = False
    for _ in range(100):
        device.record_at("1", datetime(2026, 1, 1))
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        assert (await client.prepare()).code == 65535
        client.say(13)
        packets = await client.answer()
        assert packets[0].data == (4004).to_bytes(4, "little")
        assert sum(len(packet.data) for packet in packets[1:-1]) == 4004


async def test_who_sends_no_packet_is_hung_up_on() -> None:
    async with simulator(Device()) as running, raw(running) as client:
        client.writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert await client.rest() == b""


@pytest.mark.parametrize(
    ("size", "data"),
    [
        (10, "e903 01 00 1a0a05080116"),
        (12, "e9030000 01 00 1a0a05080116"),
        (14, "e903 01 00 1a0a05080116 00000000"),
        (32, f"31303031{'00' * 20} 01 00 1a0a05080116"),
        (36, f"31303031{'00' * 20} 01 00 1a0a05080116 {'00' * 4}"),
        (37, f"31303031{'00' * 20} 01 00 1a0a05080116 {'00' * 5}"),
        (52, f"31303031{'00' * 20} 01 00 1a0a05080116 {'00' * 20}"),
    ],
)
async def test_an_event_has_any_of_the_known_lengths(size: int, data: str) -> None:
    clock = FakeClock(datetime(2026, 10, 5, 8, 1, 22, tzinfo=UTC))
    device = Device(clock=clock, layout=replace(LAYOUTS["40"], event_size=size), users=["1001"])
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        await client.ask(500, b"\1\0\0\0")
        await running.scan("1001")
        assert (await client.packet()).data == bytes_of(data)


async def test_a_hundred_thousand_records_are_served_within_seconds() -> None:
    device = Device(users=["1"])
    for number in range(100_000):
        device.record_at("1", datetime(2026, 1, 1) + timedelta(seconds=number))
    async with simulator(device, pace=0) as running, raw(running) as client, asyncio.timeout(15):
        await client.connect()
        assert await client.download() == device.log_set()


async def test_a_full_log_refuses_and_the_terminal_goes_on() -> None:
    device = Device(users=["1"], record_capacity=1)
    device.scan("1")
    async with simulator(device) as running, raw(running) as client:
        await client.connect()
        with pytest.raises(LogFull, match="1 records already"):
            await running.scan("1")
        with pytest.raises(NobodyThere, match="'2' is no user"):
            await running.scan("2")
        assert (await client.ask(201)).code == 2000


async def test_who_was_deleted_leaves_their_records_and_nobody_gets_their_number() -> None:
    device = Device(layout="8", users=["11", "12"])
    device.scan("12")
    device.forget("12")
    assert device.enrol("13").uid == 3
    assert device.log_set()[4:6] == b"\2\0"
    assert len(device.user_set()) == 4 + 2 * 28


def test_an_event_tells_the_second_of_its_record_although_the_next_has_begun() -> None:
    clock = FakeClock(datetime(2026, 1, 5, 12, tzinfo=UTC))
    device = Device(users=["1"], clock=clock)
    entry = device.scan("1")
    clock.forward(timedelta(seconds=1))
    assert device.event(entry)[26:] == bytes([26, 1, 5, 12, 0, 0])
