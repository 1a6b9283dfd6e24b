"""A terminal calls: what it is answered, what becomes of what it sends, and that it is told OK only then."""

import asyncio
import logging
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncpg
import httpx
import pytest

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading
from services.ingest.domain.scan import scan_id
from services.ingest.vendors.files.reader import FileReader
from services.ingest.vendors.zkteco.simulator import Device, simulator
from shared.contracts.scans import ScanReceived
from tests.ingest.application.watched import MACHINES, eventually, shown
from tests.ingest.conftest import Ingest
from tests.ingest.fakes import until

PENDING = "/api/ingest/pending-machines/"
LINES = "1001\t2026-01-05 08:01:22\t0\t15\t\t0\t0\t\n007\t2026-01-05 08:01:29\t0\t1\t\t0\t0\t\n"


def calls_from(ingest: Ingest, address: str = "10.0.0.7") -> httpx.AsyncClient:
    """A terminal at this address, as a client."""
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(ingest.service.app, client=(address, 40000)), base_url="http://ingest"
    )


@pytest.fixture
async def terminal(ingest: Ingest) -> AsyncIterator[httpx.AsyncClient]:
    async with calls_from(ingest) as client:
        yield client


async def register(hr: httpx.AsyncClient, **more: Any) -> dict[str, Any]:
    body = {"machine_id": "gate", "name": "Gate", "machine_type": "zkteco", "serial": "S1", "zone": "Asia/Dhaka"}
    answer = await hr.post(MACHINES, json={**body, **more})
    assert answer.status_code == 201, answer.text
    return answer.json()


async def post(terminal: httpx.AsyncClient, table: str, body: str | bytes = LINES, *, serial: str = "S1") -> str:
    answer = await terminal.post(f"/iclock/cdata?SN={serial}&table={table}&Stamp=9999", content=body)
    assert answer.status_code == 200, answer.text
    assert int(answer.headers["content-length"]) == len(answer.content)
    assert answer.headers["content-type"].startswith("text/plain")
    return answer.text


def scans(ingest: Ingest) -> list[ScanReceived]:
    return ingest.bus.events(ScanReceived)


class TestHandshake:
    async def test_a_new_machine_is_asked_for_its_whole_log(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        answer = await terminal.get("/iclock/cdata?SN=S1&options=all&pushver=2.4.1&DeviceType=att&language=69")
        assert answer.status_code == 200
        lines = answer.text.splitlines()
        assert lines[0] == "GET OPTION FROM: S1"
        assert {"ATTLOGStamp=0", "Stamp=0", "Realtime=1", "PushProtVer=2.2.14", "Encrypt=None"} <= set(lines)
        assert not any(line.startswith("TimeZone") for line in lines)

    @pytest.mark.parametrize(("sent", "told"), [("Stamp=9999", "9999"), ("Stamp=417", "417"), ("", "9999")])
    async def test_one_whose_scans_were_taken_is_told_its_own_stamp_of_them(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient, sent: str, told: str
    ) -> None:
        await register(hr)
        await terminal.post(f"/iclock/cdata?SN=S1&table=ATTLOG&{sent}", content=LINES)
        lines = (await terminal.get("/iclock/cdata?SN=S1&options=all")).text.splitlines()
        assert {f"ATTLOGStamp={told}", f"Stamp={told}", "OPERLOGStamp=9999"} <= set(lines)

    async def test_a_stamp_of_what_was_not_taken_is_not_told(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        async with without_tables(ingest, "spool"):
            ingest.bus.away = True
            await terminal.post("/iclock/cdata?SN=S1&table=ATTLOG&Stamp=417", content=LINES)
        assert "ATTLOGStamp=0" in (await terminal.get("/iclock/cdata?SN=S1&options=all")).text

    async def test_one_whose_log_was_cleared_begins_anew(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, zone="UTC")
        await post(terminal, "ATTLOG")
        await post(terminal, "OPERLOG", f"OPLOG 23\t1\t{datetime.now(UTC):%Y-%m-%d %H:%M:%S}\t0\t0\t0\t0\n")
        assert "ATTLOGStamp=0" in (await terminal.get("/iclock/cdata?SN=S1&options=all")).text

    async def test_its_clock_is_set_only_where_the_site_says_so(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, zone="Asia/Kolkata", config={"set_clock": True})
        assert "\nTimeZone=330\n" in (await terminal.get("/iclock/cdata?SN=S1&options=all")).text


class TestScans:
    async def test_ok_counts_duplicates_and_what_cannot_be_read(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        assert await post(terminal, "ATTLOG") == "OK:2"
        assert await post(terminal, "ATTLOG", LINES + "garbage\n" + LINES) == "OK:5"
        assert sorted({scan.badge for scan in scans(ingest)}) == ["007", "1001"]
        assert len({scan.scan_id for scan in scans(ingest)}) == 2
        [kept] = (await hr.get(f"{MACHINES}gate/unreadable/")).json()
        assert bytes.fromhex(kept["raw"]) == b"garbage"

    async def test_a_scan_has_all_that_the_line_says_and_where_it_came_from(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        await post(terminal, "ATTLOG", "007\t2026-01-05 08:01:29\t255\t15\t3\t0\t0\t\n")
        [scan] = scans(ingest)
        assert (scan.badge, scan.state, scan.verify, scan.work_code) == ("007", "255", "15", "3")
        assert (scan.device_time, scan.at) == ("2026-01-05 08:01:29", datetime(2026, 1, 5, 2, 1, 29, tzinfo=UTC))
        assert scan.raw == {"line": "007\t2026-01-05 08:01:29\t255\t15\t3\t0\t0\t", "from": "10.0.0.7"}

    @pytest.mark.parametrize(
        "path",
        [
            "/iclock/cdata?SN=S1&table=ATTLOG&Stamp=9999",
            "/iclock/cdata/?SN=S1&table=ATTLOG",
            "/iclock/cdata.aspx?sn=S1&Table=attlog",
            "/iclock/CDATA.ASPX/?Sn=S1&TABLE=AttLog",
            "/iclock/cdata?SN=S1",
        ],
    )
    async def test_however_a_firmware_spells_it(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient, path: str
    ) -> None:
        await register(hr)
        answer = await terminal.post(path, content=LINES)
        assert (answer.status_code, answer.text, len(scans(ingest))) == (200, "OK:2", 2)

    async def test_an_offset_that_the_zone_cannot_have_is_told_and_not_believed(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        async with ingest.running():
            await post(terminal, "ATTLOG", "7\t2026-01-05 08:00:00\t0\t1\t0\t0\t0\t0\t\t\t+28800\t-1\n")
            assert scans(ingest)[0].at == datetime(2026, 1, 5, 2, tzinfo=UTC)
            await eventually(hr, lambda found: "UTC+8 h, and Asia/Dhaka is not" in found["status_text"])

    async def test_with_neither_bus_nor_database_it_keeps_them_and_hands_them_over_later(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        assert await post(terminal, "ATTLOG") == "OK:2"
        later = LINES.replace("08:01", "08:02")
        async with without_tables(ingest, "spool"):
            ingest.bus.away = True
            refused = await terminal.post("/iclock/cdata?SN=S1&table=ATTLOG", content=later)
            assert (refused.status_code, refused.text.startswith("OK")) == (503, False)
            assert int(refused.headers["retry-after"]) >= 1
            assert await post(terminal, "ATTLOG") == "OK:2", "these are on the bus already"
        ingest.bus.away = False
        assert await post(terminal, "ATTLOG", later) == "OK:2"
        await ingest.parts.publisher.drain()
        assert len(scans(ingest)) == 4

    async def test_one_machine_is_one_whatever_way_its_scans_come(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        device = Device(users=["1001", "7"], serial="S1")
        for number in range(20):
            device.record_at(
                "1001" if number % 2 else "7", datetime(2026, 1, 5, 8) + timedelta(minutes=number), state=1
            )
        async with simulator(device) as line, ingest.running():
            made = await register(hr, ip_address="127.0.0.1", port=line.port, zone="UTC")
            await until(lambda: len(scans(ingest)) == 20)
            pushed = "".join(
                f"{'1001' if number % 2 else '7'}\t2026-01-05 08:{number:02}:00\t1\t1\t0\t0\t0\t\n"
                for number in range(20)
            )
            assert await post(terminal, "ATTLOG", pushed) == "OK:20"
            assert len({scan.scan_id for scan in scans(ingest)}) == 20
            found = await eventually(hr, lambda found: found["config"].get("push") and found["state"] == "live")
            assert (found["id"], found["is_connected"]) == (made["id"], True)
        stick = FileReader(FileForm(format="attlog"))
        [copied] = [*stick.feed(b"   1001\t2026-01-05 08:01:00\t1\t1\t1\t0\n"), *stick.finish()]
        assert isinstance(copied, Reading)
        copy = scan_id(made["id"], copied.badge, copied.local_time, copied.state)
        assert copy in {scan.scan_id for scan in scans(ingest)}


class TestOtherTables:
    TEMPLATE = "VGVtcGxhdGVTZWVkVGVtcGxhdGVTZWVk"
    BODIES = (
        ("OPERLOG", f"OPLOG 4\t0\t2026-01-05 00:04:08\t1\t0\t0\t0\nUSER PIN=7\tName=x\tPasswd={TEMPLATE}\n", "OK:2"),
        ("OPERLOG", f"FP PIN=7\tFID=0\tSize=32\tValid=1\tTMP={TEMPLATE}\nFACE PIN=7\tTMP={TEMPLATE}\n", "OK:2"),
        ("OPERLOG", "OK\n", "OK:1"),
        ("BIODATA", f"BIODATA Pin=7\tNo=0\tIndex=0\tTmp={TEMPLATE}\n", "OK:1"),
        ("ATTPHOTO", f"PIN=20260105080122-7.jpg\nSN=S1\nsize=9\nCMD=uploadphoto\0{TEMPLATE}", "OK"),
        ("USERINFO", f"PIN=7\tName=x\tPasswd={TEMPLATE}\nPIN=8\n", "OK:2"),
        ("IDCARD", f"PIN=7\tName={TEMPLATE}\n", "OK:1"),
        ("SOMETHING", f"a={TEMPLATE}\nb\n", "OK:2"),
        ("options", "~DeviceName=K40,MaxUserCount=30", "OK:1"),
        ("", f"FP PIN=7\tTMP={TEMPLATE}\n", "OK:1"),
    )

    async def test_everything_is_acknowledged_and_of_people_nothing_is_anywhere(
        self,
        ingest: Ingest,
        hr: httpx.AsyncClient,
        terminal: httpx.AsyncClient,
        caplog: pytest.LogCaptureFixture,
        capsys: pytest.CaptureFixture[str],
    ) -> None:
        caplog.set_level(logging.DEBUG)
        await register(hr)
        async with ingest.running():
            for table, body, answer in self.BODIES:
                assert await post(terminal, table, body) == answer, table
            photo = await terminal.post("/iclock/fdata?SN=S1", content=self.TEMPLATE)
            assert photo.text == "OK"
        printed = capsys.readouterr()
        assert self.TEMPLATE not in caplog.text + printed.out + printed.err
        assert all(self.TEMPLATE.encode() not in message.body for message in ingest.bus.published)
        assert scans(ingest) == []
        assert await mentions(ingest.url, self.TEMPLATE) == []

    async def test_a_log_that_was_cleared_at_the_machine_is_told(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, zone="UTC")
        async with ingest.running():
            now = f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S}"
            await post(terminal, "OPERLOG", f"OPLOG 23\t1\t{now}\t0\t0\t0\t0\nOPLOG 22\t1\t2020-01-01 00:00:00\t0\t0\n")
            found = await eventually(hr, lambda found: "cleared" in found["status_text"])
            assert found["status_text"] == f"its log was cleared at the machine ({now})"

    async def test_an_access_panel_keeps_its_events(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        for path in ("cdata?SN=S1&table=rtlog", "registry?SN=S1", "push?SN=S1"):
            answer = await terminal.post(f"/iclock/{path}", content="time=2026-01-05 08:00:00\tpin=7\tevent=0\tindex=1")
            assert (answer.status_code, answer.text.startswith("OK")) == (501, False)

    async def test_an_endpoint_that_nobody_knows_is_answered_ok(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        assert (await terminal.post("/iclock/exchange?SN=S1&type=publickey", content=b"x")).text == "OK"
        assert (await terminal.get("/iclock/ping?SN=S1")).text == "OK"
        assert (await terminal.get("/iclock/cdata?SN=S1&table=RemoteAtt&PIN=7")).text == "OK"
        assert (await terminal.post("/iclock/cdata?SN=S1&type=PostVerifyData", content=b"x")).text.startswith("OK")

    async def test_a_body_that_is_larger_than_any_is_refused(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        answer = await terminal.post("/iclock/cdata?SN=S1&table=ATTLOG", content=b"x" * (9 << 20))
        assert answer.status_code == 413

    async def test_only_get_and_post_are_calls(self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient) -> None:
        for method in ("HEAD", "PUT", "DELETE"):
            answer = await terminal.request(method, "/iclock/cdata?SN=NEW2&options=all")
            assert answer.status_code == 405, method
        assert (await hr.get(PENDING)).json() == []


class TestUnknownMachines:
    async def test_one_is_refused_until_somebody_accepts_it_and_then_hands_over_what_it_kept(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        for path in ("/iclock/cdata?SN=NEW1&options=all&pushver=2.4.1&DeviceType=att", "/iclock/getrequest?SN=NEW1"):
            assert (await terminal.get(path)).status_code == 403
        refused = await terminal.post("/iclock/cdata?SN=NEW1&table=ATTLOG", content=LINES)
        assert (refused.status_code, refused.text.startswith("OK"), scans(ingest)) == (403, False, [])

        [waiting] = (await hr.get(PENDING)).json()
        assert (waiting["machine_type"], waiting["serial"], waiting["source"]) == ("zkteco", "NEW1", "10.0.0.7")
        assert waiting["about"] == {"pushver": "2.4.1", "devicetype": "att"}

        accepted = await hr.post(f"{PENDING}zkteco/NEW1/accept/", json={"machine_id": "gate-9", "zone": "UTC"})
        assert accepted.status_code == 201, accepted.text
        machine = accepted.json()
        assert (machine["machine_id"], machine["serial"], machine["machine_type"]) == ("gate-9", "NEW1", "zkteco")
        assert (machine["config"], machine["reports_by_itself"]) == ({"push": True}, True)
        assert (await hr.get(PENDING)).json() == []

        async with ingest.running():
            await until_known(terminal, "NEW1")
            assert await post(terminal, "ATTLOG", serial="NEW1") == "OK:2"
        assert len(scans(ingest)) == 2

    async def test_one_can_be_a_machine_whose_files_were_imported_so_that_its_scans_are_the_same(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        file = b"007\t2026-01-05 08:01:29\t1\t0\t1\t0\n"
        imported = await hr.post(
            "/api/attendance/scans/import/", params={"machine": "gate", "timezone": "UTC"}, content=file
        )
        assert imported.status_code == 200, imported.text
        await terminal.get("/iclock/cdata?SN=NEW1&options=all")
        accepted = await hr.post(f"{PENDING}zkteco/NEW1/accept/", json={"same_as": "gate"})
        assert accepted.status_code == 200, accepted.text
        assert (accepted.json()["machine_type"], accepted.json()["serial"]) == ("zkteco", "NEW1")
        async with ingest.running():
            await until_known(terminal, "NEW1")
            await post(terminal, "ATTLOG", "007\t2026-01-05 08:01:29\t0\t1\t\t0\t0\n", serial="NEW1")
        assert len({scan.scan_id for scan in scans(ingest)}) == 1

    async def test_a_replaced_unit_becomes_an_alias(self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient) -> None:
        await register(hr)
        await terminal.get("/iclock/cdata?SN=NEW1&options=all")
        accepted = (await hr.post(f"{PENDING}zkteco/NEW1/accept/", json={"same_as": "gate"})).json()
        assert (accepted["serial"], accepted["aliases"]) == ("S1", ["NEW1"])

    async def test_one_that_is_refused_stays_so_and_one_that_is_forgotten_asks_again(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await terminal.get("/iclock/cdata?SN=NEW1&options=all")
        assert (await hr.post(f"{PENDING}zkteco/NEW1/refuse/")).status_code == 204
        assert [waiting["refused"] for waiting in (await hr.get(PENDING)).json()] == [True]
        assert (await hr.delete(f"{PENDING}zkteco/NEW1/")).status_code == 204
        assert (await hr.get(PENDING)).json() == []
        assert (await hr.delete(f"{PENDING}zkteco/NEW1/")).status_code == 404

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"machine_id": "gate"}, 409),
            ({"same_as": "nobody"}, 404),
            ({"same_as": "gate", "name": "x"}, 400),
            ({"same_as": "live"}, 409),
            ({"zone": "Mars"}, 400),
            ({"config": {"push_key": "a/b"}}, 422),
        ],
    )
    async def test_what_cannot_be_is_refused_and_it_waits_on(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient, body: dict[str, Any], status: int
    ) -> None:
        await register(hr)
        await register(hr, machine_id="live", machine_type="simulated", serial=None)
        await terminal.get("/iclock/cdata?SN=NEW1&options=all")
        answer = await hr.post(f"{PENDING}zkteco/NEW1/accept/", json=body)
        assert answer.status_code == status, answer.text
        assert len((await hr.get(PENDING)).json()) == 1

    async def test_only_hr_decides(self, ingest: Ingest) -> None:
        async with ingest.client("department_head", units=(1,)) as head:
            answers = [
                await head.get(PENDING),
                await head.post(f"{PENDING}zkteco/S1/accept/", json={}),
                await head.post(f"{PENDING}zkteco/S1/refuse/"),
                await head.delete(f"{PENDING}zkteco/S1/"),
            ]
        assert [answer.status_code for answer in answers] == [403] * 4


class TestSecret:
    @pytest.mark.parametrize(
        "first", ["/s3cret/iclock/cdata?SN=S1&options=all", "/iclock/cdata?SN=S1&pushcommkey=s3cret"]
    )
    async def test_is_shown_in_the_path_or_in_the_handshake(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient, first: str
    ) -> None:
        machine = await register(hr, config={"push_key": "s3cret"})
        assert machine["config"] == {"push_key": "********"}
        assert (await terminal.post("/iclock/cdata?SN=S1&table=ATTLOG", content=LINES)).status_code == 403
        assert (await terminal.get(first)).status_code == 200
        assert await post(terminal, "ATTLOG") == "OK:2"

    async def test_a_wrong_one_is_refused(self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient) -> None:
        await register(hr, config={"push_key": "s3cret"})
        assert (await terminal.get("/guess/iclock/cdata?SN=S1&options=all")).status_code == 403

    async def test_a_wrong_one_from_its_address_does_not_shut_it_out(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push_key": "s3cret"})
        assert (await terminal.get("/iclock/cdata?SN=S1&pushcommkey=s3cret")).status_code == 200
        wrong = await terminal.post("/guess/iclock/cdata?SN=S1&table=ATTLOG", content=LINES)
        assert wrong.status_code == 403
        assert await post(terminal, "ATTLOG") == "OK:2"


class TestCommands:
    async def test_one_is_handed_over_at_the_next_call_and_its_result_is_shown(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        span = {"first": "2026-01-01T00:00:00", "last": "2026-01-31T23:59:59"}
        asked = (await hr.post(f"{MACHINES}gate/commands/", json={"command": "count_log", **span})).json()
        await hr.post(f"{MACHINES}gate/commands/", json={"command": "info"})
        assert asked["state"] == "queued"
        told = (await terminal.get("/iclock/getrequest?SN=S1")).text
        assert told == (
            f"C:{asked['id']}:VERIFY SUM ATTLOG StartTime=2026-01-01 00:00:00\tEndTime=2026-01-31 23:59:59\n"
        )
        assert (await terminal.get("/iclock/getrequest?SN=S1")).text == "OK", "one at a time"
        result = f"ID={asked['id']}&Return=0&CMD=VERIFY SUM&AttlogSum=62\n"
        assert (await terminal.post("/iclock/devicecmd?SN=S1", content=result)).text == "OK"
        done = (await hr.get(f"{MACHINES}gate/commands/{asked['id']}/")).json()
        assert (done["state"], done["code"], done["result"], done["sends"]) == ("done", 0, "AttlogSum=62", 1)
        assert (await terminal.get("/iclock/getrequest?SN=S1")).text.endswith(":INFO\n")
        assert [command["command"] for command in (await hr.get(f"{MACHINES}gate/commands/")).json()] == [
            "info",
            "count_log",
        ]

    async def test_one_that_the_machine_cannot_do_says_why(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        asked = (await hr.post(f"{MACHINES}gate/commands/", json={"command": "check"})).json()
        await terminal.get("/iclock/getrequest?SN=S1")
        await terminal.post("/iclock/devicecmd?SN=S1", content=f"ID={asked['id']}&Return=-1002&CMD=CHECK")
        failed = (await hr.get(f"{MACHINES}gate/commands/{asked['id']}/")).json()
        assert (failed["state"], failed["result"]) == ("failed", "it does not know this command")

    async def test_a_result_of_what_nobody_asked_changes_nothing(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        assert (await terminal.post("/iclock/devicecmd?SN=S1", content=b"ID=99&Return=0&CMD=CHECK")).text == "OK"
        assert (await terminal.post("/iclock/devicecmd?SN=S1", content=b"\xff\n\n=&ID=")).text == "OK"
        assert (await hr.get(f"{MACHINES}gate/commands/")).json() == []

    @pytest.mark.parametrize(
        ("body", "status"),
        [
            ({"command": "CLEAR LOG"}, 422),
            ({"command": "reboot"}, 422),
            ({"command": "read_log"}, 422),
            ({"command": "count_log", "first": "2026-01-01T00:00:00Z", "last": "2026-01-02T00:00:00Z"}, 400),
            ({"command": "check", "text": "CLEAR LOG"}, 400),
            ({}, 400),
        ],
    )
    async def test_whatever_is_not_allowed_is_not_queued(
        self, hr: httpx.AsyncClient, terminal: httpx.AsyncClient, body: dict[str, str], status: int
    ) -> None:
        await register(hr, config={"push": True})
        answer = await hr.post(f"{MACHINES}gate/commands/", json=body)
        assert answer.status_code == status, answer.text
        assert (await terminal.get("/iclock/getrequest?SN=S1")).text == "OK"

    async def test_a_machine_that_does_not_call_can_be_asked_for_nothing(self, hr: httpx.AsyncClient) -> None:
        await register(hr, ip_address="10.0.0.7")
        answer = await hr.post(f"{MACHINES}gate/commands/", json={"command": "check"})
        assert (answer.status_code, answer.json()["error"]) == (
            422,
            "gate does not call us, so that it can be asked for nothing",
        )


class TestHealth:
    async def test_how_many_records_it_holds_is_shown_and_fewer_are_an_alarm(
        self, ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr)
        async with ingest.running():
            await terminal.get("/iclock/getrequest?SN=S1&INFO=Ver 8.0.4,3,0,1234,10.0.0.7,10")
            await terminal.get("/iclock/getrequest?SN=S1&INFO=Ver 8.0.4,3,0,12,10.0.0.7,10")
            found = await eventually(hr, lambda found: "cleared" in found["status_text"])
            assert found["records_on_machine"] == 12
            assert found["status_text"] == "it holds 12 records and held 1,234: its log was cleared"

    async def test_two_terminals_with_one_serial_number_are_an_alarm(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr)
        async with ingest.running(), calls_from(ingest, "10.0.0.7") as one, calls_from(ingest, "10.0.0.9") as other:
            for client in (one, other, one):
                assert await post(client, "ATTLOG") == "OK:2"
            await eventually(hr, lambda found: "10.0.0.7 and 10.0.0.9 in turn" in found["status_text"])

    async def test_a_test_says_when_it_called(
        self, hr: httpx.AsyncClient, ingest: Ingest, terminal: httpx.AsyncClient
    ) -> None:
        await register(hr, config={"push": True})
        [step] = (await hr.post(f"{MACHINES}gate/test/")).json()["steps"]
        assert (step["ok"], "has not called yet" in step["result"]) == (False, True)
        async with ingest.running():
            await terminal.get("/iclock/getrequest?SN=S1")
            await eventually(hr, lambda found: found["last_contact_at"])
        [step] = (await hr.post(f"{MACHINES}gate/test/")).json()["steps"]
        assert step["ok"]
        assert re.fullmatch(r"it called \d+ s ago", step["result"])

    async def test_a_machine_with_an_address_that_never_called_is_not_missed(
        self, ingest: Ingest, hr: httpx.AsyncClient
    ) -> None:
        await register(hr, ip_address=None)
        assert (await shown(hr))["state"] == "imported_only"


async def test_a_machine_that_asks_which_server_is_its_own_is_told_the_one_it_asked(
    terminal: httpx.AsyncClient,
) -> None:
    answer = await terminal.get("/UserServer/user?sn=S1&action=getserver", headers={"Host": "10.0.0.1:8001"})
    assert answer.json() == {"success": True, "server": "10.0.0.1", "port": 8001}


async def until_known(terminal: httpx.AsyncClient, serial: str) -> None:
    """It was accepted a moment ago; a machine calls every half minute, and we do not wait for that."""
    async with asyncio.timeout(30):
        while (await terminal.get(f"/iclock/ping?SN={serial}")).status_code != 200:  # noqa: ASYNC110 - it is asked for
            await asyncio.sleep(0.05)


@asynccontextmanager
async def without_tables(ingest: Ingest, *names: str) -> AsyncIterator[None]:
    """Storage refuses these meanwhile, as it does when it is away."""
    connection = await asyncpg.connect(ingest.url)
    try:
        transaction = connection.transaction()
        await transaction.start()
        for name in names:
            await connection.execute(f"LOCK TABLE ingest.{name} IN ACCESS EXCLUSIVE MODE")
        yield
        await transaction.rollback()
    finally:
        await connection.close()


async def mentions(url: str, text: str) -> list[str]:
    """Tables of the schema in any row of which the text stands, as text or as bytes."""
    connection = await asyncpg.connect(url)
    try:
        tables = await connection.fetch(
            "SELECT table_name FROM information_schema.tables WHERE table_schema = 'ingest'"
        )
        found = []
        for (table,) in tables:
            rows = await connection.fetch(f'SELECT * FROM ingest."{table}"')
            if any(text in repr(dict(row)) for row in rows):
                found.append(table)
        return found
    finally:
        await connection.close()
