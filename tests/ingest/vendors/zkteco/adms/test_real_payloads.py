"""Payloads of real machines, and what other servers were seen to acknowledge; only where MUSTER_REAL_DATA has them."""

import json
import os
from datetime import datetime
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.ingest.vendors.zkteco.adms.attlog import attlog
from services.ingest.vendors.zkteco.adms.operlog import operlog
from shared.contracts.scans import ScanReceived
from tests.ingest.conftest import Ingest
from tests.ingest.vendors.zkteco.adms.test_routes import post, register, terminal

pytestmark = pytest.mark.real_data
__all__ = ["terminal"]

GOOD = "1001\t2026-03-02 09:07:12\t0\t1\t\t0\t0\n"
ACKNOWLEDGED = {
    "ack-01": ("ATTLOG", GOOD * 3, "OK:3"),
    "ack-03": ("ATTLOG", GOOD + "garbage\n", "OK:2"),
    "ack-07": ("OPERLOG", "OK\n", "OK:1"),
    "ack-09": ("OPERLOG", "USER PIN=1\tName=a\nUSER PIN=2\tName=b\n", "OK:2"),
    "ack-17": ("OPERLOG", "USER PIN=7\tPasswd=4321\nOPLOG 4\t0\t2026-01-05 00:04:08\t7\t0\t0\t0\n", "OK:2"),
}


@pytest.fixture(scope="module")
def payloads() -> dict[str, dict[str, Any]]:
    read = json.loads((Path(os.environ["MUSTER_REAL_DATA"]) / "payloads" / "adms.json").read_text("utf-8"))
    return {item["id"]: item for item in (*read["requests"], *read["expected"])}


def test_a_captured_line_without_state_and_work_code(payloads: dict[str, dict[str, Any]]) -> None:
    [reading] = attlog(payloads["adms-01"]["body"].encode()).readings
    assert (reading.badge, reading.local_time) == ("20150001", datetime(2020, 2, 22, 23, 10, 5))
    assert (reading.state, reading.verify, reading.work_code) == ("255", "1", None)


def test_a_captured_operation(payloads: dict[str, dict[str, Any]]) -> None:
    assert operlog(payloads["adms-03"]["body"].encode()).count == 1


def test_lines_that_name_their_columns(payloads: dict[str, dict[str, Any]]) -> None:
    read = [
        (reading.badge, reading.state, reading.verify)
        for reading in attlog(payloads["adms-13"]["body"].encode()).readings
    ]
    assert read == [("42", "0", "2"), ("43", "0", "2")]


def test_four_columns_with_the_number_of_a_card(payloads: dict[str, dict[str, Any]]) -> None:
    [reading] = attlog(payloads["adms-17"]["body"].encode()).readings
    assert reading.badge == "1234567890"


@pytest.mark.parametrize("number", ["adms-01", "adms-03", "adms-13"])
async def test_each_captured_post_is_acknowledged(
    hr: httpx.AsyncClient, terminal: httpx.AsyncClient, payloads: dict[str, dict[str, Any]], number: str
) -> None:
    request = payloads[number]
    await register(hr, serial="AB3N191860207")
    answer = await terminal.post(request["path"].replace("{SN}", "AB3N191860207"), content=request["body"])
    lines = request["body"].count("\n")
    assert (answer.status_code, answer.text) == (200, f"OK:{lines}")


async def test_the_captured_look_up_of_a_server_and_the_ping(
    hr: httpx.AsyncClient, terminal: httpx.AsyncClient, payloads: dict[str, dict[str, Any]]
) -> None:
    asked, expected = payloads["adms-05"], json.loads(payloads["adms-05"]["response"])
    host = f"{expected['server']}:{expected['port']}"
    assert (await terminal.get(asked["path"], headers={"Host": host})).json() == expected
    ping = payloads["adms-07"]
    await register(hr, serial="3383154200002")
    assert (await terminal.get(ping["path"], headers=ping["headers"])).text == ping["response"]


@pytest.mark.parametrize("number", ACKNOWLEDGED)
async def test_what_others_acknowledge_is_what_we_do(
    ingest: Ingest, hr: httpx.AsyncClient, terminal: httpx.AsyncClient, payloads: dict[str, dict[str, Any]], number: str
) -> None:
    table, body, answer = ACKNOWLEDGED[number]
    assert answer.replace(":", ": ") in payloads[number]["expect"] or answer in payloads[number]["expect"]
    await register(hr)
    assert await post(terminal, table, body) == answer
    assert len({scan.scan_id for scan in ingest.bus.events(ScanReceived)}) == (table == "ATTLOG")


@pytest.mark.parametrize("text", ["2026-03-02 09:07:12", "2026-03-02T09:07:12", "20260302090712"])
def test_times_in_each_form_that_was_seen(payloads: dict[str, dict[str, Any]], text: str) -> None:
    assert text in payloads["ack-19"]["given"]
    assert attlog(f"7\t{text}\t0\t1".encode()).readings[0].local_time == datetime(2026, 3, 2, 9, 7, 12)
