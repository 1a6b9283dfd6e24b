"""The server itself, from start to stop."""

import contextlib
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from types import TracebackType
from typing import Self
from urllib.parse import quote

from deploy.postgres.account import Account, account_for
from deploy.postgres.binaries import find
from deploy.postgres.cluster import DATABASE, USER, clear_leftovers, create, version_of
from deploy.postgres.lock import FolderLock
from deploy.postgres.place import Place, place_for, where_it_is
from shared.kernel.errors import Unavailable

_LOG_LIMIT = 16 * 2**20
_READY_WITHIN = 300.0
"""Seconds. Replaying the log after a crash takes as long as it takes; a server that ended is noticed at once."""


class Postgres:
    """A PostgreSQL in `data`, owned by this process: it ends with `stop()`, and a second owner is refused.

    Works as any user. As root it runs as another user, and if that one cannot enter `data`, its files go to
    `/var/lib/muster`; no folder of anybody else is opened for it. What a killed process left behind is
    cleared away by the next start.
    Blocking: from a coroutine call it in a thread.
    """

    def __init__(
        self, data: Path, *, say: Callable[[str], None] = lambda _: None, binaries: Path | None = None
    ) -> None:
        """`say` is told in a sentence what a person should know. `binaries` forces a folder of programs, for tests."""
        self.data = data.expanduser().absolute()
        self._say = say
        self._only = binaries and binaries.absolute()
        self._lock = FolderLock(self.data)
        self._place: Place | None = None
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """Where its database is. Valid for as long as the data folder stays where it is, also over restarts.

        Raises:
            Unavailable: it was never started.
        """
        if self._place is None:
            raise Unavailable("PostgreSQL was not started.")
        return f"postgresql://{USER}@/{DATABASE}?host={quote(str(self._place.socket_folder), safe='')}"

    @property
    def pid(self) -> int:
        """The process at its head; 0 when it does not run."""
        return self._process.pid if self._process and self.running else 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.poll() is None

    def claim(self) -> None:
        """Make the data folder ours, before anything else is tried.

        Raises:
            Conflict: a living process uses it.
            Unavailable: it cannot be made.
        """
        try:
            self.data.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise Unavailable(f"Cannot make the data folder {self.data}: {error.strerror}") from error
        self._lock.take()

    def start(self) -> None:
        """Start and return once it takes connections; nothing happens if it runs. Also restarts one that was killed.

        Raises:
            Conflict: a living process uses the data folder.
            Unavailable: it cannot be found, made or started; the sentence says why.
        """
        if self.running:
            return
        self.claim()
        try:
            self._start()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End it at once but cleanly: what is open is rolled back, the rest written. Lets go of the folder last."""
        if self._process is not None:
            for how, seconds in ((signal.SIGINT, 30), (signal.SIGQUIT, 10), (signal.SIGKILL, 10)):
                if not self.running:
                    break
                self._process.send_signal(signal.SIGCONT)
                self._process.send_signal(how)
                with contextlib.suppress(subprocess.TimeoutExpired):
                    self._process.wait(seconds)
            self._process = None
        self._lock.release()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _start(self) -> None:
        cluster = where_it_is(self.data)
        major = version_of(cluster)
        account = account_for(cluster)
        place = self._place = place_for(self.data, cluster, account, self._say)
        clear_leftovers(place.cluster)
        binaries = find(account, major=major, only=self._only)
        if major is None:
            create(place.cluster, binaries, account)
        account.owns(place.socket_folder)
        self._launch(binaries.tool("postgres"), place, account)
        self._wait_until_ready(place)

    def _launch(self, program: Path, place: Place, account: Account) -> None:
        log = self._log
        if log.exists() and log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.1"))
        # Opened here and inherited, so that the log is in the data folder even where its writer could not reach that.
        with log.open("ab") as file:
            self._log_from = file.tell()
            self._process = account.spawn(
                program,
                "-D",
                place.cluster,
                "-c",
                "listen_addresses=",
                "-c",
                "port=5432",
                "-c",
                f"unix_socket_directories={place.socket_folder}",
                "-c",
                "unix_socket_permissions=0700",
                "-c",
                "logging_collector=off",
                log=file,
            )

    def _wait_until_ready(self, place: Place) -> None:
        deadline = time.monotonic() + _READY_WITHIN
        while not self._is_ready(place):
            if not self.running:
                raise Unavailable(f"PostgreSQL did not start. {self._last_words()}")
            if time.monotonic() > deadline:
                raise Unavailable(f"PostgreSQL was not ready within {_READY_WITHIN:.0f} s. {self._last_words()}")
            time.sleep(0.02)

    def _is_ready(self, place: Place) -> bool:
        """The eighth line of `postmaster.pid` says so, to those who wait without a client (it is how pg_ctl does)."""
        with contextlib.suppress(OSError):
            lines = (place.cluster / "postmaster.pid").read_text("ascii", errors="replace").splitlines()
            return len(lines) >= 8 and lines[0].strip() == str(self.pid) and lines[7].strip() == "ready"
        return False

    def _last_words(self) -> str:
        with self._log.open("rb") as file:
            file.seek(self._log_from)
            lines = file.read().decode(errors="replace").splitlines()
        return f"{' '.join(lines[-4:])[-600:]} (all of it: {self._log})"

    @property
    def _log(self) -> Path:
        return self.data / "postgres.log"
