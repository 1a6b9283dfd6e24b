"""`muster up` from outside: one process with everything in it."""

import contextlib
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest

from deploy.postgres import Postgres
from shared.kernel.errors import MusterError
from tests.acceptance.shapes import until
from tests.deploy.test_cli import muster
from tests.servers.ports import free_port

REPOSITORY = Path(__file__).parents[2]
CLEAN = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
COMMAND = [sys.executable, "-c", "from deploy.cli import main; main()"]
pytestmark = pytest.mark.slow


@pytest.fixture
def data() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="muster-up-"))
    folder.chmod(0o755)
    yield folder / "data"
    with contextlib.suppress(MusterError):  # a killed one leaves its PostgreSQL behind, which the next start ends
        with Postgres(folder / "data"):
            pass
    shutil.rmtree(folder)


def test_a_password_that_cannot_be_is_refused_as_the_variable_that_it_is(data: Path) -> None:
    done = muster("up", "--data", data, "--http-port", "0", "--live-port", "0", ADMIN_PASSWORD="x")
    assert (done.returncode, done.stdout) == (2, "")
    assert "MUSTER_ADMIN_PASSWORD: the password has to be" in done.stderr


class Up:
    """A running `muster up`."""

    def __init__(self, data: Path, **environment: str) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        ports = ["--http-port", self.url.rsplit(":", 1)[1], "--live-port", str(free_port())]
        self.process = subprocess.Popen(
            [*COMMAND, "up", "--data", data, *ports],
            cwd=REPOSITORY,
            env={**CLEAN, **{f"MUSTER_{name}": value for name, value in environment.items()}},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.words = ""

    def until_ready(self) -> "Up":
        """Wait for the words that tell a person where it is."""
        assert self.process.stdout is not None
        while "Ctrl-C" not in self.words:
            line = self.process.stdout.readline()
            if not line:
                raise AssertionError(self.process.communicate()[1])
            self.words += line
        return self

    def password(self) -> str | None:
        found = re.search(r"password  (\S+)   \(shown this once\)", self.words)
        return found and found.group(1)

    def signs_in(self, password: str | None, username: str = "admin") -> bool:
        body = {"username": username, "password": password}
        return httpx.post(f"{self.url}/api/auth/token/", json=body, timeout=10).status_code == 200

    def me(self, access: str) -> int:
        return httpx.get(f"{self.url}/api/auth/me/", headers={"Authorization": f"Bearer {access}"}).status_code

    def stop(self) -> tuple[int, str]:
        self.process.send_signal(signal.SIGTERM)
        _, errors = self.process.communicate(timeout=30)
        return self.process.returncode, errors


@contextmanager
def running(data: Path, **environment: str) -> Iterator[Up]:
    up = Up(data, **environment)
    try:
        yield up.until_ready()
    finally:
        if up.process.poll() is None:
            up.stop()


def test_it_shows_a_url_a_user_and_a_password_once_and_stops_cleanly_and_quietly(data: Path) -> None:
    with running(data) as up:
        assert up.url in up.words
        password = up.password()
        assert up.signs_in(password)
        assert httpx.get(f"{up.url}/health/live").status_code == 200
        assert httpx.get(f"{up.url}/health/ready").status_code == 200
        assert up.stop() == (0, f"Starting …\nStopped. The data stays in {data}.\n")
    with running(data) as up:
        assert up.password() is None
        assert f"lost? muster password --data {data}\n" in up.words
        assert up.signs_in(password)


def test_users_are_made_and_a_lost_password_is_replaced_by_whoever_has_the_data_folder(data: Path) -> None:
    with running(data) as up:
        lost = up.password()
        access = httpx.post(f"{up.url}/api/auth/token/", json={"username": "admin", "password": lost}).json()["access"]
        added = muster("user", "add", "ann", "--role", "hr", URL=up.url, TOKEN=access)
        assert (added.returncode, up.signs_in(added.stdout.strip(), "ann")) == (0, True), added.stderr
        assert "ann  hr\n" in muster("user", "list", URL=up.url, TOKEN=access).stdout
        made = muster("password", "--data", str(data))
        assert (made.returncode, len(made.stdout.strip()) >= 12) == (0, True), made.stderr
        assert not up.signs_in(lost)
        assert up.signs_in(made.stdout.strip())
        until(lambda: up.me(access) == 401, "the old sessions have ended")  # the gateway hears of it by and by
        asked = muster("password", "--data", str(data), "--ask", stdin="short\nshort\n")
        assert (asked.returncode, "characters" in asked.stderr) == (1, True), asked.stderr
        up.stop()
    after = muster("password", "--data", str(data))
    assert (after.returncode, "start it" in after.stderr) == (1, True), after.stderr


def test_machines_that_push_reach_it_at_a_port_of_their_own_if_they_are_to(data: Path) -> None:
    with running(data, MACHINE_PORT="0") as up:
        found = re.search(r"machines  push to (\S+)", up.words)
        assert found, up.words
        address = found[1].removeprefix("http://").split(":")
        with socket.create_connection((address[0], int(address[1])), timeout=10) as line:
            line.sendall(b"GET /iclock/getrequest?SN=NEW1&INFO=Ver 8.0 HTTP/1.1\r\nConnection: close\r\n\r\n")
            assert line.recv(1000).startswith(b"HTTP/1.1 403")
        token = {"username": "admin", "password": up.password()}
        access = httpx.post(f"{up.url}/api/auth/token/", json=token, timeout=10).json()["access"]
        answer = httpx.get(f"{up.url}/api/ingest/pending-machines/", headers={"Authorization": f"Bearer {access}"})
        assert [machine["serial"] for machine in answer.json()] == ["NEW1"]


def test_a_given_password_is_taken_and_not_shown(data: Path) -> None:
    with running(data, ADMIN_PASSWORD="chosen by somebody") as up:
        assert "chosen by somebody" not in up.words
        assert up.signs_in("chosen by somebody")
        assert "as MUSTER_ADMIN_PASSWORD says" in up.words
    with running(data, ADMIN_PASSWORD="chosen by another") as up:
        assert "the one it had before" in up.words
        assert up.signs_in("chosen by somebody")


def test_a_second_one_on_the_same_folder_is_refused_and_disturbs_nothing(data: Path) -> None:
    with running(data) as up:
        second = subprocess.run(
            [*COMMAND, "up", "--data", data],
            cwd=REPOSITORY,
            env=CLEAN,
            capture_output=True,
            text=True,
            check=False,
            timeout=30,
        )
        assert second.returncode == 1
        assert "in use by another Muster" in second.stderr
        assert httpx.get(f"{up.url}/health/ready").status_code == 200


def test_one_port_for_two_things_is_refused_before_anything_takes_time(data: Path) -> None:
    arguments = ["up", "--data", data, "--http-port", "18123", "--live-port", "18123"]
    refused = subprocess.run(
        [*COMMAND, *arguments], cwd=REPOSITORY, env=CLEAN, capture_output=True, text=True, check=False, timeout=30
    )
    assert refused.returncode == 1
    assert "port 18123 cannot be both" in refused.stderr


def test_a_password_that_was_never_shown_is_shown_by_the_next_start(data: Path) -> None:
    arguments = ["up", "--data", data, "--http-port", "0", "--live-port", "0"]
    with subprocess.Popen([*COMMAND, *arguments], cwd=REPOSITORY, env=CLEAN, stdout=subprocess.PIPE) as killed:
        deadline = time.monotonic() + 60
        while not (data / "admin-password").exists():
            assert time.monotonic() < deadline
            time.sleep(0.01)
        killed.kill()
        assert killed.stdout is not None
        assert b"password" not in killed.stdout.read()
    with running(data) as up:
        assert up.signs_in(up.password())


def test_after_kill_9_it_starts_again_on_the_same_data(data: Path) -> None:
    with running(data) as up:
        password = up.password()
        up.process.kill()
        up.process.wait()
    with running(data) as up:
        assert up.signs_in(password)


def test_it_brings_its_postgresql_back_after_kill_9(data: Path) -> None:
    with running(data) as up:
        postmaster = next(
            child for child in psutil.Process(up.process.pid).children() if child.name().startswith("postgres")
        )
        password = up.password()
        postmaster.kill()
        _until(
            lambda: httpx.get(f"{up.url}/health/ready", timeout=10).status_code == 503 or not postmaster.is_running()
        )
        _until(lambda: httpx.get(f"{up.url}/health/ready", timeout=10).status_code == 200)
        assert up.signs_in(password)


def _until(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "waited too long"
        time.sleep(0.05)
