"""What is known of a real log by reading its rows alone."""

from collections import defaultdict
from datetime import date, datetime, timedelta

from tests.acceptance.made_logs import HEADER


def one_worker_a_badge(log: bytes, leave_out: set[str] = frozenset()) -> bytes:  # type: ignore[assignment]
    """People for a real log, of whom nothing is known but the badge."""
    badges = {line.split(b"\t")[0].strip().decode() for line in log.splitlines()} - leave_out
    rows = [f"P{badge},Worker {badge},Works,Hand,Worker,{badge}" for badge in sorted(badges)]
    return "\n".join([HEADER, *rows, ""]).encode()


def months(first: str, last: str) -> list[str]:
    """Every month from one to another."""
    found = [first]
    while found[-1] != last:
        year, month = map(int, found[-1].split("-"))
        found.append(f"{year + month // 12}-{month % 12 + 1:02}")
    return found


def days_with_a_scan(log: bytes) -> dict[str, int]:
    """Of each month, how often somebody was there on a day; counted here, from the rows of a log alone."""
    seen: dict[str, set[tuple[bytes, date]]] = defaultdict(set)
    for line in log.splitlines():
        badge, moment, *_ = line.split(b"\t")
        try:
            at = datetime.fromisoformat(moment.decode())
        except ValueError:
            continue
        day = (at - timedelta(hours=4, minutes=1)).date()
        if day.year > 2000:
            seen[f"{day:%Y-%m}"].add((badge.strip(), day))
    return {month: len(days) for month, days in seen.items()}
