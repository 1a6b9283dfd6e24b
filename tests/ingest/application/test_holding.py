"""One process goes to the machines: who begins, who stands by, and when the one who did stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from services.ingest.application.contact_ports import Word
from services.ingest.application.holding import Holding
from shared.kernel.errors import Unavailable
from tests.ingest.fakes import until

OURS = Word(ours=True, holder="", others=0)
FOLLOWED = Word(ours=True, holder="", others=1)
ANOTHERS = Word(ours=False, holder="elsewhere:7", others=1)
AWAY = Unavailable("the database is away")


@dataclass
class FakeLease:
    """Says what the test says; None is silence."""

    says: Word | Unavailable | None = field(default_factory=lambda: OURS)
    asked: int = 0
    released: int = 0
    delayed: asyncio.Event | None = None
    """The answer has been given, and comes only then."""
    over: asyncio.Event = field(default_factory=asyncio.Event)

    async def ask(self) -> Word:
        self.asked += 1
        said = self.says
        if (delayed := self.delayed) is not None:
            await delayed.wait()
        if said is None:
            await asyncio.Event().wait()
        if isinstance(said, Unavailable):
            raise said
        assert isinstance(said, Word)
        return said

    async def ended(self) -> None:
        await self.over.wait()
        self.over.clear()

    async def release(self) -> None:
        self.released += 1


@dataclass
class Work:
    """Takes down how often it was begun, and how it goes on."""

    begun: int = 0
    going: bool = False
    fails: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self) -> None:
        self.begun += 1
        self.going = True
        try:
            await self.fails.wait()
            raise ZeroDivisionError
        finally:
            self.going = False


@dataclass
class Held:
    lease: FakeLease
    work: Work
    holding: Holding
    running: asyncio.Task[None]

    async def asked_again(self, times: int = 3) -> None:
        """Wait until it was asked so often from now on."""
        then = self.lease.asked + times
        await until(lambda: self.lease.asked >= then)


@asynccontextmanager
async def held(
    says: Word | Unavailable | None = OURS, *, kept_for: float = 60.0, confirmed_every: float = 0.01
) -> AsyncIterator[Held]:
    lease, work = FakeLease(says), Work()
    holding = Holding(lease, work, confirmed_every=confirmed_every, asked_every=0.01, kept_for=kept_for)
    running = asyncio.create_task(holding.run())
    try:
        yield Held(lease, work, holding, running)
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        assert not work.going
        assert not holding.holds
        assert lease.released == 1


async def test_who_has_the_lease_works_and_says_so() -> None:
    async with held() as what:
        await until(lambda: what.work.going)
        assert what.holding.holds
        assert what.holding.in_words() == "held by this process"
        await what.asked_again()
        assert what.work.begun == 1


@pytest.mark.parametrize("says", [ANOTHERS, AWAY], ids=["another has it", "nobody says"])
async def test_who_has_it_not_stands_by_until_it_has(says: Word | Unavailable) -> None:
    async with held(says) as what:
        await what.asked_again()
        assert what.work.begun == 0
        assert what.holding.in_words() == "this process stands by"
        what.lease.says = FOLLOWED
        await until(lambda: what.work.going)


async def test_who_loses_it_to_another_stops_and_begins_again_when_it_comes_back() -> None:
    async with held(FOLLOWED) as what:
        await until(lambda: what.work.going)
        what.lease.says = ANOTHERS
        await until(lambda: not what.work.going)
        assert not what.holding.holds
        what.lease.says = OURS
        await until(lambda: what.work.begun == 2)


async def test_who_has_it_asks_at_once_when_it_ends() -> None:
    async with held(FOLLOWED, confirmed_every=600.0) as what:
        await until(lambda: what.work.going)
        what.lease.says = ANOTHERS
        what.lease.over.set()
        await until(lambda: not what.work.going)


async def test_who_is_alone_goes_on_for_as_long_as_storage_is_away() -> None:
    async with held(OURS, kept_for=0.05) as what:
        await until(lambda: what.work.going)
        what.lease.says = AWAY
        await what.asked_again(10)
        what.lease.says = OURS
        await what.asked_again()
        assert (what.work.begun, what.work.going) == (1, True)


@pytest.mark.parametrize("says", [AWAY, None], ids=["storage is away", "storage is silent"])
async def test_who_would_be_followed_stops_before_another_can_have_it(says: Unavailable | None) -> None:
    async with held(FOLLOWED, kept_for=0.3) as what:
        await until(lambda: what.work.going)
        loop = asyncio.get_running_loop()
        what.lease.says, silent_at = says, loop.time()
        await until(lambda: not what.work.going)
        assert loop.time() - silent_at < 5.0  # 0.3 s on a machine that has nothing else to do
        assert not what.holding.holds


async def test_who_would_be_followed_goes_on_through_a_moment_without_an_answer() -> None:
    async with held(FOLLOWED, kept_for=60.0) as what:
        await until(lambda: what.work.going)
        what.lease.says = AWAY
        await what.asked_again(5)
        what.lease.says = FOLLOWED
        await what.asked_again()
        assert (what.work.begun, what.work.going) == (1, True)


async def test_who_stood_by_does_not_begin_by_a_word_that_is_too_old() -> None:
    async with held(ANOTHERS, kept_for=0.3) as what:
        await what.asked_again()
        what.lease.says, what.lease.delayed = OURS, asyncio.Event()
        await what.asked_again(1)
        await asyncio.sleep(0.5)  # the answer is under way for so long
        what.lease.says = ANOTHERS
        delayed, what.lease.delayed = what.lease.delayed, None
        delayed.set()
        await what.asked_again()
        assert what.work.begun == 0
        what.lease.says = OURS
        await until(lambda: what.work.going)


@pytest.mark.parametrize(("late", "goes_on"), [(OURS, True), (FOLLOWED, False)], ids=["alone", "with another"])
async def test_a_word_that_is_too_old_does_not_keep_a_holder_beside_whom_somebody_stands_by(
    late: Word, goes_on: bool
) -> None:
    async with held(OURS, kept_for=0.3) as what:
        await until(lambda: what.work.going)
        what.lease.says, what.lease.delayed = late, asyncio.Event()
        await what.asked_again(1)
        await asyncio.sleep(0.5)
        delayed, what.lease.delayed, what.lease.says = what.lease.delayed, None, AWAY
        delayed.set()
        await what.asked_again()
        assert what.work.going is goes_on


async def test_what_fails_in_the_work_is_for_whoever_runs_it_and_another_may_have_the_lease() -> None:
    async with held() as what:
        await until(lambda: what.work.going)
        what.work.fails.set()
        with pytest.raises(ZeroDivisionError):
            await what.running
        assert what.lease.released == 1
