"""Following the numbers of a machine's records through one contact: gaps are told, and asked for."""

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
        self.position = position
        if position.lacking:
            self._warn()

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
        if turn is Turn.GAP:
            self._asked = 0
            self._warn()
        elif before.lacking and not self.position.lacking:
            self._contact.settled(MISSING)
        elif turn is Turn.LATE:
            self._asked = 0
            self._warn()
        return turn

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
        self._contact.warn(MISSING, gaps_in_words(self.position))
