"""Runs: days of some people that somebody wants computed again, or wants to know of what would become of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final, Literal, NamedTuple
from uuid import UUID

from shared.contracts.event import Version
from shared.contracts.recomputing import RecomputeChanged

RunKind = Literal["dry_run", "recompute", "sandbox", "preview"]
"""`recompute` changes days; the others only look: by the rules that hold, by a draft, by a change about to be made."""

KEPT_FOR: Final = timedelta(days=7)
"""How long what only looked is kept."""


class Run(NamedTuple):
    """A run as it stands."""

    id: UUID
    kind: RunKind
    state: str
    selection: Mapping[str, Any]
    """Whose days, as they were asked for."""
    draft: Mapping[str, Any] | None
    people: int
    since: date
    until: date
    """Inclusive."""
    reason: str | None
    asked_by: int
    asked_by_name: str
    asked_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    rules_n: int | None
    rules_changed: bool
    people_done: int
    days_looked_at: int
    days_changed: int
    totals: Mapping[str, Any] | None
    problem: str | None
    of_run: UUID | None
    real_run: UUID | None
    """The run that it was turned into."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """Whose days are meant: of all that is named, those to whom all of it applies; nothing named is everybody."""

    employees: Sequence[int | str] | None = None
    department: str | None = None
    unit: str | None = None
    group: str | None = None
    site: str | None = None


def run_changed(run: Run, version: Version, at: datetime) -> RecomputeChanged:
    """The event that carries a run's state."""
    return RecomputeChanged(
        run_id=str(run.id),
        kind=run.kind,
        state=run.state,
        date_from=run.since,
        date_to=run.until,
        reason=run.reason,
        asked_by=run.asked_by_name,
        people=run.people,
        people_done=run.people_done,
        days_looked_at=run.days_looked_at,
        days_changed=run.days_changed,
        at=at,
        version=version,
    )
