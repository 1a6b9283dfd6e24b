"""The clock of one machine that we are in contact with: what of its measurements is kept, and when it is set.

Its session sets it, between two readings of its log, when it is told to; somebody may wait for that.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import SET_CLOCK
from services.ingest.domain.clock_line import Kind, Measurement, Thinned, lines_of
from services.ingest.domain.clock_setting import AGAIN_AFTER, RIGHT_ENOUGH, comes_twice
from services.ingest.domain.clock_words import foreseen
from services.ingest.domain.machine import Machine
from shared.kernel.clock import Clock

WISH_HOLDS = timedelta(minutes=15)
"""A long log may be read meanwhile; after that nobody expects it any more."""
LOOKED_BACK = 72
"""Measurements from which it is foreseen how wrong it will be: three days, as they are kept."""
WRONG_AGAIN = "its clock was set of late, and is wrong again: something else may set it, too"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of somebody's wish to have a clock set."""

    before: timedelta
    """What it was off by."""
    after: timedelta | None = None
    """What it is off by since; None where it was not set."""
    why_not: str = ""


class ClockKeeping:
    """Of one standing, over all of its contacts."""

    def __init__(self, machine: Machine, *, sets: bool, clock: Clock) -> None:
        """`sets` where its driver can set its clock."""
        self._by_itself = sets and machine.config.get(SET_CLOCK) is True
        self._zone = ZoneInfo(machine.zone)
        self._clock = clock
        self._thinned = Thinned()
        self._kept: deque[Measurement] = deque(maxlen=LOOKED_BACK)
        self.foreseen = ""
        """A sentence, where it will be too wrong in a few days, and nobody sets it unasked."""
        self._tried_at: datetime | None = None
        self._trying: Measurement | None = None
        """As it was found when its session was told to set it, of which nothing was heard since."""
        self._wish: asyncio.Future[Outcome] | None = None
        self._by = ""
        self._wished_at: datetime | None = None
        self._was_set: Outcome | None = None
        self.complaint = ""
        """What is the matter with setting it unasked, in a sentence."""

    def wish(self, by: str) -> "asyncio.Future[Outcome]":
        """Have it set at the next occasion, because somebody wants that; one wish at a time, which is shared."""
        if self._wish is None or self._wish.done():
            self._wish = asyncio.get_running_loop().create_future()
            self._by, self._wished_at = by, self._clock.now()
        return self._wish

    def withdraw(self) -> None:
        """Nobody wants that any more."""
        if self._wish is not None:
            self._wish.cancel()
        self._wish = self._wished_at = None

    def measured(self, offset: timedelta) -> Sequence[Measurement]:
        """It is off by so much now; what is to be kept of that."""
        if self._was_set is not None:
            self._tell(replace(self._was_set, after=offset))
            self._was_set = None
        return self._keep(Measurement(at=self._clock.now(), offset=offset))

    def is_to_be_set(self, offset: timedelta) -> bool:
        """Whether it is to be set now, as it is off by so much."""
        now = self._clock.now()
        if self._trying is not None:
            # Whatever is the matter, it must not end each contact.
            self.done("contact with it ended over that")
        wished = self._wished_at is not None and now - self._wished_at < WISH_HOLDS
        if abs(offset) <= RIGHT_ENOUGH:
            self.complaint = ""
        if not wished and not (self._by_itself and abs(offset) > RIGHT_ENOUGH):
            return False
        if not wished and self._tried_at is not None and now - self._tried_at < AGAIN_AFTER:
            self.complaint = self.complaint or WRONG_AGAIN
            return False
        if why_not := comes_twice(now, self._zone):
            self._tell(Outcome(before=offset, why_not=why_not))
            return False
        self._tried_at = now
        self._trying = Measurement(at=now, offset=offset, kind=Kind.SET, by=self._by if wished else "")
        return True

    def done(self, why_not: str) -> Sequence[Measurement]:
        """It was set, or `why_not`; what is to be kept of that."""
        trying, self._trying = self._trying, None
        if trying is None:
            return ()
        outcome = Outcome(before=trying.offset, why_not=why_not)
        if why_not:
            self.complaint = "" if trying.by else f"its clock cannot be set: {why_not}"
            self._tell(outcome)
            return ()
        self.complaint = ""
        self._was_set = outcome
        return self._keep(trying)

    def _keep(self, point: Measurement) -> Sequence[Measurement]:
        kept = self._thinned.note(point)
        self._kept.extend(kept)
        if kept and not self._by_itself:
            line = lines_of(self._kept)[-1]
            self.foreseen = foreseen(line, now=point.at, warned=bool(self.foreseen))
        return kept

    def _tell(self, outcome: Outcome) -> None:
        if self._wish is not None and not self._wish.done():
            self._wish.set_result(outcome)
        self._wish = self._wished_at = None
