"""Time as an argument: whoever needs the present is given a clock."""

from datetime import UTC, datetime
from typing import Protocol


class Clock(Protocol):
    """Tells the present instant."""

    def now(self) -> datetime:
        """The present, aware, in UTC."""


class SystemClock:
    """The clock of the machine that this runs on."""

    def now(self) -> datetime:
        return datetime.now(UTC)
