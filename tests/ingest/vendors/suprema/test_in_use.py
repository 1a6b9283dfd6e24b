"""What years of use do to a machine behind a server: to its clock, its log and its line."""

from datetime import datetime, timedelta

import pytest

from services.ingest.application.drivers import Unreachable
from services.ingest.domain.instants import Quality
from services.ingest.domain.scan import Naming
from services.ingest.vendors.suprema.simulator import Faults, Store, simulator
from services.ingest.vendors.suprema.simulator.store import CLOCK_SET, STARTED, ZONE_SET
from tests.ingest.fakes import until
from tests.ingest.vendors.suprema.contact import START, following, ids_of, machine, store

RESET = datetime(2000, 1, 1, 0, 0, 7)

ways = pytest.mark.parametrize("way", [Faults(), Faults(no_id=True)], ids=["by number", "by time of arrival"])


def others_scan_in_the_last_second(held: Store) -> None:
    """Two people scan in the second of its last event, and so does who made that, with another key."""
    last = held.scans[-1]
    for user, key in (("2001", "1"), ("2002", "1"), (last.user, "3")):
        held.record_at(user, held.local(last), key=key)


@ways
async def test_scans_of_the_same_second_as_the_last_one_are_read_whoever_made_them(way: Faults) -> None:
    held = store(60)
    async with simulator(held, faults=way) as running:
        async with following(machine(running.port, config={"live": False})) as what:
            await until(lambda: what.caught_up)
            others_scan_in_the_last_second(held)
            await until(lambda: what.ids == ids_of(held))
            assert len(what.ids) == 63


@ways
async def test_what_a_machine_kept_while_it_was_out_of_touch_is_read_however_old_it_is(way: Faults) -> None:
    held = store(60)
    async with simulator(held, faults=way) as running:
        async with following(machine(running.port, config={"live": False})) as what:
            await until(lambda: what.caught_up)
            held.scan("2001")
            await until(lambda: what.ids == ids_of(held))
            for number in range(5):
                held.upload_at("2002", START - timedelta(days=40, minutes=number))
            await until(lambda: what.ids == ids_of(held))
            assert len(what.ids) == 66


async def test_a_clock_that_began_again_and_one_that_was_set_are_told_and_scans_in_between_are_quarantined() -> None:
    held, of = store(20), machine(1)
    held.upload_at("", RESET, code=STARTED)
    held.record_at("", START, code=CLOCK_SET)
    async with simulator(held) as running, following(machine(running.port, config={"live": False})) as what:
        await until(lambda: what.caught_up)
        assert what.contact.warnings == {}, "that was long ago"
        held.scan("", code=STARTED)
        held.scan("2001")
        await until(lambda: what.ids == ids_of(held))
        assert what.contact.warnings == {}, "its clock went on"
        held.upload_at("", RESET, code=STARTED)
        held.upload_at("2002", RESET + timedelta(minutes=5))
        await until(lambda: what.ids == ids_of(held))
        assert what.contact.warnings == {
            "clock lost": "it was started, and its clock had begun again at 2000-01-01T00:00:07.00Z"
        }
        (when,) = [row.at for row in held.scan("", code=CLOCK_SET)]
        held.scan("2003")
        await until(lambda: what.ids == ids_of(held))
        said = f"its clock was set, as its event of {when:%Y-%m-%dT%H:%M:%S}.00Z says"
        assert what.contact.warnings["clock set"] == said
        held.scan("", code=ZONE_SET)
        await until(lambda: what.contact.warnings["clock set"].startswith("its zone was set"))
    naming = Naming(of)
    worth = {scan.reading.badge: scan.quality for batch in what.batches for scan in naming.scans(batch)}
    assert [worth[badge] for badge in ("2001", "2002", "2003")] == [Quality.OK, Quality.IMPLAUSIBLE_PAST, Quality.OK]


async def test_a_server_that_hangs_in_mid_contact_is_found_out_by_the_next_look() -> None:
    """Its connections stand, as they do for hours after the power is gone."""
    async with simulator(store(20), faults=Faults(silent=25)) as running:
        async with following(machine(running.port, config={"answer_within": 2})) as what:
            await until(lambda: what.trouble)
            assert what.caught_up
            assert isinstance(what.trouble, Unreachable)
            assert not what.trouble.lasting
