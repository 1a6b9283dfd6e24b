"""Contact with a simulated BioStar server over sockets: what is read of it, and what a person is told if it fails."""

import asyncio
import shutil
import ssl
import subprocess
from contextlib import AsyncExitStack
from datetime import datetime, timedelta
from pathlib import Path
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
from services.ingest.domain.reading import Mode, ScanType
from services.ingest.vendors.suprema.driver import Suprema
from services.ingest.vendors.suprema.simulator import Faults, Store, simulator
from services.ingest.vendors.suprema.simulator.store import (
    DURESS,
    FACE_FAILED,
    LINK_DOWN,
    LINK_UP,
    LOG_CLEARED,
    NOT_ALLOWED,
    USER_UPDATED,
)
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import FakeClock, until
from tests.ingest.vendors.suprema.contact import DEVICE, following, ids_of, machine, named, store, trouble_of

# What is read


async def test_all_that_the_server_has_comes_first_and_then_what_happens() -> None:
    held = store()
    async with simulator(held) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.ids == ids_of(held)
        assert {batch.mode for batch in what.batches if batch.readings} == {Mode.REPLAY}
        for number in range(10):
            await running.scan(str(1000 + number))
        await until(lambda: len(what.live) == 10)
        assert what.ids == ids_of(held)
        assert [reading.record_no for reading in what.live] == [str(number) for number in range(121, 131)]
        assert {(reading.verify, reading.type, reading.state) for reading in what.live} == {("face", ScanType.IN, "1")}
        assert what.trouble is None
        assert what.contact.warnings == {}


async def test_nothing_is_asked_that_changes_a_server() -> None:
    async with simulator(store()) as running, following(machine(running.port)) as what:
        await until(lambda: what.looks >= 3)
        await probe(machine(running.port), Suprema(SystemClock()))
        assert {(request.method, request.path) for request in running.received} == {
            ("POST", "/api/login"),
            ("POST", "/api/events/search"),
            ("POST", "/api/events/start"),
        }


READ_ALL_THE_SAME = [
    Faults(expires=3),
    Faults(expires=1),
    Faults(ignores_id=True),
    Faults(no_id=True),
    Faults(duplicate=True),
    Faults(deaf=True),
    Faults(unbound=True),
    Faults(unnumbered=True),
    Faults(binary=True),
    Faults(malformed=2),
    Faults(no_socket=True),
    Faults(cut_socket=1),
    Faults(cut_socket=3),
    Faults(slow=0.02),
    Faults(burst=4),
    Faults(cookie_only=True),
    Faults(noise=True),
    Faults(noise=True, expires=4, duplicate=True, cut_socket=3),
]


@pytest.mark.parametrize("faults", READ_ALL_THE_SAME, ids=named)
async def test_a_server_that_is_hard_to_follow_is_read_completely_all_the_same(faults: Faults) -> None:
    held = store(noise=faults.noise)
    async with simulator(held, faults=faults) as running:
        async with following(machine(running.port, config={"answer_within": 2})) as what:
            await until(lambda: what.caught_up, within=60)
            assert what.ids == ids_of(held)
            for number in range(5):
                await running.scan(str(1003 + number))
            await until(lambda: what.ids == ids_of(held), within=60)
            held.scan("1000")  # and nobody is told
            await until(lambda: what.ids == ids_of(held), within=60)
            assert what.trouble is None
            assert held.wrong_passwords == 0
            assert what.unreadable == []
            assert len(what.readings) == len(what.ids), "a scan was handed over twice"


async def test_what_happens_is_told_at_once() -> None:
    async with simulator(store()) as running, following(machine(running.port, config={"look_every": 60})) as what:
        await until(lambda: what.caught_up and running.listeners)
        await running.scan("1001")
        await until(lambda: what.live, within=0.5)


async def test_events_are_asked_for_only_after_the_socket_has_taken_our_session() -> None:
    async with simulator(store(), faults=Faults(slow=0.1)) as running:
        async with following(machine(running.port, config={"look_every": 60, "answer_within": 5})) as what:
            await until(lambda: what.caught_up)
            assert running.listeners == 1
            starts = running.answered["/api/events/start"]
            await running.scan("1001")
            await until(lambda: what.live)
            assert (starts, running.bound) == (1, 1)


async def test_what_happens_while_the_server_is_searched_is_in_the_socket_or_in_the_search() -> None:
    held = store(400)
    async with simulator(held, faults=Faults(slow=0.02)) as running:
        async with following(machine(running.port, config={"look_every": 60, "answer_within": 5})) as what:
            await until(lambda: running.listeners)
            for number in range(40):
                await running.scan(str(1000 + number))
                await asyncio.sleep(0.005)
            await until(lambda: what.caught_up)
            await until(lambda: what.ids == ids_of(held))
            assert len(what.readings) == len(what.ids)


async def test_socket_and_search_tell_the_same_scan_once() -> None:
    held = store()
    async with simulator(held) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        for number in range(20):
            await running.scan(str(1000 + number))
        looks = what.looks
        await until(lambda: what.looks >= looks + 3)
        assert what.ids == ids_of(held)
        assert len(what.readings) == 140


async def test_scans_made_while_nobody_listened_are_found_by_number_and_nothing_else_is_read() -> None:
    held, driver = store(), Suprema(SystemClock())
    async with simulator(held) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            await running.off()
            await until(lambda: what.trouble)
        for number in range(70):
            held.record_at(str(2000 + number), held.wall())
        await running.on()
        async with following(machine(running.port), driver) as again:
            await until(lambda: again.caught_up)
            assert what.ids | again.ids == ids_of(held)
            assert len(again.readings) == 70


async def test_a_socket_that_is_cut_is_opened_anew_and_the_gap_is_filled() -> None:
    held = store()
    async with simulator(held) as running, following(machine(running.port, config={"look_every": 60})) as what:
        await until(lambda: what.caught_up and running.listeners)
        running.cut_sockets()
        held.scan("1001")
        await until(lambda: running.listeners)
        await running.scan("1002")
        await until(lambda: what.ids == ids_of(held))
        assert what.trouble is None


async def test_a_socket_whose_session_was_taken_over_is_noticed_by_its_silence() -> None:
    config = {"look_every": 60, "silent_after": 0.3}
    async with simulator(store()) as running, following(machine(running.port, config=config)) as what:
        await until(lambda: what.caught_up and running.listeners)
        running.unbind()
        await until(lambda: running.listeners)
        await running.scan("1001")
        await until(lambda: what.live)
        assert running.store.logins == 2


async def test_a_session_that_expires_between_pages_is_followed_by_another_login() -> None:
    held = store(300)
    async with simulator(held, faults=Faults(expires=4)) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.ids == ids_of(held)
        assert held.logins >= 2


async def test_a_socket_that_leaves_scans_out_is_told_and_left_as_it_is() -> None:
    held = store()
    async with simulator(held, faults=Faults(deaf=True)) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        for number in range(8):
            if "deaf socket" in what.contact.warnings:
                break
            looks = what.looks
            await until(lambda looks=looks: what.looks > looks + 1)
            held.record_at("1001", held.wall() + timedelta(minutes=number))
            await until(lambda: what.ids == ids_of(held))
        await until(lambda: "deaf socket" in what.contact.warnings)


async def test_without_a_socket_what_is_found_new_is_live() -> None:
    held = store()
    async with simulator(held) as running, following(machine(running.port, config={"live": False})) as what:
        await until(lambda: what.caught_up)
        await running.scan("1001")
        await until(lambda: len(what.live) == 1)
        assert running.bound == 0


# Epochs


async def test_numbers_that_begin_again_are_a_new_epoch_and_nothing_is_missed() -> None:
    held, driver = store(), Suprema(SystemClock())
    async with simulator(held) as running, following(machine(running.port, config={"live": False}), driver) as what:
        await until(lambda: what.caught_up)
        for table in range(2):
            held.begin_numbers_again()
            for number in range(7 - table):
                held.record_at(str(3000 + number), held.wall() + timedelta(minutes=10 * table + number))
            await until(lambda: what.ids == ids_of(held))
            for number in range(90):
                held.record_at(str(4000 + number), held.wall() + timedelta(minutes=10 * table + 8))
            await until(lambda: what.ids == ids_of(held))
        assert "numbers began again" in what.contact.warnings["numbers began again"]
        assert len(what.readings) == len(what.ids)


async def test_events_that_were_deleted_are_told_and_what_comes_after_is_read() -> None:
    held = store()
    async with simulator(held) as running, following(machine(running.port, config={"live": False})) as what:
        await until(lambda: what.caught_up)
        held.delete_all()
        held.scan("1001")
        await until(lambda: len(what.live) == 1)
        await until(lambda: "events were deleted" in what.contact.warnings.get("numbers began again", ""))


async def test_the_same_number_in_two_tables_is_no_reason_to_leave_one_out() -> None:
    held = store(75)
    held.begin_numbers_again()
    for number in range(75):
        held.record_at(str(5000 + number), held.wall() + timedelta(minutes=number))
    async with simulator(held) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert what.ids == ids_of(held)


async def test_more_events_than_a_page_that_arrived_in_one_second_are_all_read() -> None:
    held = store(20)
    at = held.wall()
    for number in range(180):
        held.record_at(str(5000 + number), at)
    for faults in (Faults(), Faults(no_id=True)):
        async with simulator(held, faults=faults) as running, following(machine(running.port)) as what:
            await until(lambda what=what: what.caught_up)
            assert what.ids == ids_of(held)


# Times


async def test_a_scan_is_named_by_the_wall_time_of_its_place() -> None:
    held = store(3, zone="Asia/Kolkata")
    async with simulator(held) as running, following(machine(running.port, zone="Asia/Kolkata")) as what:
        await until(lambda: what.caught_up)
        assert [reading.local_time.hour for reading in what.readings] == [8, 8, 8]
        assert {reading.offset for reading in what.readings} == {timedelta(hours=5, minutes=30)}
        assert what.ids == ids_of(held)


async def test_local_times_that_are_labelled_as_utc_are_read_so_where_the_config_says_it() -> None:
    held = store(zone="Asia/Kolkata", labels_local=True)
    of = {"zone": "Asia/Kolkata", "config": {"datetime_is": "device_local"}}
    async with simulator(held) as running, following(machine(running.port, **of)) as what:
        await until(lambda: what.caught_up and running.listeners)
        for number in range(5):
            await running.scan(str(1000 + number))
            await until(lambda number=number: len(what.live) > number)
        assert what.ids == ids_of(held)
        assert {reading.offset for reading in what.readings} == {None}
        assert what.contact.warnings == {}


async def test_local_times_that_are_labelled_as_utc_are_found_out() -> None:
    held = store(zone="Asia/Kolkata")
    of = {"zone": "Asia/Kolkata"}
    async with simulator(held, faults=Faults(local_as_z=True)) as running:
        async with following(machine(running.port, **of)) as what:
            await until(lambda: what.caught_up)
            assert "`device_local`" in what.contact.warnings["times"], "by what was found already"


async def test_the_other_mistake_is_found_out_by_what_happens() -> None:
    of = {"zone": "America/New_York", "config": {"datetime_is": "device_local"}}
    async with simulator(store(zone="America/New_York")) as running, following(machine(running.port, **of)) as what:
        await until(lambda: what.caught_up and running.listeners)
        assert "times" not in what.contact.warnings
        for number in range(5):
            await running.scan(str(1000 + number))
            await until(lambda number=number: len(what.live) > number)
        await until(lambda: "times" in what.contact.warnings)
        assert "to `utc`" in what.contact.warnings["times"]


async def test_a_clock_that_is_wrong_is_measured_by_what_happens() -> None:
    async with simulator(store(), faults=Faults(clock=timedelta(minutes=7))) as running:
        async with following(machine(running.port)) as what:
            await until(lambda: what.caught_up and running.listeners)
            for number in range(5):
                await running.scan(str(1000 + number))
                await until(lambda number=number: len(what.live) > number)
            assert abs(what.contact.offsets[-1] - timedelta(minutes=7)) < timedelta(seconds=3)


async def test_what_was_wrong_in_the_past_is_no_news() -> None:
    held = store(60, zone="Europe/Berlin")
    for number in range(20):
        held.record_at("", datetime(2026, 7, 1, 8, number), code=LINK_DOWN if number % 2 == 0 else LINK_UP)
        held.record_at("", datetime(2026, 7, 1, 9, number), code=LOG_CLEARED)
    async with simulator(held) as running, following(machine(running.port, zone="Europe/Berlin")) as what:
        await until(lambda: what.caught_up)
        assert what.contact.warnings == {}
        await running.scan("", code=LOG_CLEARED)
        await until(lambda: "log cleared" in what.contact.warnings)


async def test_a_zone_that_is_set_otherwise_is_told() -> None:
    held = store()
    held.told_zone = "Asia/Kolkata"
    async with simulator(held) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        assert "takes it to be at UTC+05:30, where UTC is UTC+00:00" in what.contact.warnings["zone"]


# What is a scan


async def test_who_was_refused_did_not_scan_and_who_was_forced_did() -> None:
    async with simulator(store(0)) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up and running.listeners)
        for code in (FACE_FAILED, NOT_ALLOWED, USER_UPDATED, DURESS):
            await running.scan("1001", code=code, key="2")
        await until(lambda: what.live)
        looks = what.looks
        await until(lambda: what.looks > looks + 1)
        (scan,) = what.readings
        assert (scan.type, scan.verify) == (ScanType.OUT, "fingerprint")
        assert scan.raw is not None
        assert scan.raw["duress"] is True


async def test_somebody_who_is_nobody_is_kept_as_evidence() -> None:
    async with simulator(store(0)) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up)
        await running.scan("")
        await until(lambda: what.unreadable)
        assert "does not say who" in what.unreadable[0].reason
        assert what.readings == []


async def test_a_machine_that_its_server_has_lost_is_not_complete() -> None:
    async with simulator(store()) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up and running.listeners)
        await running.scan("", code=LINK_DOWN)
        await until(lambda: "link" in what.contact.warnings)
        looks = what.looks
        await until(lambda: what.looks > looks)
        assert what.batches[-1].complete_until is None
        await running.scan("", code=LINK_UP)
        await until(lambda: "link" not in what.contact.warnings)
        await until(lambda: what.batches[-1].complete_until)


# Several machines of one server


async def test_machines_of_one_server_share_a_login_and_a_socket_and_no_scan() -> None:
    devices = ("11", "22", "33")
    held = Store(devices=devices)
    for number in range(60):
        held.scan(str(100 + number), device=devices[number % 3])
    driver = Suprema(SystemClock())
    async with simulator(held) as running, AsyncExitStack() as stack:
        followed = []
        for number, device in enumerate(devices, 1):
            of = machine(running.port, config={"device_id": device}, id=number)
            followed.append(await stack.enter_async_context(following(of, driver)))
        await until(lambda: all(what.caught_up for what in followed) and running.listeners)
        await running.scan("900", device="22")
        await until(lambda: followed[1].live)
        assert [len(what.readings) for what in followed] == [20, 21, 20]
        assert (held.logins, running.listeners) == (1, 1)


async def test_a_machine_is_known_by_its_serial_number_where_no_number_is_given() -> None:
    held = store(5)
    async with simulator(held) as running:
        async with following(machine(running.port, config={"device_id": ""}, serial=DEVICE)) as what:
            await until(lambda: what.caught_up)
            assert what.ids == ids_of(held)


async def test_a_number_that_the_server_has_no_events_of_is_told() -> None:
    async with simulator(store()) as running, following(machine(running.port, config={"device_id": "9"})) as what:
        await until(lambda: what.caught_up)
        assert "is its device_id right?" in what.contact.warnings["no events yet"]
        assert what.readings == []


# What goes wrong


@pytest.mark.parametrize(
    ("faults", "config", "kind", "said"),
    [
        (Faults(), {"password": "no"}, WrongCredentials, "refuses our user 'admin' or its password"),
        (Faults(locked=True), {}, WrongCredentials, "has locked our user 'admin'"),
        (Faults(forbidden=True), {}, WrongCredentials, "does not let our user 'admin' ask"),
        (Faults(never_logged_in=True), {}, Garbled, "takes our session for none"),
        (Faults(ignores_keys=True), {}, ProtocolBroken, "gives events that were not asked for"),
        (Faults(no_search=True), {}, ProtocolBroken, "does not let its events be searched"),
        (Faults(silent=0), {}, Unreachable, "does not answer /api/login within 0.5 s"),
        (Faults(silent=2), {}, Unreachable, "does not answer /api/events"),
        (Faults(cut=60), {}, Unreachable, "closed the connection"),
        (Faults(no_http=True), {}, ProtocolBroken, "is no BioStar 2 server"),
        (Faults(), {"https": True}, ProtocolBroken, "does not speak HTTPS"),
    ],
    ids=lambda value: named(value) if isinstance(value, Faults) else None,
)
async def test_each_trouble_has_its_kind_and_its_sentence(
    faults: Faults, config: dict[str, Any], kind: type[MachineTrouble], said: str
) -> None:
    async with simulator(store(), faults=faults) as running:
        trouble = await trouble_of(running, config=config)
        assert type(trouble) is kind or (kind is Unreachable and isinstance(trouble, Unreachable))
        assert said in trouble.message


async def test_nobody_there_is_unreachable() -> None:
    async with simulator(store()) as running:
        port = running.port
    async with following(machine(port)) as what:
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, Unreachable)
        assert "refuses the connection" in what.trouble.message


@pytest.mark.parametrize("lacking", [{"ip_address": None}, {"config": {"password": ""}}, {"config": {"device_id": ""}}])
async def test_what_is_not_set_up_is_said_and_not_tried(lacking: dict[str, Any]) -> None:
    of = machine(9, **lacking)
    assert Suprema(SystemClock()).lacks(of)
    async with following(of) as what:
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, NotSetUp)


async def test_a_wrong_password_is_tried_once_whatever_the_number_of_machines_and_attempts() -> None:
    clock = FakeClock()
    driver = Suprema(clock)
    async with simulator(store()) as running:
        for number in range(4):
            trouble = await trouble_of(running, driver, config={"password": "no"}, id=number + 1)
            assert isinstance(trouble, WrongCredentials)
        assert running.store.wrong_passwords == 1
        clock.forward(timedelta(minutes=31))
        await trouble_of(running, driver, config={"password": "no"})
        assert running.store.wrong_passwords == 2
        await probe(machine(running.port, config={"password": "no"}), driver)
        assert running.store.wrong_passwords == 3, "a person who tests it means it"


async def test_a_password_that_is_refused_in_mid_contact_is_not_tried_again_either() -> None:
    driver = Suprema(SystemClock())
    async with simulator(store()) as running, following(machine(running.port), driver) as what:
        await until(lambda: what.caught_up and running.listeners)
        running.store.password = "another"
        running.store.expire()
        await until(lambda: what.trouble)
        assert isinstance(what.trouble, WrongCredentials)
        for _ in range(3):
            assert isinstance(await trouble_of(running, driver), WrongCredentials)
        assert running.store.wrong_passwords == 1


async def test_a_test_goes_through_its_steps() -> None:
    async with simulator(store()) as running:
        steps = await probe(machine(running.port), Suprema(SystemClock()))
        assert [(step.step, step.ok) for step in steps] == [
            ("resolve", True),
            ("connect", True),
            ("authenticate", True),
            ("events", True),
            ("socket", True),
        ]
        assert "the last event of device 538150641 is of 2026-01-05T09:59:00" in steps[3].result
        running.faults = Faults(no_socket=True)
        steps = await probe(machine(running.port), Suprema(SystemClock()))
        assert (steps[-1].step, steps[-1].ok) == ("socket", False)
        assert "has no socket at /wsapi" in steps[-1].result


# TLS


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    program = shutil.which("openssl")
    if program is None:
        pytest.skip("there is no openssl to make a certificate with")
    paths = tmp_path / "certificate.pem", tmp_path / "key.pem"
    wanted = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=biostar", "-days", "2"]
    subprocess.run([program, *wanted, "-out", paths[0], "-keyout", paths[1]], check=True, capture_output=True)
    return paths


def serving(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*certificate)
    return context


async def test_a_certificate_that_a_server_signed_itself_is_refused_until_it_is_registered(
    certificate: tuple[Path, Path],
) -> None:
    held = store()
    async with simulator(held, tls=serving(certificate)) as running:
        trouble = await trouble_of(running, config={"https": True})
        assert isinstance(trouble, OtherMachine)
        assert "put it into `certificate` in its config" in trouble.message
        assert held.logins == 0, "nobody was told the password"
        for badge, config in (("7", {"certificate": certificate[0].read_text()}), ("8", {"verify": False})):
            async with following(machine(running.port, config={"https": True, **config})) as what:
                await until(lambda what=what: what.caught_up and running.listeners)
                await running.scan(badge)
                await until(lambda what=what: what.live)
