"""How long to wait before trying a machine again."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Failures:
    """Attempts to reach a machine that failed, one after the other, since contact with it last held."""

    in_a_row: int = 0
    lasting: int = 0
    """Those among them that showed a trouble that only a person can end. A machine that is switched off in between
    has not been mended by that, so the others do not set this back."""
    waiting_for_a_person: bool = False
    """The last one did: the circuit is open, and the machine is tried rarely."""

    def after(self, *, lasting: bool) -> "Failures":
        """With one more."""
        return Failures(
            in_a_row=self.in_a_row + 1, lasting=self.lasting + (1 if lasting else 0), waiting_for_a_person=lasting
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Attempts to reach a machine, and the pauses between them."""

    shortest: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=1)
    """Reached at the seventh failure in a row; a machine that was switched off is found again within that."""
    lasting: timedelta = timedelta(minutes=5)
    """After a trouble that only a person can end; some machines lock out who tries too often."""
    longest_lasting: timedelta = timedelta(minutes=30)
    connecting: timedelta = timedelta(minutes=1)
    """After which an attempt that has neither come about nor failed is given up; drivers do so sooner, and say why."""

    def pause(self, failures: Failures, *, chance: float) -> timedelta:
        """The pause after these failures.

        Doubles each time. `chance`, from 0 to 1, spreads it between half and one and a half of that, so that
        machines that went away together do not come back together.
        """
        if failures.waiting_for_a_person:
            wait = _doubled(self.lasting, failures.lasting, most=self.longest_lasting)
        else:
            wait = _doubled(self.shortest, failures.in_a_row, most=self.longest)
        return wait * (0.5 + chance)

    def spread(self, pause: timedelta, *, chance: float) -> timedelta:
        """A regular pause, up to a tenth shorter or longer, so that machines do not keep step."""
        return pause * (0.9 + 0.2 * chance)


def _doubled(first: timedelta, times: int, *, most: timedelta) -> timedelta:
    factor: int = 2 ** min(times - 1, 20)
    return min(most, first * factor)
