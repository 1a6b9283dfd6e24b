import random
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.zkteco.adms.operlog import operlog
from tests.ingest.vendors.flood import broken_frames

TEMPLATE = b"TWlTU1UxMTExMQ"
BODY = (
    b"OPLOG 4\t0\t2026-01-05 00:04:08\t1001\t0\t0\t0\n"
    b"USER PIN=7\tName=\xd5\xc5\xc8\xfd\tPri=0\tPasswd=4321\tCard=\tGrp=1\tTZ=0\n"
    b"FP PIN=7\tFID=0\tSize=14\tValid=1\tTMP=" + TEMPLATE + b"\n"
    b"OPLOG 23\t1\t2026-01-05 09:00:00\t0\t0\t0\t0\n"
    b"OPLOG 21\t1\t2026-01-05 09:01:00\t0\t0\t0\t0\r\n"
    b"OPLOG 3\t0\t2026-01-05 09:02:00\t55\t0\t0\t0\n"
)


def test_every_line_counts_and_what_bears_on_scans_is_told() -> None:
    found = operlog(BODY)
    assert found.count == 6
    assert [(done.about, done.at.minute) for done in found.done] == [("log cleared", 0), ("clock set", 1), ("alarm", 2)]


def test_nothing_of_people_comes_out_of_it() -> None:
    said = repr(operlog(BODY)).encode()
    for secret in (TEMPLATE, b"4321", b"PIN", b"Name"):
        assert secret not in said


def test_a_body_that_is_nothing_but_ok_is_one_line() -> None:
    assert operlog(b"OK\n").count == 1


@given(st.one_of(st.binary(max_size=300), st.binary(max_size=80).map(b"OPLOG ".__add__)))
def test_any_bytes_are_counted(body: bytes) -> None:
    assert operlog(body).count <= len(body)


@pytest.mark.slow
@broken_frames
def test_mutilated_lines_are_counted_and_tell_nothing_of_people(frames: int) -> None:
    chance, lines, began = random.Random(8), BODY.count(b"\n"), time.process_time()
    told = 0
    for _ in range(frames // lines + 1):
        body = bytearray(BODY)
        for _ in range(chance.randrange(6)):
            place = chance.randrange(len(body))
            body[place : place + chance.randrange(3)] = bytes(chance.choices(b"\t\n\r\0 OPLG239-:=\xff", k=2))
        found = operlog(bytes(body))
        assert found.count <= len(body.splitlines())
        told += len(found.done)
        assert TEMPLATE.decode() not in repr(found)
    assert told > frames * 3 // 20
    assert time.process_time() - began < 30
