"""What a machine of the demo company keeps in the data folder: its log, how far it was taken, and where it listens."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from io import FileIO
from pathlib import Path

from services.ingest.application.file_form import FileForm
from services.ingest.domain.reading import Reading
from services.ingest.vendors.files.reader import FileReader, ForeignFile
from services.ingest.vendors.simulated.company import scanned
from services.ingest.vendors.simulated.settings import SimulatedSettings


@dataclass(frozen=True, slots=True)
class Punch:
    """One record, in the machine's wall time; `state` is a key of simulated people."""

    badge: str
    at: datetime
    state: str


class KeptLog:
    """The log of one machine, as an `attlog.dat`, whatever its vendor. What was added is there after a kill, too."""

    def __init__(self, punches: list[Punch], file: FileIO, taken: Path) -> None:
        self.punches = punches
        """What it held when it was opened, in order."""
        self._file = file
        self._taken = taken

    def add(self, badge: str, at: datetime, state: str) -> None:
        """Somebody scanned."""
        self._file.write(_line(Punch(badge, at, state)))

    @property
    def taken(self) -> int:
        """How many of its records, from the oldest on, it was last told are safe."""
        return min(_number_in(self._taken), len(self.punches))

    @taken.setter
    def taken(self, records: int) -> None:
        self._taken.write_text(f"{records}\n", "ascii")


@contextmanager
def kept_log(path: Path, people: SimulatedSettings, now: datetime) -> Iterator[KeptLog]:
    """The log that was kept there, and what people have scanned since, up to the wall time `now`."""
    punches = list(_held(path))
    since = punches[-1].at if punches else None
    punches += [
        Punch(reading.badge, reading.local_time, reading.state) for reading in scanned(people, now, since=since)
    ]
    path.write_bytes(b"".join(map(_line, punches)))
    with path.open("ab", buffering=0) as file:
        yield KeptLog(punches, file, path.with_suffix(".taken"))


class KeptPort:
    """Where a machine listened last: whoever knows it finds it again."""

    def __init__(self, path: Path) -> None:
        self._path = path

    @property
    def number(self) -> int:
        """The port; 0, which takes a free one, where none is known."""
        port = _number_in(self._path)
        return port if port < 65_536 else 0

    @number.setter
    def number(self, port: int) -> None:
        self._path.write_text(f"{port}\n", "ascii")


def _held(path: Path) -> Iterator[Punch]:
    if not path.exists():
        return
    reader = FileReader(FileForm(format="attlog"))
    try:
        for record in (*reader.feed(path.read_bytes()), *reader.finish()):
            if isinstance(record, Reading):  # the last line may be torn by a kill
                yield Punch(record.badge, record.local_time, record.state)
    except ForeignFile:
        return


def _line(punch: Punch) -> bytes:
    """A record as an `attlog.dat` has it."""
    return f"{punch.badge:>9}\t{punch.at:%Y-%m-%d %H:%M:%S}\t1\t{punch.state}\t1\t0\n".encode()


def _number_in(path: Path) -> int:
    try:
        return max(0, int(path.read_text("ascii")))
    except (OSError, ValueError):
        return 0
