"""`muster simulate hikvision` from outside: what it prints where, and what it ends with."""

import re
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

import httpx
import pytest

from services.ingest.vendors.hikvision.simulator.faults import FAULTS
from tests.deploy.test_cli_simulate import REPOSITORY, command, ended, environment, simulate


@contextmanager
def running(*words: str) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The process, what it said when it listened, and where."""
    process = subprocess.Popen(
        command("hikvision", "--port", "0", *words),
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
        process.send_signal(signal.SIGKILL)
        process.wait()


def test_a_terminal_listens_says_how_to_register_it_and_ends_with_ctrl_c() -> None:
    with running("--timezone", "Asia/Dhaka", "--password", "p4ss", "--serial", "S1") as (process, said, port):
        assert '"machine_type": "hikvision", "ip_address": "127.0.0.1"' in said
        assert f'"port": {port}, "zone": "Asia/Dhaka", "config": {{"password": "p4ss"}}' in said
        digest = httpx.DigestAuth("admin", "p4ss")
        told = httpx.get(f"http://127.0.0.1:{port}/ISAPI/System/deviceInfo", auth=digest, trust_env=False)
        assert "<serialNumber>S1</serialNumber>" in told.text
        code, messages = ended(process)
        assert (code, "Traceback" in messages) == (0, False), messages
        assert "is connected" in messages


def test_people_scan_at_a_rate_and_each_scan_is_a_line() -> None:
    with running("--live-rate", "20", "--people", "2", "--history-days", "0") as (process, _, _):
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        assert [re.search(r"badge (\d), check(In|Out): event [\d,]+, told to 0 listeners", line) for line in lines]
        assert ended(process)[0] == 0


def test_faults_are_listed() -> None:
    done = simulate("hikvision", "--faults")
    assert done.returncode == 0
    assert all(name in done.stdout for name in FAULTS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--fault", "spilt=3"], "There is no fault 'spilt'. There are: split, cut"),
        (["--fault", "clock"], "clock needs a number, such as clock=+3600"),
        (["--timezone", "Mars/Olympus"], "is no time zone"),
        (["--push-form", "yaml"], "'yaml' is none of json, multipart, xml, multipart-xml"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(words: list[str], sentence: str) -> None:
    done = simulate("hikvision", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
