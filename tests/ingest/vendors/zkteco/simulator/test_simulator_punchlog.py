"""A log that a real terminal printed, held by one that is not there."""

from pathlib import Path

import pytest

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading
from services.ingest.vendors.files.reader import FileReader
from services.ingest.vendors.zkteco.clock import NoSuchTime, unpacked
from services.ingest.vendors.zkteco.simulator import Device, simulator
from services.ingest.vendors.zkteco.simulator.punchlog import hold, punch_log
from services.ingest.vendors.zkteco.simulator.server import LARGE_SUB_PACKET
from tests.ingest.vendors.zkteco.simulator.pyzk_client import log_of, with_pyzk

LINES = b"""\
        1\t2026-10-05 08:01:22\t1\t0\t1\t0
      A17\t2026-10-05 08:01:23\t1\t255\t15\t7
       02\t1971--10--29 -23:-23:-27\t1\t4\t1\t0
        1\t2026-10-05 08:01:24\t1\t1
"""


def test_a_line_is_a_punch() -> None:
    log = punch_log(LINES)
    assert [(punch.user_id, punch.state, punch.verify, punch.work_code) for punch in log.punches] == [
        ("1", 0, 1, 0),
        ("A17", 255, 15, 7),
        ("02", 4, 1, 0),
        ("1", 1, 1, 0),
    ]
    assert log.punches[0].time == 0x3344B552
    assert log.passed_over == 0


def test_a_time_that_was_printed_as_none_is_the_negative_number_that_it_was() -> None:
    bits = punch_log(LINES).punches[2].time
    negative = bits - (1 << 32)
    assert negative == ((-29 * 12 - 11) * 31 - 30) * 86_400 - 23 * 3_600 - 23 * 60 - 27
    with pytest.raises(NoSuchTime):
        unpacked(bits)


@pytest.mark.parametrize(
    "garbage",
    [b"\0" * 5_000, b"\xff\xfe\x00garbage", b"1\t2026-10-05\t1\t0\n", b"1\t2026-10-05 08:00:00\t1\tin\n", b"\t\t\t\n"],
)
def test_padding_and_garbage_are_no_punches(garbage: bytes) -> None:
    assert punch_log(LINES + garbage).punches == punch_log(LINES).punches


def test_garbage_is_counted() -> None:
    assert punch_log(b"hello\n" + LINES + b"\0" * 100).passed_over == 1


def test_who_punched_is_a_user_of_the_terminal() -> None:
    device = Device()
    assert hold(device, punch_log(LINES)) == 0
    assert [(user.uid, user.user_id) for user in device.users] == [(1, "1"), (2, "A17"), (3, "02")]
    assert [entry.uid for entry in device.entries] == [1, 2, 3, 1]


def test_what_a_terminal_has_no_way_to_write_is_counted() -> None:
    device = Device(layout="16")
    assert hold(device, punch_log(LINES)) == 1
    assert len(device.entries) == 3


@pytest.mark.real_data
@pytest.mark.parametrize(
    ("name", "impossible"),
    [
        ("zk_office_cn_2018_2021_attlog.dat", 145),
        ("zk_id_office_2017_2018_1_attlog.dat", 0),
        ("zk_in_rotating_2015_1_attlog.dat", 0),
        ("zk_office_cn_trailing_nul_2_attlog.dat", 0),
    ],
)
async def test_pyzk_reads_a_real_log_completely_apart_from_impossible_dates(
    real_data: Path, name: str, impossible: int
) -> None:
    contents = (real_data / "punches" / name).read_bytes()
    log = punch_log(contents)
    expected = [
        (reading.badge, reading.device_time, int(reading.verify or 1), int(reading.state))
        for reading in FileReader(FileForm(format="attlog")).feed(contents)
        if isinstance(reading, Reading)
    ]
    device = Device()
    assert (log.passed_over, hold(device, log)) == (0, 0)
    async with simulator(device, sub_packet=LARGE_SUB_PACKET) as running:
        read = await with_pyzk(running, log_of)
    told_apart = [row for row in read if row[1] < "2100"]  # pyzk takes negative numbers for the twenty-second century
    assert told_apart == expected
    assert len(read) - len(told_apart) == sum(not possible(entry.time) for entry in device.entries) == impossible


def possible(bits: int) -> bool:
    try:
        unpacked(bits)
    except NoSuchTime:
        return False
    return True
