"""What was done at a terminal: a clock that was set or lost, a log that was cleared."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.zkteco.clock import packed
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.operations import operations_of, worth_telling
from services.ingest.vendors.zkteco.simulator import Device, Faults, Running, simulator
from services.ingest.vendors.zkteco.simulator.device import NO_DAY
from services.ingest.vendors.zkteco.wire import Code
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.contact import device, following, ids_of, machine

AT = datetime(2026, 10, 5, 8, 1, 22)
SET = "00 00 15 00 52 b5 44 33 00 00 00 00 00 00 00 00"
"""Operation 21 at that time."""


def record(operation: int, at: datetime) -> bytes:
    return bytes([0, 0, operation, 0]) + packed(at).to_bytes(4, "little") + bytes(8)


def test_a_record_is_an_operation_and_a_time() -> None:
    assert operations_of(bytes.fromhex(SET)) == [(21, AT)]


def test_of_operations_those_are_told_that_bear_on_scans() -> None:
    done = worth_telling(operations_of(b"".join(record(number, AT) for number in range(256))) or ())
    assert [(one.about, one.at) for one in done] == [
        ("log cleared", AT),
        ("clock set", AT),
        ("log cleared", AT),
        ("log cleared", AT),
        ("log cleared", AT),
    ]


def test_switching_on_is_told_where_the_clock_went_back() -> None:
    reset = datetime(2000, 1, 1)
    log = record(0, AT) + record(0, AT + timedelta(days=1)) + record(0, reset) + record(21, reset)
    done = worth_telling(operations_of(log) or ())
    assert [(one.about, one.at) for one in done] == [("clock lost", reset), ("clock set", reset)]
    assert "behind what it had written last, at 2026-10-06 08:01:22" in done[0].sentence
    assert [one.about for one in worth_telling(operations_of(log) or (), first=3)] == ["clock set"]


def test_what_is_no_such_log_is_none() -> None:
    assert operations_of(bytes(15)) is None
    assert operations_of(b"\1" * 16) is None
    assert operations_of(bytes(4) + NO_DAY.to_bytes(4, "little") + bytes(8)) == [(0, None)]


@given(st.binary(max_size=400))
def test_any_bytes_are_read_or_not(data: bytes) -> None:
    operations = operations_of(data)
    assert operations is None or len(operations) == len(data) // 16
    worth_telling(operations or ())


def readings_of_operations(running: Running) -> int:
    return sum(
        packet.code == Code.OPLOG_RRQ or (packet.code == Code.READ_SET and packet.data[1] == Code.OPLOG_RRQ)
        for packet in running.received
    )


@pytest.mark.parametrize("old_firmware", [False, True], ids=["prepared", "sent unasked"])
@pytest.mark.parametrize("transport", ["tcp", "udp"])
async def test_a_clock_that_was_set_of_late_is_told(transport: str, old_firmware: bool) -> None:
    terminal = device()
    terminal.operate(13, at=packed(datetime(2020, 1, 1)))
    for _ in range(100):
        terminal.operate(2)
    terminal.set_clock(terminal.wall() + timedelta(seconds=30))
    async with simulator(terminal, faults=Faults(old_firmware=old_firmware), udp=True, pace=0) as running:
        async with following(machine(running.port, config={"transport": transport, "answer_within": 5})) as what:
            await until(lambda: what.caught_up, within=60)
            assert what.contact.warnings["clock set"].startswith("its clock was set at the machine (")
            assert set(what.contact.warnings) == {"clock set"}
            assert what.ids == ids_of(terminal)


async def test_what_is_done_later_is_told_whatever_the_time_of_it_and_nothing_twice() -> None:
    terminal = device()
    terminal.operate(4)
    driver = Zkteco(SystemClock())
    async with simulator(terminal, pace=0) as running:
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.contact.warnings == {}
            assert readings_of_operations(running) == 1
            terminal.operate(21, at=packed(datetime(2001, 1, 1)))
            await until(lambda: "clock set" in what.contact.warnings, within=40)
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.completed >= 3)
            assert what.contact.warnings == {}
            assert readings_of_operations(running) == 2


async def test_a_machine_that_does_not_tell_them_is_read_all_the_same_and_not_asked_for_ever() -> None:
    terminal = device()
    terminal.operate(4)
    driver = Zkteco(SystemClock())
    async with simulator(terminal, faults=Faults(no_operations=True), pace=0) as running:
        for _ in range(3):
            async with following(machine(running.port), driver) as what:
                await until(lambda what=what: what.caught_up)
                assert what.ids == ids_of(terminal)
                assert what.trouble is None
        assert readings_of_operations(running) == 2  # prepared, and unasked


async def test_a_terminal_remembers_what_was_done_at_it() -> None:
    terminal = Device()
    terminal.set_clock(AT)
    terminal.clear_log()
    done = operations_of(terminal.operation_set()[4:])
    assert done is not None
    assert [operation for operation, _ in done] == [21, 23]
    assert terminal.sizes()[40:44] == (2).to_bytes(4, "little")
