"""What holds for every driver in the table, and for every one that will join it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services.ingest import vendors
from services.ingest.application.drivers import Capability, ListsUsers
from services.ingest.domain.machine import Machine
from services.ingest.vendors.conformance import check, listed_users, tier_of
from services.ingest.vendors.conformance.quality import read
from services.ingest.vendors.hikvision import simulator as hikvision
from services.ingest.vendors.suprema import simulator as suprema
from services.ingest.vendors.table import drivers
from services.ingest.vendors.zkteco import simulator as zkteco
from shared.kernel.clock import SystemClock
from tests.ingest.vendors.following import gate
from tests.ingest.vendors.hikvision import contact as of_hikvision
from tests.ingest.vendors.suprema import contact as of_suprema
from tests.ingest.vendors.zkteco import contact as of_zkteco

FOLDER = Path(vendors.__file__).parent
CLOCK = SystemClock()
ALL = {kind: driver for kind, driver in drivers(CLOCK).items() if type(driver).__module__.startswith(vendors.__name__)}
REACHED = {
    "simulated": "silver",
    "zkteco": "silver",
    "hikvision": "silver",
    "suprema": "silver",
    "generic": "silver",
    "http": "silver",
}
"""The tier of each driver: it may rise, and does not fall unnoticed."""


def test_the_types_of_the_api_are_all_there() -> None:
    assert set(ALL) >= {"simulated", "zkteco", "suprema", "hikvision", "generic"}


@pytest.mark.parametrize("kind", ALL)
def test_a_driver_answers_to_its_own_name_and_lives_in_a_folder_of_it(kind: str) -> None:
    assert ALL[kind].kind == kind
    assert (FOLDER / kind / "driver.py").is_file()


@pytest.mark.parametrize("kind", ALL)
async def test_every_driver_keeps_its_promises(kind: str) -> None:
    found = [finding async for finding in check(ALL[kind], FOLDER / kind, CLOCK, contact_for=1.0)]
    assert [finding for finding in found if finding.ok is False] == []
    assert len(found) >= 7


@asynccontextmanager
async def with_users(kind: str) -> AsyncIterator[Machine]:
    """A machine of this kind that answers, with people."""
    match kind:
        case "simulated":
            yield gate(kind, 1, {})
        case "zkteco":
            async with zkteco.simulator(of_zkteco.device(100), pace=0) as running:
                yield of_zkteco.machine(running.port)
        case "hikvision":
            async with hikvision.simulator(of_hikvision.device(100)) as terminal:
                yield of_hikvision.machine(terminal.port)
        case "suprema":
            async with suprema.simulator(of_suprema.store(100)) as server:
                yield of_suprema.machine(server.port)
        case _:
            raise AssertionError(f"there is no {kind} with people here")


@pytest.mark.parametrize(
    "kind", [kind for kind, driver in ALL.items() if Capability.LISTS_USERS in driver.capabilities]
)
async def test_users_that_a_driver_lists_have_badges_and_no_secrets(kind: str) -> None:
    driver = ALL[kind]
    assert isinstance(driver, ListsUsers)
    async with with_users(kind) as machine:
        found = await listed_users(driver, machine)
    assert (found.ok, int(found.said) >= 20) == (True, True), found.said


@pytest.mark.parametrize("kind", ALL)
def test_a_driver_lists_users_if_its_quality_says_so(kind: str) -> None:
    says = read(FOLDER / kind)["gold"]["users"] == "done"
    assert says is (Capability.LISTS_USERS in ALL[kind].capabilities)


@pytest.mark.parametrize("kind", ALL)
def test_the_tier_of_a_driver_is_computed(kind: str) -> None:
    assert tier_of(read(FOLDER / kind)) == REACHED[kind]


def test_no_vendor_is_named_outside_of_its_folder_and_the_table() -> None:
    named = [
        str(path.relative_to(FOLDER.parent))
        for path in FOLDER.parent.rglob("*.py")
        if FOLDER not in path.parents and any(f'"{kind}"' in path.read_text() for kind in ALL if kind != "generic")
    ]
    assert named == []
