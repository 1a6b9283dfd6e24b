"""Logs of real terminals, through the service as it is deployed."""

from pathlib import Path

import httpx
import pytest

from services.ingest.domain.reading import Reading, Unreadable
from services.ingest.vendors.files.reader import FileReader
from shared.contracts.scans import ScanReceived
from tests.ingest.conftest import Ingest

pytestmark = pytest.mark.real_data

OFFICE = "punches/zk_office_cn_2018_2021_attlog.dat"


def records(path: Path) -> tuple[list[Reading], list[Unreadable]]:
    reader = FileReader()
    rows = [*reader.feed(path.read_bytes()), *reader.finish()]
    return [row for row in rows if isinstance(row, Reading)], [row for row in rows if isinstance(row, Unreadable)]


@pytest.mark.parametrize(
    ("name", "good", "bad"),
    [
        (OFFICE, 44_334, 145),
        ("punches/zk_id_office_2017_2018_1_attlog.dat", 4_506, 0),
        ("punches/zk_in_rotating_2015_1_attlog.dat", 5_567, 0),
        ("punches/zk_office_cn_trailing_nul_2_attlog.dat", 183, 0),
        ("punches/glog_tiny_ampm_2015_AGL_001.TXT", 7, 0),
    ],
)
def test_every_line_of_a_log_is_a_record_or_reported(real_data: Path, name: str, good: int, bad: int) -> None:
    read, unreadable = records(real_data / name)
    assert (len(read), len(unreadable)) == (good, bad)


def test_the_lines_that_cannot_be_read_are_the_malformed_dates(real_data: Path) -> None:
    _, unreadable = records(real_data / OFFICE)
    malformed = [
        number for number, line in enumerate((real_data / OFFICE).read_bytes().splitlines(), 1) if b"--" in line
    ]
    assert [record.position for record in unreadable] == malformed
    assert malformed[0] == 2386


async def test_an_office_of_three_years_is_imported_whole_and_once(
    real_data: Path, hr: httpx.AsyncClient, ingest: Ingest
) -> None:
    async def imported() -> dict:  # type: ignore[type-arg]
        answer = await hr.post(
            "/api/attendance/scans/import/",
            params={"machine": "office", "timezone": "Asia/Shanghai"},
            content=(real_data / OFFICE).read_bytes(),
            timeout=120,
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    first = await imported()
    assert first["read"] == 44_479
    assert (first["new"], first["already_known"], first["unreadable"]) == (44_334, 0, 145)
    assert [line["line"] for line in first["quarantined_lines"]] == list(range(9474, 9482))
    assert first["unreadable_new"] == len(first["unreadable_lines"]) == 145
    ids = {event.scan_id for event in ingest.bus.events(ScanReceived)}
    assert len(ids) == 44_334
    second = await imported()
    assert (second["new"], second["already_known"], second["unreadable_new"]) == (0, 44_334, 0)
