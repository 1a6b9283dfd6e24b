"""The people of a made-up company at a terminal that pushes. Pure."""

from datetime import timedelta

from services.ingest.vendors.simulated.people import working_day
from services.ingest.vendors.simulated.settings import SimulatedSettings
from services.ingest.vendors.zkteco.adms.simulator.punches import Punch, Unit


def fill(unit: Unit, people: SimulatedSettings) -> None:
    """Write into its log what they scanned in the last `history_days` and today, up to now."""
    now = unit.wall()
    for ago in range(people.history_days, -1, -1):
        for reading in working_day(people, (now - timedelta(days=ago)).date()):
            if reading.local_time <= now:
                unit.record(Punch(badge=reading.badge, at=reading.local_time, state=int(reading.state)))
