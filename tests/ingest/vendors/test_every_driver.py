"""What holds for every driver in the table, and for every one that will join it."""

import tomllib
from pathlib import Path

import pytest

from services.ingest import vendors
from services.ingest.application.drivers import Capability, IsPushedTo, MakesHistory, ReadsLog, Streams, TakesCommands
from services.ingest.vendors.table import drivers
from shared.kernel.clock import SystemClock

FOLDER = Path(vendors.__file__).parent
ALL = drivers(SystemClock())
RULES = {
    "bronze": {"recordings", "stable_key", "zone_and_offset", "tried_before_saved", "pure_parsing"},
    "silver": {"backs_off", "says_once", "wrong_credentials_differ", "resumes", "owner_named"},
    "gold": {"users", "discovery", "redacted_diagnostics", "quirks_listed"},
    "platinum": {"fully_async", "strict_typing", "measured"},
}
REACHED = {"simulated": "silver", "zkteco": "silver", "hikvision": "silver", "suprema": "silver", "generic": "silver"}
"""The tier of each driver: it may rise, and does not fall unnoticed."""


def test_the_types_of_the_api_are_all_there() -> None:
    assert set(ALL) >= {"simulated", "zkteco", "suprema", "hikvision", "generic"}


@pytest.mark.parametrize("kind", ALL)
def test_a_driver_answers_to_its_own_name_and_lives_in_a_folder_of_it(kind: str) -> None:
    assert ALL[kind].kind == kind
    assert (FOLDER / kind / "driver.py").is_file()


@pytest.mark.parametrize("kind", ALL)
def test_a_driver_does_what_its_capabilities_say(kind: str) -> None:
    driver = ALL[kind]
    goes_out = driver.capabilities & {Capability.STREAMS, Capability.PULLS}
    assert isinstance(driver, Streams) == bool(goes_out)
    assert isinstance(driver, IsPushedTo) == (Capability.IS_PUSHED_TO in driver.capabilities)
    assert isinstance(driver, TakesCommands) == (Capability.TAKES_COMMANDS in driver.capabilities)
    assert isinstance(driver, ReadsLog) == (Capability.READS_LOG in driver.capabilities)
    assert isinstance(driver, MakesHistory) == (Capability.MAKES_HISTORY in driver.capabilities)
    assert driver.capabilities, "a driver that can do nothing"


@pytest.mark.parametrize("kind", ALL)
def test_every_rule_of_quality_is_answered(kind: str) -> None:
    quality = tomllib.loads((FOLDER / kind / "quality.toml").read_text())
    assert quality["owner"]
    for tier, rules in RULES.items():
        assert set(quality[tier]) == rules, tier
        for rule, answer in quality[tier].items():
            exempt = isinstance(answer, dict) and len(answer.get("exempt", "")) > 10
            assert answer in ("done", "todo") or exempt, f"{rule}: {answer}"


@pytest.mark.parametrize("kind", ALL)
def test_the_tier_of_a_driver_is_computed(kind: str) -> None:
    quality = tomllib.loads((FOLDER / kind / "quality.toml").read_text())
    tier = "none"
    for name in RULES:
        if "todo" in quality[name].values():
            break
        tier = name
    assert tier == REACHED[kind]


def test_no_vendor_is_named_outside_of_its_folder_and_the_table() -> None:
    named = [
        str(path.relative_to(FOLDER.parent))
        for path in FOLDER.parent.rglob("*.py")
        if FOLDER not in path.parents and any(f'"{kind}"' in path.read_text() for kind in ALL if kind != "generic")
    ]
    assert named == []
