from datetime import timedelta

import pytest

from services.ingest.domain.patience import Patience

PATIENCE = Patience(shortest=timedelta(seconds=1), longest=timedelta(seconds=60), lasting=timedelta(minutes=5))


@pytest.mark.parametrize(("failures", "seconds"), [(1, 1), (2, 2), (3, 4), (6, 32), (7, 60), (1000, 60)])
def test_the_pause_doubles_up_to_the_longest(failures: int, seconds: int) -> None:
    assert PATIENCE.pause(failures, lasting=False, chance=0.5) == timedelta(seconds=seconds)


def test_machines_that_went_away_together_come_back_apart() -> None:
    pauses = [PATIENCE.pause(3, lasting=False, chance=chance / 10).total_seconds() for chance in range(11)]
    assert (min(pauses), max(pauses), len(set(pauses))) == (2, 6, 11)


def test_what_only_a_person_can_end_is_not_tried_often() -> None:
    assert PATIENCE.pause(1, lasting=True, chance=0.5) == timedelta(minutes=5)
