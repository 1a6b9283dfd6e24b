"""Contact with a simulated terminal over a socket: what is read of it, and what a person is told when it goes wrong."""

import asyncio
import random
from datetime import datetime, timedelta
from typing import Any

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
from services.ingest.vendors.hikvision.driver import Hikvision
from services.ingest.vendors.hikvision.simulator import Device, Faults, simulator
from services.ingest.vendors.hikvision.simulator.device import DOOR_UNLOCKED, FACE_FAILED
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeClock, until
from tests.ingest.vendors.hikvision.contact import (
    PASSWORD,
    START,
    Following,
    device,
    following,
    ids_of,
    machine,
    named,
    trouble_of,
)

# What is read


async def test_the_whole_log_comes_first_and_then_what_happens() -> None:
    terminal = device(170)
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.ids == ids_of(terminal)
        assert {batch.mode for batch in what.batches if batch.readings} == {Mode.REPLAY}
        for number in range(10):
            await running.scan(str(1000 + number))
        await until(lambda: len(what.live) == 10)
        assert what.ids == ids_of(terminal)
        assert what.trouble is None
        assert what.contact.warnings == {}


async def test_nothing_is_asked_that_changes_a_machine() -> None:
    async with simulator(device()) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 3)
        await probe(machine(running.port), Hikvision(SystemClock()))
        assert {(request.method, request.path) for request in running.received} == {
            ("GET", "/ISAPI/System/deviceInfo"),
            ("GET", "/ISAPI/System/time"),
            ("GET", "/ISAPI/AccessControl/AcsEvent/capabilities"),
            ("POST", "/ISAPI/AccessControl/AcsEvent"),
            ("GET", "/ISAPI/Event/notification/alertStream"),
        }


async def test_clock_counts_and_completeness_are_told_again_and_again() -> None:
    terminal = device(clock_offset=timedelta(seconds=90))
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 3)
        assert all(85 < offset.total_seconds() < 95 for offset in what.contact.offsets)
        assert what.contact.records[-1] == what.contact.received[-1] == 100


STREAMS = [
    Faults(split=1),
    Faults(split=3),
    Faults(burst=4),
    Faults(pictures=True),
    Faults(xml=True),
    Faults(no_length=True),
    Faults(no_length=True, xml=True, burst=3),
    Faults(no_type=True),
    Faults(no_boundary=True),
    Faults(camera_heartbeat=True),
    Faults(no_heartbeat=True),
    Faults(malformed=2),
    Faults(backlog=True),
    Faults(quiet=True),
    Faults(deaf=True),
    Faults(cut_stream=3),
    Faults(no_stream=True),
]
LOGS = [
    Faults(no_serials=True),
    Faults(ignores_serials=True),
    Faults(small_serials=True),
    Faults(unnumbered=True),
    Faults(no_serials=True, bare_times=True),
    Faults(no_serials=True, no_times=True),
    Faults(no_totals=True),
    Faults(no_totals=True, odd_status=True),
    Faults(odd_status=True),
    Faults(busy=2),
    Faults(slow=0.02),
]
LOGINS = [Faults(one_shot_nonce=True), Faults(stale=2)]


@pytest.mark.parametrize("faults", [*STREAMS, *LOGS, *LOGINS], ids=named)
async def test_a_terminal_that_is_hard_to_follow_is_read_completely_all_the_same(faults: Faults) -> None:
    terminal = device(40 if faults.split == 1 else 170, doors=True)
    config = {"answer_within": 10}
    async with simulator(terminal, faults=faults, beat_every=0.1) as running:
        async with following(machine(running.port, config=config)) as what:
            await until(lambda: what.caught_up, within=60)
            assert what.ids == ids_of(terminal)
            for number in range(5):
                await running.scan(str(1003 + number))
            await until(lambda: what.ids == ids_of(terminal), within=60)
            terminal.scan("1000")  # and nobody is told
            await until(lambda: what.ids == ids_of(terminal), within=60)
            assert what.trouble is None
            assert running.device.wrong_passwords == 0


async def test_what_happens_is_told_within_a_tenth_of_a_second_although_parts_say_no_length() -> None:
    for faults in (Faults(), Faults(no_length=True), Faults(pictures=True)):
        async with simulator(device(), faults=faults) as running:
            async with following(machine(running.port, config={"look_every": 60})) as what:
                await until(lambda what=what: what.caught_up)
                await running.scan("1001")
                await until(lambda what=what: what.live, within=0.5)


async def test_scans_made_while_nobody_listened_are_read_by_their_numbers_and_nothing_else_is() -> None:
    terminal, driver = device(170), Hikvision(SystemClock())
    async with simulator(terminal) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            await running.off()
            await until(lambda: what.trouble)
        for number in range(40):
            terminal.scan(str(1000 + number))
        await running.on()
        async with following(machine(running.port), driver) as again:
            await until(lambda: again.caught_up)
            assert what.ids | again.ids == ids_of(terminal)
            assert len(again.readings) == 40


async def test_a_number_that_is_left_out_is_looked_up_at_once() -> None:
    terminal = device()
    async with simulator(terminal) as running:
        async with following(machine(running.port, config={"look_every": 60})) as what:
            await until(lambda: what.caught_up)
            await running.scan("1001")
            terminal.scan("1002")  # and nobody is told
            await running.scan("1003")
            await until(lambda: what.ids == ids_of(terminal), within=60)


async def test_a_stream_that_breaks_is_opened_anew_and_the_gap_is_filled() -> None:
    terminal = device()
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        await running.end_streams()
        terminal.scan("1001")
        await until(lambda: running.listeners)
        await running.scan("1002")
        await until(lambda: what.ids == ids_of(terminal))
        assert what.trouble is None


async def test_a_stream_that_falls_silent_is_opened_anew() -> None:
    async with simulator(device(), faults=Faults(quiet=True), beat_every=0.1) as running:
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up)
            running.faults = Faults()
            async with asyncio.timeout(10):
                while not what.live:
                    await running.scan("1001")
                    await asyncio.sleep(0.1)


async def test_a_stream_that_leaves_scans_out_is_told_and_left_as_it_is() -> None:
    terminal = device()
    async with simulator(terminal, faults=Faults(deaf=True)) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        async with asyncio.timeout(20):
            while "deaf stream" not in what.contact.warnings:
                looks = what.completed
                await running.scan("1001")
                await until(lambda looks=looks: what.completed > looks)
        await until(lambda: what.ids == ids_of(terminal))


async def test_without_a_stream_what_is_new_in_the_log_is_live() -> None:
    async with simulator(device(), faults=Faults(no_stream=True)) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.contact.warnings["no events"] == (
            "it does not tell of scans as they happen (notSupport): its log is read instead"
        )
        running.device.scan("1001")
        await until(lambda: what.live)


async def test_its_log_is_read_instead_where_that_is_wanted() -> None:
    async with simulator(device()) as running, following(machine(running.port, config={"live": False})) as what:
        await until(lambda: what.caught_up)
        running.device.scan("1001")
        await until(lambda: what.live)
        assert running.listeners == 0
        assert what.contact.warnings == {}


async def test_a_counter_that_began_again_is_told_and_nothing_after_it_is_missed() -> None:
    terminal, driver = device(), Hikvision(SystemClock())
    async with simulator(terminal) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            terminal.restart_counter()
            for number in range(7):
                await running.scan(str(2000 + number))
            await until(lambda: ids_of(terminal) <= what.ids)
            await until(lambda: "log cleared" in what.contact.warnings)
            assert what.contact.warnings["log cleared"] == (
                "its newest event is number 7 and was 100: its log was cleared, and its counter began again"
            )


async def test_a_counter_that_began_again_and_went_past_where_it_was_is_noticed_too() -> None:
    terminal, driver = device(), Hikvision(SystemClock())
    async with simulator(terminal) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
        terminal.restart_counter()
        for number in range(150):
            terminal.record_at(str(3000 + number), START + timedelta(days=1, minutes=number))
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert ids_of(terminal) <= what.ids
            assert "number 100 is not the one that it was" in what.contact.warnings["log cleared"]


async def test_another_machine_at_the_address_is_read_from_its_start() -> None:
    driver = Hikvision(SystemClock())
    async with simulator(device(serial="A1")) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
    other = device(30, serial="B2")
    async with simulator(other) as running, following(machine(running.port), driver) as what:
        await until(lambda: what.caught_up)
        assert what.ids == ids_of(other)
        assert what.contact.warnings == {}


async def test_a_log_that_forgets_its_oldest_while_it_is_read_loses_nothing_that_is_still_there() -> None:
    terminal = device(300, capacity=300)
    async with simulator(terminal, faults=Faults(slow=0.01)) as running, following(machine(running.port)) as what:
        await until(lambda: what.readings)
        for number in range(40):
            terminal.scan(str(1000 + number % 20))  # each takes the place of the oldest, and shifts the pages
            await asyncio.sleep(0.001)
        await until(lambda: what.caught_up)
        await until(lambda: ids_of(terminal) <= what.ids)


async def test_a_log_in_order_of_time_is_read_by_number_although_its_clock_was_wrong() -> None:
    terminal = device()
    terminal.record_at("1001", datetime(1970, 1, 1, 0, 3))
    terminal.record_at("1002", datetime(2036, 1, 1))
    terminal.record_at("1003", START + timedelta(hours=1))
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.ids == ids_of(terminal)
        terminal.scan("1004")
        await until(lambda: what.ids == ids_of(terminal))


async def test_who_was_not_let_in_and_what_the_door_does_are_no_scans() -> None:
    terminal = device(3)
    terminal.record_at("1001", START, minor=FACE_FAILED)
    terminal.note(DOOR_UNLOCKED)
    terminal.note(0x400, major=3)
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert len(what.readings) == 3
        await running.tell([terminal.record_at("1002", terminal.wall(), minor=FACE_FAILED), terminal.note(25)])
        await running.scan("1003")
        await until(lambda: len(what.live) == 1)
        assert what.unreadable == []


async def test_an_event_of_an_unknown_kind_that_names_a_person_is_taken_and_told() -> None:
    terminal = device(3)
    terminal.record_at("1001", START + timedelta(hours=3), minor=203)
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.readings[-1].raw is not None
        assert (what.readings[-1].verify, what.readings[-1].raw["result"]) == ("event 203", "unknown")
        assert "5/203" in what.contact.warnings["event 5/203"]


async def test_a_card_of_nobody_is_kept_for_a_person_to_link() -> None:
    terminal = device(3)
    terminal.record_at("", START + timedelta(hours=3), minor=1, card="0012345")
    terminal.record_at("", START + timedelta(hours=4), minor=75)
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.readings[-1].badge == "card:0012345"
        assert "names neither a person nor a card" in what.unreadable[0].reason


async def test_an_empty_machine_is_live_at_once() -> None:
    async with simulator(Device()) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 2)
        assert what.readings == []


async def test_a_log_that_is_nearly_full_is_told() -> None:
    config = {"record_capacity": 120}
    async with simulator(device(100)) as running, following(machine(running.port, config=config)) as what:
        await until(lambda: what.caught_up)
        assert what.contact.warnings["log full"].startswith("its log is 83 % full")


# Clock and zone


async def test_a_zone_that_is_set_wrong_is_told_and_its_own_offset_places_scans() -> None:
    terminal = device(3, zone="Asia/Shanghai")
    async with simulator(terminal) as running, following(machine(running.port, zone="Asia/Dhaka")) as what:
        await until(lambda: what.caught_up)
        assert what.contact.warnings["zone"] == (
            "its zone is set to UTC+08:00, where Asia/Dhaka is UTC+06:00 now: its scans are placed by its own zone"
        )
        assert abs(what.contact.offsets[0].total_seconds()) < 2
        assert {reading.offset for reading in what.readings} == {timedelta(hours=8)}


async def test_a_clock_that_shows_our_time_under_a_wrong_zone_is_told_and_can_be_believed() -> None:
    terminal = device(3, zone="Asia/Shanghai", clock_offset=timedelta(hours=-2))
    async with simulator(terminal) as running:
        async with following(machine(running.port, zone="Asia/Dhaka")) as what:
            await until(lambda: what.caught_up)
            assert (
                "shows the time of Asia/Dhaka, UTC+06:00: its scans are placed wrong" in what.contact.warnings["zone"]
            )
            assert abs(what.contact.offsets[0].total_seconds() + 7200) < 2
        wall = {"times": "wall"}
        async with following(machine(running.port, zone="Asia/Dhaka", config=wall)) as what:
            await until(lambda: what.caught_up)
            assert what.contact.warnings == {}
            assert abs(what.contact.offsets[0].total_seconds()) < 2
            assert {reading.offset for reading in what.readings} == {None}


async def test_a_machine_that_leaves_out_its_offset_is_measured_by_its_zone_string() -> None:
    terminal = device(3, zone="Asia/Kolkata")
    async with simulator(terminal, faults=Faults(bare_times=True)) as running:
        async with following(machine(running.port, zone="Asia/Kolkata")) as what:
            await until(lambda: what.caught_up)
            assert abs(what.contact.offsets[0].total_seconds()) < 2
            assert what.contact.warnings == {}


# What a person is told


async def test_a_wrong_password_is_tried_once_and_not_again_until_somebody_has_done_something() -> None:
    clock, terminal = FakeClock(), device()
    driver = Hikvision(clock)
    async with simulator(terminal) as running:
        wrong = {"config": {"password": "wrong"}}
        trouble = await trouble_of(running, driver, **wrong)
        assert isinstance(trouble, WrongCredentials)
        assert trouble.lasting
        assert trouble.message == (
            "the machine refuses our user 'admin' or its password; 4 more before it locks the user out"
        )
        for _ in range(10):
            assert (await trouble_of(running, driver, **wrong)).message == trouble.message
        assert terminal.wrong_passwords == 1
        clock.forward(timedelta(minutes=31))
        await trouble_of(running, driver, **wrong)
        assert terminal.wrong_passwords == 2
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
        assert terminal.wrong_passwords == 0


async def test_a_test_that_succeeds_lets_contact_be_tried_again() -> None:
    clock, terminal = FakeClock(), device(password="other")
    driver = Hikvision(clock)
    async with simulator(terminal) as running:
        assert isinstance(await trouble_of(running, driver), WrongCredentials)
        terminal.password = PASSWORD
        assert isinstance(await trouble_of(running, driver), WrongCredentials)
        assert all(step.ok for step in await probe(machine(running.port), driver))
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)


async def test_a_password_that_is_changed_while_we_are_in_contact_costs_two_tries_at_most() -> None:
    terminal = device()
    async with simulator(terminal) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        terminal.password = "changed"
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, WrongCredentials)
        assert terminal.wrong_passwords <= 2


async def test_a_user_who_is_locked_out_is_told_for_how_long() -> None:
    async with simulator(device(), faults=Faults(locked=True)) as running:
        trouble = await trouble_of(running)
        assert isinstance(trouble, WrongCredentials)
        assert trouble.message == (
            "the machine has locked our user 'admin' out for 30 minutes, after too many wrong passwords from somebody"
        )


async def test_another_machine_at_the_address_is_not_read() -> None:
    serial = "DS-K1T341AMF20260101V030300ENE12345678"
    async with simulator(device(serial=serial, mac="a4:d5:c2:00:00:07")) as running:
        trouble = await trouble_of(running, serial="F00000001")
        assert isinstance(trouble, OtherMachine)
        assert f"serial number {serial}, where F00000001 is registered" in trouble.message
        for known in (serial, "E12345678", "A4:D5:C2:00:00:07"):
            async with following(machine(running.port, serial=known)) as what:
                await until(lambda what=what: what.caught_up)


@pytest.mark.parametrize(
    ("faults", "kind", "said"),
    [
        (Faults(silent=0), Unreachable, "does not answer System/deviceInfo within 0.5 s"),
        (Faults(silent=5), Unreachable, "does not answer"),
        (Faults(cut=100), Unreachable, "closed the connection"),
        (Faults(no_http=True), ProtocolBroken, "does not speak HTTP"),
        (Faults(basic_only=True), ProtocolBroken, "does not ask for digest authentication"),
        (Faults(forbidden=True), WrongCredentials, "does not let our user 'admin' ask for who it is: lowPrivilege"),
        (Faults(same_page=True), Garbled, "the same 30 events of its log again and again"),
        (Faults(no_log=True), ProtocolBroken, "does not give out its log: notSupport. Is it an access terminal?"),
        (Faults(busy=100), Unreachable, "says that it is busy, again and again"),
    ],
    ids=lambda value: named(value) if isinstance(value, Faults) else "",
)
async def test_each_trouble_has_its_sentence(faults: Faults, kind: type[MachineTrouble], said: str) -> None:
    async with simulator(device(), faults=faults) as running:
        trouble = await trouble_of(running)
        assert isinstance(trouble, kind)
        assert said in trouble.message


@pytest.mark.parametrize("config", [{}, {"https": True}], ids=["no machine", "no machine over https"])
async def test_nobody_at_the_address_is_told_in_a_sentence(unused_tcp_port: int, config: dict[str, Any]) -> None:
    what = Following()
    await what.follow(Hikvision(SystemClock()), machine(unused_tcp_port, config=config))
    assert isinstance(what.trouble, Unreachable)
    assert f"127.0.0.1:{unused_tcp_port} refuses the connection" in what.trouble.message


async def test_https_to_a_port_that_speaks_http_is_told() -> None:
    async with simulator(device()) as running:
        trouble = await trouble_of(running, config={"https": True})
        assert isinstance(trouble, ProtocolBroken)
        assert "does not speak HTTPS" in trouble.message


@pytest.mark.parametrize(
    ("changes", "said"), [({"ip_address": None}, "set ip_address"), ({"config": {"password": ""}}, "has no password")]
)
async def test_a_machine_that_is_not_set_up_is_told_what_it_lacks(changes: dict[str, Any], said: str) -> None:
    what = Following()
    await what.follow(Hikvision(SystemClock()), machine(1, **changes))
    assert isinstance(what.trouble, NotSetUp)
    assert said in what.trouble.message
    assert Hikvision(SystemClock()).lacks(machine(1, **changes))


# Trying the connection


async def test_a_connection_is_tried_step_by_step() -> None:
    async with simulator(device(serial="S1-234567890")) as running:
        steps = await probe(machine(running.port, serial="S1-234567890"), Hikvision(SystemClock()))
        assert [step.step for step in steps] == ["resolve", "connect", "authenticate", "device", "clock", "events"]
        assert all(step.ok for step in steps)
        assert steps[3].result == "DS-K1T341AMF, S1-234567890, V3.3.0"
        assert steps[5].result == "100 events, asked for by number"
        wrong = await probe(machine(running.port, config={"password": "no"}), Hikvision(SystemClock()))
        assert (wrong[-1].step, wrong[-1].ok) == ("authenticate", False)
        assert "refuses our user" in wrong[-1].result


# Whatever comes


@pytest.mark.parametrize("seed", range(10))
async def test_a_machine_that_says_anything_at_all_is_told_in_a_sentence(seed: int) -> None:
    """Answers that are whole, of any status and content: each ends in a state that a person can read, in time."""
    chance = random.Random(seed)
    bodies = [b"", b"{}", b"[]", b"<a/>", b"<!DOCTYPE a>", b"<DeviceInfo><serialNumber>1</serialNumber></DeviceInfo>"]
    bodies += [b"<Time><localTime>2026-01-01T00:00:00</localTime></Time>", b'{"AcsEvent":{"numOfMatches":0}}']
    bodies += [b'{"AcsEvent":{"InfoList":[{}],"responseStatusStrg":"MORE"}}']

    async def speak(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while some := await reader.read(65_536):
            body = chance.choice([*bodies, chance.randbytes(chance.randrange(200))])
            status = chance.choice([200, 200, 200, 200, 204, 302, 400, 401, 403, 404, 500, 503])
            length = len(body) + chance.choice([0, 0, 0, 0, 5])
            writer.write(f"HTTP/1.1 {status} X\r\nContent-Length: {length}\r\n\r\n".encode() + body)
            if chance.random() < 0.1 or not some:
                break
        writer.close()

    async with await asyncio.start_server(speak, "127.0.0.1", 0) as server:
        what = Following()
        of = machine(server.sockets[0].getsockname()[1], config={"answer_within": 0.1})
        async with asyncio.timeout(60):
            for _ in range(10):
                await what.follow(Hikvision(SystemClock()), of)
                assert what.trouble is not None
                assert len(what.trouble.message) > 15
