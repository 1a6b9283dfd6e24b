"""The delivery policy of both transports: what becomes of a message whose handler failed."""

from dataclasses import dataclass

from shared.kernel.errors import Unavailable

DELAYS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds to the next try after the first, second, … failure; the last one repeats."""

MOST_ATTEMPTS = 12
"""Failures of its own after which a message is parked: about an hour with these delays."""

PAUSE_WHEN_AWAY = 1.0
"""Seconds between tries while something that the handler needs is away."""


@dataclass(frozen=True, slots=True)
class Again:
    """Try the message again."""

    after: float
    """Seconds."""
    counted: bool
    """Whether this failure was the message's own."""


@dataclass(frozen=True, slots=True)
class Park:
    """Give the message up, visibly."""

    reason: str


def after_failure(attempt: int, error: BaseException) -> Again | Park:
    """What happens to a message whose handler raised on its `attempt`th try (1 is the first)."""
    if isinstance(error, Unavailable):
        return Again(PAUSE_WHEN_AWAY, counted=False)
    if attempt >= MOST_ATTEMPTS:
        return Park(f"gave up after {attempt} tries: {type(error).__name__}: {error}"[:1000])
    return Again(DELAYS[min(attempt, len(DELAYS)) - 1], counted=True)
