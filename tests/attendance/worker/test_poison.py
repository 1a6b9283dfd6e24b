"""A scan that nothing can be made of is refused alone; the others of its batch are days all the same."""

import random
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest

from services.attendance.messaging.subscriptions import subscriptions
from shared.bus.port import BATCH, Delivery, Message
from shared.contracts.cloudevents import encode_batch
from tests.attendance.worker.company import Company, scan

LONG = "".join(random.Random(1).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=10_000))

POISON: dict[str, dict[str, Any]] = {
    "a machine's number that no column holds": {"machine_id": 2**40},
    "a site's number that no column holds": {"site_id": -(2**63)},
    "a zone that does not exist": {"zone": "Atlantis/Capital"},
    "the first year that there is": {
        "local_time": datetime(1, 1, 1), "at": datetime(1, 1, 1, tzinfo=UTC)},
    "the last moment that there is": {
        "local_time": datetime(9999, 12, 31, 23, 59, 59), "at": datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)},
    "a badge longer than an index entry": {"badge": LONG},
    "a badge of nothing": {"badge": ""},
    "a very large raw record": {"raw": {"line": "x" * 1_000_000}},
}  # fmt: skip


@pytest.mark.parametrize("facts", POISON.values(), ids=POISON)
async def test_its_neighbours_become_days(firm: Company, facts: dict[str, Any]):
    good = [scan("1", datetime(2026, 1, 5, 8)), scan("1", datetime(2026, 1, 5, 17, 30))]
    bad = msgspec.structs.replace(scan("2", datetime(2026, 1, 5, 9)), **facts)
    scans, *_ = subscriptions(firm.record, None, None, None, parallel=1)  # type: ignore[arg-type]
    body = encode_batch(((str(one.scan_id), one) for one in [good[0], bad, good[1]]), time=datetime.now(UTC))
    message = Message(id="1", type=bad.wire_type, body=body, content_type=BATCH)
    refusals = await scans.handle([Delivery(message=message, attempt=1)])
    days = {(day["person_id"], day["worked"]) for day in await firm.days()}
    assert (1, 510) in days
    assert len(refusals) <= 1
