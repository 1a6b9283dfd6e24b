from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.ingest.vendors.files.cells import NotReadable
from services.ingest.vendors.files.dates import Order, together, written
from services.ingest.vendors.files.said_dates import Ordered, Pattern, said
from shared.kernel.errors import Malformed

DAY, MONTH, YEAR = Order.DAY_FIRST, Order.MONTH_FIRST, Order.YEAR_FIRST


@pytest.mark.parametrize(
    ("text", "read", "time"),
    [
        ("2026-10-05 08:01:22", (2026, 10, 5), (8, 1, 22)),
        ("2026/10/5 8:01", (2026, 10, 5), (8, 1, 0)),
        ("2026.10.05T20:01:22.123", (2026, 10, 5), (20, 1, 22)),
        ("5-Oct-2026 8:01:22 PM", (2026, 10, 5), (20, 1, 22)),
        ("05 October 2026, 12:01 a.m.", (2026, 10, 5), (0, 1, 0)),
        ("Oct 5, 2026 12:01 pm", (2026, 10, 5), (12, 1, 0)),
        ("Mon, 05 Oct 2026 08.01.22", (2026, 10, 5), (8, 1, 22)),
        ("2026-10-05 Monday 08:01", (2026, 10, 5), (8, 1, 0)),
        ("20261005 080122", (2026, 10, 5), (8, 1, 22)),
        ("20261005080122", (2026, 10, 5), (8, 1, 22)),
        ("2026年10月5日 08:01", (2026, 10, 5), (8, 1, 0)),
        ("01/01/2026 08:01", (2026, 1, 1), (8, 1, 0)),
        ("2026-10-05", (2026, 10, 5), None),
        ("10/10/2026", (2026, 10, 10), None),
    ],
)
def test_what_everybody_reads_alike_needs_no_order(text: str, read: tuple[int, ...], time: tuple[int, ...]) -> None:
    found = written(text)
    assert found.certain
    assert (found.date(None), found.time) == (read, time)


@pytest.mark.parametrize(
    ("text", "orders"),
    [
        ("01/02/2026", {DAY, MONTH}),
        ("1.2.2026 08:00", {DAY, MONTH}),
        ("13/02/2026", {DAY}),
        ("02-13-2026", {MONTH}),
        ("01/02/26", {DAY, MONTH, YEAR}),
        ("31/01/26", {DAY, YEAR}),
        ("26/13/01", set()),
        ("1/2/26", {DAY, MONTH}),
    ],
)
def test_other_dates_tell_in_which_orders_they_can_be_read(text: str, orders: set[Order]) -> None:
    try:
        found = written(text)
    except NotReadable:
        assert not orders
    else:
        assert set(found.dates) == orders
        assert not found.certain


@pytest.mark.parametrize(
    "text",
    [
        "garbage", "2026-02-30 08:00", "08:61", "20261305",
        "24:00", "2026-10-05 13:00 pm", "2026-10-05 8", "1971--10--29 -23:-23:-27",
        "45123.334", "5-Foo-2026", "2026-10-05 08:01 +99:00", "x" * 100, "32/13/2026", "123/01/2026",
    ],
)  # fmt: skip
def test_what_is_no_date_and_no_time_is_not_read(text: str) -> None:
    with pytest.raises(NotReadable):
        written(text)


@given(at=st.datetimes(min_value=datetime(2000, 1, 1), max_value=datetime(2099, 12, 31)), order=st.sampled_from(Order))
def test_a_date_that_is_written_in_an_order_is_read_in_it(at: datetime, order: Order) -> None:
    at = at.replace(microsecond=0)
    form = {DAY: "%d/%m/%Y", MONTH: "%m/%d/%Y", YEAR: "%Y/%m/%d"}[order]
    found = Ordered(order).written(at.strftime(f"{form} %I:%M:%S %p"))
    assert (found.date(None), found.time) == ((at.year, at.month, at.day), (at.hour, at.minute, at.second))


def test_a_time_that_tells_its_offset_is_told_in_the_wall_time_of_the_machine() -> None:
    zone = ZoneInfo("Asia/Dhaka")
    for text in ("2026-10-05T02:01:22Z", "2026-10-05 08:01:22+06:00", "2026-10-05 07:01:22 +0500"):
        found = written(text)
        assert found.time is not None
        assert together(text, found.date(None), found.time, found.offset, zone) == (
            datetime(2026, 10, 5, 8, 1, 22),
            timedelta(hours=6),
        )


@pytest.mark.parametrize(
    ("words", "order"),
    [
        ("day_first", DAY),
        ("day-first", DAY),
        ("dd/mm/yyyy", DAY),
        ("MM/DD/YYYY", MONTH),
        ("yyyy-mm-dd", YEAR),
        (None, None),
    ],
)
def test_an_order_can_be_said_in_several_ways(words: str | None, order: Order | None) -> None:
    assert said(words, None) is order


@pytest.mark.parametrize("words", ["", "whatever", "%d/%m", "%Y-%m-%d %I:%M", "%Q", "%d.%m.%y %H", "dmm"])
def test_a_form_that_leaves_something_open_is_refused(words: str) -> None:
    with pytest.raises(Malformed) as refused:
        said(words, None)
    assert refused.value.fields.keys() == {"date_format"}


@pytest.mark.parametrize(
    ("pattern", "text", "time"),
    [
        ("%d.%m.%y %H:%M", "05.10.26 08:01", (8, 1, 0)),
        ("%d.%m.%y", "05.10.26 08:01", (8, 1, 0)),
        ("%d %b %Y", "05 Oct 2026 8:01 pm", (20, 1, 0)),
        ("%y%m%d%H%M%S", "261005080122", (8, 1, 22)),
        ("%d.%m.%y", "05.10.26", None),
        ("%d.%m.%y %H:%M", "2026-10-05 08:01", (8, 1, 0)),
    ],
)
def test_a_pattern_reads_a_whole_time_or_its_date(pattern: str, text: str, time: tuple[int, ...] | None) -> None:
    found = Pattern(pattern).written(text)
    assert (date(*found.date(None)), found.time) == (date(2026, 10, 5), time)


def test_what_a_pattern_does_not_fit_is_not_read_in_another_way() -> None:
    with pytest.raises(NotReadable, match=r"is not of the form %d\.%m\.%Y"):
        Pattern("%d.%m.%Y %H:%M").written("05/10/2026 08:01")
