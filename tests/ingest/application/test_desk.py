"""What a machine that calls us hands over: durable before it is told so, and told within seconds if it is not."""

import asyncio
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, cast

import pytest

from services.ingest.application.conditions import Conditions, Way
from services.ingest.application.desk import Desk
from services.ingest.application.publishing import ScanPublisher
from services.ingest.application.standing import Standing
from services.ingest.application.taking import Taker
from services.ingest.domain.patience import Patience
from services.ingest.domain.reading import Batch, Mode, Unreadable
from shared.contracts.scans import ScanReceived
from shared.kernel.errors import Unavailable
from tests.ingest.application.watched import batch
from tests.ingest.fakes import (
    NOON,
    FakeBus,
    FakeClock,
    FakeClockMeasurements,
    FakeEvidence,
    FakeLedger,
    FakePushedDriver,
    FakeSpool,
    machine,
    readings,
)


@dataclass
class Around:
    """What a desk stands on."""

    bus: FakeBus = field(default_factory=FakeBus)
    spool: FakeSpool = field(default_factory=FakeSpool)
    ledger: FakeLedger = field(default_factory=FakeLedger)
    evidence: FakeEvidence = field(default_factory=FakeEvidence)
    clock: FakeClock = field(default_factory=FakeClock)

    async def desk(self, *, within: float = 5.0, silence: timedelta = timedelta(minutes=3), **config: Any) -> Desk:
        driver = FakePushedDriver()
        driver.silence = silence
        of = machine(machine_type="caller", config=config)
        publisher = ScanPublisher(self.bus, self.ledger, self.spool, self.clock, confirm_within=0.05)
        await publisher.drain()
        nobody_is_told = cast(Conditions, None)
        standing = Standing(
            of,
            way=Way.PUSH,
            conditions=nobody_is_told,
            clocks=FakeClockMeasurements(),
            clock=self.clock,
            patience=Patience(),
        )
        taker = Taker(
            of, publisher=publisher, ledger=self.ledger, evidence=self.evidence, clock=self.clock, patience=None
        )
        return Desk(of, driver, standing=standing, taker=taker, clock=self.clock, within=within)

    @property
    def scans(self) -> int:
        return len({scan.scan_id for scan in self.bus.events(ScanReceived)})


@pytest.fixture
def around() -> Around:
    return Around()


async def test_scans_are_taken_once_the_bus_has_them(around: Around) -> None:
    desk = await around.desk()
    await desk.take(batch(3))
    assert around.scans == 3


@pytest.mark.parametrize("trouble", ["away", "silent"])
async def test_with_the_bus_away_or_silent_the_spool_takes_them(around: Around, trouble: str) -> None:
    desk = await around.desk()
    setattr(around.bus, trouble, True)
    await desk.take(batch(3))
    assert len(around.spool.messages) == 1


async def test_with_neither_they_are_not_taken_and_the_same_scans_come_again(around: Around) -> None:
    desk = await around.desk()
    around.bus.away = around.spool.away = True
    with pytest.raises(Unavailable, match="cannot be kept now"):
        await desk.take(batch(3))
    around.bus.away = around.spool.away = False
    await desk.take(batch(3))
    assert len(around.spool.messages) + around.scans > 0


async def test_whatever_hangs_the_machine_is_told_to_come_back(around: Around) -> None:
    desk = await around.desk(within=0.1)
    around.bus.gate = asyncio.Event()
    with pytest.raises(Unavailable, match=r"could not be made durable within 0\.1 s") as refused:
        await desk.take(batch(1))
    assert refused.value.retry_after >= 1
    around.bus.gate.set()
    await desk.take(batch(1))
    assert around.scans == 1


async def test_two_posts_of_one_machine_at_once_are_both_taken(around: Around) -> None:
    desk = await around.desk()
    await asyncio.gather(desk.take(batch(2, badge="7")), desk.take(batch(2, badge="8")))
    assert around.scans == 4


async def test_an_unreadable_line_is_kept_once_and_the_scans_beside_it_do_not_wait_for_it(around: Around) -> None:
    desk = await around.desk()
    bad = Unreadable(reason="no badge", raw=b"\t\t", position=2)
    both = Batch(readings=readings(1), unreadable=[bad], mode=Mode.LIVE, received_at=NOON)
    around.evidence.away = True
    with pytest.raises(Unavailable):
        await desk.take(both)
    assert around.scans == 1
    around.evidence.away = False
    await desk.take(both)
    await desk.take(both)
    assert len(around.evidence.kept) == 1
    assert around.scans == 1


async def test_a_log_that_comes_again_is_not_published_again(around: Around) -> None:
    desk = await around.desk()
    replay = batch(5, mode=Mode.REPLAY)
    await desk.take(replay)
    around.ledger.entries.update((1, scan.scan_id) for scan in around.bus.events(ScanReceived))
    await desk.take(replay)
    assert len(around.bus.published) == 1


async def test_a_secret_is_shown_once_from_each_address(around: Around) -> None:
    desk = await around.desk(secret="s3")
    assert not desk.admits("A", None)
    assert desk.admits("A", "s3")
    assert desk.admits("A", None)
    assert not desk.admits("B", None)
    assert not desk.admits("A", "guess")
    assert desk.admits("A", None), "behind one address may be others, who must not shut it out"


async def test_one_that_calls_another_process_is_not_missed_here(around: Around) -> None:
    desk = await around.desk(silence=timedelta(0))
    desk.standing.back()
    desk.heard_elsewhere(around.clock.now())
    desk.look()
    assert desk.standing.connected
    around.clock.forward(timedelta(seconds=1))
    desk.look()
    assert not desk.standing.connected


async def test_a_machine_that_was_told_to_come_back_is_not_at_rest_before_it_has() -> None:
    around = Around()
    desk = await around.desk()
    desk.heard("10.0.0.7")
    around.bus.away = around.spool.away = True
    with pytest.raises(Unavailable):
        await desk.take(batch(1))
    for _ in range(3):
        around.clock.forward(timedelta(seconds=10))
        desk.at_rest()
    assert desk.standing._complete is None
    around.bus.away = around.spool.away = False
    await desk.take(batch(1))
    for _ in range(2):
        around.clock.forward(timedelta(seconds=10))
        desk.at_rest()
    assert desk.standing._complete is not None
