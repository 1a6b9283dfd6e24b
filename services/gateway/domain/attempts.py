"""How often a password may be guessed."""

import math
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from shared.kernel.errors import TooMany


@dataclass(frozen=True, slots=True, kw_only=True)
class Limit:
    """So many failures within so long."""

    failures: int
    within: timedelta


PER_NAME_AND_ADDRESS = Limit(failures=10, within=timedelta(minutes=5))
"""Keyed on both, so that nobody can lock another out from elsewhere."""
PER_NAME = Limit(failures=50, within=timedelta(minutes=15))
"""Against many addresses that guess at one user together."""
PER_ADDRESS = Limit(failures=200, within=timedelta(minutes=15))
"""Against one address that guesses at many users; high, as a whole company may come through one."""

MOST_KEYS = 50_000


class Attempts:
    """Remembers failed sign-ins, of this instance alone, in bounded memory."""

    def __init__(self) -> None:
        self._failures: OrderedDict[tuple[str, ...], list[datetime]] = OrderedDict()

    def check(self, name: str, address: str, *, now: datetime) -> None:
        """Let another try pass.

        Raises:
            TooMany: says when the next is possible.
        """
        for key, limit in _keys(name, address):
            recent = [at for at in self._failures.get(key, ()) if at > now - limit.within]
            if len(recent) >= limit.failures:
                wait = (recent[-limit.failures] + limit.within - now).total_seconds()
                raise TooMany(f"too many failed sign-ins; try again in {_in_words(wait)}", retry_after=wait)

    def failed(self, name: str, address: str, *, now: datetime) -> None:
        """Count a failure."""
        for key, limit in _keys(name, address):
            recent = [at for at in self._failures.pop(key, ()) if at > now - limit.within]
            self._failures[key] = [*recent, now][-limit.failures :]
        while len(self._failures) > MOST_KEYS:
            self._failures.popitem(last=False)

    def succeeded(self, name: str, address: str) -> None:
        """Forget the failures of this user from this address: a typing error is not an attack."""
        self._failures.pop(("both", name, address), None)


def _in_words(seconds: float) -> str:
    whole = max(1, math.ceil(seconds))
    number, unit = (whole, "second") if whole < 120 else (math.ceil(whole / 60), "minute")
    return f"{number} {unit}{'' if number == 1 else 's'}"


def _keys(name: str, address: str) -> Iterable[tuple[tuple[str, ...], Limit]]:
    yield ("both", name, address), PER_NAME_AND_ADDRESS
    yield ("name", name), PER_NAME
    yield ("address", address), PER_ADDRESS
