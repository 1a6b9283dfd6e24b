"""Which of the cases in `expected_cases.json` our rule answers likewise, which differently or not at all, and why."""

from typing import Final

_GEOFENCE: Final = "judges the place of a scan; machines here stand where they stand, and scans carry no place"
_NEVER_GUESSED: Final = "a missing departure is never guessed: no hours, and a flag for somebody to look at"
_SECONDS: Final = "times are compared at minute resolution, seconds dropped before any rounding, as the user's rules do"
_POINTS: Final = (
    "grades marks with points, half of them for being late; by our rules attendance is present or late of what was "
    "held, and lateness shows in punctuality"
)

OUT_BY_ID: Final = frozenset({"E040", "E041", "E043", "E112", "E113", "E114", "E117", "E118", "E130"})
"""The cases of geofences, and those that guess a missing departure: what the rules exclude."""

LEFT_OUT: Final = {
    "E040": _GEOFENCE,
    "E041": _GEOFENCE,
    "E043": _GEOFENCE,
    "E114": _NEVER_GUESSED,
    "E186": _POINTS,
    "E188": _POINTS,
}

DIFFERENT: Final = {
    "E014": "the parts of a split shift share one window; the scan lies in the same part as there",
    "E052": "presence on a holiday wins the status and is flagged; nobody's work is hidden",
    "E106": "a scan belongs to one date: a presence of 28 hours is two days with a scan each, to be looked at",
    "E112": _NEVER_GUESSED,
    "E113": _NEVER_GUESSED,
    "E117": _NEVER_GUESSED,
    "E118": _NEVER_GUESSED,
    "E130": _NEVER_GUESSED,
    "E152": _SECONDS,
    "E153": _SECONDS,
    "E167": "an earlier day that stays open hinders no later one: its scan is taken, and the open day is flagged",
    "E171": "a scan is evidence and never refused: a departure without an arrival is taken, and the day is flagged",
}

# fmt: off
SAME: Final = frozenset(
    {
        "E001", "E044", "E050", "E051", "E054", "E055", "E062", "E063", "E065", "E068",
        "E073", "E074", "E076", "E079", "E080", "E081", "E094", "E096", "E108", "E119",
        "E120", "E121", "E122", "E131", "E133", "E138", "E139", "E151", "E156", "E157",
        "E160", "E165", "E166", "E174", "E175", "E181", "E189", "E190", "E191", "E193",
        "E194", "E002",
        # Entries by hand, closed days, and what is refused.
        "E038", "E060", "E172", "E184",
        # With a shift, or by rules that came with shifts.
        "E012", "E013", "E017", "E018", "E019", "E021", "E022", "E023", "E024", "E025",
        "E026", "E028", "E029", "E030", "E031", "E033", "E046", "E057", "E058", "E059",
        "E072", "E088", "E089", "E090", "E091", "E093", "E095", "E097", "E102", "E104",
        "E105", "E109", "E123", "E124", "E125", "E132", "E141", "E144", "E146", "E150",
        "E159", "E163", "E164", "E173", "E180", "E183",
    }
)
# fmt: on
