"""What the tests of other systems expect of entries by hand, of closed days, and of what is refused.

As in `test_expected_cases`, the cases lie outside the repository.
"""

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from services.attendance.api.people_bodies import span_of
from services.attendance.application.computing import DayRow, compute, row_of
from services.attendance.application.directory import Assignment, Holder, Span
from services.attendance.domain.corrections import Correction, Duty, correct, evidence_of
from services.attendance.domain.edits import Edit, plan
from services.attendance.domain.locks import adjusted, essential
from services.attendance.domain.scans import ScanType, scan_at
from services.attendance.domain.terms import Level
from shared.kernel.errors import Invalid
from shared.web.problems import STATUS
from tests.attendance.domain.build import a_shift
from tests.attendance.domain.expected_case import Case, D, frame, instant, of, shift, window

pytestmark = pytest.mark.real_data


@of("E060")
def test_a_presence_that_was_entered_by_hand_wins_and_the_scans_in_it_do_not_count(case: Case) -> None:
    day_frame, scans = frame(**shift("08:00", "12:00")), case.scans()
    entered = datetime(2024, 1, 18, tzinfo=UTC)
    by_hand = Correction(
        id=1,
        said=Duty(scans[0].at, scans[-1].at),
        reason="entered by hand",
        asked_by="hr",
        asked_at=entered,
        decided_by="hr",
        decided_at=entered,
    )
    day = correct(scans, day_frame, [by_hand]).day
    assert day.status.startswith(case.settings["manual"])
    assert len(evidence_of(scans, day_frame, [by_hand]).left_out) == case.expected["punches_skipped"]
    assert any(scan.id in day.used for scan in scans) is case.expected["auto_record"]


@of("E038")
def test_a_new_shift_takes_a_scan_along_unless_its_month_is_closed(case: Case) -> None:
    holder, place = Holder(person_id=1, code="E1", name="", assignments=(), badges=()), _at_the_site()
    scans = [scan_at(instant(case.punches[0][:5]), UUID(int=1))]
    before, after = (
        row_of(compute(scans, holder, window(a_shift(case.settings[name])), place))
        for name in ("default_shift", "new_assignment")
    )
    # A day of an open month is computed anew. "Attendance already marked" there is a locked month here: its day keeps
    # the figures of the old shift, and what the new one makes of it is an adjustment.
    assert [_plain(after), _plain(before)] == case.expected["shift"]
    adjustment = adjusted(D, before._asdict(), after._asdict(), (), locked={D.replace(day=1)}, reason="a new shift")
    assert adjustment is not None
    assert (adjustment.before, adjustment.after) == (essential(before._asdict()), essential(after._asdict()))
    assert adjustment.before != adjustment.after


def _plain(row: DayRow) -> str:
    assert row.shift is not None
    return row.shift.replace("–", "-")


def _at_the_site() -> Assignment:
    return Assignment(
        span=Span(), site_id=1, department=None, unit_path=[], designation=None, level_of_work=Level.WORKER
    )


@of("E172")
def test_nobody_can_enter_a_departure_before_the_arrival(case: Case) -> None:
    at = datetime.strptime(case.punches[0], "%Y-%m-%d %H:%M OUT").replace(tzinfo=UTC)
    scans = [scan_at(at + timedelta(hours=1), UUID(int=1), ScanType.IN)]
    with pytest.raises(Invalid, match="would end at 09:20, before it begins at 10:20"):
        plan(Edit(last=int(at.timestamp())), scans, frame(at.date(), resolver="by_key"), (), Level.WORKER)
    assert case.expected["error"] == "out must be later than in"


@of("E184")
def test_a_period_that_ends_before_it_begins_is_refused(case: Case) -> None:
    first, last = map(date.fromisoformat, case.settings["period"])
    with pytest.raises(Invalid, match="is not after") as refused:
        span_of(first, last)
    assert STATUS[type(refused.value)] == case.expected["http"]
