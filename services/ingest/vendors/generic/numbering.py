"""Following the numbers of a machine's records through one contact: gaps are asked for, then told."""

from collections.abc import Iterator

from services.ingest.application.drivers import MISSING, Contact
from services.ingest.vendors.generic.sequence import Position, Turn, gaps_in_words, step
from services.ingest.vendors.generic.settings import Sequence
from services.ingest.vendors.generic.templates import filled

ANEW = "record numbers"


class Numbering:
    """Where its numbers stand, and what is to be asked for."""

    def __init__(self, settings: Sequence | None, position: Position, contact: Contact) -> None:
        self._settings, self._contact = settings, contact
        self._asked = 0
        self._missing_before = frozenset[int]()
        self.position = position
        self._told = False
        """Whether it is told that some are missing."""
        self._warn()  # they were asked for in an earlier contact

    def take(self, number: int | None) -> Turn | None:
        """A record of this number has come; None where numbers are of no interest."""
        settings = self._settings
        if settings is None or number is None:
            return None
        before = self.position
        self.position, turn = step(before, number, settings)
        if turn is Turn.ANEW:
            lost = f". {before.lacking:,} of its records before that have not come" if before.lacking else ""
            said = f"its record numbers went from {before.latest} to {number}: it was reset, or is another machine"
            self._contact.warn(ANEW, said + lost)
        if before.lacking and not self.position.lacking:
            self._told = False
            self._contact.settled(MISSING)
        elif turn in (Turn.GAP, Turn.LATE):
            self._asked = 0
            if self._told or settings.request is None:
                self._warn()
        return turn

    def look(self) -> None:
        """Once in `again_after`: what was missing at the last look, was asked for and still is, is told."""
        lasts = frozenset(last for _, last in self.position.missing)
        if self._told or lasts & self._missing_before:
            self._warn()
        self._missing_before = lasts

    def requests(self) -> Iterator[bytes]:
        """What to send for what is missing; nothing once that was done often enough."""
        settings = self._settings
        if settings is None or settings.request is None or self._asked >= settings.times:
            return
        if self.position.missing:
            self._asked += 1
        for first, last in self.position.missing:
            yield filled(
                settings.request, {"from": self._written(first), "to": self._written(last)}
            )  # fmt: skip

    def latest(self) -> str:
        """The last number that has come, as it is written."""
        return self._written(self.position.latest) if self.position.latest is not None else self._written(0)

    def _written(self, number: int) -> str:
        if self._settings is None:
            return str(number)
        text = f"{number:X}" if self._settings.base == 16 else str(number)
        return text.zfill(self._settings.digits)

    def _warn(self) -> None:
        if self.position.lacking:
            self._told = True
            self._contact.warn(MISSING, gaps_in_words(self.position))
