"""`muster simulate` from outside: what it prints where, and what it ends with."""

import os
import re
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from zk import ZK

from services.ingest.vendors.zkteco.simulator.faults import FAULTS

REPOSITORY = Path(__file__).parents[2]
LOG = b"        1\t2026-01-05 08:00:00\t1\t0\t1\t0\n      A17\t2026-01-05 08:01:00\t1\t1\t15\t0\n"


def command(*words: str | Path) -> list[str]:
    return [sys.executable, "-c", "from deploy.cli import main; main()", "simulate", *map(str, words)]


def environment() -> dict[str, str]:
    clean = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return {**clean, "COLUMNS": "200", "PYTHONUNBUFFERED": "1"}


def simulate(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(*words), cwd=REPOSITORY, env=environment(), capture_output=True, text=True, check=False, timeout=60
    )


@contextmanager
def running(*words: str | Path) -> Iterator[tuple[subprocess.Popen[str], str, int]]:
    """The process, what it said when it listened, and where."""
    process = subprocess.Popen(
        command("zkteco", "--port", "0", *words),
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


def ended(process: subprocess.Popen[str]) -> tuple[int, str]:
    """Its exit code and what it printed for people, after Ctrl-C."""
    process.send_signal(signal.SIGINT)
    _, messages = process.communicate(timeout=20)
    return process.returncode, messages


def test_a_terminal_listens_says_how_to_register_it_and_ends_with_ctrl_c() -> None:
    with running("--comm-key", "123", "--timezone", "Asia/Dhaka", "--people", "5") as (process, said, port):
        assert '"machine_type": "zkteco", "ip_address": "127.0.0.1"' in said
        assert f'"port": {port}, "zone": "Asia/Dhaka", "config": {{"comm_key": 123}}' in said
        client = ZK("127.0.0.1", port=port, timeout=10, password=123, ommit_ping=True).connect()
        assert len(client.get_users()) == 5
        client.disconnect()
        code, messages = ended(process)
        assert (code, "Traceback" in messages) == (0, False), messages
        assert "is connected" in messages


def test_with_udp_it_answers_there_too() -> None:
    with running("--udp", "--people", "5") as (process, said, port):
        assert "(TCP and UDP)" in said
        assert '"config": {"transport": "udp"}' in said
        client = ZK("127.0.0.1", port=port, timeout=10, ommit_ping=True, force_udp=True).connect()
        assert len(client.get_users()) == 5
        client.disconnect()
        code, messages = ended(process)
        assert (code, "Traceback" in messages) == (0, False), messages
        assert "greets, by UDP" in messages


def test_it_holds_the_log_of_a_real_one_and_leaves_it_as_it_is(tmp_path: Path) -> None:
    file = tmp_path / "1_attlog.dat"
    file.write_bytes(LOG + b"nonsense\n" + bytes(100))
    with running("--log", file) as (process, said, port):
        assert "2 records of 40 bytes, 2 users" in said
        client = ZK("127.0.0.1", port=port, timeout=10, ommit_ping=True).connect()
        read = [(row.user_id, str(row.timestamp), row.status, row.punch) for row in client.get_attendance()]
        client.disconnect()
        assert read == [("1", "2026-01-05 08:00:00", 1, 0), ("A17", "2026-01-05 08:01:00", 15, 1)]
        code, messages = ended(process)
        assert code == 0
        assert "Lines passed over, because no terminal prints such: 1." in messages


def test_people_scan_at_a_rate_and_each_scan_is_a_line() -> None:
    with running("--live-rate", "20", "--people", "2") as (process, _, _):
        assert process.stderr is not None
        lines = [process.stderr.readline() for _ in range(3)]
        assert [re.search(r"badge (\d), state (\d): record [\d,]+, told to 0 listeners", line) for line in lines]
        assert ended(process)[0] == 0


def test_faults_are_listed() -> None:
    done = simulate("zkteco", "--faults")
    assert done.returncode == 0
    assert all(name in done.stdout for name in FAULTS)


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["zkteco", "--fault", "spilt=3"], "There is no fault 'spilt'. There are: burst, split"),
        (["zkteco", "--fault", "cut=many"], "cut=many is not understood; a number is, such as cut=5000"),
        (["zkteco", "--record-size", "7"], "'7' is none of 8, 8b, 16, 40, 49"),
        (["zkteco", "--timezone", "Mars/Olympus"], "is no time zone"),
        (["zkteco", "--comm-key", "1000000"], "999999"),
        (["zkteco", "--port", "65536"], "65535"),
        (["zkteco", "--live-rate", "-1"], "greater than or equal to 0"),
        (["zkteco", "--log", "no/such/file"], "does not exist"),
        (["zkteco", "--log", "README.md"], "has no line of an attlog.dat"),
        (["sundial"], "No such command 'sundial'"),
    ],
)
def test_wrong_use_ends_with_2_and_a_sentence(words: list[str], sentence: str) -> None:
    done = simulate(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_badges_that_no_record_of_the_size_can_hold_are_said(tmp_path: Path) -> None:
    file = tmp_path / "attlog.dat"
    file.write_bytes(LOG.splitlines()[1] + b"\n")
    done = simulate("zkteco", "--log", file, "--record-size", "16")
    assert done.returncode == 2
    assert "Punches left out, because records of 16 bytes cannot hold their badges: 1." in done.stderr
    assert "no punch is left" in done.stderr


def test_a_port_that_is_taken_ends_with_1_and_a_sentence() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        done = simulate("zkteco", "--port", str(taken.getsockname()[1]))
    assert done.returncode == 1
    assert "cannot be had (Address already in use); choose another" in done.stderr
    assert "Traceback" not in done.stderr
