"""Which of the cases in `expected_cases.json` our rule answers likewise, which differently, and which wait, and why."""

from typing import Final

_GEOFENCE: Final = "judges the place of a scan; machines here stand where they stand, and scans carry no place"
_SESSION: Final = "is about marks of a class session, which is another domain"
_REQUEST: Final = "refuses an inverted period; that is a matter of the request and not of a day"
_NEVER_GUESSED: Final = "a missing departure is never guessed: no hours, and a flag for somebody to look at"
_SECONDS: Final = "times are compared at minute resolution, seconds dropped, as the user's own rules do"
_EVIDENCE: Final = "a scan is evidence and never refused; what does not fit is flagged on the day"

BY_NATURE: Final = frozenset({_GEOFENCE, _SESSION, _REQUEST, _NEVER_GUESSED, _SECONDS})
"""What the rules exclude, or what is no day."""

LEFT_OUT: Final = {
    "E040": _GEOFENCE,
    "E041": _GEOFENCE,
    "E043": _GEOFENCE,
    "E060": "lets a manual entry win; entries by hand stand beside the engine and are laid over its figures",
    "E114": _NEVER_GUESSED,
    "E184": _REQUEST,
    "E186": _SESSION,
    "E188": _SESSION,
}

DIFFERENT: Final = {
    "E002": "the scan that is left over arrives, so the last known departure is the one before it; the hours agree",
    "E014": "the parts of a split shift share one window; the scan lies in the same part as there",
    "E038": "a scan never keeps the shift of its first reading: both are of the shift that holds on the date now",
    "E052": "presence on a holiday wins the status and is flagged; nobody's work is hidden",
    "E106": "a scan belongs to one date: a presence of 28 hours is two days with a scan each, to be looked at",
    "E112": _NEVER_GUESSED,
    "E113": _NEVER_GUESSED,
    "E117": _NEVER_GUESSED,
    "E118": _NEVER_GUESSED,
    "E130": _NEVER_GUESSED,
    "E152": _SECONDS,
    "E153": _SECONDS,
    "E167": _EVIDENCE,
    "E171": _EVIDENCE,
    "E172": _EVIDENCE,
}

# fmt: off
SAME: Final = frozenset(
    {
        "E001", "E044", "E050", "E051", "E054", "E055", "E062", "E063", "E065", "E068",
        "E073", "E074", "E076", "E079", "E080", "E081", "E094", "E096", "E108", "E119",
        "E120", "E121", "E122", "E131", "E133", "E138", "E139", "E151", "E156", "E157",
        "E160", "E165", "E166", "E174", "E175", "E181", "E189", "E190", "E191", "E193",
        "E194",
        # With a shift, or by rules that came with shifts.
        "E012", "E013", "E017", "E018", "E019", "E021", "E022", "E023", "E024", "E025",
        "E026", "E028", "E029", "E030", "E031", "E033", "E046", "E057", "E058", "E059",
        "E072", "E088", "E089", "E090", "E091", "E093", "E095", "E097", "E102", "E104",
        "E105", "E109", "E123", "E124", "E125", "E132", "E141", "E144", "E146", "E150",
        "E159", "E163", "E164", "E173", "E180", "E183",
    }
)
# fmt: on
