"""Logins that a server has refused: not tried again by ourselves while that could lock an account.

Many machines may stand behind one server, and all of them would try the same wrong password.
"""

from datetime import datetime, timedelta
from typing import Final

from services.ingest.application.drivers import WrongCredentials
from services.ingest.vendors.suprema.address import Address
from shared.kernel.clock import Clock

NOT_AGAIN_FOR: Final = timedelta(minutes=30)
_Login = tuple[str, int, str, str]


class Refusals:
    """One for all machines of a driver."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._noted: dict[_Login, tuple[datetime, str]] = {}

    def check(self, address: Address) -> None:
        """Pass where nothing is known against trying.

        Raises:
            WrongCredentials: the same were refused there within the last half hour.
        """
        at, said = self._noted.get(_login(address), (None, ""))
        if at is not None and self._clock.now() - at < NOT_AGAIN_FOR:
            raise WrongCredentials(said)

    def note(self, address: Address, refused: WrongCredentials) -> None:
        """They were refused."""
        now = self._clock.now()
        self._noted = {login: noted for login, noted in self._noted.items() if now - noted[0] < NOT_AGAIN_FOR}
        self._noted[_login(address)] = now, refused.message

    def forget(self, address: Address) -> None:
        """They are right, or a person wants them tried."""
        self._noted.pop(_login(address), None)


def _login(address: Address) -> _Login:
    return address.host, address.port, address.username, address.password
