"""All that a day came from, for those who explain it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from services.attendance.domain.day import Day
from services.attendance.domain.frame import Frame, Terms
from services.attendance.domain.overtime import minutes_of
from services.attendance.domain.resolve import Reading, Stretch
from services.attendance.domain.terms import Leave, Level
from services.attendance.domain.work import presence


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """All that a day came from, and the day."""

    frame: Frame
    level: Level
    leave: Leave | None
    holiday: str | None
    terms: Terms
    reading: Reading
    day: Day
    values: Mapping[str, object]
    """The settings and, over them, what the shift says, by their names in the API."""

    @property
    def regular(self) -> int:
        """Minutes that are neither overtime nor extra overtime, whoever enters these."""
        _, working, overtime, extra = minutes_of(self.reading, self.frame, self.terms, self.level)
        return working - overtime - extra

    @property
    def stretches(self) -> Sequence[Stretch]:
        return presence(self.reading, counting_time_away=self.frame.settings.time_away_counts)


def duration(minutes: int) -> str:
    """Minutes in words: "9 h 30 min", "45 min"."""
    whole, rest = divmod(minutes, 60)
    return f"{whole} h {rest:02} min" if whole else f"{rest} min"
