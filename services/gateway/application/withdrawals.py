"""Tokens that are no longer good although they have not run out."""

import asyncio
import contextlib
import time
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.gateway.application.ports import Store, Withdrawn
from services.gateway.domain.sessions import TokenId
from shared.kernel.clock import Clock
from shared.kernel.errors import Unauthenticated, Unavailable

LOOK_EVERY = 2.0
"""Seconds. What was taken away elsewhere is refused here after that, and open live connections end."""
MARGIN = timedelta(minutes=1)
STALE_AFTER = 10.0
"""Seconds."""


class Withdrawals:
    """Knows, without asking the database at each request, whose access ended before their tokens do.

    Only what changed within a token's life has to be known: older tokens have run out by themselves.
    """

    def __init__(self, store: Store, clock: Clock, *, access_lasts: timedelta) -> None:
        self._store = store
        self._clock = clock
        self._reach = access_lasts + MARGIN
        self._known = Withdrawn(users={}, sessions=frozenset())
        self._told = asyncio.Event()
        self._known_at: datetime | None = None
        self._looked_at: float | None = None

    def check(self, claims: Mapping[str, Any]) -> None:
        """Refuse a token that was withdrawn.

        Raises:
            Unauthenticated: its session ended, or its user was changed or disabled.
        """
        token_id = TokenId.parse(str(claims.get("jti", "")))
        if token_id is not None and token_id.session in self._known.sessions:
            raise Unauthenticated("the session is over; sign in again")
        changed = self._known.users.get(int(claims["sub"]))
        if changed is None:
            return
        n, active = changed
        if not active:
            raise Unauthenticated("this user is disabled")
        if token_id is not None and token_id.n < n:
            raise Unauthenticated("what you may do has changed; refresh the token or sign in again")

    def stale(self) -> bool:
        """True where the database has not answered for a while, so that less is known than there may be."""
        return self._looked_at is None or time.monotonic() - self._looked_at > STALE_AFTER

    def look_again(self) -> None:
        """Something was withdrawn just now by this instance."""
        self._told.set()

    async def look(self) -> None:
        """Ask the database once."""
        now = self._clock.now()
        since = min(now, self._known_at or now) - self._reach
        async with self._store.transaction() as accounts:
            self._known = await accounts.withdrawn_since(since)
        self._known_at, self._looked_at = now, time.monotonic()

    async def run(self) -> None:
        """Look every two seconds, for ever."""
        while True:
            self._told.clear()
            with contextlib.suppress(Unavailable):
                await self.look()
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(LOOK_EVERY):
                    await self._told.wait()
