from datetime import timedelta

import pytest

from services.ingest.domain.clocks import clock_warning


@pytest.mark.parametrize(
    ("seconds", "sentence"),
    [
        (0, None),
        (60, None),
        (-60, None),
        (61, "its clock is 61 s ahead"),
        (-61, "its clock is 61 s behind"),
        (312.4, "its clock is 5 minutes ahead"),
        (600, "its clock is 10 minutes ahead"),
        (-3_600, "its clock is 60 minutes behind: is its zone right?"),
        (36_030, "its clock is 10 hours ahead: is its zone right?"),
        (-19_790, "its clock is 5 hours behind: is its zone right?"),
        (37_000, "its clock is 10 hours ahead"),
        (20 * 3_600, "its clock is 20 hours ahead"),
        (366 * 86_400, "its clock is 366 days ahead"),
        (-9_460 * 86_400, "its clock is 9,460 days behind"),
    ],
)
def test_a_clock_that_is_more_than_a_minute_wrong_is_worth_a_sentence(seconds: float, sentence: str | None) -> None:
    assert clock_warning(timedelta(seconds=seconds), warned=False) == sentence


@pytest.mark.parametrize(("seconds", "warned"), [(62, True), (55, True), (51, True), (50, False), (-55, True)])
def test_a_clock_at_the_edge_is_not_now_wrong_and_now_well(seconds: int, warned: bool) -> None:
    assert (clock_warning(timedelta(seconds=seconds), warned=True) is not None) is warned
