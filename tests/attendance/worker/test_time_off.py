"""Whatever comes first, scans, holidays or leave, in whatever order and however often: the days are the same."""

import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime
from typing import Any

from services.attendance.messaging.subscriptions import subscriptions
from services.attendance.storage.time_off import PostgresTimeOff
from shared.bus.port import BATCH, Delivery, Message
from shared.contracts.cloudevents import encode_batch
from shared.contracts.event import Event
from shared.contracts.leave import HolidayChanged, LeaveRequestChanged
from tests.attendance.time_off import holiday, leave
from tests.attendance.worker.company import Company, company, month_of_scans, torn

# What leave told over time, oldest first: holidays that move, end and begin; requests that are approved and cancelled.
TOLD: list[HolidayChanged | LeaveRequestChanged] = [
    holiday(1, "2026-01-03", n=1),
    holiday(1, "2026-01-04", "2026-01-05", n=2),
    holiday(1, "2026-01-04", "2026-01-06", n=3, name="Moved"),
    holiday(2, "2026-01-08", n=1),
    holiday(2, "2026-01-08", n=2, removed=True),
    holiday(3, "2026-01-09", n=1, is_observed=False),
    holiday(3, "2026-01-09", n=2, is_observed=True, sites=[1]),
    holiday(4, "2026-01-10", n=1, sites=[2]),
    leave(1, "2026-01-02", "2026-01-05", number=1, n=1, status="pending", charged=[]),
    leave(1, "2026-01-02", "2026-01-05", "2026-01-07 morning", number=1, n=2),
    leave(2, "2026-01-02", "2026-01-03", number=2, n=1),
    leave(2, "2026-01-02", "2026-01-03", number=2, n=2, status="cancelled"),
    leave(3, "2026-01-06", number=3, n=1),
    leave(3, "2026-01-06 afternoon", "2026-01-07", number=3, n=2, type_="study_leave"),
    leave(4, "2026-01-02 morning", number=4, n=1),
    leave(4, "2026-01-02 afternoon", number=5, n=1, type_="sick"),
    leave(5, "2026-01-02", number=6, n=1),
    leave(5, "2026-01-02", number=6, n=2, removed=True),
]


async def told(firm: Company, events: Sequence[Event]) -> None:
    keeps = PostgresTimeOff(firm.database)
    await keeps.apply_holidays([each for each in events if isinstance(each, HolidayChanged)])
    await keeps.apply_requests([each for each in events if isinstance(each, LeaveRequestChanged)])


async def kept(firm: Company) -> list[tuple[Any, ...]]:
    async with firm.database.fast() as pg:
        found: list[tuple[Any, ...]] = []
        for table in ("holidays", "leave_requests", "leave_days"):
            rows = await pg.fetch(f"SELECT * FROM {table} ORDER BY 1, 2")
            # Whether a request ever charged anything may differ: who hears of the end first never hears of it.
            found += [tuple(v for k, v in row.items() if k != "charged") for row in rows]
    return found


async def test_order_and_repeats_do_not_matter(migrated: Callable[..., str]):
    seed = 3
    scans = month_of_scans(people=5, days=10, seed=seed)
    first, last = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (first, last):
        await firm.hire(5)
    await last.record(scans)
    without = await last.days()
    for event in TOLD:
        await told(last, [event])
    await last.settle()
    rnd = random.Random(seed)
    parts: list[Any] = [*torn(scans, seed=seed), *TOLD, *rnd.sample(TOLD, len(TOLD) // 2)]
    rnd.shuffle(parts)
    for part in parts:
        if isinstance(part, list):
            await first.record(part)
        else:
            await told(first, [part])
        if rnd.random() < 0.1:
            await first.settle()
    await first.settle()
    days = await last.days()
    assert await first.days() == days
    assert await kept(first) == await kept(last)
    # And it made a difference to just those days.
    changed = {(d["person_id"], d["date"].day) for d, was in zip(days, without, strict=True) if d != was}
    seen = {(d["person_id"], d["date"].day) for d in days}
    expected = {(one, day) for one in range(1, 6) for day in (4, 5, 6, 9)}
    expected |= {(1, 2), (1, 7), (3, 7), (4, 2)}
    assert changed == expected & seen
    flags = {(d["person_id"], d["date"].day): d["flags"] for d in days}
    assert "worked_on_leave" in flags.get((4, 2), "worked_on_leave")  # both halves are a whole day
    assert all("worked_on_holiday" in flags[one, day] for one, day in seen if day in (4, 5, 6, 9))
    for firm in (first, last):
        await firm.database.close()


async def test_just_the_people_and_dates_that_are_touched_are_noted(firm: Company):
    async def noted(event: Event) -> list[tuple[Any, ...]]:
        await told(firm, [event])
        async with firm.database.fast() as pg:
            rows = await pg.fetch("DELETE FROM recomputations RETURNING person_id, people, since, until")
        return sorted(map(tuple, rows), key=str)

    def day(n: int) -> date:
        return date(2026, 1, n)

    assert await noted(leave(1, "2026-01-02", "2026-01-03", "2026-01-06")) == [
        (1, None, day(2), day(3)),
        (1, None, day(6), day(6)),
    ]
    assert await noted(leave(1, "2026-01-03", "2026-01-06 morning", "2026-01-07", n=2)) == [
        (1, None, day(2), day(2)),
        (1, None, day(6), day(7)),
    ]
    assert await noted(leave(1, "2026-01-03", n=1)) == []
    assert await noted(holiday(first="2026-01-08")) == [(None, None, day(8), day(8))]
    assert await noted(holiday(first="2026-01-08", name="Renamed", n=2)) == []
    assert await noted(holiday(first="2026-01-08", last="2026-01-09", n=3)) == [(None, None, day(9), day(9))]
    # At one site: whoever is there on that date.
    assert await noted(holiday(9, "2026-01-15", sites=[1])) == [(None, [1, 2, 3, 4, 5], day(15), day(15))]
    assert await noted(holiday(10, "2026-01-16", sites=[2])) == []


async def test_only_the_first_leave_is_a_change_of_rules(firm: Company):
    async def n() -> int:
        return int(await firm.value("SELECT n FROM rules"))

    before = await n()
    await told(firm, [leave(1, "2026-01-02", status="pending")])
    assert await n() == before
    await told(firm, [leave(1, "2026-01-02", n=2)])
    first = await n()
    assert first > before
    await told(firm, [leave(1, "2026-01-03", n=3, status="cancelled"), leave(2, "2026-01-02", number=2)])
    assert await n() == first
    # Workers have holidays at hand; but what is known already is none.
    await told(firm, [holiday()])
    second = await n()
    assert second > first
    await told(firm, [holiday()])
    assert await n() == second


async def test_what_can_be_no_request_is_refused_alone(firm: Company):
    keeps = PostgresTimeOff(firm.database)
    scans, _, holidays, requests = subscriptions(
        firm.record,
        None,
        keeps.apply_holidays,
        keeps.apply_requests,
        parallel=1,  # type: ignore[arg-type]
    )
    assert (scans.queue, holidays.queue, requests.queue) == (
        "attendance.scans", "attendance.holidays", "attendance.leave",
    )  # fmt: skip
    for subscription, good, bad in (
        (holidays, holiday(1, "2026-01-05"), holiday(2, "2026-01-05", "2026-01-01")),
        (requests, leave(1, "2026-01-05"), leave(2, "2026-01-05 evening", number=2)),
    ):
        body = encode_batch([("good", good), ("bad", bad)], time=datetime.now(UTC))
        message = Message(id="1", type=good.wire_type, body=body, content_type=BATCH)
        (refusal,) = await subscription.handle([Delivery(message=message, attempt=1)])
        assert refusal.message.id == "bad"
    assert await firm.value("SELECT count(*) FROM holidays") == 1
    assert await firm.value("SELECT count(*) FROM leave_days") == 1
