"""Why a day is what it is."""

import json
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.attendance.domain.accounts import Part
from services.attendance.domain.day import work_day
from services.attendance.domain.explain import Explanation, explain
from services.attendance.domain.frame import Frame
from services.attendance.domain.settings import Resolver, settings_from
from services.attendance.domain.shift import Shift
from services.attendance.domain.state import closure
from services.attendance.domain.terms import Leave, LeavePart, Level
from services.attendance.domain.window import frame_of
from tests.attendance.domain.build import FRIDAY, MONDAY, ZONE, a_shift, frame, scan
from tests.attendance.domain.test_day_properties import any_frames, facts, scans_in


def explained(*texts: str, on: date = MONDAY, **settings_: object) -> Explanation:
    return explain([scan(text, on) for text in texts], frame(on, **settings_))


def parts(explanation: Explanation) -> list[str]:
    return [f"{account.time} {account.part}" for account in explanation.accounts]


def why(explanation: Explanation, figure: str) -> str:
    [found] = [one.why for one in explanation.figures if one.name == figure]
    return found


def test_an_explanation_reads_as_a_page_of_sentences() -> None:
    result = explained("08:10:05", "08:10:30", "12:00 OUT", "20:00:59", "21:00 future")
    assert result.sentences == (
        "The working day of 2024-01-15 in Asia/Dhaka has the scans after 04:00 of that date up to 04:00 of the next "
        "(day_boundary).",
        "Scans: 5, of which 3 used, 1 merged and 1 quarantined.",
        "08:10:05 UNKNOWN: the first scan of the day is the arrival.",
        "08:10:30 UNKNOWN: 25 s after 08:10:05, so it is the same scan once more.",
        "12:00:00 OUT: between the first and the last, so it changes nothing.",
        "20:00:59 UNKNOWN: the last scan of the day is the departure.",
        "21:00:00 UNKNOWN: its time lay in the future when it arrived, so it is not counted.",
        "status Present-Late: the arrival at 08:10 is after late entry, 08:05 "
        "(safe_entry_time 08:00, late_entry_time 08:05, weekend_days 5).",
        "late_minutes 10: counted from safe entry, 08:00 (safe_entry_time 08:00, late_entry_time 08:05).",
        "working_hours 10.83: from 08:10 to 20:00, 11 h 50 min less 1 h 00 min in the lunch window 13:00–14:00 "
        "(lunch_start 13:00, lunch_break_duration 1.0, resolver first_last).",
        "overtime 2.0: time worked from 17:00 to 19:00 (overtime_start_time 17:00, extra_overtime_start_time 19:00, "
        "auto_calculate_overtime on, rest_day_overtime off).",
        "extra_overtime 1.0: time worked after 19:00 "
        "(extra_overtime_start_time 19:00, auto_calculate_extra_overtime on).",
        "snacks_eligible yes: 1.0 h of extra overtime, and 1.0 h are needed (snacks_eligibility_hours 1.0).",
        "night_bill_eligible no: 1.0 h of extra overtime, and 5.0 h are needed (night_bill_eligibility_hours 5.0).",
        "early_departure_minutes 0: the departure at 20:00 against safe exit, 17:00 (safe_exit_time 17:00).",
        "shortfall_minutes 10: 8 h 00 min are expected, 7 h 50 min were worked without overtime "
        "(standard_working_hours 8.0).",
        "These settings hold without a date of beginning.",
    )


NIGHT = a_shift(
    "22:00-06:00", name="Night", grace_in_minutes=5, breaks=[{"kind": "deducted", "minutes": 30, "after_hours": 6}]
)


def test_an_explanation_says_the_shift_and_the_window() -> None:
    window = frame(shift=NIGHT, total_rounding="down", overtime_by="day", overtime_block_minutes=30)
    result = explain([scan("22:07"), scan("+1 07:20"), scan("+1 07:20:30")], window)
    assert result.sentences == (
        "The working day of 2024-01-15 in Asia/Dhaka has the shift Night (22:00–06:00) and the scans from 10:01 to "
        "10:00 of 2024-01-16 (allowed_early_minutes 120, allowed_late_minutes 240, and the shifts around it).",
        "Scans: 3, of which 2 used, 1 merged and 0 quarantined.",
        "22:07:00 UNKNOWN: the first scan of the day is the arrival.",
        "07:20:00 (next day) UNKNOWN: the last scan of the day is the departure.",
        "07:20:30 (next day) UNKNOWN: 30 s after 07:20:00 (next day), so it is the same scan once more.",
        "status Present-Late: the arrival at 22:07 is after late entry, 22:05 "
        "(shift Night (22:00–06:00), grace_in_minutes 5, late_after_minutes 5).",
        "late_minutes 2: counted from safe entry, 22:05 "
        "(shift Night (22:00–06:00), grace_in_minutes 5, late_after_minutes 5).",
        "working_hours 8.5: from 22:07 to 07:20, 9 h 13 min, less 30 min as more than 6 h 00 min were worked, "
        "rounded down to the 15 min (shift Night (22:00–06:00), resolver first_last, total_rounding down, "
        "total_rounding_minutes 15).",
        "raw_working_hours 8.72: the same before any rounding (shift Night (22:00–06:00)).",
        "overtime 1.0: time worked above 7 h 30 min a day (shift Night (22:00–06:00), overtime_by day, "
        "overtime_after_hours none, extra_overtime_after_hours none, auto_calculate_overtime on, "
        "rest_day_overtime off, overtime_block_minutes 30).",
        "extra_overtime 0.0: there is no second tier (shift Night (22:00–06:00), extra_overtime_after_hours none, "
        "auto_calculate_extra_overtime on).",
        "snacks_eligible no: 0.0 h of extra overtime, and 1.0 h are needed "
        "(shift Night (22:00–06:00), snacks_eligibility_hours 1.0).",
        "night_bill_eligible no: 0.0 h of extra overtime, and 5.0 h are needed "
        "(shift Night (22:00–06:00), night_bill_eligibility_hours 5.0).",
        "early_departure_minutes 0: the departure at 07:20 against safe exit, 06:00 "
        "(shift Night (22:00–06:00), grace_out_minutes 0).",
        "shortfall_minutes 0: 7 h 30 min are expected, 7 h 30 min were worked without overtime "
        "(shift Night (22:00–06:00), expected_hours 7.5).",
        "These settings hold without a date of beginning.",
    )


@pytest.mark.parametrize(
    ("shift", "texts", "rules", "figure", "expected"),
    [
        (None, ["10:00", "15:00"], {}, "status", "the schedule has no shift on this date, so nobody is late"),
        (None, [], {}, "status", "there is no scan that counts, and the schedule has no shift on this date"),
        (
            NIGHT,
            ["22:00", "23:00"],
            {"absent_below_hours": 2},
            "status",
            "1 h 00 min were worked, and less than 2 h 00 min",
        ),
        (NIGHT, ["+1 05:00"], {}, "status", "somebody left, but no arrival is known"),
        (a_shift("06:00-22:00", flexible=True), ["11:00", "15:00"], {}, "status", "whoever comes is in time"),
        (
            a_shift("06:00-22:00", flexible=True),
            ["11:00", "15:00"],
            {},
            "early_departure_minutes",
            "nobody leaves early",
        ),
        ("none", ["08:00", "17:10"], {"overtime_tolerance_minutes": 15}, "overtime", "10 min are within the tolerance"),
        (
            "none",
            ["08:00", "21:00"],
            {"overtime_cap_hours": 3, "overtime_block_minutes": 30},
            "overtime",
            "; of 4 h 00 min with extra overtime in whole blocks of 30 min and at most 3 h 00 min a day count",
        ),
        ("none", ["08:00", "21:00"], {"overtime_by": "none"}, "overtime", "there is no overtime by the settings"),
        (
            "none",
            ["08:00", "21:00"],
            {"overtime_by": "week", "overtime_week_hours": 40},
            "overtime",
            "overtime goes by the week",
        ),
        (
            "none",
            ["08:00", "16:55"],
            {"shortfall_tolerance_minutes": 5},
            "shortfall_minutes",
            "up to 5 min are tolerated",
        ),
        (
            "none",
            ["08:00", "12:00"],
            {"shortfall_counts": False},
            "shortfall_minutes",
            "what is missing is not counted",
        ),
        ("none", ["08:00", "18:00"], {"overtime_needs_approval": True}, "overtime_unapproved", "waits for somebody"),
        (
            "none",
            ["08:07", "17:00"],
            {"arrival_rounding": "up", "early_arrival_counts": False},
            "working_hours",
            "from 08:15 to 17:00, 8 h 45 min (the arrival rounded up to the 15 min) less 1 h 00 min in the",
        ),
        (
            a_shift("08:00-12:00", "16:00-20:00"),
            ["08:00", "20:00"],
            {},
            "working_hours",
            "12 h 00 min less 4 h 00 min in the breaks 12:00–16:00",
        ),
        (
            a_shift(
                "08:00-17:00",
                breaks=[
                    {"kind": "fixed", "start": "10:00", "end": "10:15", "paid": True},
                    {"kind": "punched", "at_least_minutes": 30},
                ],
            ),
            ["08:00", "10:00", "10:30", "17:00"],
            {"resolver": "alternate"},
            "working_hours",
            ", with 15 min away in a paid break, less 15 min of break (at least 30 min, scanned out or not)",
        ),
    ],
)
def test_what_shifts_and_rules_do_is_said(
    shift: Shift | str | None, texts: list[str], rules: dict[str, object], figure: str, expected: str
) -> None:
    result = explain([scan(text) for text in texts], frame(shift=shift, **rules))  # type: ignore[arg-type]
    assert expected in why(result, figure)


@pytest.mark.parametrize(
    ("shift", "texts", "rules", "expected"),
    [
        (NIGHT, ["+1 10:00"], {}, "somebody left and was not seen to come"),
        (NIGHT, ["19:00", "+1 06:00"], {}, "further from the shift than is allowed, 20:00 to 10:00; they count"),
        (None, ["19:00", "20:00"], {}, "there are scans on a date that the schedule leaves off"),
        (NIGHT, ["22:00", "23:00"], {"half_day_below_hours": 4}, "less than 4 h 00 min are no whole day"),
        (NIGHT, ["22:00", "23:00"], {"absent_below_hours": 4}, "less than 4 h 00 min count as absent"),
    ],
)
def test_flags_of_shifts_are_said(
    shift: Shift | None, texts: list[str], rules: dict[str, object], expected: str
) -> None:
    result = explain([scan(text) for text in texts], frame(shift=shift, **rules))  # type: ignore[arg-type]
    assert any(expected in why for _, why in result.flags)


def test_a_single_departure_says_why_it_is_one() -> None:
    [account] = explain([scan("+1 05:00")], frame(shift=NIGHT)).accounts
    assert account.part is Part.DEPARTURE
    assert account.why == "the only scan lies in the last quarter of the shift or after it, so it is the departure"


@pytest.mark.parametrize(
    ("resolver", "texts", "expected"),
    [
        pytest.param(
            "first_last", ["08:00", "12:00", "17:00"], ["arrival", "between", "departure"], id="first and last"
        ),
        pytest.param(
            "alternate", ["08:00", "12:00", "13:00", "17:00"], ["arrival", "away", "back", "departure"], id="in turn"
        ),
        pytest.param("by_key", ["08:00 IN", "09:00 IN", "17:00 OUT"], ["arrival", "again", "departure"], id="in twice"),
        pytest.param(
            "by_key",
            ["08:00 IN", "12:00 OUT", "13:00 OUT", "17:00 OUT"],
            ["arrival", "away", "again", "departure"],
            id="out three times",
        ),
        pytest.param("by_key", ["17:00 OUT"], ["departure"], id="only out"),
        pytest.param(
            "by_machine",
            ["08:00 entry", "08:00:30 entry", "08:00:50 exit"],
            ["arrival", "merged", "departure"],
            id="entry twice and straight out",
        ),
        pytest.param("first_last", ["08:00 future", "09:00"], ["quarantined", "arrival"], id="one of them impossible"),
    ],
)
def test_every_scan_has_its_part(resolver: str, texts: list[str], expected: list[str]) -> None:
    assert [str(account.part) for account in explained(*texts, resolver=resolver).accounts] == expected


def test_a_merged_scan_names_the_one_it_was_merged_into() -> None:
    kept, merged, *_ = explained("08:00:00", "08:00:59", "17:00").accounts
    assert (merged.part, merged.merged_into) == (Part.MERGED, kept.scan.id)
    assert kept.merged_into is None


def test_times_past_midnight_say_so() -> None:
    assert parts(explained("20:00", "+1 02:00:10")) == ["20:00:00 arrival", "02:00:10 (next day) departure"]


def test_a_direction_says_where_it_came_from() -> None:
    reasons = [account.why for account in explained("08:00 IN", "12:00", "17:00 OUT", resolver="by_key").accounts]
    assert reasons == [
        "the first to arrive is the arrival (key IN)",
        "left (the key does not say which way, so it takes its turn)",
        "the last to leave is the departure, though nobody saw them come back (key OUT)",
    ]


def test_who_only_leaves_is_not_said_to_have_come() -> None:
    (account,) = explained("17:00 OUT", resolver="by_key").accounts
    assert account.why == "the last to leave is the departure, though no arrival before it is known (key OUT)"


def test_a_day_on_which_clocks_change_says_how_long_it_is() -> None:
    spring = explain([], frame(date(2024, 3, 30), "Europe/Berlin"))
    autumn = explain([], frame(date(2024, 10, 26), "Europe/Berlin"))
    assert spring.window.endswith("Clocks change on this day: it has 23 h 00 min.")
    assert autumn.window.endswith("Clocks change on this day: it has 25 h 00 min.")


@pytest.mark.parametrize(
    ("leave", "holiday", "on", "reason"),
    [
        (None, None, MONDAY, "there is no scan that counts on a working day"),
        (None, None, FRIDAY, "there is no scan that counts, and this weekday belongs to the weekend"),
        (None, "Victory Day", MONDAY, "there is no scan that counts, and it is a holiday, Victory Day"),
        (Leave(type="sick"), None, MONDAY, "there is no scan that counts, and approved sick leave (full day)"),
    ],
)
def test_a_day_without_scans_says_why_it_is_what_it_is(
    leave: Leave | None, holiday: str | None, on: date, reason: str
) -> None:
    assert why(explain([], frame(on), leave=leave, holiday=holiday), "status") == reason


def test_half_a_day_of_leave_says_what_it_moved() -> None:
    morning = explain([scan("13:50")], frame(), leave=Leave(type="sick", part=LeavePart.MORNING))
    assert why(morning, "status").endswith("safe entry, 14:00, moved to the end of lunch by the morning's leave")
    afternoon = explain([scan("08:00"), scan("12:00")], frame(), leave=Leave(type="sick", part=LeavePart.AFTERNOON))
    assert why(afternoon, "early_departure_minutes").endswith("moved to the start of lunch by the afternoon's leave")
    assert "half the standard" in why(afternoon, "shortfall_minutes")


def test_hours_that_are_not_known_say_so() -> None:
    assert why(explained("08:00"), "working_hours") == "the departure is not known, and hours are never guessed"
    only_out = explained("17:00 OUT", resolver="by_key")
    assert why(only_out, "working_hours") == "the arrival is not known, and hours are never guessed"
    assert why(explained(), "working_hours") == "there is no scan that counts"
    left_open = explained("08:00", "12:00", "13:00", resolver="alternate")
    assert "what followed the last arrival is not counted" in why(left_open, "working_hours")


def test_overtime_that_is_0_by_a_rule_says_by_which() -> None:
    assert why(explain([], frame(), level=Level.STAFF), "overtime") == "staff have no overtime"
    by_hand = explained("08:00", "21:00", auto_calculate_overtime=False)
    assert why(by_hand, "overtime") == "it is not calculated but entered by a person"
    rest = explained("08:00", "12:00", on=FRIDAY, rest_day_overtime=True)
    assert why(rest, "overtime") == "all work on a day of rest counts, up to extra overtime from 19:00"


def test_every_flag_has_a_reason() -> None:
    result = explain([scan("05:00", FRIDAY), scan("23:00", FRIDAY)], frame(FRIDAY), holiday="Victory Day")
    assert result.flags == (
        ("long_span", "18 h 00 min from arrival to departure are above 14 h 00 min (long_span_hours)"),
        ("worked_on_weekend", "there are scans on a weekend day (weekend_days)"),
        ("worked_on_holiday", "there are scans on a holiday, Victory Day"),
    )


def test_an_explanation_says_since_when_the_settings_hold_and_what_the_day_waits_for() -> None:
    end = frame().ends_at
    hour = timedelta(hours=1)

    def notes(now_after_end: timedelta, **machines: timedelta | None) -> str:
        reported = {name: None if ahead is None else end + ahead for name, ahead in machines.items()}
        closed = closure(end, end + now_after_end, reported)
        return explain([], frame(), settings_since=date(2024, 1, 1), closed=closed).notes[-1]

    assert explain([], frame(), settings_since=date(2024, 1, 1)).notes == ("These settings hold since 2024-01-01.",)
    assert notes(-hour, gate=-hour) == "The day is not over yet."
    assert notes(hour, gate=hour) == "The day is final."
    assert notes(hour, gate=-hour, yard=None) == (
        "The day is over and becomes final when the machines gate, yard have reported past it, or at "
        "2024-01-16T22:01:00+00:00."
    )
    assert notes(hour) == "The day is over and becomes final at 2024-01-16T22:01:00+00:00."


def test_an_explanation_is_data_too() -> None:
    data = json.loads(json.dumps(explained("08:00:00", "08:00:30", "17:30").as_data()))
    assert data["date"] == "2024-01-15"
    assert data["window"]["start"] == "2024-01-14T22:01:00+00:00"
    assert [one["part"] for one in data["scans"]] == ["arrival", "merged", "departure"]
    assert data["scans"][1]["merged_into"] == data["scans"][0]["id"]
    figures = {one["name"]: one["value"] for one in data["figures"]}
    assert (figures["status"], figures["working_hours"], figures["overtime"]) == ("Present-OnTime", 8.5, 0.5)
    [working] = [one for one in data["figures"] if one["name"] == "working_hours"]
    assert working["settings"]["lunch_break_duration"] == 1.0


@settings(deadline=None)
@given(st.data(), any_frames, facts)
def test_every_day_can_be_explained_and_the_explanation_is_the_day(
    data: st.DataObject, window: Frame, fact: dict[str, object]
) -> None:
    scans = data.draw(scans_in(window))
    result = explain(scans, window, **fact)  # type: ignore[arg-type]
    assert result.day == work_day(scans, window, **fact)  # type: ignore[arg-type]
    assert [account.scan for account in result.accounts] == sorted(scans)
    json.dumps(result.as_data())


@pytest.mark.parametrize("resolver", Resolver)
def test_the_accounts_of_kept_scans_agree_with_the_marks(resolver: Resolver) -> None:
    scans = [scan(text) for text in ("08:00 IN entry", "09:00 IN entry", "12:00 OUT exit", "12:30", "17:00 OUT exit")]
    window = frame_of(MONDAY, ZONE, settings_from({"resolver": resolver}))
    result = explain(scans, window)
    kept = [account for account in result.accounts if account.part not in {Part.MERGED, Part.QUARANTINED}]
    assert [account.scan.id for account in kept] == list(result.day.used)
    arrivals = {Part.ARRIVAL, Part.BACK}
    departures = {Part.DEPARTURE, Part.AWAY}
    for account, mark in zip(kept, result.day.marks, strict=True):
        assert mark.type.arrives or account.part not in arrivals
        assert mark.type.leaves or account.part not in departures
