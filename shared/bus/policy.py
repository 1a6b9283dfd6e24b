"""The delivery policy of both transports: what becomes of a message whose handler failed."""

from dataclasses import dataclass

from shared.kernel.errors import Unavailable

DELAYS = (1.0, 5.0, 30.0, 120.0, 600.0)
"""Seconds to the next try after the first, second, … failure; the last one repeats."""

MOST_ATTEMPTS = 12
"""Failures of its own after which a message is parked: about an hour with these delays."""

PAUSE_WHEN_AWAY = 1.0
"""Seconds between tries while something that the handler needs is away."""

HOLD_AT_MOST = 600.0
"""Seconds that a consumer keeps messages in hand meanwhile; then it puts them back and takes them anew.

RabbitMQ closes the channel of a consumer that does not acknowledge for long (30 minutes, unless configured otherwise).
"""


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """How often and how soon. Only tests have a reason for others than the defaults."""

    delays: tuple[float, ...] = DELAYS
    most_attempts: int = MOST_ATTEMPTS
    pause_when_away: float = PAUSE_WHEN_AWAY
    hold_at_most: float = HOLD_AT_MOST

    def after_failure(self, attempt: int, error: BaseException) -> Again | Park:
        """What happens to a message whose handler raised on its `attempt`th try (1 is the first)."""
        if isinstance(error, Unavailable):
            return Again(self.pause_when_away, counted=False)
        if attempt >= self.most_attempts:
            return Park(f"gave up after {attempt} tries: {type(error).__name__}: {error}"[:1000])
        return Again(self.delays[min(attempt, len(self.delays)) - 1], counted=True)


def after_failure(attempt: int, error: BaseException) -> Again | Park:
    """The default policy's answer."""
    return Policy().after_failure(attempt, error)
