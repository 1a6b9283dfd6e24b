"""Computing days again on demand: what would change is said first, is what then happens, and changes nothing itself."""

import csv
import io
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import pytest

from services.attendance.application.directory import Directory
from services.attendance.application.looking import Drafted
from services.attendance.application.previewing import Previewing
from services.attendance.application.recompute import Recompute
from services.attendance.storage.looking import PostgresLooking, PostgresView, PostgresViews
from services.attendance.storage.looks import PostgresLooks
from services.attendance.storage.recomputations import PostgresRecomputations
from services.attendance.storage.recording import PostgresRecording, PostgresRecordings
from services.attendance.storage.scheduling import PostgresScheduling
from shared.contracts.recomputing import RecomputeChanged
from shared.storage.database import Database
from tests.attendance.api.office import Office, scan_of
from tests.attendance.api.test_corrections import rule, told
from tests.attendance.api.test_locks import lock

JANUARY = {"date_from": "2024-01-01", "date_to": "2024-01-31"}
OF_RUNS = ("recompute_runs", "run_changes")
QUARTER = {"date_from": "2023-12-01", "date_to": "2024-02-28"}
MORE = 60
"""People beside the five: with them a quarter is too much to be looked at while somebody waits, and takes each of two
lanes two times three transactions: of 19 people and of the rest, a month each."""


async def asked(office: Office, *, expect: int = 200, by: str = "hr", params: Any = None, **body: Any) -> Any:
    return (await office.ask("POST", "recompute/", json=body, by=by, expect=expect, params=params)).json()


async def everything(office: Office, *, but: str = "") -> dict[str, Any]:
    """All rows of all tables, but for those that runs are kept in."""
    tables = await office.sql(
        "SELECT c.relname FROM pg_class c WHERE c.relnamespace = 'attendance'::regnamespace AND c.relkind = 'r'"
    )
    names = sorted(row[0] for row in tables if row[0] not in {*OF_RUNS, but})
    return {name: await office.sql(f"SELECT t.*::text FROM {name} t ORDER BY 1") for name in names}


async def stored(office: Office) -> dict[str, dict[str, Any]]:
    """The stored days by their ids."""
    rows = await office.sql("SELECT *, first_in AT TIME ZONE zone AS came FROM days")
    return {f"{row['date']:%Y%m%d}-{row['person_id']}": dict(row) for row in rows}


def fits(change: dict[str, Any], before: dict[str, Any] | None, after: dict[str, Any]) -> bool:
    """Whether a change says what became of a day; instants are left to the minutes."""
    names = [name for name in change["after"] if name not in {"first_in", "last_out"}]
    is_before = before is None if change["before"] is None else {n: before and before[n] for n in names}
    says_before = True if change["before"] is None else {n: change["before"][n] for n in names}
    return is_before == says_before and {n: after[n] for n in names} == {n: change["after"][n] for n in names}


@pytest.fixture
async def worked(company: Office) -> Office:
    """Three people have worked for some days of January; it is 10 February."""
    await company.settle()
    for day in (8, 9, 10, 11):
        for badge in "124":
            await company.scan(badge, f"2024-01-{day:02} 08:0{badge}", f"2024-01-{day:02} 18:30")
    company.clock.time = datetime(2024, 2, 10, 6, tzinfo=UTC)
    return company


@pytest.fixture
async def crowd(worked: Office) -> Office:
    """So many that a quarter is looked at in the background."""
    await worked.import_people(
        "employee_id,name,department,badge", *(f"MORE{n},Person {n},Sewing,{100 + n}" for n in range(MORE))
    )
    moments = ("2024-01-09 08:00", "2024-01-09 17:00")
    await worked.record([scan_of(str(100 + n), moment) for n in range(MORE) for moment in moments])
    await worked.settle()
    await rule(worked, lunch_break_duration=0.5)
    return worked


async def test_a_dry_run_changes_nothing_and_what_it_says_is_what_the_run_then_stores(worked: Office):
    await rule(worked, lunch_break_duration=0.5, late_entry_time="08:01", safe_entry_time="08:01")
    before, days = await everything(worked), await stored(worked)
    said = await asked(worked, **JANUARY, reason="a shorter lunch")
    assert await everything(worked) == before
    assert (said["kind"], said["state"], said["employees"], said["days_looked_at"]) == ("dry_run", "done", 5, 12)
    totals = said["totals"]
    assert (totals["people_affected"], totals["days_changed"], totals["days_new"]) == (3, 12, 0)
    assert totals["minutes"]["worked"] == {
        "before": sum(day["worked"] for day in days.values()),
        "after": sum(day["worked"] for day in days.values()) + 12 * 30,
        "difference": 360,
    }
    assert totals["statuses"] == [
        {"before": "Present-Considered", "after": "Present-Late", "days": 8},
        {"before": "Present-Considered", "after": "Present-OnTime", "days": 4},
    ]

    run = (await worked.ask("POST", f"recompute-runs/{said['id']}/run/", expect=202)).json()
    assert (run["kind"], run["state"], run["of_run"], run["reason"]) == (
        "recompute",
        "waiting",
        said["id"],
        "a shorter lunch",
    )
    await worked.settle()
    after = await stored(worked)
    changes = {change["day"]: change for change in said["changes"]}
    assert changes.keys() == after.keys() == days.keys()
    assert all(fits(change, days[key], after[key]) for key, change in changes.items())
    done = await worked.get(f"recompute-runs/{run['id']}/")
    assert (done["state"], done["days_looked_at"], done["days_changed"], done["employees_done"]) == ("done", 12, 12, 5)
    # Whoever asks twice gets the same run.
    again = (await worked.ask("POST", f"recompute-runs/{said['id']}/run/", expect=202)).json()
    assert again["id"] == run["id"]
    history = await worked.get(f"daily-attendance/{said['changes'][0]['day']}/history/")
    assert "hr asked for it: a shorter lunch" in str(history)


async def test_nothing_to_change_is_said_so_and_unchanged_days_are_left_alone(worked: Office):
    said = await asked(worked, **JANUARY)
    assert (said["changes"], said["totals"]["days_changed"], said["totals"]["people_affected"]) == ([], 0, 0)
    assert all(pair["difference"] == 0 for pair in said["totals"]["minutes"].values())
    run = await asked(worked, **JANUARY, reason="to be sure", dry_run=False, expect=202)
    before = await stored(worked)
    await worked.settle()
    assert await stored(worked) == before
    assert (await worked.get(f"recompute-runs/{run['id']}/"))["days_changed"] == 0


async def test_a_dry_run_is_done_for_real_only_by_the_rules_that_it_was_made_by(worked: Office):
    await rule(worked, lunch_break_duration=0.5)
    said = await asked(worked, **JANUARY)
    await worked.sql("UPDATE settings SET values = '{\"lunch_break_duration\": 0.25}'")
    await worked.sql("UPDATE rules SET n = n + 1")
    refused = await worked.ask("POST", f"recompute-runs/{said['id']}/run/", expect=409)
    assert "rules have changed since" in refused.json()["error"]


async def test_whose_days_are_meant_can_be_said(worked: Office):
    await rule(worked, lunch_break_duration=0.5)
    group = (await worked.ask("POST", "groups/", json={"name": "Crew"}, expect=201)).json()["id"]
    bela = (await worked.ids())["EMP002"]
    await worked.ask("POST", f"groups/{group}/members/", json={"employee": bela}, expect=201)
    expected: list[tuple[dict[str, Any], set[str]]] = [
        ({}, {"EMP001", "EMP002", "EMP004"}),
        ({"department": "Sewing"}, {"EMP001", "EMP002"}),
        ({"unit": "Office"}, {"EMP004"}),
        ({"employees": ["EMP001", "EMP004"]}, {"EMP001", "EMP004"}),
        ({"employees": ["EMP001", "EMP004"], "department": "Sewing"}, {"EMP001"}),
        ({"site": 1, "group": "Crew"}, {"EMP002"}),
    ]
    for selection, codes in expected:
        said = await asked(worked, **JANUARY, **selection)
        assert {change["employee_id"] for change in said["changes"]} == codes, selection
        assert said["selection"].keys() == selection.keys()


async def test_all_changes_are_there_as_a_list_and_as_csv(worked: Office):
    await rule(worked, lunch_break_duration=0.5)
    await worked.sql("UPDATE people SET name = '=1+1' WHERE code = 'EMP001'")
    answer = await worked.ask("POST", "recompute/", json=JANUARY, params={"format": "csv"})
    assert answer.headers["content-type"].startswith("text/csv")
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    (run,) = await worked.get("recompute-runs/")
    for slash in ("", "/"):  # the gateway adds one
        again = await worked.ask("GET", f"recompute-runs/{run['id']}/changes.csv{slash}")
        assert again.text == answer.text
    listed = await worked.get(f"recompute-runs/{run['id']}/changes/")
    assert [(row["employee_id"], row["date"]) for row in rows] == [(c["employee_id"], c["date"]) for c in listed]
    assert [(row["worked_before"], row["worked_after"]) for row in rows] == [
        (str(c["before"]["worked"]), str(c["after"]["worked"])) for c in listed
    ]
    assert {row["employee_name"] for row in rows} == {"'=1+1", "Bela Begum", "Dipa Roy"}
    assert {row["status_before"] for row in rows} == {""}
    page = await worked.ask("GET", f"recompute-runs/{run['id']}/changes/", params={"limit": 7})
    following = await worked.ask("GET", page.links["next"]["url"])
    assert [*page.json(), *following.json()] == listed


async def test_why_a_day_would_change_is_said_where_it_is_known(worked: Office):
    emon = (await worked.ids())["EMP005"]
    await worked.scan("9", "2024-01-09 08:00", "2024-01-09 17:00")
    await worked.sql("INSERT INTO badges (badge, person_id, during) VALUES ('9', $1, '(,)')", emon)
    await worked.sql("UPDATE days SET marks = '', used = 0, digest = 'x' WHERE date = '2024-01-08' AND person_id = 1")
    said = await asked(worked, **JANUARY)
    assert [(change["employee_id"], change["why"]) for change in said["changes"]] == [
        ("EMP001", "other scans or corrections count"),
        ("EMP005", "there is no such day yet"),
    ]
    assert said["changes"][1]["before"] is None
    assert said["totals"]["days_new"] == 1


async def test_days_of_a_locked_month_stay_and_what_would_be_adjusted_is_said(worked: Office):
    await lock(worked)
    await rule(worked, lunch_break_duration=0.5)
    before = await stored(worked)
    said = await asked(worked, **JANUARY)
    assert said["totals"]["days_locked"] == said["totals"]["days_changed"] == len(said["changes"]) == 12
    assert all(change["locked"] for change in said["changes"])
    assert said["totals"]["minutes"]["worked"]["difference"] == 360
    await worked.ask("POST", f"recompute-runs/{said['id']}/run/", expect=202)
    await worked.settle()
    assert await stored(worked) == before
    booked = await worked.get("adjustments/", ordering="date")
    assert {each["day"]: each["after"]["worked"] for each in booked} == {
        change["day"]: change["after"]["worked"] for change in said["changes"]
    }
    # What is booked is known: to do it again would change nothing.
    assert (await asked(worked, **JANUARY))["changes"] == []


async def test_a_large_dry_run_waits_for_its_turn_and_tells_how_far_it_is(crowd: Office):
    before = await everything(crowd, but="outbox")
    run = await asked(crowd, **QUARTER, expect=202)
    assert (run["state"], run["employees"], run["totals"]) == ("waiting", 5 + MORE, None)
    await crowd.settle()
    assert await everything(crowd, but="outbox") == before
    done = await crowd.get(f"recompute-runs/{run['id']}/")
    assert (done["state"], done["employees_done"], done["days_changed"]) == ("done", 5 + MORE, 12 + MORE)
    listed = await crowd.get(f"recompute-runs/{run['id']}/changes/")
    assert len(listed) == done["days_changed"] == done["totals"]["days_changed"]
    differences = sum(change["after"]["worked"] - change["before"]["worked"] for change in listed)
    assert done["totals"]["minutes"]["worked"]["difference"] == differences == 30 * len(listed)
    heard = [event for event in await told(crowd, RecomputeChanged) if event.run_id == run["id"]]
    assert [heard[0].state, heard[1].state, heard[-1].state] == ["waiting", "running", "done"]
    assert (heard[-1].people_done, heard[-1].days_changed) == (5 + MORE, done["days_changed"])
    assert [event.version for event in heard] == sorted({event.version for event in heard})


async def test_a_run_can_be_cancelled_while_it_waits_and_when_it_is_done_no_more(crowd: Office):
    run = await asked(crowd, **QUARTER, expect=202)
    ended = (await crowd.ask("POST", f"recompute-runs/{run['id']}/cancel/")).json()
    assert ended["state"] == "cancelled"
    await crowd.settle()
    assert (await crowd.get(f"recompute-runs/{run['id']}/"))["days_looked_at"] == 0
    assert [event.state for event in await told(crowd, RecomputeChanged)] == ["waiting", "cancelled"]
    refused = await crowd.ask("POST", f"recompute-runs/{run['id']}/cancel/", expect=409)
    assert "cancelled already" in refused.json()["error"]
    assert "cancelled" in (await crowd.ask("POST", f"recompute-runs/{run['id']}/run/", expect=409)).json()["error"]


class Stop(Exception):
    """As if the process had ended."""


class Stopping(PostgresRecordings):
    """Transactions of which only some are begun: then something happens."""

    def __init__(self, office: Office, after: int, then: Any) -> None:
        super().__init__(office.database)
        self.left = after
        self._then = then

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[PostgresRecording]:
        if self.left == 0:
            await self._then()
        self.left -= 1
        async with super().begin() as recording:
            yield recording


def recompute_with(office: Office, recordings: PostgresRecordings) -> Recompute:
    return Recompute(PostgresRecomputations(office.database), recordings, office.clock)


async def quarter_of(office: Office) -> Any:
    """A run over a quarter."""
    return await asked(office, **QUARTER, reason="a shorter lunch", dry_run=False, expect=202)


async def test_a_run_that_was_stopped_goes_on_where_it_was(crowd: Office):
    run = await quarter_of(crowd)

    async def stop() -> None:
        raise Stop

    first = Stopping(crowd, 8, stop)
    with pytest.raises(Stop):
        await recompute_with(crowd, first).next()
    half = await crowd.get(f"recompute-runs/{run['id']}/")
    assert half["state"] == "running"
    assert 0 < half["employees_done"] < 5 + MORE
    second = Stopping(crowd, 100, stop)
    assert await recompute_with(crowd, second).next()
    assert 100 - second.left < 12
    done = await crowd.get(f"recompute-runs/{run['id']}/")
    assert (done["state"], done["employees_done"], done["days_changed"]) == ("done", 5 + MORE, 12 + MORE)
    assert {(day["worked"], day["n"]) for key, day in (await stored(crowd)).items() if "20240109" in key} == {
        (510, 2),
        *(((18 * 60 + 30) - (8 * 60 + badge) - 30, 2) for badge in (1, 2, 4)),
    }
    assert not await crowd.sql("SELECT FROM recomputations")


class StoppingViews(PostgresViews):
    """Views of which only some looks are taken: then it is as if the process had ended."""

    def __init__(self, office: Office, after: int) -> None:
        super().__init__(office.database)
        self.left = after

    async def view(self, drafted: Drafted | None) -> PostgresView:
        return StoppingView(self._database, (await super().view(drafted))._directory, self)


class StoppingView(PostgresView):
    """One of them."""

    def __init__(self, database: Database, directory: Directory, views: StoppingViews) -> None:
        super().__init__(database, directory)
        self._views = views

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[PostgresLooking]:
        if self._views.left == 0:
            raise Stop
        self._views.left -= 1
        async with super().looking() as look:
            yield look


async def test_a_dry_run_that_was_stopped_goes_on_where_it_was(crowd: Office):
    run = await asked(crowd, **QUARTER, expect=202)
    store = PostgresScheduling(crowd.database)
    # Three looks for each of the four batches: it ends in the third.
    first = Previewing(PostgresLooks(crowd.database), StoppingViews(crowd, 7), store, crowd.clock)
    with pytest.raises(Stop):
        await first.next()
    half = await crowd.get(f"recompute-runs/{run['id']}/")
    assert (half["state"], half["employees_done"]) == ("running", 38)
    found = await crowd.get(f"recompute-runs/{run['id']}/changes/")
    assert len(found) == half["days_changed"] == half["totals"]["days_changed"] > 0
    assert await crowd.previewing.next()
    done = await crowd.get(f"recompute-runs/{run['id']}/")
    assert (done["state"], done["employees_done"], done["days_changed"]) == ("done", 5 + MORE, 12 + MORE)
    assert done["totals"]["minutes"]["worked"]["difference"] == 30 * (12 + MORE)


async def test_a_run_that_is_cancelled_in_the_middle_stops_and_what_it_did_stays(crowd: Office):
    run = await quarter_of(crowd)

    async def cancel() -> None:
        await crowd.ask("POST", f"recompute-runs/{run['id']}/cancel/")

    assert await recompute_with(crowd, Stopping(crowd, 8, cancel)).next()
    ended = await crowd.get(f"recompute-runs/{run['id']}/")
    assert ended["state"] == "cancelled"
    assert ended["employees_done"] < 5 + MORE
    assert not await crowd.sql("SELECT FROM recomputations")
    assert not await crowd.recompute.next()


async def test_a_dry_run_in_the_background_says_that_rules_changed_meanwhile(crowd: Office):
    run = await asked(crowd, **QUARTER, expect=202)
    await crowd.sql("UPDATE recompute_runs SET rules_n = -1")  # as if it had begun by others
    await crowd.settle()
    done = await crowd.get(f"recompute-runs/{run['id']}/")
    assert (done["state"], done["rules_changed"]) == ("done", True)
    assert "rules" in (await crowd.ask("POST", f"recompute-runs/{run['id']}/run/", expect=409)).json()["error"]


async def test_only_hr_asks_for_runs_and_sees_them(worked: Office):
    said = await asked(worked, **JANUARY)
    for role in ("head", "employee", "trainer", "device", "nobody"):
        await asked(worked, **JANUARY, by=role, expect=403)
        await worked.ask("POST", "sandbox/", json={"settings": {"values": {"x": 1}}}, by=role, expect=403)
        for path in ("", f"{said['id']}/", f"{said['id']}/changes/", f"{said['id']}/changes.csv"):
            await worked.refused(f"recompute-runs/{path}", 403, by=role)
        for path in ("run", "cancel"):
            await worked.ask("POST", f"recompute-runs/{said['id']}/{path}/", by=role, expect=403)


async def test_what_cannot_be_meant_is_refused_by_name(company: Office):
    expected: list[tuple[dict[str, Any], str]] = [
        ({}, "date_from"),
        ({"date_from": "2024-01-31", "date_to": "2024-01-01"}, "date_to must be from date_from on"),
        ({"date_from": "2023-01-01", "date_to": "2024-01-31"}, "366"),
        ({**JANUARY, "month": "2024-01"}, "month"),
        ({**JANUARY, "dry_run": False}, "reason"),
        ({**JANUARY, "employees": ["EMP001", "EMP777"]}, "there is no employee EMP777"),
        ({**JANUARY, "department": "Nowhere"}, "there is no department 'Nowhere'"),
        ({**JANUARY, "site": 77}, "there is no site '77'"),
        ({**JANUARY, "group": "None"}, "there is no group 'None'"),
    ]
    for body, named in expected:
        assert named in str(await asked(company, **body, expect=400)), body


async def test_unknown_parameters_and_runs_are_refused(worked: Office):
    said = await asked(worked, **JANUARY)
    for path in ("", f"{said['id']}/", f"{said['id']}/changes/", f"{said['id']}/changes.csv"):
        assert "colour" in await worked.refused(f"recompute-runs/{path}", 400, colour="red")
    assert "colour" in str(await asked(worked, **JANUARY, params={"colour": "red"}, expect=400))
    assert "possible are" in await worked.refused("recompute-runs/", 400, kind="wet")
    for id_ in ("7", "00000000-0000-0000-0000-000000000000"):
        await worked.refused(f"recompute-runs/{id_}/", 404)
        await worked.refused(f"recompute-runs/{id_}/changes/", 404)
        await worked.ask("POST", f"recompute-runs/{id_}/cancel/", expect=404)


async def test_what_only_looked_is_forgotten_after_a_week_and_what_was_done_is_not(worked: Office):
    old = await asked(worked, **JANUARY)
    done = await asked(worked, **JANUARY, reason="so", dry_run=False, expect=202)
    await worked.settle()
    worked.clock.time = datetime(2024, 2, 18, 6, tzinfo=UTC)
    new = await asked(worked, **JANUARY)
    await worked.previewing.forget()
    assert {run["id"] for run in await worked.get("recompute-runs/")} == {done["id"], new["id"]}
    await worked.refused(f"recompute-runs/{old['id']}/", 404)


async def test_a_request_that_is_sent_again_asks_once(worked: Office):
    body, key = {**JANUARY, "reason": "so", "dry_run": False}, {"Idempotency-Key": "r1"}
    first, second = [
        (await worked.ask("POST", "recompute/", json=body, headers=key, expect=202)).json() for _ in range(2)
    ]
    assert first == second
    assert len(await worked.get("recompute-runs/")) == 1
