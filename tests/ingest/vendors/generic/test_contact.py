"""Contact with a machine that is not there, over sockets, by every side: what comes, and when it is told so."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from services.ingest.application.drivers import (
    Garbled,
    HasNotCome,
    NotSetUp,
    OtherMachine,
    ProtocolBroken,
    Unreachable,
    WrongCredentials,
)
from services.ingest.application.probing import probe
from services.ingest.domain.reading import Mode
from services.ingest.vendors.generic.driver import Generic
from services.ingest.vendors.generic.simulator import Device, Faults, Running, simulator
from services.ingest.vendors.generic.simulator.faults import NONE
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.generic.combinations import ALL, config, device
from tests.ingest.vendors.generic.following import Following, following, ids_of, machine
from tests.servers.ports import free_port

START = datetime(2026, 1, 5, 8)
QUICK = {"connect_within": 1, "come_within": 5, "back_within": 5}
STX = {"profile": "stx-etx"}


def connected(side: str, of: Mapping[str, Any], **more: Any) -> dict[str, Any]:
    return {**of, "connection": {"side": side, **QUICK, **more}}


def logged(of: Mapping[str, Any], records: int = 20, **how: Any) -> Device:
    made = Device(of, **how)
    for number in range(records):
        made.record_at(f"00{number % 7}", START + timedelta(minutes=number))
    return made


@asynccontextmanager
async def both(
    of: Mapping[str, Any], *, records: int = 20, faults: Faults = NONE, driver: Generic | None = None,
    held: asyncio.Event | None = None, more: Mapping[str, Any] | None = None, made: Device | None = None, **how: Any,
) -> AsyncIterator[tuple[Running, Following]]:  # fmt: skip
    """The machine and who follows it, on whichever side each is."""
    known = made or logged(of, records)
    settings = {"repeat_after": 0.3, "window": 8, **how}
    if of["connection"]["side"] == "client":
        async with simulator(known, faults=faults, **settings) as running:
            async with following(machine(running.port, of, **(more or {})), driver, held=held) as what:
                yield running, what
    else:
        port = free_port()
        async with following(machine(port, of, **(more or {})), driver, held=held) as what:
            async with simulator(known, port=port, faults=faults, **settings) as running:
                yield running, what


SIDES = ["client", "server", "udp"]


@pytest.mark.parametrize("side", SIDES)
@pytest.mark.parametrize("profile", ["json-lines", "csv", "stx-etx", "length-prefixed", "fixed-width"])
async def test_every_profile_works_by_every_side(side: str, profile: str) -> None:
    of = connected(side, {"profile": profile})
    async with both(of) as (running, what):
        await until(lambda: len(what.ids) == 20)
        assert what.ids == ids_of(running.device)
        running.scan("0042")
        await until(lambda: len(running.device.safe) == 21)
        assert what.ids == ids_of(running.device)
        assert [reading.badge for reading in what.readings][-1] == "0042"
        assert what.batches[-1].mode is Mode.LIVE
        assert what.batches[0].mode is Mode.REPLAY
        assert what.trouble is None
        assert what.contact.warnings == {}


@pytest.mark.parametrize("pair", ALL, ids=" / ".join)
async def test_every_framing_and_decoding_comes_over_a_socket(pair: tuple[str, str]) -> None:
    of = connected("udp" if pair[0] == "datagrams" else "server", config(*pair, acknowledge={"ok": "+{sequence};"}))
    async with both(of, made=device(of, 6)) as (running, what):
        await until(lambda: len(running.device.safe) == 6)
        assert what.ids == ids_of(running.device)


@pytest.mark.parametrize("side", SIDES)
async def test_nothing_is_acknowledged_before_it_is_safe(side: str) -> None:
    safe = asyncio.Event()
    async with both(connected(side, STX), held=safe) as (running, what):
        await until(lambda: what.readings)
        await asyncio.sleep(0.4)
        assert running.heard == []
        assert running.device.safe == set()
        safe.set()
        await until(lambda: len(running.device.safe) == 20)
        assert what.ids == ids_of(running.device)


@pytest.mark.parametrize(
    "faults",
    [
        Faults(split=1),
        Faults(split=3, duplicate=True),
        Faults(burst=20),
        Faults(duplicate=True),
        Faults(cut=200),
        Faults(wrong_bcc=3),
        Faults(oversize=4),
        Faults(garbage=4),
        Faults(gap=7),
        Faults(gap=4, wrong_bcc=3, split=2, duplicate=True),
    ],
    ids=lambda faults: ", ".join(n for n in Faults.__slots__ if getattr(faults, n) != getattr(Faults(), n)),
)
@pytest.mark.parametrize("side", ["client", "server"])
async def test_whatever_the_line_does_every_scan_comes_once_it_can(side: str, faults: Faults) -> None:
    of = connected(side, STX)
    driver = Generic(SystemClock())
    known = logged(of, 30)
    ids: set[Any] = set()
    async with asyncio.timeout(20):
        while len(known.safe) < 30:  # a cut ends a contact that we made, and a watch begins another
            async with both(of, made=known, faults=faults, driver=driver, window=2) as (_, what):
                await until(lambda what=what: what.trouble or len(known.safe) == 30, within=60)
                assert what.trouble is None or side == "client"
                ids |= what.ids
    assert ids == ids_of(known)


async def test_a_gap_in_its_numbers_is_asked_for() -> None:
    async with both(connected("server", STX), faults=Faults(gap=5)) as (running, what):
        await until(lambda: len(running.device.safe) == 19)  # the last one is missing, and nobody can know
        await until(lambda: what.contact.warnings == {})
        assert running.requests >= 3
        assert b"\x02RESEND 0004-0004\x03" in b"".join(running.heard)
        assert what.ids == ids_of(running.device) - {sorted_id(running.device, 19)}


def sorted_id(of: Device, place: int) -> Any:
    only = Device(of.settings.model_dump(mode="json"))
    entry = of.entries[place]
    only.record_at(entry.badge, entry.wall, state=entry.state)
    return next(iter(ids_of(only)))


async def test_a_gap_that_nobody_can_ask_for_is_a_warning_that_goes_when_it_is_filled() -> None:
    of = connected("server", {**STX, "sequence": {"request": None}})
    async with both(of, records=7, faults=Faults(gap=5)) as (running, what):
        await until(lambda: "missing records" in what.contact.warnings)
        assert what.contact.warnings["missing records"] == "its record 4 has not come"
        running.send(running.device.frame(running.device.entries[4]))
        await until(lambda: "missing records" not in what.contact.warnings)


async def test_where_its_numbers_stand_outlasts_a_contact() -> None:
    driver = Generic(SystemClock())
    of = connected("server", {**STX, "sequence": {"request": None}})
    known = logged(of, 6)
    async with both(of, made=known, driver=driver) as (running, what):
        await until(lambda: len(known.safe) == 6)
    known.record_at("lost", START)
    known.safe.add(6)
    known.record_at("0099", START)
    async with both(of, made=known, driver=driver) as (running, what):
        await until(lambda: what.contact.warnings.get("missing records") == "its record 6 has not come")
        assert running.connections == 1


def last_mark(what: Following) -> str:
    return next(batch.read_mark for batch in reversed(what.batches) if batch.read_mark)


@pytest.mark.parametrize("side", ["client", "server"])
async def test_what_was_lost_while_we_were_started_again_is_asked_for(side: str) -> None:
    of = connected(side, STX)
    known = logged(of, 6)
    async with both(of, made=known) as (running, what):
        await until(lambda: len(known.safe) == 6)
    known.record_at("0098", START)
    known.safe.add(6)  # it was told so by somebody else, who is not there any more
    known.record_at("0099", START)
    async with both(of, made=known, more={"read_mark": last_mark(what)}) as (running, what):
        await until(lambda: {"0098", "0099"} <= {reading.badge for reading in what.readings})
        assert b"\x02RESEND 0006-0006\x03" in b"".join(running.heard)
        await until(lambda: what.contact.warnings == {})


async def test_what_was_missing_before_we_were_started_again_is_so_still() -> None:
    of = connected("server", {**STX, "sequence": {"again_after": 0.2}})
    known = logged(of, 6)
    known.safe.update(range(6))
    async with both(of, made=known, more={"read_mark": '{"latest":5,"missing":[[4,4]]}'}) as (running, what):
        await until(lambda: [reading.badge for reading in what.readings] == [known.entries[4].badge])
        await until(lambda: what.contact.warnings == {})
        assert last_mark(what) == '{"latest":5,"missing":[],"forgotten":0}'
        assert running.requests >= 1


async def test_a_machine_whose_numbers_are_not_followed_has_no_mark() -> None:
    async with both(connected("client", {"profile": "csv"})) as (running, what):
        await until(lambda: len(running.device.safe) == 20)
        assert {batch.read_mark for batch in what.batches} == {None}


async def test_numbers_wrap() -> None:
    of = connected("server", {**STX, "sequence": {"first": 0, "last": 9, "digits": 4}})
    async with both(of, records=35, window=3) as (running, what):
        await until(lambda: len(running.device.safe) == 35)
        assert what.contact.warnings == {}


@pytest.mark.parametrize("side", ["client", "server"])
async def test_a_machine_that_goes_and_comes_loses_nothing(side: str) -> None:
    of = connected(side, {"profile": "json-lines"}, back_within=0.3)
    driver, known = Generic(SystemClock()), logged(connected(side, {"profile": "json-lines"}))
    port = free_port()
    async with simulator(known, port=port) as running:
        async with following(machine(port, of), driver) as what:
            await until(lambda: len(known.safe) == 20)
            await running.off()
            await until(lambda: what.trouble)
            assert isinstance(what.trouble, Unreachable)
            assert "closed the connection" in str(what.trouble)
        known.scan("0042")
        await running.on()
        async with following(machine(port, of), driver) as what:
            await until(lambda: len(known.safe) == 21)


async def test_short_connections_of_one_record_each_are_one_contact() -> None:
    port = free_port()
    of = connected("server", {"profile": "csv"})
    async with following(machine(port, of)) as what:
        await until(lambda: _open(port))
        for number in range(5):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(f"00{number},2026-01-05 08:00:0{number},in,1\r\n".encode())
            assert await reader.readexactly(4) == b"OK\r\n"
            writer.close()
        assert [reading.badge for reading in what.readings] == ["000", "001", "002", "003", "004"]
        assert what.trouble is None


async def test_who_says_all_and_then_only_listens_is_answered() -> None:
    port = free_port()
    safe = asyncio.Event()
    async with following(machine(port, connected("server", {"profile": "csv"})), held=safe) as what:
        await until(lambda: _open(port))
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(b"7,2026-01-05 08:00:00,in,1\r\n8,2026-01-05 08:00:00,in,1\r\n")
        writer.write_eof()
        await until(lambda: what.readings)
        await asyncio.sleep(0.1)
        safe.set()
        assert await reader.read() == b"OK\r\nOK\r\n"
        writer.close()


def _open(port: int) -> bool:
    with socket.socket() as probe_:
        return probe_.connect_ex(("127.0.0.1", port)) == 0


async def test_who_comes_between_two_contacts_finds_it_open() -> None:
    driver, port = Generic(SystemClock()), free_port()
    of = machine(port, connected("server", STX, come_within=0.2))
    async with following(of, driver) as what:
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, HasNotCome)
        assert str(what.trouble) == f"the machine has not come to 127.0.0.1:{port} (TCP)"
    async with simulator(logged(of.config), port=port) as running:
        await until(lambda: running.connections)
        async with following(of, driver) as what:
            await until(lambda: len(running.device.safe) == 20)
            assert running.accepted == 1


async def test_a_place_is_given_up_with_its_machine() -> None:
    driver, port = Generic(SystemClock()), free_port()
    async with following(machine(port, connected("server", STX)), driver) as what:
        await until(lambda: _open(port))
    await until(lambda: not _open(port))
    assert what.trouble is None


async def test_two_machines_cannot_be_waited_for_at_one_port() -> None:
    driver, port = Generic(SystemClock()), free_port()
    of = connected("server", STX)
    async with following(machine(port, of), driver):
        await until(lambda: _open(port))
        async with following(machine(port, of, id=2), driver) as other:
            await until(lambda: other.trouble)
            assert isinstance(other.trouble, NotSetUp)
            assert "where another machine is waited for" in str(other.trouble)


async def test_who_may_not_come_is_turned_away_and_named() -> None:
    port = free_port()
    of = connected("server", STX, come_within=0.5)
    async with following(machine(port, of, ip_address="10.1.2.3")) as what:
        async with simulator(logged(of), port=port):
            await until(lambda: what.trouble)
            assert "127.0.0.1:" in str(what.trouble)
            assert "did, and may not" in str(what.trouble)


async def test_of_too_many_connections_the_quietest_goes() -> None:
    port = free_port()
    of = connected("server", {"profile": "csv"}, connections=2)
    async with following(machine(port, of)) as what:
        await until(lambda: _open(port))
        first, second, third = [await asyncio.open_connection("127.0.0.1", port) for _ in range(3)]
        assert await first[0].read() == b""
        for _, writer in (second, third):
            writer.write(b"7,2026-01-05 08:00:00,in,1\r\n")
        assert await third[0].readexactly(4) == await second[0].readexactly(4) == b"OK\r\n"
        assert what.trouble is None
        for _, writer in (first, second, third):
            writer.close()


# What a person is told


@pytest.mark.parametrize(
    ("of", "says", "more", "trouble", "sentence"),
    [
        (STX, b"HTTP/1.1 400 Bad Request\r\n" * 800, {}, ProtocolBroken, "can be read with this profile: bytes that"),
        ({"profile": "csv"}, b"a\r\nb\r\nc\r\n", {}, ProtocolBroken, "can be read with this profile: it has no time"),
        ({"profile": "length-prefixed"}, b"\xff\xff\xff", {}, Garbled, "a frame that claims to have 65,535 bytes"),
        (
            {"profile": "json-lines", "fields": {"serial": "sn"}},
            b'{"sn":"S9","badge":"7","time":"2026-01-05 08:00:00"}\n',
            {"serial": "S1"},
            OtherMachine,
            "serial number S9, where S1 is registered",
        ),
        (
            {"profile": "csv", "login": {"send": "PASS {password}\n", "refused": "^DENIED"}, "password": "secret"},
            b"DENIED\r\n",
            {},
            WrongCredentials,
            "refuses our password",
        ),
    ],
    ids=["another protocol", "another profile", "a lying length", "another machine", "a refused password"],
)
async def test_each_trouble_is_its_own(
    of: Mapping[str, Any], says: bytes, more: Mapping[str, Any], trouble: type, sentence: str
) -> None:
    whole = connected("client", of)
    async with both(whole, records=0, more=more) as (running, what):
        await until(lambda: running.connections)
        running.send(says)
        await until(lambda: what.trouble)
        assert type(what.trouble) is trouble
        assert sentence in str(what.trouble)
        await asyncio.sleep(0.05)
        assert b"".join(running.heard).replace(b"PASS secret\n", b"") == b""
        assert what.unreadable or trouble in (OtherMachine, WrongCredentials)


async def test_of_a_machine_that_is_understood_what_is_not_is_kept_and_acknowledged() -> None:
    async with both(connected("server", {"profile": "csv"}), records=1) as (running, what):
        await until(lambda: len(running.device.safe) == 1)
        running.send(b"0042;no csv at all\r\n")
        await until(lambda: what.unreadable)
        assert what.unreadable[0].raw == b"0042;no csv at all\r\n"
        assert "could not be read: it has no time" in what.contact.warnings["unreadable"]
        await until(lambda: b"".join(running.heard).count(b"OK\r\n") == 2)


async def test_nobody_and_silence_are_told_apart() -> None:
    of = connected("client", {"profile": "csv"}, silence=0.3)
    async with following(machine(free_port(), of)) as what:
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, Unreachable)
        assert "refuses the connection" in str(what.trouble)
    async with both(of, records=0) as (_, what):
        await until(lambda: what.trouble)
        assert str(what.trouble) == "the machine has said nothing for 0.3 s"
    async with both(of, records=0, heartbeat=(b"PING\r\n", 0.1)) as (running, what):
        await until(lambda: b"".join(running.heard).count(b"PONG\r\n") > 5)
        assert what.trouble is None


async def test_a_clock_that_is_ahead_shows_by_its_scans_and_one_that_tells_its_time_by_that() -> None:
    of = connected("server", {"profile": "csv"})
    async with both(of, records=0, faults=Faults(clock=timedelta(hours=2))) as (running, what):
        await until(lambda: running.connections)
        running.scan("7")
        await until(lambda: what.contact.offsets)
        assert abs(what.contact.offsets[0] - timedelta(hours=2)) < timedelta(seconds=5)
    answers = [{"match": "HB", "reply": "OK\r\n", "heartbeat": True, "tells_time": True, "nothing_waits": True}]
    of = connected("server", {"profile": "csv", "answers": answers})
    behind = (datetime.now(UTC) - timedelta(hours=1)).strftime("%Y-%m-%d %H:%M:%S")
    async with both(of, records=0, heartbeat=(f"HB,{behind},,\r\n".encode(), 0.1)) as (_, what):
        await until(lambda: what.contact.offsets)
        assert abs(what.contact.offsets[0] + timedelta(hours=1)) < timedelta(seconds=5)
        await until(lambda: any(batch.complete_until for batch in what.batches))


async def test_a_machine_that_is_asked_is_asked_from_where_it_is_safe() -> None:
    poll = {"request": "GET {sequence}\n", "every": 0.1, "end": "^END$"}
    of = connected("client", {**STX, "poll": poll})
    async with both(of, records=3) as (running, what):
        await until(lambda: b"GET 0002\n" in b"".join(running.heard))
        assert b"".join(running.heard).startswith(b"GET 0000\n")
        running.send(b"\x02END\x03" + bytes([ord("E") ^ ord("N") ^ ord("D") ^ 3]))
        await until(lambda: any(batch.complete_until for batch in what.batches))


async def test_we_say_hello_and_that_we_are_there() -> None:
    of = connected(
        "server", {"profile": "csv", "login": {"send": "HELLO\n"}, "heartbeat": {"send": "HI\n", "every": 0.1}}
    )
    async with both(of, records=0) as (running, _):
        await until(lambda: b"".join(running.heard).count(b"HI\n") > 1)
        assert b"".join(running.heard).startswith(b"HELLO\n")


async def test_a_time_that_is_ours_is_the_same_for_a_record_that_comes_again() -> None:
    of = connected("server", {"profile": "csv", "decoding": {"columns": ["badge"]},
                              "fields": {"time": None, "state": None, "verify": None}})  # fmt: skip
    async with both(of, records=0) as (running, what):
        await until(lambda: running.connections)
        running.send(b"0042\r\n0042\r\n0043\r\n")
        await until(lambda: len(what.readings) == 3)
        assert len(what.ids) == 2
        assert abs(what.readings[0].local_time - datetime.now(UTC).replace(tzinfo=None)) < timedelta(seconds=5)


# Trying one before it is saved


@pytest.mark.parametrize("side", SIDES)
async def test_a_machine_is_tried_step_by_step(side: str) -> None:
    of = connected(side, STX)
    port = free_port()
    known = logged(of)
    if side == "client":
        async with simulator(known, port=port):
            steps = await probe(machine(port, of), Generic(SystemClock()))
        assert [step.step for step in steps] == ["settings", "resolve", "connect"]
    else:
        trying = asyncio.create_task(probe(machine(port, of), Generic(SystemClock())))
        async with simulator(known, port=port):
            steps = await trying
        assert [step.step for step in steps] == ["settings", "listen", "come"]
    assert all(step.ok for step in steps), steps


async def test_a_machine_without_a_connection_is_not_tried() -> None:
    driver = Generic(SystemClock())
    assert driver.lacks(machine(None, {})).startswith("it has no connection")
    assert driver.lacks(machine(None, connected("server", STX))).startswith("it has no port to wait for it at")
    assert driver.lacks(machine(5, connected("client", STX), ip_address=None)).startswith("it has no address")
    assert driver.lacks(machine(5, connected("udp", STX), ip_address=None)) == ""
    steps = await probe(machine(None, {}), driver)
    assert [(step.step, step.ok) for step in steps] == [("settings", False)]
