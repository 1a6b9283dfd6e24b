"""Passwords: hashed with argon2id, away from the event loop."""

import asyncio
import secrets
from collections.abc import Callable
from typing import TypeVar

from pwdlib import PasswordHash
from pwdlib.exceptions import UnknownHashError
from pwdlib.hashers.argon2 import Argon2Hasher

from shared.kernel.errors import TooMany

T = TypeVar("T")

AT_ONCE = 2
"""Hashes at the same time; each takes 64 MiB and a tenth of a second."""
MOST_WAITING = 50


class Passwords:
    """Hashes and verifies; a flood of sign-ins is answered with 429 instead of with memory."""

    def __init__(self, hasher: Argon2Hasher | None = None) -> None:
        """Without `hasher`, with the parameters that argon2-cffi recommends: 64 MiB, 3 passes, 4 lanes."""
        self._hash = PasswordHash((hasher or Argon2Hasher(),))
        self._turn = asyncio.Semaphore(AT_ONCE)
        self._waiting = 0
        self._nobodys: str | None = None

    async def hash(self, password: str) -> str:
        """A hash with a salt of its own."""
        return await self._run(self._hash.hash, password)

    async def verify(self, password: str, password_hash: str | None) -> bool:
        """Whether the password is the one. Without a hash, because there is no such user, it takes as long."""
        if password_hash is None:
            if self._nobodys is None:
                self._nobodys = await self.hash(secrets.token_hex())
            await self._run(self._verified, password, self._nobodys)
            return False
        return await self._run(self._verified, password, password_hash)

    async def prepare(self) -> None:
        """Make what unknown users are compared with, so that the first of them takes no longer either."""
        self._nobodys = self._nobodys or await self.hash(secrets.token_hex())

    def _verified(self, password: str, password_hash: str) -> bool:
        try:
            return self._hash.verify(password, password_hash)
        except UnknownHashError:
            return False

    async def _run(self, work: Callable[..., T], *arguments: str) -> T:
        if self._waiting >= MOST_WAITING:
            raise TooMany("too many sign-ins at the same time; try again in 2 seconds", retry_after=2)
        self._waiting += 1
        try:
            async with self._turn:
                return await asyncio.to_thread(work, *arguments)
        finally:
            self._waiting -= 1


def generated() -> str:
    """A password of 118 bits that can be read out over a telephone."""
    alphabet = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(alphabet) for _ in range(6)) for _ in range(4))
