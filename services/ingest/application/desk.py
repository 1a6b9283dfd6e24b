"""Where one machine that calls us is served: its scans are made durable, and how it is, is told."""

import asyncio
from collections.abc import Sequence
from datetime import datetime, timedelta
from hmac import compare_digest
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact, IsPushedTo, Phase, Unreachable
from services.ingest.application.standing import Standing
from services.ingest.application.taking import Taken, Taker, Told
from services.ingest.domain.arrivals import FEW, Arrivals
from services.ingest.domain.machine import Machine
from services.ingest.domain.reading import Batch, Mode, Reading
from services.ingest.domain.scan import Naming
from services.ingest.domain.sources import CLONED, MOVED, Sources
from shared.kernel.clock import Clock
from shared.kernel.errors import Unavailable

STRANGER = "stranger"
"""What warnings of callers that do not know the machine's secret are about."""
JUST_NOW = timedelta(minutes=5)
HALF_A_SECOND = timedelta(seconds=0.5)
"""A time in whole seconds is half of one before what happened, on average."""
COME_BACK_AFTER = 5.0
"""Seconds after which a machine whose scans were not taken should try again."""


class Desk:
    """Serves one machine. Whoever calls was found to be it before."""

    def __init__(
        self,
        machine: Machine,
        driver: IsPushedTo,
        *,
        standing: Standing,
        taker: Taker,
        clock: Clock,
        within: float,
    ) -> None:
        """`within`: seconds in which a batch is durable, or is not taken."""
        self.machine = machine
        self.standing = standing
        self._taker = taker
        self._clock = clock
        self._silent_for = driver.silent_for(machine).total_seconds()
        self._secret = driver.push_secret(machine)
        self._goes_out = driver.goes_out(machine)
        # Where we go to it as well, we ask for its time.
        self._arrivals = None if self._goes_out else Arrivals()
        self._within = within
        self._heard_at = asyncio.get_running_loop().time()
        self._heard_elsewhere_at: datetime | None = None
        self._sources = Sources()
        self._admitted: set[str] = set()
        self._one_at_a_time = asyncio.Lock()
        self._leaving: set[asyncio.Task[Taken]] = set()
        self._rested_at: datetime | None = None
        self._owes = False
        """It was told to come back with what it handed over, and has not yet: it does not rest, whatever it asks."""
        self._source = ""

    @property
    def source(self) -> str:
        """Address that it called from last."""
        return self._source

    @property
    def contact(self) -> Contact:
        """To say what the machine tells of itself: counts, warnings, how far it is."""
        return self.standing

    def admits(self, source: str, secret: str | None) -> bool:
        """Whether a caller knows the secret, if there is one: by this call, or by an earlier one from its address."""
        if not self._secret:
            return True
        if secret is None:
            return source in self._admitted
        if compare_digest(secret.encode(), self._secret.encode()):
            self._admitted.add(source)
            return True
        # Others may call from the same address as the machine: they are not to take from it what it has shown.
        self.standing.warn(STRANGER, f"somebody calls in its name from {source}, with a wrong secret")
        return False

    def heard(self, source: str) -> None:
        """It called, from this address."""
        now = self._clock.now()
        self._source = source
        self._heard_at = asyncio.get_running_loop().time()
        news = self._sources.note(source, now)
        if self._sources.settled(now):
            self.standing.settled(MOVED)
            self.standing.settled(CLONED)
        if news is not None:
            self.standing.warn(*news)
        if not self.standing.back():
            self.standing.alive()

    def mode_of(self, readings: Sequence[Reading], *, most: int = FEW) -> Mode:
        """Whether scans were made just now, where the machine does not say: few, and dated so, by its own clock."""
        if len(readings) > most:
            return Mode.REPLAY
        now, zone = self._clock.now() + self.standing.offset, ZoneInfo(self.machine.zone)
        times = [[reading.local_time.replace(tzinfo=zone, fold=fold) for fold in (0, 1)] for reading in readings]
        fresh = all(min(abs(at - now) for at in both) <= JUST_NOW for both in times)
        return Mode.LIVE if fresh else Mode.REPLAY

    async def take(self, batch: Batch, *, told: Told | None = None) -> None:
        """Return once the batch cannot be lost. Only then may the machine be told that it was taken.

        A batch that comes again changes nothing. `told`, if given, hears what became of each scan.

        Raises:
            Unavailable: that is not so within the time; the machine keeps it, and is to come back with it.
        """
        self.owes()
        taking = asyncio.create_task(self._take(batch, told), name=f"push of {self.machine.machine_id}")
        self._leaving.add(taking)
        taking.add_done_callback(self._leaving.discard)
        # What storage has begun may take longer to be given up than the machine waits for an answer.
        try:
            done, _ = await asyncio.wait([taking], timeout=self._within)
        finally:
            if not taking.done():
                taking.cancel()
        if not done:
            raise Unavailable(
                f"the scans of {self.machine.machine_id} could not be made durable within {self._within:g} s",
                retry_after=COME_BACK_AFTER,
            )
        taken = taking.result()
        self._owes = False
        self._note(batch, taken)

    def owes(self) -> None:
        """It hands something over; until that is taken it is to come back with it."""
        self._owes = True

    def at_rest(self) -> None:
        """It has nothing to hand over: asked whether there is something to do, it would otherwise not ask.

        All that it recorded until it was last at rest is here, if nothing but live scans came since then.
        """
        if self._owes:
            return
        until, self._rested_at = self._rested_at, self._clock.now()
        if until is not None:
            empty = Batch(readings=(), mode=Mode.LIVE, received_at=self._rested_at, complete_until=until)
            self.standing.taken(empty, Taken())
            self.standing.phase(Phase.LIVE)

    def heard_elsewhere(self, at: datetime | None) -> None:
        """When it was last in contact, as the registry has it: it may call another process."""
        self._heard_elsewhere_at = at

    def look(self) -> None:
        """Notice whether it has been silent for too long."""
        silent = asyncio.get_running_loop().time() - self._heard_at
        if self._heard_elsewhere_at is not None and not self._goes_out:
            silent = min(silent, (self._clock.now() - self._heard_elsewhere_at).total_seconds())
        if silent <= self._silent_for:
            return
        self._rested_at = None
        known = self.machine.last_contact_at is not None or self.standing.connected
        if self.standing.connected:
            self.standing.ended()
        span = f"for {self._silent_for:g} s" if self._silent_for < 120 else f"for {self._silent_for / 60:.0f} min"
        self.standing.away(Unreachable(f"it has not called {span}" if known else "it has not called yet"))
        self.standing.begin()

    async def _take(self, batch: Batch, told: Told | None) -> Taken:
        async with self._one_at_a_time:
            offset = self.standing.offset
            return await self._taker.take(Naming(self.machine), batch, clock_offset=offset, told=told)

    def _note(self, batch: Batch, taken: Taken) -> None:
        latest = taken.latest
        if batch.mode is Mode.REPLAY:
            self._rested_at = None
        self.standing.taken(batch, taken)
        if self._arrivals is not None and len(batch.readings) <= FEW and latest is not None:
            offset = self._arrivals.note(latest + HALF_A_SECOND, batch.received_at)
            if offset is not None:
                self.standing.clock(offset)
