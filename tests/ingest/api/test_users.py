"""The users of a machine over REST: asked of the machine itself, for HR, and beside the contact that there may be."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import httpx
import pytest

from services.ingest.application.drivers import Capability, NotOffered, ProtocolBroken
from services.ingest.application.listing_users import ListingUsers
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.vendors.zkteco.simulator import Device, Faults, simulator
from services.ingest.vendors.zkteco.simulator.encoding import User
from shared.contracts.scans import ScanReceived
from shared.kernel.errors import Unavailable
from shared.web.scope import Scope
from tests.ingest.application.watched import GATE, MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import FakeDriver, until
from tests.ingest.vendors.listing import SECRET

USERS = f"{MACHINES}gate/users/"


class Lister(FakeDriver):
    """One whose machines have the users that the test says, and then do as it says."""

    def __init__(self) -> None:
        super().__init__()
        self.capabilities |= {Capability.LISTS_USERS}
        self.people: list[MachineUser] = []
        self.trouble: Exception | None = None
        self.goes_on: asyncio.Event | None = None
        self.asked = 0

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        self.asked += 1
        try:
            for user in self.people:
                yield user
            if self.goes_on is not None:
                await self.goes_on.wait()
            if self.trouble is not None:
                raise self.trouble
        finally:
            self.asked -= 1


@pytest.fixture
def lister(ingest: Ingest) -> Lister:
    driver = Lister()
    ingest.drivers["fake"] = driver
    return driver


def terminal() -> Device:
    asha = User(uid=7, user_id="007", name="Asha", privilege=14, password=SECRET, card=4711)
    return Device(users=[asha, "1002", "1003"], serial="S1")


async def register(hr: httpx.AsyncClient, port: int, **config: Any) -> None:
    config = {"answer_within": 2, "look_every": 0.2, **config}
    body = {**GATE, "machine_type": "zkteco", "ip_address": "127.0.0.1", "port": port, "zone": "UTC", "config": config}
    assert (await hr.post(MACHINES, json=body)).status_code == 201


async def refused(hr: httpx.AsyncClient, *, query: str = "") -> tuple[int, str]:
    """The status, and the sentence."""
    answer = await hr.get(f"{USERS}{query}")
    assert answer.headers["content-type"] == "application/problem+json"
    return answer.status_code, answer.json()["detail"]


async def test_a_machine_is_asked_for_its_users_and_its_contact_goes_on(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with simulator(terminal(), pace=0) as running, ingest.running():
        await register(hr, running.port)
        await eventually(hr, lambda m: m["state"] == "live")
        answer = await hr.get(USERS)
        told = answer.json()
        assert (answer.status_code, told["machine_id"], told["complete"], told["left_out"]) == (200, "gate", True, "")
        assert told["users"] == [
            {"badge": "007", "uid": "7", "name": "Asha", "is_admin": True, "card": "4711"},
            {"badge": "1002", "uid": "8", "name": "User 1002", "is_admin": False, "card": ""},
            {"badge": "1003", "uid": "9", "name": "User 1003", "is_admin": False, "card": ""},
        ]
        assert SECRET not in answer.text
        await until(lambda: running.connections == 1)
        assert running.accepted == 2, "its own connection, beside that of the contact"
        assert (await eventually(hr, lambda m: m["state"] == "live"))["is_connected"]


async def test_of_many_users_as_many_are_told_as_are_asked_for(hr: httpx.AsyncClient, lister: Lister) -> None:
    await hr.post(MACHINES, json=GATE)
    lister.people = [MachineUser(badge=str(number)) for number in range(1_200)]
    usual, few, all_of_them = [(await hr.get(f"{USERS}{query}")).json() for query in ("", "?limit=2", "?limit=1200")]
    assert [len(told["users"]) for told in (usual, few, all_of_them)] == [1_000, 2, 1_200]
    assert [told["complete"] for told in (usual, few, all_of_them)] == [False, False, True]
    assert few["left_out"] == "it has more than 2"
    assert lister.asked == 0, "it was let go each time"


@pytest.mark.parametrize("query", ["?limit=0", "?limit=10001", "?limit=all", "?limit=-1", "?limit=", "?search=7"])
async def test_what_cannot_be_meant_is_refused(hr: httpx.AsyncClient, lister: Lister, query: str) -> None:
    await hr.post(MACHINES, json=GATE)
    assert (await refused(hr, query=query))[0] == 400


async def test_it_is_for_hr_alone(ingest: Ingest, hr: httpx.AsyncClient, lister: Lister) -> None:
    await hr.post(MACHINES, json=GATE)
    for role in ("employee", "department_head"):
        async with ingest.client(role) as somebody:
            assert (await somebody.get(USERS)).status_code == 403
    assert (await refused(hr, query="../../none/users/"))[0] == 404


@pytest.mark.parametrize(
    ("body", "status", "sentence"),
    [
        ({"machine_type": "generic"}, 422, "machines of its type do not tell them"),
        ({"machine_type": "zkteco", "serial": "S1", "config": {"push": True}}, 422, "we do not go to it"),
        ({"machine_type": "zkteco"}, 409, "it has no address"),
        ({"machine_type": "suprema", "ip_address": "127.0.0.1"}, 409, "its config has no password"),
    ],
    ids=["another type", "it only calls", "no address", "no password"],
)
async def test_a_machine_that_cannot_be_asked_is_told_why(
    hr: httpx.AsyncClient, body: dict[str, Any], status: int, sentence: str
) -> None:
    assert (await hr.post(MACHINES, json={**GATE, **body})).status_code == 201
    answered, said = await refused(hr)
    assert (answered, sentence in said) == (status, True), said


@pytest.mark.parametrize(
    ("trouble", "status", "sentence"),
    [
        (NotOffered("the machine does not tell"), 422, "cannot be asked for its users: the machine does not tell"),
        (ProtocolBroken("it answers oddly", evidence=SECRET.encode()), 503, "gate: it answers oddly"),
        (ZeroDivisionError(SECRET), 503, "gate: its driver failed; the log of ingest has the details"),
    ],
    ids=["it does not tell", "a trouble", "a mistake of the driver"],
)
async def test_what_goes_wrong_is_a_sentence_and_nothing_is_kept_of_it(
    hr: httpx.AsyncClient, lister: Lister, trouble: Exception, status: int, sentence: str
) -> None:
    await hr.post(MACHINES, json=GATE)
    lister.people, lister.trouble = [MachineUser(badge="7")], trouble
    answered, said = await refused(hr)
    assert (answered, sentence in said) == (status, True), said
    assert (await hr.get(f"{MACHINES}gate/unreadable/")).json() == []


async def test_a_machine_that_is_away_is_said_to_be(ingest: Ingest, hr: httpx.AsyncClient) -> None:
    async with simulator(terminal(), pace=0) as running:
        await register(hr, running.port)
        await running.off()
        status, said = await refused(hr)
        assert (status, "refuses the connection" in said) == (503, True), said


async def test_where_one_connection_is_all_that_it_bears_the_contact_stays_and_a_pause_helps(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    async with simulator(terminal(), faults=Faults(one_connection=True), pace=0) as running, ingest.running():
        await register(hr, running.port)
        await eventually(hr, lambda m: m["state"] == "live")
        status, said = await refused(hr)
        assert (status, "pause it, and ask again" in said) == (503, True), said
        await running.scan("007")
        await until(lambda: ingest.bus.events(ScanReceived))
        assert (await hr.post(f"{MACHINES}gate/pause/", json={})).status_code == 200
        await until(lambda: running.connections == 0)
        assert len((await hr.get(USERS)).json()["users"]) == 3


async def test_nobody_asks_a_machine_twice_at_once(hr: httpx.AsyncClient, lister: Lister) -> None:
    await hr.post(MACHINES, json=GATE)
    lister.goes_on = asyncio.Event()
    first = asyncio.create_task(hr.get(USERS))
    await until(lambda: lister.asked)
    status, said = await refused(hr)
    assert (status, "is being asked for its users already" in said) == (409, True)
    lister.goes_on.set()
    assert (await first).status_code == 200
    assert (await hr.get(USERS)).status_code == 200


async def test_a_machine_that_takes_too_long_has_told_what_it_has_told(
    ingest: Ingest, hr: httpx.AsyncClient, lister: Lister
) -> None:
    await hr.post(MACHINES, json=GATE)
    listing = ListingUsers(ingest.parts.registry, ingest.parts.machines, within=0.2)
    lister.goes_on = asyncio.Event()
    with pytest.raises(Unavailable, match=r"no answer within 0\.2 s"):
        await listing.of("gate", Scope.everything(), limit=10)
    lister.people = [MachineUser(badge="7")]
    told = await listing.of("gate", Scope.everything(), limit=10)
    assert (told.users, told.left_out) == (lister.people, "it did not tell all of them within 0.2 s")
    assert lister.asked == 0
