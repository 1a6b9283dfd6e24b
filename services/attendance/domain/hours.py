"""Minutes as hours for people and for JSON."""

from functools import lru_cache


@lru_cache(maxsize=4_096)  # an answer has tens of thousands, and a day has 1,440
def hours(minutes: int) -> float:
    """Hours with two decimals, half away from zero: 650 minutes are 10.83."""
    hundredths = (abs(minutes) * 10 + 3) // 6
    return hundredths / 100 if minutes >= 0 else -hundredths / 100
