"""What is decided without a server: matching, the policy, judging a batch, keeping a connection."""

import asyncio
import re
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.bus import policy
from shared.bus.handling import judge
from shared.bus.link import Link
from shared.bus.opening import open_bus
from shared.bus.policy import Again, Park, Policy
from shared.bus.port import BusUnavailable, Delivery, Message, Refusal, Subscription
from shared.bus.topic import matches
from shared.kernel.errors import TooMany, Unavailable
from tests.shared.bus.tools import until

WORDS = st.sampled_from(["a", "b", "ab"])
PATTERNS = st.lists(st.one_of(WORDS, st.sampled_from(["*", "#"])), min_size=1, max_size=5)


@given(PATTERNS, st.lists(WORDS, min_size=1, max_size=5))
def test_matching_agrees_with_a_regular_expression(pattern: list[str], key: list[str]) -> None:
    kinds = {"*": r"[^.]+\.", "#": r"(?:[^.]+\.)*"}
    expression = "".join(kinds.get(word, re.escape(word + ".")) for word in pattern)
    expected = re.fullmatch(expression, ".".join(key) + ".") is not None
    assert matches(".".join(pattern), ".".join(key)) is expected


@pytest.mark.parametrize(
    ("attempt", "decision"),
    [
        (1, Again(1.0, counted=True)),
        (2, Again(5.0, counted=True)),
        (5, Again(600.0, counted=True)),
        (11, Again(600.0, counted=True)),
        (12, Park("gave up after 12 tries: ValueError: no")),
    ],
)
def test_failures_are_tried_again_ever_later_and_then_parked(attempt: int, decision: Again | Park) -> None:
    assert policy.after_failure(attempt, ValueError("no")) == decision


@pytest.mark.parametrize("error", [Unavailable("the database is away"), TooMany("slowly"), BusUnavailable("no bus")])
def test_what_is_away_is_never_counted(error: Exception) -> None:
    assert Policy().after_failure(1000, error) == Again(1.0, counted=False)


def test_a_reason_is_cut_where_it_would_be_a_novel() -> None:
    decision = Policy(most_attempts=1).after_failure(1, ValueError("x" * 5000))
    assert isinstance(decision, Park)
    assert len(decision.reason) == 1000


async def test_a_batch_is_called_once_when_all_goes_well() -> None:
    calls, subscription = _recording({})
    verdict = await judge(subscription, _deliveries("abc"), Policy())
    assert calls == ["abc"]
    assert (verdict.again, verdict.parked, verdict.held) == ({}, {}, [])
    assert [refusal.message.id for refusal in verdict.refused] == ["refused of a", "refused of b", "refused of c"]


async def test_a_failed_batch_is_called_again_at_once_with_each_alone() -> None:
    calls, subscription = _recording({"b": ValueError("b"), "c": Unavailable("away")})
    verdict = await judge(subscription, _deliveries("abcd"), Policy(most_attempts=1))
    assert calls == ["abcd", "a", "b", "c", "d"]
    assert verdict.parked == {1: Park("gave up after 1 tries: ValueError: b")}
    assert verdict.held == [2]
    assert [refusal.message.id for refusal in verdict.refused] == ["refused of a", "refused of d"]


async def test_a_batch_for_which_something_is_away_is_held_whole() -> None:
    calls, subscription = _recording({"a": Unavailable("away")})
    verdict = await judge(subscription, _deliveries("abc"), Policy())
    assert calls == ["abc"]
    assert verdict.held == [0, 1, 2]


async def test_a_cancelled_task_is_cancelled_and_a_dead_connection_is_not_a_cancellation() -> None:
    """Finding 4."""
    _, subscription = _recording({"a": asyncio.CancelledError()})
    assert (await judge(subscription, _deliveries("a"), Policy())).held == [0]

    async def wait(_: Sequence[Delivery]) -> Sequence[Refusal]:
        await asyncio.sleep(60)
        return []

    waiting = Subscription(queue="q", patterns=("#",), handle=wait)
    task = asyncio.create_task(judge(waiting, _deliveries("a"), Policy()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


class Line:
    """A connection that can be cut."""

    def __init__(self) -> None:
        self.cut = asyncio.Event()
        self.dropped = False


class Exchange:
    """Makes lines, or fails as told."""

    def __init__(self) -> None:
        self.lines: list[Line] = []
        self.failures: list[BaseException] = []
        self.attempts = 0
        self.link = Link("the exchange", connect=self.connect, lost=self.lost, drop=self.drop)

    async def connect(self) -> Line:
        self.attempts += 1
        if self.failures:
            raise self.failures.pop(0)
        self.lines.append(Line())
        return self.lines[-1]

    async def lost(self, line: Line) -> None:
        await line.cut.wait()

    async def drop(self, line: Line) -> None:
        line.dropped = True


@pytest.fixture
async def exchange() -> Exchange:
    return Exchange()


async def test_a_link_waits_while_it_connects_and_refuses_at_once_while_it_knows_better(exchange: Exchange) -> None:
    link = exchange.link
    with pytest.raises(BusUnavailable, match="not connected"):
        await link.get(0.05)
    exchange.failures = [OSError("refused")] * 3
    link.start()
    with pytest.raises(BusUnavailable, match="the exchange is away: OSError: refused"):
        await link.get(5)
    assert await asyncio.wait_for(link.wait(), 5) is exchange.lines[0]
    assert await link.get(0) is exchange.lines[0]
    assert link.problem is None
    await link.close()
    assert exchange.lines[0].dropped
    with pytest.raises(BusUnavailable, match="closed"):
        await link.get(5)


async def test_a_link_that_is_lost_or_doubted_is_made_anew(exchange: Exchange) -> None:
    link = exchange.link
    link.start()
    first = await link.get(5)
    first.cut.set()
    await until(lambda: len(exchange.lines) == 2)
    second = await link.get(5)
    link.doubt(first)  # late news of the one before
    assert link.current is second
    link.doubt(second)
    assert link.current is None
    assert await link.get(5) is exchange.lines[2]
    assert first.dropped
    assert second.dropped
    await link.close()


@pytest.mark.parametrize("error", [asyncio.CancelledError(), TimeoutError(), RuntimeError("anything")])
async def test_a_link_outlives_whatever_connecting_raises(exchange: Exchange, error: BaseException) -> None:
    """Finding 4: a loop that dies of a bare CancelledError is missed only much later."""
    exchange.failures = [error]
    exchange.link.start()
    await asyncio.wait_for(exchange.link.wait(), 5)
    assert exchange.attempts == 2
    await exchange.link.close()


async def test_a_link_says_once_that_it_is_away_and_once_that_it_is_back(
    exchange: Exchange, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("INFO")
    exchange.failures = [OSError("refused")] * 3
    exchange.link.start()
    await asyncio.wait_for(exchange.link.wait(), 5)
    assert [record.levelname for record in caplog.records] == ["WARNING", "INFO"]
    await exchange.link.close()


@pytest.mark.parametrize("url", ["redis://localhost", "localhost", ""])
async def test_an_address_of_no_bus_is_refused(url: str) -> None:
    with pytest.raises(ValueError, match="amqp:// or postgresql://"):
        async with open_bus(url):
            pass


def _deliveries(ids: str) -> list[Delivery]:
    return [Delivery(message=Message(id=id_, type="t", body=b""), attempt=1) for id_ in ids]


def _recording(failures: dict[str, BaseException]) -> tuple[list[str], Subscription]:
    calls: list[str] = []

    async def handle(deliveries: Sequence[Delivery]) -> Sequence[Refusal]:
        ids = [delivery.message.id for delivery in deliveries]
        calls.append("".join(ids))
        for id_ in ids:
            if id_ in failures:
                raise failures[id_]
        return [Refusal(message=Message(id=f"refused of {id_}", type="t", body=b""), reason="no") for id_ in ids]

    return calls, Subscription(queue="q", patterns=("#",), handle=handle)
