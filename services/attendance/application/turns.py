"""Whose days are computed by whom at the moment: one at a time for each group of badges.

A day follows from all scans of all badges of its person, so whoever computes it takes the turn of each of them. A
turn is shared by many badges: a lock for each day of a long log would fill PostgreSQL's lock table (6,400 locks with
its usual settings, for everybody together), and cost more than it saves.
"""

from zlib import crc32

TURNS = 512
"""Few enough for a dozen transactions to hold them at once, many enough for live scans seldom to meet."""


def turn_of(badge: str) -> int:
    """The same for everybody who asks, in every process: 0 to `TURNS` - 1."""
    return crc32(badge.encode()) % TURNS


def turn_of_person(person_id: int) -> int:
    """Of who holds no badge."""
    return turn_of(f"person {person_id}")
