"""What cannot be is refused with a clear error and the right status or exit code, and disturbs nothing else."""

import json
import os
import threading
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import Any
from uuid import uuid4

import httpx
import psutil
import pytest

from shared.bus.opening import open_bus
from shared.bus.port import BATCH, EVENT, Message
from tests.acceptance.made_logs import Crew, attlog, months_of_work
from tests.acceptance.shapes import Caller, Embedded, System, until
from tests.acceptance.steps import (
    DAYS,
    EMPLOYEES,
    MACHINES,
    SCANS,
    SUMMARY,
    TIMESHEET,
    all_are_stored,
    crew_comes,
    imported,
    printed,
    stored,
)

ZONE = "Asia/Dhaka"
MEGABYTE = 1_000_000
PNG = b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 40


def is_a_problem(answer: httpx.Response, status: int) -> str:
    """A problem of that status, and its sentence."""
    assert answer.status_code == status, f"{answer.status_code} {answer.text}"
    assert answer.headers["content-type"].startswith("application/problem+json")
    body = answer.json()
    assert body["status"] == status
    assert body["error"] == body["detail"]
    return str(body["error"])


# Who is calling


@pytest.mark.parametrize("header", [None, "Bearer", "Bearer nonsense", "Bearer a.b.c", "Basic YWRtaW46YWRtaW4="])
def test_without_a_valid_token_every_route_is_closed(system: System, header: str | None) -> None:
    headers = {"Authorization": header} if header else {}
    for path in (SUMMARY, TIMESHEET, SCANS, EMPLOYEES, MACHINES, "/api/users/", "/api/auth/me/", "/api/reports/runs/"):
        answer = httpx.get(f"{system.url}{path}", headers=headers, trust_env=False)
        is_a_problem(answer, 401)
        assert answer.headers["www-authenticate"].startswith("Bearer")


def test_a_token_signed_with_another_secret_is_no_token(system: System) -> None:
    head, claims, _ = system.token().split(".")
    forged = f"{head}.{claims}.{'A' * 43}"
    answer = httpx.get(f"{system.url}{EMPLOYEES}", headers={"Authorization": f"Bearer {forged}"}, trust_env=False)
    is_a_problem(answer, 401)


def test_each_service_asks_for_the_token_itself(system: System) -> None:
    for service, path in (("attendance", EMPLOYEES), ("ingest", MACHINES)):
        if url := getattr(system, "urls", {}).get(service):
            is_a_problem(httpx.get(f"{url}{path}", trust_env=False), 401)


def test_a_wrong_password_is_told_from_nothing_else(system: System) -> None:
    said = []
    for username, password in (("admin", "wrong"), ("nobody", "wrong")):
        body = {"username": username, "password": password}
        answer = httpx.post(f"{system.url}/api/auth/token/", json=body, trust_env=False)
        said.append(is_a_problem(answer, 401))
    assert said[0] == said[1]
    wrong = system.cli("token", environment={"MUSTER_ADMIN_PASSWORD": "wrong"})
    assert (wrong.code, wrong.out) == (1, ""), wrong
    assert "wrong" in wrong.err


@pytest.fixture(scope="session")
def employee(system: System) -> Caller:
    """Somebody who may see their own data, in a company of others."""
    crew = Crew(prefix="ROLE", size=3)
    crew_comes(system, crew)
    punches = months_of_work(crew, date(2025, 4, 6), 5, seed="roles")
    imported(system, attlog(punches), "roles", ZONE)
    all_are_stored(system, "roles", len(punches))
    person = system.admin.get(EMPLOYEES, search="EROLE1")[0]["id"]
    body = {"username": "worker", "password": "correct horse 7", "roles": ["employee"], "person": person}
    system.admin.post("/api/users/", body)
    return system.signed_in("worker", "correct horse 7")


def test_an_employee_sees_their_own_rows_and_nobody_elses(system: System, employee: Caller) -> None:
    mine = {"EROLE1"}
    assert {row["employee_id"] for row in employee.get(SUMMARY, date="2025-04-06")} == mine
    assert {row["employee_id"] for row in employee.get(TIMESHEET, month="2025-04")} == mine
    assert {row["employee_id"] for row in employee.get(DAYS, date_from="2025-04-01", date_to="2025-04-30")} == mine
    assert {row["employee_id"] for row in employee.every(SCANS)} == mine
    assert {row["employee_id"] for row in employee.get(EMPLOYEES)} == mine
    assert employee.get("/api/attendance/statistics/")["total_employees"] == 1
    assert employee.count(SCANS) == system.admin.count(SCANS, employee="EROLE1")
    assert employee.get(SUMMARY, date="2025-04-06", department="Crew ROLE")[0]["employee_id"] == "EROLE1"

    other = system.admin.get(EMPLOYEES, search="EROLE2")[0]["id"]
    for path in (f"{EMPLOYEES}{other}/", f"{DAYS}20250406-{other}/", f"{DAYS}20250406-{other}/explain/"):
        is_a_problem(employee.call("GET", path), 404)
    for path in (SUMMARY, TIMESHEET, SCANS):
        wanted = {"date": "2025-04-06"} if path != TIMESHEET else {"month": "2025-04"}
        answer = employee.call("GET", path, params={**wanted, "employee": "EROLE2"})
        assert answer.status_code in (200, 400, 404), answer.text
        assert "ROLE2" not in answer.text.replace("'EROLE2'", "")


def test_a_head_sees_their_own_departments_and_no_other(system: System, employee: Caller) -> None:
    unit = next(one["id"] for one in system.admin.get("/api/attendance/departments/") if one["name"] == "Crew ROLE")
    body = {"username": "head", "password": "correct horse 5", "roles": ["department_head"], "units": [unit]}
    system.admin.post("/api/users/", body)
    head = system.signed_in("head", "correct horse 5")
    ours = {"EROLE1", "EROLE2", "EROLE3"}
    assert {row["employee_id"] for row in head.get(SUMMARY, date="2025-04-06")} == ours
    assert {row["employee_id"] for row in head.get(TIMESHEET, month="2025-04")} == ours
    assert {row["employee_id"] for row in head.every(DAYS)} == ours
    assert {row["employee_id"] for row in head.every(SCANS)} == ours
    assert {row["employee_id"] for row in head.get(EMPLOYEES)} == ours
    assert head.get("/api/attendance/statistics/")["total_employees"] == 3
    is_a_problem(head.call("POST", EMPLOYEES, json={"employee_id": "X", "name": "X"}), 403)


def test_an_employee_changes_nothing(system: System, employee: Caller) -> None:
    mine = system.admin.get(EMPLOYEES, search="EROLE1")[0]["id"]
    for method, path, body in (
        ("POST", EMPLOYEES, {"employee_id": "X", "name": "X"}),
        ("PATCH", f"{EMPLOYEES}{mine}/", {"level_of_work": "Staff"}),
        ("DELETE", f"{EMPLOYEES}{mine}/", None),
        ("POST", MACHINES, {"machine_id": "x", "machine_type": "simulated", "zone": ZONE}),
        ("PATCH", f"{MACHINES}roles/", {"name": "mine"}),
        ("DELETE", f"{MACHINES}roles/", None),
        ("POST", f"{MACHINES}roles/test/", None),
        ("POST", f"{SCANS}import/?machine=x&timezone=UTC", None),
        ("POST", f"{EMPLOYEES}import/", None),
        ("POST", "/api/attendance/unknown-badges/X/link/", {"employee": mine}),
        ("GET", "/api/attendance/unknown-badges/", None),
        ("GET", "/api/users/", None),
        ("POST", "/api/users/", {"username": "me2", "password": "correct horse 1", "roles": ["super_admin"]}),
    ):
        is_a_problem(employee.call(method, path, **({"json": body} if body else {})), 403)
    file = system.folder / "roles.dat"
    environment = {"MUSTER_TOKEN": employee.token()}
    refused = system.cli("import", file, "--machine", "roles", "--timezone", ZONE, environment=environment)
    assert (refused.code, refused.out) == (1, ""), refused
    assert "hr" in refused.err
    refused = system.cli("people", "import", system.folder / "people.csv", environment=environment)
    assert (refused.code, refused.out) == (1, ""), refused


def test_an_employee_hears_live_of_nobody_else(system: System, employee: Caller) -> None:
    crew = Crew(prefix="HEAR", size=2)
    crew_comes(system, crew)
    badges = ["ROLE1", "HEAR1", "HEAR2", "NOBODYS"]
    body = {"machine_id": "hear", "machine_type": "simulated", "zone": ZONE, "config": {"badges": badges, "rate": 4}}
    with system.live(employee) as connection:
        assert json.loads(connection.recv(timeout=10))["type"] == "system_status"
        machine = system.admin.post(MACHINES, body)
        heard: list[dict[str, Any]] = []
        try:
            about: list[str] = []
            while len(about) < 4:
                heard.append(frame := json.loads(connection.recv(timeout=60)))
                about.extend([frame["employee_id"]] if "employee_id" in frame else [])
        finally:
            system.admin.call("DELETE", f"{MACHINES}{machine['id']}/")
    # Frames about nobody may come between: how the system is, and "read again" where the gateway heard of it anew.
    assert {frame["type"] for frame in heard} <= {"scan_received", "attendance_updated", "system_status", "resync"}
    assert set(about) == {"EROLE1"}


# What is asked for


@pytest.mark.parametrize(
    ("path", "parameters", "named"),
    [
        (SUMMARY, {}, "date"),
        (SUMMARY, {"date": "15-01-2024"}, "date"),
        (SUMMARY, {"date": "2025-02-30"}, "date"),
        (SUMMARY, {"date": "2025-02-03", "shape": "round"}, "shape"),
        (SUMMARY, {"date": "2025-02-03", "datum": "1"}, "datum"),
        (TIMESHEET, {}, "month"),
        (TIMESHEET, {"month": "13", "year": "2024"}, "month"),
        (TIMESHEET, {"month": "2024-00"}, "month"),
        (TIMESHEET, {"month": "01"}, "year"),
        (DAYS, {"status": "Presentish"}, "status"),
        (DAYS, {"ordering": "shoe_size"}, "ordering"),
        (DAYS, {"page": "0"}, "page"),
        (DAYS, {"date_from": "2025-02-03", "date_to": "2025-02-01"}, "date"),
        (SCANS, {"limit": "lots"}, "limit"),
        (SCANS, {"cursor": "!"}, "cursor"),
        (SCANS, {"quality": "poor"}, "quality"),
        (SCANS, {"colour": "red"}, "colour"),
        (EMPLOYEES, {"departement": "Sewing"}, "departement"),
        (MACHINES, {"machine_type": "abacus"}, "machine_type"),
        ("/api/attendance/statistics/", {"date": "yesterday"}, "date"),
        ("/api/attendance/settings/", {"site": "first"}, "site"),
    ],
)
def test_a_wrong_parameter_is_named(system: System, path: str, parameters: dict[str, str], named: str) -> None:
    assert named in is_a_problem(system.admin.call("GET", path, params=parameters), 400)


@pytest.mark.parametrize(
    ("path", "status"),
    [
        (f"{DAYS}20250230-1/", 404),
        (f"{DAYS}20250203-999999/", 404),
        (f"{DAYS}yesterday/", 404),
        (f"{DAYS}20250230-1/explain/", 404),
        (f"{EMPLOYEES}999999/", 404),
        (f"{MACHINES}no-such-machine/", 404),
        ("/api/attendance/nothing-here/", 404),
        ("/api/nothing-here/", 404),
    ],
)
def test_what_does_not_exist_is_said_so(system: System, path: str, status: int) -> None:
    assert is_a_problem(system.admin.call("GET", path), status)


def test_a_body_that_cannot_be_read_is_said_so(system: System) -> None:
    for body in (b"{", b"[]", b"\xff\xfe", b'{"machine_id": 7}', b'{"machine_id": "x", "colour": "red"}'):
        answer = system.admin.call("POST", MACHINES, content=body, headers={"Content-Type": "application/json"})
        is_a_problem(answer, 400)


def test_a_machine_needs_a_zone_that_exists_and_a_type_that_is_known(system: System) -> None:
    body = {"machine_id": "martian", "machine_type": "simulated", "zone": "Mars/Olympus"}
    assert "Mars/Olympus" in is_a_problem(system.admin.call("POST", MACHINES, json=body), 400)
    answer = system.admin.call("POST", MACHINES, json={**body, "zone": ZONE, "machine_type": "abacus"})
    assert answer.status_code in (400, 422), answer.text
    assert "abacus" in answer.json()["error"]
    assert system.admin.count(MACHINES, search="martian") == 0


# Commands and files


@pytest.fixture
def quiet(system: System) -> Iterator[System]:
    """What must not change: the machines there are, and that scans are taken."""
    before = [machine["machine_id"] for machine in system.admin.get(MACHINES)]
    yield system
    assert [machine["machine_id"] for machine in system.admin.get(MACHINES)] == before
    assert system.is_ready()


def test_an_unknown_zone_is_wrong_use(quiet: System) -> None:
    file = quiet.folder / "zone.dat"
    file.write_bytes(attlog(months_of_work(Crew(prefix="Z", size=1), date(2025, 4, 6), 1)))
    wrong = quiet.cli("import", file, "--machine", "new-one", "--timezone", "Mars/Olympus")
    assert (wrong.code, wrong.out) == (2, ""), wrong
    assert "Mars/Olympus" in wrong.err
    answer = quiet.admin.call(
        "POST", f"{SCANS}import/", params={"machine": "new-one", "timezone": "Mars/Olympus"}, content=b""
    )
    assert "Mars/Olympus" in is_a_problem(answer, 400)


def test_a_new_machine_without_a_zone_is_asked_for_it(quiet: System) -> None:
    file = quiet.folder / "no-zone.dat"
    file.write_bytes(attlog(months_of_work(Crew(prefix="Z", size=1), date(2025, 4, 6), 1)))
    failed = quiet.cli("import", file, "--machine", "new-one")
    assert failed.code in (1, 2), failed
    assert failed.out == ""
    assert "zone" in failed.err


def test_a_file_that_cannot_be_read_is_wrong_use(quiet: System) -> None:
    for words in (("import", "{}", "--machine", "new-one", "--timezone", ZONE), ("people", "import", "{}")):
        for file in (quiet.folder / "there-is-none.dat", quiet.folder):
            wrong = quiet.cli(*[word.format(file) for word in words])
            assert (wrong.code, wrong.out) == (2, ""), wrong
            assert file.name in wrong.err
    forbidden = quiet.folder / "forbidden.dat"
    forbidden.write_bytes(b"1")
    forbidden.chmod(0)
    if not os.access(forbidden, os.R_OK):  # root may read everything
        assert quiet.cli("people", "import", forbidden).code == 2


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("picture.png", PNG),
        ("empty.dat", b""),
        ("nothing.dat", b"\0" * 5000),
        ("novel.txt", b"It was the best of times, it was the worst of times.\n" * 2000),
        ("program", b"\x7fELF" + bytes(5000)),
        ("page.html", b"<html><body>" + b"<p>1\t2</p>\n" * 3000),
    ],
)
def test_a_file_of_another_kind_is_refused_and_registers_no_machine(quiet: System, name: str, content: bytes) -> None:
    file = quiet.folder / name
    file.write_bytes(content)
    refused = quiet.cli("import", file, "--machine", "new-one", "--timezone", ZONE)
    assert (refused.code, refused.out) == (1, ""), refused
    assert refused.err.strip()
    assert "Traceback" not in refused.err
    if name in ("picture.png", "empty.dat"):
        refused = quiet.cli("people", "import", file)
        assert (refused.code, refused.out) == (1, ""), refused
        assert "Traceback" not in refused.err


def test_lines_of_people_that_cannot_be_are_named_and_the_others_count(system: System) -> None:
    file = system.folder / "odd-people.csv"
    good = "EODD1,Odd One,Crew ODD,Hand,Worker,ODD1"
    file.write_text(f"employee_id,name,department,designation,level_of_work,badge\n{good}\nEODD2\n,Nameless,,,,\n")
    result = system.cli("people", "import", file, "--json")
    assert result.code in (0, 1, 3), result
    summary = json.loads(result.out)
    assert [error["line"] for error in summary["errors"]] == [3, 4]
    assert summary["created"] == 1


class Watch:
    """The most memory that processes held meanwhile."""

    def __init__(self, pids: list[int]) -> None:
        self._processes = [psutil.Process(pid) for pid in pids]
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)
        self.before = self._held()
        self.most = self.before

    def __enter__(self) -> "Watch":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()

    def _held(self) -> int:
        return sum(int(process.memory_info().rss) for process in self._processes)

    def _look(self) -> None:
        while not self._over.wait(0.05):
            self.most = max(self.most, self._held())


@pytest.mark.timeout(300)
def test_a_line_of_500_megabytes_takes_no_memory(quiet: System) -> None:
    services = ["muster"] if isinstance(quiet, Embedded) else ["gateway", "ingest"]
    pids = [quiet.process_of(service).pid for service in services]
    piece = b"x" * MEGABYTE
    with Watch(pids) as watch:
        running = quiet.feed("import", "-", "--machine", "new-one", "--timezone", ZONE, "--json")
        client = psutil.Process(running.pid)
        most = 0
        for _ in range(500):
            running.write(piece)
            if running.ended:
                break
            most = max(most, client.memory_info().rss)
        refused = running.finish()
    assert refused.code == 1, refused
    assert refused.out == ""
    assert "Traceback" not in refused.err
    assert watch.most - watch.before < 60 * MEGABYTE
    assert most < 200 * MEGABYTE


@pytest.mark.timeout(300)
def test_a_line_of_500_megabytes_among_good_ones_is_reported_by_its_number(system: System) -> None:
    crew = Crew(prefix="HUGE", size=2)
    crew_comes(system, crew)
    lines = attlog(months_of_work(crew, date(2025, 4, 6), 5)).splitlines(keepends=True)
    services = ["muster"] if isinstance(system, Embedded) else ["gateway", "ingest"]
    piece = b"x" * MEGABYTE
    with Watch([system.process_of(service).pid for service in services]) as watch:
        running = system.feed("import", "-", "--machine", "huge", "--timezone", ZONE, "--json")
        running.write(b"".join(lines[:3]))
        for _ in range(500):
            running.write(piece)
        summary = printed(running.finish(b"\n" + b"".join(lines[3:])))
    assert [line["line"] for line in summary["unreadable_lines"]] == [4]
    assert summary["new"] == len(lines)
    assert watch.most - watch.before < 60 * MEGABYTE
    all_are_stored(system, "huge", len(lines))


def test_a_file_of_people_that_is_far_too_large_is_refused(quiet: System) -> None:
    running = quiet.feed("people", "import", "-")
    for _ in range(60):
        running.write(b"y" * MEGABYTE)
    refused = running.finish()
    assert (refused.code, refused.out) == (1, ""), refused
    assert "MB" in refused.err


# Events


def event(type_: str, data: dict[str, Any], id_: str) -> dict[str, Any]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": "/another/system",
        "type": type_,
        "time": datetime.now(UTC).isoformat(),
        "datacontenttype": "application/json",
        "data": data,
    }


def a_scan(machine: dict[str, Any], badge: str, clock: str, id_: str) -> dict[str, Any]:
    """As another system would publish it, by the AsyncAPI document."""
    return {
        "scan_id": id_,
        "machine_id": machine["id"],
        "machine": machine["machine_id"],
        "site_id": 1,
        "badge": badge,
        "device_time": f"2025-04-07 {clock}",
        "local_time": f"2025-04-07T{clock}",
        "zone": ZONE,
        "at": datetime.fromisoformat(f"2025-04-07T{clock}+06:00").astimezone(UTC).isoformat(),
        "quality": "ok",
        "received_at": datetime.now(UTC).isoformat(),
        "mode": "replay",
    }


async def test_an_event_of_an_unknown_version_is_parked_with_the_reason_and_the_others_go_through(
    system: System,
) -> None:
    crew = Crew(prefix="EVT", size=2)
    crew_comes(system, crew)
    body = {"machine_id": "events", "machine_type": "generic", "zone": ZONE}
    machine = system.admin.post(MACHINES, body)
    good, bad, odd, alone = (str(uuid4()) for _ in range(4))
    type_ = "ingest.scan.received.v1"
    events = [
        event(type_, a_scan(machine, "EVT1", "08:00:00", good), good),
        event("ingest.scan.received.v9", a_scan(machine, "EVT1", "09:00:00", bad), bad),
        event(type_, {"scan_id": odd, "badge": ["EVT1"]}, odd),
        event(type_, a_scan(machine, "EVT2", "08:00:00", alone), alone),
    ]
    newer = event("ingest.scan.received.v2", {"brave": "new world"}, str(uuid4()))
    async with open_bus(system.bus_url, name="another-system") as bus:
        await bus.publish(Message(id=str(uuid4()), type=type_, body=json.dumps(events).encode(), content_type=BATCH))
        message = Message(
            id=newer["id"], type="ingest.scan.received.v2", body=json.dumps(newer).encode(), content_type=EVENT
        )
        await bus.publish(message)
    all_are_stored(system, "events", 2)

    def parked() -> list[dict[str, Any]]:
        letters: list[dict[str, Any]] = printed(system.operate("dead", "list", "attendance.scans", "--json"))
        assert len(letters) == 3, letters
        return letters

    letters = until(parked, "three events are parked", within=60)
    assert letters == printed(system.operate("dead", "list", "--json")), "looking changes nothing"
    reasons = " ".join(letter["reason"] for letter in letters)
    assert "ingest.scan.received.v9" in reasons
    assert "ingest.scan.received.v2" in reasons
    shown = printed(system.operate("dead", "show", "attendance.scans", letters[0]["id"]))
    assert shown["event"]["specversion"] == "1.0"

    nobody = system.operate("dead", "show", "attendance.scans", "no-such-id")
    assert (nobody.code, nobody.out) == (1, ""), nobody
    again = system.operate("dead", "replay", "attendance.scans", letters[0]["id"])
    assert (again.code, again.out.strip()) == (0, "1"), again
    assert {letter["reason"] for letter in until(parked, "it is parked again", within=60)} == {
        letter["reason"] for letter in letters
    }
    assert system.operate("dead", "replay", "attendance.scans").out.strip() == "3"
    until(parked, "all are parked again", within=60)
    assert stored(system, "events") == 2
    assert system.is_ready()


def test_nothing_of_all_this_has_left_an_error_of_ours_in_the_logs(system: System) -> None:
    for name, process in system.processes.items():
        for mistake in ("Traceback (most recent call last)", "http.bug", '"level": "error"', "[error"):
            assert mistake not in process.said(), f"{name} said {mistake}"
