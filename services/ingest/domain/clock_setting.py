"""When a machine's clock may be set, and to what. Pure."""

from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

RIGHT_ENOUGH = timedelta(seconds=5)
"""A clock that is off by less is left alone: it is not set for the sake of a second."""
AGAIN_AFTER = timedelta(hours=1)
"""Between settings that nobody asked for. Where something else sets it too, we do not take turns; and where setting it
ends the contact, its scans come all the same."""


def comes_twice(now: datetime, zone: ZoneInfo) -> str:
    """Why no clock of this place may be set now: an hour that comes twice; else nothing.

    Which of the two it was told, a machine without a zone cannot know.
    """
    local = now.astimezone(zone).replace(tzinfo=None)
    first, second = (local.replace(tzinfo=zone, fold=fold).utcoffset() for fold in (0, 1))
    return "" if first == second else f"this hour comes twice in {zone.key}: no clock is set before it is over"


def wall_now(now: datetime, zone: ZoneInfo) -> datetime:
    """What a clock there is to show, to the nearest second, without a zone."""
    return (now + timedelta(seconds=0.5)).astimezone(zone).replace(tzinfo=None, microsecond=0)
