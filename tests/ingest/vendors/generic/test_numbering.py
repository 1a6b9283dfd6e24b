"""What is told of the gaps in the numbers of a machine's records."""

import pytest

from services.ingest.application.drivers import MISSING
from services.ingest.vendors.generic.numbering import Numbering
from services.ingest.vendors.generic.sequence import Position
from services.ingest.vendors.generic.settings import Sequence
from tests.ingest.fakes import FakeContact

ONE = {MISSING: "its record 2 has not come"}
TWO = {MISSING: "2 of its records have not come, the first is 2, the last 4"}


@pytest.mark.parametrize(
    ("request_", "happens", "told"),
    [
        ("RESEND {from}-{to}", [1, 3], {}),
        (None, [1, 3], ONE),
        ("RESEND {from}-{to}", [1, 3, "look"], {}),
        ("RESEND {from}-{to}", [1, 3, "look", "look"], ONE),
        ("RESEND {from}-{to}", [1, 3, "look", 2, 5, "look"], {}),
        ("RESEND {from}-{to}", [1, 3, "look", "look", 5], TWO),
        ("RESEND {from}-{to}", [1, 3, "look", "look", 2], {}),
        ("RESEND {from}-{to}", [1, 3, "look", "look", 2, 5, "look"], {}),
    ],
)
def test_a_gap_is_told_once_asking_for_it_was_no_use(
    request_: str | None, happens: list[int | str], told: dict[str, str]
) -> None:
    contact = FakeContact()
    numbering = Numbering(Sequence(request=request_), Position(0), contact)
    for each in happens:
        if isinstance(each, int):
            numbering.take(each)
        else:
            numbering.look()
    assert contact.warnings == told


def test_what_was_missing_in_an_earlier_contact_is_told_at_once() -> None:
    contact = FakeContact()
    Numbering(Sequence(request="RESEND {from}-{to}"), Position(3, ((2, 2),)), contact)
    assert contact.warnings == ONE
