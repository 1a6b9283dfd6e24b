"""A clock that stands still until it is told."""

from datetime import UTC, datetime, timedelta


class FakeClock:
    """Implements `shared.kernel.clock.Clock`."""

    def __init__(self, now: datetime = datetime(2024, 1, 15, 12, tzinfo=UTC)) -> None:
        self.present = now

    def now(self) -> datetime:
        return self.present

    def forward(self, by: timedelta) -> None:
        self.present += by
