"""From the wall time of a machine to an instant, with a mark that says how far to trust it.

Most machines tell local time without a zone. Their zone says which instant that was, except in the hour that
happens twice when clocks go back, and in the hour that does not happen when they go forward. Machines also
forget the time (2000-01-01 after a flat battery) and are set wrong. Nothing is dropped for that: it is marked.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, timezone, tzinfo
from enum import StrEnum

EARLIEST = date(2001, 1, 1)
"""Before this no machine that we can talk to was in use; a reset clock starts at 1970 or 2000."""
AHEAD = timedelta(hours=24)
"""How far a scan may lie ahead of its arrival before it is taken for a wrong clock: enough for a wrong zone.

A clock that is known to be further ahead makes no exception: its scans would count on days that have not come. So
a scan has the same quality whether it was read over the wire, where the clock is measured, or from a file."""


class Quality(StrEnum):
    """How far an instant can be trusted."""

    OK = "ok"
    AMBIGUOUS_DST = "ambiguous_dst"
    """The hour happened twice; which of the two was chosen by order where that was known, else the first."""
    NONEXISTENT_DST = "nonexistent_dst"
    """The hour was skipped; placed as by a clock that had not been set forward."""
    IMPLAUSIBLE_PAST = "implausible_past"
    FUTURE = "future"

    @property
    def quarantined(self) -> bool:
        """Stored and shown, but not counted until a person or a proof releases it."""
        return self in (Quality.IMPLAUSIBLE_PAST, Quality.FUTURE)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plausible:
    """The span in which a machine's scans can lie."""

    installed_on: date | None = None
    ahead: timedelta = AHEAD

    @property
    def earliest(self) -> date:
        return self.installed_on or EARLIEST


class Chronology:
    """Places the wall times of one machine, read in the machine's own order.

    The order decides the hour that happens twice: a time that would lie before its predecessor, unless it is
    taken as the second pass, is the second pass. One chronology serves one uninterrupted reading of a log.
    """

    __slots__ = ("_earliest", "_latest", "_plausible", "_zone")

    def __init__(self, zone: tzinfo, plausible: Plausible | None = None) -> None:
        self._zone = zone
        self._plausible = plausible or Plausible()
        self._earliest = datetime.combine(self._plausible.earliest, datetime.min.time())
        self._latest: datetime | None = None

    def place(
        self,
        local: datetime,
        *,
        received_at: datetime,
        ahead: timedelta | None = None,
        offset: timedelta = timedelta(0),
        live: bool = False,
    ) -> tuple[datetime, Quality]:
        """The instant in UTC and its quality.

        `ahead` is how far ahead of UTC the machine itself says that `local` is: then nothing is left to the zone.
        `live` says that the scan was made just now, which decides the hour that happens twice better than order
        does; `offset` is the machine's clock minus ours where it was measured, so that just now is by its clock.
        """
        zone = self._zone if ahead is None else timezone(ahead)
        first = local.replace(tzinfo=zone)
        second = local.replace(tzinfo=zone, fold=1)
        before, after = first.utcoffset(), second.utcoffset()
        quality = Quality.OK
        try:
            at = first.astimezone(UTC)
            if before != after and before is not None and after is not None:
                if before < after:
                    quality = Quality.NONEXISTENT_DST
                else:
                    quality = Quality.AMBIGUOUS_DST
                    at = self._pass(at, second.astimezone(UTC), received_at + offset if live else None)
            too_late = at - received_at > self._plausible.ahead
        except OverflowError:
            # The first and the last day of the calendar have no instant in some zones.
            at = local.replace(tzinfo=UTC)
            too_late = local.year > 2000
        if local < self._earliest:
            return at, Quality.IMPLAUSIBLE_PAST
        if too_late:
            return at, Quality.FUTURE
        self._latest = at
        return at, quality

    def _pass(self, first: datetime, second: datetime, now: datetime | None) -> datetime:
        if now is not None:
            return min(first, second, key=lambda at: abs(at - now))
        return second if self._latest is not None and first < self._latest <= second else first
