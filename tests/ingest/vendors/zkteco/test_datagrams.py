"""A terminal over UDP, where datagrams are lost, doubled, late and damaged: everything once, or a clear sentence."""

import asyncio
import random
import socket
from collections.abc import Callable, Iterable
from typing import Any

import pytest
import uvloop

from services.ingest.application.drivers import (
    Garbled,
    MachineTrouble,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.application.probing import probe
from services.ingest.domain.machine import Machine
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Faults, Running, simulator
from services.ingest.vendors.zkteco.wire import MAY_BE_SENT, Code, Packet, decode, encode
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Invalid
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.contact import STEPS, Following, device, following, ids_of, machine
from tests.ingest.vendors.zkteco.relay import Fate, relay

WITHIN = 5.0
"""Seconds for an answer. What is lost is asked for again after the 0.3 s that do not depend on it."""


def by_udp(port: int, config: dict[str, Any] | None = None, **more: Any) -> Machine:
    return machine(port, config={"transport": "udp", "answer_within": WITHIN, **(config or {})}, **more)


def udp(terminal: Device, faults: Faults | None = None, **how: Any) -> Any:
    return simulator(terminal, faults=faults or Faults(), udp=True, pace=0, **how)


@pytest.mark.parametrize("layout", ["40", "49", "16", "8", "8b"])
async def test_the_whole_log_comes_first_and_then_what_happens(layout: str) -> None:
    terminal = device(1_700, layout=layout)
    async with udp(terminal) as running, following(by_udp(running.port)) as what:
        await until(lambda: what.caught_up, within=60)
        assert what.ids == ids_of(terminal)
        for number in range(10):
            await running.scan(str(1000 + number))
        await until(lambda: what.ids == ids_of(terminal), within=60)
        await until(lambda: running.acknowledged >= 10, within=60)
        assert what.trouble is None
        assert what.contact.warnings == {}
        assert {packet.code for packet in running.received} <= set(MAY_BE_SENT)
        assert running.connections == 1


@pytest.mark.parametrize(
    "faults",
    [
        Faults(lost_datagram=7),
        Faults(doubled_datagram=1),
        Faults(doubled_datagram=3),
        Faults(late_datagram=5),
        Faults(lost_datagram=11, doubled_datagram=3, late_datagram=7),
        Faults(wrong_checksum=True),
        Faults(late_reply=True),
        Faults(event_in_download=5),
        Faults(chunk_error=2),
        Faults(old_firmware=True),
        Faults(count_off=1),
    ],
    ids=[
        "lost",
        "all doubled",
        "doubled",
        "late",
        "lost, doubled and late",
        "a wrong checksum",
        "a late reply",
        "events in the download",
        "refused chunks",
        "old firmware",
        "a wrong count",
    ],
)
async def test_a_terminal_that_is_hard_to_follow_is_read_completely_all_the_same(faults: Faults) -> None:
    terminal = device(400)
    async with udp(terminal, faults) as running, following(by_udp(running.port)) as what:
        await until(lambda: what.caught_up, within=40)
        await running.scan("1003")
        await until(lambda: what.ids == ids_of(terminal), within=40)
        assert what.trouble is None


async def test_old_firmware_tells_its_users_too() -> None:
    """Its log has only their internal numbers."""
    terminal = device(60, layout="8")
    async with udp(terminal, Faults(old_firmware=True)) as running, following(by_udp(running.port)) as what:
        await until(lambda: what.caught_up or what.trouble, within=60)
        assert what.trouble is None
        assert what.ids == ids_of(terminal)


@pytest.mark.slow
async def test_twenty_thousand_records_come_through_air_that_loses_every_fiftieth_datagram() -> None:
    terminal = device(20_000, people=200)
    async with udp(terminal, Faults(lost_datagram=50)) as running:
        async with following(by_udp(running.port)) as what:
            await until(lambda: what.caught_up or what.trouble, within=100)
            assert what.trouble is None
            assert len(what.readings) == 20_000
            assert what.ids == ids_of(terminal)
            assert what.contact.received[-1] == 20_000


async def test_a_machine_that_sends_smaller_datagrams_is_asked_for_smaller_pieces() -> None:
    terminal = device(200)
    async with udp(terminal, sub_packet=500) as running, following(by_udp(running.port)) as what:
        await until(lambda: what.caught_up or what.trouble, within=60)
        assert what.trouble is None
        assert what.ids == ids_of(terminal)


async def test_an_event_that_comes_twice_is_one_scan_and_no_reason_to_read_the_log_again() -> None:
    terminal = device()
    async with udp(terminal) as running, following(by_udp(running.port)) as what:
        await until(lambda: what.caught_up, within=60)
        completed, read = what.completed, downloads(running)
        data = terminal.event(terminal.scan("1001"))
        await running.tell(data)
        await running.tell(data)
        await until(lambda: running.acknowledged >= 2, within=60)
        await until(lambda: what.completed >= completed + 3, within=60)
        assert downloads(running) == read
        assert what.ids == ids_of(terminal)


def downloads(running: Running) -> int:
    return sum(packet.code == Code.READ_SET for packet in running.received)


@pytest.mark.parametrize("new_loop", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def test_on_the_loop_that_services_run_on_as_on_that_of_tests(
    new_loop: Callable[[], asyncio.AbstractEventLoop],
) -> None:
    terminal = device(30)

    async def read() -> None:
        async with udp(terminal) as running, following(by_udp(running.port)) as what:
            await until(lambda: what.caught_up, within=60)
            assert what.ids == ids_of(terminal)
            await running.off()
            await until(lambda: what.trouble, within=60)
            assert isinstance(what.trouble, Unreachable)

    with asyncio.Runner(loop_factory=new_loop) as runner:
        runner.run(read())


# Any air


class Air:
    """Chance decides of each datagram: on its way, twice, after those that follow, or not at all."""

    def __init__(self, seed: str, *, lost: float = 0.0, doubled: float = 0.0, late: float = 0.0) -> None:
        self._chance = random.Random(seed)
        self._lost, self._doubled, self._late = lost, doubled, late
        self._held: list[list[Any]] = []

    def __call__(self, data: bytes) -> Iterable[bytes]:
        for held in self._held:
            held[0] -= 1
        arrives = [] if self._chance.random() < self._lost else [data]
        if self._chance.random() < self._doubled:
            self._held.append([self._chance.randrange(4), data])
        if arrives and self._chance.random() < self._late:
            self._held.append([self._chance.randrange(1, 6), arrives.pop()])
        due = [held for held in self._held if held[0] <= 0]
        self._held = [held for held in self._held if held[0] > 0]
        return arrives + [held[1] for held in due]


@pytest.mark.parametrize("old_firmware", [False, True], ids=["prepared", "sent unasked"])
@pytest.mark.parametrize("seed", range(5))
async def test_whatever_the_air_does_no_scan_is_invented(seed: int, old_firmware: bool) -> None:
    terminal = device(250, layout=["40", "16", "49", "8", "8b"][seed])
    there, back = ({"lost": 0.02, "doubled": 0.1, "late": 0.1}, {"lost": 0.02, "doubled": 0.1, "late": 0.15})
    faults = Faults(old_firmware=old_firmware)
    async with (
        udp(terminal, faults) as running,
        relay(
            running.port, to_terminal=Air(f"{seed} there", **there), to_client=Air(f"{seed} back", **back)
        ) as between,
    ):
        async with following(by_udp(between.port, {"answer_within": 1})) as what:
            await until(lambda: what.caught_up or what.trouble, within=60)
            assert what.ids <= ids_of(terminal)
            assert what.unreadable == []
            if what.trouble is None:
                assert what.ids == ids_of(terminal)
            else:
                assert isinstance(what.trouble, (Garbled, Unreachable)), what.trouble
        between.to_terminal = between.to_client = lambda data: [data]
        async with following(by_udp(between.port)) as what:
            await until(lambda: what.caught_up or what.trouble, within=60)
            assert what.trouble is None
            assert what.ids == ids_of(terminal)


def damaging(seed: str) -> Fate:
    """Every fourth datagram has a bit that is another, an end that is missing or too much, or is anything at all."""
    chance = random.Random(seed)

    def damaged(data: bytes) -> Iterable[bytes]:
        if chance.random() < 0.75:
            return [data]
        spoilt = bytearray(data)
        match chance.randrange(4):
            case 0 | 1:
                spoilt[chance.randrange(len(spoilt))] ^= 1 << chance.randrange(8)
            case 2:
                del spoilt[chance.randrange(len(spoilt)) :]
            case 3:
                spoilt += chance.randbytes(chance.randrange(1, 2_000))
        return [bytes(spoilt)]

    return damaged


@pytest.mark.parametrize("seed", range(4))
async def test_damaged_datagrams_end_in_the_whole_log_or_in_a_sentence(seed: int) -> None:
    terminal = device(250)
    async with (
        udp(terminal) as running,
        relay(running.port, to_terminal=damaging(f"{seed} there"), to_client=damaging(f"{seed} back")) as between,
    ):
        for _ in range(4):
            async with following(by_udp(between.port, {"answer_within": 0.5})) as what:
                await until(lambda what=what: what.caught_up or what.trouble, within=60)
                assert what.ids <= ids_of(terminal)
                if what.trouble is not None:
                    assert isinstance(what.trouble, MachineTrouble)
                    assert len(what.trouble.message) > 15


async def test_a_machine_that_says_anything_at_all_is_told_in_a_sentence() -> None:
    chance = random.Random(4370)

    class Babbling(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            request = decode(data)
            for _ in range(chance.randrange(1, 4)):
                code = chance.choice([Code.OK, Code.OK, Code.DATA, Code.PREPARE_DATA, Code.EVENT, Code.ERROR])
                said = chance.randbytes(chance.choice([0, 1, 4, 5, 13, 80, 92, 400]))
                session, reply = chance.choice([(7, request.reply), (1, request.reply), (1, 0)])
                packet = encode(Packet(code, session, reply, said))
                self.transport.sendto(packet[: chance.choice([len(packet)] * 9 + [5])], addr)

    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Babbling, local_addr=("127.0.0.1", 0))
    try:
        port = transport.get_extra_info("sockname")[1]
        async with asyncio.timeout(60):
            for _ in range(60):
                what = Following()
                await what.follow(Zkteco(SystemClock()), by_udp(port, {"answer_within": 0.05}))
                assert what.trouble is not None
                assert len(what.trouble.message) > 15
    finally:
        transport.close()


async def test_a_machine_that_never_ends_to_send_parts_is_broken_off() -> None:
    class Endless(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            request = decode(data)
            match request.code:
                case Code.READ_SET:
                    said = [Packet(Code.OK, 1, request.reply, b"\0" + (4_004).to_bytes(4, "little") * 2 + bytes(4))]
                case Code.READ_CHUNK:
                    said = [Packet(Code.DATA, 1, request.reply, b"\1")] * 300
                case _:
                    said = [Packet(Code.OK, 1, request.reply, b"\1\1\1\1" * 20)]
            for packet in said:
                self.transport.sendto(encode(packet), addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Endless, local_addr=("127.0.0.1", 0))
    try:
        trouble = await trouble_by_udp(transport.get_extra_info("sockname")[1])
        assert isinstance(trouble, Garbled)
        assert "did not come in 10 attempts" in trouble.message
    finally:
        transport.close()


# What a person is told


async def test_a_machine_that_was_started_again_is_asked_anew() -> None:
    """It has forgotten the session, and no connection breaks to say so."""
    terminal = device()
    async with udp(terminal) as running:
        driver = Zkteco(SystemClock())
        async with following(by_udp(running.port), driver) as what:
            await until(lambda: what.caught_up, within=60)
            await running.off()
            await running.on()
            await until(lambda: what.trouble, within=60)
            assert isinstance(what.trouble, Unreachable)
        terminal.scan("1001")
        async with following(by_udp(running.port), driver) as what:
            await until(lambda: what.caught_up, within=60)
            assert what.ids == ids_of(terminal)


async def test_silence_and_refusal_are_told() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("127.0.0.1", 0))
        port = taken.getsockname()[1]
        silent = await trouble_by_udp(port, {"answer_within": 0.3})
        assert isinstance(silent, Unreachable)
        assert silent.message == "the machine does not answer CONNECT within 0.3 s"
        greetings = []
        taken.setblocking(False)
        while True:
            try:
                greetings.append(decode(taken.recv(100)))
            except BlockingIOError:
                break
        assert len(greetings) > 1
        assert len({packet.reply for packet in greetings}) == len(greetings)
    refused = await trouble_by_udp(port)
    assert isinstance(refused, Unreachable)
    assert "refuses datagrams" in refused.message


async def test_what_is_no_packet_is_kept() -> None:
    class Other(asyncio.DatagramProtocol):
        def connection_made(self, transport: Any) -> None:
            self.transport = transport

        def datagram_received(self, data: bytes, addr: Any) -> None:
            self.transport.sendto(b"what?", addr)

    transport, _ = await asyncio.get_running_loop().create_datagram_endpoint(Other, local_addr=("127.0.0.1", 0))
    try:
        trouble = await trouble_by_udp(transport.get_extra_info("sockname")[1])
        assert isinstance(trouble, ProtocolBroken)
        assert trouble.evidence == b"what?"
    finally:
        transport.close()


async def test_keys_are_asked_for_by_udp_too() -> None:
    async with udp(device(comm_key=7)) as running:
        assert isinstance(await trouble_by_udp(running.port, {"comm_key": 8}), WrongCredentials)
        async with following(by_udp(running.port, {"comm_key": 7})) as what:
            await until(lambda: what.caught_up, within=60)


async def test_datagrams_of_others_are_not_heard() -> None:
    """Whoever knows the port could say that somebody scanned."""
    terminal = device()
    async with udp(terminal) as running, following(by_udp(running.port)) as what:
        await until(lambda: what.caught_up, within=60)
        (place,) = [talk.place for talk in running.talks]
        forged = encode(Packet(Code.EVENT, 1, 0, terminal.event(terminal.entries[0]).replace(b"1000", b"6666")))
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
            stranger.sendto(forged, place)
        completed = what.completed
        await until(lambda: what.completed > completed + 1, within=60)
        assert "6666" not in {reading.badge for reading in what.readings}


async def trouble_by_udp(port: int, config: dict[str, Any] | None = None) -> MachineTrouble:
    what = Following()
    async with asyncio.timeout(30):
        await what.follow(Zkteco(SystemClock()), by_udp(port, config))
    assert what.trouble is not None
    return what.trouble


async def test_it_is_tried_step_by_step() -> None:
    async with udp(device(comm_key=7, serial="S1")) as running:
        steps = await probe(by_udp(running.port, {"comm_key": 7}, serial="S1"), Zkteco(SystemClock()))
        assert [step.step for step in steps] == STEPS
        assert all(step.ok for step in steps)
        assert "no connection" in steps[1].result
    gone = await probe(by_udp(running.port), Zkteco(SystemClock()))
    assert (gone[-1].step, gone[-1].ok) == ("authenticate", False)
    assert "refuses datagrams" in gone[-1].result


def test_pyzk_is_not_used_over_udp_as_it_loses_records_there() -> None:
    with pytest.raises(Invalid, match="loses records over UDP"):
        Zkteco(SystemClock()).validated({"driver": "pyzk", "transport": "udp"})
