"""How contact with one machine stands, as its sessions and its watch report it, and having that told."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from services.ingest.application.clock_keeping import WISH_HOLDS, ClockKeeping, Outcome
from services.ingest.application.conditions import Conditions, Progress, Way
from services.ingest.application.contact_ports import ClockMeasurements
from services.ingest.application.drivers import MachineTrouble, Phase
from services.ingest.application.taking import Taken
from services.ingest.application.telling import Telling, Word
from services.ingest.domain.alarms import Alarms
from services.ingest.domain.clock_line import Measurement
from services.ingest.domain.clocks import clock_warning, in_words
from services.ingest.domain.machine import Machine, State
from services.ingest.domain.patience import Patience
from services.ingest.domain.reading import Batch, Mode
from services.ingest.domain.traffic import TRAFFIC
from shared.kernel.clock import Clock
from shared.observability.logs import get_logger

CLOCK = "clock"
"""What warnings of a wrong clock are about."""
LOG_CLEARED = "log cleared"
"""What drivers' warnings are about of a log that was cleared."""
CLOCK_DRIFT = "clock drift"
"""What warnings are about of one that will be too wrong soon."""
CLOCK_NOT_SET = "clock not set"
"""What warnings are about of one that is to be set, and cannot be."""

log = get_logger(__name__)


class Standing:
    """The `Contact` that sessions report to, and what their watch says of it: in contact, away, how far."""

    def __init__(
        self,
        machine: Machine,
        *,
        pulls: bool = False,
        way: Way = Way.LINE,
        conditions: Conditions,
        clocks: ClockMeasurements,
        sets_clock: bool = False,
        clock: Clock,
        patience: Patience,
    ) -> None:
        """`pulls` where its sessions come by every so often instead of lasting; `sets_clock` where they can do that."""
        self._machine = machine
        self._way = way
        self._pulls = pulls
        self._conditions = conditions
        self._clock = clock
        self._clocks = clocks
        self._keeping = ClockKeeping(machine, sets=sets_clock, clock=clock)
        self._telling = Telling(lambda: conditions.progressed(machine, self._so_far(), way=way), patience)
        self._progress = Progress(records_cleared=machine.records_cleared)
        self._held = machine.records_on_machine
        self._since_counted = 0
        self._alarms = Alarms()
        self._says_phases = False
        self._troubles: set[type[MachineTrouble]] = set()
        self._reason: str | None = None
        self._complete: datetime | None = None
        self._silence: str | None = None
        self._clock_asked_at: datetime | None = None
        """When the wish of the registry was said that is being done."""
        self.connected = False
        """Whether there is contact now."""
        self.state = State.CONNECTING
        self.offset = timedelta(seconds=machine.clock_offset_seconds or 0.0)
        """Its clock minus ours, as last measured."""

    async def tell(self) -> None:
        """Have it written down and told, until cancelled."""
        await self._telling.run()

    def silent(self, sentence: str | None) -> None:
        """It tells of no scans at a time at which it usually does, or it is well; until a scan comes."""
        self._silence = sentence
        if sentence is None:
            self.settled(TRAFFIC)
        else:
            self.warn(TRAFFIC, sentence)

    def also(self, word: Word) -> None:
        """Have this written down, too, after what was said until now."""
        self._telling.turn(word, once=True)

    def wish_clock_set(self, by: str) -> "asyncio.Future[Outcome]":
        """Have its clock set at the next occasion; what becomes of that."""
        return self._keeping.wish(by)

    def withdraw_wish(self) -> None:
        """Nobody wants its clock to be set any more."""
        self._keeping.withdraw()

    def clock_wanted(self, present: Machine) -> bool:
        """Do what of this the registry keeps; whether that is news. What comes of it is told, and it is done once."""
        asked_at = present.clock_asked_at
        if asked_at is None or asked_at == self._clock_asked_at or self._clock.now() - asked_at >= WISH_HOLDS:
            return False
        self._clock_asked_at = asked_at

        def ended(wish: "asyncio.Future[Outcome]") -> None:
            if wish.cancelled():
                self._clock_asked_at = None  # by somebody who shared it and waits no longer: this one waits on
                return
            if (outcome := wish.result()).after is None:
                why_not = f"its clock was not set, as {present.clock_asked_by} wanted: {outcome.why_not}"
                self.warn(CLOCK_NOT_SET, why_not)
            self.also(lambda: self._conditions.clock_tried(present))

        self.wish_clock_set(present.clock_asked_by).add_done_callback(ended)
        return True

    @property
    def records(self) -> int | None:
        """How many records it says that it holds, if it has said so in a contact of this standing."""
        return self._progress.records_on_machine

    @property
    def since_counted(self) -> int:
        """Scans that it has handed over since it said how many records it holds, in this standing."""
        return self._since_counted

    def said(self, about: str) -> str:
        """The warning in this matter, while it holds."""
        return self._alarms.sentence_of(about)

    # What sessions report.

    def alive(self) -> None:
        self._note(replace(self._progress, last_contact_at=self._clock.now()))

    def clock(self, offset: timedelta) -> None:
        self.offset = offset
        self._keep(self._keeping.measured(offset))
        now = self._clock.now()
        seconds = round(offset.total_seconds(), 3)
        self._note(replace(self._progress, last_contact_at=now, clock_offset_seconds=seconds, clock_measured_at=now))
        self._hold(CLOCK, clock_warning(offset, warned=self._alarms.holds(CLOCK)))
        self._hold(CLOCK_DRIFT, self._keeping.foreseen)

    def clock_is_to_be_set(self, offset: timedelta) -> bool:
        is_to_be = self._keeping.is_to_be_set(offset)
        self._hold(CLOCK_NOT_SET, self._keeping.complaint)
        return is_to_be

    def clock_set(self, why_not: str = "") -> None:
        kept = self._keeping.done(why_not)
        self._keep(kept)
        self._hold(CLOCK_NOT_SET, self._keeping.complaint)
        if kept:
            was, by = in_words(kept[-1].offset), kept[-1].by
            log.info("machine.clock_set", machine=self._machine.machine_id, was=was, by=by)

    def counts(self, *, records: int, capacity: int | None = None, received: int | None = None) -> None:
        known = self._progress
        if self._held is not None and records < self._held:
            cleared = known.records_cleared + self._held
            known = replace(known, records_cleared=cleared, log_cleared_at=self._clock.now())
        self._held, self._since_counted = records, 0
        self._note(
            replace(
                known,
                records_on_machine=records,
                record_capacity=known.record_capacity if capacity is None else capacity,
                records_received=known.records_received if received is None else received,
            )
        )

    def phase(self, phase: Phase) -> None:
        self._says_phases = True
        self._enter(phase)

    def warn(self, about: str, sentence: str) -> None:
        self._alarms.say(about, sentence)
        if about == LOG_CLEARED:
            self._note(replace(self._progress, log_cleared_at=self._clock.now()))
        if self.connected:
            self._tell_news()
            self._telling.tick()

    def settled(self, about: str) -> None:
        if self._alarms.settle(about) and self.connected:
            self._tell_progress()

    # What the watch reports.

    def begin(self) -> None:
        """Another contact is attempted."""
        self._alarms.begin()
        if self._silence is not None:
            self._alarms.say(TRAFFIC, self._silence)
        self._says_phases = False

    def back(self) -> bool:
        """It is in contact; whether that is news."""
        news = not self.connected
        if news:
            self.connected, self._reason, self.state = True, None, State.CATCHING_UP
            self._troubles.clear()
            self.alive()
            log.info("machine.connected", machine=self._machine.machine_id)
            so_far = self._so_far()
            self._telling.turn(lambda: self._conditions.back(self._machine, so_far, way=self._way))
        self._tell_news()
        return news

    def taken(self, batch: Batch, taken: Taken) -> None:
        """A batch of it cannot be lost any more."""
        latest = taken.latest
        self._since_counted += len(batch.readings)
        if taken.new and self._silence is not None:
            self.silent(None)
        if latest is not None:
            self._note(replace(self._progress, last_scan_at=max(self._progress.last_scan_at or latest, latest)))
        self.alive()
        first = batch.complete_until is not None and self._complete is None
        if batch.complete_until is not None:
            self._complete = max(self._complete or batch.complete_until, batch.complete_until)
            self._note(replace(self._progress, last_sync=self._clock.now(), reported_until=self._complete))
        is_live = batch.complete_until is not None or batch.mode is Mode.LIVE
        told = is_live and not self._says_phases and self._enter(Phase.LIVE)
        if first and not told:
            self._tell_progress()

    def ended(self) -> None:
        """A contact that had come about is over."""
        self._alarms.end()

    def polled(self) -> None:
        """Everything it had was read; it is asked again later."""
        self._turn_to(State.POLLING)

    def away(self, trouble: MachineTrouble) -> None:
        """It is away, for a reason."""
        self.connected, self._complete = False, None
        self._alarms.lose()
        self.state = State.WAITING_FOR_A_PERSON if trouble.lasting else State.AWAY
        if trouble.message == self._reason:
            return
        self._reason = trouble.message
        # A machine that gives two reasons in turn is one that is away, and told of twice, not for ever.
        news = type(trouble) not in self._troubles
        self._troubles.add(type(trouble))
        event = "machine.waiting_for_a_person" if trouble.lasting else "machine.away"
        log.warning(event, machine=self._machine.machine_id, reason=trouble.message)
        so_far = self._so_far()
        self._telling.turn(
            lambda: self._conditions.away(
                self._machine, trouble.message, so_far, lasting=trouble.lasting, news=news, way=self._way
            )
        )

    def _hold(self, about: str, sentence: str | None) -> None:
        if sentence:
            self.warn(about, sentence)
        else:
            self.settled(about)

    def _keep(self, measured: Sequence[Measurement]) -> None:
        if measured:
            self.also(lambda: self._clocks.keep(self._machine.id, measured))

    def _note(self, progress: Progress) -> None:
        self._progress = progress
        if self.connected:
            self._telling.tick()

    def _enter(self, phase: Phase) -> bool:
        """Whether that is news. A session that comes by every so often is polling once it has read everything."""
        if not self.connected:
            return False
        if phase is Phase.CATCHING_UP:
            return self._turn_to(State.POLLING if self.state is State.POLLING else State.CATCHING_UP)
        return self._turn_to(State.POLLING if self._pulls else State.LIVE)

    def _turn_to(self, state: State) -> bool:
        if state is self.state:
            return False
        self.state = state
        self._tell_progress()
        return True

    def _tell_progress(self) -> None:
        so_far = self._so_far()
        self._telling.turn(lambda: self._conditions.progressed(self._machine, so_far, way=self._way))

    def _tell_news(self) -> None:
        for sentence in self._alarms.news():
            log.warning("machine.warning", machine=self._machine.machine_id, reason=sentence)
            so_far = self._so_far()
            self._telling.turn(
                lambda s=sentence, p=so_far: self._conditions.warned(self._machine, s, p, way=self._way),  # type: ignore[misc]  # bound now, called soon
                once=True,
            )

    def _so_far(self) -> Progress:
        return replace(self._progress, state=self.state, warnings=self._alarms.sentences)
