import random
import re
import time
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.zkteco.adms import commands
from services.ingest.vendors.zkteco.adms.commands import command_text, records_told, results, sent
from shared.kernel.errors import Invalid
from tests.ingest.vendors.flood import broken_frames

FIRST, LAST = datetime(2026, 1, 1), datetime(2026, 1, 31, 23, 59, 59)


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("read_log", "DATA QUERY ATTLOG StartTime=2026-01-01 00:00:00\tEndTime=2026-01-31 23:59:59"),
        ("count_log", "VERIFY SUM ATTLOG StartTime=2026-01-01 00:00:00\tEndTime=2026-01-31 23:59:59"),
    ],
)
def test_commands_about_the_log_say_of_which_time(name: str, text: str) -> None:
    assert command_text(name, FIRST, LAST) == text
    for span in ((None, None), (FIRST, None), (LAST, FIRST)):
        with pytest.raises(Invalid):
            command_text(name, *span)


@pytest.mark.parametrize(
    ("name", "text"), [("check", "CHECK"), ("info", "INFO"), ("upload", "LOG"), ("set_clock", "CHECK")]
)
def test_the_others_are_a_word(name: str, text: str) -> None:
    assert command_text(name, None, None) == text
    with pytest.raises(Invalid):
        command_text(name, FIRST, LAST)


@pytest.mark.parametrize(
    "name", ["CLEAR LOG", "CLEAR DATA", "REBOOT", "SHELL", "check\nC:1:CLEAR LOG", "", "DATA DELETE USERINFO PIN=1"]
)
def test_whatever_is_not_on_the_list_has_no_name(name: str) -> None:
    with pytest.raises(Invalid, match="there is no command"):
        command_text(name, None, None)


def test_nothing_on_the_list_clears_changes_or_runs_anything() -> None:
    every = " ".join([*commands.WITH_SPAN.values(), *commands.PLAIN.values()])
    assert not re.search(r"CLEAR|DELETE|UPDATE|SET|REBOOT|SHELL|UPGRADE|PUTFILE|ENROLL|UNLOCK", every)


def test_a_command_travels_with_its_number() -> None:
    assert sent(7, "CHECK") == "C:7:CHECK\n"


def test_results_are_read_one_a_line_with_what_follows_them() -> None:
    info = b"ID=9&Return=0&CMD=INFO\n~DeviceName=K40\nComKey=1\nFWVersion=8\n"
    body = b"ID=7&Return=0&CMD=DATA\r\nID=8&Return=-1002&CMD=X\n" + info
    read = [(result.id, result.code, result.text) for result in results(body)]
    assert read == [("7", 0, ""), ("8", -1002, ""), ("9", 0, "~DeviceName=K40\nFWVersion=8")]


def test_the_sum_of_a_log_is_told_beside_the_result() -> None:
    [result] = results(b"ID=9&Return=0&CMD=VERIFY+SUM&AttlogSum=62")
    assert (result.id, result.code, result.text) == ("9", 0, "AttlogSum=62")


@pytest.mark.parametrize(
    ("info", "records"),
    [("Ver 2.0.12-20150625,0,0,1234,192.168.16.27,10", 1234), ("Ver 8,1,2", None), ("", None), ("a,b,c,d,e", None)],
)
def test_how_many_records_it_has_is_the_fourth_it_tells(info: str, records: int | None) -> None:
    assert records_told(info) == records


@given(st.binary(max_size=300))
def test_any_bytes_are_results_or_nothing(body: bytes) -> None:
    for result in results(body):
        assert len(result.text) <= commands.LONGEST_RESULT
        assert all(letter.isprintable() or letter == "\n" for letter in result.text)


@pytest.mark.slow
@broken_frames
def test_mutilated_answers_are_results_or_nothing(frames: int) -> None:
    chance, began = random.Random(9), time.process_time()
    whole = b"ID=7&Return=0&CMD=DATA\nID=8&Return=-1002&AttlogSum=62&CMD=X\nID=9&Return=0&CMD=INFO\nFWVersion=8\n"
    asked = command_text("count_log", FIRST, LAST)
    read = sums = 0
    for _ in range(frames // 3 + 1):
        body = bytearray(whole)
        for _ in range(chance.randrange(6)):
            place = chance.randrange(len(body))
            body[place : place + chance.randrange(3)] = bytes(chance.choices(b"ID=&%+-0129\n\r\0\xff\xe2", k=2))
        for result in results(bytes(body)):
            read += 1
            assert len(result.text) <= commands.LONGEST_RESULT
            assert result.code is None or abs(result.code) < 10**9
            sums += commands.counted(asked, result.text) is not None
            commands.meaning(result.code)
            records_told(result.text)
    assert read > frames * 3 // 4
    assert sums > frames * 3 // 20
    assert time.process_time() - began < 30
