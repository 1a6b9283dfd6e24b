"""Who is in: what the last scan says, by each resolver, and when it is too old to say anything."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.domain.presence import WORDS, How, Seen, Whereabouts, presence
from services.attendance.domain.scans import ScanType
from services.attendance.domain.settings import Resolver
from tests.attendance.domain.build import instant

LONG = timedelta(hours=14)
IN, OUT, UNKNOWN = Whereabouts.IN, Whereabouts.OUT, Whereabouts.UNKNOWN


def seen(marks: str, key: str, *, resolver: str = "first_last", today: bool = True) -> Seen:
    """ "08:00 IN, 12:00 OUT": the used scans as their resolver took them; `key` is what was reported with the last."""
    moments = [mark.split() for mark in marks.split(", ")]
    first, last = moments[0], moments[-1]
    return Seen(
        today=today,
        resolver=Resolver(resolver),
        marks=[ScanType(type_) for _, type_ in moments],
        first_in=instant(first[0]) if ScanType(first[1]).arrives else None,
        at=instant(last[0]),
        type=ScanType(key),
        safe_exit=instant("17:00"),
    )


CASES = {
    "the first scan arrives, whatever the reader reports": ("08:00 IN", "UNKNOWN", "10:00", IN, "08:00", "first_scan"),
    "the first scan with the key for coming": ("08:00 IN", "IN", "10:00", IN, "08:00", "first_scan"),
    "one scan with the key for leaving may mean either": ("08:00 IN", "OUT", "10:00", UNKNOWN, "08:00", "last_scan"),
    "one scan that the day took for a departure": ("16:45 OUT", "OUT", "16:50", OUT, "16:45", "by_key"),
    "leaving by the key": ("08:00 IN, 12:00 OUT", "OUT", "12:10", OUT, "12:00", "by_key"),
    "a break by the key": ("08:00 IN, 12:00 BREAK_IN", "BREAK_IN", "12:10", OUT, "12:00", "by_key"),
    "back by the key after leaving by it": ("08:00 IN, 12:00 OUT, 13:00 OUT", "IN", "14:00", IN, "13:00", "by_key"),
    "a reader that always says IN": ("08:00 IN, 12:00 OUT", "IN", "12:10", UNKNOWN, "12:00", "last_scan"),
    "a reader that says nothing": ("08:00 IN, 12:00 OUT", "UNKNOWN", "12:10", UNKNOWN, "12:00", "last_scan"),
    "after the end of work it is a departure": ("08:00 IN, 17:00 OUT", "IN", "17:10", OUT, "17:00", "safe_exit"),
    "a minute before, nobody knows": ("08:00 IN, 16:59 OUT", "IN", "17:10", UNKNOWN, "16:59", "last_scan"),
    "nobody stays so long": ("08:00 IN", "IN", "22:01", UNKNOWN, "08:00", "long_span"),
    "just so long somebody may": ("08:00 IN", "IN", "22:00", IN, "08:00", "first_scan"),
}


@pytest.mark.parametrize(("marks", "key", "now", "where", "since", "how"), CASES.values(), ids=CASES)
def test_a_day_of_first_and_last_scans(marks: str, key: str, now: str, where: Whereabouts, since: str, how: str):
    assert presence(seen(marks, key), instant(now), LONG) == (where, instant(since), How(how))


def test_what_only_a_correction_says_is_called_so_and_makes_nobody_surer():
    for marks, key, where in (("08:00 IN", "IN", IN), ("08:00 IN, 12:00 OUT", "OUT", OUT)):
        told = seen(marks, key)._replace(manual=True)
        assert presence(told, instant("12:10"), LONG)[::2] == (where, How.CORRECTED)
    unsure = seen("08:00 IN, 12:00 OUT", "UNKNOWN")._replace(manual=True)
    assert presence(unsure, instant("12:10"), LONG)[::2] == (UNKNOWN, How.LAST_SCAN)


@pytest.mark.parametrize("resolver", ["by_key", "by_machine", "alternate"])
@pytest.mark.parametrize(
    ("marks", "where"), [("08:00 IN", IN), ("08:00 IN, 12:00 OUT", OUT), ("08:00 IN, 12:00 OUT, 13:00 BREAK_OUT", IN)]
)
def test_other_resolvers_take_the_last_scan_as_the_day_does(resolver: str, marks: str, where: Whereabouts):
    of_day = seen(marks, "UNKNOWN", resolver=resolver)
    assert presence(of_day, of_day.at + timedelta(minutes=5), LONG) == (where, of_day.at, How(resolver))


@pytest.mark.parametrize(
    ("marks", "key", "now", "where", "how"),
    [
        ("22:00 IN", "IN", "+1 05:00", IN, "first_scan"),  # works nights: the date has changed at 04:00
        ("08:00 IN", "IN", "+1 05:00", OUT, "day_over"),  # forgot to check out
        ("20:00 IN, 23:00 OUT", "IN", "+1 05:00", OUT, "safe_exit"),
        ("08:00 IN, 16:00 OUT", "IN", "+1 05:00", OUT, "day_over"),
        ("08:00 IN, 16:00 OUT", "OUT", "+1 05:00", OUT, "by_key"),
    ],
)
def test_of_the_day_before_only_counts_what_can_still_be_so(
    marks: str, key: str, now: str, where: Whereabouts, how: str
):
    found = presence(seen(marks, key, today=False), instant(now), LONG)
    assert (found.where, found.how) == (where, How(how))


def test_who_was_not_seen_is_out_and_it_says_so():
    assert presence(None, datetime.fromisoformat("2024-01-15T06:00Z"), LONG) == (OUT, None, How.NOT_SEEN)


@given(
    resolver=st.sampled_from(Resolver),
    marks=st.lists(st.sampled_from([t for t in ScanType if t.direction]), min_size=1, max_size=6),
    key=st.sampled_from(ScanType),
    today=st.booleans(),
    minutes=st.integers(0, 3000),
)
def test_a_departure_is_never_made_up_before_the_end_of_work(
    resolver: Resolver, marks: list[ScanType], key: ScanType, today: bool, minutes: int
):
    """Out is only who was not seen, left by key, reader or turn, went after the end of work, or came too long ago."""
    at = instant("16:00")
    last = Seen(today, resolver, marks, instant("08:00"), at, key, instant("17:00"))
    found = presence(last, at + timedelta(minutes=minutes), LONG)
    assert WORDS[found.how]
    if found.where is OUT:
        left = key.leaves if resolver is Resolver.FIRST_LAST else marks[-1].leaves
        assert left or (found.how is How.DAY_OVER and not today)
