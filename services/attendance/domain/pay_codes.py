"""A site's own pay codes: under which code, in which unit and times what each kind of amount goes to payroll."""

import re
from collections.abc import Iterator, Mapping
from decimal import Decimal, InvalidOperation
from fractions import Fraction
from math import floor
from typing import Final, NamedTuple

from services.attendance.domain.payroll import AMOUNTS, LEAVES, WORK, Amounts, Unit
from services.attendance.domain.settings import DaySettings, refusal

ANY_LEAVE: Final = "leave-*"
ADJUSTMENT: Final = "adjustment-"
HOURS: Final = "hours"

_BY_NAME: Final = {amount.name: amount for amount in AMOUNTS}
KINDS: Final = {
    **{amount.name.removesuffix("_minutes"): amount for amount in WORK},
    "late": _BY_NAME["late_minutes"],
    "early_departure": _BY_NAME["early_departure_minutes"],
    "shortfall": _BY_NAME["shortfall_minutes"],
    "present": _BY_NAME["present_days"],
    "absent": _BY_NAME["absent_days"],
    "snacks": _BY_NAME["snacks"],
    "night_bill": _BY_NAME["night_bill"],
    **{
        f"adjustment-{name}": _BY_NAME[f"adjustment_{name}_{unit}"]
        for unit, names in (
            ("minutes", ("regular", "overtime", "extra_overtime", "late", "early_departure", "shortfall")),
            ("days", ("present", "absent")),
        )
        for name in names
    },
}
"""What can be mapped, and the amount that it is. Leave is `leave-` and its status: leave-casual, leave-withoutpay; what
adjustments change of it, adjustment-leave-casual."""

_FOUND: Final = tuple((kind, amount.name, amount.unit) for kind, amount in KINDS.items())
_NOTHING: Final = Fraction(0)
_LEAVE: Final = re.compile(r"(adjustment-)?leave-(\*|\w{1,40})")
_GENERAL: Final = re.compile(r"^((?:adjustment-)?leave-).+$")
_PLACES: Final = Decimal("0.0001")
_MOST: Final = Decimal(1000)


class PayCode(NamedTuple):
    """How an amount goes to payroll."""

    code: str
    unit: str
    """hours, minutes, days or count."""
    factor: Decimal | None = None
    """None is 1 or, of work on weekends and holidays, the multiplier of the settings."""


PayCodes = Mapping[str, PayCode | None]
"""By kind. None is left out on purpose; a kind that is missing was forgotten, and is told of."""


class Multipliers(NamedTuple):
    """What work on weekends and holidays is multiplied by, as settings say."""

    weekend: Decimal = Decimal(1)
    holiday: Decimal = Decimal(1)


class Entry(NamedTuple):
    """What one kind of amount comes to."""

    kind: str
    amount: int
    unit: Unit
    code: PayCode | None
    """None: nobody said how it goes to payroll."""
    quantity: Fraction
    """Of the code, in its unit; without one, nothing."""


def multipliers_of(settings: DaySettings) -> Multipliers:
    """As decimals, which a person typed."""
    return Multipliers(Decimal(str(settings.weekend_multiplier)), Decimal(str(settings.holiday_multiplier)))


def entries(amounts: Amounts, codes: PayCodes, multipliers: Multipliers) -> Iterator[Entry]:
    """Whatever is not nothing, without what is left out on purpose."""
    every = amounts.all()
    found = [(kind, every[name], unit) for kind, name, unit in _FOUND]
    found += [(status.lower(), days, Unit.DAYS) for status, days in amounts.leaves.items()]
    found += [(ADJUSTMENT + status.lower(), days, Unit.DAYS) for status, days in amounts.adjusted_leaves.items()]
    for kind, value, unit in found:
        if not value:
            continue
        name = kind if kind in codes else _GENERAL.sub(r"\1*", kind)
        if name not in codes:
            yield Entry(kind, value, unit, None, _NOTHING)
        elif (code := codes[name]) is not None:
            yield Entry(kind, value, unit, code, _quantity(kind, value, code, multipliers))


def rounded(quantity: Fraction) -> float:
    """Four decimals, half away from zero."""
    parts = floor(abs(quantity) * 10_000 + Fraction(1, 2)) / 10_000
    return parts if quantity >= 0 else -parts


def pay_codes_from(values: Mapping[str, object]) -> dict[str, PayCode | None]:
    """The codes by kind, as the API has them.

    Raises:
        Invalid: a kind is unknown, or what is said of it cannot be; `fields` names it.
    """
    wrong: dict[str, str] = {}
    found = {kind: _read(kind, value, wrong) for kind, value in values.items()}
    units: dict[str, str] = {}
    for kind, code in found.items():
        if code is not None and units.setdefault(code.code, code.unit) != code.unit:
            wrong[f"{kind}/unit"] = f"the code {code.code} has the unit {units[code.code]} elsewhere"
    if wrong:
        raise refusal(wrong)
    return found


def pay_code_values(codes: PayCodes) -> dict[str, dict[str, object] | None]:
    """The same as JSON can carry it; factors as text, so that they stay what they are."""
    return {
        kind: code
        and {"code": code.code, "unit": code.unit, "factor": None if code.factor is None else str(code.factor)}
        for kind, code in codes.items()
    }


def _quantity(kind: str, value: int, code: PayCode, multipliers: Multipliers) -> Fraction:
    factor = code.factor
    if factor is None:
        factor = {
            "weekend": multipliers.weekend,
            "weekend_overtime": multipliers.weekend,
            "holiday": multipliers.holiday,
            "holiday_overtime": multipliers.holiday,
        }.get(kind, Decimal(1))
    return Fraction(value) * Fraction(factor) / (60 if code.unit == HOURS else 1)


def _read(kind: str, value: object, wrong: dict[str, str]) -> PayCode | None:
    if kind in KINDS:
        unit = KINDS[kind].unit
    elif _LEAVE.fullmatch(kind):
        unit = Unit.DAYS
    else:
        wrong[kind] = f"there is no such kind; possible are {', '.join(_POSSIBLE)}"
        return None
    if value is None:
        return None
    if not isinstance(value, Mapping):
        wrong[kind] = "must be an object with code, unit and factor, or null for what is left out"
        return None
    for name in value.keys() - {"code", "unit", "factor"}:
        wrong[f"{kind}/{name}"] = "there is no such field"
    code, possible = value.get("code"), ("hours", "minutes") if unit is Unit.MINUTES else (str(unit),)
    if not isinstance(code, str) or not code.strip() or len(code) > 100 or not code.isprintable():
        wrong[f"{kind}/code"] = "must be a text of 1 to 100 signs"
    if value.get("unit", possible[0]) not in possible:
        wrong[f"{kind}/unit"] = f"must be {' or '.join(possible)}"
    factor = _factor(value.get("factor"))
    if isinstance(factor, str):
        wrong[f"{kind}/factor"] = factor
        factor = None
    return PayCode(str(code).strip(), str(value.get("unit", possible[0])), factor)


def _factor(value: object) -> Decimal | str | None:
    """The factor, or what is wrong with it."""
    if value is None:
        return None
    said = f"must be a decimal number from 0 to {_MOST} with at most four decimals"
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        return said
    try:
        factor = Decimal(str(value))
    except InvalidOperation:
        return said
    if not factor.is_finite() or not 0 <= factor <= _MOST or factor != factor.quantize(_PLACES):
        return said
    return factor


_LEAVES: Final = (ANY_LEAVE, *(status.lower() for status in LEAVES))
_POSSIBLE: Final = (*KINDS, *_LEAVES, *(ADJUSTMENT + kind for kind in _LEAVES))
