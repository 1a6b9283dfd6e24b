"""The command from outside: what it prints where, and what it ends with."""

import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

REPOSITORY = Path(__file__).parents[2]
LOG = b"1\t2026-01-05 08:00:00\t1\t0\t0\t0\n"


class Answering(ThreadingHTTPServer):
    """A system that answers what a test tells it to, and remembers what it was asked."""

    daemon_threads = True

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, dict[str, str], bytes]] = []
        self.answers: dict[str, tuple[int, Any]] = {
            "/api/auth/token/": (200, {"access": "made", "user": {}}),
            "/api/attendance/settings/": (200, {"timezone": "Asia/Dhaka"}),
            "/api/attendance/system-status/": (200, {"queue_size": 0}),
            "/api/attendance/unknown-badges/": (200, []),
        }
        server = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self) -> None:
                path = self.path.split("?")[0]
                server.asked.append((self.command, self.path, dict(self.headers), self._body()))
                status, body = server.answers.get(path, (404, {"error": f"there is nothing at {path}"}))
                text = json.dumps(body).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(text)))
                self.end_headers()
                self.wfile.write(text)

            do_POST = do_GET  # noqa: N815 - the name that the base class looks for

            def _body(self) -> bytes:
                if self.headers.get("Transfer-Encoding") != "chunked":
                    return self.rfile.read(int(self.headers.get("Content-Length", 0)))
                pieces = []
                while size := int(self.rfile.readline(), 16):
                    pieces.append(self.rfile.read(size))
                    self.rfile.readline()
                self.rfile.readline()
                return b"".join(pieces)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"


@pytest.fixture
def system() -> Iterator[Answering]:
    server = Answering()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def log(tmp_path: Path) -> Path:
    file = tmp_path / "1_attlog.dat"
    file.write_bytes(LOG)
    return file


def muster(
    *words: str | Path, stdin: str = "", columns: int = 200, **environment: str
) -> subprocess.CompletedProcess[str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return subprocess.run(
        [sys.executable, "-c", "from deploy.cli import main; main()", *words],
        cwd=REPOSITORY,
        env={**clean, "COLUMNS": str(columns), **{f"MUSTER_{name}": value for name, value in environment.items()}},
        input=stdin,
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )


def test_an_import_sends_the_file_as_it_is_and_prints_the_summary(system: Answering, log: Path) -> None:
    lines = [{"line": 7, "reason": "no date"}]
    summary = {"machine": "gate-1", "timezone": "Asia/Dhaka", "read": 2, "new": 1, "unreadable": 1}
    summary |= {"unreadable_lines": lines}
    system.answers["/api/attendance/scans/import/"] = (200, summary)
    done = muster("import", log, "--machine", "gate-1", "--timezone", "Asia/Dhaka", URL=system.url, TOKEN="mine")
    assert done.returncode == 3, done.stderr
    method, path, headers, body = system.asked[0]
    assert (method, body) == ("POST", LOG)
    assert path == "/api/attendance/scans/import/?machine=gate-1&timezone=Asia%2FDhaka"
    assert headers["Authorization"] == "Bearer mine"
    assert "2 read = 1 new + 0 known already + 1 unreadable" in done.stdout
    assert "unreadable line 7: no date" in done.stdout
    assert done.stderr.strip() == "1 line of the file cannot be read; all others are imported."


def test_the_figures_of_an_import_add_up_in_a_line(system: Answering, log: Path) -> None:
    figures = {"read": 9, "new": 4, "quarantined": 2, "already_known": 2, "unreadable": 3, "unreadable_new": 1}
    summary = {"machine": "g", "machine_id": 7, "machine_created": True, "timezone": "Asia/Dhaka", **figures}
    system.answers["/api/attendance/scans/import/"] = (200, summary)
    done = muster("import", log, "--machine", "g", URL=system.url, TOKEN="mine")
    said = "9 read = 4 new (2 of them quarantined) + 2 known already + 3 unreadable (1 of them for the first time)"
    assert said in done.stdout
    assert "The machine g is registered now." in done.stdout


def test_an_import_names_badges_that_nobody_holds_and_says_what_to_do(system: Answering, log: Path) -> None:
    system.answers["/api/attendance/scans/import/"] = (200, {"machine": "g", "timezone": "Asia/Dhaka"})
    system.answers["/api/attendance/unknown-badges/"] = (200, [{"badge": "101"}, {"badge": "7"}])
    done = muster("import", log, "--machine", "g", URL=system.url, TOKEN="mine")
    assert done.returncode == 0, done.stderr
    assert "Nobody holds 2 badges of this machine: 101, 7." in done.stderr
    assert "muster people import" in done.stderr
    assert any(path.startswith("/api/attendance/unknown-badges/?machine=g&") for _, path, _, _ in system.asked)


@pytest.mark.parametrize(
    ("said", "field", "shown"),
    [
        ("say date_format=day_first or date_format=month_first", "date_format",
            "say --date-format day_first or --date-format month_first"),
        ("say columns=badge=1,time=2", "columns", "say --columns badge=1,time=2"),
        ("say encoding, such as gbk", "encoding", "say --encoding, such as gbk"),
        ("columns: there can be only one badge", "columns", "--columns: there can be only one badge"),
        ("If the rest is worth it, say force=true", "", "If the rest is worth it, say --force"),
        ("to register it, say the time zone of its clock", "timezone",
            "to register it, say the time zone of its clock (--timezone)"),
    ],
)  # fmt: skip
def test_what_an_import_lacks_is_named_as_the_option_that_it_is(
    system: Answering, log: Path, said: str, field: str, shown: str
) -> None:
    problem = {"error": said, "errors": [{"pointer": field, "detail": "x"}] if field else []}
    system.answers["/api/attendance/scans/import/"] = (400, problem)
    done = muster("import", log, "--machine", "g", URL=system.url, TOKEN="mine")
    assert (done.returncode, done.stderr.strip()) == (1, shown)


def test_a_dry_run_prints_how_a_table_is_read_and_the_first_scans(system: Answering, log: Path) -> None:
    recognised = {
        "columns": {"badge": "AC-No.", "time": "Date, Time"},
        "ignored": ["Name"],
        "header_line": 3,
        "sheet": "May",
    }
    sample = [{"line": 4, "badge": "007", "local_time": "2026-10-05 08:01:22", "type": "IN", "state": "0"}]
    summary = {"dry_run": True, "machine": "g", "machine_id": None, "machine_created": False, "timezone": "Asia/Dhaka"}
    summary |= {"new": 1, "recognised": {**recognised, "date_format": None}, "sample": sample}
    system.answers["/api/attendance/scans/import/"] = (200, summary)
    said = ("--columns", 'badge=AC-No.,time="Date, Time"', "--states", "C/In=0", "--sheet", "May")
    done = muster("import", log, "--machine", "g", "--dry-run", *said, URL=system.url, TOKEN="mine")
    assert done.returncode == 0, done.stderr
    asked = parse_qs(urlsplit(system.asked[0][1]).query)
    assert asked == {
        "machine": ["g"], "dry_run": ["true"], "columns": [said[1]], "states": ["C/In=0"], "sheet": ["May"],
    }  # fmt: skip
    assert done.stdout.splitlines()[:4] == [
        "columns: badge = AC-No.; time = Date, Time",
        "columns passed over: Name",
        "read with: header line 3, sheet May",
        "scan line 4: 007 · 2026-10-05 08:01:22 · IN · 0",
    ]
    assert "This was a dry run: nothing is changed; the machine g would be registered." in done.stdout
    assert "machine created" not in done.stdout


def test_an_import_says_when_the_machine_and_the_site_keep_different_time(system: Answering, log: Path) -> None:
    system.answers["/api/attendance/scans/import/"] = (200, {"machine": "gate-1", "timezone": "Asia/Shanghai"})
    done = muster("import", log, "--machine", "gate-1", URL=system.url, TOKEN="mine")
    assert done.returncode == 0, done.stderr
    assert "clock is in Asia/Shanghai, the site in Asia/Dhaka" in done.stderr


def test_a_program_gets_json_on_standard_output_and_nothing_else(system: Answering, log: Path) -> None:
    system.answers["/api/attendance/scans/import/"] = (200, {"read": 1})
    arguments = ("import", log, "--machine", "g", "--timezone", "UTC", "--dry-run", "--json")
    done = muster(*arguments, URL=system.url, TOKEN="mine")
    assert json.loads(done.stdout) == {"read": 1}
    assert "dry_run=true" in system.asked[-1][1]


def test_without_a_token_the_administrators_password_signs_in(system: Answering, log: Path) -> None:
    system.answers["/api/attendance/scans/import/"] = (200, {"machine": "g", "timezone": "Asia/Dhaka"})
    done = muster("import", log, "--machine", "g", URL=system.url, ADMIN_PASSWORD="long enough")
    assert done.returncode == 0, done.stderr
    assert json.loads(system.asked[0][3]) == {"username": "admin", "password": "long enough"}
    assert system.asked[1][2]["Authorization"] == "Bearer made"


def test_a_token_is_printed_alone(system: Answering) -> None:
    done = muster("token", URL=system.url, ADMIN_PASSWORD="long enough")
    assert (done.returncode, done.stdout, done.stderr) == (0, "made\n", "")


def test_people_are_imported_from_csv(system: Answering, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("employee_id,name,badge\nE1,Somebody,1\n")
    system.answers["/api/attendance/employees/import/"] = (200, {"created": 1, "errors": []})
    done = muster("people", "import", file, URL=system.url, TOKEN="mine")
    assert done.returncode == 0, done.stderr
    assert system.asked[-1][2]["Content-Type"] == "text/csv"


def test_lines_of_people_that_were_left_out_are_named_and_told_by_the_end(system: Answering, tmp_path: Path) -> None:
    file = tmp_path / "people.csv"
    file.write_text("employee_id,name\n,Nobody\n")
    summary = {"created": 0, "errors": [{"line": 2, "column": "employee_id", "error": "is missing"}]}
    system.answers["/api/attendance/employees/import/"] = (200, summary)
    done = muster("people", "import", file, URL=system.url, TOKEN="mine")
    assert done.returncode == 3
    assert "error line 2: employee_id · is missing" in done.stdout
    assert "Left out: 1 line." in done.stderr


@pytest.mark.parametrize(
    ("field", "words", "code"),
    [
        ("columns", ("--columns", "bagde=1"), 2), ("date_format", ("--date-format", "day_frist"), 2),
        ("date_format", (), 1), ("columns", (), 1), ("", ("--columns", "badge=1,time=2"), 1),
    ],
    ids=["columns that are wrong", "a date format that is", "dates that are unclear", "no header", "no log"],
)  # fmt: skip
def test_an_option_that_is_refused_was_used_wrongly_and_a_file_that_is_failed(
    system: Answering, log: Path, field: str, words: tuple[str, ...], code: int
) -> None:
    problem = {"error": "no", "errors": [{"pointer": field, "detail": "x"}] if field else []}
    system.answers["/api/attendance/scans/import/"] = (400, problem)
    done = muster("import", log, "--machine", "g", *words, URL=system.url, TOKEN="mine")
    assert (done.returncode, done.stdout) == (code, "")


def test_what_the_system_refuses_fails_with_its_sentence(system: Answering, log: Path) -> None:
    system.answers["/api/attendance/scans/import/"] = (400, {"error": "this is no log of a machine"})
    done = muster("import", log, "--machine", "g", URL=system.url, TOKEN="mine")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr.strip() == "this is no log of a machine"


def test_a_token_that_is_not_valid_fails_and_says_which_variables_matter(system: Answering, log: Path) -> None:
    system.answers["/api/attendance/scans/import/"] = (401, {"error": "the token has run out"})
    done = muster("import", log, "--machine", "g", URL=system.url, TOKEN="old")
    assert done.returncode == 1
    assert "MUSTER_TOKEN" in done.stderr


def test_nothing_that_answers_is_a_failure_with_advice(log: Path) -> None:
    done = muster("import", log, "--machine", "g", URL="http://127.0.0.1:1", TOKEN="mine")
    assert done.returncode == 1
    assert "Nothing answers at http://127.0.0.1:1" in done.stderr


def test_nobody_signed_in_is_a_failure_with_advice(system: Answering, log: Path) -> None:
    done = muster("import", log, "--machine", "g", URL=system.url)
    assert done.returncode == 1
    assert "MUSTER_TOKEN" in done.stderr


@pytest.mark.parametrize(
    "words",
    [
        ("import", "/nowhere/1_attlog.dat", "--machine", "g"),
        ("import", __file__),
        ("import", __file__, "--machine", "g", "--timezone", "Asia/Nowhere"),
        ("explain", "EMP001", "2026-02-30"),
        ("serve", "nothing"),
        ("serve", "attendance"),
        ("migrate",),
        ("replay", "ingest", "--to", "nobody"),
        ("no-such-command",),
        ("up", "--http-port", "99999"),
        ("import", __file__, "--machine", "g", "--format", "xls"),
        ("import", __file__, "--machine", ""),
        ("import", __file__, "--machine", "g", "--day-first", "--date-format", "month_first"),
        ("people", "import", __file__, "--effective-from", "2026-02-30"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence_on_standard_error(words: tuple[str, ...]) -> None:
    done = muster(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert len(done.stderr.strip()) > 20


@pytest.mark.parametrize("words", [("dead", "list"), ("password",)], ids=" ".join)
def test_what_works_on_a_system_that_does_not_run_says_to_start_it(words: tuple[str, ...], tmp_path: Path) -> None:
    address = {"database_url": f"postgresql://muster@/muster?host={tmp_path}/nowhere", "http_url": "", "live_url": ""}
    (tmp_path / "address.json").write_text(json.dumps(address))
    (tmp_path / "secret").write_text("s" * 64)
    done = muster(*words, "--data", tmp_path)
    assert (done.returncode, done.stdout) == (1, "")
    said = f"No Muster runs on the data folder {tmp_path}: start it (muster up --data {tmp_path})."
    assert done.stderr.strip() == said


def test_an_address_that_is_none_is_wrong_use(log: Path) -> None:
    for url in ("nonsense", "ftp://127.0.0.1", "http://"):
        done = muster("import", log, "--machine", "g", URL=url, TOKEN="mine")
        assert (done.returncode, done.stdout) == (2, "")
        assert "MUSTER_URL" in done.stderr


def test_a_day_is_explained_in_sentences(system: Answering) -> None:
    explained = {"employee_id": "EMP001", "employee_name": "Ahmed Khan", "date": "2026-01-05"}
    explained |= {"sentences": ["Two scans count.", "Late by 3 minutes."]}
    system.answers["/api/attendance/explain/"] = (200, explained)
    done = muster("explain", "EMP001", "2026-01-05", URL=system.url, TOKEN="mine")
    assert (done.returncode, done.stdout) == (
        0,
        "EMP001 Ahmed Khan, 2026-01-05\nTwo scans count.\nLate by 3 minutes.\n",
    )
    assert system.asked[-1][1] == "/api/attendance/explain/?employee=EMP001&date=2026-01-05"


PEOPLE = [{"id": 12, "employee_id": "EMP0017"}, {"id": 5, "employee_id": "EMP001"}]
UNITS = [{"id": 2, "name": "Sewing"}, {"id": 3, "name": "Cutting"}]


@pytest.mark.parametrize(
    ("words", "body"),
    [
        (("--role", "hr"), {"roles": ["hr"]}),
        (("--person", "emp001"), {"roles": ["employee"], "person": 5}),
        (("--role", "department_head", "--unit", "sewing", "--unit", "3"),
            {"roles": ["department_head"], "units": [2, 3]}),
    ],
    ids=["hr", "employee", "head"],
)  # fmt: skip
def test_a_user_is_made_by_names_and_their_password_printed_alone(
    system: Answering, words: tuple[str, ...], body: dict[str, Any]
) -> None:
    system.answers["/api/attendance/employees/"] = (200, PEOPLE)
    system.answers["/api/attendance/departments/"] = (200, UNITS)
    system.answers["/api/users/"] = (201, {"username": "ann", "roles": body["roles"]})
    done = muster("user", "add", "ann", *words, URL=system.url, TOKEN="mine")
    assert done.returncode == 0, done.stderr
    sent = json.loads(system.asked[-1][3])
    assert sent == {"username": "ann", "password": done.stdout.strip(), **body}
    assert len(sent["password"]) >= 20
    assert "this once" in done.stderr


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--role", "boss"), 2, "roles are super_admin, hr, department_head"),
        (("--role", "department_head"), 2, "--unit"),
        ((), 2, "--person"),
        (("--person", "EMP9"), 1, "no person 'EMP9'"),
        (("--role", "department_head", "--unit", "Dyeing"), 1, "Sewing (2), Cutting (3)"),
    ],
)  # fmt: skip
def test_a_user_who_could_see_nothing_or_whose_person_nobody_knows_is_not_made(
    system: Answering, words: tuple[str, ...], code: int, said: str
) -> None:
    system.answers["/api/attendance/employees/"] = (200, PEOPLE)
    system.answers["/api/attendance/departments/"] = (200, UNITS)
    done = muster("user", "add", "ann", *words, URL=system.url, TOKEN="mine")
    assert (done.returncode, done.stdout) == (code, "")
    assert said in " ".join(done.stderr.replace("│", " ").split())
    assert "POST" not in {method for method, *_ in system.asked}


def test_users_are_listed_with_the_names_of_what_they_are_and_head(system: Answering) -> None:
    system.answers["/api/attendance/employees/"] = (200, PEOPLE)
    system.answers["/api/attendance/departments/"] = (200, UNITS)
    row = {"roles": ["hr"], "person": None, "units": [], "is_active": True}
    head = {"username": "bo", "roles": ["department_head"], "person": 5, "units": [2, 9], "is_active": False}
    system.answers["/api/users/"] = (200, [{"username": "ann", **row}, head])
    done = muster("user", "list", URL=system.url, TOKEN="mine")
    assert done.stdout == "ann  hr\nbo  department_head  is EMP001  heads Sewing, 9  may not sign in\n", done.stderr
