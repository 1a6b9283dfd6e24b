"""What an event is."""

from typing import ClassVar

import msgspec


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact that one service publishes and others may rely on.

    A subclass states its wire type, which ends in a version, once, where it is declared. Readers ignore members
    that they do not know, so adding an optional member keeps the version. Whatever carries state holds
    all of it, and a `version` by which an older copy is told from a newer one.
    """

    wire_type: ClassVar[str] = ""
    """The CloudEvents type and routing key: `ingest.scan.received.v1`."""
    live_only: ClassVar[bool] = False
    """Nobody keeps it: it is for who listens at that moment."""

    @classmethod
    def source(cls) -> str:
        """The CloudEvents source: the service that publishes it, `/muster/ingest`."""
        return f"/muster/{cls.wire_type.partition('.')[0]}"

    def subject(self) -> str | None:
        """What the event is about, as other systems filter by it."""
        return None

    def event_id(self) -> str | None:
        """The CloudEvents id, where the event's own content makes it unique; else None, and it is given one."""
        return None


class Version(msgspec.Struct, frozen=True, order=True, array_like=True):
    """Tells a newer copy of a state from an older one: `[epoch, n]`.

    `n` rises with each change; the epoch rises when a backup is restored, so that what
    happens after it is not taken for older than what was lost.
    """

    epoch: int
    n: int
