"""Programs of ours as processes, each with its log and a clean environment."""

import contextlib
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

MUSTER = str(Path(sys.executable).with_name("muster"))
"""The command, as `make setup` installs it."""

TAIL = 12_000
"""Characters of a log that are shown."""


def clean_environment(given: Mapping[str, str]) -> dict[str, str]:
    """What a process of ours is given: nothing of ours that happens to be set here."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("MUSTER_")}
    return {**kept, "PYTHONUNBUFFERED": "1", "NO_COLOR": "1", **given}


class Process:
    """One program that runs until it is told to stop, as often as it is started; all it says goes to one log."""

    def __init__(self, name: str, command: Sequence[str], environment: Mapping[str, str], folder: Path) -> None:
        self.name = name
        self.log = folder / f"{name}.log"
        self._command = command
        self._environment = clean_environment(environment)
        self._running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        assert not self.running, f"{self.name} runs already"
        with self.log.open("ab") as log:
            # A group of its own: Ctrl-C at the tests is for the tests, which then stop it in order.
            self._running = subprocess.Popen(
                self._command,
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )

    @property
    def running(self) -> bool:
        return self._running is not None and self._running.poll() is None

    @property
    def pid(self) -> int:
        assert self._running is not None
        return self._running.pid

    @property
    def ended_with(self) -> int | None:
        return None if self._running is None else self._running.poll()

    def wait(self, within: float) -> int:
        """The exit code, once it has ended by itself."""
        assert self._running is not None
        return self._running.wait(within)

    def kill(self, how: signal.Signals) -> None:
        """Send a signal; return when it has ended, where the signal ends it."""
        assert self._running is not None
        self._running.send_signal(how)
        if how == signal.SIGKILL:
            self._running.wait(10)

    def stop(self, patience: float) -> int:
        """End it as an operator does, and return its exit code; -9 where it had to be killed after all."""
        if self._running is None:
            return 0
        if self.running:
            self._running.send_signal(signal.SIGCONT)
            self._running.terminate()
            try:
                self._running.wait(patience)
            except subprocess.TimeoutExpired:
                self._running.kill()
                self._running.wait(10)
        return self._running.returncode

    def memory(self) -> int:
        """Bytes that it holds, without its children."""
        return int(psutil.Process(self.pid).memory_info().rss)

    def children(self, name: str) -> list[psutil.Process]:
        """Those of that name that it started itself."""
        return [child for child in psutil.Process(self.pid).children() if child.name() == name]

    def said(self) -> str:
        return self.log.read_text("utf-8", errors="replace") if self.log.exists() else ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Result:
    """What a command came to."""

    code: int
    out: str
    """What was asked for."""
    err: str
    """What it said about it."""

    def __str__(self) -> str:
        return f"exit code {self.code}\n--- standard output\n{self.out[-4000:]}\n--- standard error\n{self.err[-4000:]}"


def run_command(
    *words: str | Path,
    environment: Mapping[str, str],
    feed: bytes = b"",
    within: float = 120,
    cwd: Path | None = None,
) -> Result:
    """Run `muster` with these words to its end."""
    done = subprocess.run(
        [MUSTER, *map(str, words)],
        env=clean_environment(environment),
        input=feed,
        capture_output=True,
        timeout=within,
        check=False,
        cwd=cwd,
    )
    return Result(code=done.returncode, out=done.stdout.decode(), err=done.stderr.decode())


class Feeding:
    """`muster` with these words and its standard input held open: what it reads comes piece by piece."""

    def __init__(self, *words: str | Path, environment: Mapping[str, str]) -> None:
        self._process = subprocess.Popen(
            [MUSTER, *map(str, words)],
            env=clean_environment(environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )
        self.pid = self._process.pid

    def write(self, piece: bytes) -> None:
        """Returns once it is taken, or nobody reads any more."""
        assert self._process.stdin is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.write(piece)
            self._process.stdin.flush()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    def finish(self, last: bytes = b"", *, within: float = 120) -> Result:
        """Give it the last piece and the end of its input, and wait for its own end."""
        try:
            out, err = self._process.communicate(last, timeout=within)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.communicate()
            raise
        return Result(code=self._process.returncode, out=out.decode(), err=err.decode())
