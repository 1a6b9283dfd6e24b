"""How rulings in force join scans in queries."""

from collections.abc import Sequence
from typing import Any

from services.attendance.domain.releases import Release

QUARANTINED = "s.quality IN ('implausible_past', 'future')"
"""As the index `scans_quarantined` has it, so that the planner knows that it serves."""

RULED = "LEFT JOIN releases r ON r.scan_id = s.id AND r.withdrawn_at IS NULL"
RULING = (
    "r.scan_id, r.badge, r.local_at, r.at, r.wall_time, r.reason, r.released_by, r.released_by_name, r.released_at, "
    "r.machine_id"
)


def release_of(values: Sequence[Any]) -> Release | None:
    """The values of `RULING`; None where there is no ruling in force."""
    return None if values[0] is None else Release(*values)
