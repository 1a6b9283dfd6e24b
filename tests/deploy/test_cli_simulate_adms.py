"""`muster simulate adms` from outside: what it prints where, what it sends, and what it ends with."""

import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from services.ingest.vendors.zkteco.adms.simulator.faults import FAULTS
from tests.deploy.test_cli_simulate import REPOSITORY, command, environment, simulate


@contextmanager
def server() -> Iterator[tuple[str, list[str], threading.Event]]:
    """A server that takes whatever is pushed: its address, what it was sent, and an event once scans came."""
    taken: list[str] = []
    scans = threading.Event()

    class Taking(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.answer("GET OPTION FROM: S7\nATTLOGStamp=0\nDelay=1\n" if "/cdata" in self.path else "OK")

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"])).decode()
            taken.extend([self.path, *body.splitlines()])
            scans.set()
            self.answer(f"OK:{len(body.splitlines())}")

        def answer(self, text: str) -> None:
            self.send_response(200)
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_: object) -> None: ...

    with ThreadingHTTPServer(("127.0.0.1", 0), Taking) as listening:
        threading.Thread(target=listening.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{listening.server_port}", taken, scans
        listening.shutdown()


def test_it_pushes_its_log_says_how_to_accept_it_and_ends_with_ctrl_c() -> None:
    with server() as (url, taken, scans):
        process = subprocess.Popen(
            command("adms", url, "--serial", "S7", "--key", "k1", "--live-rate", "5", "--people", "3"),
            cwd=REPOSITORY,
            env=environment(),
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert scans.wait(30)
            process.send_signal(signal.SIGINT)
            said, messages = process.communicate(timeout=20)
        finally:
            process.kill()
            process.wait()
    assert process.returncode == 0, messages
    assert "/api/ingest/pending-machines/zkteco/S7/accept/" in said
    assert taken[0].startswith("/k1/iclock/cdata?SN=S7&table=ATTLOG")
    assert taken[1].count("\t") == 7
    assert "Traceback" not in messages


def test_its_faults_are_listed() -> None:
    listed = simulate("adms", "--faults")
    assert listed.returncode == 0
    assert all(name in listed.stdout for name in FAULTS)


@pytest.mark.parametrize(
    "words", [("--fault", "teapot"), ("--timezone", "Mars"), ("ftp://nowhere",), ("--fault", "columns=6")]
)
def test_what_cannot_be_is_wrong_use(words: tuple[str, ...]) -> None:
    refused = simulate("adms", *words)
    assert refused.returncode == 2
    assert "Traceback" not in refused.stderr
