"""People: made, changed, removed, imported; badges that find them, and days that follow."""

from datetime import UTC, date, datetime, timedelta

import pytest

from shared.contracts.cloudevents import decode
from shared.contracts.people import PersonChanged
from tests.attendance.api.office import Office

HEADER = "employee_id,name,department,designation,level_of_work,badge"


async def told(office: Office) -> list[PersonChanged]:
    rows = await office.sql(
        "SELECT content_type, payload FROM outbox WHERE type = 'attendance.person.changed.v1' ORDER BY seq"
    )
    return [envelope.data for row in rows for envelope in decode(row["payload"], row["content_type"], PersonChanged)]


async def test_whoever_is_made_is_there_and_others_are_told(office: Office):
    body = {
        "employee_id": "EMP001",
        "name": " Ahmed Khan ",
        "email": "ahmed@example.com",
        "gender": "M",
        "department": "Sewing",
        "designation": "Tailor",
        "joined_on": "2024-01-01",
        "badges": ["17", {"badge": "99", "since": "2024-02-01", "until": "2024-03-01"}],
    }
    made = (await office.ask("POST", "employees/", json=body, expect=201)).json()
    assert made["name"] == "Ahmed Khan"
    assert (made["gender"], made["department"], made["level_of_work"]) == ("male", "Sewing", "Worker")
    assert made["badges"] == [
        {"badge": "17", "since": None, "until": None},
        {"badge": "99", "since": "2024-02-01", "until": "2024-03-01"},
    ]
    assert await office.get(f"employees/{made['id']}/") == made
    (event,) = await told(office)
    assert (event.code, event.department, event.unit_path, event.version.n) == ("EMP001", "Sewing", [event.unit_id], 1)
    assert event.badges[1].until == date(2024, 3, 1)


async def test_a_post_that_is_sent_again_is_answered_again_and_done_once(office: Office):
    body, key = {"employee_id": "EMP001", "name": "Ahmed"}, {"Idempotency-Key": "a1"}
    first = await office.ask("POST", "employees/", json=body, headers=key, expect=201)
    again = await office.ask("POST", "employees/", json=body, headers=key, expect=201)
    assert again.content == first.content
    await office.ask("POST", "employees/", json=body, expect=409)
    other = await office.ask("POST", "employees/", json={**body, "name": "Bela"}, headers=key, expect=422)
    assert "Idempotency-Key" in other.json()["error"]
    file = b"employee_id,name\nE1,Ahmed\n"
    once = await office.ask("POST", "employees/import/", content=file, headers={"Idempotency-Key": "b"})
    twice = await office.ask("POST", "employees/import/", content=file, headers={"Idempotency-Key": "b"})
    assert once.json()["created"] == twice.json()["created"] == 1
    anew = await office.ask("POST", "employees/import/", content=file, headers={"Idempotency-Key": "c"})
    assert anew.json()["unchanged"] == 1
    await office.scan("9", "2024-01-15 08:00")
    link = {"employee": first.json()["id"]}
    for _ in range(2):
        linked = await office.ask("POST", "unknown-badges/9/link/", json=link, headers={"Idempotency-Key": "d"})
        assert linked.json()["badges"][0]["badge"] == "9"


@pytest.mark.parametrize(
    ("change", "status", "named"),
    [
        ({"name": ""}, 400, "name"),
        ({"name": "x" * 201}, 400, "name"),
        ({"name": "a\u0000b"}, 400, "name"),
        ({"employee_id": None}, 400, "employee_id"),
        ({"email": "nobody"}, 400, "email"),
        ({"gender": "x"}, 400, "gender"),
        ({"joined_on": "01/02/2024"}, 400, "joined_on"),
        ({"shoe_size": 42}, 400, "shoe_size"),
        ({"joined_on": "2024-02-01", "left_on": "2024-01-01"}, 422, "left_on"),
        ({"department": 99}, 422, "department"),
        ({"site": "Nowhere"}, 422, "site"),
        ({"badges": ["7", "7"]}, 422, "badges"),
        ({"badges": [{"badge": "7", "since": "2024-02-01", "until": "2024-02-01"}]}, 422, "until"),
        ({"employee_id": "EMP001"}, 409, "employee_id"),
        ({"badges": ["1"]}, 409, "badge 1 is Ahmed Khan's (EMP001)"),
    ],
)
async def test_what_is_wrong_with_a_new_person_is_named(
    company: Office, change: dict[str, object], status: int, named: str
):
    body = {"employee_id": "EMP100", "name": "New One", **change}
    answer = await company.ask("POST", "employees/", json=body, expect=status)
    assert named in answer.json()["error"]
    assert len(await company.get("employees/")) == 5


async def test_a_change_of_department_holds_from_today_and_the_past_stays(company: Office):
    person = (await company.ids())["EMP001"]
    changed = await company.ask("PATCH", f"employees/{person}/", json={"department": "Office", "designation": "Clerk"})
    assert changed.json()["department"] == "Office"
    rows = await company.sql("SELECT lower(during), upper(during) FROM assignments WHERE person_id = $1", person)
    assert sorted(map(tuple, rows), key=str) == [(None, date(2024, 1, 15)), (date(2024, 1, 15), None)]
    assert (await told(company))[-1].version.n == 2


async def test_a_change_may_hold_always_or_from_a_date_but_not_from_the_future(company: Office):
    person = (await company.ids())["EMP001"]
    path = f"employees/{person}/"
    await company.ask("PATCH", path, json={"department": "Office"}, params={"effective_from": "2024-01-10"})
    await company.ask("PATCH", path, json={"department": "Hems"}, params={"effective_from": "2024-01-05"})
    assert len(await company.sql("SELECT 1 FROM assignments WHERE person_id = $1", person)) == 2
    await company.ask("PATCH", path, json={"department": "Sewing"}, params={"effective_from": "always"})
    assert len(await company.sql("SELECT 1 FROM assignments WHERE person_id = $1", person)) == 1
    for wrong, status in (("2024-01-16", 422), ("yesterday", 400)):
        refused = await company.ask("PATCH", path, json={}, params={"effective_from": wrong}, expect=status)
        assert "effective_from" in refused.json()["error"]


async def test_a_change_of_level_computes_the_days_from_then_on_again(company: Office):
    await company.scan("1", "2024-01-14 08:00", "2024-01-14 18:00", "2024-01-15 08:00", "2024-01-15 18:00")
    person = (await company.ids())["EMP001"]
    await company.ask("PATCH", f"employees/{person}/", json={"level_of_work": "staff"})
    await company.settle()
    hours = {row["date"]: row["overtime_hours"] for row in await company.get("daily-attendance/")}
    assert hours == {"2024-01-14": 1.0, "2024-01-15": 0.0}


async def test_an_unchanged_person_is_not_announced(company: Office):
    before = len(await told(company))
    person = (await company.ids())["EMP001"]
    answer = await company.ask("PATCH", f"employees/{person}/", json={"department": "SEWING", "name": "Ahmed Khan"})
    assert answer.headers["etag"] == '"1"'
    assert len(await told(company)) == before


async def test_a_stale_change_is_412_and_says_to_read_again(company: Office):
    person = (await company.ids())["EMP001"]
    read = await company.ask("GET", f"employees/{person}/")
    fresh = {"If-Match": read.headers["etag"]}
    await company.ask("PATCH", f"employees/{person}/", json={"phone": "1"}, headers=fresh)
    for method, body in (("PATCH", {"phone": "2"}), ("DELETE", None)):
        stale = await company.ask(method, f"employees/{person}/", json=body, headers=fresh, expect=412)
        assert "again" in stale.json()["error"]


async def test_put_empties_what_it_does_not_mention_but_never_takes_badges(company: Office):
    person = (await company.ids())["EMP001"]
    body = {"employee_id": "E1", "name": "Ahmed"}
    changed = (await company.ask("PUT", f"employees/{person}/", json=body)).json()
    assert (changed["employee_id"], changed["designation"], changed["department"]) == ("E1", None, None)
    assert changed["badges"] == [{"badge": "1", "since": None, "until": None}]
    taken = {"employee_id": "EMP002", "name": "Ahmed"}
    assert "Bela" in (await company.ask("PUT", f"employees/{person}/", json=taken, expect=409)).json()["error"]


async def test_whoever_is_removed_is_gone_and_their_badge_is_unknown_again_and_may_come_back(company: Office):
    await company.scan("1", "2024-01-15 08:00")
    person = (await company.ids())["EMP001"]
    await company.ask("DELETE", f"employees/{person}/", expect=204)
    await company.settle()
    await company.refused(f"employees/{person}/", 404)
    await company.refused(f"daily-attendance/20240115-{person}/", 404)
    assert "EMP001" not in await company.ids()
    assert await company.get("daily-attendance/") == []
    (unknown,) = await company.get("unknown-badges/")
    assert (unknown["badge"], unknown["scans"]) == ("1", 1)
    assert (await told(company))[-1].removed
    await company.ask("DELETE", f"employees/{person}/", expect=404)

    body = {"employee_id": "EMP001", "name": "Ahmed Khan", "badges": ["1"]}
    back = (await company.ask("POST", "employees/", json=body, expect=201)).json()
    assert back["id"] == person
    await company.settle()
    assert [row["employee_id"] for row in await company.get("daily-attendance/")] == ["EMP001"]
    assert await company.get("unknown-badges/") == []
    assert not (await told(company))[-1].removed


async def test_an_unknown_badge_finds_its_person_and_its_past_scans_count_at_once(company: Office):
    await company.scan("77", "2023-12-04 08:00", "2023-12-04 17:00", "2024-01-15 08:03")
    await company.scan("78/x", "2024-01-15 09:00")
    unknown = await company.get("unknown-badges/", ordering="badge")
    assert [(row["badge"], row["scans"]) for row in unknown] == [("77", 3), ("78/x", 1)]
    assert unknown[0]["first_seen"] == "2023-12-04T02:00:00Z"
    person = (await company.ids())["EMP005"]

    linked = await company.ask("POST", "unknown-badges/77/link/", json={"employee": person})
    assert [held["badge"] for held in linked.json()["badges"]] == ["5", "77"]
    path = "unknown-badges/78%2Fx/link/"
    refused = await company.ask("POST", path, json={"employee": "EMP099"}, expect=422)
    assert "there is no employee 'EMP099'" in refused.json()["error"]
    await company.ask("POST", path, json={"employee": "EMP005"})
    await company.settle()
    days = await company.get("daily-attendance/", employee=str(person))
    assert [(day["date"], day["total_scans"]) for day in days] == [("2024-01-15", 2), ("2023-12-04", 2)]
    assert await company.get("unknown-badges/") == []
    await company.ask("POST", "unknown-badges/77/link/", json={"employee": person}, expect=404)


async def test_another_badge_in_a_file_joins_the_old_one_and_the_answer_says_so(company: Office):
    file = ("employee_id,badge", "EMP001,101", "EMP002,2")
    tried = await company.import_people(*file, dry_run="true")
    done = await company.import_people(*file)
    assert tried["warnings"] == done["warnings"]
    ((line, field, said),) = [tuple(warning.values()) for warning in done["warnings"]]
    assert (line, field) == (2, "badge")
    assert said.startswith("EMP001 holds 101 from now on, and 1 as before")
    person = (await company.ids())["EMP001"]
    assert [held["badge"] for held in (await company.get(f"employees/{person}/"))["badges"]] == ["1", "101"]
    ended = await company.import_people("employee_id,badge,badge_until", "EMP001,1,2024-01-10")
    assert ended["warnings"] == []
    held = (await company.get(f"employees/{person}/"))["badges"]
    assert {badge["badge"]: badge["until"] for badge in held} == {"1": "2024-01-10", "101": None}


async def test_whose_a_badge_is_has_to_be_said(company: Office):
    await company.scan("77", "2024-01-15 08:03")
    refused = await company.ask("POST", "unknown-badges/77/link/", json={"employee_id": "EMP001"}, expect=400)
    assert "employee: is missing" in refused.json()["error"]


async def test_unknown_badges_of_one_machine(company: Office):
    await company.machine()
    await company.machine(machine_id=2, machine="gate")
    await company.scan("77", "2024-01-15 08:03")
    (seen,) = await company.get("unknown-badges/")
    other = {1: "gate", 2: "1"}[seen["machine"]]
    assert await company.get("unknown-badges/", machine=str(seen["machine"])) == [seen]
    assert await company.get("unknown-badges/", machine=other) == []
    assert "there is no machine 'nowhere'" in await company.refused("unknown-badges/", 400, machine="nowhere")


async def test_a_badge_that_was_linked_for_a_time_stays_unknown_outside_of_it(company: Office):
    await company.scan("77", "2023-12-04 08:00", "2024-01-02 08:00", "2024-01-15 08:03")
    ids = await company.ids()
    body = {"employee": ids["EMP005"], "since": "2024-01-01", "until": "2024-01-10"}
    await company.ask("POST", "unknown-badges/77/link/", json=body)
    (left,) = await company.get("unknown-badges/")
    assert (left["badge"], left["scans"]) == ("77", 2)
    refused = await company.ask("POST", "unknown-badges/77/link/", json={"employee": ids["EMP001"]}, expect=409)
    assert "badge 77 is Emon Ali's (EMP005) from 2024-01-01 until 2024-01-10" in refused.json()["error"]
    await company.ask("POST", "unknown-badges/77/link/", json={"employee": ids["EMP001"], "since": "2024-01-10"})
    await company.settle()
    days = await company.get("daily-attendance/", ordering="date")
    assert [(day["date"], day["employee_id"]) for day in days] == [("2024-01-02", "EMP005"), ("2024-01-15", "EMP001")]
    for wrong, status in (({"employee": 999}, 422), ({"employee": "x"}, 422), ({}, 400), ({"employee": 1.5}, 400)):
        await company.ask("POST", "unknown-badges/77/link/", json=wrong, expect=status)


async def test_a_badge_that_moves_takes_its_days_along(company: Office):
    await company.scan("1", "2024-01-14 08:00", "2024-01-15 08:00")
    ids = await company.ids()
    ended = {"badges": [{"badge": "1", "until": "2024-01-15"}]}
    await company.ask("PATCH", f"employees/{ids['EMP001']}/", json=ended)
    begun = {"badges": ["5", {"badge": "1", "since": "2024-01-15"}]}
    await company.ask("PATCH", f"employees/{ids['EMP005']}/", json=begun)
    await company.settle()
    days = await company.get("daily-attendance/", ordering="date", status="Present-OnTime")
    assert [(day["date"], day["employee_id"]) for day in days] == [("2024-01-14", "EMP001"), ("2024-01-15", "EMP005")]
    assert await company.get("unknown-badges/") == []


async def test_an_import_makes_then_changes_then_leaves_alone(office: Office):
    first = await office.import_people(HEADER, "EMP001,Ahmed Khan,Sewing,Tailor,Worker,1", "EMP002,Bela,Sewing,,,")
    assert first == {
        "dry_run": False,
        "read": 2,
        "created": 2,
        "updated": 0,
        "unchanged": 0,
        "skipped": 0,
        "errors": [],
        "error_groups": [],
        "warnings": [],
        "ignored_columns": [],
    }
    again = await office.import_people(HEADER, "EMP001,Ahmed Khan,SEWING,Tailor,worker,1", "EMP002,Bela B,Sewing,,,2")
    assert (again["created"], again["updated"], again["unchanged"]) == (0, 1, 1)
    assert len(await told(office)) == 3
    assert [d["name"] for d in await office.get("departments/")] == ["Sewing"]


async def test_a_dry_run_says_what_would_be_and_changes_nothing(office: Office):
    done = await office.import_people(HEADER, "EMP001,Ahmed,Sewing,,,1", "EMP002,Bela,,,,1", dry_run="true")
    assert (done["dry_run"], done["created"], done["skipped"]) == (True, 1, 1)
    assert await office.get("employees/") == []
    assert await office.get("departments/") == []
    assert await told(office) == []


FILES = {
    "semicolons": b"employee_id;name;department\nE1;Ahmed;Sewing, and more\n",
    "tabs": b"employee_id\tname\tdepartment\nE1\tAhmed\tSewing, and more\n",
    "a byte order mark": '\ufeffemployee_id,name,department\nE1,Ahmed,"Sewing, and more"\n'.encode(),
    "windows line ends and blank lines": b'\r\nemployee_id,name,department\r\n\r\nE1,Ahmed,"Sewing, and more"\r\n,,',
    "columns in another order and case": b'Department,Name,Employee ID\n"Sewing, and more",Ahmed,E1\n',
    "utf-16 of a spreadsheet": "employee_id\tname\tdepartment\nE1\tAhmed\tSewing, and more\n".encode("utf-16"),
    "no line end at the end": b'employee_id,name,department\nE1,Ahmed,"Sewing, and more"',
    "old mac line ends": b'employee_id,name,department\rE1,Ahmed,"Sewing, and more"\r',
}


@pytest.mark.parametrize("file", FILES.values(), ids=FILES)
async def test_a_file_is_read_however_it_was_saved(office: Office, file: bytes):
    done = (await office.ask("POST", "employees/import/", content=file)).json()
    assert (done["read"], done["created"], done["errors"]) == (1, 1, [])
    (person,) = await office.get("employees/")
    assert (person["employee_id"], person["name"], person["department"]) == ("E1", "Ahmed", "Sewing, and more")


async def test_names_in_windows_1252_and_in_any_script_are_kept(office: Office):
    await office.ask("POST", "employees/import/", content="employee_id,name\nE1,José Müller\n".encode("cp1252"))
    await office.ask("POST", "employees/import/", content="employee_id,name\nE2,আহমেদ খান\n".encode())
    assert [person["name"] for person in await office.get("employees/")] == ["José Müller", "আহমেদ খান"]


BAD_LINES = {
    "no code": (",Ahmed,,,,", "employee_id", "empty"),
    "no name": ("E1,,,,,", "name", "empty"),
    "too few cells": ("E1,Ahmed", "", "2 cells"),
    "too many cells": ("E1,Ahmed,,,,,,", "", "8 cells"),
    "a hidden character": ("E1,Ah\x07med,,,,", "name", "cannot be seen"),
    "a name without an end": (f"E1,{'x' * 201},,,,", "name", "longer"),
    "a badge of somebody": ("E1,Ahmed,,,,1", "badge", "First One's (OLD)"),
    "a code twice": ("GOOD,Ahmed,,,,", "employee_id", "line 2"),
    "a badge twice": ("E1,Ahmed,,,,9", "badge", "Good One's (GOOD)"),
    "quotation marks astray": ('E1,"Ah"med,,,,', "", "CSV"),
}


@pytest.mark.parametrize(("line", "field", "message"), BAD_LINES.values(), ids=BAD_LINES)
async def test_a_bad_line_is_named_and_left_out_and_the_others_count(
    office: Office, line: str, field: str, message: str
):
    await office.import_people(HEADER, "OLD,First One,,,,1")
    done = await office.import_people(HEADER, "GOOD,Good One,,,,9", line, "LAST,Last One,,,,")
    assert (done["read"], done["created"], done["skipped"]) == (3, 2, 1)
    (error,) = done["errors"]
    assert (error["line"], error["field"]) == (3, field)
    assert message in error["message"]
    assert sorted(await office.ids()) == ["GOOD", "LAST", "OLD"]


async def test_every_mistake_of_a_line_is_named(office: Office):
    header = "employee_id,name,email,gender,joined_on,left_on,site,badge,badge_from,badge_until"
    done = await office.import_people(
        header,
        "E1,A,nobody,robot,2024-13-01,x,,,,",
        "E2,B,,,2024-02-01,2024-01-01,,,,",
        "E3,C,,,,,Moon,,,",
        "E4,D,,,,,,7,2024-02-01,2024-02-01",
        "E5,E,e@x.org,F,2024-01-01,,main SITE,7,2024-02-01,2024-03-01",
    )
    assert [(error["line"], error["field"]) for error in done["errors"]] == [
        (2, "email"),
        (2, "gender"),
        (2, "joined_on"),
        (2, "left_on"),
        (3, "left_on"),
        (4, "site"),
        (5, "badge_until"),
    ]
    (person,) = await office.get("employees/")
    assert (person["gender"], person["joined_on"], person["badges"]) == (
        "female",
        "2024-01-01",
        [{"badge": "7", "since": "2024-02-01", "until": "2024-03-01"}],
    )


async def test_a_level_that_nobody_knows_counts_as_staff_and_says_so(office: Office):
    done = await office.import_people("employee_id,name,level_of_work,salary", "E1,A,Wroker,5")
    assert done["warnings"] == [
        {
            "line": 2,
            "field": "level_of_work",
            "message": "'Wroker' is neither Worker nor Staff; it counts as staff, without overtime",
        }
    ]
    assert done["ignored_columns"] == ["salary"]


BAD_FILES = {
    "nothing": (b"", "empty"),
    "only blank lines": (b"\n\n", "employee_id"),
    "no header": (b"E1,Ahmed\n", "employee_id"),
    "another kind of file": (b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR", "not a text file"),
    "a workbook": (b"PK\x03\x04\x14\x00", "workbook"),
    "a punch log": (b"     1\t2024-01-15 08:00:00\t1\t0\t1\t0\n", "employee_id"),
    "a column twice": (b"employee_id,name,Name\nE1,A,B\n", "name"),
    "an open quotation mark": (b'employee_id,name\nE1,"Ahmed\nE2,Bela\n', "line 2"),
    "neither utf-8 nor windows-1252": (b"employee_id,name\nE1,\x81\x8d\n", "not a text file"),
}


@pytest.mark.parametrize(("file", "said"), BAD_FILES.values(), ids=BAD_FILES)
async def test_a_file_of_another_kind_is_400_and_changes_nothing(office: Office, file: bytes, said: str):
    answer = await office.ask("POST", "employees/import/", content=file, expect=400)
    assert said in answer.json()["error"]
    assert await office.get("employees/") == []


async def test_a_form_or_a_monster_is_400(office: Office):
    form = await office.ask("POST", "employees/import/", files={"file": b"employee_id,name\n"}, expect=400)
    assert "multipart/form-data" in form.json()["error"]
    monster = await office.ask("POST", "employees/import/", content=b"x" * 20_000_001, expect=400)
    assert "20 MB" in monster.json()["error"]


async def test_people_imported_after_their_scans_get_their_days(office: Office):
    for number in range(60):
        await office.scan(f"{number}", "2024-01-15 08:00")
    await office.import_people(HEADER, *(f"E{number},Person,,,,{number}" for number in range(60)))
    notes = await office.sql("SELECT person_id, since FROM recomputations WHERE reason = 'people were imported'")
    assert [tuple(note) for note in notes] == [(None, date(2024, 1, 14))]
    await office.settle()
    assert (await office.get("statistics/"))["present_today"] == 60
    assert await office.get("unknown-badges/") == []


@pytest.mark.slow
async def test_ten_thousand_people_come_in_within_seconds_and_again_change_nothing(office: Office):
    lines = [
        f"E{number:05},Person {number},Department {number % 40},Tailor,Worker,{number}" for number in range(10_000)
    ]
    office.client.timeout = 60
    started = datetime.now(UTC)
    assert (await office.import_people(HEADER, *lines))["created"] == 10_000
    assert datetime.now(UTC) - started < timedelta(seconds=15)
    assert (await office.import_people(HEADER, *lines))["unchanged"] == 10_000
    assert len(await told(office)) == 10_000


async def test_departments_are_made_on_first_mention_whatever_the_case(company: Office):
    rows = await company.get("departments/")
    assert [(row["name"], row["employees"]) for row in rows] == [("Hems", 1), ("Office", 1), ("Sewing", 2)]
    assert rows[0]["parent"] == rows[2]["id"]


async def test_employees_are_found_by_name_code_badge_department_and_level(company: Office):
    async def codes(**parameters: str) -> list[str]:
        return [row["employee_id"] for row in await company.get("employees/", **parameters)]

    assert await codes(search="khan") == ["EMP001"]
    assert await codes(search="emp00") == ["EMP001", "EMP002", "EMP003", "EMP004", "EMP005"]
    assert await codes(search="100%") == []
    assert await codes(department="Sewing") == ["EMP001", "EMP002", "EMP003"]
    assert await codes(level_of_work="staff") == ["EMP004"]
    assert await codes(ordering="-name", limit="2") == ["EMP005", "EMP004"]
    await company.import_people("employee_id,left_on", "EMP001,2024-01-10")
    assert "EMP001" not in await codes(active="true")
    assert await codes(active="false") == ["EMP001"]
    assert "department" in await company.refused("employees/", 400, department="Nowhere")
    assert "active" in await company.refused("employees/", 400, active="maybe")
    await company.refused("employees/x/", 404)
    await company.refused("employees/999/", 404)
