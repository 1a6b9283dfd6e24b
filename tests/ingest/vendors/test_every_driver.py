"""What holds for every driver in the table, and for every one that will join it."""

from pathlib import Path

import pytest

from services.ingest import vendors
from services.ingest.vendors.conformance import check, tier_of
from services.ingest.vendors.conformance.quality import read
from services.ingest.vendors.table import drivers
from shared.kernel.clock import SystemClock

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
