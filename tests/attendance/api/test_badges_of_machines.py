"""Numbers of badges that are somebody's on one machine alone: given over REST, and counted by the worker."""

import random
from collections.abc import Callable
from typing import Any

import pytest

from tests.attendance.api.office import Office, office_on, scan_of
from tests.attendance.api.test_corrections import act
from tests.attendance.api.test_releases import release

DAY = "2024-01-15"
GATE = 2


@pytest.fixture
async def gated(company: Office) -> Office:
    """The company with two machines, `door` and `gate`; on the gate badge 1 is Bela's, elsewhere Ahmed's."""
    await machines(company)
    await bind(company, "EMP002", "1")
    return company


async def machines(office: Office) -> None:
    await office.machine()
    await office.machine(machine_id=GATE, machine="gate", name="Gate")


async def bind(office: Office, code: str, badge: str, **more: str) -> Any:
    """By a file: the badge is theirs on the gate, beside those that they hold."""
    names = {"badge_machine": "gate", **more}
    header, row = ",".join(["employee_id", "badge", *names]), ",".join([code, badge, *names.values()])
    done = await office.import_people(header, row)
    await office.settle()
    return done


async def person(office: Office, code: str) -> Any:
    return await office.get(f"employees/{(await office.ids())[code]}/")


async def badges(office: Office, code: str) -> list[Any]:
    found: list[Any] = (await person(office, code))["badges"]
    return found


async def counted(office: Office) -> dict[tuple[str, str], int]:
    """How many scans count for whom on which date."""
    rows = await office.get("daily-attendance/", limit="1000")
    return {(row["employee_id"], row["date"]): row["total_scans"] for row in rows if row["total_scans"]}


async def test_scans_of_one_number_are_whose_it_is_on_their_machine(gated: Office):
    await gated.scan("1", f"{DAY} 08:00", f"{DAY} 11:30")
    await gated.scan("1", f"{DAY} 08:03", machine_id=GATE, machine="gate")
    await gated.scan("2", f"{DAY} 10:00", machine_id=GATE, machine="gate")
    assert await counted(gated) == {("EMP001", DAY): 2, ("EMP002", DAY): 2}
    scans = await gated.get("scans/", badge="1")
    assert {row["local_time"][11:16]: row["employee_id"] for row in scans} == {
        "08:00": "EMP001",
        "08:03": "EMP002",
        "11:30": "EMP001",
    }
    assert [row["local_time"][11:16] for row in await gated.get("scans/", employee="EMP002")] == ["10:00", "08:03"]
    assert await gated.get("unknown-badges/") == []


async def test_presence_follows_the_scans_of_their_machine(gated: Office):
    await gated.scan("1", f"{DAY} 08:00")
    await gated.scan("1", f"{DAY} 08:03", machine_id=GATE, machine="gate")
    await gated.scan("1", f"{DAY} 11:00", machine_id=GATE, machine="gate", type="OUT")
    people = {row["employee_id"]: row for row in (await gated.get("presence/"))["people"]}
    seen = {code: (people[code]["state"], people[code]["machine"]) for code in ("EMP001", "EMP002")}
    assert seen == {"EMP001": ("in", "door"), "EMP002": ("out", "gate")}


async def test_explanation_and_history_are_told_from_the_same_scans(gated: Office):
    await gated.scan("1", f"{DAY} 08:00")
    await gated.scan("1", f"{DAY} 08:03", machine_id=GATE, machine="gate")
    ahmed = await gated.get("explain/", employee="EMP001", date=DAY)
    bela = await gated.get("explain/", employee="EMP002", date=DAY)
    assert [(scan["machine_id"]) for scan in ahmed["scans"]] == ["door"]
    assert [(scan["machine_id"]) for scan in bela["scans"]] == ["gate"]
    assert (ahmed["badges"], bela["badges"]) == (["1"], ["1", "2"])
    assert any("on gate are not theirs" in said for said in ahmed["notes"])
    assert "Badge 1 is theirs on machine gate alone." in bela["notes"]
    for code, machine in (("EMP001", "door"), ("EMP002", "gate")):
        key = f"20240115-{(await gated.ids())[code]}"
        steps = await gated.get(f"daily-attendance/{key}/history/")
        assert [step["scan"]["machine_id"] for step in steps] == [machine]


async def test_a_released_scan_is_whose_it_is_on_its_machine(gated: Office):
    scan = scan_of("1", "2000-01-01 00:10", machine_id=GATE, machine="gate", quality="implausible_past")
    await gated.record([scan])
    await release(gated, str(scan.scan_id), {"local_time": f"{DAY}T08:10:00", "reason": "its clock began again"})
    assert await counted(gated) == {("EMP002", DAY): 1}
    (shown,) = await gated.get("scans/", employee="EMP002")
    assert shown["release"]["reason"]
    explained = await gated.get("explain/", employee="EMP002", date=DAY)
    assert [each["machine_id"] for each in explained["scans"]] == ["gate"]
    assert (await gated.get("explain/", employee="EMP001", date=DAY))["scans"] == []


async def test_scans_of_a_day_can_be_corrected_only_by_whose_they_are(gated: Office):
    await gated.scan("1", f"{DAY} 08:00")
    await gated.scan("1", f"{DAY} 08:03", machine_id=GATE, machine="gate")
    (there,) = [row for row in await gated.get("scans/", badge="1") if row["machine_id"] == "gate"]
    ids = await gated.ids()
    aside = {"date": DAY, "kind": "set_aside", "scan": there["id"], "reason": "somebody else's finger"}
    await gated.ask("POST", "corrections/", json={"employee": ids["EMP001"], **aside}, expect=422)
    asked = await gated.ask("POST", "corrections/", json={"employee": ids["EMP002"], **aside}, expect=201)
    await act(gated, asked.json()["id"], "approve", by="admin")
    assert await counted(gated) == {("EMP001", DAY): 1}


async def test_past_scans_change_hands_when_a_badge_is_bound_moved_or_given_back(company: Office):
    await machines(company)
    days = [f"2024-01-{day:02}" for day in (8, 9, 10, 11)]
    await company.scan("1", *(f"{day} 08:00" for day in days))
    await company.scan("1", *(f"{day} 09:00" for day in days), machine_id=GATE, machine="gate")
    mine = {("EMP001", day): 2 for day in days}
    assert await counted(company) == mine

    await bind(company, "EMP002", "1", badge_from="2024-01-09", badge_until="2024-01-11")
    assert await counted(company) == mine | {
        (code, day): 1 for code in ("EMP001", "EMP002") for day in ("2024-01-09", "2024-01-10")
    }

    refused = await company.import_people("employee_id,badge,badge_machine,badge_from", "EMP003,1,gate,2024-01-10")
    assert "badge 1 on machine gate is Bela Begum's (EMP002)" in refused["errors"][0]["message"]

    bela, chitra = [(await person(company, code))["id"] for code in ("EMP002", "EMP003")]
    await company.ask("PATCH", f"employees/{bela}/", json={"badges": ["2"]})
    await company.ask(
        "PATCH",
        f"employees/{chitra}/",
        json={"badges": ["3", {"badge": "1", "machine": "gate", "since": "2024-01-11"}]},
    )
    await company.settle()
    assert await counted(company) == mine | {("EMP001", "2024-01-11"): 1, ("EMP003", "2024-01-11"): 1}

    await company.ask("DELETE", f"employees/{chitra}/", expect=204)
    await company.settle()
    assert await counted(company) == mine


async def test_badges_are_shown_and_taken_back_as_they_were_shown(gated: Office):
    everywhere = {"badge": "2", "since": None, "until": None}
    there = {"badge": "1", "since": None, "until": None, "machine": "gate"}
    assert await badges(gated, "EMP002") == [everywhere, there]
    assert await badges(gated, "EMP001") == [{"badge": "1", "since": None, "until": None}]
    path = f"employees/{(await person(gated, 'EMP002'))['id']}/"
    version = (await gated.ask("GET", path)).headers["etag"]
    again = await gated.ask("PATCH", path, json={"badges": [everywhere, there]})
    assert again.headers["etag"] == version
    by_id = {"badge": "1", "machine": GATE}
    assert (await gated.ask("PATCH", path, json={"badges": [everywhere, by_id]})).headers["etag"] == version
    assert (await bind(gated, "EMP002", "1"))["unchanged"] == 1


@pytest.mark.parametrize(
    ("given", "status", "named"),
    [
        ([{"badge": "9", "machine": "nowhere"}], 422, "machine: there is no machine 'nowhere'"),
        ([{"badge": "9", "machine": 99}], 422, "machine: there is no machine 99"),
        ([{"badge": "9", "machine": ""}], 400, "badges/0"),
        ([{"badge": "9", "machine": "gate"}, {"badge": "9", "machine": 2}], 422, "badge 9 on machine gate is there tw"),
        ([{"badge": "1", "machine": "gate"}], 409, "badge 1 on machine gate is Bela Begum's (EMP002)"),
        (["1"], 409, "badge 1 is Ahmed Khan's (EMP001)"),
        ([{"badge": "9", "machine": "gate"}, "9"], 201, ""),
        ([{"badge": "1", "machine": "door"}], 201, ""),
    ],
)
async def test_what_is_wrong_with_a_bound_badge_is_named(gated: Office, given: list[Any], status: int, named: str):
    made = {"employee_id": "NEW", "name": "New", "badges": given}
    assert named in (await gated.ask("POST", "employees/", json=made, expect=status)).text


async def test_a_file_that_binds_a_badge_is_read_row_by_row(gated: Office):
    tried = await gated.import_people(
        "employee_id,badge,badge_machine", "EMP003,30,gate", "EMP004,40,nowhere", "EMP005,,gate", "EMP001,1,"
    )
    assert [(error["line"], error["field"]) for error in tried["errors"]] == [(3, "machine"), (4, "badge_machine")]
    assert (tried["updated"], tried["unchanged"], tried["warnings"]) == (1, 1, [])
    assert (await badges(gated, "EMP003"))[1] == {"badge": "30", "since": None, "until": None, "machine": "gate"}


async def test_a_badge_that_is_unknown_on_one_machine_is_linked_there(company: Office):
    await machines(company)
    await bind(company, "EMP002", "77")
    await company.scan("77", f"{DAY} 08:00")
    await company.scan("77", f"{DAY} 08:03", f"{DAY} 09:00", machine_id=GATE, machine="gate")
    (unknown,) = await company.get("unknown-badges/")
    assert (unknown["badge"], unknown["scans"], unknown["machine_id"]) == ("77", 1, "door")
    assert [row["machine_id"] for row in await company.get("scans/", unknown="true")] == ["door"]

    ids = await company.ids()
    gate = {"employee": ids["EMP003"], "machine": "gate"}
    await company.ask("POST", "unknown-badges/77/link/", json=gate, expect=409)
    await company.ask("POST", "unknown-badges/77/link/", json={**gate, "machine": "x"}, expect=422)
    linked = await company.ask("POST", "unknown-badges/77/link/", json={**gate, "machine": "door"})
    assert linked.json()["badges"][1] == {"badge": "77", "since": None, "until": None, "machine": "door"}
    await company.settle()
    assert await counted(company) == {("EMP003", DAY): 1, ("EMP002", DAY): 2}
    assert await company.get("unknown-badges/") == []


async def test_the_event_of_a_person_keeps_bound_badges_apart(gated: Office):
    rows = await gated.sql(
        "SELECT convert_from(payload, 'UTF8') AS said FROM outbox WHERE type = 'attendance.person.changed.v1' "
        "ORDER BY seq DESC LIMIT 1"
    )
    assert '"badges":[{"badge":"2","since":null,"until":null}]' in rows[0]["said"]
    assert '"machine_badges":[{"badge":"1","machine_id":2,"since":null,"until":null}]' in rows[0]["said"]


LINKS = [
    "EMP002,1,gate,2024-01-03,2024-01-06",
    "EMP003,1,gate,2024-01-08,",
    "EMP004,1,door,,2024-01-04",
    "EMP003,88,gate,,",
    "EMP002,88,,2024-01-05,",
]
WRONG = "EMP005,1,gate,2024-01-06,2024-01-08"


def oracle(badge: str, gate: bool, day: int) -> str | None:
    """Whose the scan is, as the links say in words."""
    if badge == "88":
        return "EMP003" if gate else "EMP002" if day >= 5 else None
    if gate:
        return "EMP002" if 3 <= day < 6 else "EMP003" if day >= 8 else "EMP001"
    return "EMP004" if day < 4 else "EMP001"


async def outcome(office: Office) -> tuple[dict[tuple[str, str], int], list[Any], list[Any]]:
    days = await office.sql("SELECT date, person_id, digest, marks, used FROM days WHERE used > 0 ORDER BY 1, 2")
    unknown = await office.sql("SELECT badge, scans, first_at, last_at FROM unknown_badges ORDER BY 1")
    return await counted(office), [tuple(row) for row in days], [tuple(row) for row in unknown]


@pytest.mark.parametrize("seed", range(4))
async def test_links_and_scans_in_any_order_come_out_the_same(migrated: Callable[..., str], seed: int):
    rnd = random.Random(seed)
    scans, wanted = [], {}
    for day in range(1, 11):
        for badge in ("1", "88"):
            for gate in (False, True):
                date = f"2024-01-{day:02}"
                hours = rnd.sample(range(8, 20), 2)
                at = {"machine_id": GATE, "machine": "gate"} if gate else {}
                scans += [scan_of(badge, f"{date} {hour:02}:{rnd.randrange(2, 59):02}", **at) for hour in hours]
                if whose := oracle(badge, gate, day):
                    wanted[whose, date] = wanted.get((whose, date), 0) + 2

    async def link(office: Office, line: str) -> None:
        done = await office.import_people("employee_id,badge,badge_machine,badge_from,badge_until", line)
        assert done["errors"] == []

    async def unlink(office: Office) -> None:
        emon = (await office.ids())["EMP005"]
        await office.ask("PATCH", f"employees/{emon}/", json={"badges": ["5"]})

    outcomes = []
    for torn in (False, True):
        async with office_on(migrated("attendance")) as office:
            await machines(office)
            await office.import_people("employee_id,name,badge", *(f"EMP00{n},P{n},{n}" for n in range(1, 6)))
            if torn:
                delivered = scans + rnd.sample(scans, 10)
                rnd.shuffle(delivered)
                batches = [delivered[start : start + 13] for start in range(0, len(delivered), 13)]
                steps: list[Any] = [*batches, *LINKS, WRONG]
                rnd.shuffle(steps)
                for step in steps:
                    await (link(office, step) if isinstance(step, str) else office.record(step))
                    if rnd.random() < 0.3:
                        await office.settle()
                await unlink(office)
            else:
                for line in LINKS:
                    await link(office, line)
                await office.record(scans)
            await office.settle()
            outcomes.append(await outcome(office))
            shown = await office.get("scans/", limit="1000")
            for row in shown:
                day = int(row["local_time"][8:10])
                assert row["employee_id"] == oracle(row["badge"], row["machine"] == GATE, day)
    assert outcomes[0] == outcomes[1]
    assert outcomes[0][0] == wanted
