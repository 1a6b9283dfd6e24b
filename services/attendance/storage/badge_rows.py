"""Which scans a badge is about, in SQL: of every machine on which its number is not bound, or of one alone."""

from collections.abc import Sequence

from services.attendance.application.holders import Claim


def claim_columns(claims: Sequence[Claim]) -> tuple[list[str], list[int | None], list[str]]:
    """Claims as columns: badges, machines, and the machines that are left out, as text for arrays of any length."""
    return [c.badge for c in claims], [c.machine_id for c in claims], [but_of(c) for c in claims]


def but_of(claim: Claim) -> str:
    """The machines that are left out, as PostgreSQL writes an array."""
    return f"{{{','.join(map(str, claim.but_of))}}}"


def claimed(scan: str, badges: str, machines: str, left_out: str) -> str:
    """Whether any of the claims takes a scan. The placeholders are those of `claim_columns`."""
    its = takes(f"{scan}.machine_id", "c.machine", "c.but::int[]")
    return (
        f"EXISTS (SELECT FROM unnest({badges}::text[], {machines}::int[], {left_out}::text[])"
        f" AS c (badge, machine, but) WHERE c.badge = {scan}.badge AND {its})"
    )


def takes(machine: str, own: str, left_out: str) -> str:
    """Whether a claim with these machines takes a scan of its number on `machine`."""
    return f"coalesce({machine} = {own}, {machine} <> ALL ({left_out}))"


def holds_for(badge: str, scan: str, day: str) -> str:
    """Whether a row of `badges`, which has the number of the scan and covers the day, makes the scan somebody's."""
    return (
        f"CASE WHEN {badge}.machine_id IS NULL THEN NOT EXISTS (SELECT FROM badges o WHERE o.badge = {badge}.badge"
        f" AND o.machine_id = {scan}.machine_id AND o.during @> {day}) ELSE {badge}.machine_id = {scan}.machine_id END"
    )
