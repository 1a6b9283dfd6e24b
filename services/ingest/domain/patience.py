"""How long to wait before trying a machine again."""

from dataclasses import dataclass
from datetime import timedelta


@dataclass(frozen=True, slots=True, kw_only=True)
class Patience:
    """Pauses between attempts to reach a machine."""

    shortest: timedelta = timedelta(seconds=1)
    longest: timedelta = timedelta(minutes=1)
    lasting: timedelta = timedelta(minutes=5)
    """After a trouble that only a person can end; some machines lock out who tries too often."""

    def pause(self, failures: int, *, lasting: bool, chance: float) -> timedelta:
        """The pause after so many failures in a row.

        Doubles each time. `chance`, from 0 to 1, spreads it between half and one and a half of that, so that
        machines that went away together do not come back together.
        """
        wait = self.lasting if lasting else min(self.longest, self.shortest * 2 ** min(failures - 1, 20))
        return wait * (0.5 + chance)
