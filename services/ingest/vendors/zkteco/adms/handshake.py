"""The settings that a machine is given when it starts. Pure. Source: PROTOCOLS §2.2."""

from datetime import datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

ALL: Final = "0"
"""As a stamp: send everything again."""
GO_ON: Final = "9999"
"""As a stamp: from where you are."""
DELAY: Final = 10
"""Seconds between two questions whether there is something to do; the machine is alive while they come."""
ERROR_DELAY: Final = 30
VERSION: Final = "2.2.14"
"""Of the protocol. From 2.4 on machines want to encrypt, which needs the vendor's own library."""


def settings(serial: str, *, stamp: str, clock: timedelta | None) -> str:
    """The answer to the handshake. Old firmware knows the second set of stamps.

    `stamp` is the machine's own of what was taken last, or `ALL`. Another one may have it leave out scans: some count
    records by it. `clock` is how far ahead of UTC the machine is to set its own clock, None leaves it alone. A wrong
    one really shifts the clock.
    """
    lines = [
        f"GET OPTION FROM: {serial}",
        f"ATTLOGStamp={stamp}",
        f"OPERLOGStamp={GO_ON}",
        f"ATTPHOTOStamp={GO_ON}",
        f"Stamp={stamp}",
        f"OpStamp={GO_ON}",
        f"PhotoStamp={GO_ON}",
        f"ErrorDelay={ERROR_DELAY}",
        f"Delay={DELAY}",
        "TransTimes=00:00;14:05",
        "TransInterval=1",
        "TransFlag=TransData AttLog\tOpLog",
        "Realtime=1",
        "Encrypt=None",
        f"ServerVer={VERSION}",
        f"PushProtVer={VERSION}",
    ]
    if clock is not None:
        lines.append(f"TimeZone={zone_of(clock)}")
    return "\n".join(lines) + "\n"


def zone_of(ahead: timedelta) -> str:
    """As the machine reads it: whole hours as hours, others as minutes."""
    minutes = round(ahead.total_seconds() / 60)
    return str(minutes // 60) if minutes % 60 == 0 else str(minutes)


def ahead_of_utc(zone: str, now: datetime) -> timedelta:
    """How far ahead of UTC the zone is now."""
    return now.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)
