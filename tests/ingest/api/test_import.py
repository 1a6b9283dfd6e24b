import io
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta

import httpx
import openpyxl
import pytest

from services.ingest.domain.reading import Mode
from shared.contracts.machines import MachineChanged
from shared.contracts.scans import ScanReceived
from tests.ingest.conftest import Ingest

IMPORT = "/api/attendance/scans/import/"
GOOD = [f"{badge:>9}\t2024-01-15 08:{badge:02}:00\t1\t0\t1\t0" for badge in range(10)]
LOG = "\r\n".join([
    *GOOD[:5],
    "      306\t1971--10--29 -23:-23:-27\t1\t0\t0\t0",
    *GOOD[5:],
    "        8\t2000-01-01 00:27:05\t1\t0\t0\t0",
    GOOD[0],
    "",
]).encode()  # fmt: skip


async def imported(
    client: httpx.AsyncClient, content: bytes | AsyncIterator[bytes] = LOG, **parameters: object
) -> dict:  # type: ignore[type-arg]
    answer = await client.post(
        IMPORT, params={"machine": "gate", "timezone": "Asia/Shanghai", **parameters}, content=content, timeout=60
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_file_is_published_and_summed_up(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    summary = await imported(hr)
    assert (
        summary.items()
        >= {
            "machine": "gate",
            "machine_created": True,
            "timezone": "Asia/Shanghai",
            "format": "attlog",
            "read": 13,
            "new": 11,
            "already_known": 1,
            "quarantined": 1,
            "unreadable": 1,
            "unreadable_new": 1,
            "days": 1,
            "first": "2024-01-15",
            "last": "2024-01-15",
        }.items()
    )
    assert summary["quarantined_lines"] == [{"line": 12, "reason": "implausible_past", "text": "2000-01-01 00:27:05"}]
    (line,) = summary["unreadable_lines"]
    assert (line["line"], line["reason"]) == (6, "no date and time: '1971--10--29 -23:-23:-27'")
    events = ingest.bus.events(ScanReceived)
    assert len(events) == len({event.scan_id for event in events}) == 11
    assert {event.mode for event in events} == {Mode.REPLAY.value}
    assert {event.zone for event in events} == {"Asia/Shanghai"}
    assert [event.badge for event in events][:3] == ["0", "1", "2"]


async def test_the_machine_knows_when_its_last_scan_was(hr: httpx.AsyncClient) -> None:
    async def last_scan_at() -> str | None:
        found: str | None = (await hr.get("/api/attendance/machines/gate/")).json()["last_scan_at"]
        return found

    await imported(hr, LOG[:200])
    before = await last_scan_at()
    await imported(hr, dry_run="true")
    assert await last_scan_at() == before
    await imported(hr)
    assert await last_scan_at() == "2024-01-15T00:09:00Z"  # 08:09 there; the clock that began again does not count
    await imported(hr, GOOD[3].encode())
    assert await last_scan_at() == "2024-01-15T00:09:00Z"


@pytest.mark.parametrize("dry_run", ["true", "false"])
async def test_the_log_of_a_machine_called_by_anothers_id_is_not_taken_for_that_ones(
    hr: httpx.AsyncClient, ingest: Ingest, dry_run: str
) -> None:
    other = (await imported(hr))["machine_id"]
    published = len(ingest.bus.published)
    parameters = {"machine": other, "timezone": "Asia/Shanghai", "dry_run": dry_run}
    refused = await hr.post(IMPORT, params=parameters, content=LOG)
    assert refused.status_code == 409
    assert f"'{other}' is the id of the machine 'gate'" in refused.json()["error"]
    assert len(ingest.bus.published) == published


async def test_a_second_import_adds_nothing(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    await imported(hr)
    published = len(ingest.bus.published)
    again = await imported(hr)
    assert (again["new"], again["already_known"], again["quarantined"]) == (0, 12, 0)
    assert (again["unreadable"], again["unreadable_new"], again["machine_created"]) == (1, 0, False)
    assert len(ingest.bus.published) == published


async def test_a_dry_run_counts_and_changes_nothing(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    summary = await imported(hr, dry_run="true")
    assert (summary["new"], summary["already_known"], summary["unreadable"]) == (11, 1, 1)
    assert not ingest.bus.published
    assert not await ingest.parts.registry.all()
    assert (await imported(hr))["new"] == 11


async def test_a_new_machine_is_registered_without_an_address_and_told_of(
    hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    await imported(hr)
    machine = (await hr.get("/api/attendance/machines/gate/")).json()
    assert (machine["machine_type"], machine["zone"], machine["ip_address"]) == ("generic", "Asia/Shanghai", None)
    await ingest.parts.relay.drain()
    registered, scanned = ingest.bus.events(MachineChanged)
    assert (registered.machine, registered.reports_by_itself, registered.last_scan_at) == ("gate", False, None)
    assert scanned.last_scan_at == datetime(2024, 1, 15, 0, 9, tzinfo=UTC)


async def test_a_file_of_many_batches_arrives_whole_in_any_pieces(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    lines = [f"{number}\t2024-02-01 08:00:00\t1\t0\n" for number in range(1, 3001)]
    content = "".join(lines).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(content), 777):
            yield content[start : start + 777]

    assert (await imported(hr, pieces()))["new"] == 3000
    assert {event.badge for event in ingest.bus.events(ScanReceived)} == {str(number) for number in range(1, 3001)}
    assert all(len(message.body) < 500 * 700 for message in ingest.bus.published)
    assert (await imported(hr, content))["already_known"] == 3000


async def test_equal_unreadable_lines_are_kept_each(hr: httpx.AsyncClient) -> None:
    content = LOG + b"x\nx\nx\n"
    assert (await imported(hr, content))["unreadable_new"] == 4
    assert (await imported(hr, content))["unreadable_new"] == 0


async def test_with_the_bus_away_a_file_is_taken_all_the_same(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    ingest.bus.away = True
    assert (await imported(hr))["new"] == 11
    ingest.bus.away = False
    await ingest.parts.publisher.drain()
    assert len(ingest.bus.events(ScanReceived)) == 11
    assert (await imported(hr))["new"] == 0


class TestRefusals:
    async def refused(self, hr: httpx.AsyncClient, content: bytes = LOG, **parameters: str) -> tuple[int, str]:
        answer = await hr.post(IMPORT, params=parameters, content=content)
        assert answer.headers["content-type"] == "application/problem+json"
        return answer.status_code, answer.json()["error"]

    async def test_a_new_machine_needs_a_zone(self, hr: httpx.AsyncClient) -> None:
        status, error = await self.refused(hr, machine="gate")
        assert (status, error) == (
            400,
            "there is no machine 'gate'; to register it, say the time zone of its clock",
        )

    async def test_an_unknown_zone(self, hr: httpx.AsyncClient) -> None:
        status, error = await self.refused(hr, machine="gate", timezone="Mars/Olympus")
        assert (status, error) == (400, "timezone: 'Mars/Olympus' is not an IANA time zone, such as Asia/Dhaka")

    async def test_another_zone_than_the_machines(self, hr: httpx.AsyncClient) -> None:
        await imported(hr)
        status, error = await self.refused(hr, machine="gate", timezone="Asia/Tokyo")
        assert status == 409
        assert "the clock of gate is in Asia/Shanghai, not in Asia/Tokyo" in error

    @pytest.mark.parametrize(
        ("content", "error"),
        [
            (b"", "the file is empty"),
            (b"\x89PNG\r\n\x1a\n" + b"\0" * 100, "this is a PNG picture, not a log of a machine"),
            (
                b"hello\n",
                "no line of it can be read as attlog or glog, or names the columns of a table; line 1 is 'hello'",
            ),
        ],
    )
    async def test_a_file_of_another_kind_registers_nothing(
        self, hr: httpx.AsyncClient, ingest: Ingest, content: bytes, error: str
    ) -> None:
        assert await self.refused(hr, content, machine="gate", timezone="UTC") == (400, error)
        assert not await ingest.parts.registry.all()

    async def test_a_file_of_nothing_but_unreadable_lines(self, hr: httpx.AsyncClient) -> None:
        status, error = await self.refused(hr, b"1\t2\t3\t4\n", machine="gate", timezone="UTC", format="attlog")
        assert (status, error) == (400, "no line of the file can be read; line 1: no date and time: '2'")

    async def test_a_file_of_mostly_unreadable_lines_unless_forced(self, hr: httpx.AsyncClient) -> None:
        content = LOG + b"x\n" * 2000
        status, error = await self.refused(hr, content, machine="gate", timezone="UTC")
        assert status == 422
        assert "1000 of the first" in error
        assert (await imported(hr, content, timezone="UTC", force="true"))["unreadable"] == 2001

    @pytest.mark.parametrize(
        ("parameters", "named"),
        [
            ({}, "machine"),
            ({"machine": "a/b"}, "machine"),
            ({"machine": "gate", "colour": "red"}, "colour"),
            ({"machine": "gate", "timezone": "UTC", "format": "xls"}, "xls"),
            ({"machine": "gate", "dry_run": "perhaps"}, "dry_run"),
        ],
    )
    async def test_a_wrong_parameter_is_named(
        self, hr: httpx.AsyncClient, parameters: dict[str, str], named: str
    ) -> None:
        status, error = await self.refused(hr, **parameters)
        assert status == 400
        assert named in error

    async def test_a_form(self, hr: httpx.AsyncClient) -> None:
        answer = await hr.post(IMPORT, params={"machine": "gate"}, files={"file": LOG})
        assert (answer.status_code, answer.json()["error"]) == (
            400,
            "send the file itself as the body, not a form that holds it",
        )


async def test_a_line_of_a_hundred_megabytes_is_one_unreadable_line(hr: httpx.AsyncClient) -> None:
    async def content() -> AsyncIterator[bytes]:
        for _ in range(1600):
            yield b"x" * 65_536
        yield b"\n" + LOG

    summary = await imported(hr, content())
    assert (summary["new"], summary["unreadable"]) == (11, 2)
    assert summary["unreadable_lines"][0]["reason"] == "the line is longer than 64 KiB; its beginning is kept"


class TestTables:
    CSV = b"AC-No.,Name,Date/Time,State\n007,Ann,05/10/2026 08:01,0\n8,Bob,25/10/2026 17:00,1\n9,Cem,soon,0\n"

    async def test_a_dry_run_shows_what_was_recognised_and_stores_nothing(
        self, hr: httpx.AsyncClient, ingest: Ingest
    ) -> None:
        summary = await imported(hr, self.CSV, dry_run="true")
        assert summary["recognised"] == {
            "columns": {"badge": "AC-No.", "time": "Date/Time", "state": "State"},
            "ignored": ["Name"],
            "header_line": 1,
            "date_format": "day_first",
            "delimiter": "comma",
            "encoding": "utf-8",
        }
        first, second = summary["sample"]
        assert first == {
            "line": 2, "badge": "007", "local_time": "2026-10-05 08:01:00", "type": "IN", "state": "0",
            "quality": "ok",
        }  # fmt: skip
        assert (second["badge"], second["type"]) == ("8", "OUT")
        assert (summary["format"], summary["new"], summary["unreadable"]) == ("csv", 2, 1)
        assert summary["unreadable_lines"] == [
            {"line": 4, "reason": "no date and time: 'soon'", "text": "9,Cem,soon,0"}
        ]
        assert not ingest.bus.published
        assert not await ingest.parts.registry.all()

    async def test_an_import_publishes_its_scans_and_keeps_what_cannot_be_read(
        self, hr: httpx.AsyncClient, ingest: Ingest
    ) -> None:
        summary = await imported(hr, self.CSV, columns="badge=ac no,time=Date/Time", states="0=C/In")
        assert (summary["new"], summary["unreadable_new"], summary["sample"]) == (2, 1, None)
        events = ingest.bus.events(ScanReceived)
        assert [(event.badge, event.state, event.type) for event in events] == [
            ("007", "C/In", "IN"),
            ("8", "1", "OUT"),
        ]
        (kept,) = (await hr.get("/api/attendance/machines/gate/unreadable/")).json()
        assert kept["reason"] == "no date and time: 'soon'"

    async def test_many_batches_of_a_workbook_arrive_whole(self, hr: httpx.AsyncClient, ingest: Ingest) -> None:
        book = openpyxl.Workbook()
        book.active.append(["Badge", "Date/Time"])
        for number in range(1200):
            book.active.append([number, datetime(2026, 1, 5, 8) + timedelta(minutes=number)])
        file = io.BytesIO()
        book.save(file)
        summary = await imported(hr, file.getvalue())
        assert (summary["format"], summary["new"], summary["unreadable"]) == ("xlsx", 1200, 0)
        assert {event.badge for event in ingest.bus.events(ScanReceived)} == {str(number) for number in range(1200)}

    @pytest.mark.parametrize(
        ("parameters", "field"),
        [({"columns": "colour=3"}, "columns"), ({}, "date_format"), ({"encoding": "klingon"}, "encoding")],
    )
    async def test_what_is_unclear_is_asked_and_registers_nothing(
        self, hr: httpx.AsyncClient, ingest: Ingest, parameters: dict[str, str], field: str
    ) -> None:
        content = b"badge,time\n7,01/02/2026 08:00\n"
        answer = await hr.post(IMPORT, params={"machine": "g", "timezone": "UTC", **parameters}, content=content)
        assert (answer.status_code, [error["pointer"] for error in answer.json()["errors"]]) == (400, [field])
        assert not await ingest.parts.registry.all()


async def test_a_glog_file_is_imported_with_its_dates_as_said(hr: httpx.AsyncClient, ingest: Ingest) -> None:
    header = b"No\tTMNo\tEnNo\tName\tGMNo\tMode\tIN/OUT\tAntipass\tDateTime\r\n"
    content = header + b"1\t1\t7\t\t1\t1\tS\t0\t01-02-2015  12:15:44AM\r\n"
    summary = await imported(hr, content, day_first="false")
    assert (summary["format"], summary["first"]) == ("glog", "2015-01-02")
    (event,) = ingest.bus.events(ScanReceived)
    assert (event.type, event.state, event.device_time) == ("OUT", "S", "01-02-2015  12:15:44AM")
