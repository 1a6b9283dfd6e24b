"""`kill -9` in the middle of 20,000 scans: all are stored, once, and the days are those of an undisturbed run."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date

import httpx
import pytest

from tests.acceptance.conftest import Starting
from tests.acceptance.made_logs import Crew, Punch, attlog, months_of_work
from tests.acceptance.shapes import Compose, System, until
from tests.acceptance.steps import (
    Timesheets,
    all_are_stored,
    crew_comes,
    imported,
    of_nobody,
    printed,
    stored,
    timesheets,
)
from tests.servers import PrivatePostgres, PrivateRabbit

ZONE = "Asia/Dhaka"
MONTHS = ["2025-02", "2025-03"]
SCANS = 20_000
BACK_WITHIN = 60.0
"""Seconds. RabbitMQ alone takes six to boot on a quiet machine."""

pytestmark = pytest.mark.timeout(300)


def work_of(crew: Crew) -> list[Punch]:
    """20,000 scans; the same of every crew."""
    punches = months_of_work(crew, date(2025, 2, 3), 55, seed="kills")[:SCANS]
    assert len(punches) == SCANS
    return punches


def crew_named(prefix: str) -> Crew:
    return Crew(prefix=prefix, size=150)


@dataclass(kw_only=True)
class Breakable:
    """A system on servers of its own, and the days of a run that nothing disturbed."""

    system: System
    undisturbed: Timesheets
    rabbit: PrivateRabbit | None = None
    postgres: PrivatePostgres | None = None

    def kill(self, victim: str) -> None:
        if self.rabbit and victim == "rabbitmq":
            self.rabbit.kill()
        elif self.postgres and victim == "postgres":
            self.postgres.kill()
        else:
            self.system.kill(victim)

    def bring_back(self, victim: str) -> None:
        if self.rabbit and victim == "rabbitmq":
            self.rabbit.start()
        elif self.postgres and victim == "postgres":
            self.postgres.start()
        elif victim != "postgres":  # `muster up` looks after its own
            self.system.restart(victim)


@pytest.fixture(scope="module")
def breakable(request: pytest.FixtureRequest) -> Iterator[Callable[[str], Breakable]]:
    """One of each shape, started when it is first asked for."""
    with ExitStack() as stack:
        start, made = Starting(request, stack), dict[str, Breakable]()

        def of(shape: str) -> Breakable:
            if shape not in made:
                if shape == "compose":
                    rabbit, postgres = start.rabbit(), start.postgres()
                    system = start(shape, database_url=postgres.url, bus_url=rabbit.url, timezone=ZONE)
                    servers = {"rabbit": rabbit, "postgres": postgres}
                else:
                    system, servers = start(shape, timezone=ZONE), {}
                made[shape] = Breakable(system=system, undisturbed=run_undisturbed(system), **servers)  # type: ignore[arg-type]  # names and kinds belong together
            return made[shape]

        yield of


def run_undisturbed(system: System) -> Timesheets:
    crew = crew_named("CALM")
    crew_comes(system, crew)
    imported(system, attlog(work_of(crew)), "calm", ZONE)
    all_are_stored(system, "calm", SCANS)
    return of_nobody(timesheets(system.admin, MONTHS, department=crew.department), crew.prefix)


VICTIMS = [
    pytest.param("embedded", "muster", id="embedded-all-of-it"),
    pytest.param("embedded", "postgres", id="embedded-postgres"),
    pytest.param("compose", "attendance", id="compose-attendance", marks=pytest.mark.rabbit),
    pytest.param("compose", "ingest", id="compose-ingest", marks=pytest.mark.rabbit),
    pytest.param("compose", "rabbitmq", id="compose-rabbitmq", marks=pytest.mark.rabbit),
    pytest.param("compose", "postgres", id="compose-postgres", marks=pytest.mark.rabbit),
]


@pytest.mark.parametrize(("shape", "victim"), VICTIMS)
def test_what_is_killed_in_the_middle_loses_nothing_and_counts_nothing_twice(
    breakable: Callable[[str], Breakable], shape: str, victim: str
) -> None:
    broken = breakable(shape)
    system = broken.system
    crew, machine = crew_named(victim[:4].upper()), f"kill-{victim}"
    crew_comes(system, crew)
    log = attlog(work_of(crew))
    file = system.folder / f"{machine}.dat"
    file.write_bytes(log)
    words = ["--machine", machine, "--timezone", ZONE, "--json"]

    running = system.feed("import", "-", *words)
    running.write(log[: len(log) // 2])
    until(lambda: 0 < stored(system, machine) < SCANS, "some are stored", within=30, every=0.01)
    broken.kill(victim)
    running.write(log[len(log) // 2 :])
    broken.bring_back(victim)
    first = running.finish(within=120)
    system.wait_until_ready(BACK_WITHIN)
    if first.code != 0:  # who is told that it failed, does it again
        assert first.code == 1, first
        assert first.err.strip()
        assert first.out == ""
        printed(system.cli("import", file, *words, within=120))
    all_are_stored(system, machine, SCANS, within=BACK_WITHIN)

    sheets = of_nobody(timesheets(system.admin, MONTHS, department=crew.department), crew.prefix)
    assert sheets == broken.undisturbed
    again = printed(system.cli("import", file, *words, within=120))
    assert (again["new"], again["already_known"]) == (0, SCANS)
    assert stored(system, machine) == SCANS
    parked = printed(system.operate("dead", "list", "--json"))
    assert parked == []


@pytest.mark.rabbit
def test_ready_says_that_the_broker_is_away_and_that_it_is_back(breakable: Callable[[str], Breakable]) -> None:
    broken = breakable("compose")
    system, rabbit = broken.system, broken.rabbit
    assert isinstance(system, Compose)
    assert rabbit is not None
    rabbit.kill()
    try:
        for service in ("gateway", "ingest", "attendance"):
            # The gateway may hear from the others that they are not ready before its own line is gone.
            checks = away(system.urls[service], "bus")
            assert checks["database"] == "ok"
            assert httpx.get(f"{system.urls[service]}/health/live", trust_env=False).status_code == 200
        # What is recorded meanwhile is not lost: ingest's own spool has it.
        crew = Crew(prefix="AWAY", size=3)
        crew_comes(system, crew)
        punches = months_of_work(crew, date(2025, 4, 6), 3)
        assert imported(system, attlog(punches), "while-away", ZONE)["new"] == len(punches)
    finally:
        rabbit.start()
    system.wait_until_ready(BACK_WITHIN)
    all_are_stored(system, "while-away", len(punches), within=BACK_WITHIN)


@pytest.mark.rabbit
def test_ready_says_which_service_is_away_and_that_it_is_back(breakable: Callable[[str], Breakable]) -> None:
    system = breakable("compose").system
    system.wait_until_ready(BACK_WITHIN)
    system.kill("attendance")
    checks = away(system.url, "attendance")
    assert checks["ingest"] == "ok"
    answer = system.admin.call("GET", "/api/attendance/timesheet/", params={"month": "2025-02"})
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "attendance" in answer.json()["error"]
    system.restart("attendance")
    system.wait_until_ready(BACK_WITHIN)
    assert system.admin.get("/api/attendance/timesheet/", month="2025-02")


def away(url: str, what: str) -> dict[str, str]:
    """What a service says about what it needs, once it says that it is not ready for want of `what`."""

    def look() -> dict[str, str]:
        answer = httpx.get(f"{url}/health/ready", timeout=5, trust_env=False)
        assert answer.status_code == 503
        found: dict[str, str] = answer.json()["checks"]
        assert found[what] != "ok"
        return found

    return until(look, f"{url} is not ready for want of {what}", within=60)
