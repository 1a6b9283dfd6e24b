"""Which of the cases in `expected_cases.json` need no shift, in which our rule differs, and which wait, and why."""

from typing import Final

_SHIFT_WINDOW: Final = "asks which shift a scan belongs to; shifts and their windows are not built yet"
_ASSIGNMENT: Final = "asks for the dates of a shift's assignment; shifts are not built yet"
_GEOFENCE: Final = "judges the place of a scan; machines here stand where they stand, and scans carry no place"
_QUANTITY: Final = "counts overtime above a quantity of hours a day; here it goes by the clock until tiers are built"
_TOLERANCE: Final = "forgives some minutes of overtime or undertime; tolerances come with shifts"
_ROUNDING: Final = "rounds times or durations to a grid; rounding is not built yet"
_SESSION: Final = "is about marks of a class session, which is another domain"
_INGEST: Final = "is about what cannot be read or names nobody; the driver decides that before there is a scan"
_ROSTER: Final = "asks who is on the list of a date; that is known of the person and not computed from scans"
_HOLIDAY: Final = "asks to whom a holiday applies; a day is told whether it is one"

LEFT_OUT: Final = {
    "E012": _SHIFT_WINDOW,
    "E013": _ASSIGNMENT,
    "E014": _SHIFT_WINDOW,
    "E017": _SHIFT_WINDOW,
    "E018": _SHIFT_WINDOW,
    "E019": _ASSIGNMENT,
    "E021": _ASSIGNMENT,
    "E022": _ASSIGNMENT,
    "E023": _ASSIGNMENT,
    "E024": _ASSIGNMENT,
    "E025": _ASSIGNMENT,
    "E026": _ASSIGNMENT,
    "E028": _ASSIGNMENT,
    "E029": _ASSIGNMENT,
    "E030": _ASSIGNMENT,
    "E031": _ASSIGNMENT,
    "E033": _ASSIGNMENT,
    "E038": "re-assigns stored scans to another shift; shifts are not built yet",
    "E040": _GEOFENCE,
    "E041": _GEOFENCE,
    "E043": _GEOFENCE,
    "E046": "calls a short day half a day; thresholds for that come with shifts",
    "E057": "asks which of two shifts wins; shifts are not built yet",
    "E058": _ROSTER,
    "E059": _ROSTER,
    "E060": "lets a manual entry win; corrections are not built yet",
    "E072": _QUANTITY,
    "E088": _QUANTITY,
    "E089": _TOLERANCE,
    "E090": _TOLERANCE,
    "E091": _TOLERANCE,
    "E093": _TOLERANCE,
    "E095": _TOLERANCE,
    "E097": "caps expected hours by those worked; expected hours come with shifts",
    "E102": _QUANTITY,
    "E104": "balances hours over a week; overtime by week is not built yet",
    "E105": "spans the day boundary without a schedule; flexible shifts are not built yet",
    "E106": "splits one presence of 28 hours over two dates; that takes shifts, here it is two days to review",
    "E109": "counts overtime above hours a day and a week; such tiers are not built yet",
    "E114": "has another quantity of hours on Fridays and guesses a departure from it; schedules are not built yet",
    "E123": _HOLIDAY,
    "E124": _HOLIDAY,
    "E125": "recomputes one of two days on demand; recomputing is not a matter of one day",
    "E132": _ROUNDING,
    "E141": _ROUNDING,
    "E144": _ROUNDING,
    "E146": _ROUNDING,
    "E150": _ROUNDING,
    "E152": _ROUNDING,
    "E153": _ROUNDING,
    "E159": _ROUNDING,
    "E163": _ROUNDING,
    "E164": _ROUNDING,
    "E173": _INGEST,
    "E180": _INGEST,
    "E183": "reports an unknown badge; that is found when a scan is joined to its person",
    "E184": "refuses an inverted period; that is a matter of the request",
    "E186": _SESSION,
    "E188": _SESSION,
}

_NEVER_GUESSED: Final = "a missing departure is never guessed: no hours, and a flag for somebody to look at"
_SECONDS: Final = "times are compared at minute resolution, seconds dropped, as the user's own rules do"
_EVIDENCE: Final = "a scan is evidence and never refused; what does not fit is flagged on the day"

DIFFERENT: Final = {
    "E002": "the scan that is left over arrives, so the last known departure is the one before it; the hours agree",
    "E052": "presence on a holiday wins the status and is flagged; nobody's work is hidden",
    "E112": _NEVER_GUESSED,
    "E113": _NEVER_GUESSED,
    "E117": _NEVER_GUESSED,
    "E118": _NEVER_GUESSED,
    "E130": _NEVER_GUESSED,
    "E131": _SECONDS,
    "E133": _SECONDS,
    "E151": _SECONDS,
    "E160": _SECONDS,
    "E167": _EVIDENCE,
    "E171": _EVIDENCE,
    "E172": _EVIDENCE,
}

# fmt: off
SAME: Final = frozenset(
    {
        "E001", "E044", "E050", "E051", "E054", "E055", "E062", "E063", "E065", "E068",
        "E073", "E074", "E076", "E079", "E080", "E081", "E094", "E096", "E108", "E119",
        "E120", "E121", "E122", "E138", "E139", "E156", "E157", "E165", "E166", "E174",
        "E175", "E181", "E189", "E190", "E191", "E193", "E194",
    }
)
# fmt: on
