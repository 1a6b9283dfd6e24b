"""By pyzk, too, a terminal is left as it was, and another one in its place is not read."""

from services.ingest.application.drivers import OtherMachine
from services.ingest.vendors.zkteco.simulator import simulator
from services.ingest.vendors.zkteco.wire import MAY_BE_SENT
from tests.ingest.fakes import until
from tests.ingest.vendors.zkteco.contact import device, following, ids_of, machine

BY_PYZK = {"driver": "pyzk", "answer_within": 10, "connect_within": 10}
LARGE = 65_472
"""Bytes in a packet, at most: pyzk loses its place in small ones on a busy machine."""


async def test_nothing_is_sent_that_changes_a_machine_or_keeps_people_from_scanning() -> None:
    terminal = device(60)
    async with simulator(terminal, sub_packet=LARGE) as running:
        async with following(machine(running.port, config=BY_PYZK)) as what:
            await until(lambda: what.completed >= 2)
            assert what.ids == ids_of(terminal)
        assert {packet.code for packet in running.received} <= set(MAY_BE_SENT)
        assert not terminal.disabled


async def test_another_machine_at_the_address_is_not_read() -> None:
    async with simulator(device(60, serial="B2"), sub_packet=LARGE) as running:
        async with following(machine(running.port, config=BY_PYZK, serial="A1")) as what:
            await until(lambda: what.trouble)
            assert isinstance(what.trouble, OtherMachine)
            assert what.readings == []
        async with following(machine(running.port, config=BY_PYZK, serial="A1", aliases=("B2",))) as what:
            await until(lambda: what.completed)
