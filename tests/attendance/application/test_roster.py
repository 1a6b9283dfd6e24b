"""Changes of people, worked out without a database."""

from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.application.directory import Span
from services.attendance.application.person import ALWAYS, BadgeSpan, Draft, Facts, Known, Place
from services.attendance.application.roster import Roster
from shared.kernel.errors import Conflict, Invalid

TODAY = date(2024, 1, 15)
SEWING = Place(department="Sewing", site_id=1)


def roster(*known: Known, **holders: list[tuple[str, str, BadgeSpan]]) -> Roster:
    return Roster(
        today=TODAY,
        main_site=1,
        sites={"main site": 1, "hill": 2},
        units={1: "Sewing"},
        by_code={person.facts.code: person for person in known},
        holders=dict(holders),
        machines={"door": 1, "gate": 2},
    )


def ahmed(*places: tuple[Span, Place], badges: tuple[tuple[int, BadgeSpan], ...] = ()) -> Known:
    return Known(id=1, n=3, facts=Facts(code="E1", name="Ahmed"), places=places or ((ALWAYS, SEWING),), badges=badges)


def test_a_new_person_belongs_where_they_belong_always():
    change = roster().change(Draft(code="E2", name="Bela", department="Hems"))
    assert (change.id, change.since) == (None, None)
    assert change.places == [(ALWAYS, Place(department="Hems", site_id=1))]


def test_the_second_mention_of_a_new_department_takes_the_spelling_of_the_first():
    book = roster()
    book.change(Draft(code="E2", name="Bela", department="Hems"))
    ((_, place),) = book.change(Draft(code="E3", name="Chitra", department="HEMS")).places
    assert place.department == "Hems"


def test_what_is_as_drafted_already_is_no_change():
    change = roster(ahmed()).change(Draft(code="E1", name="Ahmed", department="sewing", level_of_work="Worker"))
    assert not change.changes


@pytest.mark.parametrize(
    ("places", "since", "changes"),
    [
        ([(ALWAYS, SEWING)], TODAY, False),
        ([(Span(None, TODAY), SEWING)], TODAY, True),
        ([(Span(TODAY + timedelta(days=1), None), SEWING)], TODAY, True),
        ([(Span(date(2024, 1, 1), None), SEWING)], None, True),
        ([(Span(None, date(2024, 1, 1)), Place(site_id=2)), (Span(date(2024, 1, 1), None), SEWING)], TODAY, False),
        ([(Span(None, date(2024, 1, 1)), Place(site_id=2)), (Span(date(2024, 1, 1), None), SEWING)], None, True),
    ],
    ids=["there", "ended", "not yet", "not always", "there now", "elsewhere before"],
)
def test_a_place_is_written_only_where_the_person_is_not_there(
    places: list[tuple[Span, Place]], since: date | None, changes: bool
):
    draft = Draft(code="E1", department="Sewing", site="Main Site")
    assert (roster(ahmed(*places)).change(draft, since).places != ()) == changes


def test_only_another_level_or_site_makes_days_different():
    assert roster(ahmed()).change(Draft(code="E1", level_of_work="Staff")).counts_differently
    assert roster(ahmed()).change(Draft(code="E1", site="HILL")).counts_differently
    assert not roster(ahmed()).change(Draft(code="E1", department="Hems")).counts_differently


def test_a_badge_is_somebodys_from_the_line_that_gives_it_to_them():
    book = roster()
    book.change(Draft(code="E2", name="Bela", badge=BadgeSpan(badge="7")))
    with pytest.raises(Conflict, match=r"badge 7 is Bela's \(E2\)$"):
        book.change(Draft(code="E3", name="Chitra", badge=BadgeSpan(badge="7")))
    late = BadgeSpan(badge="8", span=Span(date(2024, 2, 1), None))
    book.change(Draft(code="E3", name="Chitra", badge=late))
    early = BadgeSpan(badge="8", span=Span(None, date(2024, 2, 1)))
    assert book.change(Draft(code="E4", name="Dipa", badge=early)).adds == [early]


def test_a_person_may_not_have_a_badge_twice_at_a_time():
    twice = [BadgeSpan(badge="7"), BadgeSpan(badge="7", span=Span(TODAY, None))]
    with pytest.raises(Invalid, match="twice"):
        roster(ahmed()).change(Draft(code="E1", badges=twice))


spans = st.builds(
    lambda start, length: Span(
        None if start is None else TODAY + timedelta(days=start),
        None if length is None else TODAY + timedelta(days=(start or 0) + length),
    ),
    st.none() | st.integers(-30, 30),
    st.none() | st.integers(1, 30),
)
drafts = st.builds(
    lambda who, badge, span, machine: Draft(
        code=f"E{who}", name=f"Person {who}", badge=BadgeSpan(badge=badge, span=span, machine=machine)
    ),
    st.integers(1, 4),
    st.sampled_from(["1", "2"]),
    spans,
    st.sampled_from([None, "door", 2]),
)


@given(st.lists(drafts, max_size=12))
def test_whatever_is_asked_for_no_badge_is_two_peoples_on_one_day(wanted: list[Draft]):
    book = roster()
    for draft in wanted:
        try:
            book.change(draft)
        except (Conflict, Invalid):
            continue
    for holders in book.holders.values():
        for day in (TODAY + timedelta(days=n) for n in range(-65, 65)):
            for machine in (None, 1, 2):
                its = {code for code, _, held in holders if held.machine == machine and held.span.covers(day)}
                assert len(its) <= 1
