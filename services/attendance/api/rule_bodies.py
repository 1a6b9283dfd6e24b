"""What `/docs` says of bodies of settings, shifts and schedules. The domain reads and checks them."""

from typing import Annotated, Any, Final

from fastapi import Body
from pydantic import WithJsonSchema

from services.attendance.domain.settings import DEFAULTS, OvertimeBy, Resolver, Rounding, settings_values
from services.attendance.domain.shift import Part, Shift

_HOURS = "hours, 0 to 24"
_BOUND = "hours, 0 to 24, or `null`"
_CLOCK = "a time such as `08:00`"
_TRUTH = "`true`, `false`"
_GRID = "1, 2, 3, 4, 5, 6, 10, 12, 15, 20, 30, 60"
_TOLERANCE = "minutes, 0 to 240"
_WEEKDAY = "0 (Sunday) to 6"
_ROUNDING = ", ".join(f"`{one}`" for one in Rounding)

SETTINGS: Final[dict[str, tuple[str, str]]] = {
    "standard_working_hours": (_HOURS, "expected of a day; what is missing of it is the shortfall"),
    "lunch_start": (_CLOCK, "when the lunch window begins, which is taken off whoever is there"),
    "lunch_break_duration": (_HOURS, "how long it is"),
    "safe_entry_time": (_CLOCK, "who arrives up to here is on time"),
    "late_entry_time": (_CLOCK, "up to here is `Present-Considered`, after it `Present-Late`"),
    "safe_exit_time": (_CLOCK, "who leaves before it leaves early"),
    "overtime_start_time": (_CLOCK, "from when work is overtime"),
    "extra_overtime_start_time": (_CLOCK, "from when it is extra overtime, past midnight too"),
    "snacks_eligibility_hours": (_HOURS, "so much extra overtime earns snacks"),
    "night_bill_eligibility_hours": (_HOURS, "so much extra overtime earns a night bill"),
    "weekend_days": (f"a list of {_WEEKDAY}", "days on which nobody is expected"),
    "auto_calculate_overtime": (_TRUTH, "`false`: overtime is 0 until a person enters it"),
    "auto_calculate_extra_overtime": (_TRUTH, "likewise for extra overtime"),
    "auto_update_leave_balance": (_TRUTH, "kept for the leave service; it changes no figure of a day"),
    "day_boundary": (f"{_CLOCK}, before 12:00", "the last minute of the working day, on the next date"),
    "resolver": (", ".join(f"`{one}`" for one in Resolver), "which scans arrive and which leave"),
    "merge_window_seconds": ("seconds, 0 to 3600", "a scan so soon after another is merged into it"),
    "long_span_hours": (_HOURS, "a longer day is flagged `long_span`"),
    "rest_day_overtime": (_TRUTH, "all work on a weekend, holiday or day of leave is overtime"),
    "time_away_counts": (_TRUTH, "time between leaving and coming back counts as worked"),
    "arrival_rounding": (_ROUNDING, "which way an arrival is rounded"),
    "arrival_rounding_minutes": (_GRID, "to which grid"),
    "departure_rounding": (_ROUNDING, "which way a departure is rounded"),
    "departure_rounding_minutes": (_GRID, "to which grid"),
    "total_rounding": (_ROUNDING, "which way the hours of a day are rounded"),
    "total_rounding_minutes": (_GRID, "to which grid"),
    "early_arrival_counts": (_TRUTH, "`false`: time before the start of work is not worked"),
    "half_day_below_hours": (_HOURS, "who worked less is flagged `half_day`; 0 for nobody"),
    "absent_below_hours": (_HOURS, "who worked less counts as absent; 0 for nobody"),
    "shortfall_counts": (_TRUTH, "`false`: no more is expected than was worked"),
    "shortfall_tolerance_minutes": (_TOLERANCE, "a shortfall up to here is none; above, all of it is"),
    "overtime_by": (
        ", ".join(f"`{one}`" for one in OvertimeBy),
        "by the time of day, the hours of a day, those of a week, or not at all",
    ),
    "overtime_after_hours": (_BOUND, "by `day`: work above it is overtime; `null` for what is expected"),
    "extra_overtime_after_hours": (_BOUND, "by `day`: work above it is extra overtime; `null` for none"),
    "overtime_week_hours": (
        "hours, 0 to 168, or `null`",
        "work of a week above it is overtime; `null` for no such rule",
    ),
    "week_starts_on": (_WEEKDAY, "where a week begins"),
    "overtime_tolerance_minutes": (_TOLERANCE, "overtime up to here is none; above, all of it is"),
    "overtime_block_minutes": ("minutes, 1 to 240", "overtime counts in whole blocks of so many"),
    "overtime_cap_hours": (_BOUND, "the most overtime of a day, extra overtime included"),
    "overtime_needs_approval": (_TRUTH, "overtime is flagged until somebody approves it"),
    "weekend_multiplier": ("0 to 10", "what payroll multiplies work on a weekend by"),
    "holiday_multiplier": ("0 to 10", "what it multiplies work on a holiday by"),
    "infer_shifts": (_TRUTH, "where nobody said a shift, scans say which it was"),
    "infer_shifts_from": ("a list of ids, or `null`", "shifts that may be inferred; `null` for all"),
    "corrections_per_month": ("0 to 100", "how many corrections an employee may ask for of a month's days"),
}
"""Each setting: its values, and its meaning in a line."""


def _setting(name: str, default: object) -> dict[str, Any]:
    values, meaning = SETTINGS[name]
    kind, more = _type(default, values)
    return {"type": [kind, "null"], **more, "description": f"{meaning}; {values.replace('`', '')}", "default": default}


def _type(default: object, values: str) -> tuple[str, dict[str, Any]]:
    if isinstance(default, bool):
        return "boolean", {}
    if values.startswith("a list"):
        return "array", {"items": {"type": "integer"}}
    if isinstance(default, str):
        words = [*(word.strip("`") for word in values.split(", ")), None]
        return "string", {"enum": words} if values.startswith("`") else {}
    return "integer" if isinstance(default, int) else "number", {}


def _object(described: str, required: tuple[str, ...], **properties: Any) -> dict[str, Any]:
    needed = {"required": list(required)} if required else {}
    return {"type": "object", "description": described, "properties": properties, **needed}


def _minutes(described: str, default: int | None = None) -> dict[str, Any]:
    told = {} if default is None else {"default": default}
    return {"type": "integer", "minimum": 0, "maximum": 1440, "description": described, **told}


def _clock(described: str) -> dict[str, Any]:
    return {"type": "string", "description": described, "examples": ["22:00"]}


_PLAIN: Final = Shift(parts=(Part(0, 1),))
_SHIFT_REF: Final = {"type": ["string", "integer"], "description": "a shift's code or id"}

SETTINGS_SCHEMA: Final = _object(
    "Settings that are to change; those not named stay, and null goes back to what lies above.",
    (),
    **{name: _setting(name, default) for name, default in settings_values(DEFAULTS).items()},
)

BREAK_SCHEMA: Final = {
    "oneOf": [
        _object(
            "A window in which nobody works.",
            ("kind", "start", "end"),
            kind={"const": "fixed"},
            start=_clock("when it begins"),
            end=_clock("when it ends"),
            paid={"type": "boolean", "default": False, "description": "being away is work, too"},
        ),
        _object(
            "Whatever is scanned out is break.",
            ("kind",),
            kind={"const": "punched"},
            at_least_minutes=_minutes("so much is taken off at least", 0),
            at_most_minutes={
                **_minutes("so much at most, where time away counts or is paid; null for no bound"),
                "type": ["integer", "null"],
            },
            after_hours={
                "type": "number",
                "default": 0,
                "description": "the least applies to who worked more than this",
            },
            paid={"type": "boolean", "default": False, "description": "up to at_most_minutes, being away is work"},
        ),
        _object(
            "Taken off whoever worked long enough.",
            ("kind", "minutes", "after_hours"),
            kind={"const": "deducted"},
            minutes=_minutes("how much"),
            after_hours={"type": "number", "description": "after how much work"},
        ),
    ]
}

SHIFT_SCHEMA: Final = _object(
    "A shift. What is left out has its default.",
    ("code", "parts"),
    code={"type": "string", "maxLength": 60, "description": "what people call it by; unique"},
    name={"type": "string", "maxLength": 100, "description": "the code, unless another is given"},
    parts={
        "type": "array",
        "minItems": 1,
        "maxItems": 6,
        "description": "when it is worked; what is not after the time before lies on the next date",
        "items": _object("A part.", ("start", "end"), start=_clock("when it begins"), end=_clock("when it ends")),
    },
    flexible={"type": "boolean", "default": False, "description": "only the amount counts: nobody is late or early"},
    expected_hours={"type": ["number", "null"], "description": "of work; null for its length without unpaid breaks"},
    allowed_early_minutes=_minutes("so long before the start scans belong to it", _PLAIN.allowed_early),
    allowed_late_minutes=_minutes("so long after the end scans belong to it", _PLAIN.allowed_late),
    grace_in_minutes=_minutes("who arrives so long after the start is on time", _PLAIN.grace_in),
    late_after_minutes=_minutes("up to so long it is Present-Considered; later is late", _PLAIN.late_after),
    grace_out_minutes=_minutes("who leaves so long before the end is not early", _PLAIN.grace_out),
    breaks={
        "type": ["array", "null"],
        "maxItems": 12,
        "description": "null for the lunch of the settings, an empty list for none",
        "items": BREAK_SCHEMA,
    },
    overtime_after_minutes=_minutes("overtime begins so long after the end", _PLAIN.overtime_after),
    extra_overtime_after_minutes=_minutes("extra overtime begins so long after the end", _PLAIN.extra_overtime_after),
    settings={"type": "object", "description": "settings that are others on its days", "additionalProperties": True},
)

SCHEDULE_SCHEMA: Final = _object(
    "One shift on all but weekend days, or a cycle of dates with its anchor.",
    ("name",),
    name={"type": "string", "maxLength": 60, "description": "unique"},
    shift=_SHIFT_REF,
    cycle={
        "type": "array",
        "minItems": 1,
        "maxItems": 366,
        "description": "the shift of each date of the cycle, null for off",
        "items": {"type": ["string", "integer", "null"]},
    },
    anchor={"type": "string", "format": "date", "description": "a date that has the first shift of the cycle"},
)

SHIFT: Final = {
    "code": "N1",
    "name": "Night",
    "parts": [{"start": "22:00", "end": "06:00"}],
    "grace_in_minutes": 5,
    "late_after_minutes": 10,
    "breaks": [{"kind": "fixed", "start": "02:00", "end": "02:30"}],
    "settings": {"resolver": "first_last"},
}
CYCLE: Final = {"name": "Four crews", "cycle": ["D1", "D1", "N1", "N1", None, None, None, None], "anchor": "2026-01-05"}
FIXED: Final = {"name": "Day", "shift": "D1"}
TIMES: Final = {"safe_entry_time": "09:00", "late_entry_time": "09:10"}


def _described(schema: dict[str, Any], **examples: Any) -> Any:
    """Sent as an object, said to be as the schema says."""
    told = Body(openapi_examples={name: {"value": value} for name, value in examples.items()})
    return Annotated[dict[str, Any], WithJsonSchema(schema), told]


ShiftBody: Any = _described(SHIFT_SCHEMA, night=SHIFT)
ScheduleBody: Any = _described(SCHEDULE_SCHEMA, pattern=CYCLE, fixed=FIXED)
SettingsBody: Any = _described(SETTINGS_SCHEMA, times=TIMES)
