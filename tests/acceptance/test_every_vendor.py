"""A machine of every vendor, on sockets, at once, with what can be wrong with it: what was scanned is stored."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack
from datetime import date, datetime, timedelta
from typing import Any, ClassVar, Protocol
from zoneinfo import ZoneInfo

import pytest

from services.ingest.domain.scan import scan_id
from services.ingest.vendors.generic import simulator as generic
from services.ingest.vendors.hikvision import simulator as hikvision
from services.ingest.vendors.simulated.driver import Simulated
from services.ingest.vendors.suprema import simulator as suprema
from services.ingest.vendors.zkteco import simulator as zkteco
from services.ingest.vendors.zkteco.adms import simulator as adms
from services.ingest.vendors.zkteco.clock import unpacked
from shared.kernel.clock import SystemClock
from tests.acceptance.conftest import ZONE, Starting
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import MACHINES, SCANS, stored
from tests.acceptance.terminals import Notebook, Site
from tests.ingest.fakes import machine

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]

EACH = 2_000
LOGGED = 1_000
"""Of these, how many a machine recorded before it was registered."""
PEOPLE = [str(5_000 + number) for number in range(200)]
A_SECOND = 100
"""Live scans of a machine; nobody scans twice within a second, so that each scan is one of its own."""
BEFORE = datetime(2026, 1, 5, 8)
"""When the first of the log was recorded."""


Recorded = tuple[str, datetime, str]
"""Badge, the machine's wall time and state."""


class Hung(Protocol):
    """A machine that hangs somewhere, as the test sees it."""

    kind: str
    faults: Sequence[Any]
    """Had one after the other while people scan; the last is none."""

    def body(self) -> dict[str, Any]:
        """What an administrator registers it with."""

    def log(self, person: str, at: datetime) -> None:
        """Somebody scanned at that wall time."""

    async def scan(self, person: str) -> None:
        """Somebody scans now."""

    async def suffer(self, faults: Any) -> None:
        """From now on it has these faults, and contact with it is broken."""

    def recorded(self) -> list[Recorded]:
        """All that people ever scanned."""


class Hikvision:
    kind = "hikvision"
    faults: ClassVar = [
        hikvision.Faults(split=3, malformed=3),
        hikvision.Faults(cut_stream=20, burst=4),
        hikvision.Faults(xml=True, no_length=True, busy=2),
        hikvision.Faults(deaf=True),
        hikvision.Faults(),
    ]

    def __init__(self, running: hikvision.Running) -> None:
        self._running = running

    def body(self) -> dict[str, Any]:
        config = {"password": self._running.device.password, "look_every": 1, "silent_after": 5}
        return {"ip_address": "127.0.0.1", "port": self._running.port, "config": config}

    def log(self, person: str, at: datetime) -> None:
        self._running.device.record_at(person, at)

    async def scan(self, person: str) -> None:
        await self._running.scan(person)

    async def suffer(self, faults: Any) -> None:
        self._running.faults = faults
        self._running.kill()

    def recorded(self) -> list[Recorded]:
        return [(entry.person, entry.wall, entry.status) for entry in self._running.device.scans]


class Suprema:
    kind = "suprema"
    faults: ClassVar = [
        suprema.Faults(expires=20, malformed=5),
        suprema.Faults(cut_socket=20, burst=4),
        suprema.Faults(duplicate=True, binary=True),
        suprema.Faults(deaf=True),
        suprema.Faults(),
    ]

    def __init__(self, running: suprema.Running, store: suprema.Store) -> None:
        self._running, self._store = running, store

    def body(self) -> dict[str, Any]:
        config = {
            "device_id": self._store.devices[0],
            "password": self._store.password,
            "https": False,
            "look_every": 1,
        }
        return {"ip_address": "127.0.0.1", "port": self._running.port, "config": config}

    def log(self, person: str, at: datetime) -> None:
        self._store.record_at(person, at)

    async def scan(self, person: str) -> None:
        await self._running.scan(person)

    async def suffer(self, faults: Any) -> None:
        self._running.faults = faults
        self._running.kill()

    def recorded(self) -> list[Recorded]:
        return [(row.user, self._store.local(row), row.key) for row in self._store.scans]


class Generic:
    kind = "generic"
    config: ClassVar = {"profile": "stx-etx", "connection": {"side": "client"}}
    faults: ClassVar = [
        generic.Faults(split=3, garbage=20),
        generic.Faults(cut=2_000),
        generic.Faults(wrong_bcc=20, duplicate=True),
        generic.Faults(gap=20),
        generic.Faults(),
    ]

    def __init__(self, running: generic.Running) -> None:
        self._running = running

    def body(self) -> dict[str, Any]:
        return {"ip_address": "127.0.0.1", "port": self._running.port, "config": self.config}

    def log(self, person: str, at: datetime) -> None:
        self._running.device.record_at(person, at)

    async def scan(self, person: str) -> None:
        self._running.scan(person)

    async def suffer(self, faults: Any) -> None:
        self._running.faults = faults
        self._running.kill()

    def recorded(self) -> list[Recorded]:
        return [(entry.badge, entry.wall, entry.state) for entry in self._running.device.entries]


class Zkteco:
    kind = "zkteco"
    faults: ClassVar = [
        zkteco.Faults(split=3),
        zkteco.Faults(cut=20_000),
        zkteco.Faults(burst=20),
        zkteco.Faults(split=1),
        zkteco.Faults(),
    ]

    def __init__(self, running: zkteco.Running, notebook: Notebook) -> None:
        self._running, self._notebook = running, notebook

    def body(self) -> dict[str, Any]:
        return {"ip_address": "127.0.0.1", "port": self._running.port, "config": {"look_every": 1}}

    def log(self, person: str, at: datetime) -> None:
        self._notebook.record_at(person, at)

    async def scan(self, person: str) -> None:
        await self._running.scan(person)

    async def suffer(self, faults: Any) -> None:
        self._running.faults = faults
        self._running.kill()

    def recorded(self) -> list[Recorded]:
        return [(each.user_id, unpacked(each.time), str(each.state)) for each in self._notebook.ever]


class Adms:
    kind = "zkteco"
    faults: ClassVar = [
        adms.Faults(columns=12, crlf=True),
        adms.Faults(lost_reply=3, garbage=2),
        adms.Faults(duplicate=True, aspx=True),
        adms.Faults(burst=20, slash=True, header=True),
        adms.Faults(),
    ]

    def __init__(self, url: str) -> None:
        self._host, port = url.removeprefix("http://").split(":")
        self._port = int(port)
        self.unit = adms.Unit("PUSHES1", zone=ZONE)
        self._pushing: AsyncExitStack | None = None
        self._terminal: adms.PushingTerminal | None = None

    def body(self) -> dict[str, Any]:
        return {"serial": self.unit.serial}

    def log(self, person: str, at: datetime) -> None:
        self.unit.record(adms.Punch(badge=person, at=at))

    async def scan(self, person: str) -> None:
        if self._terminal is None:
            self.unit.punch(person)
        else:
            self._terminal.punch(person)

    async def suffer(self, faults: Any) -> None:
        await self.ends()
        self._pushing = AsyncExitStack()
        self._terminal = adms.PushingTerminal(
            self.unit, host=self._host, port=self._port, faults=faults, delay=0.2, error_delay=0.5, obeys=False
        )
        await self._pushing.enter_async_context(adms.pushing(self._terminal))

    async def ends(self) -> None:
        if self._pushing is not None:
            await self._pushing.aclose()

    def recorded(self) -> list[Recorded]:
        return [(punch.badge, punch.at, str(punch.state)) for punch in self.unit.log]


async def hung_up(site: AsyncExitStack, url: str) -> dict[str, Hung]:
    """A machine of each vendor, with a log; nobody knows of them yet."""
    notebook, store = Notebook(zone=ZONE, users=PEOPLE), suprema.Store(zone=ZONE)
    machines: dict[str, Hung] = {
        "isapi": Hikvision(
            await site.enter_async_context(hikvision.simulator(hikvision.Device(zone=ZONE), beat_every=1))
        ),
        "biostar": Suprema(await site.enter_async_context(suprema.simulator(store)), store),
        "lines": Generic(
            await site.enter_async_context(
                generic.simulator(generic.Device(Generic.config, zone=ZONE), repeat_after=0.5)
            )
        ),
        "port-4370": Zkteco(await site.enter_async_context(zkteco.simulator(notebook, pace=0)), notebook),
        "pushes": Adms(url),
    }
    for hung in machines.values():
        for number in range(LOGGED):
            hung.log(PEOPLE[number % len(PEOPLE)], BEFORE + timedelta(minutes=number))
    return machines


async def lived_through(hung: Hung) -> None:
    """People scan, while it has one fault after the other."""
    each = (EACH - LOGGED) // len(hung.faults)
    for turn, faults in enumerate(hung.faults):
        await hung.suffer(faults)
        for number in range(turn * each, (turn + 1) * each):
            await hung.scan(PEOPLE[number % len(PEOPLE)])
            await asyncio.sleep(1 / A_SECOND)


def invented(system: System, days: int) -> set[str]:
    """What a simulated machine has in its log of the days before today: the ids of these scans, of whole days."""
    config = {"people": 50, "history_days": days}
    made = system.admin.post(
        MACHINES, {"machine_id": "invented", "machine_type": "simulated", "zone": ZONE, "config": config}
    )
    today: date = datetime.now(ZoneInfo(ZONE)).date()
    known = machine(made["id"], machine_type="simulated", zone=ZONE, config=config)
    # Not the first of these days: a test that lasts over midnight would wait for it in vain.
    readings = Simulated(SystemClock()).history(known, today - timedelta(days=days - 1), today - timedelta(days=1))
    return {str(scan_id(made["id"], each.badge, each.local_time, each.state)) for each in readings}


def nothing_is_missing(system: System, code: str) -> bool:
    """What the reconciliation of a machine says."""
    found = system.admin.get(f"{MACHINES}{code}/reconciliation/")
    print(code, found["missing"], found["sentence"])
    assert found["received"]["scans"] == EACH, found
    return found["missing"] == 0


@pytest.mark.parametrize("shape", ["embedded", pytest.param("compose", marks=pytest.mark.rabbit)])
def test_of_every_vendor_exactly_what_was_scanned_is_stored(start: Starting, shape: str) -> None:
    system = start(shape, timezone=ZONE)
    with Site() as site:
        stack = AsyncExitStack()
        machines = site.run(hung_up(stack, system.machines_url))
        ids = {
            code: system.admin.post(
                MACHINES, {"machine_id": code, "machine_type": hung.kind, "zone": ZONE, **hung.body()}
            )["id"]
            for code, hung in machines.items()
        }
        made_up = invented(system, days=30)

        async def all_live() -> None:
            async with asyncio.TaskGroup() as people:
                for hung in machines.values():
                    people.create_task(lived_through(hung))

        site.run(all_live(), within=200)
        for code, hung in machines.items():
            expected = {str(scan_id(ids[code], *each)) for each in site.call(hung.recorded)}
            assert len(expected) == EACH, code
            until(lambda code=code: stored(system, code) >= EACH, f"all of {code} is stored", within=120)  # type: ignore[misc]
            found = [row["id"] for row in system.admin.every(SCANS, machine=code)]
            assert (len(found), set(found) - expected, expected - set(found)) == (EACH, set(), set()), code
        assert len(made_up) >= EACH
        until(
            lambda: made_up <= {row["id"] for row in system.admin.every(SCANS, machine="invented")},
            "all that was made up is stored",
        )
        for code in machines:
            if code != "lines":  # it numbers what it sends; a gap would have been asked for
                assert system.admin.call("POST", f"{MACHINES}{code}/sync/", json={}).status_code == 202, code
            until(lambda code=code: nothing_is_missing(system, code), f"nothing of {code} is missing", within=60)  # type: ignore[misc]
        site.run(machines["pushes"].ends())  # type: ignore[attr-defined]
        site.run(stack.aclose())
