"""Of the 76 spans of the rotating log that are too long, shifts resolve all but 14. These are explained here, each.

The log has no schedule with it: the shifts are those that its scans show, and which of them was worked is inferred.
"""

from datetime import date
from pathlib import Path
from typing import Final

import pytest

from services.attendance.domain.day import Flag
from tests.attendance.domain.test_real_logs import (
    ROTATING,
    are_possible,
    days,
    evidence,
    inferred,
    inferred_days,
    shuffled_and_twice,
    values,
)

pytestmark = [pytest.mark.real_data, pytest.mark.slow]

NO_BEGINNING: Final = (
    "The morning's scan ends the night before, of whose beginning there is no scan; alone it is not enough for a "
    "night, so it stands at the beginning of this night's window."
)
HOURS: Final = 14
"""A night without a beginning: for so long before its end nobody scanned."""

STAY: Final[dict[tuple[str, date], tuple[str | None, str, str, str]]] = {
    ("1101", date(2015, 5, 11)): ("Night", "07:16", "07:19", NO_BEGINNING),
    ("466", date(2015, 5, 8)): ("Night", "05:49", "06:32", NO_BEGINNING),
    ("499", date(2015, 5, 11)): ("Night", "07:00", "07:02", NO_BEGINNING),
    ("499", date(2015, 5, 25)): ("Night", "07:01", "07:22", NO_BEGINNING),
    ("571", date(2015, 5, 31)): ("Night", "06:55", "06:09", NO_BEGINNING),
    ("802", date(2015, 5, 18)): ("Night", "07:01", "06:59", NO_BEGINNING),
    ("117", date(2015, 5, 18)): (
        *("Night", "08:43", "06:54"),
        "A day from 08:43 to 18:54 and one from 06:54 on: 18:54 and 06:54 are nearer to the ends of a night than to "
        "those of either day.",
    ),
    ("1902", date(2015, 5, 11)): (
        *("Night", "04:03", "07:12"),
        "Somebody on guard scans every hour. The night of the 10th begins at 22:11 only, too far from 19:00 to be "
        "sure, so that what of it lies after the day's boundary counts to the 11th, before the next night.",
    ),
    ("466", date(2015, 5, 13)): (
        *(None, "04:19", "19:04"),
        "The night of the 12th might as well be the day from 06:47 to 19:23, so it is not sure, and its end counts to "
        "the 13th; the night that 19:04 begins has no end.",
    ),
    ("466", date(2015, 5, 28)): (
        *("Night", "07:30", "06:59"),
        "06:54 and 19:00 of the 27th are read as a day, which fits as well as the ends of two nights; so 07:30 is left "
        "without the beginning that it had.",
    ),
    ("503", date(2015, 5, 26)): (
        *("Night", "06:43", "06:41"),
        "Scans at both ends of every date make days as well as nights. The night of the 26th is just sure, with 0.5, "
        "and that of the 25th just not, so that its end falls into this window.",
    ),
    ("571", date(2015, 5, 15)): (
        *(None, "05:03", "22:44"),
        "Nights from 22:00 to 05:00, which is no shift of the others: none fits, and 05:03 and 22:44 are the end of "
        "one and the beginning of the next.",
    ),
    ("571", date(2015, 5, 18)): (
        *(None, "04:58", "19:04"),
        "04:58 ends a night from 21:03, which is too far from both ends of the night to be sure; the night that 19:04 "
        "begins has no end.",
    ),
    ("571", date(2015, 5, 20)): (
        *(None, "04:03", "18:56"),
        "04:03 and 05:04 end a night from 20:58, which is too far from both ends of the night to be sure; the night "
        "that 18:56 begins has no end.",
    ),
}


def test_every_long_span_is_resolved_by_a_shift_or_explained(real_data: Path) -> None:
    found = inferred(real_data)
    long = {key for key, day in days(real_data, ROTATING).items() if Flag.LONG_SPAN in day.flags}
    stay = {
        key: (frame.shift and frame.shift.name, frame.clock(day.first_arrival), frame.clock(day.last_departure))
        for key, (day, frame) in found.items()
        if Flag.LONG_SPAN in day.flags and day.first_arrival is not None and day.last_departure is not None
    }
    assert stay == {key: one[:3] for key, one in STAY.items()}
    assert len(long) == 76
    for day, frame in found.values():
        are_possible(day, day.date, (frame.end - frame.start) // 60)


@pytest.mark.parametrize(("badge", "on"), [key for key, one in STAY.items() if one[3] is NO_BEGINNING])
def test_those_nights_have_no_beginning(real_data: Path, badge: str, on: date) -> None:
    scans = values(evidence(real_data, ROTATING))[badge]
    arrival = days(real_data, ROTATING)[badge, on].first_arrival
    assert arrival is not None
    before = [scan.at for scan in scans if scan.at < arrival * 60]
    assert not before or arrival * 60 - max(before) > HOURS * 3600


def test_shifts_are_inferred_alike_in_any_order_and_from_scans_delivered_twice(real_data: Path) -> None:
    scans = values(evidence(real_data, ROTATING))
    assert inferred_days(shuffled_and_twice(scans), ROTATING[1]) == inferred(real_data)
