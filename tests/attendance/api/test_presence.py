"""Who is in now over REST, and the muster list in its three forms, also where the broker or the database is away."""

import csv
import io
from datetime import UTC, date, datetime, timedelta

import httpx
import pytest

from services.attendance.settings import Settings
from services.attendance.storage.reading_presence import PEOPLE
from services.attendance.wiring import HISTORY, build
from shared.bus.opening import open_bus
from shared.contracts.event import Version
from shared.runtime.hosting import hosted
from shared.runtime.peers import LocalTransport
from shared.storage.database import Database
from shared.storage.migrations import upgrade
from shared.web.tokens import Tokens
from tests.attendance.api.office import SECRET, ZONE, Office, office_on, scan_of
from tests.attendance.api.test_corrections import act, ask
from tests.attendance.api.test_schedules import NIGHT, works
from tests.attendance.api.test_schedules import made as settings_made
from tests.attendance.api.test_who_may_see_what import SEES
from tests.servers.ports import free_port
from tests.servers.postgres import PrivatePostgres


async def states(office: Office, by: str = "hr", **parameters: str) -> dict[str, str]:
    """Where everybody is, by their code."""
    answer = await office.get("presence/", by=by, **parameters)
    return {row["employee_id"]: row["state"] for row in answer["people"]}


async def test_who_is_in_is_said_with_since_when_where_and_how_it_is_known(company: Office):
    await company.machine()
    await company.scan("1", "2024-01-15 07:58")
    await company.scan("2", "2024-01-15 08:01", "2024-01-15 11:30")
    await company.scan("3", "2024-01-15 08:02")
    await company.scan("3", "2024-01-15 11:45", type="OUT")
    answer = await company.get("presence/")
    assert answer["at"] == "2024-01-15T06:00:00Z"
    assert answer["counts"] == {"in": 1, "out": 3, "unknown": 1}
    assert answer["warning"] is None
    people = {row["employee_id"]: row for row in answer["people"]}
    assert people["EMP001"] == {
        "id": people["EMP001"]["id"],
        "employee_id": "EMP001",
        "employee_name": "Ahmed Khan",
        "department": "Sewing",
        "designation": "Senior Tailor",
        "site": 1,
        "state": "in",
        "since": "2024-01-15T07:58:00+06:00",
        "known_by": "first_scan",
        "why": "came, and was not seen since",
        "machine": "door",
        "machine_name": "Front door",
    }
    told = {code: (row["state"], row["since"], row["known_by"]) for code, row in people.items()}
    assert told["EMP002"] == ("unknown", "2024-01-15T11:30:00+06:00", "last_scan")
    assert told["EMP003"] == ("out", "2024-01-15T11:45:00+06:00", "by_key")
    assert told["EMP004"] == told["EMP005"] == ("out", None, "not_seen")
    (site,) = answer["sites"]
    assert (site["name"], site["in"], site["out"], site["unknown"]) == ("Main site", 1, 3, 1)
    assert site["departments"] == [
        {"department": "Hems", "in": 0, "out": 1, "unknown": 0},
        {"department": "Office", "in": 0, "out": 1, "unknown": 0},
        {"department": "Sewing", "in": 1, "out": 0, "unknown": 1},
        {"department": None, "in": 0, "out": 1, "unknown": 0},
    ]


async def test_filters_narrow_people_and_counts_and_the_state_only_people(company: Office):
    await company.scan("1", "2024-01-15 08:00")
    await company.scan("4", "2024-01-15 08:00")
    assert set(await states(company, department="Sewing")) == {"EMP001", "EMP002", "EMP003"}
    assert set(await states(company, department="Hems")) == {"EMP003"}
    assert set(await states(company, search="dipa")) == {"EMP004"}
    assert set(await states(company, site="main site")) == {f"EMP00{n}" for n in range(1, 6)}
    narrowed = await company.get("presence/", state="in", department="Sewing")
    assert [row["employee_id"] for row in narrowed["people"]] == ["EMP001"]
    assert narrowed["counts"] == {"in": 1, "out": 2, "unknown": 0}
    assert "there is no site 'Mars'" in await company.refused("presence/", 400, site="Mars")
    assert "there is no department" in await company.refused("presence/", 400, department="Mars")
    assert "state" in await company.refused("presence/", 400, state="asleep")
    assert "format" in await company.refused("presence/muster/", 400, format="pdf")


async def test_everybody_sees_exactly_whom_they_may_see(company: Office):
    for number in range(1, 6):
        await company.scan(str(number), "2024-01-15 08:00")
    await company.scan("stranger", "2024-01-15 08:00")
    for role, seen in SEES.items():
        assert sorted(await states(company, by=role)) == seen, role
        answer = await company.get("presence/", by=role)
        assert answer["counts"] == {"in": len(seen), "out": 0, "unknown": 0}, role
        muster = await company.get("presence/muster/", by=role)
        listed = [row["employee_id"] for group in muster["groups"] for row in group["people"]]
        assert sorted(listed) == seen, role
        assert len(muster["unknown_badges"]) == (1 if role in ("admin", "hr") else 0), role


async def test_who_works_nights_is_in_after_the_date_has_changed_and_who_forgot_to_leave_is_not(company: Office):
    await company.scan("1", "2024-01-14 22:00")
    await company.scan("2", "2024-01-14 08:00")
    company.clock.time = datetime(2024, 1, 14, 23, 30, tzinfo=UTC)  # 05:30 on the 15th in Dhaka
    answer = await company.get("presence/")
    told = {row["employee_id"]: (row["state"], row["known_by"]) for row in answer["people"]}
    assert told["EMP001"] == ("in", "first_scan")
    assert told["EMP002"] == ("out", "day_over")


async def test_the_order_in_which_scans_arrive_and_their_repetition_change_nothing(company: Office):
    scans = [
        scan_of("1", "2024-01-15 08:00"),
        scan_of("1", "2024-01-15 09:00", type="OUT"),
        scan_of("1", "2024-01-15 10:00"),
    ]
    for order in (scans, scans[::-1], [scans[1], scans[0], scans[2], scans[1]]):
        await company.sql("TRUNCATE scans, days")
        for scan in order:
            await company.record([scan])
        answer = await company.get("presence/", search="EMP001")
        (row,) = answer["people"]
        assert (row["state"], row["since"], row["known_by"]) == ("in", "2024-01-15T10:00:00+06:00", "by_key")


async def test_where_a_machine_keeps_turns_the_last_scan_tells(company: Office):
    await company.sql(
        """INSERT INTO settings (site_id, values, during) VALUES (1, '{"resolver": "alternate"}', '(,)') RETURNING 1"""
    )
    await company.sql("UPDATE rules SET n = n + 1 RETURNING n")
    await company.scan("1", "2024-01-15 08:00", "2024-01-15 09:00", "2024-01-15 10:00")
    await company.scan("2", "2024-01-15 08:00", "2024-01-15 09:00")
    told = {row["employee_id"]: (row["state"], row["known_by"]) for row in (await company.get("presence/"))["people"]}
    assert told["EMP001"] == ("in", "alternate")
    assert told["EMP002"] == ("out", "alternate")


async def test_scans_that_do_not_count_say_nothing_until_they_are_released(company: Office):
    await company.scan("1", "2000-01-01 00:27", quality="implausible_past")
    assert (await states(company))["EMP001"] == "out"
    scan_id = scan_of("1", "2000-01-01 00:27").scan_id
    body = {"reason": "its battery was changed", "local_time": "2024-01-15T08:00:00"}
    await company.ask("POST", f"scans/{scan_id}/release/", json=body)
    assert (await states(company))["EMP001"] == "in"


async def test_approved_corrections_count_in_the_order_of_events(company: Office):
    async def told(code: str) -> tuple[str, str, str | None]:
        (row,) = (await company.get("presence/", search=code))["people"]
        return row["state"], row["known_by"], row["since"] and row["since"][11:16]

    await company.scan("1", "2024-01-15 08:00")
    await company.scan("2", "2024-01-15 08:00", "2024-01-15 11:00")
    left = {"date": "2024-01-15", "reason": "the reader was broken", "kind": "scan", "at": "10:30", "type": "OUT"}
    asked = await ask(company, {**left, "employee": (await company.ids())["EMP001"]}, by="head")
    assert await told("EMP001") == ("in", "first_scan", "08:00")
    await act(company, asked["id"], "approve")
    assert await told("EMP001") == ("out", "corrected", "10:30")
    await company.scan("1", "2024-01-15 11:40")
    assert (await told("EMP001"))[2] == "11:40"

    assert await told("EMP002") == ("unknown", "last_scan", "11:00")
    scan_id = str(scan_of("2", "2024-01-15 11:00").scan_id)
    aside = {"date": "2024-01-15", "reason": "it was Bela's brother", "kind": "set_aside", "scan": scan_id}
    made = await ask(company, {**aside, "employee": (await company.ids())["EMP002"]}, by="head")
    await act(company, made["id"], "approve")
    assert await told("EMP002") == ("in", "first_scan", "08:00")
    await act(company, made["id"], "withdraw")
    assert await told("EMP002") == ("unknown", "last_scan", "11:00")


async def test_whoever_works_by_shifts_is_in_by_their_own_day(company: Office):
    await settings_made(company, "shifts", NIGHT)
    await works(company, {"name": "Nights", "shift": "N"}, employee="EMP001")
    for badge in ("1", "2"):
        await company.scan(badge, "2024-01-14 21:50", "2024-01-15 04:30")
    company.clock.time = datetime(2024, 1, 14, 23, 0, tzinfo=UTC)  # 05:00 on the 15th in Dhaka
    told = {row["employee_id"]: (row["state"], row["known_by"]) for row in (await company.get("presence/"))["people"]}
    # By the night's own safe exit, 06:00, nobody knows; by the site's a new day has begun with this scan.
    assert (told["EMP001"], told["EMP002"]) == (("unknown", "last_scan"), ("in", "first_scan"))
    await company.scan("1", "2024-01-15 06:02")
    company.clock.time = datetime(2024, 1, 15, 0, 10, tzinfo=UTC)
    assert (await states(company))["EMP001"] == "out"


async def test_a_visitor_from_another_site_is_found_where_they_were_last_seen(company: Office):
    await company.sql("INSERT INTO sites (name, zone) VALUES ('Mill', 'Europe/Berlin') RETURNING id")
    await company.machine()
    await company.machine(machine_id=2, machine="gate", name="Gate", site_id=2, zone="Europe/Berlin")
    await company.scan("1", "2024-01-15 08:00")
    await company.scan("2", "2024-01-15 06:30", machine_id=2, machine="gate", site_id=2, zone="Europe/Berlin")
    assert await states(company, site="Mill") == {"EMP002": "in"}
    assert "EMP002" not in await states(company, site="1")
    (row,) = (await company.get("presence/", site="Mill"))["people"]
    assert row["since"] == "2024-01-15T06:30:00+01:00"
    assert [machine["machine_id"] for machine in (await company.get("presence/", site="2"))["machines"]] == ["gate"]


async def test_who_left_the_company_or_was_removed_is_on_no_list(company: Office):
    ids = await company.ids()
    await company.scan("1", "2024-01-15 08:00")
    await company.scan("2", "2024-01-15 08:00")
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"left_on": "2024-01-14"})
    await company.ask("DELETE", f"employees/{ids['EMP002']}/", expect=204)
    assert set(await states(company)) == {"EMP003", "EMP004", "EMP005"}


async def mustered(company: Office) -> None:
    """Two in, one perhaps in, two out; a stranger; two machines, one of them behind."""
    await company.machine(reported_until=datetime(2024, 1, 15, 5, 59, 30, tzinfo=UTC))
    await company.machine(
        machine_id=2,
        machine="back",
        name="Back door",
        is_connected=False,
        reported_until=datetime(2024, 1, 15, 3, 0, tzinfo=UTC),
        version=Version(1, 2),
    )
    ids = await company.ids()
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json={"name": "Ahmed <b>Khan</b>", "phone": "+880 1"})
    await company.ask("PATCH", f"employees/{ids['EMP005']}/", json={"name": "=cmd|' /C calc'!A0"})
    await company.scan("1", "2024-01-15 07:58")
    await company.scan("2", "2024-01-15 08:01", "2024-01-15 11:30")
    await company.scan("5", "2024-01-15 08:03")
    await company.scan("7777", "2024-01-15 08:04")


async def test_the_muster_list_names_all_who_may_be_in_by_department_and_how_far_machines_are_known(company: Office):
    await mustered(company)
    muster = await company.get("presence/muster/", site="1")
    listed = [(group["department"], [row["employee_id"] for row in group["people"]]) for group in muster["groups"]]
    assert listed == [("Sewing", ["EMP001", "EMP002"]), (None, ["EMP005"])]
    assert muster["groups"][0]["people"][0]["phone"] == "+880 1"
    assert muster["counts"] == {"in": 2, "out": 2, "unknown": 1}
    assert [stranger["badge"] for stranger in muster["unknown_badges"]] == ["7777"]
    assert {machine["machine_id"]: machine["seconds_old"] for machine in muster["machines"]} == {
        "door": 30,
        "back": 3 * 3600,
    }


async def test_the_page_to_print_has_a_box_for_each_and_takes_no_name_for_markup(company: Office):
    await mustered(company)
    answer = await company.ask("GET", "presence/muster/?format=html")
    page = answer.text
    assert answer.headers["content-type"] == "text/html; charset=utf-8"
    assert "script" not in answer.headers["content-security-policy"]
    assert answer.headers["cache-control"] == "no-store"
    assert page.count("<td class=box><i></i></td>") == 4  # three people and a badge that nobody holds
    assert "Ahmed &lt;b&gt;Khan&lt;/b&gt;" in page
    assert "<b>Khan" not in page
    assert "size: A4" in page
    assert "<b>12:00:00</b> (Asia/Dhaka)" in page
    assert "perhaps in: seen again since coming, and nothing says which way" in page
    assert "in contact; all scans to 15 Jan 11:59:30, 30 seconds ago" in page
    assert "NOT in contact; all scans to 15 Jan 09:00:00, 3 hours ago" in page
    assert "Not in contact, so that scans may be missing: Back door; see below." in page
    assert "newest scans may be missing" not in page


async def test_the_table_opens_in_a_spreadsheet_and_none_of_its_cells_is_a_formula(company: Office):
    await mustered(company)
    answer = await company.ask("GET", "presence/muster/?format=csv")
    assert answer.content.startswith(b"\xef\xbb\xbf")
    assert "muster-2024-01-15-1200.csv" in answer.headers["content-disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.content.decode("utf-8-sig"))))
    assert [(row["department"], row["employee_id"], row["state"]) for row in rows] == [
        ("Sewing", "EMP001", "in"),
        ("Sewing", "EMP002", "unknown"),
        ("", "EMP005", "in"),
    ]
    assert rows[0]["since"] == "2024-01-15T07:58:00+06:00"
    assert rows[2]["name"].startswith("'=cmd")


async def test_the_list_answers_while_the_broker_cannot_be_reached_and_says_that_scans_may_be_missing(
    company: Office,
):
    await company.scan("1", "2024-01-15 08:00")
    nowhere = f"amqp://guest:guest@127.0.0.1:{free_port()}/"
    async with open_bus(nowhere) as bus, httpx.AsyncClient() as peers:
        service = build(
            Settings(timezone=ZONE),
            database=Database(company.database.url, schema="attendance"),
            bus=bus,
            peers=peers,
            clock=company.clock,
            tokens=Tokens(SECRET),
        )
        async with (
            hosted([service], bus),
            httpx.AsyncClient(transport=LocalTransport(service.app), base_url="http://attendance") as client,
        ):
            answer = await client.get("/api/attendance/presence/muster/", headers=headers(company))
            assert answer.status_code == 200
            assert [group["department"] for group in answer.json()["groups"]] == ["Sewing"]
            assert answer.json()["warning"]
            page = await client.get("/api/attendance/presence/muster/?format=html", headers=headers(company))
            assert "The newest scans may be missing: " in page.text


@pytest.mark.slow
async def test_without_the_database_it_says_so_and_when_the_list_was_last_read(private_postgres: PrivatePostgres):
    await upgrade(private_postgres.url, HISTORY)
    async with office_on(private_postgres.url) as office:
        await office.get("presence/muster/")
        private_postgres.stop()
        office.clock.time += timedelta(minutes=12)
        for form in ("json", "html"):
            answer = await office.ask("GET", f"presence/muster/?format={form}", expect=503)
            assert int(answer.headers["retry-after"]) >= 1
            assert "the database is away" in answer.text
            assert "it was last read here at 06:00:00 UTC, 12 minutes ago" in answer.text
        other = await office.refused("presence/muster/", 503, site="1")
        assert "it has not been read here since this process began" in other


def headers(office: Office) -> dict[str, str]:
    token = Tokens(SECRET).sign(office.callers["hr"], now=office.clock.now(), lasts=timedelta(hours=1))
    return {"Authorization": f"Bearer {token}"}


async def test_last_scans_and_days_are_found_by_index_and_only_in_the_months_that_matter(company: Office):
    await company.scan("1", "2023-10-15 08:00", "2024-01-15 08:00")
    values = [
        date(2024, 1, 15),
        [1],
        [date(2024, 1, 15)],
        1,
        date(2024, 1, 14),
        date(2024, 1, 15),
        datetime(2024, 1, 13, 22, tzinfo=UTC),
        datetime(2024, 1, 12, 22),
        datetime(2024, 1, 15, 6, tzinfo=UTC),
    ]
    async with company.database.fast() as pg:
        await pg.execute("SET LOCAL enable_seqscan = off; SET LOCAL enable_bitmapscan = off")
        sql = PEOPLE.format(where="NOT p.removed", place="TRUE")
        plan = "\n".join(row[0] for row in await pg.fetch(f"EXPLAIN {sql}", *values))
    assert "scans_202401_badge_at_idx" in plan
    assert "days_202401_person_id_date_idx" in plan
    assert "202310" not in plan, "the planner looks into no month that cannot matter"
