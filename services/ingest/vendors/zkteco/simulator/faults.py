"""What can be wrong with a terminal, by name: `split=3`, `cut=5000`, `silent`. Pure.

Some faults are of the line, some of the dialogue, some of the terminal itself; `Faults` is which of them are on.
"""

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True, kw_only=True)
class Faults:
    """Faults and their parameters; zero is none."""

    count_off: int = 0
    chunk_error: int = 0
    short_chunk: int = 0


NONE: Final = Faults()
