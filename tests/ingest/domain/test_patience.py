from datetime import timedelta
from itertools import accumulate

import pytest

from services.ingest.domain.patience import Failures, Patience

PATIENCE = Patience(
    shortest=timedelta(seconds=1),
    longest=timedelta(seconds=60),
    lasting=timedelta(minutes=5),
    longest_lasting=timedelta(minutes=30),
)


def failures(kinds: str) -> Failures:
    """`.` nobody answers, `!` a trouble that only a person can end."""
    *_, last = accumulate(kinds, lambda so_far, kind: so_far.after(lasting=kind == "!"), initial=Failures())
    return last


@pytest.mark.parametrize(
    ("kinds", "seconds"),
    [
        (".", 1),
        ("..", 2),
        ("...", 4),
        ("......", 32),
        ("." * 7, 60),
        ("." * 10, 60),
        ("." * 1000, 60),
        ("!", 5 * 60),
        ("!!", 10 * 60),
        ("!!!", 20 * 60),
        ("!!!!", 30 * 60),
        ("!" * 1000, 30 * 60),
        ("....!", 5 * 60),
        ("!!.", 4),
        ("!!.!", 20 * 60),
    ],
)
def test_the_pause_doubles_up_to_the_longest_of_its_kind(kinds: str, seconds: int) -> None:
    assert PATIENCE.pause(failures(kinds), chance=0.5) == timedelta(seconds=seconds)


@pytest.mark.parametrize(("kinds", "waiting"), [("", False), (".", False), ("!", True), ("!.", False), (".!", True)])
def test_a_person_is_waited_for_while_the_last_trouble_was_one_that_only_a_person_can_end(
    kinds: str, waiting: bool
) -> None:
    assert failures(kinds).waiting_for_a_person is waiting


@pytest.mark.parametrize(("kinds", "least", "most"), [("...", 2, 6), ("!", 150, 450)])
def test_machines_that_went_away_together_come_back_apart(kinds: str, least: float, most: float) -> None:
    pauses = [PATIENCE.pause(failures(kinds), chance=chance / 10).total_seconds() for chance in range(11)]
    assert (min(pauses), max(pauses), len(set(pauses))) == (least, most, 11)


def test_machines_that_are_asked_regularly_do_not_keep_step() -> None:
    pauses = [PATIENCE.spread(timedelta(seconds=30), chance=chance / 10).total_seconds() for chance in range(11)]
    assert (min(pauses), max(pauses), len(set(pauses))) == (27, 33, 11)
