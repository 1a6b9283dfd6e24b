"""The worker on real PostgreSQL: order, repeats, rivals, strangers, broken clocks."""

import asyncio
from collections.abc import Callable
from datetime import date, datetime

import msgspec
import pytest

from services.attendance.application.record_scans import shares
from services.attendance.messaging.subscriptions import subscriptions
from services.attendance.storage.rules import ask_recompute, change_rules
from shared.bus.port import BATCH, Delivery, Message
from shared.contracts.cloudevents import BATCH_CONTENT_TYPE, decode, encode_batch
from shared.contracts.days import DayUpdated
from tests.attendance.worker.company import Company, company, month_of_scans, scan, torn


def at(clock: str, day: int = 5) -> datetime:
    return datetime.fromisoformat(f"2026-01-{day:02} {clock}")


async def outbox(firm: Company) -> list[DayUpdated]:
    async with firm.database.fast() as pg:
        rows = await pg.fetch("SELECT type, content_type, payload FROM outbox ORDER BY seq")
    return [envelope.data for row in rows for envelope in decode(row["payload"], row["content_type"], DayUpdated)]


async def test_two_scans_become_a_day_and_its_event(firm: Company):
    assert await firm.record([scan("1", at("08:00:10")), scan("1", at("17:30:59"))]) == 2

    (day,) = await firm.days()
    assert (day["date"], day["person_id"], day["status"]) == (date(2026, 1, 5), 1, "Present-OnTime")
    assert (day["worked"], day["overtime"], day["extra_overtime"]) == (510, 30, 0)
    assert (day["marks"], day["zone"]) == ("08:00 IN,17:30 OUT", "Asia/Dhaka")
    (event,) = await outbox(firm)
    assert (event.employee_id, event.department, event.check_in, event.worked_minutes) == (
        "EMP1",
        "Sewing",
        "08:00",
        510,
    )
    assert event.event_id() == "1/2026-01-05/1.1"


async def test_a_site_without_a_zone_takes_that_of_its_first_scan(firm: Company):
    await firm.record([scan("1", at("08:00:00"))])
    assert await firm.value("SELECT zone FROM sites") == "Asia/Dhaka"


async def test_the_same_scans_again_change_nothing_and_announce_nothing(firm: Company):
    scans = [scan("1", at("08:00:00")), scan("2", at("08:01:00"))]
    await firm.record(scans)
    before, announced = await firm.days(), len(await outbox(firm))
    assert await firm.record(scans) == 0
    assert await firm.days() == before
    assert len(await outbox(firm)) == announced


async def test_a_scan_that_changes_no_figure_still_counts(firm: Company):
    await firm.record([scan("1", at("08:00:00")), scan("1", at("17:00:00"))])
    await firm.record([scan("1", at("08:00:30"))])
    (day,) = await firm.days()
    assert (day["used"], day["merged"], day["worked"]) == (2, 1, 480)


async def test_a_late_scan_recomputes_its_own_day_only(firm: Company):
    await firm.record([scan("1", at("08:00:00", 5)), scan("1", at("08:00:00", 6)), scan("1", at("17:00:00", 6))])
    await firm.record([scan("1", at("18:00:00", 5))])
    events = [(event.date.day, event.version.n) for event in await outbox(firm)]
    assert events == [(5, 1), (6, 1), (5, 2)]


@pytest.mark.parametrize("seed", range(3))
async def test_order_repeats_and_rival_workers_give_the_same_days(migrated: Callable[..., str], seed: int):
    scans = month_of_scans(people=6, days=12)
    orderly, torn_up = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (orderly, torn_up):
        await firm.hire(6)
    await orderly.record(scans)

    batches = iter(torn(scans, seed=seed))

    async def rival() -> None:
        mine = company(torn_up.database.url)
        for batch in batches:
            await mine.record(batch)
        await mine.database.close()

    async with asyncio.TaskGroup() as rivals:
        for _ in range(4):
            rivals.create_task(rival())

    assert await torn_up.value("SELECT count(*) FROM scans") == len({s.scan_id for s in scans})
    await torn_up.settle()
    assert await torn_up.days() == await orderly.days()
    for firm in (orderly, torn_up):
        await firm.database.close()


async def test_rivals_with_two_badges_of_one_person_miss_no_scan(firm: Company):
    for person in range(1, 6):
        await firm.link(f"card {person}", person)
    rival = company(firm.database.url)
    by_finger = [[scan(str(person), at("08:00:00", day)) for person in range(1, 6)] for day in range(1, 29)]
    by_card = [[scan(f"card {person}", at("17:00:00", day)) for person in range(1, 6)] for day in range(1, 29)]
    for fingers, cards in zip(by_finger, by_card, strict=True):
        await asyncio.gather(firm.record(fingers), rival.record(cards))
    await rival.database.close()
    assert [day["worked"] for day in await firm.days()] == [480] * 5 * 28


async def test_a_batch_of_several_transactions_gives_the_days_of_single_scans(migrated: Callable[..., str]):
    scans = month_of_scans(people=40, days=60)
    assert len(shares(scans)) > 1
    at_once, by_hundreds = company(migrated("attendance")), company(migrated("attendance"))
    for firm in (at_once, by_hundreds):
        await firm.hire(40)
    assert await at_once.record(scans) == len({s.scan_id for s in scans})
    for some in torn(scans, seed=1, size=100):
        await by_hundreds.record(some)
    assert await at_once.days() == await by_hundreds.days()
    for firm in (at_once, by_hundreds):
        await firm.database.close()


async def test_every_countable_scan_of_a_known_badge_is_used_or_merged(firm: Company):
    scans = month_of_scans(people=7, days=10)  # 6 and 7 are strangers
    await firm.record(scans)
    known = sum(1 for s in scans if int(s.badge) <= 5)
    assert await firm.value("SELECT sum(used + merged) FROM days") == known
    assert await firm.value("SELECT sum(scans) FROM unknown_badges") == len(scans) - known


async def test_scans_of_an_unknown_badge_count_at_once_when_it_is_linked(firm: Company):
    await firm.record([scan("A17", at("08:00:00")), scan("A17", at("17:00:00")), scan("1", at("08:00:00"))])
    assert [day["person_id"] for day in await firm.days()] == [1]
    await firm.link("A17", 2)
    await firm.settle()
    assert [(day["person_id"], day["worked"]) for day in await firm.days()] == [(1, 0), (2, 480)]


async def test_a_badge_counts_for_whoever_held_it_on_the_day(firm: Company):
    await firm.link("card", 1, "(,2026-01-06)")
    await firm.link("card", 2, "[2026-01-06,)")
    await firm.record([scan("card", at("08:00:00", 5)), scan("card", at("08:00:00", 6))])
    assert [(day["date"].day, day["person_id"]) for day in await firm.days()] == [(5, 1), (6, 2)]


async def test_a_badge_that_moves_takes_its_days_along(firm: Company):
    await firm.link("card", 1)
    await firm.record([scan("card", at("08:00:00")), scan("card", at("17:00:00"))])
    async with firm.database.fast() as pg:
        await change_rules(pg)
        await pg.execute("UPDATE badges SET person_id = 2 WHERE badge = 'card'")
        for person in (1, 2):
            await ask_recompute(pg, reason="moved", person_id=person)
    await firm.settle()
    assert [(d["person_id"], d["status"], d["used"]) for d in await firm.days()] == [
        (1, "Absent", 0),
        (2, "Present-OnTime", 2),
    ]


async def test_scans_of_a_broken_clock_are_kept_and_not_counted(firm: Company):
    reset = scan("1", datetime(2000, 1, 1, 0, 27, 5), quality="implausible_past")
    ahead = scan("1", datetime(2031, 1, 5, 8), quality="future")
    await firm.record([reset, ahead, scan("1", at("08:00:00"))])
    assert await firm.value("SELECT count(*) FROM scans") == 3
    assert [(day["date"], day["used"]) for day in await firm.days()] == [(date(2026, 1, 5), 1)]


async def test_the_minute_of_the_boundary_belongs_to_the_day_before(firm: Company):
    await firm.record([scan("1", at("04:00:59", 6)), scan("1", at("04:01:00", 6))])
    assert [(day["date"].day, day["used"]) for day in await firm.days()] == [(5, 1), (6, 1)]


async def test_a_setting_from_a_date_on_changes_days_from_that_date_on(firm: Company):
    await firm.record([scan("1", at("08:30:00", day)) for day in (5, 6)])
    async with firm.database.fast() as pg:
        await change_rules(pg)
        values = msgspec.json.encode({"safe_entry_time": "09:00", "late_entry_time": "09:05"}).decode()
        await pg.execute("INSERT INTO settings (site_id, values, during) VALUES (1, $1, '[2026-01-06,)')", values)
        await ask_recompute(pg, reason="settings")
    await firm.settle()
    assert [day["status"] for day in await firm.days()] == ["Present-Late", "Present-OnTime"]


async def test_one_bad_event_of_a_batch_is_refused_alone(firm: Company):
    async def ignore(_: object) -> None: ...

    handle = subscriptions(firm.record, ignore, ignore, ignore, parallel=1)[0].handle
    good = [(str(s.scan_id), s) for s in (scan("1", at("08:00:00")), scan("2", at("08:00:00")))]
    batch = msgspec.json.decode(encode_batch(good, time=datetime.fromisoformat("2026-01-05T08:00:00Z")))
    bad = batch[0] | {"id": "bad", "data": batch[0]["data"] | {"at": "yesterday"}}
    newer = batch[0] | {"id": "newer", "type": "ingest.scan.received.v2"}
    body = msgspec.json.encode([batch[0], bad, newer, batch[1]])
    message = Message(id="m", type="ingest.scan.received.v1", body=body, content_type=BATCH)
    assert BATCH == BATCH_CONTENT_TYPE

    refused = await handle([Delivery(message=message, attempt=1)])

    assert [refusal.message.id for refusal in refused] == ["bad", "newer"]
    assert "ingest.scan.received.v2" in refused[1].reason
    assert await firm.value("SELECT count(*) FROM scans") == 2


async def test_who_asks_is_answered_when_the_days_that_follow_are_there(firm: Company):
    await firm.record([scan("A17", at("08:00:00")), scan("A17", at("17:00:00")), scan("1", at("08:00:00"))])
    running = asyncio.create_task(firm.recompute.run())
    try:
        await asyncio.sleep(0)
        await firm.link("A17", 2)
        await firm.recompute.settled()
        assert [(day["person_id"], day["worked"]) for day in await firm.days()] == [(1, 0), (2, 480)]
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
