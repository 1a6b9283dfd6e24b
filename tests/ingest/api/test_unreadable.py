import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from services.ingest.domain.reading import Unreadable
from services.ingest.storage.evidence import PostgresEvidence
from tests.ingest.conftest import Ingest

MACHINES = "/api/attendance/machines/"
UNREADABLE = f"{MACHINES}gate/unreadable/"
NOON = datetime(2024, 1, 15, 12, tzinfo=UTC)


@pytest.fixture
async def gate(hr: httpx.AsyncClient) -> int:
    answer = await hr.post(MACHINES, json={"machine_id": "gate", "machine_type": "generic"})
    return int(answer.json()["id"])


async def keep(ingest: Ingest, machine: int, *records: Unreadable, at: datetime = NOON, source: str = "file") -> None:
    evidence = PostgresEvidence(ingest.parts.database)
    digests = [f"{at:%H%M%S}-{number:08}".encode() for number in range(len(records))]
    await evidence.keep(machine, list(zip(digests, records, strict=True)), source=source, at=at)


async def listed(hr: httpx.AsyncClient, **parameters: Any) -> list[dict[str, Any]]:
    answer = await hr.get(UNREADABLE, params=parameters)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_what_could_not_be_understood_is_shown_with_its_bytes(
    hr: httpx.AsyncClient, ingest: Ingest, gate: int
) -> None:
    await keep(ingest, gate, Unreadable(reason="30 February", raw=b"\x00\xff\x1e", position=7), source="session")
    await keep(ingest, gate + 1, Unreadable(reason="another machine's", raw=b"x"))
    answer = await hr.get(UNREADABLE)
    assert answer.headers["x-total-count"] == "1"
    assert answer.json() == [
        {
            "position": 7,
            "reason": "30 February",
            "raw": "00ff1e",
            "size": 3,
            "source": "session",
            "received_at": "2024-01-15T12:00:00Z",
        }
    ]


async def test_of_a_long_record_the_beginning_is_shown_and_its_size(
    hr: httpx.AsyncClient, ingest: Ingest, gate: int
) -> None:
    await keep(ingest, gate, Unreadable(reason="no end", raw=b"\xab" * 100_000))
    (record,) = await listed(hr)
    assert (record["raw"], record["size"], record["position"]) == ("ab" * 2048, 100_000, None)


async def test_the_list_is_read_page_by_page_newest_first(hr: httpx.AsyncClient, ingest: Ingest, gate: int) -> None:
    for minute in range(3):
        records = [Unreadable(reason=f"{minute}", raw=b"x", position=number) for number in range(5)]
        await keep(ingest, gate, *records, at=NOON + timedelta(minutes=minute))
    answer = await hr.get(UNREADABLE, params={"limit": 4})
    found = answer.json()
    while "link" in answer.headers:
        answer = await hr.get(answer.headers["link"].split(">")[0].lstrip("<"))
        found += answer.json()
    assert [record["reason"] for record in found] == ["2"] * 5 + ["1"] * 5 + ["0"] * 5
    assert len({(record["reason"], record["position"]) for record in found}) == 15
    page = (await hr.get(UNREADABLE, params={"page": 2, "page_size": 10})).json()
    assert (page["count"], len(page["results"])) == (15, 5)
    assert [record["position"] for record in await listed(hr, ordering="position", limit=4)] == [0, 0, 0, 1]
    assert [record["reason"] for record in await listed(hr, search="1")] == ["1"] * 5


async def test_a_cursor_of_ones_own_making_is_refused(hr: httpx.AsyncClient, gate: int) -> None:
    made_up = base64.urlsafe_b64encode(b'["received_at",true,1,1]').decode()
    assert (await hr.get(UNREADABLE, params={"cursor": made_up})).status_code == 400


async def test_only_hr_staff_sees_it(ingest: Ingest, gate: int) -> None:
    for roles, status in [((), 403), (("head",), 403), (("hr",), 200)]:
        async with ingest.client(*roles) as client:
            assert (await client.get(UNREADABLE)).status_code == status


async def test_of_a_machine_that_is_not_there_nothing_is_said(hr: httpx.AsyncClient) -> None:
    answer = await hr.get(UNREADABLE)
    assert (answer.status_code, answer.json()["error"]) == (404, "there is no machine 'gate'")
