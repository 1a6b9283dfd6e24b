"""Drivers that others make: how they are found, and what the check says of good and of bad ones."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest

from services.ingest.application.drivers import Capability, Contact, Session, Steps
from services.ingest.domain.machine import Machine
from services.ingest.vendors.conformance import check
from services.ingest.vendors.discovery import GROUP, in_folder, installed
from services.ingest.vendors.table import drivers
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Malformed
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.vendors.third_party.acme.driver import Acme, _Lines

CLOCK = SystemClock()
THERE = Path(__file__).parent / "third_party" / "acme"
MODULE = "tests.ingest.vendors.third_party.acme.driver"
BAD = "tests.ingest.vendors.third_party.bad_drivers"


def entry(value: str) -> EntryPoint:
    return EntryPoint(name="acme", value=value, group=GROUP)


async def broken(driver: Acme, folder: Path = THERE) -> dict[str, str]:
    """What is wrong with it, by promise."""
    found = [finding async for finding in check(driver, folder, CLOCK, contact_for=0.3)]
    return {finding.about: finding.said for finding in found if finding.ok is False}


class TestFinding:
    def test_a_driver_of_an_installed_package_joins_ours(self) -> None:
        (found,) = installed(CLOCK, taken=list(drivers(CLOCK)), found=[entry(f"{MODULE}:Acme")])
        assert (found.kind, found.lacks.__self__.clock) == ("acme", CLOCK)  # type: ignore[attr-defined]

    def test_one_that_cannot_be_loaded_is_told_of_and_holds_up_nobody(self, capsys: pytest.CaptureFixture[str]) -> None:
        entries = [
            *(entry(value) for value in ("no_such_module:Driver", f"{MODULE}:Session", f"{BAD}:Odd")),
            entry(f"{MODULE}:Acme"),
        ]
        assert [driver.kind for driver in installed(CLOCK, taken=[], found=entries)] == ["acme"]
        assert capsys.readouterr().out.count("] driver.cannot_be_loaded") == 3

    def test_nobody_takes_the_place_of_another(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert list(installed(CLOCK, taken=["acme"], found=[entry(f"{MODULE}:Acme")])) == []
        assert len(list(installed(CLOCK, taken=[], found=[entry(f"{MODULE}:Acme")] * 2))) == 1
        assert capsys.readouterr().out.count("] driver.kind_is_taken") == 2

    def test_a_folder_is_a_driver(self) -> None:
        assert in_folder(THERE, CLOCK).kind == "acme"

    @pytest.mark.parametrize(
        ("source", "said"),
        [
            (None, "no driver.py"),
            ("import no_such_module", "cannot be imported: ModuleNotFoundError"),
            ("x = (", "cannot be imported: SyntaxError"),
            ("", "it has none"),
            ("class A:\n    kind = 'a'\n    capabilities = ()\nclass B(A): ...", "it has A, B"),
        ],
        ids=["nothing", "import", "syntax", "no class", "two classes"],
    )
    def test_a_folder_that_is_none_is_told_why(self, tmp_path: Path, source: str | None, said: str) -> None:
        folder = tmp_path / f"driver_of_{abs(hash(source))}"
        folder.mkdir()
        if source is not None:
            (folder / "driver.py").write_text(source)
        with pytest.raises(Malformed, match=said):
            in_folder(folder, CLOCK)

    async def test_machines_whose_driver_is_gone_or_fails_disturb_nobody(self, ingest: Ingest) -> None:
        ingest.drivers["acme"] = Acme(CLOCK)
        (failing,) = installed(CLOCK, taken=[], found=[entry(f"{BAD}:Failing")])
        ingest.drivers["failing"] = failing
        async with ingest.client("hr") as hr:
            for kind in ("acme", "failing", "simulated"):
                body = {"machine_id": kind, "machine_type": kind, "ip_address": "127.0.0.1", "port": 1, "zone": "UTC"}
                assert (await hr.post(MACHINES, json=body)).status_code == 201
            del ingest.drivers["acme"]
            async with ingest.running():
                await eventually(hr, lambda found: found["is_connected"], machine="simulated")
                shown = {each["machine_id"]: each for each in (await hr.get(MACHINES)).json()}
                assert {kind: shown[kind]["state"] for kind in ("acme", "failing")} == dict.fromkeys(
                    ("acme", "failing"), "imported_only"
                )
                tried = (await hr.post(f"{MACHINES}acme/test/", json={})).json()
                assert "not installed" in tried["steps"][-1]["result"]
                assert (await hr.delete(f"{MACHINES}acme/")).status_code == 204


class TestChecking:
    async def test_a_good_one_keeps_all_promises(self) -> None:
        assert await broken(Acme(CLOCK)) == {}

    async def test_quality_is_answered_in_full(self, tmp_path: Path) -> None:
        assert "there is none" in (await broken(Acme(CLOCK), tmp_path))["quality.toml"]
        (tmp_path / "quality.toml").write_text("[bronze]\nrecordings = 'surely'\nspeed = 'done'\n")
        said = (await broken(Acme(CLOCK), tmp_path))["quality.toml"]
        assert all(
            part in said for part in ("names no owner", "does not answer pure_parsing", "speed", "recordings is")
        )

    async def test_a_capability_that_is_claimed_and_not_there(self) -> None:
        class Boastful(Acme):
            capabilities = frozenset({Capability.STREAMS, Capability.TAKES_COMMANDS})

        assert "TakesCommands" in (await broken(Boastful(CLOCK)))["capabilities"]

    async def test_clocks_that_are_set_where_nobody_can_allow_it(self) -> None:
        class Setting(Acme):
            capabilities = frozenset({Capability.STREAMS, Capability.SETS_CLOCK})

            def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
                return {name: value for name, value in super().validated(config).items() if name != "set_clock"}

        found = await broken(Setting(CLOCK))
        assert "is no SetsClock" in found["capabilities"]
        assert "set_clock" in found

    async def test_a_config_that_takes_anything_and_shows_secrets(self, tmp_path: Path) -> None:
        class Careless(Acme):
            def validated(self, config: Mapping[str, Any]) -> Mapping[str, Any]:
                return {**config, "times": config.get("times", 0) + 1}

        quality = (THERE / "quality.toml").read_text()
        (tmp_path / "quality.toml").write_text(quality + '\n[check]\nconfig = { password = "x" }\n')
        found = await broken(Careless(CLOCK), tmp_path)
        assert {"config", "unknown member", "secrets"} <= found.keys()

    async def test_errors_of_libraries_that_get_through(self) -> None:
        class Leaky(Acme):
            async def _connected(self, machine: Machine) -> Any:
                return await asyncio.open_connection(machine.ip_address, machine.port)

        found = await broken(Leaky(CLOCK))
        assert "ConnectionRefusedError instead of a MachineTrouble" in found["nobody is there"]
        assert "ConnectionRefusedError" in found["probe where nobody is"]

    async def test_a_probe_that_says_that_all_is_well(self) -> None:
        class Optimist(Acme):
            async def probe(self, machine: Machine, steps: Steps) -> None:
                pass

        assert await broken(Optimist(CLOCK)) == {"probe where nobody is": "it says that all is well"}

    async def test_scans_that_are_made_of_nonsense(self) -> None:
        class Imaginative(Acme):
            @asynccontextmanager
            async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
                reader, writer = await self._connected(machine)
                made = asyncio.StreamReader()
                if await reader.read(1):
                    made.feed_data(b"7 2026-01-05 08:00:00\n")
                made.feed_eof()
                yield _Lines(made, CLOCK)
                writer.close()

        assert "makes 1 scans" in (await broken(Imaginative(CLOCK)))["it talks nonsense"]

    async def test_one_that_blocks_the_loop_and_one_that_leaves_tasks(self) -> None:
        class Blocking(Acme):
            blocks_for = 6.0

            async def _connected(self, machine: Machine) -> Any:
                time.sleep(self.blocks_for)
                self.blocks_for = 0
                return await super()._connected(machine)

        class Littering(Acme):
            left: asyncio.Task[None] | None = None

            async def _connected(self, machine: Machine) -> Any:
                self.left = self.left or asyncio.create_task(asyncio.sleep(30), name="forgotten")
                return await super()._connected(machine)

        assert "blocks the loop" in (await broken(Blocking(CLOCK)))["nobody is there"]
        assert "forgotten" in (await broken(Littering(CLOCK)))["nobody is there"]


def test_the_command_says_what_is_kept_and_ends_accordingly(tmp_path: Path) -> None:
    muster = Path(sys.executable).with_name("muster")
    good = subprocess.run([muster, "driver", "check", THERE, "--json"], capture_output=True, text=True, check=False)
    assert (
        good.returncode,
        '"about":"nobody is there","ok":true' in good.stdout.replace(": ", ":").replace(", ", ","),
    ) == (0, True)
    bad = subprocess.run([muster, "driver", "check", tmp_path], capture_output=True, text=True, check=False)
    assert (bad.returncode, "no driver.py" in bad.stderr) == (1, True)
