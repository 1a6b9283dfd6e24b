"""An MQTT broker of a test's own, and somebody who publishes there, by bytes of their own."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.servers.ports import free_port, open_folder

STARTS_WITHIN = 30.0


class Mosquitto:
    """One that keeps on disk what it holds for those who are away, and can be stopped and started again."""

    def __init__(self, program: str, folder: Path, settings: Sequence[str]) -> None:
        self.folder = folder
        self.port = free_port()
        self._program = program
        self._process: subprocess.Popen[bytes] | None = None
        self.set(settings)

    def set(self, settings: Sequence[str]) -> None:
        """What it is started with from now on, beside what every one is."""
        lines = [f"listener {self.port} 127.0.0.1", "persistence true", f"persistence_location {self.folder}/"]
        lines += ["user root"] if os.getuid() == 0 else []
        (self.folder / "mosquitto.conf").write_text("\n".join([*lines, *settings]) + "\n")

    def start(self) -> None:
        with (self.folder / "log").open("ab") as log:
            command = [self._program, "-c", str(self.folder / "mosquitto.conf")]
            self._process = subprocess.Popen(command, stdout=log, stderr=log, start_new_session=True)
        deadline = time.monotonic() + STARTS_WITHIN
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"mosquitto did not start: {(self.folder / 'log').read_text()[-2000:]}")
            time.sleep(0.05)

    def stop(self) -> None:
        """As its service is stopped: what it holds is written down first."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            self._process.wait(STARTS_WITHIN)
            self._process = None

    def _answers(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1):
            return True
        return False

    def publish(self, topic: str, *payloads: bytes, retain: bool = False, user: tuple[str, str] | None = None) -> None:
        """Publish these with quality 1, and return once the broker has them all."""
        with socket.create_connection(("127.0.0.1", self.port), 10) as line:
            line.settimeout(10)
            login = b"".join(map(_text, user)) if user else b""
            line.sendall(_packet(0x10, _text("MQTT") + bytes([4, 0xC2 if user else 0x02, 0, 60]) + _text("") + login))
            assert line.recv(4) == b"\x20\x02\0\0", "the broker lets nobody publish"
            for number, payload in enumerate(payloads, 1):
                line.sendall(_packet(0x33 if retain else 0x32, _text(topic) + number.to_bytes(2, "big") + payload))
                answer = b""
                while len(answer) < 4:
                    answer += line.recv(4 - len(answer)) or b"gone"
                assert answer == b"\x40\x02" + number.to_bytes(2, "big")
            line.sendall(b"\xe0\0")


@contextmanager
def start_mosquitto(*settings: str) -> Iterator[Mosquitto | None]:
    """A broker that is running; None where Mosquitto is not installed."""
    program = shutil.which(
        "mosquitto", path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"])
    )
    if program is None:
        yield None
        return
    with open_folder("mosquitto") as folder:
        broker = Mosquitto(program, folder, settings or ["allow_anonymous true"])
        broker.start()
        try:
            yield broker
        finally:
            broker.stop()


def _packet(head: int, body: bytes) -> bytes:
    assert len(body) < 0x80 << 7
    length = bytes([len(body)]) if len(body) < 0x80 else bytes([len(body) & 0x7F | 0x80, len(body) >> 7])
    return bytes([head]) + length + body


def _text(text: str) -> bytes:
    return len(text.encode()).to_bytes(2, "big") + text.encode()
