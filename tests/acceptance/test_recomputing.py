"""Days are computed again on demand, and whoever asked sees live how far that is."""

from datetime import date

from tests.acceptance.made_logs import Crew, attlog, months_of_work
from tests.acceptance.shapes import System
from tests.acceptance.steps import all_are_stored, crew_comes, imported
from tests.acceptance.test_live import frames

ATTENDANCE = "/api/attendance"


def test_a_changed_rule_is_tried_then_made_and_its_run_is_followed_live(system: System) -> None:
    crew = Crew(prefix="RUNS", size=4)
    crew_comes(system, crew)
    punches = months_of_work(crew, date(2025, 3, 1), 31)
    imported(system, attlog(punches), "runs", "Asia/Dhaka")
    all_are_stored(system, "runs", len(punches))
    month = {"date_from": "2025-03-01", "date_to": "2025-03-31"}
    whose = {"department": crew.department}

    draft = {"settings": {**whose, "values": {"lunch_break_duration": 0.25}}}
    tried = system.admin.post(f"{ATTENDANCE}/sandbox/", {**month, **whose, **draft})
    assert tried["state"] == "done"
    assert tried["totals"]["minutes"]["worked"]["difference"] > 0
    for slash in ("", "/"):
        table = system.admin.call("GET", f"{ATTENDANCE}/recompute-runs/{tried['id']}/changes.csv{slash}")
        assert (table.status_code, table.headers["content-type"]) == (200, "text/csv; charset=utf-8")
    said = system.admin.post(f"{ATTENDANCE}/recompute/", {**month, **whose})
    assert (said["employees"], said["days_changed"]) == (crew.size, 0)

    with system.live() as connection:
        seen = frames(connection)
        next(seen)
        asked = system.admin.call("POST", f"{ATTENDANCE}/recompute-runs/{said['id']}/run/", json={"reason": "so"})
        assert asked.status_code == 202, asked.text
        run = asked.json()["id"]
        ours = (frame["data"] for frame in seen if frame["type"] == "recompute_changed")
        states = []
        for data in ours:
            if data["run"] == run:
                states.append(data["state"])
                if data["state"] == "done":
                    break
        assert states[0] in ("waiting", "running")
        assert (data["employees_done"], data["days_looked_at"]) == (crew.size, said["days_looked_at"])
        assert (data["reason"], data["days_changed"]) == ("so", 0)
