"""Whose a scan is where numbers of badges are bound to machines."""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.application.claims import Held, claims_of
from services.attendance.application.directory import Directory
from services.attendance.application.holders import Assignment, Claim, Holder, PersonDay, Site, Span

ALWAYS = Span()
TENTH, TWENTIETH = date(2024, 1, 10), date(2024, 1, 20)
GATE, DOOR = 1, 2

World = Mapping[int, Sequence[Held]]
"""For each person their badges."""


def claims(world: World) -> dict[int, list[tuple[Claim, Span]]]:
    """What everybody claims."""
    bound: dict[str, list[tuple[int, Span]]] = {}
    for held in world.values():
        for badge, span, machine_id in held:
            if machine_id is not None:
                bound.setdefault(badge, []).append((machine_id, span))
    return {person: claims_of(held, bound) for person, held in world.items()}


def directory(world: World) -> Directory:
    place = Assignment(span=ALWAYS, site_id=1, department=None, unit_path=[], designation=None, level_of_work="Worker")
    people = [
        Holder(person_id=person, code=f"E{person}", name="", assignments=(place,), badges=badges)
        for person, badges in claims(world).items()
    ]
    made = Directory(1, {1: Site(site_id=1, zone="UTC")})
    made.add(people, looked_up=["7", "8"])
    return made


GENERAL = {1: [Held("7", ALWAYS)]}
BOUND = {**GENERAL, 2: [Held("7", ALWAYS, GATE)]}
FOR_A_TIME = {**GENERAL, 2: [Held("7", Span(TENTH, TWENTIETH), GATE)]}
ON_TWO = {**GENERAL, 2: [Held("7", ALWAYS, GATE)], 3: [Held("7", ALWAYS, DOOR)]}
MOVED = {1: [Held("7", Span(None, TENTH), GATE), Held("7", Span(TENTH), DOOR)], 2: [Held("7", Span(TENTH), GATE)]}
ALONE = {2: [Held("7", ALWAYS, GATE)]}
BOTH = {1: [Held("7", ALWAYS), Held("7", Span(TENTH, TWENTIETH), GATE)]}
HANDED_ON = {1: [Held("7", Span(None, TENTH))], 2: [Held("7", Span(TENTH))], 3: [Held("7", Span(TWENTIETH), GATE)]}


@pytest.mark.parametrize(
    ("world", "machine", "day", "whose"),
    [
        (GENERAL, GATE, 15, 1),
        (GENERAL, DOOR, 15, 1),
        (BOUND, GATE, 15, 2),
        (BOUND, DOOR, 15, 1),
        (FOR_A_TIME, GATE, 9, 1),
        (FOR_A_TIME, GATE, 10, 2),
        (FOR_A_TIME, GATE, 19, 2),
        (FOR_A_TIME, GATE, 20, 1),
        (FOR_A_TIME, DOOR, 15, 1),
        (ON_TWO, GATE, 15, 2),
        (ON_TWO, DOOR, 15, 3),
        (ON_TWO, 9, 15, 1),
        (MOVED, GATE, 9, 1),
        (MOVED, DOOR, 9, None),
        (MOVED, GATE, 10, 2),
        (MOVED, DOOR, 10, 1),
        (ALONE, GATE, 15, 2),
        (ALONE, DOOR, 15, None),
        (BOTH, GATE, 9, 1),
        (BOTH, GATE, 15, 1),
        (BOTH, DOOR, 15, 1),
        (HANDED_ON, GATE, 9, 1),
        (HANDED_ON, GATE, 19, 2),
        (HANDED_ON, GATE, 25, 3),
        (HANDED_ON, DOOR, 25, 2),
    ],
)
def test_on_its_machine_a_bound_badge_wins_and_elsewhere_the_general_one_holds(
    world: World, machine: int, day: int, whose: int | None
) -> None:
    people = directory(world)
    noon = int(datetime(2024, 1, day, 12, tzinfo=UTC).timestamp())
    found = people.key_of("7", machine, noon)
    assert found == (None if whose is None else PersonDay(date(2024, 1, day), whose))
    assert people.key_of("8", machine, noon) is None


def test_where_nothing_is_bound_badges_claim_what_they_always_did() -> None:
    held = [Held("7", ALWAYS), Held("8", Span(TENTH, TWENTIETH))]
    assert claims_of(held, {}) == [(Claim("7"), ALWAYS), (Claim("8"), Span(TENTH, TWENTIETH))]


def test_a_general_badge_is_cut_only_where_that_changes_anything() -> None:
    bound = {"7": [(GATE, Span(None, TENTH)), (GATE, Span(TENTH)), (DOOR, Span(date(2025, 1, 1)))]}
    assert claims_of([Held("7", Span(None, TWENTIETH))], bound) == [(Claim("7", None, (GATE,)), Span(None, TWENTIETH))]


DAYS = [date(2024, 1, day) for day in range(1, 13)]
SPANS = st.tuples(st.sampled_from([None, *DAYS]), st.sampled_from([None, *DAYS])).filter(
    lambda edges: edges[0] is None or edges[1] is None or edges[0] < edges[1]
)


@st.composite
def worlds(draw: st.DrawFn) -> World:
    """People with badges of one number, of whom on each machine, or in general, one holds it at a time."""
    world: dict[int, list[Held]] = {}
    for machine in (None, GATE, DOOR):
        taken: set[date] = set()
        for _ in range(draw(st.integers(0, 3))):
            span = Span(*draw(SPANS))
            days = {day for day in [date(2023, 1, 1), *DAYS, date(2025, 1, 1)] if span.covers(day)}
            if days and not days & taken:
                taken |= days
                world.setdefault(draw(st.integers(1, 3)), []).append(Held("7", span, machine))
    return world


@given(worlds())
def test_each_scan_is_claimed_by_at_most_one_and_as_the_rule_says(world: World) -> None:
    everything = claims(world)
    for day in [date(2023, 1, 1), *DAYS, date(2025, 1, 1)]:
        for machine in (GATE, DOOR, 9):
            claimed = [
                person
                for person, its in everything.items()
                for claim, span in its
                if span.covers(day) and claim.takes("7", machine)
            ]
            held = [(p, h.machine_id) for p, its in world.items() for h in its if h.span.covers(day)]
            there = [p for p, where in held if where == machine] or [p for p, where in held if where is None]
            assert claimed == there
