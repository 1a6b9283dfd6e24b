"""Days of locked months: what would change one becomes an adjustment, which is announced as the change would be."""

from collections.abc import Mapping
from datetime import date, datetime
from typing import Final, NamedTuple

from services.attendance.application.computing import Computed, DayRow, compute, row_of
from services.attendance.application.directory import Directory, PersonDay
from services.attendance.application.ports import Adjusted, Recording
from services.attendance.domain.locks import Adjustment, adjusted, difference
from shared.contracts.adjustments import AdjustmentChanged
from shared.contracts.event import Version

LATE: Final = "scans or corrections that came after the month was locked"


class AdjustmentFacts(NamedTuple):
    """An adjustment with whom it is about."""

    id: int
    person_id: int
    code: str
    name: str
    department: str | None
    site_id: int
    date: date
    adjustment: Adjustment
    created_at: datetime
    updated_at: datetime


async def adjust(
    recording: Recording, directory: Directory, days: Mapping[PersonDay, Computed], reason: str, at: datetime
) -> None:
    """Keep and announce the adjustments that follow when these locked days would now be so."""
    keys = list(days)
    stored, earlier = await recording.stored_figures(keys), await recording.adjustments_of(keys)
    found: dict[PersonDay, tuple[int, Adjustment]] = {}
    for key, computed in days.items():
        site_id = computed.assignment.site_id
        locked = directory.sites[site_id].locked
        before = stored.get(key) or without_scans(computed)._asdict()
        now = row_of(computed)._asdict()
        one = adjusted(key.date, before, now, earlier.get(key, ()), locked=locked, reason=reason)
        if one is not None:
            found[key] = (site_id, one)
    if found:
        kept = await recording.adjust(found, at)
        await recording.announce([_event(each, days[each.key], found[each.key][1], at) for each in kept], at)


def without_scans(computed: Computed) -> DayRow:
    """Such a day for whoever was not seen on it."""
    return row_of(compute((), computed.holder, computed.frame, computed.assignment, off=computed.off))


def adjustment_changed(facts: AdjustmentFacts, unit_path: list[int], version: Version) -> AdjustmentChanged:
    """The event that carries an adjustment's state."""
    adjustment = facts.adjustment
    return AdjustmentChanged(
        adjustment_id=facts.id,
        person_id=facts.person_id,
        employee_id=facts.code,
        employee_name=facts.name,
        unit_path=unit_path,
        site_id=facts.site_id,
        date=facts.date,
        period=month_text(adjustment.period),
        status_before=str(adjustment.before["status"]),
        status_after=str(adjustment.after["status"]),
        minutes=difference(adjustment),
        reason=adjustment.reason,
        cancelled=adjustment.cancelled,
        adjusted_at=facts.updated_at,
        version=version,
    )


def _event(kept: Adjusted, computed: Computed, adjustment: Adjustment, at: datetime) -> AdjustmentChanged:
    holder, place = computed.holder, computed.assignment
    facts = AdjustmentFacts(
        kept.id,
        holder.person_id,
        holder.code,
        holder.name,
        place.department,
        place.site_id,
        kept.key.date,
        adjustment,
        at,
        at,
    )
    return adjustment_changed(facts, place.unit_path, Version(kept.epoch, kept.n))


def month_text(month: date) -> str:
    """A month such as 2024-01."""
    return f"{month:%Y-%m}"
