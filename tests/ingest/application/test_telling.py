"""What is written down of a machine, when, and in which order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

from services.ingest.application.telling import MOST_WORDS, Telling, Word
from services.ingest.domain.patience import Patience
from shared.kernel.errors import Unavailable
from tests.ingest.fakes import until


class Storage:
    """Takes words down; those that it is told to fail, it fails once."""

    def __init__(self) -> None:
        self.words: list[str] = []
        self.fails: list[Exception] = []

    def word(self, text: str) -> Word:
        async def say() -> None:
            await asyncio.sleep(0)
            if self.fails:
                raise self.fails.pop(0)
            self.words.append(text)

        return say


@asynccontextmanager
async def running(it: Telling) -> AsyncIterator[None]:
    task = asyncio.create_task(it.run())
    yield
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


def made(storage: Storage, every: float) -> Telling:
    return Telling(storage.word("goes on"), Patience(), every=every, again_after=timedelta(milliseconds=5))


async def test_turns_are_told_at_once_and_in_their_order() -> None:
    storage = Storage()
    it = made(storage, 1000)
    async with running(it):
        for number in range(5):
            it.turn(storage.word(f"turn {number}"))
        await until(lambda: len(storage.words) == 5)
    assert storage.words == [f"turn {number}" for number in range(5)]


async def test_what_goes_on_is_told_once_in_a_while_however_often_it_ticks() -> None:
    storage = Storage()
    it = made(storage, 0.1)
    began = asyncio.get_running_loop().time()
    async with running(it):
        async with asyncio.timeout(5):
            while len(storage.words) < 4:
                it.tick()
                await asyncio.sleep(0)
    assert asyncio.get_running_loop().time() - began >= 0.3


async def test_what_went_on_before_a_turn_is_not_told_after_it() -> None:
    storage = Storage()
    it = made(storage, 0.01)
    it.tick()
    it.turn(storage.word("away"))
    async with running(it):
        await until(lambda: storage.words)
        await asyncio.sleep(0.05)
    assert storage.words == ["away"]


async def test_nothing_is_lost_and_nothing_overtaken_while_storage_is_away() -> None:
    storage = Storage()
    storage.fails = [Unavailable("the database is away") for _ in range(3)]
    it = made(storage, 0)
    async with running(it):
        it.turn(storage.word("away"))
        it.turn(storage.word("back"))
        it.tick()
        await until(lambda: len(storage.words) == 3)
    assert storage.words == ["away", "back", "goes on"]


async def test_a_machine_that_flaps_while_storage_is_away_takes_no_memory() -> None:
    storage = Storage()
    it = made(storage, 1000)
    for number in range(10_000):
        it.turn(storage.word(str(number)))
    async with running(it):
        await until(lambda: storage.words and storage.words[-1] == "9999")
    assert len(storage.words) == MOST_WORDS


async def test_what_no_later_word_says_outlasts_what_later_words_say_better() -> None:
    storage = Storage()
    storage.fails = [Unavailable("the database is away") for _ in range(3)]
    it = made(storage, 1000)
    async with running(it):
        it.turn(storage.word("its log was cleared"), once=True)
        it.turn(storage.word("its log was read"), once=True)
        for number in range(100):
            it.turn(storage.word(str(number)))
        await until(lambda: storage.words and storage.words[-1] == "99")
    assert storage.words[:2] == ["its log was cleared", "its log was read"]
    assert len(storage.words) == MOST_WORDS


async def test_even_what_is_said_once_takes_no_memory_without_bounds() -> None:
    storage = Storage()
    it = made(storage, 1000)
    for number in range(1_000):
        it.turn(storage.word(str(number)), once=True)
    async with running(it):
        await until(lambda: storage.words and storage.words[-1] == "999")
    assert len(storage.words) == MOST_WORDS


async def test_a_mistake_in_telling_costs_one_word() -> None:
    storage = Storage()
    storage.fails = [ZeroDivisionError("a mistake")]
    it = made(storage, 1000)
    async with running(it):
        it.turn(storage.word("lost"))
        it.turn(storage.word("told"))
        await until(lambda: storage.words)
    assert storage.words == ["told"]
