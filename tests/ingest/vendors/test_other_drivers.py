"""Drivers that others make: how they are found, and what the check says of good and of bad ones."""

import asyncio
import os
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from importlib.metadata import EntryPoint
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from services.ingest.application.drivers import Capability, Contact, Garbled, Session, Steps, Unreachable
from services.ingest.domain.machine import Machine
from services.ingest.domain.machine_user import MachineUser
from services.ingest.domain.reading import Batch, Mode
from services.ingest.vendors.conformance import check
from services.ingest.vendors.conformance.quality import RULES
from services.ingest.vendors.discovery import GROUP, in_folder, installed
from services.ingest.vendors.table import drivers
from shared.kernel.clock import SystemClock
from shared.kernel.errors import Malformed
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest
from tests.ingest.vendors.third_party.acme.driver import Acme, _Lines

CLOCK = SystemClock()


class Lister(Acme):
    """Its machines tell a user a line."""

    capabilities = frozenset({Capability.STREAMS, Capability.LISTS_USERS})

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        reader, writer = await self._connected(machine)
        try:
            while line := await reader.readline():
                if not line.startswith(b"USER "):
                    raise Garbled("it sent something else than a user")
                yield MachineUser(badge=line[5:].decode().strip())
            raise Unreachable("it closed the connection")
        except (OSError, ValueError) as error:
            raise Garbled("the line broke, or never ended") from error
        finally:
            writer.close()


class Anywhere(Acme):
    """Its machines have no address."""

    capabilities = frozenset({Capability.STREAMS, Capability.LISTS_USERS})
    people: tuple[Any, ...] = (MachineUser(badge="007", uid="7"), MachineUser(badge="A17", name="Asha", card="1"))

    def lacks(self, machine: Machine) -> str:
        return ""

    async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
        for user in self.people:
            yield user


@dataclass(frozen=True, slots=True, kw_only=True)
class Leaky(MachineUser):
    """A user with what may not be told."""

    password: str


THERE = Path(__file__).parent / "third_party" / "acme"
MODULE = "tests.ingest.vendors.third_party.acme.driver"
BAD = "tests.ingest.vendors.third_party.bad_drivers"


def entry(value: str) -> EntryPoint:
    return EntryPoint(name="acme", value=value, group=GROUP)


async def broken(driver: Acme, folder: Path = THERE) -> dict[str, str]:
    """What is wrong with it, by promise."""
    wrong: dict[str, str] = {}
    async for finding in check(driver, folder, CLOCK, contact_for=0.3):
        if finding.ok is False:
            wrong[finding.about] = "\n".join(filter(None, (wrong.get(finding.about), finding.said)))
    return wrong


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

    async def test_a_driver_without_answers_is_told_each_rule_in_a_line_in_order(self, tmp_path: Path) -> None:
        first, *lines = (await broken(Acme(CLOCK), tmp_path))["quality.toml"].splitlines()
        assert "there is none" in first
        assert lines == [
            "quality.toml names no owner",
            *(
                f"[{tier}] does not answer {rule}: {what}"
                for tier, rules in RULES.items()
                for rule, what in rules.items()
            ),
        ]

    async def test_a_capability_that_is_claimed_and_not_there(self) -> None:
        class Boastful(Acme):
            capabilities = frozenset({Capability.STREAMS, Capability.TAKES_COMMANDS})

        assert "TakesCommands" in (await broken(Boastful(CLOCK)))["capabilities"]

    async def test_a_log_of_which_a_part_is_taken_for_all(self) -> None:
        class Hasty(Acme):
            capabilities = frozenset({Capability.STREAMS, Capability.READS_LOG, Capability.READS_SINCE})
            whole = True

            def reads_whole(self, machine: Machine) -> bool:
                return self.whole

            def read_again(self, machine: Machine) -> None:
                """It was never read."""

            def can_read_since(self, machine: Machine) -> bool:
                return True

            def read_since(self, machine: Machine, since: datetime) -> None:
                self.whole = False

        class Partly(Hasty):
            capabilities = frozenset({Capability.STREAMS, Capability.READS_SINCE})

        assert "narrows that" in (await broken(Hasty(CLOCK)))["a log that is read again"]
        assert "does not say that it reads it at all" in (await broken(Partly(CLOCK)))["capabilities"]

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
        class Careless(Acme):
            async def _connected(self, machine: Machine) -> Any:
                return await asyncio.open_connection(machine.ip_address, machine.port)

        found = await broken(Careless(CLOCK))
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

    @pytest.mark.parametrize("claims", [True, False], ids=["claims completeness", "ends in silence"])
    async def test_a_peer_that_hangs_up_is_no_log_that_was_read_to_its_end(self, claims: bool) -> None:
        class Lenient(_Lines):
            async def batches(self) -> AsyncIterator[Batch]:
                while await self._reader.read(4096):
                    pass
                if claims:
                    now = self._clock.now()
                    yield Batch(readings=(), mode=Mode.REPLAY, received_at=now, complete_until=now)

        class Pulling(Acme):
            capabilities = frozenset({Capability.PULLS})

            @asynccontextmanager
            async def session(self, machine: Machine, contact: Contact) -> AsyncIterator[Session]:
                reader, writer = await self._connected(machine)
                try:
                    yield Lenient(reader, CLOCK)
                finally:
                    writer.close()

        said = "it says that everything is here" if claims else "it ends as if these were all of the scans"
        found = [finding async for finding in check(Pulling(CLOCK), THERE, CLOCK, contact_for=0.3)]
        about = {finding.about: finding for finding in found}
        assert said in about["it hangs up at once"].said
        assert {finding.about for finding in found if finding.ok is False} == {"it hangs up at once"}
        assert about["it says nothing"].said == "it waits on"

    async def test_one_that_claims_to_list_users_and_does_not(self) -> None:
        class Boastful(Acme):
            capabilities = frozenset({Capability.STREAMS, Capability.LISTS_USERS})

        assert await broken(Boastful(CLOCK)) == {"capabilities": 'it says "lists users" and is no ListsUsers'}

    async def test_one_that_lists_users_and_does_not_say_so(self) -> None:
        class Modest(Lister):
            capabilities = frozenset({Capability.STREAMS})

        found = await broken(Modest(CLOCK))
        assert found == {"capabilities": 'it does not say "lists users" and is ListsUsers'}

    async def test_a_good_one_that_lists_users_keeps_all_promises(self) -> None:
        assert await broken(Lister(CLOCK)) == {}
        (said,) = [finding async for finding in check(Anywhere(CLOCK), THERE, CLOCK) if finding.about == "users"]
        assert (said.ok, said.said) == (True, "2")

    @pytest.mark.parametrize(
        ("user", "said"),
        [
            (MachineUser(badge=" "), "it gives a user without a badge"),
            (MachineUser(badge=None), "it gives a user whose badge, uid, name or card is no text"),  # type: ignore[arg-type]
            (MachineUser(badge="7", uid=7), "it gives a user whose badge, uid, name or card is no text"),  # type: ignore[arg-type]
            (Leaky(badge="7", password="1234"), "it tells the password of its users, which may not leave it"),
            ({"badge": "7", "photo": b"", "pin": "1"}, "it tells the photo, pin of its users, which may not leave it"),
            (SimpleNamespace(badge="7"), "it gives a SimpleNamespace for a MachineUser"),
        ],
        ids=["no badge", "nothing for a badge", "a number", "a password", "a mapping", "something like it"],
    )
    async def test_users_that_may_not_leave_a_driver(self, user: Any, said: str) -> None:
        class Careless(Anywhere):
            people = (*Anywhere.people, user)

        assert await broken(Careless(CLOCK)) == {"users": said}

    async def test_users_that_are_made_of_nonsense_and_errors_that_get_through(self) -> None:
        class Imaginative(Lister):
            async def users(self, machine: Machine) -> AsyncGenerator[MachineUser, None]:
                reader, writer = await self._connected(machine)
                try:
                    yield MachineUser(badge=(await reader.readexactly(1)).hex())
                finally:
                    writer.close()

        found = await broken(Imaginative(CLOCK))
        assert "it makes 1 users of it" in found["users where it talks nonsense"]
        assert "IncompleteReadError instead of a MachineTrouble" in found["users where it hangs up at once"]

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


def test_the_list_has_drivers_of_packages_and_nothing_but_the_table(tmp_path: Path) -> None:
    package = tmp_path / "acme_muster-1.0.dist-info"
    package.mkdir()
    (package / "METADATA").write_text("Metadata-Version: 2.1\nName: acme-muster\nVersion: 1.0\n")
    (package / "entry_points.txt").write_text(f"[{GROUP}]\nacme = {MODULE}:Acme\n")
    root = Path(__file__).parents[3]
    done = subprocess.run(
        [Path(sys.executable).with_name("muster"), "driver", "list"],
        env={**os.environ, "PYTHONPATH": f"{tmp_path}{os.pathsep}{root}"},
        capture_output=True,
        text=True,
        check=True,
    )
    first, *rows = done.stdout.splitlines()
    assert first.split()[0] == "machine_type"
    assert "acme" in {row.split()[0] for row in rows}
    assert (done.stderr, "driver.installed" in done.stdout) == ("", False)


def test_the_command_says_what_is_kept_and_ends_accordingly(tmp_path: Path) -> None:
    muster = Path(sys.executable).with_name("muster")
    good = subprocess.run([muster, "driver", "check", THERE, "--json"], capture_output=True, text=True, check=False)
    assert (
        good.returncode,
        '"about":"nobody is there","ok":true' in good.stdout.replace(": ", ":").replace(", ", ","),
    ) == (0, True)
    bad = subprocess.run([muster, "driver", "check", tmp_path], capture_output=True, text=True, check=False)
    assert (bad.returncode, "no driver.py" in bad.stderr) == (1, True)
