"""Letting quarantined scans count: what days, lists and explanations make of it, and how it is taken back."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import pytest

from shared.contracts.cloudevents import decode
from shared.contracts.days import DayUpdated
from shared.web.scope import Caller
from tests.attendance.api.office import Office, scan_of

RESET = "2000-01-01 00:27:05"
MORNING = {"reason": "the battery was changed", "local_time": "2024-01-15T08:00:07"}


async def reset(office: Office, badge: str = "1", moment: str = RESET, **changed: Any) -> str:
    """The id of a scan of a machine whose clock began again."""
    await office.scan(badge, moment, quality="implausible_past", **changed)
    return str(scan_of(badge, moment, **changed).scan_id)


async def release(office: Office, scan: str, body: Mapping[str, object] = MORNING, **options: Any) -> Any:
    return (await office.ask("POST", f"scans/{scan}/release/", json=body, **options)).json()


async def days(office: Office) -> list[tuple[str, str, str | None, str | None]]:
    """All days that scans count in."""
    rows = await office.get("daily-attendance/", ordering="date")
    return [
        (row["date"], row["employee_id"], row["first_check_in_formatted"], row["last_check_out_formatted"])
        for row in rows
        if row["total_scans"]
    ]


async def stored_days(office: Office) -> list[dict[str, Any]]:
    """All days in which scans count, without what differs between two computations that mean the same."""
    rows = await office.sql("SELECT * FROM days WHERE used > 0 ORDER BY date, person_id")
    return [{k: v for k, v in dict(row).items() if k not in ("n", "created_at", "updated_at")} for row in rows]


async def told(office: Office) -> list[tuple[str, int]]:
    rows = await office.sql(
        "SELECT content_type, payload FROM outbox WHERE type = 'attendance.day.updated.v1' ORDER BY seq"
    )
    events = [e.data for row in rows for e in decode(row["payload"], row["content_type"], DayUpdated)]
    return [(event.date.isoformat(), event.total_scans) for event in events]


async def test_a_scan_of_a_clock_that_began_again_counts_when_a_person_says_when_it_was(company: Office):
    scan = await reset(company)
    await company.scan("1", "2024-01-15 17:30")
    assert await days(company) == [("2024-01-15", "EMP001", "17:30", None)]
    evidence = await company.sql("SELECT * FROM scans ORDER BY local_at")

    shown = await release(company, scan)

    assert await days(company) == [("2024-01-15", "EMP001", "08:00", "17:30")]
    assert await told(company) == [("2024-01-15", 1), ("2024-01-15", 2)]
    assert shown["release"] == {
        "at": "2024-01-15T02:00:07Z",
        "local_time": "2024-01-15T08:00:07",
        "by": 2,
        "by_name": "hr",
        "reason": "the battery was changed",
        "released_at": "2024-01-15T06:00:00Z",
    }
    assert (shown["id"], shown["quality"], shown["is_processed"]) == (scan, "implausible_past", True)
    assert shown["scan_time"] == "1999-12-31T18:27:05Z"
    assert shown in await company.get("scans/")
    assert await company.sql("SELECT * FROM scans ORDER BY local_at") == evidence


async def test_an_instant_says_the_same_as_the_wall_clock_of_the_machine(company: Office):
    scan = await reset(company)
    by_instant = await release(company, scan, {"reason": "x", "at": "2024-01-15T04:00:07.9+02:00"})
    assert by_instant["release"]["at"] == "2024-01-15T02:00:07Z"
    assert by_instant["release"]["local_time"] == "2024-01-15T08:00:07"


async def test_a_scan_that_was_the_future_when_it_came_may_be_released_as_it_is(company: Office):
    await company.scan("1", "2024-01-15 08:00", quality="future")
    scan = str(scan_of("1", "2024-01-15 08:00").scan_id)
    shown = await release(company, scan, {"reason": "the server's clock was behind"})
    assert shown["release"]["local_time"] == shown["local_time"]
    assert await days(company) == [("2024-01-15", "EMP001", "08:00", None)]


async def test_a_release_that_is_withdrawn_leaves_the_days_as_they_were_and_a_trace(company: Office):
    await company.scan("1", "2024-01-15 09:00", "2024-01-15 17:30", "2024-01-14 08:00")
    scan = await reset(company)
    before, listed = await stored_days(company), await company.get("scans/")
    summary = await company.get("daily-attendance/summary/", date="2024-01-15")
    await release(company, scan)
    assert await stored_days(company) != before

    await company.ask("DELETE", f"scans/{scan}/release/", by="admin", expect=204)

    assert await stored_days(company) == before
    assert await company.get("scans/") == listed
    assert await company.get("daily-attendance/summary/", date="2024-01-15") == summary
    (trace,) = await company.sql("SELECT * FROM releases")
    assert (trace["released_by_name"], trace["withdrawn_by"], trace["withdrawn_by_name"]) == ("hr", 1, "admin")
    assert trace["withdrawn_at"] == company.clock.time
    again = await company.ask("DELETE", f"scans/{scan}/release/", expect=404)
    assert "released" in again.json()["error"]
    assert (await release(company, scan))["is_processed"]


async def test_a_day_that_had_nothing_but_a_release_is_absent_again_when_it_is_withdrawn(company: Office):
    before = await company.get("daily-attendance/summary/", date="2024-01-15")
    scan = await reset(company)
    await release(company, scan)
    await company.ask("DELETE", f"scans/{scan}/release/", expect=204)
    assert await company.get("daily-attendance/summary/", date="2024-01-15") == before
    assert await told(company) == [("2024-01-15", 1), ("2024-01-15", 0)]


async def test_a_new_ruling_replaces_the_one_before_and_both_days_follow(company: Office):
    scan = await reset(company)
    await release(company, scan)
    moved = await release(company, scan, {"reason": "it was the day before", "local_time": "2024-01-14T08:30:00"})
    assert moved["release"]["reason"] == "it was the day before"
    assert await days(company) == [("2024-01-14", "EMP001", "08:30", None)]
    rulings = await company.sql("SELECT withdrawn_at IS NULL AS in_force FROM releases ORDER BY id")
    assert [row["in_force"] for row in rulings] == [False, True]


async def test_the_same_ruling_again_changes_nothing(company: Office):
    scan = await reset(company)
    first = await release(company, scan)
    assert await release(company, scan, by="admin") == first
    assert len(await company.sql("SELECT 1 FROM releases")) == 1
    assert len(await told(company)) == 1


async def test_a_release_that_is_sent_again_is_answered_again_and_done_once(company: Office):
    scan, key = await reset(company), {"Idempotency-Key": "r1"}
    first = await release(company, scan, headers=key)
    await company.ask("DELETE", f"scans/{scan}/release/", expect=204)
    assert await release(company, scan, headers=key) == first
    assert await days(company) == []
    await release(company, scan, {**MORNING, "reason": "another"}, headers=key, expect=422)
    many = {"ids": [scan], "reason": "all", "offset_seconds": 758_000_000}
    once = await company.ask("POST", "scans/release/", json=many, headers={"Idempotency-Key": "r2"})
    twice = await company.ask("POST", "scans/release/", json=many, headers={"Idempotency-Key": "r2"})
    assert once.content == twice.content


async def test_whether_a_scan_arrives_before_or_after_a_release_gives_the_same_day(company: Office):
    scan = await reset(company)
    await release(company, scan)
    await company.scan("1", "2024-01-15 17:30", "2024-01-15 08:00:30")
    released_first = await stored_days(company)
    await company.ask("DELETE", f"scans/{scan}/release/", expect=204)
    await release(company, scan)
    assert await stored_days(company) == released_first
    await reset(company)  # the machine hands it in again
    assert await stored_days(company) == released_first


async def test_all_scans_of_a_clock_that_was_wrong_are_set_right_by_the_same_amount(company: Office):
    offset = datetime(2024, 1, 15, 8) - datetime(2000, 1, 1, 0, 0)
    scans = [
        await reset(company, "1", "2000-01-01 00:01:00"),
        await reset(company, "2", "2000-01-01 00:02:00"),
        await reset(company, "1", "2000-01-01 09:00:00"),
        await reset(company, "1", "2000-06-01 09:00:00"),
    ]
    await company.scan("3", "2024-01-15 08:00")
    counted, missing = str(scan_of("3", "2024-01-15 08:00").scan_id), str(uuid4())
    body = {
        "ids": [*scans, counted, missing, scans[0]],
        "reason": "the clock began again at 8",
        "offset_seconds": int(offset.total_seconds()),
    }

    answer = (await company.ask("POST", "scans/release/", json=body)).json()

    assert {name: value for name, value in answer.items() if name != "results"} == {
        "read": 6,
        "released": 0,
        "corrected": 3,
        "unchanged": 0,
        "refused": 3,
    }
    results = [(one["id"], one["result"]) for one in answer["results"]]
    assert results == [(id_, "corrected") for id_ in scans[:3]] + [
        (id_, "refused") for id_ in (scans[3], counted, missing)
    ]
    assert [one["release"]["local_time"] for one in answer["results"][:3]] == [
        "2024-01-15T08:01:00",
        "2024-01-15T08:02:00",
        "2024-01-15T17:00:00",
    ]
    future, not_quarantined, unknown = (one["error"] for one in answer["results"][3:])
    assert "offset_seconds" in future
    assert "future" in future
    assert "no quarantined scan" in not_quarantined
    assert "no quarantined scan" in unknown
    assert await days(company) == [
        ("2024-01-15", "EMP001", "08:01", "17:00"),
        ("2024-01-15", "EMP002", "08:02", None),
        ("2024-01-15", "EMP003", "08:00", None),
    ]
    again = (await company.ask("POST", "scans/release/", json=body)).json()
    assert (again["unchanged"], again["corrected"]) == (3, 0)


async def test_a_thousand_scans_are_released_at_once_and_no_more(company: Office):
    await company.record(
        [
            scan_of(
                str(i % 5 + 1), f"2000-01-{i % 28 + 1:02} {i // 60 % 24:02}:{i % 60:02}:{i % 7:02}", quality="future"
            )
            for i in range(1000)
        ]
    )
    ids = [str(row["id"]) for row in await company.sql("SELECT id FROM scans")]
    offset = int((datetime(2023, 12, 1) - datetime(2000, 1, 1)).total_seconds())
    body = {"ids": ids, "reason": "reset", "offset_seconds": offset}
    answer = (await company.ask("POST", "scans/release/", json=body)).json()
    assert answer["corrected"] == len(ids)
    assert (await company.sql("SELECT sum(used + merged) FROM days"))[0][0] == len(ids)
    too_many = {**body, "ids": [str(uuid4()) for _ in range(1001)]}
    assert "ids" in (await company.ask("POST", "scans/release/", json=too_many, expect=400)).json()["error"]


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({}, 400, "reason"),
        ({"reason": " "}, 400, "reason"),
        ({"reason": "x" * 501}, 400, "reason"),
        ({"reason": "a\u0000b"}, 400, "reason"),
        ({"reason": "x"}, 422, "say when the scan really was"),
        ({"reason": "x", "at": "2024-01-15T08:00:00"}, 400, "at"),
        ({"reason": "x", "local_time": "2024-01-15T08:00:00Z"}, 400, "local_time"),
        ({**MORNING, "at": "2024-01-15T02:00:07Z"}, 400, "local_time"),
        ({"reason": "x", "at": "2000-12-31T23:59:59Z"}, 422, "2001"),
        ({"reason": "x", "at": "2024-01-16T06:00:01Z"}, 422, "future"),
        ({"reason": "x", "at": "9999-12-31T23:59:59-14:00"}, 422, "future"),
        ({"reason": "x", "local_time": "0001-01-01T00:00:00"}, 422, "2001"),
        ({"reason": "x", "hour": 8}, 400, "hour"),
    ],
)
async def test_what_is_wrong_with_a_ruling_is_named(company: Office, body: dict[str, object], status: int, named: str):
    scan = await reset(company)
    answer = await company.ask("POST", f"scans/{scan}/release/", json=body, expect=status)
    assert answer.headers["content-type"] == "application/problem+json"
    assert named in answer.json()["error"]
    assert await company.sql("SELECT 1 FROM releases") == []


async def test_a_scan_may_count_up_to_a_day_ahead(company: Office):
    scan = await reset(company)
    await release(company, scan, {"reason": "x", "at": "2024-01-16T06:00:00Z"})


@pytest.mark.parametrize("offset", [3_000_000_000, -3_000_000_000])
async def test_an_offset_out_of_the_calendar_is_refused_of_that_scan(company: Office, offset: int):
    moments = ("9998-12-31 00:00", "0002-01-01 00:00")
    await company.scan("1", *moments, quality="future")
    ids = [str(scan_of("1", moment).scan_id) for moment in moments]
    body = {"ids": ids, "reason": "x", "offset_seconds": offset}
    answer = (await company.ask("POST", "scans/release/", json=body)).json()
    assert answer["refused"] == 2
    assert any("calendar" in one["error"] for one in answer["results"])


async def test_what_is_not_quarantined_is_409_and_what_is_not_there_404(company: Office):
    await company.scan("1", "2024-01-15 08:00")
    counted = scan_of("1", "2024-01-15 08:00").scan_id
    conflict = await company.ask("POST", f"scans/{counted}/release/", json=MORNING, expect=409)
    assert "not quarantined" in conflict.json()["error"]
    for missing in (uuid4(), UUID(int=0), "7", "x" * 99):
        for method in ("POST", "DELETE"):
            answer = await company.ask(method, f"scans/{missing}/release/", json=MORNING, expect=404)
            assert answer.json()["error"].startswith("there is no scan")
    await company.ask("DELETE", f"scans/{counted}/release/", expect=404)
    await company.ask("POST", f"scans/{counted}/release/?force=1", json=MORNING, expect=400)


async def test_scans_that_wait_for_a_ruling_are_listed_apart(company: Office):
    waiting, released = await reset(company, "1"), await reset(company, "2")
    await company.scan("3", "2031-01-01 08:00", quality="future")
    await company.scan("4", "2024-01-15 08:00")
    await release(company, released)

    async def badges(**parameters: str) -> list[str]:
        answer = await company.ask("GET", "scans/", params=parameters)
        assert answer.headers["x-total-count"] == str(len(answer.json()))
        return sorted(row["badge"] for row in answer.json())

    assert await badges(quarantined="true") == ["1", "3"]
    assert await badges(quarantined="false") == ["2", "4"]
    assert await badges(quarantined="true", quality="future") == ["3"]
    assert await badges(quarantined="true", employee="EMP001") == ["1"]
    assert "quarantined" in await company.refused("scans/", 400, quarantined="yes")
    (row,) = await company.get("scans/", quarantined="true", badge="1")
    assert (row["id"], row["release"], row["is_processed"]) == (waiting, None, False)


async def test_an_explanation_says_who_released_a_scan_from_which_time_and_why(company: Office):
    await company.machine()
    scan = await reset(company)
    await company.scan("1", "2024-01-15 17:00", quality="future")
    await release(company, scan)
    late = scan_of("1", "2024-01-15 17:00").scan_id
    await release(company, str(late), {"reason": "the server's clock was behind"})
    explained = await company.get("explain/", employee="EMP001", date="2024-01-15")
    first, last = explained["scans"]
    assert (first["time"], first["quality"], first["part"], first["machine_id"]) == (
        "08:00:07",
        "ok",
        "arrival",
        "door",
    )
    assert first["why"] == (
        "the first scan of the day is the arrival; corrected by hr from 2000-01-01 00:27:05, which the machine said "
        "(reason: the battery was changed)"
    )
    assert first["release"]["device_time"] == "2000-01-01T00:27:05"
    assert last["why"] == (
        "the last scan of the day is the departure; released by hr at the time that the machine said "
        "(reason: the server's clock was behind)"
    )
    assert "Scans: 2, of which 2 used, 0 merged and 0 quarantined." in explained["sentences"]


async def test_the_day_that_the_machine_said_explains_where_the_scan_went(company: Office):
    await company.scan("1", "2024-01-17 08:00", quality="future")
    scan = str(scan_of("1", "2024-01-17 08:00").scan_id)
    await release(company, scan)
    explained = await company.get("explain/", employee="EMP001", date="2024-01-17")
    (there,) = explained["scans"]
    assert there["part"] == "quarantined"
    assert there["why"].endswith(
        "corrected by hr to 2024-01-15 08:00:07, where it counts (reason: the battery was changed)"
    )
    await release(company, scan, {"reason": "an hour", "local_time": "2024-01-15T07:00:00"})
    await company.scan("1", "2024-01-15 09:00", quality="future")
    within = str(scan_of("1", "2024-01-15 09:00").scan_id)
    await release(company, within, {"reason": "an hour", "local_time": "2024-01-15T08:00:00"})
    explained = await company.get("explain/", employee="EMP001", date="2024-01-15")
    assert [(one["time"], one["part"]) for one in explained["scans"]] == [
        ("07:00:00", "arrival"),
        ("08:00:00", "departure"),
    ]


async def test_a_released_scan_of_a_badge_that_nobody_holds_waits_for_its_person(company: Office):
    scan = await reset(company, "77")
    assert await company.get("unknown-badges/") == []
    shown = await release(company, scan)
    assert (shown["employee"], shown["is_processed"]) == (None, False)
    (unknown,) = await company.get("unknown-badges/")
    assert (unknown["badge"], unknown["scans"], unknown["first_seen"]) == ("77", 1, "2024-01-15T02:00:07Z")
    await company.ask("DELETE", f"scans/{scan}/release/", expect=204)
    assert await company.get("unknown-badges/") == []
    await release(company, scan)
    await company.scan("77", "2024-01-15 17:30")
    (unknown,) = await company.get("unknown-badges/")
    assert (unknown["scans"], unknown["last_seen"]) == (2, "2024-01-15T11:30:00Z")
    person = (await company.ids())["EMP005"]
    await company.ask("POST", "unknown-badges/77/link/", json={"employee": person})
    await company.settle()
    assert await days(company) == [("2024-01-15", "EMP005", "08:00", "17:30")]
    (row,) = await company.get("scans/", quarantined="false", date="2000-01-01")
    assert (row["employee_id"], row["is_processed"]) == ("EMP005", True)


async def test_a_released_scan_counts_for_whoever_held_the_badge_when_it_really_was(company: Office):
    ids = await company.ids()
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"badges": [{"badge": "1", "until": "2024-01-10"}]})
    await company.ask(
        "PATCH", f"employees/{ids['EMP005']}/", json={"badges": ["5", {"badge": "1", "since": "2024-01-10"}]}
    )
    scan = await reset(company)
    (row,) = await company.get("scans/")
    assert row["employee_id"] == "EMP001"
    assert (await release(company, scan))["employee_id"] == "EMP005"
    assert await days(company) == [("2024-01-15", "EMP005", "08:00", None)]


async def test_a_badge_that_moves_takes_its_released_scans_along(company: Office):
    ids = await company.ids()
    await company.scan("1", "2031-01-01 08:00", quality="future")
    await release(company, str(scan_of("1", "2031-01-01 08:00").scan_id))
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"badges": []})
    await company.settle()
    assert await days(company) == []
    await company.ask("PATCH", f"employees/{ids['EMP005']}/", json={"badges": ["5", "1"]})
    await company.settle()
    assert await days(company) == [("2024-01-15", "EMP005", "08:00", None)]


async def test_a_change_of_rules_computes_released_scans_along(company: Office):
    scan = await reset(company)
    await release(company, scan)
    await company.sql("DELETE FROM days")
    await company.sql("INSERT INTO recomputations (reason) VALUES ('all of them')")
    await company.settle()
    assert await days(company) == [("2024-01-15", "EMP001", "08:00", None)]


async def test_whoever_sees_a_person_sees_their_released_scans_and_why(company: Office):
    scan = await reset(company, "2")
    await release(company, scan)
    for role in ("head", "employee"):
        (row,) = await company.get("scans/", by=role, quarantined="false")
        assert (row["id"], row["release"]["by_name"]) == (scan, "hr")
    assert await company.get("scans/", by="trainer", quarantined="false") == []


async def test_a_released_scan_is_seen_by_who_heads_the_unit_at_the_time_that_it_counts(company: Office):
    scan, person = await reset(company), (await company.ids())["EMP001"]
    await company.ask(
        "PATCH",
        f"employees/{person}/",
        json={"department": "Office"},
        params={"effective_from": "2024-01-12"},
    )
    (unit,) = await company.sql("SELECT id FROM units WHERE name = 'Office'")
    roles = frozenset({"department_head"})
    company.callers["new head"] = Caller(user=20, username="x", roles=roles, person=None, units=(unit["id"],))

    async def sees(role: str) -> bool:
        return [row["id"] for row in await company.get("scans/", by=role)] == [scan]

    assert (await sees("head"), await sees("new head")) == (True, False)
    await release(company, scan)
    assert (await sees("head"), await sees("new head")) == (False, True)


async def test_a_site_without_a_zone_has_its_released_scans_counted_when_it_gets_one(company: Office):
    await company.sql("UPDATE sites SET zone = NULL")
    scan = await reset(company)
    await release(company, scan)
    await company.sql("UPDATE rules SET n = n + 1")
    await company.scan("2", "2024-01-15 08:00")  # whose machine tells the zone
    await company.settle()
    assert await days(company) == [
        ("2024-01-15", "EMP001", "08:00", None),
        ("2024-01-15", "EMP002", "08:00", None),
    ]


async def test_the_clock_of_a_ruling_is_the_server_s(company: Office):
    scan = await reset(company)
    company.clock.time = datetime(2024, 1, 15, 6, 30, tzinfo=UTC)
    assert (await release(company, scan))["release"]["released_at"] == "2024-01-15T06:30:00Z"


async def test_nobody_rules_about_their_own_scans(company: Office):
    scan, other = await reset(company), await reset(company, "2")
    me = (await company.ids())["EMP001"]
    company.callers["me"] = Caller(user=21, username="ahmed", roles=frozenset({"hr"}), person=me)
    assert "their own scans" in (await release(company, scan, by="me", expect=403))["error"]
    both = {"reason": "battery", "offset_seconds": 758_000_000, "ids": [scan, other]}
    await company.ask("POST", "scans/release/", json=both, by="me", expect=403)
    assert await days(company) == []
    await release(company, other, by="me")
    await release(company, scan)
    await company.ask("DELETE", f"scans/{scan}/release/", by="me", expect=403)
    assert [code for _, code, _, _ in await days(company)] == ["EMP001", "EMP002"]
