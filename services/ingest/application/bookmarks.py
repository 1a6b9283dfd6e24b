"""How far machines that call us were taken, in their own words, to be told to them when they start again.

Only they know what a mark means: a number of records, a time, or nothing at all. It is a help to them, and no
promise to us: a lost one has a log sent again, which changes nothing.
"""

import asyncio

from services.ingest.application.ports import BookmarkStore, Place
from shared.kernel.errors import Unavailable

WRITTEN_EVERY = 5.0
"""Seconds. A machine may give a new mark with each scan."""
LONGEST = 40


class Bookmarks:
    """All of them, in memory; written down a moment later."""

    def __init__(self, store: BookmarkStore) -> None:
        self._store = store
        self._marks: dict[Place, str] | None = None
        self._unwritten: dict[Place, str] = {}
        self._reading = asyncio.Lock()

    async def of(self, serial: str, log: str) -> str:
        """The mark of a log; empty where there is none.

        Raises:
            Unavailable: they were never read, and storage is away.
        """
        return (await self._all()).get((serial, log), "")

    def put(self, serial: str, log: str, mark: str) -> None:
        """All up to this mark cannot be lost any more. Empty: nothing is known any more."""
        if len(mark) > LONGEST or not mark.isprintable():
            return
        place = (serial, log)
        if self._marks is not None and self._marks.get(place, "") == mark:
            return
        if self._marks is not None:
            self._marks[place] = mark
        self._unwritten[place] = mark

    async def write(self) -> None:
        """Write down what is new.

        Raises:
            Unavailable: storage is away.
        """
        if not self._unwritten:
            return
        written, self._unwritten = self._unwritten, {}
        try:
            await self._store.keep(written)
        except Unavailable:
            self._unwritten = written | self._unwritten
            raise

    async def run(self) -> None:
        """Write every few seconds, until cancelled, and then once more."""
        try:
            while True:
                await asyncio.sleep(WRITTEN_EVERY)
                try:
                    await self.write()
                except Unavailable:
                    continue
        finally:
            await self.write()

    async def _all(self) -> dict[Place, str]:
        async with self._reading:
            if self._marks is None:
                self._marks = {**await self._store.all(), **self._unwritten}
        return self._marks
