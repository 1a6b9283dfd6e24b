"""What a session has to do although nothing comes. Pure: the time is passed in."""

from enum import StrEnum

from services.ingest.vendors.generic.settings import GenericSettings


class Due(StrEnum):
    """Something that is to be done."""

    HEARTBEAT = "heartbeat"
    POLL = "poll"
    ASK_AGAIN = "ask again"
    """For records that are missing."""


class Timers:
    """When what is due."""

    def __init__(self, settings: GenericSettings, now: float) -> None:
        self._every: dict[Due, float] = {}
        if settings.heartbeat is not None:
            self._every[Due.HEARTBEAT] = settings.heartbeat.every
        if settings.poll is not None:
            self._every[Due.POLL] = settings.poll.every
        if settings.sequence is not None and settings.sequence.request is not None:
            self._every[Due.ASK_AGAIN] = settings.sequence.again_after
        self._next = {due: now if due is Due.POLL else now + every for due, every in self._every.items()}
        self._silence = settings.connection.silence if settings.connection else None
        self._heard_at = now

    def heard(self, now: float) -> None:
        """Something has come."""
        self._heard_at = now

    def silent_for(self, now: float) -> float:
        """Seconds by which the silence is longer than it may be; negative where it is not."""
        return now - self._heard_at - self._silence if self._silence is not None else -1.0

    def due(self, now: float) -> list[Due]:
        """What is due, which counts as done now."""
        due = [each for each, at in self._next.items() if at <= now]
        for each in due:
            self._next[each] = now + self._every[each]
        return due

    def next_in(self, now: float) -> float | None:
        """Seconds until something is; None where nothing ever will be."""
        times = list(self._next.values())
        if self._silence is not None:
            times.append(self._heard_at + self._silence)
        return max(0.0, min(times) - now) if times else None
