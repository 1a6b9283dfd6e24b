import pytest

from services.ingest.domain.machine import State, Status, state_for_people
from tests.ingest.fakes import machine


@pytest.mark.parametrize(
    ("status", "reports_by_itself", "shown"),
    [
        (Status.ACTIVE, True, State.LIVE),
        (Status.ERROR, True, State.LIVE),
        (Status.INACTIVE, True, State.NOT_WANTED),
        (Status.MAINTENANCE, True, State.NOT_WANTED),
        (Status.ACTIVE, False, State.IMPORTED_ONLY),
        (Status.INACTIVE, False, State.IMPORTED_ONLY),
    ],
)
def test_the_state_of_contact_is_shown_where_there_can_be_contact(
    status: Status, reports_by_itself: bool, shown: State
) -> None:
    given = machine(status=status, state=State.LIVE)
    assert state_for_people(given, reports_by_itself=reports_by_itself, goes_out=True) is shown


@pytest.mark.parametrize(
    ("state", "goes_out", "shown"),
    [
        (State.CONNECTING, True, State.CONNECTING),
        (State.CONNECTING, False, State.WAITING_FOR_A_CALL),
        (State.LIVE, False, State.LIVE),
        (State.AWAY, False, State.AWAY),
    ],
)
def test_nobody_connects_to_one_that_calls(state: State, goes_out: bool, shown: State) -> None:
    assert state_for_people(machine(state=state), reports_by_itself=True, goes_out=goes_out) is shown
