"""The day function alone, on one core: scans in, a day with its digest out, nothing read and nothing written."""

import time
import uuid
from datetime import date, timedelta
from typing import Final

from services.attendance.application.computing import compute, row_of
from services.attendance.application.holders import Assignment, Claim, Holder, Span
from services.attendance.domain.frame import Frame
from services.attendance.domain.scans import Scan
from services.attendance.domain.settings import DEFAULTS
from services.attendance.domain.shift import Shift
from services.attendance.domain.shift_values import shift_from
from services.attendance.domain.window import Slot, frame_of
from tests.benchmarks.company import ZONE
from tests.benchmarks.report import heading, line, paired, rate, say

DAYS: Final = 100_000
PLACE: Final = Assignment(
    span=Span(), site_id=1, department="Sewing", unit_path=[1], designation=None, level_of_work="Worker"
)
SOMEBODY: Final = Holder(
    person_id=1, code="EMP1", name="Person 1", assignments=(PLACE,), badges=((Claim("1"), Span()),)
)
TIMES: Final = (-120, 18_000, 21_500, 33_000)
"""Of four scans, in seconds after 08:00."""
EVENING: Final = {"parts": [{"start": "08:00", "end": "16:30"}], "late_after_minutes": 10}


def bench_engine(*, rounds: int) -> None:
    """Prints days a second without a schedule and with a shift, beside a loop that only walks over the scans."""
    heading(f"The engine alone: days of four scans, one core ({DAYS:,} days, {rounds} rounds)")
    shift = shift_from(EVENING)
    found: dict[str, list[float]] = {name: [] for name in ("walk", "plain", "row", "shift")}
    scans, by_shift = days_of(None), days_of(shift)
    for number in range(rounds):
        say(f"round {number + 1} of {rounds}")
        found["walk"].append(_timed(lambda: [sum(scan.at for scan in its) for _, its in scans]))
        found["plain"].append(_timed(lambda: [compute(its, SOMEBODY, frame, PLACE) for frame, its in scans]))
        found["row"].append(_timed(lambda: [row_of(compute(its, SOMEBODY, frame, PLACE)) for frame, its in scans]))
        found["shift"].append(_timed(lambda: [compute(its, SOMEBODY, frame, PLACE) for frame, its in by_shift]))
    line("walking over the same scans", rate(found["walk"], "days/s"))
    for name, title in (
        ("plain", "a day without a schedule"),
        ("row", "the same, and the row that is stored"),
        ("shift", "a day with a shift"),
    ):
        line(title, rate(found[name], "days/s"), f"{paired(found[name], found['walk']):.3f} of walking")


def days_of(shift: Shift | None) -> list[tuple[Frame, list[Scan]]]:
    """Days of one person, each with its frame, which a process keeps for all who share it."""
    frames = []
    for number in range(31):
        day = date(2026, 3, 1) + timedelta(days=number)
        slots = None if shift is None else (Slot(DEFAULTS, shift, scheduled=True),) * 3
        frames.append(frame_of(day, ZONE, DEFAULTS, slots))
    found = []
    for number in range(DAYS):
        frame = frames[number % len(frames)]
        eight = (frame.midnight - 1440) * 60 + 8 * 3600
        its = [Scan(eight + at + number % 600, uuid.UUID(int=number * 8 + place)) for place, at in enumerate(TIMES)]
        found.append((frame, its))
    return found


def _timed(work: object) -> float:
    assert callable(work)
    started = time.process_time()
    work()
    return DAYS / (time.process_time() - started)
