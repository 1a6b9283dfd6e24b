"""What a machine says of how full it is. Pure. Source: PROTOCOLS §1.7."""

import struct
from dataclasses import dataclass
from typing import Final

SHORTEST: Final = 80
"""Bytes; newer machines send 92, with faces in the rest."""
_FIELDS: Final = struct.Struct("<16xi4xi4xi4xi16xii")


@dataclass(frozen=True, slots=True)
class Sizes:
    """Counts and capacities."""

    users: int
    fingers: int
    records: int
    operations: int
    user_capacity: int
    record_capacity: int


def sizes_of(data: bytes) -> Sizes:
    """The counts in an answer to FREE_SIZES.

    Raises:
        ValueError: it is too short, or a count is negative.
    """
    if len(data) < SHORTEST:
        raise ValueError(f"its counts have {len(data)} bytes instead of {SHORTEST} or more")
    sizes = Sizes(*_FIELDS.unpack_from(data))
    if sizes.records < 0 or sizes.users < 0:
        raise ValueError(f"it counts {sizes.records} records of {sizes.users} users")
    return sizes
