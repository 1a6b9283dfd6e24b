"""Services in one process: what starts, what is started again, and in which order it stops."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import pytest
from starlette.applications import Starlette

from shared.bus.port import Subscription
from shared.kernel.errors import Unavailable
from shared.runtime import hosting
from shared.runtime.hosting import hosted
from shared.runtime.service import Service
from tests.fakes.bus import FakeBus


@pytest.fixture(autouse=True)
def soon(monkeypatch):
    monkeypatch.setattr(hosting, "RESTART_AFTER", (0.01, 0.05))


class Diary:
    """What happened, in order."""

    def __init__(self) -> None:
        self.lines: list[str] = []

    def resource(self, name: str):
        @asynccontextmanager
        async def opened() -> AsyncIterator[None]:
            self.lines.append(f"{name} opened")
            try:
                yield
            finally:
                self.lines.append(f"{name} closed")

        return opened

    def loop(self, name: str):
        async def run() -> None:
            self.lines.append(f"{name} runs")
            try:
                await asyncio.Event().wait()
            finally:
                await asyncio.sleep(0)
                self.lines.append(f"{name} stopped")

        return run

    async def holds(self, line: str, times: int = 1) -> None:
        async with asyncio.timeout(5):
            while self.lines.count(line) < times:  # noqa: ASYNC110 - the diary is no event
                await asyncio.sleep(0.002)


class WatchedBus(FakeBus):
    def __init__(self, diary: Diary) -> None:
        super().__init__()
        self.diary = diary

    @asynccontextmanager
    async def consume(self, subscription: Subscription) -> AsyncIterator[None]:
        self.diary.lines.append(f"{subscription.queue} consumed")
        yield
        self.diary.lines.append(f"{subscription.queue} left")


async def handle(_):
    return []


def service(diary: Diary, name: str) -> Service:
    return Service(
        name=name,
        app=Starlette(),
        subscriptions=[Subscription(queue=f"{name}.facts", patterns=("#",), handle=handle)],
        loops=[("relay", diary.loop(f"{name}.relay"))],
        resources=[diary.resource(f"{name}.pool"), diary.resource(f"{name}.cache")],
    )


async def test_what_was_opened_first_is_closed_last_and_consumers_go_before_loops_and_loops_before_resources():
    diary = Diary()
    async with hosted([service(diary, "a"), service(diary, "b")], WatchedBus(diary)):
        await diary.holds("b.relay runs")
    assert diary.lines[:4] == ["a.pool opened", "a.cache opened", "b.pool opened", "b.cache opened"]
    assert set(diary.lines[4:8]) == {"a.facts consumed", "b.facts consumed", "a.relay runs", "b.relay runs"}
    assert diary.lines[8:] == [
        "b.facts left",
        "a.facts left",
        "a.relay stopped",
        "b.relay stopped",
        "b.cache closed",
        "b.pool closed",
        "a.cache closed",
        "a.pool closed",
    ]


@pytest.mark.parametrize(
    "error",
    [
        RuntimeError("a bug"),
        Unavailable("the database is away"),
        ExceptionGroup("tasks", [Unavailable("the database is away")]),
        asyncio.CancelledError(),
        None,
    ],
    ids=["bug", "away", "group", "cancelled by its connection", "ended"],
)
async def test_a_loop_that_ends_is_started_again_whatever_the_reason(error):
    runs = []
    again = asyncio.Event()

    async def fragile() -> None:
        runs.append(1)
        if len(runs) < 4:
            if error is not None:
                raise error
            return
        again.set()
        await asyncio.Event().wait()

    diary = Diary()
    one = Service(name="a", app=Starlette(), loops=[("fragile", fragile), ("steady", diary.loop("steady"))])
    async with hosted([one], FakeBus()):
        async with asyncio.timeout(5):
            await again.wait()
        assert diary.lines == ["steady runs"], "its neighbours do not notice"


async def test_a_loop_that_waits_to_be_started_again_does_not_hold_up_the_end():
    async def fails() -> None:
        raise RuntimeError

    one = Service(name="a", app=Starlette(), loops=[("fails", fails)])
    async with asyncio.timeout(2):
        async with hosted([one], FakeBus()):
            await asyncio.sleep(0.02)


async def test_a_resource_that_cannot_be_opened_stops_the_start_and_closes_the_others():
    diary = Diary()

    @asynccontextmanager
    async def broken() -> AsyncIterator[None]:
        raise RuntimeError("no place on the disk")
        yield

    one = Service(
        name="a",
        app=Starlette(),
        loops=[("relay", diary.loop("relay"))],
        resources=[diary.resource("pool"), broken],
    )
    with pytest.raises(RuntimeError, match="no place on the disk"):
        async with hosted([one], FakeBus()):
            pass
    assert diary.lines == ["pool opened", "pool closed"]


async def test_an_error_of_whoever_hosts_passes_through_after_everything_has_stopped():
    diary = Diary()
    with pytest.raises(KeyError):
        async with hosted([service(diary, "a")], WatchedBus(diary)):
            await diary.holds("a.relay runs")
            raise KeyError
    assert diary.lines[-1] == "a.pool closed"
