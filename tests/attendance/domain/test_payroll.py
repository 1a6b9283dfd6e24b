"""The contract of payroll, and amounts by pay codes."""

import re
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.attendance.api.payroll_shapes import COLUMNS
from services.attendance.domain.pay_codes import (
    KINDS,
    Multipliers,
    entries,
    pay_code_values,
    pay_codes_from,
    rounded,
)
from services.attendance.domain.payroll import AMOUNTS, LEAVES, WORK, Amounts
from shared.kernel.errors import Invalid

PAGE = Path(__file__).parents[3] / "docs" / "payroll.md"
MINUTES = sorted(amount.name for amount in WORK)


def table(heading: str) -> list[list[str]]:
    """The cells of the table below a heading of the page."""
    part = PAGE.read_text("utf-8").split(f"## {heading}\n")[1].split("\n## ")[0]
    return [re.findall(r"[^|]+", line) for line in part.splitlines() if line.startswith("| `")]


def test_the_columns_are_those_of_the_page_in_its_order() -> None:
    assert tuple(cells[0].strip(" `") for cells in table("Columns")) == COLUMNS
    units = {cells[0].strip(" `"): cells[1].strip() for cells in table("Columns")}
    assert {amount.name: amount.unit for amount in AMOUNTS}.items() <= units.items()


def test_the_kinds_are_those_of_the_page() -> None:
    told = {cells[0].strip(" `"): cells[1].strip(" `") for cells in table("Pay codes") if "…" not in cells[0]}
    assert told == {kind: amount.name for kind, amount in KINDS.items()}


@st.composite
def some_amounts(draw: st.DrawFn) -> Amounts:
    amounts = Amounts()
    for name in [*MINUTES, "late_minutes", "absent_days", "snacks", "late_days"]:
        amounts.counted[name] = draw(st.integers(0, 10_000))
    for status in draw(st.lists(st.sampled_from([*LEAVES, "Leave-Study"]), max_size=4)):
        amounts.day(status, final=True)
    return amounts


@given(st.lists(some_amounts(), max_size=5))
def test_parts_add_up_to_the_whole(parts: list[Amounts]) -> None:
    whole = Amounts()
    for part in parts:
        whole.add(part)
    found = whole.all()
    assert found == {amount.name: sum(part.all()[amount.name] for part in parts) for amount in AMOUNTS}
    assert found["worked_minutes"] == sum(found[name] for name in MINUTES)
    assert found["leave_days"] == sum(sum(part.leaves.values()) for part in parts)


FACTORS = st.none() | st.decimals(0, 10, places=4)


@given(some_amounts(), st.dictionaries(st.sampled_from([*KINDS, "leave-*", "leave-casual"]), st.none() | FACTORS))
def test_every_amount_has_its_code_is_left_out_on_purpose_or_is_told_of(
    amounts: Amounts, factors: dict[str, Decimal | None]
) -> None:
    codes = pay_codes_from(
        {kind: {"code": f"c-{kind}", "factor": str(one)} if one else None for kind, one in factors.items()}
    )
    found = {entry.kind: entry for entry in entries(amounts, codes, Multipliers())}
    every = amounts.all()
    there = {kind: every[amount.name] for kind, amount in KINDS.items()}
    there |= {status.lower(): days for status, days in amounts.leaves.items()}
    for kind, value in there.items():
        said = kind if kind in codes or not kind.startswith("leave-") else "leave-*"
        if not value or (said in codes and codes[said] is None):
            assert kind not in found
        elif said not in codes:
            assert (found[kind].code, found[kind].amount) == (None, value)
        else:
            code = codes[said]
            assert code is not None
            assert code.factor is not None
            per = 60 if code.unit == "hours" else 1
            assert found[kind].quantity * per == value * Fraction(code.factor)


def test_work_on_days_of_rest_is_multiplied_as_settings_say_unless_the_code_does() -> None:
    amounts = Amounts()
    amounts.counted |= {"weekend_minutes": 60, "weekend_overtime_minutes": 60, "holiday_minutes": 60}
    codes = pay_codes_from(
        {"weekend": {"code": "W"}, "weekend_overtime": {"code": "O", "factor": 3}, "holiday": {"code": "H"}}
    )
    found = entries(amounts, codes, Multipliers(Decimal("1.5"), Decimal("2.1")))
    assert {entry.kind: rounded(entry.quantity) for entry in found} == {
        "weekend": 1.5,
        "weekend_overtime": 3,
        "holiday": 2.1,
    }


@pytest.mark.parametrize(
    ("quantity", "expected"),
    [
        (Fraction(1, 3), 0.3333),
        (Fraction(2, 3), 0.6667),
        (Fraction(1, 20_000), 0.0001),
        (Fraction(-1, 20_000), -0.0001),
        (Fraction(-7), -7),
    ],
)
def test_quantities_are_rounded_half_away_from_zero(quantity: Fraction, expected: float) -> None:
    assert rounded(quantity) == expected


def test_codes_are_kept_as_they_were_said() -> None:
    said = {
        "regular": {"code": "100", "unit": "hours", "factor": None},
        "overtime": {"code": "Ü-150", "unit": "minutes", "factor": "1.50"},
        "leave-study": {"code": "S", "unit": "days", "factor": None},
        "late": None,
    }
    assert pay_code_values(pay_codes_from(said)) == said


@pytest.mark.parametrize(
    ("said", "field"),
    [
        ({"overtme": None}, "overtme"),
        ({"late": "300"}, "late"),
        ({"late": {"unit": "hours"}}, "late/code"),
        ({"late": {"code": "3", "unit": "days"}}, "late/unit"),
        ({"absent": {"code": "3", "unit": "hours"}}, "absent/unit"),
        ({"late": {"code": "3", "factor": "a lot"}}, "late/factor"),
        ({"late": {"code": "3", "factor": "1e999"}}, "late/factor"),
        ({"late": {"code": "3", "factor": "NaN"}}, "late/factor"),
        ({"late": {"code": "3", "factor": 0.00001}}, "late/factor"),
        ({"late": {"code": "3", "rate": 1}}, "late/rate"),
        ({"late": {"code": "3", "unit": "hours"}, "regular": {"code": "3", "unit": "minutes"}}, "regular/unit"),
    ],
)
def test_codes_that_cannot_be_are_named(said: dict[str, object], field: str) -> None:
    with pytest.raises(Invalid) as refused:
        pay_codes_from(said)
    assert field in refused.value.fields
