"""Corrections over REST: edits by HR, requests and who approves them, and what days, lists and others hear of it."""

import asyncio
import json
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import pytest

from shared.contracts.cloudevents import decode
from shared.contracts.corrections import CorrectionChanged
from shared.contracts.days import DayUpdated
from shared.web.scope import Caller
from tests.attendance.api.office import Office, scan_of

DAY = "2024-01-14"
FIGURES = ("first_check_in_formatted", "last_check_out_formatted", "total_working_hours", "status", "overtime_hours")


async def key_of(office: Office, code: str = "EMP001", on: str = DAY) -> str:
    return f"{on.replace('-', '')}-{(await office.ids())[code]}"


async def day(office: Office, code: str = "EMP001", on: str = DAY) -> dict[str, Any]:
    found: dict[str, Any] = await office.get(f"daily-attendance/{await key_of(office, code, on)}/")
    return found


async def put(office: Office, body: Mapping[str, object], code: str = "EMP001", **options: Any) -> Any:
    return (await office.ask("PUT", f"daily-attendance/{await key_of(office, code)}/", json=body, **options)).json()


async def ask(
    office: Office, body: Mapping[str, object], *, by: str = "employee", expect: int = 201, **more: Any
) -> Any:
    facts = {"date": DAY, "reason": "the reader was broken", **body}
    return (await office.ask("POST", "corrections/", json=facts, by=by, expect=expect, **more)).json()


async def act(office: Office, id_: int, what: str, *, by: str = "hr", **options: Any) -> Any:
    return (await office.ask("POST", f"corrections/{id_}/{what}/", by=by, **options)).json()


async def stored_days(office: Office) -> list[dict[str, Any]]:
    rows = await office.sql("SELECT * FROM days WHERE used > 0 ORDER BY date, person_id")
    return [{k: v for k, v in dict(row).items() if k not in ("n", "created_at", "updated_at")} for row in rows]


async def told(office: Office, kind: type[Any] = DayUpdated) -> list[Any]:
    rows = await office.sql("SELECT content_type, payload FROM outbox WHERE type = $1 ORDER BY seq", kind.wire_type)
    return [e.data for row in rows for e in decode(row["payload"], row["content_type"], kind)]


async def rule(office: Office, **values: object) -> None:
    """A setting of the site, from now on and for ever."""
    said = json.dumps(values)
    await office.sql("INSERT INTO settings (site_id, values, during) VALUES (1, $1::text::jsonb, '(,)')", said)
    await office.sql("UPDATE rules SET n = n + 1")


def figures(record: Mapping[str, Any]) -> list[Any]:
    return [record[name] for name in FIGURES]


async def test_hr_edits_a_day_and_the_record_shows_it_and_scans_stay(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 20:00")
    evidence = await company.sql("SELECT * FROM scans ORDER BY local_at")

    body = {"first_check_in": "08:30", "last_check_out": f"{DAY}T17:00:00+06:00", "notes": "went home at five"}
    shown = await put(company, body)

    assert figures(shown) == ["08:30", "17:00", 7.5, "Present-Late", 0.0]
    assert (shown["is_edited"], shown["edited_by"], shown["edited_by_name"]) == (True, 2, "hr")
    assert (shown["edited_at"], shown["notes"]) == ("2024-01-15T06:00:00Z", "went home at five")
    assert shown == await day(company)
    assert shown in await company.get("daily-attendance/", date=DAY)
    assert await company.sql("SELECT * FROM scans ORDER BY local_at") == evidence
    kept = await company.get("corrections/", employee="EMP001", ordering="asked_at")
    assert {one["kind"] for one in kept} == {"scan", "set_aside", "figure"}
    assert {(one["state"], one["reason"]) for one in kept} == {("approved", "went home at five")}
    assert {one["before"]["worked"] for one in kept} == {660}
    assert {one["after"]["worked"] for one in kept} == {450}


async def test_others_hear_of_the_day_and_of_the_corrections(company: Office):
    await company.scan("1", f"{DAY} 08:00")
    await put(company, {"last_check_out": "17:00", "reason": "forgot"})
    assert [(event.check_out, event.worked_minutes) for event in await told(company)] == [(None, 0), ("17:00", 480)]
    (event,) = await told(company, CorrectionChanged)
    assert (event.employee_id, event.kind, event.state, event.version.n) == ("EMP001", "scan", "approved", 1)
    assert event.values == {"at": "2024-01-14T11:00:00Z", "type": "OUT", "replaces": None}
    assert (event.asked.name, event.asked.reason, event.before["worked"], event.after["worked"]) == (
        "hr",
        "forgot",
        0,
        480,
    )


async def test_figures_by_hand_hold_until_they_are_withdrawn(company: Office):
    await company.scan("1", f"{DAY} 08:30", f"{DAY} 20:00")
    before = await stored_days(company)
    body = {"overtime_hours": 1.5, "extra_overtime_hours": 5, "status": "Present-OnTime", "reason": "agreed"}
    shown = await put(company, body)
    assert (shown["overtime_hours"], shown["extra_overtime_hours"], shown["night_bill_eligible"]) == (1.5, 5.0, True)
    assert (shown["status"], shown["late_minutes"]) == ("Present-OnTime", 0)
    await company.scan("1", f"{DAY} 21:00")
    assert (await day(company))["extra_overtime_hours"] == 5.0
    await company.ask("DELETE", f"daily-attendance/{await key_of(company)}/", expect=204)
    after = await day(company)
    assert (after["status"], after["overtime_hours"], after["extra_overtime_hours"]) == ("Present-Late", 2.0, 2.0)
    assert (after["is_edited"], after["edited_by"], after["notes"]) == (False, None, "")
    assert len(await company.sql("SELECT 1 FROM scans")) == 3
    assert len(before) == len(await stored_days(company))


async def test_a_record_that_is_deleted_is_as_it_was_and_a_trace_is_left(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 17:00")
    before, shown = await stored_days(company), await day(company)
    await put(company, {"first_check_in": "09:00", "reason": "x"})
    assert await stored_days(company) != before
    path = f"daily-attendance/{await key_of(company)}/"
    await company.ask("DELETE", path, by="admin", expect=204, params={"reason": "a mistake"})
    assert await stored_days(company) == before
    changed = ("updated_at",)
    assert {k: v for k, v in (await day(company)).items() if k not in changed} == {
        k: v for k, v in shown.items() if k not in changed
    }
    trace = await company.get("corrections/", state="withdrawn")
    assert {(one["withdrawn_by_name"], one["withdrawal_reason"]) for one in trace} == {("admin", "a mistake")}
    assert "never deleted" in (await company.ask("DELETE", path, expect=409)).json()["error"]


async def test_a_day_without_scans_can_be_entered_by_hand(company: Office):
    body = {
        "employee": "EMP001",
        "date": DAY,
        "first_check_in": "08:00",
        "last_check_out": "17:30",
        "reason": "offline",
    }
    shown = (await company.ask("POST", "daily-attendance/", json=body, expect=201)).json()
    assert figures(shown) == ["08:00", "17:30", 8.5, "Present-OnTime", 0.5]
    assert shown["id"] == await key_of(company)
    row = next(r for r in await company.get("daily-attendance/summary/", date=DAY) if r["employee_id"] == "EMP001")
    assert row["scans"] == [{"time": "08:00", "type": "IN"}, {"time": "17:30", "type": "OUT"}]
    await company.ask("DELETE", f"daily-attendance/{shown['id']}/", expect=204)
    assert (await day(company))["status"] == "Absent"


async def test_a_whole_record_that_is_sent_back_changes_only_what_it_changes(company: Office):
    await company.scan("1", f"{DAY} 08:00:20", f"{DAY} 17:30:40")
    record = await day(company)
    await put(company, {**record, "reason": "nothing"})
    assert await company.get("corrections/") == []
    shown = await put(company, {**record, "overtime_hours": 0.25, "notes": "agreed"})
    assert (shown["overtime_hours"], shown["first_check_in"]) == (0.25, record["first_check_in"])
    (one,) = await company.get("corrections/")
    assert one["values"] == {"overtime_minutes": 15, "note": "agreed"}
    again = await put(company, {**shown, "reason": "nothing"})
    assert again == shown


async def test_single_corrections_may_be_made_with_an_edit(company: Office):
    await company.scan("1", f"{DAY} 06:00", f"{DAY} 08:00")
    wrong = str(scan_of("1", f"{DAY} 06:00").scan_id)
    body = {
        "employee": "EMP001",
        "date": DAY,
        "reason": "somebody else's badge; then on the road",
        "corrections": [{"kind": "set_aside", "scan": wrong}, {"kind": "duty", "at": "14:00", "until": "18:00"}],
    }
    shown = (await company.ask("POST", "daily-attendance/", json=body, expect=201)).json()
    assert figures(shown) == ["08:00", "18:00", 9.0, "Present-OnTime", 1.0]
    assert "set aside" in (await company.ask("POST", "daily-attendance/", json=body, expect=409)).json()["error"]


async def test_an_edit_is_made_to_the_day_that_was_read(company: Office):
    await company.scan("1", f"{DAY} 08:00")
    path = f"daily-attendance/{await key_of(company)}/"
    tag = (await company.ask("GET", path)).headers["etag"]
    await company.scan("1", f"{DAY} 17:00")
    body = {"last_check_out": "18:00", "reason": "x"}
    await company.ask("PUT", path, json=body, headers={"If-Match": tag}, expect=412)
    await company.ask("DELETE", path, headers={"If-Match": tag}, expect=412)
    now = (await company.ask("GET", path)).headers["etag"]
    await company.ask("PUT", path, json=body, headers={"If-Match": now})


async def test_what_is_sent_again_is_answered_again_and_done_once(company: Office):
    body = {"employee": "EMP001", "date": DAY, "first_check_in": "08:00", "reason": "x"}
    key = {"Idempotency-Key": "c1"}
    first = await company.ask("POST", "daily-attendance/", json=body, headers=key, expect=201)
    again = await company.ask("POST", "daily-attendance/", json=body, headers=key, expect=201)
    assert first.content == again.content
    one = await ask(company, {"kind": "scan", "at": "17:00", "type": "OUT"}, headers={"Idempotency-Key": "c2"})
    assert await ask(company, {"kind": "scan", "at": "17:00", "type": "OUT"}, headers={"Idempotency-Key": "c2"}) == one
    done = await act(company, one["id"], "approve", headers={"Idempotency-Key": "c3"})
    assert await act(company, one["id"], "approve", headers={"Idempotency-Key": "c3"}) == done
    assert len(await company.sql("SELECT 1 FROM corrections")) == 2


async def test_an_employee_asks_the_head_approves_and_the_day_follows(company: Office):
    await company.scan("2", f"{DAY} 08:00")
    asked = await ask(company, {"kind": "scan", "at": "17:30", "type": "OUT"})
    assert (asked["state"], asked["employee_id"], asked["asked_by_name"]) == ("requested", "EMP002", "bela")
    assert (await day(company, "EMP002"))["is_edited"] is False
    assert await company.get("corrections/", by="head", state="requested") == [asked]

    done = await act(company, asked["id"], "approve", by="head", json={"reason": "I saw her"})

    assert (done["state"], done["decided_by_name"], done["decision_reason"]) == ("approved", "head", "I saw her")
    assert (done["before"]["worked"], done["after"]["worked"]) == (0, 510)
    shown = await day(company, "EMP002")
    assert (figures(shown)[:3], shown["edited_by_name"]) == (["08:00", "17:30", 8.5], "head")
    assert [event.state for event in await told(company, CorrectionChanged)] == ["requested", "approved"]
    explained = await company.get("explain/", employee="EMP002", date=DAY)
    (line,) = [line for line in explained["sentences"] if line.startswith("Corrected")]
    assert line == (
        "Corrected: a scan at 17:30 (OUT) was entered by hand; asked by bela at 2024-01-15 06:00 UTC, reason: "
        "the reader was broken; approved by head at 2024-01-15 06:00 UTC."
    )
    assert explained["without_corrections"]["check_out"] is None
    assert explained["corrections"][0]["id"] == asked["id"]


async def test_a_scan_of_the_wrong_type_counts_as_the_right_one(company: Office):
    await rule(company, resolver="by_key")
    await company.scan("2", f"{DAY} 08:00", f"{DAY} 17:00")
    assert (await day(company, "EMP002"))["last_check_out"] is None
    scan = str(scan_of("2", f"{DAY} 17:00").scan_id)
    asked = await ask(company, {"kind": "scan", "scan": scan, "type": "OUT"})
    await act(company, asked["id"], "approve")
    assert figures(await day(company, "EMP002"))[:3] == ["08:00", "17:00", 8.0]
    await act(company, asked["id"], "withdraw")
    assert (await day(company, "EMP002"))["last_check_out"] is None
    await ask(company, {"kind": "scan", "scan": scan, "type": "IN"}, expect=409)


@pytest.mark.parametrize(
    ("acts", "refused"),
    [
        (["approve"], ["approve", "reject"]),
        (["reject"], ["approve", "reject", "withdraw"]),
        (["withdraw"], ["approve", "reject", "withdraw"]),
        (["approve", "withdraw"], ["approve", "reject", "withdraw"]),
    ],
)
async def test_a_correction_goes_one_way(company: Office, acts: list[str], refused: list[str]):
    asked = await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00"})
    for each in acts:
        await act(company, asked["id"], each, json={"reason": "so"})
    for each in refused:
        error = (await act(company, asked["id"], each, json={"reason": "so"}, expect=409))["error"]
        assert "cannot be" in error
    (shown,) = await company.get("corrections/")
    assert len(await told(company, CorrectionChanged)) == 1 + len(acts)
    in_force = shown["state"] == "approved"
    assert (await day(company, "EMP002"))["status"] == ("Present-Late" if in_force else "Absent")


async def test_nobody_approves_or_corrects_their_own(company: Office):
    ids = await company.ids()
    company.callers["hr too"] = Caller(user=30, username="dipa", roles=frozenset({"hr"}), person=ids["EMP004"])
    mine = {"kind": "duty", "at": "09:00", "until": "17:00"}
    own = await ask(company, mine, by="hr too")
    await act(company, own["id"], "approve", by="hr too", expect=403)
    await put(company, {"first_check_in": "08:00", "reason": "x"}, "EMP004", by="hr too", expect=403)
    of_other = await ask(company, {**mine, "employee": "EMP001"}, by="hr")
    assert "asked for" in (await act(company, of_other["id"], "approve", by="hr", expect=403))["error"]
    await act(company, of_other["id"], "approve", by="head")
    await act(company, own["id"], "approve", by="head", expect=403)  # it is the head's own as well
    await act(company, own["id"], "approve", by="hr")
    await act(company, own["id"], "withdraw", by="hr too", expect=403)


async def test_who_may_ask_see_and_decide(company: Office):
    asked = await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00"})
    for role, sees in {"hr": 1, "head": 1, "employee": 1, "trainer": 0, "nobody": 0, "device": 0}.items():
        assert len(await company.get("corrections/", by=role)) == sees, role
        await company.ask("GET", f"corrections/{asked['id']}/", by=role, expect=200 if sees else 404)
    await act(company, asked["id"], "approve", by="employee", expect=403)
    await act(company, asked["id"], "withdraw", by="trainer", expect=404)
    await ask(company, {"kind": "figure", "overtime_hours": 2}, expect=403)
    await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00", "employee": "EMP001"}, expect=400)
    await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00"}, by="nobody", expect=400)
    await ask(company, {"kind": "figure", "overtime_hours": 2, "employee": "EMP003"}, by="head")
    await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00", "employee": "EMP005"}, by="head", expect=400)
    of_emon = await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00"}, by="trainer")
    await act(company, of_emon["id"], "approve", by="head", expect=404)
    await put(company, {"first_check_in": "08:00", "reason": "x"}, by="head", expect=403)
    await act(company, asked["id"], "withdraw", by="employee")


async def test_a_month_has_so_many_requests_as_the_setting_says(company: Office):
    await rule(company, corrections_per_month=2)
    duty = {"kind": "duty", "at": "09:00", "until": "17:00"}
    first = await ask(company, duty)
    await ask(company, {**duty, "date": "2024-01-10"})
    assert "you may ask for 2" in (await ask(company, {**duty, "date": "2024-01-11"}, expect=409))["error"]
    await ask(company, {**duty, "date": "2023-12-31"})
    await act(company, first["id"], "reject", json={"reason": "no"})
    await ask(company, {**duty, "date": "2024-01-11"})
    await ask(company, {**duty, "date": "2024-01-12", "employee": "EMP002"}, by="hr")


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"kind": "scan", "at": "17:00"}, 422, "type"),
        ({"kind": "scan", "type": "IN"}, 422, "at"),
        ({"kind": "scan", "at": "17:00", "type": "SIDEWAYS"}, 400, "type"),
        ({"kind": "scan", "at": "25:00", "type": "IN"}, 400, "at"),
        ({"kind": "scan", "at": "2024-01-14T08:00:00", "type": "IN"}, 400, "zone"),
        ({"kind": "scan", "at": "2024-01-16T08:00:00Z", "type": "IN"}, 422, "does not lie in the day"),
        ({"kind": "scan", "at": "17:00", "type": "IN", "date": "2024-01-15"}, 422, "future"),
        ({"kind": "scan", "scan": "7b1f2f3e-0000-4000-8000-000000000001", "type": "IN"}, 422, "no scan"),
        ({"kind": "set_aside"}, 422, "scan"),
        ({"kind": "duty", "at": "09:00"}, 422, "until"),
        ({"kind": "duty", "at": "09:00", "until": "08:00"}, 422, "until"),
        ({"kind": "duty", "at": "09:00", "until": "10:00", "date": "2024-02-16"}, 422, "31 days"),
        ({"kind": "figure"}, 422, "overtime_hours"),
        ({"kind": "figure", "overtime_hours": 25}, 400, "overtime_hours"),
        ({"kind": "figure", "overtime_hours": 20, "extra_overtime_hours": 5}, 422, "more than the day has"),
        ({"kind": "figure", "overtime_hours": 1, "employee": "EMP004"}, 422, "workers' alone"),
        ({"kind": "figure", "status": "Absent"}, 422, "status"),
        ({"kind": "guess"}, 400, "kind"),
        ({"kind": "duty", "at": "09:00", "until": "17:00", "reason": " "}, 400, "reason"),
        ({"kind": "duty", "at": "09:00", "until": "17:00", "employee": "EMP999"}, 400, "EMP999"),
        ({"kind": "duty", "at": "09:00", "until": "17:00", "date": "2024-13-01"}, 400, "date"),
    ],
)
async def test_what_is_wrong_with_a_correction_is_named(
    company: Office, body: dict[str, object], status: int, named: str
):
    answer = await ask(company, {"employee": "EMP001", **body}, by="hr", expect=status)
    assert named in answer["error"]
    assert await company.sql("SELECT 1 FROM corrections") == []


@pytest.mark.parametrize(
    ("body", "status", "named"),
    [
        ({"first_check_in": "08:00"}, 400, "reason"),
        ({"first_check_in": "18:00", "last_check_out": "17:00", "reason": "x"}, 422, "before it begins"),
        ({"last_check_out": "17:00", "reason": "x", "colour": "red"}, 400, "colour"),
        ({"status": "Holiday", "reason": "x"}, 422, "calendar"),
        ({"first_check_in": 8, "reason": "x"}, 400, "first_check_in"),
    ],
)
async def test_what_is_wrong_with_an_edit_is_named(company: Office, body: dict[str, object], status: int, named: str):
    assert named in (await put(company, body, expect=status))["error"]
    assert await company.sql("SELECT 1 FROM corrections") == []


async def test_what_is_not_there_is_404(company: Office):
    for id_ in ("9", "x", "9" * 30):
        await company.ask("GET", f"corrections/{id_}/", expect=404)
        await company.ask("POST", f"corrections/{id_}/approve/", expect=404)
    for method in ("PUT", "DELETE"):
        await company.ask(method, "daily-attendance/20240114-999/", json={"reason": "x"}, expect=404)


async def test_whether_scans_come_before_or_after_a_correction_gives_the_same_day(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 19:00")
    await put(company, {"first_check_in": "09:00", "overtime_hours": 1, "reason": "x"})
    corrected_last = await stored_days(company)
    await company.sql("DELETE FROM days")
    await company.sql("INSERT INTO recomputations (reason) VALUES ('all of them')")
    await company.settle()
    assert await stored_days(company) == corrected_last


async def test_a_change_of_rules_takes_corrections_along_to_the_day_that_they_then_belong_to(company: Office):
    await company.scan("1", f"{DAY} 08:00")
    await put(company, {"last_check_out": "03:00", "reason": "x"})
    assert (await day(company))["last_check_out_formatted"] == "03:00"
    await rule(company, day_boundary="02:00")
    await company.sql("INSERT INTO recomputations (reason) VALUES ('another boundary')")
    await company.settle()
    assert (await day(company))["last_check_out"] is None
    moved = await day(company, on="2024-01-15")
    assert (moved["first_check_in_formatted"], moved["is_edited"]) == ("03:00", True)


async def test_a_person_without_a_badge_can_be_corrected(company: Office):
    await company.import_people("employee_id,name", "EMP006,Farid")
    shown = await put(company, {"first_check_in": "08:00", "reason": "no badge yet"}, "EMP006")
    assert shown["first_check_in_formatted"] == "08:00"


async def test_the_clock_of_a_correction_is_the_server_s(company: Office):
    company.clock.time = datetime(2024, 1, 15, 6, 30, tzinfo=UTC)
    assert (await ask(company, {"kind": "duty", "at": "09:00", "until": "17:00"}))["asked_at"] == "2024-01-15T06:30:00Z"


async def history(office: Office, code: str = "EMP001", **options: Any) -> list[dict[str, Any]]:
    path = f"daily-attendance/{await key_of(office, code)}/history/"
    found: list[dict[str, Any]] = (await office.ask("GET", path, **options)).json()
    return found


async def test_a_history_has_scans_as_they_arrived_corrections_and_what_each_changed(company: Office):
    await company.machine()
    first, late = datetime(2024, 1, 14, 2, 1, tzinfo=UTC), datetime(2024, 1, 15, 5, tzinfo=UTC)
    await company.scan("2", f"{DAY} 08:30", received_at=first)
    asked = await ask(company, {"kind": "scan", "at": "17:30", "type": "OUT"})
    company.clock.time = datetime(2024, 1, 15, 7, tzinfo=UTC)
    await act(company, asked["id"], "approve", by="head")
    company.clock.time = datetime(2024, 1, 15, 8, tzinfo=UTC)
    await act(company, asked["id"], "withdraw", json={"reason": "she was not here"})
    await company.scan("2", f"{DAY} 08:00", received_at=late)

    steps = await history(company, "EMP002")

    assert [(step["what"], step["by_name"], step["at"]) for step in steps] == [
        ("scan_arrived", None, "2024-01-14T02:01:00Z"),
        ("scan_arrived", None, "2024-01-15T05:00:00Z"),
        ("correction_requested", "bela", "2024-01-15T06:00:00Z"),
        ("correction_approved", "head", "2024-01-15T07:00:00Z"),
        ("correction_withdrawn", "hr", "2024-01-15T08:00:00Z"),
    ]
    assert steps[0]["changed"] == {"status": ["Absent", "Present-Late"], "check_in": [None, "08:30"]}
    assert steps[0]["scan"]["machine_id"] == "door"
    assert steps[1]["changed"]["check_in"] == ["08:30", "08:00"]
    assert steps[2]["changed"] == {}
    assert steps[3]["changed"] == {"check_out": ["08:30", "17:30"], "working_hours": [0.5, 8.5], "overtime": [0.0, 0.5]}
    assert steps[4]["changed"]["check_out"] == ["17:30", "08:30"]
    assert (steps[4]["reason"], steps[4]["correction"]["state"]) == ("she was not here", "withdrawn")


async def test_a_history_has_what_a_change_of_rules_made_of_the_day(company: Office):
    await company.scan("1", f"{DAY} 08:00", f"{DAY} 18:00")
    await company.settle()
    await rule(company, overtime_start_time="16:00", safe_entry_time="07:00", late_entry_time="07:00")
    await company.sql("INSERT INTO recomputations (reason) VALUES ('new hours')")
    await company.settle()
    (step,) = [step for step in await history(company) if step["what"] == "recomputed"]
    assert (step["reason"], step["changed"]) == (
        "new hours",
        {"status": ["Present-OnTime", "Present-Late"], "overtime": [1.0, 2.0]},
    )
    await company.sql("INSERT INTO recomputations (reason) VALUES ('once more')")
    await company.settle()
    assert len([step for step in await history(company) if step["what"] == "recomputed"]) == 1


async def test_a_history_says_when_a_scan_was_released_and_when_no_more(company: Office):
    await company.scan("1", f"{DAY} 08:00", quality="future")
    scan = scan_of("1", f"{DAY} 08:00").scan_id
    assert await history(company) == []
    await company.ask("POST", f"scans/{scan}/release/", json={"reason": "it is right"})
    await company.ask("DELETE", f"scans/{scan}/release/", expect=204)
    assert [(step["what"], step["by_name"]) for step in await history(company)] == [
        ("scan_released", "hr"),
        ("release_withdrawn", "hr"),
    ]


async def test_a_history_is_seen_by_whoever_sees_the_day(company: Office):
    await company.scan("1", f"{DAY} 08:00")
    assert len(await history(company, by="head")) == 1
    await history(company, by="employee", expect=404)


async def test_scans_and_corrections_that_come_at_once_are_all_counted(company: Office):
    moments = [f"{DAY} {hour:02}:00" for hour in range(7, 19)]
    key = await key_of(company)
    person = (await company.ids())["EMP001"]

    async def correct(hour: int) -> None:
        body = {"kind": "scan", "at": f"{hour:02}:30", "type": "IN"}
        facts = {"employee": person, "date": DAY, "reason": "x", "corrections": [body]}
        await company.ask("POST", "daily-attendance/", json=facts, expect=201)

    async with asyncio.TaskGroup() as tasks:
        for number, moment in enumerate(moments):
            tasks.create_task(company.scan("1", moment))
            tasks.create_task(correct(7 + number))

    assert (await company.get(f"daily-attendance/{key}/"))["total_scans"] == 24
    at_once = await stored_days(company)
    await company.sql("DELETE FROM days")
    await company.sql("INSERT INTO recomputations (reason) VALUES ('all of them')")
    await company.settle()
    assert await stored_days(company) == at_once


@pytest.mark.parametrize(
    ("body", "by", "other"),
    [
        ({"kind": "scan", "at": "17:00", "type": "OUT"}, "employee", {"at": "17:01"}),
        ({"kind": "duty", "at": "09:00", "until": "12:00"}, "employee", {"until": "13:00"}),
        ({"kind": "figure", "overtime_hours": 1}, "head", {"overtime_hours": 2}),
        ({"kind": "set_aside"}, "head", {"date": "2024-01-13"}),
    ],
    ids=lambda value: value.get("kind") if isinstance(value, dict) else None,
)
async def test_nobody_asks_twice_for_the_same_while_it_waits_or_is_in_force(
    company: Office, body: dict[str, Any], by: str, other: dict[str, Any]
):
    await company.scan("2", f"{DAY} 08:00", "2024-01-13 08:00")
    scans = {str(row["local_at"].date()): str(row["id"]) for row in await company.sql("SELECT id, local_at FROM scans")}

    async def again(expect: int, **changed: Any) -> Any:
        said = {"employee": "EMP002", "date": DAY, **body, **changed}
        if body["kind"] == "set_aside":
            said["scan"] = scans[said["date"]]
        return await ask(company, said, by=by, expect=expect)

    first = await again(201)
    waits = (await again(409))["error"]
    assert f"correction {first['id']}, which waits to be approved" in waits
    await again(201, **other)
    await act(company, first["id"], "approve")
    await again(409)
    await act(company, first["id"], "withdraw", json={"reason": "so"})
    await again(201)


async def test_two_who_ask_for_the_same_at_once_make_one_request(company: Office):
    body = {"employee": "EMP002", "date": DAY, "kind": "scan", "at": "17:00", "type": "OUT", "reason": "forgot"}
    answers = await asyncio.gather(
        *(company.ask("POST", "corrections/", json=body, by=by, expect=None) for by in ("employee", "head", "hr"))
    )
    assert sorted(answer.status_code for answer in answers) == [201, 409, 409]
    assert len(await company.get("corrections/")) == 1
