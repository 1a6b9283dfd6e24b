"""A scan is seen as it happens, and stands in the summary of its day within two seconds."""

import json
import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from websockets.sync.client import ClientConnection

from tests.acceptance.conftest import Starting
from tests.acceptance.made_logs import Crew
from tests.acceptance.shapes import Caller, System, until
from tests.acceptance.steps import MACHINES, SUMMARY, crew_comes

SOON = 2.0
"""Seconds from the frame to the summary."""


def frames(connection: ClientConnection, within: float = 30.0) -> Iterator[dict[str, Any]]:
    """What comes, until the time is over."""
    deadline = time.monotonic() + within
    while (left := deadline - time.monotonic()) > 0:
        yield json.loads(connection.recv(timeout=left))


def follow_one_scan(system: System, is_ours: Callable[[dict[str, Any]], bool]) -> None:
    """The check that a user would make, with a stopwatch."""
    with system.live() as connection:
        seen = frames(connection)
        greeting = next(seen)
        assert greeting["type"] == "system_status"
        assert greeting["data"]["message"]
        scan = next(frame for frame in seen if frame["type"] == "scan_received" and is_ours(frame))
        assert set(scan) >= {"id", "type", "machine_id", "data", "timestamp", "employee_id"}
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)", scan["timestamp"])
        data = scan["data"]
        assert {"scan_id", "employee_id", "employee_name", "department", "scan_time", "scan_type"} <= set(data)
        day = system.admin.get("/api/attendance/system-status/")["business_date"]
        clock = data["scan_time"][11:16]

        def in_the_summary() -> bool:
            rows = system.admin.get(SUMMARY, date=day, employee=scan["employee_id"])
            return any(one["time"] == clock for one in rows[0]["scans"])

        until(in_the_summary, f"the scan of {clock} stands in the summary of {day}", within=SOON, every=0.05)
        updated = next(
            frame
            for frame in seen
            if frame["type"] == "attendance_updated"
            and frame["employee_id"] == scan["employee_id"]
            and any(one["time"] == clock for one in frame["data"]["scans"])
        )
        row = system.admin.get(SUMMARY, date=day, employee=scan["employee_id"])[0]
        assert set(updated["data"]) <= set(row)
        assert updated["data"]["date"] == day


def test_a_fresh_demo_shows_who_scans_now(start: Starting) -> None:
    system = start("embedded", demo=True, password=None)
    said = system.process_of("muster").said()
    assert system.url in said
    assert system.live_url in said
    user = re.search(r"user +(\S+)", said)
    password = re.search(r"password +(\S+) +\(shown this once\)", said)
    assert user is not None
    assert password is not None
    system.admin_is(Caller(system.url, user[1], password[1]))

    def live() -> list[str]:
        machines = system.admin.get("/api/attendance/machines/")
        return sorted(machine["machine_type"] for machine in machines if machine["state"] == "live")

    of_every_vendor = ["generic", "hikvision", "simulated", "suprema", "zkteco", "zkteco"]
    until(lambda: live() == of_every_vendor, "one machine of every vendor is live")
    people = system.admin.get("/api/attendance/employees/")
    assert len(people) == 40
    assert len({person["department"] for person in people}) == 4
    follow_one_scan(system, lambda frame: frame["employee_id"] is not None)
    today = system.admin.get("/api/attendance/system-status/")["business_date"]
    assert len(system.admin.get(SUMMARY, date=today)) == 40
    history = until(
        lambda: len({day["date"] for day in system.admin.every("/api/attendance/daily-attendance/")}) > 20,
        "a month of history is there",
    )
    assert history


@pytest.fixture(scope="session")
def gate(system: System) -> Iterator[Crew]:
    """A crew that scans now at a machine that was registered over REST.

    Nobody comes twice within a minute: the second scan would be merged into the first.
    """
    crew = Crew(prefix="GATE", size=200)
    crew_comes(system, crew)
    config = {"people": crew.size, "prefix": crew.prefix, "rate": 2.0}
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "simulated", "zone": "Asia/Dhaka", "config": config}
    machine = system.admin.post(MACHINES, body)
    yield crew
    assert system.admin.call("DELETE", f"{MACHINES}{machine['id']}/").status_code == 204


def test_a_scan_is_seen_live_and_stands_in_the_summary(system: System, gate: Crew) -> None:
    follow_one_scan(system, lambda frame: (frame["employee_id"] or "").startswith(f"E{gate.prefix}"))


def test_a_machine_that_connects_is_shown_as_connected(system: System, gate: Crew) -> None:
    def shown() -> bool:
        machine = system.admin.get(f"{MACHINES}gate/")
        return bool(machine["is_connected"] and machine["last_sync"])

    until(shown, "the machine is connected", within=60)
    tried = system.admin.call("POST", f"{MACHINES}gate/test/").json()
    assert tried["is_connected"]
    assert all(step["ok"] for step in tried["steps"])
    status = system.admin.get("/api/attendance/system-status/")
    assert status["is_running"]
    assert status["connected_machines"] >= 1


def test_watch_shows_what_happens_in_the_terminal(system: System, gate: Crew) -> None:
    result = system.cli("watch", "--json", "--count", "4", within=40)
    assert result.code == 0, result
    shown = [json.loads(line) for line in result.out.splitlines()]
    assert shown[0]["type"] == "system_status"
    assert {frame["type"] for frame in shown} & {"scan_received", "attendance_updated"}
    assert len(shown) == 4
    for_people = system.cli("watch", "--count", "4", within=40)
    assert for_people.code == 0, for_people
    assert "Person GATE" in for_people.out


def test_nobody_listens_without_a_token(system: System) -> None:
    from websockets.exceptions import ConnectionClosed
    from websockets.sync.client import connect

    with connect(system.live_url, proxy=None) as connection:
        with pytest.raises(ConnectionClosed) as closed:
            connection.recv(timeout=8)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4401
