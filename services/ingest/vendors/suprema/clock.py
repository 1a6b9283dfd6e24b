"""Whether a machine's times mean what its config says, how wrong its clock is, and whether its zone is right.

A BioStar server tells no machine's clock. What tells is when events arrive: those that come as they happen, by our
clock; those that are found, by the server's.
"""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact
from services.ingest.domain.arrivals import FEW, Arrivals
from services.ingest.domain.instants import EARLIEST
from services.ingest.domain.reading import Reading
from services.ingest.vendors.suprema.codes import CLOCK_SET, STARTED, WHAT_WAS_SET
from services.ingest.vendors.suprema.events import Event
from services.ingest.vendors.suprema.search import arrival
from services.ingest.vendors.suprema.times import Meaning, NoSuchTime, Placed, in_words, instant, placed, stamp_of

TIMES: Final = "times"
"""What warnings of times that mean something else are about."""
ZONE: Final = "zone"
LIKE: Final = timedelta(minutes=5)
"""How far from its place's offset a clock may be off and still be taken for one that shows local time."""


class MachineClock:
    """Follows the times of one machine in one contact."""

    def __init__(self, zone: ZoneInfo, meaning: Meaning, contact: Contact) -> None:
        self._zone = zone
        self._meaning = meaning
        self._contact = contact
        self._told = Arrivals()
        self._found = Arrivals()
        self._proved = False
        """What came as it happened has said how its times are meant: it counts for more than what was found."""
        self._found_off: timedelta | None = None
        """By how much the scans that were found last are off."""
        self._zoned: Event | None = None

    def told(self, readings: list[Reading], received_at: datetime) -> None:
        """These came as they happened."""
        if len(readings) > FEW:
            return
        for reading in readings:
            at = instant(Placed(reading.local_time, reading.offset), self._zone)
            offset = self._told.note(at, received_at) if at is not None else None
            if offset is None:
                continue
            self._proved = True
            if not self._judge(offset, received_at):
                self._contact.clock(offset)

    def found(self, event: Event) -> None:
        """A search found this scan. The server may write its own time as that of its place, which counts only here."""
        if self._proved or self._meaning != "utc":
            return
        arrived = arrival(event)
        try:
            at = instant(placed(stamp_of(event.time), self._zone, self._meaning), self._zone)
        except NoSuchTime:
            return
        if arrived is None or at is None:
            return
        self._found_off = self._found.note(at, arrived.replace(tzinfo=UTC))

    def follow(self, event: Event, *, live: bool) -> None:
        """Any event: the server says in which zone it takes the machine to be, and some say what became of its clock.

        Scans between a start at which its clock began again and the moment when it was set are for a person to judge.
        What is not `live` is no news.
        """
        if event.zone is not None:
            self._zoned = event
        if live and event.family == CLOCK_SET:
            what = WHAT_WAS_SET.get(event.code or 0, "its clock")
            self._contact.warn("clock set", f"{what} was set, as its event of {event.time} says")
        elif live and event.family == STARTED and _before_any_machine(event.time):
            self._contact.warn("clock lost", f"it was started, and its clock had begun again at {event.time}")

    def tell(self, now: datetime) -> None:
        """Say how things stand. In between, years of history may have passed, which is no news."""
        if self._found_off is not None and not self._proved:
            self._judge(self._found_off, now)
        if self._zoned is not None and self._zoned.zone is not None:
            self._judge_zone(self._zoned.zone, arrival(self._zoned))
        self._found_off, self._zoned = None, None

    def _judge_zone(self, told: timedelta, then: datetime | None) -> None:
        if then is None or not 1 < then.year < 9999:
            return
        local = then.replace(tzinfo=UTC).astimezone(self._zone)
        here, summer = local.utcoffset() or timedelta(0), local.dst() or timedelta(0)
        if told in (here, here - summer):
            self._contact.settled(ZONE)
            return
        self._contact.warn(
            ZONE,
            f"its BioStar server takes it to be at {in_words(told)}, where {self._zone.key} is {in_words(here)}:"
            " the zone of one of the two is wrong",
        )

    def _judge(self, offset: timedelta, now: datetime) -> bool:
        """Whether its times are meant otherwise than its config says; somebody is told."""
        here = now.astimezone(self._zone).utcoffset() or timedelta(0)
        sentence = meant_otherwise(offset, here, self._meaning, self._zone.key)
        if sentence is None:
            self._contact.settled(TIMES)
            return False
        self._contact.warn(TIMES, sentence)
        return True


def _before_any_machine(time: str) -> bool:
    try:
        return stamp_of(time).written.date() < EARLIEST
    except NoSuchTime:
        return False


def meant_otherwise(offset: timedelta, here: timedelta, meaning: Meaning, zone: str) -> str | None:
    """A sentence where times that are off by `offset` are meant in the other way; `here` is the offset of the place."""
    if not here or abs(offset - (here if meaning == "utc" else -here)) > LIKE:
        return None
    if meaning == "utc":
        return (
            f"its times are off by {in_words(here)[3:]}, which is how far {zone} is from UTC: they are local times that"
            " are labelled as UTC. Set `datetime_is` in its config to `device_local`"
        )
    return (
        f"its times are off by {in_words(-here)[3:]}, which is how far {zone} is from UTC: they are UTC, and are taken"
        " for local times. Set `datetime_is` in its config to `utc`"
    )
