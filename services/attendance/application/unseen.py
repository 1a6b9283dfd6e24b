"""Storing days on which nobody was seen: when a month is locked, and when a date is closed.

What such a day is follows from rules alone, as for whoever reads one without a row. So it is computed as every other
is, from the scans that there are: one that comes meanwhile is not overlooked.
"""

from collections.abc import Sequence
from datetime import date
from typing import Protocol

from services.attendance.application.directory import PersonDay
from services.attendance.application.ports import Recordings
from services.attendance.application.record_scans import recompute
from shared.kernel.clock import Clock

AT_ONCE = 1_000
"""Days that are stored in a transaction."""


class WithoutRow(Protocol):
    """One transaction that reads."""

    async def without_row(self, site_id: int, first: date, last: date, most: int | None = None) -> Sequence[PersonDay]:
        """Days of people who belonged to the site then and were employed, that are not stored."""


async def store_unseen(recordings: Recordings, keys: Sequence[PersonDay], clock: Clock) -> int:
    """Store these days, and announce them; returns how many changed.

    Raises:
        SiteWithoutZone: a site has none yet, so that it has no days.
    """
    written = 0
    for start in range(0, len(keys), AT_ONCE):
        part = keys[start : start + AT_ONCE]
        async with recordings.begin() as recording:
            directory = await recording.directory(people={key.person_id for key in part})
            known = [key for key in part if key.person_id in directory.people]
            written += await recompute(recording, directory, dict.fromkeys(known, False), clock)
    return written
