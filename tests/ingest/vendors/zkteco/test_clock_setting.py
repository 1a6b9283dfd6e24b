"""Setting the clock of a terminal: when, and what it does not disturb."""

from datetime import timedelta

import pytest

from services.ingest.application.drivers import Unreachable
from services.ingest.vendors.zkteco.driver import Zkteco
from services.ingest.vendors.zkteco.simulator import Device, Faults, Running, simulator
from services.ingest.vendors.zkteco.wire import SETS_CLOCK, Code
from shared.kernel.clock import SystemClock
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.contact import device, following, ids_of, machine

AHEAD = timedelta(hours=3)


def right(terminal: Device) -> bool:
    return abs(terminal.wall() - Device().wall()) <= timedelta(seconds=2)


def asked(running: Running) -> list[Code]:
    return [Code(packet.code) for packet in running.received]


async def test_it_is_set_before_the_log_is_read_and_measured_again_which_is_no_news() -> None:
    terminal = device(clock_offset=AHEAD)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        what.contact.wants_clock_set = True
        await until(lambda: what.completed >= 3)
        assert right(terminal)
        assert what.contact.clock_sets == [""]
        assert what.contact.offsets[0] > AHEAD / 2
        assert abs(what.contact.offsets[1]) < timedelta(seconds=2)
        sent = asked(running)
        assert sent.index(Code.REFRESH_DATA) == sent.index(Code.SET_TIME) + 1 < sent.index(Code.READ_SET)
        assert terminal.operation_set()[4:], "it has written down that its clock was set"
        assert what.contact.warnings == {}
        assert what.ids == ids_of(terminal)


async def test_it_is_set_later_between_two_looks_and_never_in_the_middle_of_a_log() -> None:
    terminal = device(3_000)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.caught_up, within=60)
        terminal.shift_clock(-AHEAD)
        what.contact.wants_clock_set = True
        await until(lambda: what.contact.clock_sets)
        await until(lambda: right(terminal))
        terminal.record_at("1001", terminal.wall())
        await until(lambda: what.ids == ids_of(terminal))
        sent = [code for code in asked(running) if code in (Code.READ_SET, Code.FREE_DATA, Code.SET_TIME)]
        before = sent[: sent.index(Code.SET_TIME)]
        assert before.count(Code.READ_SET) == before.count(Code.FREE_DATA), "what was begun had ended"


async def test_where_nobody_wants_it_nothing_is_set() -> None:
    terminal = device(clock_offset=AHEAD)
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        await until(lambda: what.completed >= 3)
        assert not set(asked(running)) & SETS_CLOCK
        assert what.contact.clock_sets == []
        assert not right(terminal)


class Stubborn(Device):
    """Has a clock that nobody sets."""

    def set_clock(self, wall: object) -> None:
        raise self.refusal

    refusal: Exception


async def test_a_terminal_that_refuses_is_said_to_and_read_all_the_same() -> None:
    from services.ingest.vendors.zkteco.clock import NoSuchTime

    terminal = Stubborn(users=["1001"], clock_offset=AHEAD)
    terminal.refusal = NoSuchTime("whatever it is told")
    terminal.scan("1001")
    async with simulator(terminal, pace=0) as running, following(machine(running.port)) as what:
        what.contact.wants_clock_set = True
        await until(lambda: what.caught_up)
        assert what.contact.clock_sets == ["it refuses the command"]
        assert what.ids == ids_of(terminal)


async def test_a_terminal_that_falls_silent_over_it_is_read_in_the_next_contact() -> None:
    """How often it is tried is for the contact to say."""
    terminal = device(clock_offset=AHEAD)
    driver = Zkteco(SystemClock())
    async with simulator(terminal, faults=Faults(silent=4), pace=0) as running:
        async with following(machine(running.port), driver) as what:
            what.contact.wants_clock_set = True
            await until(lambda: what.trouble)
            assert isinstance(what.trouble, Unreachable)
            assert asked(running)[4] == Code.SET_TIME
        running.faults = Faults()
        async with following(machine(running.port), driver) as what:
            await until(lambda: what.caught_up)
            assert what.ids == ids_of(terminal)


@pytest.mark.parametrize(
    ("of", "why"),
    [
        ({"ip_address": "10.0.0.7"}, ""),
        ({"ip_address": None, "config": {"push": True, "set_clock": True}}, ""),
        ({"ip_address": None, "config": {"push": True}}, "only where `set_clock` in its config is true"),
    ],
)
def test_which_terminals_can_have_it_set(of: dict[str, object], why: str) -> None:
    said = Zkteco(SystemClock()).cannot_set_clock(machine(4370, **of))  # type: ignore[arg-type]
    assert why in said
    assert bool(why) is bool(said)
