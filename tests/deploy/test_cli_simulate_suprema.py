"""`muster simulate suprema` from outside: how to register its machine, wrong use, and an end with Ctrl-C."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from services.ingest.vendors.suprema.simulator.faults import FAULTS
from tests.deploy.test_cli_simulate import REPOSITORY, command, environment, simulate


@contextmanager
def running(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The process, what it said when it was there, and where."""
    process = subprocess.Popen(
        command("suprema", "--port", "0", *words),
        cwd=REPOSITORY,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout is not None
        said = ""
        for line in process.stdout:
            said += line
            if line.startswith("Ctrl-C"):
                break
        listens = re.search(r"listens at [\d.]+:(\d+)", said)
        assert listens, said + (process.stderr.read() if process.stderr else "")
        yield process, said, int(listens[1])
    finally:
        process.kill()
        process.wait()


def test_it_lets_in_says_how_to_register_its_machine_and_ends_with_ctrl_c() -> None:
    with running("--people", "3", "--timezone", "Asia/Dhaka", "--live-rate", "20") as (process, said, port):
        assert '"machine_type": "suprema", "ip_address": "127.0.0.1"' in said
        assert '"device_id": "538150641", "username": "admin", "password": "simulated-1", "https": false' in said
        login = {"User": {"login_id": "admin", "password": "simulated-1"}}
        answer = httpx.post(f"http://127.0.0.1:{port}/api/login", json=login, trust_env=False)
        assert (answer.status_code, answer.json()["Response"]["code"]) == (200, "0")
        assert re.fullmatch("[0-9a-f]{32}", answer.headers["bs-session-id"])
        assert process.stderr is not None
        assert any(
            re.search(r"user \d, key \d: event [\d,]+, told to 0 listeners", process.stderr.readline())
            for _ in range(10)
        )
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in messages


def test_faults_are_listed() -> None:
    done = simulate("suprema", "--faults")
    assert done.returncode == 0
    assert all(name in done.stdout for name in FAULTS)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("--fault", "nonsense"), "There is no fault 'nonsense'"),
        (("--fault", "clock"), "clock needs a number"),
        (("--device", "gate"), "it is a number"),
        (("--timezone", "Nowhere"), "Nowhere"),
        (("--certificate", "README.md"), "no certificate and its key"),
    ],
)
def test_wrong_use_ends_with_a_sentence(words: tuple[str, ...], said: str) -> None:
    done = simulate("suprema", *words)
    assert done.returncode == 2
    assert said in " ".join(done.stderr.replace("│", " ").split())
