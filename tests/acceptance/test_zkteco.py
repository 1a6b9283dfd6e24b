"""A terminal's log over its own protocol is what its file is: the same scans, the same days, in either order."""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from services.ingest.domain.scan import scan_id
from services.ingest.vendors.zkteco.simulator.punchlog import hold, punch_log
from tests.acceptance.conftest import ZONE, Starting
from tests.acceptance.made_logs import Crew, Punch, attlog, months_of_work
from tests.acceptance.oracle import expected_timesheet
from tests.acceptance.real_logs import days_with_a_scan, months, one_worker_a_badge
from tests.acceptance.shapes import System, until
from tests.acceptance.steps import (
    MACHINES,
    SCANS,
    Timesheets,
    all_are_stored,
    crew_comes,
    differences,
    imported,
    people_come,
    stored,
    timesheets,
)
from tests.acceptance.terminals import Notebook, Site, Terminal

SHANGHAI = "Asia/Shanghai"

MALFORMED = (
    b"      306\t1971--10--29 -23:-23:-27\t1\t0\t0\t0\r\n",
    b"      306\t1971--10--29 -23:-23:-1\t1\t0\t15\t0\r\n",
    b"      306\t1971--10--29 -23:-23:-27\t1\t0\t0\t0\r\n",
)
"""As a terminal prints times below zero; the last is the first once more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What there is of a machine, but for the way by which it came."""

    scans: Mapping[str, tuple[str, ...]]
    """Of each id what the machine recorded, and how far it is trusted."""
    sheets: Timesheets


SHOWN = ("badge", "device_time", "scan_time", "scan_type", "state", "verify", "work_code", "quality")


def seen(system: System, code: str, months_seen: Iterable[str], until_day: str, **filters: str) -> Seen:
    rows = system.admin.every(SCANS, machine=code, date_to=until_day)
    scans = {row["id"]: tuple(row[name] for name in SHOWN) for row in rows}
    assert len(scans) == len(rows), "each scan is there once"
    return Seen(scans=scans, sheets=timesheets(system.admin, months_seen, **filters))


def ids_of(log: bytes, machine: int) -> dict[str, tuple[str, ...]]:
    """By each readable line of a log: the id that its scan has to have, and what stands in the line."""
    found = {}
    for line in log.splitlines():
        badge, moment, _, state, verify, work_code = (cell.strip().decode() for cell in line.split(b"\t"))
        if "--" not in moment:
            id_ = scan_id(machine, badge, datetime.fromisoformat(moment), state)
            found[str(id_)] = (badge, moment, state, verify, work_code)
    return found


def as_in_lines(scans: Mapping[str, tuple[str, ...]]) -> dict[str, tuple[str, ...]]:
    return {
        id_: (badge, moment, state, verify, work_code)
        for id_, (badge, moment, _, _, state, verify, work_code, _) in scans.items()
    }


def read_over_the_wire(system: System, terminal: Terminal, *, within: float = 60) -> Any:
    """Contact is wanted: wait until all of its log was taken over. The machine as it is shown then."""
    held = len(terminal.device.entries)
    assert system.admin.call("PATCH", f"{MACHINES}{terminal.code}/", json={"status": "active"}).status_code == 200

    def taken_over() -> Any:
        machine = system.admin.get(f"{MACHINES}{terminal.code}/")
        assert (machine["state"], machine["status_text"]) == ("live", "")
        assert machine["records_on_machine"] == machine["records_received"] == held
        return machine

    return until(taken_over, f"{terminal.code} was read", within=within)


def unreadable(system: System, code: str) -> Counter[str]:
    """How many unreadable records are kept, by the way they came."""
    return Counter(row["source"] for row in system.admin.every(f"{MACHINES}{code}/unreadable/"))


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with Site() as site:
        yield site


@pytest.mark.parametrize(("first", "layout"), [("file", "16"), ("wire", "40")], ids=["file-first", "wire-first"])
def test_a_log_is_the_same_over_the_wire_and_from_its_file(system: System, site: Site, first: str, layout: str) -> None:
    crew = Crew(prefix={"file": "6110", "wire": "6220"}[first], size=20)
    code = f"{first}-first"
    crew_comes(system, crew)
    good = months_of_work(crew, date(2025, 4, 6), 18, seed="both ways")
    reset = [Punch(badge=crew.badges[1], at=datetime(2000, 1, 1, 0, minute)) for minute in range(4)]
    lines = attlog([*good[:5], *reset, *good[5:]]).splitlines(keepends=True)
    log = b"".join([*lines[:2], *MALFORMED, *lines[2:]])
    device = Notebook(zone=ZONE, layout=layout)
    assert hold(device, punch_log(log)) == 0
    terminal = site.terminal(device)
    terminal.registered(system, code, zone=ZONE, status="inactive")

    def by_wire() -> None:
        read_over_the_wire(system, terminal)

    def by_file() -> None:
        summary = imported(system, log, code, ZONE)
        assert summary["new"] == (len(lines) if first == "file" else 0)
        assert (summary["unreadable"], summary["unreadable_new"]) == (3, 3)

    def now_seen() -> Seen:
        return seen(system, code, ["2025-04"], "2025-12-31", department=crew.department)

    ways: list[Callable[[], None]] = [by_file, by_wire] if first == "file" else [by_wire, by_file]
    ways[0]()
    all_are_stored(system, code, len(lines))
    once = now_seen()
    assert as_in_lines(once.scans) == ids_of(log, terminal.machine)
    assert Counter(scan[-1] for scan in once.scans.values()) == {"ok": len(good), "implausible_past": len(reset)}
    assert differences(once.sheets["2025-04"], expected_timesheet(crew, good, "2025-04", ZONE)) == []

    ways[1]()
    terminal.scans(1)  # what is stored after all that the second way could have brought
    all_are_stored(system, code, len(lines) + 1)
    assert now_seen() == once
    assert unreadable(system, code) == {"file": 3, "session": 2}, "equal lines stand apart, equal records do not"
    assert system.admin.call("PATCH", f"{MACHINES}{code}/", json={"status": "inactive"}).status_code == 200


@dataclass(frozen=True, slots=True, kw_only=True)
class Office:
    """The real office at a machine that was read by both ways: after the first, and after both."""

    machine: Any
    once: Seen
    twice: Seen
    stored: int
    unreadable: Counter[str]
    imported: Any


ROWS, READABLE, BAD = 44_479, 44_334, 145

EMBEDDED, COMPOSE = "embedded", "compose"
EACH = [
    pytest.param("wire", EMBEDDED, id="embedded-wire-first"),
    pytest.param("file", EMBEDDED, id="embedded-file-first", marks=pytest.mark.long),
    pytest.param("wire", COMPOSE, id="compose-wire-first", marks=[pytest.mark.rabbit, pytest.mark.long]),
    pytest.param("file", COMPOSE, id="compose-file-first", marks=[pytest.mark.rabbit, pytest.mark.long]),
]


@pytest.fixture(scope="module")
def office_log(real_data: Path) -> bytes:
    return (real_data / "punches/zk_office_cn_2018_2021_attlog.dat").read_bytes()


@pytest.fixture(scope="module")
def office(request: pytest.FixtureRequest, office_log: bytes, site: Site) -> Callable[[str, str], Office]:
    """The office by which way was first and in which shape, read when it is first asked for."""
    read: dict[tuple[str, str], Office] = {}

    def of(first: str, shape: str) -> Office:
        if (first, shape) not in read:
            with ExitStack() as stack:
                system = Starting(request, stack)(shape)
                read[first, shape] = read_both_ways(system, site, office_log, first)
        return read[first, shape]

    return of


def read_both_ways(system: System, site: Site, log: bytes, first: str) -> Office:
    people_come(system, one_worker_a_badge(log))
    device = Notebook(zone=SHANGHAI)
    assert hold(device, punch_log(log)) == 0
    assert len(device.entries) == ROWS
    terminal = site.terminal(device)
    terminal.registered(system, "office", zone=SHANGHAI, status="inactive")

    def by_file() -> Any:
        return imported(system, log, "office", SHANGHAI)

    def by_wire() -> Any:
        return read_over_the_wire(system, terminal, within=180)

    def now_seen() -> Seen:
        return seen(system, "office", months("2018-05", "2021-01"), "2021-12-31")

    if first == "file":
        summary = by_file()
        all_are_stored(system, "office", READABLE, within=180)
        once, machine = now_seen(), by_wire()
    else:
        machine = by_wire()
        all_are_stored(system, "office", READABLE, within=180)
        once, summary = now_seen(), by_file()
    terminal.scans(1)
    all_are_stored(system, "office", READABLE + 1)
    return Office(
        machine=machine,
        once=once,
        twice=now_seen(),
        stored=stored(system, "office") - 1,
        unreadable=unreadable(system, "office"),
        imported=summary,
    )


@pytest.mark.real_data
@pytest.mark.timeout(600)
class TestAnOfficeOfThreeYearsOverTheWire:
    """The log of a real terminal, held by one that is not there; one worker for each badge."""

    @pytest.mark.parametrize(("first", "shape"), EACH)
    def test_its_scans_and_days_are_those_of_the_file(
        self,
        office: Callable[[str, str], Office],
        office_log: bytes,
        first: str,
        shape: str,
        record_property: Callable[[str, object], None],
    ) -> None:
        seen = office(first, shape)
        assert as_in_lines(seen.once.scans) == ids_of(office_log, seen.machine["id"])
        quality = Counter(scan[-1] for scan in seen.once.scans.values())
        assert quality == {"ok": READABLE - 8, "implausible_past": 8}
        present = {
            month: sum(day["status"].startswith("Present") for row in rows for day in row["days"])
            for month, rows in seen.once.sheets.items()
        }
        assert present == days_with_a_scan(office_log)
        record_property("figures", f"{first} first, {shape}: {len(seen.once.scans):,} scans of {ROWS:,} rows")

    @pytest.mark.parametrize(("first", "shape"), EACH)
    def test_the_other_way_after_that_changes_nothing(
        self, office: Callable[[str, str], Office], first: str, shape: str
    ) -> None:
        seen = office(first, shape)
        assert seen.twice == seen.once
        assert seen.stored == READABLE
        new = READABLE if first == "file" else 0
        assert (seen.imported["new"], seen.imported["already_known"]) == (new, READABLE - new)

    @pytest.mark.parametrize(("first", "shape"), EACH)
    def test_what_cannot_be_read_is_kept_by_either_way(
        self, office: Callable[[str, str], Office], first: str, shape: str
    ) -> None:
        seen = office(first, shape)
        assert (seen.imported["unreadable"], seen.imported["unreadable_new"]) == (BAD, BAD)
        assert seen.unreadable == {"file": BAD, "session": BAD}
        assert seen.machine["records_on_machine"] == seen.machine["records_received"] == ROWS

    @pytest.mark.long
    @pytest.mark.rabbit
    @pytest.mark.parametrize(("file_in", "wire_in"), [(EMBEDDED, COMPOSE), (COMPOSE, EMBEDDED)])
    def test_the_file_in_one_shape_and_the_wire_in_the_other_give_the_same(
        self, office: Callable[[str, str], Office], file_in: str, wire_in: str
    ) -> None:
        by_file, by_wire = office("file", file_in), office("wire", wire_in)
        assert by_file.machine["id"] == by_wire.machine["id"], "so that ids can be compared as they are"
        assert by_file.once.scans == by_wire.once.scans
        assert len(by_file.once.sheets) == 33
        for month, rows in by_file.once.sheets.items():
            assert differences(rows, by_wire.once.sheets[month]) == []
