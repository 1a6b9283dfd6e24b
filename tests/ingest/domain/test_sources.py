from datetime import UTC, datetime, timedelta

import pytest

from services.ingest.domain.sources import CLONED, IN_TURN_WITHIN, MOVED, Sources

NOON = datetime(2026, 1, 5, 12, tzinfo=UTC)


def noted(addresses: str, *, every: timedelta = timedelta(seconds=10)) -> list[str | None]:
    """The matters that come up as a machine calls from these addresses, one letter each."""
    sources = Sources()
    news = [sources.note(address, NOON + every * number) for number, address in enumerate(addresses)]
    return [said[0] if said else None for said in news]


@pytest.mark.parametrize(
    ("addresses", "last"),
    [("A", None), ("AAAA", None), ("AB", MOVED), ("ABB", None), ("ABA", CLONED), ("AABBA", CLONED), ("ABC", MOVED)],
)
def test_another_address_is_a_move_and_two_in_turn_are_a_clone(addresses: str, last: str | None) -> None:
    assert noted(addresses)[-1] == last


def test_an_address_that_comes_back_much_later_is_no_clone() -> None:
    assert noted("ABA", every=IN_TURN_WITHIN + timedelta(seconds=1)) == [None, None, None]


def test_both_addresses_are_named() -> None:
    sources = Sources()
    for address in ("10.0.0.7", "10.0.0.9"):
        sources.note(address, NOON)
    news = sources.note("10.0.0.7", NOON)
    assert news is not None
    assert "10.0.0.7 and 10.0.0.9 in turn" in news[1]


def test_it_is_settled_once_all_calls_come_from_one_address_for_a_while() -> None:
    sources = Sources()
    sources.note("A", NOON)
    sources.note("B", NOON)
    assert not sources.settled(NOON + timedelta(minutes=1))
    later = NOON + IN_TURN_WITHIN + timedelta(seconds=1)
    sources.note("B", later)
    assert sources.settled(later)
