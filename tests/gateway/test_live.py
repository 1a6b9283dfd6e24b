"""Live connections over real sockets: who may open one, and what each of them hears."""

from datetime import timedelta
from typing import Any

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from services.gateway.settings import Settings
from services.gateway.wiring import HISTORY
from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.event import Version
from shared.contracts.machines import ErrorOccurred, MachineConnected
from shared.contracts.recomputing import RecomputeChanged
from tests.gateway.fakes import NOON, TODAY, Gateway, day, person, running_gateway, scan, until
from tests.gateway.live_clients import Listener, listening


async def known(gateway: Gateway, *numbers: int, **more: Any) -> None:
    """Make people known to the gateway."""
    await gateway.bus.tell(*(person(number, **more) for number in numbers), time=NOON)

    async def known_now() -> bool:
        async with gateway.database.fast() as pg:
            query = "SELECT count(*) FROM people WHERE person_id = ANY($1)"
            return bool(await pg.fetchval(query, list(numbers)) == len(numbers))

    await until(known_now)


async def test_a_live_scan_comes_as_a_frame_with_the_person_who_holds_the_badge(gateway: Gateway) -> None:
    await known(gateway, 1)
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        event = scan("1")
        await gateway.bus.tell(event, time=NOON)
        frame = await hr.next()
    assert set(frame) == {"id", "type", "machine_id", "data", "timestamp", "employee_id"}
    assert frame["type"] == "scan_received"
    assert frame["machine_id"] == "gate-1"
    assert frame["employee_id"] == "EMP001"
    assert frame["timestamp"] == "2024-01-15T12:00:00Z"
    assert frame["data"] == {
        "scan_id": str(event.scan_id),
        "employee_id": "EMP001",
        "employee_name": "Fatima Begum",
        "department": "Sewing",
        "badge": "1",
        "scan_time": "2024-01-15T18:00:00+06:00",
        "scan_type": "IN",
        "quality": "ok",
    }


async def test_how_far_a_run_is_is_heard_by_those_who_see_everybody(gateway: Gateway) -> None:
    run = RecomputeChanged(
        run_id="0b0e2f6e-5c5f-4f6e-9d0a-3c1f0a8b7d21",
        kind="recompute",
        state="running",
        date_from=TODAY,
        date_to=TODAY,
        reason="lunch was shorter",
        asked_by="hr",
        people=100,
        people_done=25,
        days_looked_at=20,
        days_changed=3,
        at=NOON,
        version=Version(1, 2),
    )
    await gateway.user("employee", "employee", person=1)
    async with (
        listening(gateway, (await gateway.sign_in())["access"]) as hr,
        listening(gateway, (await gateway.sign_in("employee"))["access"]) as employee,
    ):
        await gateway.bus.tell(run, time=NOON)
        await gateway.bus.tell(day(1, unit_path=[7]), time=NOON)
        frame = await hr.next()
        assert (await employee.next())["type"] == "attendance_updated"
    assert (frame["type"], frame["employee_id"], frame["timestamp"]) == (
        "recompute_changed",
        None,
        "2024-01-15T12:00:00Z",
    )
    assert frame["data"] == {
        "run": "0b0e2f6e-5c5f-4f6e-9d0a-3c1f0a8b7d21",
        "kind": "recompute",
        "state": "running",
        "date_from": "2024-01-15",
        "date_to": "2024-01-15",
        "reason": "lunch was shorter",
        "asked_by": "hr",
        "employees": 100,
        "employees_done": 25,
        "days_looked_at": 20,
        "days_changed": 3,
    }


async def test_an_adjustment_of_a_locked_day_is_heard_by_whoever_would_hear_of_the_day(gateway: Gateway) -> None:
    adjustment = AdjustmentChanged(
        adjustment_id=5,
        person_id=1,
        employee_id="EMP001",
        employee_name="Fatima Begum",
        unit_path=[7],
        site_id=1,
        date=TODAY,
        period="2024-02",
        status_before="Absent",
        status_after="Present-OnTime",
        minutes={"worked": 510},
        reason="late scans",
        cancelled=False,
        adjusted_at=NOON,
        version=Version(1, 1),
    )
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        await gateway.bus.tell(adjustment, time=NOON)
        frame = await hr.next()
    assert (frame["type"], frame["employee_id"], frame["timestamp"]) == (
        "attendance_adjusted",
        "EMP001",
        "2024-01-15T12:00:00Z",
    )
    assert frame["data"] == {
        "employee_id": "EMP001",
        "employee_name": "Fatima Begum",
        "date": TODAY.isoformat(),
        "period": "2024-02",
        "minutes": {"worked": 510},
        "status_before": "Absent",
        "status_after": "Present-OnTime",
        "cancelled": False,
        "reason": "late scans",
    }


async def test_a_day_comes_as_a_row_of_the_summary(gateway: Gateway) -> None:
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        await gateway.bus.tell(day(1, worked=505), time=NOON)
        frame = await hr.next()
    assert frame["type"] == "attendance_updated"
    assert frame["employee_id"] == "EMP001"
    assert frame["machine_id"] is None
    assert frame["data"] == {
        "employee_id": "EMP001",
        "employee_name": "Fatima Begum",
        "department": "Sewing",
        "designation": "Senior Tailor",
        "level_of_work": "Worker",
        "date": TODAY.isoformat(),
        "status": "Present-OnTime",
        "state": "provisional",
        "check_in": "08:00",
        "check_out": None,
        "working_hours": 8.42,
        "overtime": 0.5,
        "extra_overtime": 0.0,
        "attendance_count": 1,
        "scans": [{"time": "08:00", "type": "IN"}],
    }


async def test_scans_of_a_log_are_not_shown_as_if_they_happened_now(gateway: Gateway) -> None:
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        await gateway.bus.tell(scan("1", mode="replay"), time=NOON)
        await gateway.bus.tell(scan("2"), time=NOON)
        assert (await hr.next())["data"]["badge"] == "2"


async def test_each_hears_only_what_its_role_may_see(gateway: Gateway) -> None:
    await known(gateway, 1, unit_path=(11, 10))
    await known(gateway, 2, unit_path=(20,))
    await gateway.user("worker", "employee", person=1)
    await gateway.user("head", "department_head", units=(10,))
    await gateway.user("nobody", "employee")
    async with (
        listening(gateway, (await gateway.sign_in())["access"]) as overseer,
        listening(gateway, (await gateway.sign_in("worker"))["access"]) as worker,
        listening(gateway, (await gateway.sign_in("head"))["access"]) as head,
        listening(gateway, (await gateway.sign_in("nobody"))["access"]) as nobody,
    ):
        await gateway.bus.tell(scan("2"), time=NOON)
        await gateway.bus.tell(scan("unheard of"), time=NOON)
        await gateway.bus.tell(MachineConnected(machine_id=1, machine="gate-1", at=NOON), time=NOON)
        await gateway.bus.tell(ErrorOccurred(machine_id=None, machine=None, at=NOON, message="no paper"), time=NOON)
        await gateway.bus.tell(scan("1"), time=NOON)
        await gateway.bus.tell(day(1, unit_path=(11, 10)), time=NOON)
        await gateway.bus.tell(day(2, unit_path=(20,)), time=NOON)
        heard = [await _kinds(overseer, 7), await _kinds(worker, 2), await _kinds(head, 2)]
        assert heard[0] == [
            ("scan_received", "EMP002"),
            ("scan_received", None),
            ("machine_connected", None),
            ("error_occurred", None),
            ("scan_received", "EMP001"),
            ("attendance_updated", "EMP001"),
            ("attendance_updated", "EMP002"),
        ]
        assert heard[1] == heard[2] == [("scan_received", "EMP001"), ("attendance_updated", "EMP001")]
        with pytest.raises(TimeoutError):
            await nobody.next(within=0.3)


async def _kinds(listener: Listener, number: int) -> list[tuple[str, str | None]]:
    frames = [await listener.next() for _ in range(number)]
    return [(frame["type"], frame["employee_id"]) for frame in frames]


async def test_a_changed_badge_changes_whose_scans_they_are(gateway: Gateway) -> None:
    await known(gateway, 1)
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        await gateway.bus.tell(person(2, badge="1", n=5), person(1, badge="9", n=5), time=NOON)
        await gateway.bus.tell(scan("1"), time=NOON)
        assert (await hr.next())["employee_id"] == "EMP002"


@pytest.mark.parametrize("path", ["/ws", "/"])
async def test_all_ways_of_saying_who_one_is(gateway: Gateway, path: str) -> None:
    url = gateway.live_url if path == "/" else f"ws://127.0.0.1:{gateway.port}/ws"
    access = (await gateway.sign_in())["access"]
    headers = {"Authorization": f"Bearer {access}"}
    ticket = (await gateway.http.post("/api/auth/ticket/", headers=headers)).json()["ticket"]
    spare = (await gateway.http.post("/api/auth/ticket/", headers=headers)).json()["ticket"]
    async with listening(gateway, access, url=url) as by_protocol:
        assert by_protocol.connection.subprotocol == "bearer"
    async with listening(gateway, spare, url=url):
        pass
    async with listening(gateway, url=url, additional_headers={"Cookie": f"a=b; muster_access={access}"}):
        pass
    async with listening(gateway, url=url, additional_headers=headers):
        pass
    async with listening(gateway, url=f"{url}?ticket={ticket}"):
        pass
    for said in (access, f"Bearer {access}", f'{{"type": "auth", "token": "{access}"}}'):
        async with listening(gateway, url=url, greeted=False) as by_message:
            await by_message.connection.send(said)
            assert (await by_message.next())["type"] == "system_status"


async def test_a_ticket_is_good_once_and_for_half_a_minute(gateway: Gateway) -> None:
    headers = await gateway.bearer()
    first, second = [(await gateway.http.post("/api/auth/ticket/", headers=headers)).json()["ticket"] for _ in range(2)]
    async with listening(gateway, url=f"{gateway.live_url}?ticket={first}"):
        pass
    async with listening(gateway, url=f"{gateway.live_url}?ticket={first}", greeted=False) as again:
        assert (await again.closed())[0] == 4401
    gateway.clock.turn(timedelta(seconds=40))
    async with listening(gateway, url=f"{gateway.live_url}?ticket={second}", greeted=False) as late:
        assert (await late.closed())[0] == 4401


async def test_a_ticket_opens_nothing_but_a_live_connection(gateway: Gateway) -> None:
    ticket = (await gateway.http.post("/api/auth/ticket/", headers=await gateway.bearer())).json()["ticket"]
    answer = await gateway.http.get("/api/auth/me/", headers={"Authorization": f"Bearer {ticket}"})
    assert answer.status_code == 401


async def test_whoever_says_nothing_is_closed_after_five_seconds(gateway: Gateway) -> None:
    async with listening(gateway, greeted=False) as silent:
        assert await silent.closed() == (4401, "nobody signed in within 5 s")


async def test_a_bad_token_is_closed_at_once(gateway: Gateway) -> None:
    async with listening(gateway, "rubbish", greeted=False) as stranger:
        assert (await stranger.closed(within=2))[0] == 4401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1.evil.example:8000"])
async def test_a_page_from_elsewhere_cannot_open_a_connection(gateway: Gateway, origin: str) -> None:
    access = (await gateway.sign_in())["access"]
    with pytest.raises(InvalidStatus) as refused:
        async with connect(
            gateway.live_url,
            proxy=None,
            origin=origin,
            additional_headers={"Cookie": f"muster_access={access}"},  # type: ignore[arg-type]
        ):
            pass
    assert refused.value.response.status_code == 403


async def test_a_page_of_the_same_host_may_come_from_any_port(gateway: Gateway) -> None:
    cookie = {"Cookie": f"muster_access={(await gateway.sign_in())['access']}"}
    async with listening(gateway, origin="http://127.0.0.1:3000", additional_headers=cookie):
        pass


async def test_disabling_a_user_closes_their_connections_within_five_seconds(gateway: Gateway) -> None:
    user = await gateway.user("hr", "hr")
    admin = await gateway.bearer()
    async with listening(gateway, (await gateway.sign_in("hr"))["access"]) as hr:
        answer = await gateway.http.patch(f"/api/users/{user}/", json={"is_active": False}, headers=admin)
        assert answer.status_code == 200
        assert (await hr.closed(within=5))[0] == 4401


async def test_signing_out_closes_the_sessions_connections_and_no_others(gateway: Gateway) -> None:
    one, other = await gateway.sign_in(), await gateway.sign_in()
    async with listening(gateway, one["access"]) as leaving, listening(gateway, other["access"]) as staying:
        await gateway.http.post("/api/auth/logout/", headers={"Authorization": f"Bearer {one['access']}"})
        assert (await leaving.closed(within=5))[0] == 4401
        await gateway.bus.tell(scan("1"), time=NOON)
        assert (await staying.next())["type"] == "scan_received"


async def test_a_connection_outlives_its_token_as_long_as_the_session_lasts(gateway: Gateway) -> None:
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        gateway.clock.turn(timedelta(hours=2))
        with pytest.raises(TimeoutError):
            await hr.next("nothing", within=2.5)
        await gateway.bus.tell(scan("1"), time=NOON)
        assert (await hr.next("scan_received"))["data"]["badge"] == "1"


async def test_days_read_from_a_log_become_one_resync_when_they_are_many(gateway: Gateway) -> None:
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        for _ in range(4):
            await gateway.bus.tell(*(day(n, live=False) for n in range(1, 301)), time=NOON)
        frames = [await hr.next()]
        while frames[-1]["type"] != "resync":
            frames.append(await hr.next())
        assert len(frames) < 300
        await gateway.bus.tell(day(7), time=NOON)
        assert (await hr.next("attendance_updated"))["employee_id"] == "EMP007"


async def test_a_day_that_is_no_more_has_everybody_read_again(gateway: Gateway) -> None:
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        await gateway.bus.tell(day(1, live=False, status="", removed=True), time=NOON)
        assert (await hr.next())["type"] == "resync"


async def test_with_nobody_listening_nothing_is_decoded(gateway: Gateway) -> None:
    for _ in range(3000):
        await gateway.bus.tell(day(1), time=NOON)
    async with listening(gateway, (await gateway.sign_in())["access"]) as hr:
        with pytest.raises(TimeoutError):
            await hr.next(within=0.3)


async def test_the_live_port_tells_browsers_that_it_is_no_web_page(gateway: Gateway) -> None:
    answer = await gateway.http.get(f"http://127.0.0.1:{gateway.live_port}/")
    assert answer.status_code == 426


async def test_an_open_hub_lets_programs_of_this_machine_listen_and_no_proxy(migrated: Any) -> None:
    async with running_gateway(migrated(HISTORY), settings=Settings(live_open=True)) as gateway:
        async with listening(gateway) as anybody:
            await gateway.bus.tell(scan("unheard of"), time=NOON)
            assert (await anybody.next())["type"] == "scan_received"
        async with listening(
            gateway, greeted=False, additional_headers={"X-Forwarded-For": "192.0.2.1"}
        ) as from_elsewhere:
            assert (await from_elsewhere.closed())[0] == 4401


def test_an_open_hub_is_refused_where_others_can_reach_it() -> None:
    with pytest.raises(ValueError, match="MUSTER_LIVE_OPEN"):
        Settings(live_open=True, host="0.0.0.0")
