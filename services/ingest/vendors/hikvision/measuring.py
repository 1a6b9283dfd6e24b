"""How wrong a terminal's clock is, and whether its zone is that of the place where it hangs."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from services.ingest.application.drivers import Contact
from services.ingest.domain.clock_setting import wall_now
from services.ingest.vendors.hikvision.clock import Wall, utc
from services.ingest.vendors.hikvision.isapi import Isapi
from services.ingest.vendors.hikvision.settings import HikvisionSettings
from shared.kernel.clock import Clock

ZONE: Final = "zone"
"""What warnings of a wrong zone are about."""
HALF_A_SECOND: Final = timedelta(seconds=0.5)
"""A clock that shows whole seconds is half of one ahead of what it shows, on average."""
RIGHT: Final = timedelta(minutes=2)


async def measure_clock(
    isapi: Isapi, zone: ZoneInfo, settings: HikvisionSettings, contact: Contact, clock: Clock
) -> tuple[Wall, timedelta]:
    """What it shows, and its clock minus ours as told to `contact`, who is warned of a zone that is none of ours."""
    asked = clock.now()
    wall = await isapi.time()
    ours = asked + (clock.now() - asked) / 2
    by_zone = min((_in(zone, wall.local, fold) - ours for fold in (0, 1)), key=abs)
    believed = wall.offset if settings.times == "offset" else None
    offset = by_zone if believed is None else wall.local.replace(tzinfo=UTC) - believed + HALF_A_SECOND - ours
    contact.clock(offset)
    contact.alive()
    here = ours.astimezone(zone).utcoffset()
    if believed is None or here is None or believed == here:
        contact.settled(ZONE)
    else:
        contact.warn(ZONE, _wrong_zone(believed, here, zone.key, shows_ours=abs(by_zone) < RIGHT))
    return wall, offset


async def mind_clock(isapi: Isapi, zone: ZoneInfo, settings: HikvisionSettings, contact: Contact, clock: Clock) -> Wall:
    """Measure it, and set it where that is wanted; what it shows then. Nothing of the log is half read meanwhile."""
    wall, offset = await measure_clock(isapi, zone, settings, contact, clock)
    if contact.clock_is_to_be_set(offset):
        here = clock.now().astimezone(zone).utcoffset() or timedelta(0)
        if settings.times == "offset" and wall.offset not in (None, here):
            # Its own zone places its scans: with the time of ours it would show one and mean another.
            why_not = (
                f"its zone is set to {utc(wall.offset or here)}, and {zone.key} is {utc(here)}: set that right first"
            )
        else:
            why_not = await isapi.set_time(lambda: wall_now(clock.now(), zone))
        contact.clock_set(why_not)
        wall, _ = await measure_clock(isapi, zone, settings, contact, clock)
    return wall


def offset_at(since: datetime | None, wall: Wall, zone: ZoneInfo) -> str:
    """How far ahead of UTC the machine is at a wall time, as it is written behind that: `+05:30`; None is now.

    It tells only what it is now, as `wall`, and in summer it may be another. Some compare instants: of what the time
    can mean, this is the earlier, so that nothing is left out. An hour more of the log only comes again.
    """
    here = (wall.local if since is None else since).replace(tzinfo=zone).utcoffset() or timedelta(0)
    if wall.offset is None:
        return _written(here)
    return _written(wall.offset if since is None else max(wall.offset, here))


def _written(ahead: timedelta) -> str:
    return utc(ahead).removeprefix("UTC")


def _in(zone: ZoneInfo, local: datetime, fold: int) -> datetime:
    return local.replace(tzinfo=zone, fold=fold).astimezone(UTC) + HALF_A_SECOND


def _wrong_zone(told: timedelta, here: timedelta, zone: str, *, shows_ours: bool) -> str:
    if shows_ours:
        return (
            f"its zone is set to {utc(told)}, and its clock shows the time of {zone}, {utc(here)}: its scans are placed"
            " wrong. Set the zone in its menu right, or `times` in its config to `wall`"
        )
    return f"its zone is set to {utc(told)}, where {zone} is {utc(here)} now: its scans are placed by its own zone"
