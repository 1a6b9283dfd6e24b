"""The commands, from outside: 0 done, 1 failed, 2 wrong use; results on standard output, words on standard error."""

import json
from datetime import datetime
from pathlib import Path

import httpx
import pytest

from tests.acceptance.made_logs import Crew, Punch, attlog
from tests.acceptance.processes import run_command
from tests.acceptance.shapes import Compose, System, until
from tests.acceptance.steps import all_are_stored, crew_comes, imported, printed

ZONE = "Asia/Dhaka"
SECRET = "a secret of more than 32 characters."


def test_token_prints_a_token_and_nothing_else(system: System) -> None:
    environment = {"MUSTER_URL": system.url, "MUSTER_ADMIN_PASSWORD": system.password}
    result = run_command("token", environment=environment)
    assert (result.code, result.err) == (0, ""), result
    token = result.out.strip()
    answer = httpx.get(
        f"{system.url}/api/auth/me/", headers={"Authorization": f"Bearer {token}"}, trust_env=False
    ).json()
    assert (answer["username"], answer["role"]) == ("admin", "super_admin")
    by_input = run_command("token", environment={"MUSTER_URL": system.url}, feed=f"{system.password}\n".encode())
    assert by_input.code == 0, by_input


def test_commands_need_a_system_and_a_token(system: System, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_bytes(Crew(prefix="NO", size=1).csv())
    nobody = run_command("people", "import", file, environment={"MUSTER_URL": system.url})
    assert (nobody.code, nobody.out) == (1, ""), nobody
    assert "MUSTER_TOKEN" in nobody.err
    nowhere = run_command(
        "people", "import", file, environment={"MUSTER_URL": "http://127.0.0.1:9", "MUSTER_TOKEN": "x"}
    )
    assert (nowhere.code, nowhere.out) == (1, ""), nowhere
    assert "MUSTER_URL" in nowhere.err
    expired = run_command("people", "import", file, environment={"MUSTER_URL": system.url, "MUSTER_TOKEN": "x.y.z"})
    assert (expired.code, expired.out) == (1, ""), expired
    assert "MUSTER_TOKEN" in expired.err


def test_explain_says_why_a_day_is_what_it_is(system: System) -> None:
    crew = Crew(prefix="WHY", size=1)
    crew_comes(system, crew)
    moments = [datetime(2025, 3, 4, 8, 10), datetime(2025, 3, 4, 8, 10, 30), datetime(2025, 3, 4, 20, 0)]
    imported(system, attlog(Punch(badge="WHY1", at=at) for at in moments), "why", ZONE)
    all_are_stored(system, "why", 3)
    told = system.cli("explain", "EWHY1", "2025-03-04")
    assert told.code == 0, told
    for fact in ("08:10", "20:00", "10.83", "08:05", "merged"):
        assert fact in told.out, told
    assert printed(system.cli("explain", "EWHY1", "2025-03-04", "--json"))
    assert system.cli("explain", "EWHY1", "2025-03-05").code == 0, "a day without scans has its reasons, too"

    unknown = system.cli("explain", "NOBODY", "2025-03-04")
    assert (unknown.code, unknown.out) == (1, ""), unknown
    assert "NOBODY" in unknown.err
    for no_day in ("2025-02-30", "yesterday"):
        wrong = system.cli("explain", "EWHY1", no_day)
        assert (wrong.code, wrong.out) == (2, ""), wrong
        assert no_day in wrong.err


def test_replay_publishes_the_state_of_a_service_again(system: System) -> None:
    result = system.operate("replay", "ingest", "--to", "attendance")
    assert result.code == 0, result
    assert int(result.out) >= 0
    wrong = system.operate("replay", "nothing", "--to", "attendance")
    assert (wrong.code, wrong.out) == (2, ""), wrong


def test_after_a_replay_people_and_days_are_as_they_were(system: System) -> None:
    crew = Crew(prefix="AGAIN", size=2)
    crew_comes(system, crew)
    before = system.admin.get("/api/attendance/employees/", search="EAGAIN")
    result = system.operate("replay", "attendance", "--to", "gateway")
    assert result.code == 0, result
    assert int(result.out) >= 2
    assert system.admin.get("/api/attendance/employees/", search="EAGAIN") == before
    until(lambda: system.operate("dead", "list", "gateway.people", "--json").out.strip() == "[]", "nothing is refused")


@pytest.mark.parametrize("missing", ["MUSTER_DATABASE_URL", "MUSTER_BUS_URL", "MUSTER_SECRET"])
def test_serve_says_which_setting_is_missing(missing: str) -> None:
    given = {
        "MUSTER_DATABASE_URL": "postgresql://nobody@127.0.0.1:9/none",
        "MUSTER_BUS_URL": "amqp://guest:guest@127.0.0.1:9/",
        "MUSTER_SECRET": SECRET,
    }
    del given[missing]
    result = run_command("serve", "attendance", environment=given)
    assert (result.code, result.out) == (2, ""), result
    assert missing in result.err
    assert not any(other in result.err for other in given)


@pytest.mark.parametrize(
    ("words", "environment", "said"),
    [
        (("serve", "payroll"), {}, "payroll"),
        (("serve", "attendance"), {"MUSTER_SECRET": "short"}, "MUSTER_SECRET"),
        (("serve", "attendance"), {"MUSTER_TIMEZONE": "Mars/Olympus"}, "Mars/Olympus"),
        (("up", "--http-port", "70000"), {}, "65535"),
        (("up", "--data", "/dev/null/here"), {}, "/dev/null"),
        (("migrate",), {}, "MUSTER_DATABASE_URL"),
        (("dead", "list"), {}, "MUSTER_BUS_URL"),
        (("import", "x.dat"), {}, "x.dat"),
        (("nonsense",), {}, "nonsense"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_wrong_use_is_told_in_a_sentence(
    words: tuple[str, ...], environment: dict[str, str], said: str, tmp_path: Path
) -> None:
    result = run_command(*words, environment=environment, cwd=tmp_path)
    assert result.out == "", result
    assert result.code == (1 if words[0] == "up" and "--data" in words else 2), result
    assert said in result.err
    assert "Traceback" not in result.err


def test_a_variable_that_is_misspelt_is_pointed_out() -> None:
    result = run_command("migrate", environment={"MUSTER_DATABSE_URL": "postgresql://x"})
    assert "MUSTER_DATABSE_URL" in result.err


def test_migrate_can_be_repeated(system: System) -> None:
    for _ in range(2):
        again = system.operate("migrate")
        assert (again.code, again.out) == (0, ""), again
        assert "up to date" in again.err
    assert system.is_ready()


def test_a_database_that_is_away_is_said_so() -> None:
    environment = {"MUSTER_BUS_URL": "amqp://guest:guest@127.0.0.1:9/"}
    result = run_command("dead", "list", environment=environment)
    assert (result.code, result.out) == (1, ""), result
    assert result.err.strip()
    assert "Traceback" not in result.err


def test_the_healthchecks_of_the_compose_file_pass(system: System) -> None:
    if not isinstance(system, Compose):
        pytest.skip("only containers have them")
    for name, url in system.urls.items():
        port = url.rpartition(":")[2]
        assert run_command("health", "--port", port, environment={}).code == 0, name
    nobody = run_command("health", "--port", "9", environment={})
    assert (nobody.code, nobody.out) == (1, ""), nobody


def test_help_names_every_command() -> None:
    told = run_command("--help", environment={})
    assert told.code == 0, told
    for command in (
        "up", "serve", "migrate", "import", "people", "explain", "watch", "token", "dead", "replay", "health",
    ):  # fmt: skip
        assert command in told.out


def test_a_second_muster_on_the_same_folder_is_refused(system: System) -> None:
    if isinstance(system, Compose):
        pytest.skip("it has no folder")
    second = run_command("up", "--data", system.folder / "data", "--http-port", "0", "--live-port", "0", environment={})
    assert (second.code, second.out) == (1, ""), second
    assert second.err.strip()
    assert "Traceback" not in second.err
    assert system.is_ready()


def test_results_for_programs_are_json_alone(system: System) -> None:
    crew = Crew(prefix="JSON", size=1)
    file = system.folder / "json.csv"
    file.write_bytes(crew.csv())
    result = system.cli("people", "import", file, "--json")
    assert json.loads(result.out)["created"] == 1
    for_people = system.cli("people", "import", file)
    assert for_people.code == 0, for_people
    assert "unchanged" in for_people.out
