"""The tree of units: which kinds there are, and that nothing stands below itself."""

from collections.abc import Mapping
from typing import Final

KINDS: Final = ("school", "department", "programme", "class_group", "course")


def is_below(unit: int, other: int, parents: Mapping[int, int | None]) -> bool:
    """Whether a unit is another, or stands somewhere below it; `parents` has the one above each."""
    seen: set[int] = set()
    above: int | None = unit
    while above is not None and above not in seen:
        if above == other:
            return True
        seen.add(above)
        above = parents.get(above)
    return False
