"""A terminal that calls was switched on without its clock."""

import httpx

from services.ingest.vendors.zkteco.adms.operlog import operlog
from tests.ingest.application.watched import MACHINES, eventually
from tests.ingest.conftest import Ingest

SWITCHED_ON = b"OPLOG 0\t0\t2026-01-05 08:00:00\t0\t0\t0\t0\nOPLOG 0\t0\t2000-01-01 00:00:04\t0\t0\t0\t0\n"


def test_a_terminal_that_was_switched_on_with_its_clock_is_no_news() -> None:
    found = operlog(SWITCHED_ON)
    assert (found.count, [done.about for done in found.done]) == (2, ["clock lost"])


async def test_a_clock_that_had_begun_again_when_it_was_switched_on_is_told(
    ingest: Ingest, hr: httpx.AsyncClient
) -> None:
    await hr.post(MACHINES, json={"machine_id": "gate", "machine_type": "zkteco", "serial": "S1", "zone": "UTC"})
    calls = httpx.ASGITransport(ingest.service.app, client=("10.0.0.7", 40000))
    async with ingest.running(), httpx.AsyncClient(transport=calls, base_url="http://ingest") as terminal:
        answer = await terminal.post("/iclock/cdata?SN=S1&table=OPERLOG&Stamp=9999", content=SWITCHED_ON)
        assert answer.text == "OK:2"
        found = await eventually(hr, lambda found: "begun again" in found["status_text"])
        assert found["status_text"] == "when it was switched on its clock had begun again (2000-01-01 00:00:04)"
