"""The user table of terminals: its two forms, and that it is read beside a contact and gives no secret away."""

import struct
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.application.drivers import MachineTrouble, NotOffered, OtherMachine, ProtocolBroken, Unreachable
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Faults, simulator
from services.ingest.vendors.zkteco.simulator.encoding import LAYOUTS, User
from services.ingest.vendors.zkteco.users import UnknownUsers, user_ids, users_of
from services.ingest.vendors.zkteco.wire import Code
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.listing import SECRET, users_told
from tests.ingest.vendors.zkteco.contact import device, following, machine

OLD = bytes.fromhex("07000031323334354a4f484e00000000de00000000010000e9030000")
"""As PROTOCOLS §1.10 has it."""
ASHA = User(uid=7, user_id="1001", name="Asha", privilege=14, password=SECRET, card=5_309_183)
BILL = User(uid=9, user_id="1002", name="Bill", password=SECRET)


def row(layout: str, **values: object) -> bytes:
    return LAYOUTS[layout].user(replace(ASHA, **values))  # type: ignore[arg-type]


def test_an_old_row_is_read_as_it_is_described() -> None:
    (user,) = users_of(OLD, count=1)
    assert user == MachineUser(badge="1001", uid="7", name="JOHN", card="222")


@pytest.mark.parametrize("layout", ["8", "40"])
def test_all_is_read_of_a_user_but_their_password(layout: str) -> None:
    data = row(layout) + LAYOUTS[layout].user(BILL)
    asha, bill = users_of(data, count=2)
    assert asha == MachineUser(badge="1001", uid="7", name="Asha", is_admin=True, card="5309183")
    assert bill == MachineUser(badge="1002", uid="9", name="Bill")
    assert SECRET.encode() in data
    assert SECRET not in repr((asha, bill))


@pytest.mark.parametrize(
    ("permission", "is_admin"),
    [(0, False), (2, False), (6, True), (14, True), (1, False), (3, False), (7, True)],
    ids=["user", "enroller", "administrator", "super", "disabled", "disabled enroller", "disabled administrator"],
)
def test_who_may_change_the_machine_is_its_administrator(permission: int, is_admin: bool) -> None:
    (user,) = users_of(row("40", privilege=permission), count=1)
    assert user.is_admin is is_admin


@pytest.mark.parametrize(
    ("name", "read"),
    [
        ("Łukasz Ćwikła".encode(), "Łukasz Ćwikła"),
        ("রহিমা খাতুন বেগম".encode()[:24], "রহিমা খা"),
        ("张伟".encode("gb18030"), "张伟"),
        (b"Ann\0JUNK", "Ann"),
        (b"A\x07nn ", "Ann"),
        (b"\xff\xff", "\ufffd\ufffd"),
        (b"", ""),
    ],
    ids=["UTF-8", "cut in a character", "of its country", "junk behind it", "unprintable", "no text", "none"],
)
def test_a_name_is_read_as_well_as_can_be(name: bytes, read: str) -> None:
    raw = bytearray(row("40"))
    raw[11:35] = name.ljust(24, b"\0")
    (user,) = users_of(bytes(raw), count=1)
    assert user.name == read


@pytest.mark.parametrize("layout", ["8", "40"])
@pytest.mark.parametrize("off", [-1, 0, 1])
def test_the_form_is_found_although_the_count_is_off(layout: str, off: int) -> None:
    data = b"".join(row(layout, uid=number, user_id=str(1000 + number)) for number in range(1, 8))
    assert [user.badge for user in users_of(data, count=7 + off)] == [str(1000 + number) for number in range(1, 8)]


@given(data=st.binary(max_size=600), count=st.integers(0, 10))
def test_any_bytes_are_users_with_badges_or_no_table(data: bytes, count: int) -> None:
    try:
        users = list(users_of(data, count=count))
    except UnknownUsers:
        assert user_ids(data, count=count) == {}
    else:
        assert all(user.badge.strip() and user.uid for user in users)


# Over the wire


@pytest.mark.parametrize("layout", ["8", "16", "40", "49"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
@pytest.mark.parametrize("buffered", [True, False])
async def test_users_are_listed_whatever_the_terminal(layout: str, transport: str, buffered: bool) -> None:
    terminal = Device(layout=layout, users=[ASHA, BILL, *(str(number) for number in range(2000, 2100))])
    terminal.buffered = buffered
    async with simulator(terminal, udp=transport == "udp", pace=0) as running:
        of = machine(running.port, config={"transport": transport, "answer_within": 5})
        users = await users_told(Zkteco(SystemClock()), of)
        await until(lambda: not running.connections)
    assert len(users) == 102
    assert users[0] == MachineUser(badge="1001", uid="7", name="Asha", is_admin=True, card="5309183")
    assert SECRET not in repr(users)


async def test_a_terminal_without_users_has_none() -> None:
    async with simulator(Device(), pace=0) as running:
        assert await users_told(Zkteco(SystemClock()), machine(running.port)) == []


@pytest.mark.parametrize(
    ("faults", "of", "kind", "sentence"),
    [
        (Faults(no_users=True), {}, NotOffered, "does not give its users"),
        (Faults(), {"serial": "another"}, OtherMachine, "another machine answers"),
        (Faults(silent=4), {}, Unreachable, "does not answer"),
    ],
    ids=["not told", "another machine", "silence"],
)
async def test_where_they_cannot_be_had_a_sentence_says_why(
    faults: Faults, of: dict[str, str], kind: type[MachineTrouble], sentence: str
) -> None:
    async with simulator(device(10), faults=faults, pace=0) as running:
        with pytest.raises(kind, match=sentence) as refused:
            await users_told(Zkteco(SystemClock()), machine(running.port, **of))
        assert refused.value.evidence == b""


async def test_a_table_of_an_unknown_form_is_told_and_its_bytes_are_not() -> None:
    terminal = device(10)
    table = struct.pack("<I", 55) + SECRET.encode() * 11
    terminal.user_set = lambda: table  # type: ignore[method-assign]
    async with simulator(terminal, pace=0) as running:
        with pytest.raises(ProtocolBroken, match="of a form that is not known: 55 bytes for 20 users") as broken:
            await users_told(Zkteco(SystemClock()), machine(running.port))
        assert (broken.value.evidence, SECRET in str(broken.value)) == (b"", False)


async def test_a_contact_goes_on_while_users_are_listed() -> None:
    terminal, driver = device(50), Zkteco(SystemClock())
    async with simulator(terminal, pace=0) as running, following(machine(running.port), driver) as what:
        await until(lambda: what.caught_up)
        assert len(await users_told(driver, machine(running.port))) == 20
        assert what.trouble is None
        await running.scan("1001")
        await until(lambda: what.live)
        assert sum(one.code == Code.CONNECT for one in running.received) == 2
