"""Made-up people and logs in the formats of real ones."""

import io
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from random import Random

import openpyxl

HEADER = "employee_id,name,department,designation,level_of_work,badge"


@dataclass(frozen=True, slots=True, kw_only=True)
class Crew:
    """People who are a test's own: codes, badges and department begin with its prefix."""

    prefix: str
    size: int
    level: str = "Worker"

    @property
    def department(self) -> str:
        return f"Crew {self.prefix}"

    @property
    def badges(self) -> Sequence[str]:
        return [f"{self.prefix}{number}" for number in range(1, self.size + 1)]

    def csv(self) -> bytes:
        rows = [f"E{badge},Person {badge},{self.department},Hand,{self.level},{badge}" for badge in self.badges]
        return "\n".join([HEADER, *rows, ""]).encode()


@dataclass(frozen=True, slots=True, kw_only=True)
class Punch:
    """A line of a log."""

    badge: str
    at: datetime
    state: str = "0"


def attlog(punches: Iterable[Punch]) -> bytes:
    """As terminals write `attlog.dat` to a USB stick: badge right-aligned, six columns."""
    return b"".join(f"{one.badge:>9}\t{one.at:%Y-%m-%d %H:%M:%S}\t1\t{one.state}\t1\t0\r\n".encode() for one in punches)


def glog(punches: Iterable[Punch]) -> bytes:
    """As another family of terminals writes `GLG_001.TXT`: a header, words for keys, 12 hours, the day first."""
    keys = {"0": "DutyOn", "1": "DutyOff", "2": "GoOut", "3": "GoIn"}
    rows = ["No\tTMNo\tEnNo\tName\t\tGMNo\tMode\tIN/OUT\tAntipass\tDateTime"]
    rows += [
        f"{number}\t1\t{one.badge}\t          \t1\t1\t{keys[one.state]}\t0\t{one.at:%d-%m-%Y  %I:%M:%S%p}"
        for number, one in enumerate(punches, 1)
    ]
    return "".join(f"{row}\r\n" for row in rows).encode()


def csv(punches: Iterable[Punch]) -> bytes:
    """As programs export it: a title, a header, the day first, a name that nobody needs."""
    rows = [f"{one.badge};Somebody;{one.at:%d/%m/%Y};{one.at:%I:%M:%S %p};{one.state}" for one in punches]
    return "\r\n".join(["Attendance;;;;", "AC-No.;Name;Date;Time;State", *rows, ""]).encode("utf-8-sig")


def xlsx(punches: Iterable[Punch]) -> bytes:
    """The same in a workbook, with real dates."""
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("Log")
    for row in [("AC-No.", "Date/Time", "State"), *((one.badge, one.at, int(one.state)) for one in punches)]:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


def months_of_work(crew: Crew, first: date, days: int, *, seed: str = "") -> list[Punch]:
    """What a terminal records of a crew, in order; the same for every crew of that size, but for the prefix.

    Early and late, lunches outside, forgotten departures, nights that end after midnight, second taps, wrong keys.
    """
    punches = [
        punch
        for number, badge in enumerate(crew.badges)
        for day in range(days)
        for punch in _day(badge, first + timedelta(days=day), Random(f"{seed}/{number}/{day}"))
    ]
    return sorted(punches, key=lambda one: (one.at, one.badge))


def _day(badge: str, on: date, chance: Random) -> Iterator[Punch]:
    if chance.random() < 0.06:
        return
    arrives = datetime.combine(on, time(7, 40)) + timedelta(seconds=chance.randrange(3600))
    yield Punch(badge=badge, at=arrives)
    if chance.random() < 0.15:
        yield Punch(badge=badge, at=arrives + timedelta(seconds=chance.randrange(2, 50)))
    if chance.random() < 0.3:
        out = datetime.combine(on, time(13)) + timedelta(seconds=chance.randrange(1200))
        yield Punch(badge=badge, at=out, state=chance.choice("12"))
        yield Punch(badge=badge, at=out + timedelta(seconds=chance.randrange(1200, 3000)), state=chance.choice("03"))
    if chance.random() < 0.93:
        late = chance.random() < 0.1
        leaves = datetime.combine(on, time(22, 30) if late else time(16, 50)) + timedelta(
            seconds=chance.randrange(7200)
        )
        yield Punch(badge=badge, at=leaves, state="1" if chance.random() < 0.9 else "0")
