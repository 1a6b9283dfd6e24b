"""Scans at a terminal of whose faults and outages there is no end: all are stored, once."""

import contextlib
import signal
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import cycle
from time import monotonic

import httpx
import pytest

from services.ingest.vendors.zkteco.simulator import Faults
from services.ingest.vendors.zkteco.simulator.faults import FAULTS, parsed
from tests.acceptance.conftest import SHAPES, ZONE, Starting
from tests.acceptance.made_logs import Crew
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import DAYS, MACHINES, SCANS, crew_comes, printed, stored
from tests.acceptance.terminals import Notebook, Site, Terminal, is_found_well, is_tried
from tests.servers import PrivatePostgres, PrivateRabbit

ALL = 20_000
"""Scans of a long run."""

ENDS_CONTACT = {"cut", "half-frame", "huge-frame", "garbage", "silent", "short-chunk", "unknown-record-size"}
"""Faults with which no contact can be held; with all others it can."""

pytestmark = pytest.mark.timeout(400)


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@dataclass(kw_only=True)
class Breakable:
    """A system to be broken at will, on servers of its own where those are to be broken too."""

    system: System
    rabbit: PrivateRabbit | None = None
    postgres: PrivatePostgres | None = None

    def kill(self, victim: str) -> None:
        if (server := self._server(victim)) is not None:
            server.kill()
        else:
            self.system.kill(victim)

    def bring_back(self, victim: str) -> None:
        if (server := self._server(victim)) is not None:
            server.start()
        elif victim != "postgres":  # `muster up` looks after its own
            self.system.restart(victim)

    def freeze_servers(self) -> None:
        """Bus and storage keep their connections and answer nothing."""
        if self.rabbit and self.postgres:
            self.rabbit.freeze()
            self.postgres.freeze()
        else:
            self.system.kill("postgres", signal.SIGSTOP)

    def thaw_servers(self) -> None:
        if self.rabbit and self.postgres:
            self.rabbit.thaw()
            self.postgres.thaw()
        else:
            self.system.kill("postgres", signal.SIGCONT)

    def _server(self, victim: str) -> PrivateRabbit | PrivatePostgres | None:
        return {"rabbitmq": self.rabbit, "postgres": self.postgres}.get(victim)


@pytest.fixture(scope="module")
def starting(request: pytest.FixtureRequest) -> Iterator[Starting]:
    with ExitStack() as stack:
        yield Starting(request, stack)


@pytest.fixture(scope="module")
def breakable(starting: Starting) -> Callable[[str], Breakable]:
    """One of each shape, started when it is first asked for."""
    made: dict[str, Breakable] = {}

    def of(shape: str) -> Breakable:
        if shape not in made:
            if shape == "compose on its own servers":
                rabbit, postgres = starting.rabbit(), starting.postgres()
                system = starting("compose", database_url=postgres.url, bus_url=rabbit.url, timezone=ZONE)
                made[shape] = Breakable(system=system, rabbit=rabbit, postgres=postgres)
            else:
                made[shape] = Breakable(system=starting(shape, timezone=ZONE))
        return made[shape]

    return of


def hung_up(system: System, site: Site, crew: Crew, code: str) -> Terminal:
    """A terminal of a crew that is new, and is heard."""
    crew_comes(system, crew)
    terminal = site.terminal(Notebook(zone=ZONE, users=crew.badges))
    terminal.registered(system, code, zone=ZONE)
    terminal.is_heard()
    return terminal


def fault(name: str) -> Faults:
    example = FAULTS[name].example
    return parsed([f"{name}={example}" if example else name])


def ids_stored(system: System, terminal: Terminal) -> Mapping[str, str]:
    """The ids of a terminal's scans, each with whether it came live."""
    rows = system.admin.every(SCANS, machine=terminal.code)
    ids = {row["id"]: row["mode"] for row in rows}
    assert len(ids) == len(rows), "each is there once"
    return ids


def all_are_there(system: System, terminal: Terminal, *, within: float = 60) -> None:
    """Wait for as many scans as the terminal ever recorded."""
    number = len(terminal.ids())

    def look() -> bool:
        seen = stored(system, terminal.code)
        assert seen == number
        return True

    until(look, f"{number} scans of {terminal.code} are stored", within=within)


def exactly_what_it_recorded_is_stored(system: System, terminal: Terminal, crew: Crew, *, least: int) -> int:
    """How many of them came live."""
    scans, seen = terminal.ids(), ids_stored(system, terminal)
    assert len(scans) >= least
    assert seen.keys() == scans
    days = [day for day in system.admin.every(DAYS) if str(day["employee_id"]).startswith(f"E{crew.prefix}")]
    counted = stored(system, terminal.code, quarantined="false")
    assert sum(day["total_scans"] for day in days) == counted, "and each counts on one day"
    assert printed(system.operate("dead", "list", "--json")) == []
    return Counter(seen.values())["live"]


def is_well_again(system: System, terminal: Terminal, *, within: float = 60) -> None:
    """Without faults, and after a person has looked, it is heard and everything is there."""
    terminal.is_cured()
    is_found_well(system, terminal)
    terminal.is_heard(within=within)
    all_are_there(system, terminal, within=within)


@pytest.mark.parametrize("shape", SHAPES)
def test_live_scans_outlast_faults_and_a_kill_of_ingest(
    breakable: Callable[[str], Breakable], site: Site, shape: str, record_property: Callable[[str, object], None]
) -> None:
    system = breakable(shape).system
    crew, others = Crew(prefix="7", size=200), Crew(prefix="6", size=100)
    terminal = hung_up(system, site, crew, "faulty")
    forgetful = hung_up(system, site, others, "forgetful")

    began = monotonic()
    terminal.scans(500)
    all_are_there(system, terminal)
    record_property("figures", f"{shape}: 500 live scans were stored within {monotonic() - began:.1f} s")
    terminal.suffers(parsed(["burst", "split=100", "late-reply", "wrong-checksum", "event-in-download=3"]))
    scanning, others_scan = terminal.begin_scanning(1_000, a_second=500), forgetful.begin_scanning(600, a_second=300)
    until(lambda: terminal.recorded > 900 and forgetful.acknowledged() > 100, "some have scanned", every=0.01)
    system.kill("ingest")
    until(lambda: forgetful.running.connections == 0, "the terminal has noticed")
    others_scan.result(60)
    forgetful.loses_its_log()
    system.restart("ingest")
    scanning.result(60)
    terminal.suffers(fault("cut"))
    terminal.scans(500)
    terminal.is_switched_off_and_on()
    system.wait_until_ready()

    is_well_again(system, terminal)
    exactly_what_it_recorded_is_stored(system, terminal, crew, least=2_000)
    # Whoever cannot tell again what was confirmed to them must not have been told too soon.
    confirmed = forgetful.acknowledged()
    assert 100 < confirmed < 600
    assert forgetful.ids(0, confirmed) <= ids_stored(system, forgetful).keys()


@pytest.mark.long
@pytest.mark.parametrize("shape", SHAPES)
def test_every_fault_in_turn_loses_nothing_and_counts_nothing_twice(
    breakable: Callable[[str], Breakable], site: Site, shape: str, record_property: Callable[[str, object], None]
) -> None:
    system = breakable(shape).system
    crew = Crew(prefix="8", size=400)
    terminal = hung_up(system, site, crew, "every-fault")
    began = monotonic()
    for name in FAULTS:
        suffer_in_turn(system, terminal, name, -(-ALL // len(FAULTS)))
    is_well_again(system, terminal)
    took = monotonic() - began
    live = exactly_what_it_recorded_is_stored(system, terminal, crew, least=ALL)
    record_property(
        "figures",
        f"{shape}: {terminal.recorded:,} scans under {len(FAULTS)} faults and over {terminal.running.accepted}"
        f" connections in {took:.0f} s; {live:,} came live, the others from the log",
    )
    assert live > ALL / 2


def suffer_in_turn(system: System, terminal: Terminal, name: str, number: int) -> None:
    """People scan while the terminal has a fault; at the end everything is stored."""
    before = terminal.running.accepted
    terminal.suffers(fault(name))
    if name not in ENDS_CONTACT:
        is_tried(system, terminal)
        terminal.is_heard()
        terminal.scans(number)
        all_are_there(system, terminal)
        return
    terminal.scans(number // 2)

    def was_tried_in_vain() -> bool:
        state = system.admin.get(f"{MACHINES}{terminal.code}/")["state"]
        return terminal.running.accepted > before + (state != "waiting_for_a_person")

    until(was_tried_in_vain, f"{name} keeps contact from coming about")
    terminal.scans(number - number // 2)
    terminal.is_switched_off_and_on()
    is_well_again(system, terminal)


VICTIMS = [
    pytest.param("embedded", "muster", 5, id="embedded-all-of-it"),
    pytest.param("embedded", "postgres", 10, id="embedded-postgres"),
    pytest.param("compose on its own servers", "ingest", 5, id="compose-ingest", marks=pytest.mark.rabbit),
    pytest.param("compose on its own servers", "rabbitmq", 30, id="compose-rabbitmq", marks=pytest.mark.rabbit),
    pytest.param("compose on its own servers", "postgres", 10, id="compose-postgres", marks=pytest.mark.rabbit),
]


@pytest.mark.long
@pytest.mark.parametrize(("shape", "victim", "seconds"), VICTIMS)
def test_live_scans_outlast_faults_and_a_kill_in_the_middle(
    breakable: Callable[[str], Breakable],
    site: Site,
    shape: str,
    victim: str,
    seconds: float,
    record_property: Callable[[str, object], None],
) -> None:
    broken = breakable(shape)
    system = broken.system
    crew = Crew(prefix=f"9{[param.values[1] for param in VICTIMS].index(victim)}00", size=400)
    terminal = hung_up(system, site, crew, f"live-{victim}")

    began = monotonic()
    scanning = terminal.begin_scanning(ALL, a_second=350)

    def have_scanned(more: int) -> None:
        least = terminal.recorded + more
        until(lambda: scanning.done() or terminal.recorded >= least, f"{least} have scanned", within=60)

    killed, is_away = None, False
    for name in cycle(["burst", "split", "cut", "event-in-download", "late-reply", "count-off"]):
        terminal.suffers(fault(name))
        with contextlib.suppress(AssertionError, httpx.TransportError):  # as long as somebody is there to try it
            is_tried(system, terminal)
        have_scanned(1_000)
        if killed is None and terminal.recorded > ALL / 5:
            broken.kill(victim)
            killed, is_away = monotonic(), True
        elif killed is not None and is_away and monotonic() > killed + seconds:
            broken.bring_back(victim)
            is_away = False
        have_scanned(1_000)
        if scanning.done():
            break
    scanning.result()
    assert not is_away, "it was back before all had scanned"
    system.wait_until_ready()
    is_well_again(system, terminal, within=120)
    took = monotonic() - began
    live = exactly_what_it_recorded_is_stored(system, terminal, crew, least=ALL)
    record_property(
        "figures", f"{victim} of {shape}: {terminal.recorded:,} scans in {took:.0f} s, of which {live:,} came live"
    )
    assert live > ALL / 4


@pytest.mark.long
@pytest.mark.parametrize("shape", ["embedded", pytest.param("compose on its own servers", marks=pytest.mark.rabbit)])
def test_nothing_is_acknowledged_while_it_can_be_kept_nowhere(
    breakable: Callable[[str], Breakable], site: Site, shape: str
) -> None:
    broken = breakable(shape)
    system = broken.system
    terminal = hung_up(system, site, Crew(prefix="5", size=100), "kept-nowhere")
    terminal.scans(20)
    until(lambda: terminal.acknowledged() == 20, "all are acknowledged")
    held_up = said_to_be_held_up(system)
    broken.freeze_servers()
    try:
        terminal.scans(20)
        until(lambda: said_to_be_held_up(system) > held_up, "it was tried in vain", within=60)
        assert terminal.acknowledged() == 20
    finally:
        broken.thaw_servers()
    until(lambda: terminal.acknowledged() == 40, "all are acknowledged", within=60)
    all_are_there(system, terminal)


def said_to_be_held_up(system: System) -> int:
    return system.process_of("ingest").said().count("machine.held_up")
