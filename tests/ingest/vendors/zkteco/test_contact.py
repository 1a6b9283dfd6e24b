"""Contact with a simulated terminal over a socket: what is read of it, and what a person is told when it goes wrong."""

import asyncio
import random
from collections import Counter
from datetime import UTC, datetime, timedelta

import psutil
import pytest

from services.ingest.application.drivers import (
    Garbled,
    MachineTrouble,
    NotSetUp,
    OtherMachine,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.application.probing import probe
from services.ingest.domain.reading import Mode
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Faults, simulator
from services.ingest.vendors.zkteco.simulator.encoding import strange_layout
from services.ingest.vendors.zkteco.wire import MAY_BE_SENT, Code, Framer, Packet, frame
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.flood import broken_frames
from tests.ingest.vendors.zkteco.contact import STEPS, Following, device, following, ids_of, machine, trouble_of

# What is read


@pytest.mark.parametrize("layout", ["40", "49", "16", "8", "8b"])
async def test_the_whole_log_comes_first_and_then_what_happens(layout: str) -> None:
    terminal = device(1_700, layout=layout)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up, within=60)
        assert what.ids == ids_of(terminal)
        for number in range(10):
            await running.scan(str(1000 + number))
        await until(lambda: what.ids == ids_of(terminal))
        assert [b.mode for b in what.batches if b.readings].count(Mode.LIVE) >= 1
        assert what.trouble is None
        assert what.contact.warnings == {}


async def test_events_are_acknowledged_once_their_scans_were_taken() -> None:
    async with simulator(device(), pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        for number in range(7):
            await running.scan(str(1000 + number))
        await until(lambda: running.acknowledged == 7)


async def test_nothing_is_sent_that_changes_a_machine() -> None:
    async with simulator(device(), pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 3)
        await probe(machine(running.port), Zkteco(SystemClock()))
        assert {packet.code for packet in running.received} <= set(MAY_BE_SENT)


async def test_clock_counts_and_completeness_are_told_again_and_again() -> None:
    terminal = device(clock_offset=timedelta(seconds=90))
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 3)
        assert all(85 < offset.total_seconds() < 95 for offset in what.contact.offsets)
        assert what.contact.records[-1] == what.contact.received[-1] == 300


@pytest.mark.parametrize("layout", ["40", "16"])
@pytest.mark.parametrize(
    "faults",
    [
        Faults(burst=True),
        Faults(split=1),
        Faults(split=3),
        Faults(wrong_checksum=True),
        Faults(late_reply=True),
        Faults(event_in_download=5),
        Faults(count_off=1),
        Faults(count_off=-1),
        Faults(chunk_error=2),
        Faults(old_firmware=True),
        Faults(slow=0.02),
    ],
    ids=str,
)
async def test_a_terminal_that_is_hard_to_follow_is_read_completely_all_the_same(faults: Faults, layout: str) -> None:
    terminal = device(400, layout=layout)
    async with simulator(terminal, faults=faults, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up, within=60)
        await running.scan("1003")
        await until(lambda: what.ids == ids_of(terminal), within=60)
        assert what.trouble is None


@pytest.mark.parametrize("cut", [1, 9, 500, 5_000, 9_999])
async def test_a_line_that_is_cut_is_unreachable_and_what_was_whole_is_kept(cut: int) -> None:
    terminal = device(2_000)
    async with simulator(terminal, faults=Faults(cut=cut), pace=0) as running:
        driver = Zkteco(SystemClock())
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.trouble, within=60)
            assert isinstance(what.trouble, Unreachable)
            assert "closed the connection" in what.trouble.message or "broke" in what.trouble.message
            assert what.ids <= ids_of(terminal)
        running.faults = Faults()
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.ids == ids_of(terminal)


async def test_scans_made_while_nobody_listened_are_in_the_log_of_the_next_contact() -> None:
    terminal = device()
    async with simulator(terminal, pace=0) as running:
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up)
            await running.off()
            await until(lambda: what.trouble)
        terminal.scan("1001")
        await running.on()
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up)
            assert what.ids == ids_of(terminal)


async def test_a_scan_whose_event_never_came_is_found_by_the_count() -> None:
    terminal = device()
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        terminal.scan("1001")  # and nobody is told
        await until(lambda: what.ids == ids_of(terminal), within=60)


async def test_an_event_of_an_unknown_form_is_taken_from_the_log() -> None:
    terminal = device()
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        terminal.scan("1001")
        await running.tell(bytes(21))
        await until(lambda: what.ids == ids_of(terminal), within=60)
        assert "21 bytes" in what.contact.warnings["event not read"]


async def test_a_number_that_is_nobody_we_met_is_not_taken_for_a_badge() -> None:
    """A log of texts with leading zeros, and events that tell numbers: `0042` would become `42`."""
    terminal = device()
    terminal.enrol("0042")
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        entry = terminal.scan("0042")
        number = (42).to_bytes(4, "little") + bytes([1, 0]) + terminal.event(entry)[26:32]
        await running.tell(number)
        await until(lambda: what.ids == ids_of(terminal), within=60)
        assert "42" not in {reading.badge for reading in what.readings}


async def test_a_cyclic_log_loses_nothing_that_was_there_when_it_was_read() -> None:
    terminal = device(300, record_capacity=300, cyclic=50)
    before = ids_of(terminal)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        for number in range(10):
            await running.scan(str(1000 + number))
        await until(lambda: what.ids == before | ids_of(terminal), within=60)
        assert "100 % full" in what.contact.warnings["log full"]


async def test_a_full_log_is_read_again_although_its_count_stays() -> None:
    """Nobody was told of the scan, and it took the place of the oldest."""
    terminal = device(300, record_capacity=300, cyclic=1)
    before = ids_of(terminal)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        completed = what.completed
        terminal.scan("1001")
        await until(lambda: what.ids == before | ids_of(terminal), within=60)
        assert completed == 1
        await until(lambda: what.completed > 1)


async def test_a_log_that_is_shorter_than_its_count_is_read_twice_and_then_told() -> None:
    async with simulator(device(), faults=Faults(count_off=2), pace=0) as running:
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up)
            assert what.completed == 0
            await until(lambda: what.completed >= 2, within=60)
            assert (
                what.contact.warnings["log short"] == "it counts 302 records, and its log has 300 each time it is read"
            )
            assert (what.contact.records[-1], what.contact.received[-1]) == (302, 300)
            assert len(what.readings) == 600


@pytest.mark.parametrize("layout", ["40", "16", "8", "8b"])
async def test_the_log_of_a_clock_that_is_a_year_ahead_is_read(layout: str) -> None:
    ahead = timedelta(days=366)
    terminal = device(0, layout=layout, clock_offset=ahead)
    for number in range(50):
        terminal.record_at(str(1000 + number % 20), datetime.now(UTC).replace(tzinfo=None) + ahead / 2)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up or what.trouble)
        assert what.trouble is None
        assert what.ids == ids_of(terminal)


async def test_a_log_that_was_cleared_is_told() -> None:
    terminal = device()
    driver = Zkteco(SystemClock())
    async with simulator(terminal, pace=0) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
        terminal.clear_log()
        terminal.scan("1001")
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.contact.warnings["log cleared"] == "it holds 1 records and held 300: its log was cleared"


async def test_impossible_dates_are_kept_and_the_rest_is_read() -> None:
    terminal = device(500)
    terminal.spoil_dates(5)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 495
        assert {record.reason for record in what.unreadable} == {"the time 2026-02-30 08:00:00 does not exist"}
        assert all(len(record.raw) == 40 for record in what.unreadable)


async def test_a_user_who_was_deleted_is_nobody_until_a_person_says_who() -> None:
    terminal = device(60, layout="8")
    terminal.forget("1003")
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 60
        assert {reading.badge for reading in what.readings} - {e.user_id for e in terminal.entries} == {"uid:4"}
        assert "scans of 1 whom it has deleted" in what.contact.warnings["deleted users"]
        assert "1003" not in {reading.badge for reading in what.readings}


async def test_an_empty_machine_is_live_at_once() -> None:
    async with simulator(Device(), pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 2)
        assert what.readings == []


# What a person is told


async def test_a_wrong_key_is_told_at_once_and_differs_from_an_absent_machine() -> None:
    async with simulator(device(comm_key=12345), pace=0) as running:
        missing = await trouble_of(running)
        assert isinstance(missing, WrongCredentials)
        assert missing.message == "the machine wants a comm key and none is set; it is in its menu, under Comm."
        wrong = await trouble_of(running, config={"comm_key": 54321})
        assert isinstance(wrong, WrongCredentials)
        assert wrong.lasting
        assert "54321" not in wrong.message
        async with following(machine(running.port, config={"comm_key": 12345})) as what:
            await until(lambda: what.caught_up)


async def test_another_machine_at_the_address_is_not_read() -> None:
    async with simulator(device(serial="B2"), pace=0) as running:
        trouble = await trouble_of(running, serial="A1")
        assert isinstance(trouble, OtherMachine)
        assert "serial number B2, where A1 is registered" in trouble.message
        async with following(machine(running.port, serial="A1", aliases=("B2",))) as what:
            await until(lambda: what.caught_up)


async def test_a_machine_without_an_address_is_not_set_up() -> None:
    what = Following()
    await what.follow(Zkteco(SystemClock()), machine(1, ip_address=None))
    assert isinstance(what.trouble, NotSetUp)
    assert "set ip_address" in what.trouble.message


@pytest.mark.parametrize(
    ("faults", "kind", "said"),
    [
        (Faults(silent=0), Unreachable, "does not answer CONNECT within 0.5 s"),
        (Faults(silent=4), Unreachable, "does not answer"),
        (Faults(half_frame=True), Unreachable, "stopped in the middle of a packet"),
        (Faults(huge_frame=True), Garbled, "claims to have"),
        (Faults(garbage=True), Garbled, "a packet that begins with"),
        (Faults(short_chunk=40), Garbled, "breaks off"),
    ],
    ids=str,
)
async def test_each_trouble_has_its_sentence(faults: Faults, kind: type[MachineTrouble], said: str) -> None:
    async with simulator(device(), faults=faults, pace=0) as running:
        trouble = await trouble_of(running)
        assert isinstance(trouble, kind)
        assert said in trouble.message
        assert not trouble.lasting


async def test_a_user_table_that_breaks_off_is_not_kept_as_there_are_passwords_in_it() -> None:
    terminal = device(10, people=60, layout="8")
    async with simulator(terminal, faults=Faults(short_chunk=40), pace=0) as running:
        trouble = await trouble_of(running)
        assert "its users breaks off" in trouble.message
        assert trouble.evidence == b""


async def test_a_download_of_parts_without_an_end_is_broken_off() -> None:
    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        while some := await reader.read(65_536):
            for request in framer.feed(some):
                if request.code != Code.READ_SET:
                    writer.write(frame(Packet(Code.OK, 1, request.reply, b"\1" * 80)))
                    continue
                writer.write(frame(Packet(Code.PREPARE_DATA, 1, request.reply, b"\1" * 4)))
                for _ in range(100_000):
                    writer.write(frame(Packet(Code.DATA, 1, request.reply)))
                    await asyncio.sleep(0.001)
                    await writer.drain()
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        async with following(machine(server.sockets[0].getsockname()[1])) as what:
            await until(lambda: what.trouble)
            assert isinstance(what.trouble, Garbled)
            assert what.trouble.message == "its log has a part of no bytes"


async def test_records_of_no_known_form_are_kept_as_they_are() -> None:
    terminal = device(70)
    terminal.lay_out(strange_layout(23))
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, ProtocolBroken)
        assert "23 bytes for each of 70; the bytes are kept" in what.trouble.message
        assert [len(record.raw) for record in what.unreadable] == [23 * 70]


async def test_another_protocol_at_the_port_is_told_and_kept() -> None:
    async def speak(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        what = Following()
        await what.follow(Zkteco(SystemClock()), machine(server.sockets[0].getsockname()[1]))
        assert isinstance(what.trouble, ProtocolBroken)
        assert "does not speak ZKTeco's protocol" in what.trouble.message
        assert what.trouble.evidence.startswith(b"HTTP/1.1 400")


async def test_nobody_at_the_address_is_told_in_a_sentence(unused_tcp_port: int) -> None:
    what = Following()
    await what.follow(Zkteco(SystemClock()), machine(unused_tcp_port))
    assert isinstance(what.trouble, Unreachable)
    assert f"127.0.0.1:{unused_tcp_port} refuses the connection" in what.trouble.message


async def test_a_wrong_checksum_is_told_and_its_packet_taken() -> None:
    terminal = device()
    async with simulator(terminal, faults=Faults(wrong_checksum=True), pace=0) as running:
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up)
            assert "wrong checksum" in what.contact.warnings["checksum"]
            assert what.ids == ids_of(terminal)


# Trying the connection


async def test_a_connection_is_tried_step_by_step() -> None:
    async with simulator(device(comm_key=7, serial="S1"), pace=0) as running:
        steps = await probe(machine(running.port, serial="S1", config={"comm_key": 7}), Zkteco(SystemClock()))
        assert [step.step for step in steps] == STEPS
        assert all(step.ok for step in steps)
        assert steps[3].result == "S1"
        assert steps[5].result == "300 records of 100,000, 20 users"
        assert steps[6].result == (
            "Simulated, ZMM220_TFT, Ver 6.60 Apr 26 2016, who scans again within 1 min is not recorded (AlarmReRec)"
        )
        wrong = await probe(machine(running.port, config={"comm_key": 8}), Zkteco(SystemClock()))
        assert (wrong[-1].step, wrong[-1].ok) == ("authenticate", False)
        assert "refuses our comm key" in wrong[-1].result


# Whatever comes


@pytest.mark.parametrize("seed", range(20))
async def test_a_machine_that_says_anything_at_all_is_told_in_a_sentence(seed: int) -> None:
    """Packets that are whole, of any code and content: each ends in a state that a person can read, in time."""
    chance = random.Random(seed)

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        framer = Framer()
        while some := await reader.read(65_536):
            for request in framer.feed(some):
                for _ in range(chance.randrange(1, 4)):
                    code = chance.choice([Code.OK, Code.OK, Code.DATA, Code.PREPARE_DATA, Code.EVENT, Code.ERROR])
                    data = chance.randbytes(chance.choice([0, 1, 4, 5, 13, 80, 92, 400]))
                    session, reply = chance.choice([(7, request.reply), (1, request.reply), (1, 0)])
                    writer.write(frame(Packet(code, session, reply, data)))
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        what = Following()
        async with asyncio.timeout(20):
            for _ in range(20):
                await what.follow(
                    Zkteco(SystemClock()), machine(server.sockets[0].getsockname()[1], config={"answer_within": 0.05})
                )
                assert what.trouble is not None
                assert len(what.trouble.message) > 15


@pytest.mark.slow
@broken_frames
async def test_mutilated_frames_in_the_middle_of_a_contact_do_no_harm(frames: int) -> None:
    chance = random.Random(4370)
    terminal = device()
    memory = psutil.Process().memory_info().rss
    driver, sent, ended = Zkteco(SystemClock()), 0, Counter[str]()
    async with simulator(terminal, pace=0) as running:
        while sent < frames:
            async with following(machine(running.port), driver) as what:
                await until(lambda what=what: what.caught_up or what.trouble)
                for _ in range(20):
                    some = [mutilated(chance) for _ in range(100)]
                    await running.send(b"".join(some))
                    sent += len(some)
                    if what.trouble:
                        break
                await asyncio.sleep(0)
                if what.trouble is None:
                    await running.send(b"no packet")
                    await until(lambda what=what: what.trouble)
                assert what.trouble is not None
                ended[type(what.trouble).__name__] += 1
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.ids == ids_of(terminal)
    assert set(ended) <= {"Garbled", "Unreachable", "ProtocolBroken"}
    assert psutil.Process().memory_info().rss - memory < 100_000_000


def mutilated(chance: random.Random) -> bytes:
    """A frame with something wrong: mostly inside, so that what follows it is read too."""
    code = chance.choice([Code.EVENT, Code.EVENT, Code.DATA, Code.PREPARE_DATA, Code.OK, chance.randrange(65_536)])
    data = chance.randbytes(chance.choice([0, 3, 10, 12, 14, 32, 36, 52, 104, 500]))
    whole = bytearray(frame(Packet(code, chance.choice([1, 1, 7]), chance.randrange(65_536), data)))
    if chance.random() < 0.5:
        whole[chance.randrange(8, len(whole))] ^= 1 << chance.randrange(8)
    if chance.random() < 0.001:
        del whole[chance.randrange(len(whole)) :]
    return bytes(whole)
