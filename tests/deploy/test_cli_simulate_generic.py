"""`muster simulate generic` from outside: a profile of one's own, wrong use, and an end with Ctrl-C."""

import json
import re
import signal
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from services.ingest.vendors.generic.simulator.faults import FAULTS
from tests.deploy.test_cli_simulate import REPOSITORY, command, environment, simulate


@contextmanager
def running(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The process, what it said when it was there, and where."""
    process = subprocess.Popen(
        command("generic", "--port", "0", *words),
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


def test_it_speaks_a_profile_says_how_to_register_it_and_ends_with_ctrl_c() -> None:
    with running("--profile", "stx-etx", "--live-rate", "20", "--timezone", "Asia/Dhaka") as (process, said, port):
        assert '"machine_type": "generic"' in said
        assert '"config": {"profile": "stx-etx", "connection": {"side": "client"}}' in said
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert re.fullmatch(rb"\x020000,\d+,\d{14},[IO]\x03.", client.recv(100), re.DOTALL)
        assert process.stderr is not None
        assert any("are safe" in process.stderr.readline() for _ in range(20))
        process.send_signal(signal.SIGINT)
        _, messages = process.communicate(timeout=20)
        assert process.returncode == 0
        assert "Traceback" not in messages


def test_it_speaks_a_profile_of_ones_own(tmp_path: Path) -> None:
    own = tmp_path / "reader.json"
    pattern = "CARD (?P<card>[0-9]+) (?P<at>[0-9]+)"
    own.write_text(
        json.dumps({
            "decoding": {"kind": "pattern", "pattern": pattern},
            "fields": {"badge": "card", "time": "at", "state": None, "verify": None, "sequence": None},
            "times": ["epoch_seconds"],
            "acknowledge": None,
        })
    )  # fmt: skip
    with running("--config", own, "--record", "CARD {card} {at}", "--live-rate", "20") as (_, _, port):
        with socket.create_connection(("127.0.0.1", port)) as client:
            assert re.match(rb"CARD \d+ \d{10}\r\n", client.recv(100))
    done = simulate("generic", "--config", own, "--port", "0")
    assert done.returncode == 2
    assert "say what a record looks like" in done.stderr


def test_faults_are_listed() -> None:
    done = simulate("generic", "--faults")
    assert done.returncode == 0
    assert all(name in done.stdout for name in FAULTS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["--profile", "xml"], "'xml' is none of json-lines, csv"),
        (["--fault", "gpa=3"], "There is no fault 'gpa'. There are: cut, split"),
        (["--side", "left"], "'left' is none of client, server, udp"),
        (["--side", "server", "--port", "0"], "say where Muster waits for it"),
        (["--timezone", "Mars/Olympus"], "is no time zone"),
        (["--config", "README.md"], "is no JSON"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(words: list[str], sentence: str) -> None:
    done = simulate("generic", *words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr
